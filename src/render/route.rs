//! A route: a path and its handlers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use axum::http::Method;

use super::{IntoResponse, Request, Response};

/// The kind of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Public and cacheable: discovery, keys.
    Document,
    /// For clients and APIs: JSON.
    Machine,
    /// For users: HTML.
    Page,
    /// The static files of pages.
    File,
    /// For monitoring.
    Probe,
    /// For gateways of APIs, which describe the requests that they received.
    Gateway,
    /// The administration API.
    Api,
    /// The pages of administrators.
    Console,
}

/// The base of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// Below the issuer identifier, like most endpoints.
    Issuer,
    /// Below the root of the host, for clients that know only the host.
    Root,
    /// A well-known document: appended to the issuer identifier (OIDC Discovery §4), and inserted
    /// before its path (RFC 8414 §3.1), where the issuer has one.
    WellKnown,
}

/// The host names under which an endpoint is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The host of the issuer.
    Issuer,
    /// Also the host that requests client certificates (RFC 8705 §5), for endpoints without pages and cookies (THREATS
    /// MT-10).
    Everywhere,
    /// Everywhere, also over plain http, where other endpoints redirect to https.
    Plain,
}

type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;
type Handler = Box<dyn Fn(Request) -> ResponseFuture + Send + Sync>;

/// An endpoint.
pub struct Route {
    /// Its kind.
    pub kind: Kind,
    /// The base of its path.
    pub below: Below,
    /// Its host names.
    pub reach: Reach,
    /// Its path. A name in braces matches one segment, with a star at the end the whole rest.
    pub path: &'static str,
    /// Whether it may be requested in a frame, where it shows no page.
    pub even_framed: bool,
    methods: Vec<(Method, Handler)>,
    any: Option<Handler>,
}

impl Route {
    /// An endpoint below the issuer identifier, without handlers.
    pub const fn new(kind: Kind, path: &'static str) -> Self {
        Self {
            kind,
            below: Below::Issuer,
            reach: Reach::Issuer,
            path,
            even_framed: false,
            methods: Vec::new(),
            any: None,
        }
    }

    /// Makes it available also under the host that requests client certificates.
    #[must_use]
    pub const fn everywhere(mut self) -> Self {
        self.reach = Reach::Everywhere;
        self
    }

    /// Allows requests in frames, where it shows no page.
    #[must_use]
    pub const fn even_framed(mut self) -> Self {
        self.even_framed = true;
        self
    }

    /// Sets the base of its path.
    #[must_use]
    pub const fn below(mut self, below: Below) -> Self {
        self.below = below;
        self
    }

    /// Makes it available also over plain http.
    #[must_use]
    pub const fn even_plain(mut self) -> Self {
        self.reach = Reach::Plain;
        self
    }

    /// Adds the handler of `GET`.
    #[must_use]
    pub fn get<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        self.on(Method::GET, handler)
    }

    /// Adds the handler of `POST`.
    #[must_use]
    pub fn post<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        self.on(Method::POST, handler)
    }

    /// Adds the handler of all methods.
    #[must_use]
    pub fn any<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        self.any = Some(boxed(handler));
        self
    }

    /// Adds the handler of a method.
    #[must_use]
    pub fn on<F, Fut>(mut self, method: Method, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        self.methods.push((method, boxed(handler)));
        self
    }

    /// The allowed methods.
    pub fn methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().map(|(method, _)| method)
    }

    /// The value of `Allow`.
    pub fn allow(&self) -> String {
        if self.any.is_some() {
            return "any".to_owned();
        }
        self.methods().map(Method::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Calls the handler of the request's method; `None` if the method is not allowed.
    ///
    /// `HEAD` is handled as `GET` only where a request has no effect: elsewhere it is refused, because a request may
    /// decide something (THREATS AZ-16).
    pub fn call(&self, request: Request) -> Option<ResponseFuture> {
        let method = match (&request.head.method, self.kind) {
            (&Method::HEAD, Kind::Document | Kind::File | Kind::Probe) => &Method::GET,
            (method, _) => method,
        };
        let handler = self.methods.iter().find(|(allowed, _)| allowed == method);
        handler.map(|(_, handler)| handler).or(self.any.as_ref()).map(|handler| handler(request))
    }
}

fn boxed<F, Fut>(handler: F) -> Handler
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoResponse> + Send + 'static,
{
    Box::new(move |request: Request| {
        let head = request.head.clone();
        let result = handler(request);
        Box::pin(async move { result.await.into_response(&head) })
    })
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?})", self.allow(), self.path, self.kind)
    }
}
