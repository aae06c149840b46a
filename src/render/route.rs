//! A line of the table of contents: a path, and who answers there.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use axum::http::Method;

use super::{IntoResponse, Request, Response};

/// For whom an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For everybody, to be kept: discovery, keys.
    Document,
    /// For client applications and APIs: JSON.
    Machine,
    /// For people: HTML.
    Page,
    /// What pages are made of.
    File,
    /// For those who watch us.
    Probe,
    /// For gateways before APIs, which tell us of requests that are not ours.
    Gateway,
}

/// Below what a path lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// Below the issuer identifier, like all endpoints.
    Issuer,
    /// Below the root of the host: for those who know the host alone.
    Root,
    /// A well-known document: appended to the issuer identifier (OIDC Discovery §4), and inserted
    /// before its path (RFC 8414 §3.1), where the issuer has one.
    WellKnown,
}

/// Under which of our names an endpoint is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Under the issuer's alone.
    Issuer,
    /// Also under the one that asks for client certificates (RFC 8705 §5), where it needs no page, no
    /// cookie and no person (THREATS MT-10).
    Everywhere,
    /// There as well, and over plain http where the rest is only sent on to https.
    Plain,
}

type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;
type Handler = Box<dyn Fn(Request) -> ResponseFuture + Send + Sync>;

/// An endpoint.
pub struct Route {
    /// For whom it is.
    pub kind: Kind,
    /// Below what its path lies.
    pub below: Below,
    /// Under which of our names it is found.
    pub reach: Reach,
    /// Its path; a name in braces at its end stands for any one segment, and with a star for whatever
    /// follows.
    pub path: &'static str,
    /// Whether a frame may ask here, where it needs no page.
    pub even_framed: bool,
    methods: Vec<(Method, Handler)>,
    any: Option<Handler>,
}

impl Route {
    /// An endpoint below the issuer identifier that nobody answers at yet.
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

    /// The same, also under the name that asks for client certificates.
    #[must_use]
    pub const fn everywhere(mut self) -> Self {
        self.reach = Reach::Everywhere;
        self
    }

    /// The same, also for frames: it shows them no page.
    #[must_use]
    pub const fn even_framed(mut self) -> Self {
        self.even_framed = true;
        self
    }

    /// The same elsewhere.
    #[must_use]
    pub const fn below(mut self, below: Below) -> Self {
        self.below = below;
        self
    }

    /// The same, also over plain http.
    #[must_use]
    pub const fn even_plain(mut self) -> Self {
        self.reach = Reach::Plain;
        self
    }

    /// Who answers `GET`.
    #[must_use]
    pub fn get<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        self.on(Method::GET, handler)
    }

    /// Who answers `POST`.
    #[must_use]
    pub fn post<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        self.on(Method::POST, handler)
    }

    /// Who answers every method.
    #[must_use]
    pub fn any<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        self.any = Some(boxed(handler));
        self
    }

    fn on<F, Fut>(mut self, method: Method, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        self.methods.push((method, boxed(handler)));
        self
    }

    /// The methods that are answered.
    pub fn methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().map(|(method, _)| method)
    }

    /// The methods that are answered, as `Allow` names them.
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
