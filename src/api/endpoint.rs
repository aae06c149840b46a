//! An endpoint of the API: a method and a path, the action that it performs, and what the specification says of it.
//!
//! `Endpoint::new` takes the action, so there is no endpoint without a permission. The permission is checked before
//! anything else of the request is read.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::{Method, StatusCode};

use super::access;
use super::request::ApiRequest;
use super::schema::SchemaOf;
use crate::admin::Action;
use crate::render::{Head, Problem, Request, Response};
use crate::types::Code;

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every administrator, whatever their roles.
    Administrators,
    /// Administrators whose roles, and scope, include the action.
    Action(Action),
}

/// A parameter of the query.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it selects.
    pub text: &'static str,
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestBody {
    /// The media type.
    pub media_type: &'static str,
    /// The schema.
    pub schema: SchemaOf,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;
type Handler = Box<dyn Fn(ApiRequest) -> Answering + Send + Sync>;

/// An endpoint.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub summary: &'static str,
    /// The parameters of its query. Any other is refused.
    pub query: Vec<Parameter>,
    /// The body of requests.
    pub body: Option<RequestBody>,
    /// Whether requests must name the version that they change (`If-Match`), and responses have it (`ETag`).
    pub is_versioned: bool,
    /// Whether requests may have an `Idempotency-Key`.
    pub is_idempotent: bool,
    /// The status of success.
    pub status: StatusCode,
    /// The body of successful responses.
    pub answer: Option<SchemaOf>,
    handler: Handler,
}

impl Endpoint {
    /// An endpoint that performs this action.
    pub(super) fn new<F, Fut>(
        method: Method,
        path: &'static str,
        action: Action,
        handler: F,
    ) -> Self
    where
        F: Fn(ApiRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        Self::with_access(method, path, Access::Action(action), handler)
    }

    /// An endpoint for every administrator: it shows them only what is their own.
    pub(super) fn of_administrators<F, Fut>(path: &'static str, handler: F) -> Self
    where
        F: Fn(ApiRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        Self::with_access(Method::GET, path, Access::Administrators, handler)
    }

    fn with_access<F, Fut>(method: Method, path: &'static str, access: Access, handler: F) -> Self
    where
        F: Fn(ApiRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        Self {
            method,
            path,
            access,
            summary: "",
            query: Vec::new(),
            body: None,
            is_versioned: false,
            is_idempotent: false,
            status: StatusCode::NO_CONTENT,
            answer: None,
            handler: Box::new(move |request| Box::pin(handler(request))),
        }
    }

    /// Says what it does.
    #[must_use]
    pub(super) const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Adds a parameter of the query.
    #[must_use]
    pub(super) fn query(mut self, name: &'static str, text: &'static str) -> Self {
        self.query.push(Parameter { name, text });
        self
    }

    /// Sets the body of requests.
    #[must_use]
    pub(super) const fn body(mut self, media_type: &'static str, schema: SchemaOf) -> Self {
        self.body = Some(RequestBody { media_type, schema });
        self
    }

    /// Requests name the version that they change.
    #[must_use]
    pub(super) const fn versioned(mut self) -> Self {
        self.is_versioned = true;
        self
    }

    /// Requests may have an `Idempotency-Key`.
    #[must_use]
    pub(super) const fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// Sets the status and the body of success; without it, 204.
    #[must_use]
    pub(super) const fn answers(mut self, status: StatusCode, schema: SchemaOf) -> Self {
        self.status = status;
        self.answer = Some(schema);
        self
    }

    /// Responds to a request.
    pub(super) async fn call(self: Arc<Self>, request: Request) -> Result<Response, Problem> {
        let administrator = access::administrator(&request.head, self.access).await?;
        self.must_know_parameters(&request.head)?;
        let media_type = self.body.map(|body| body.media_type);
        (self.handler)(ApiRequest::read(request, administrator, media_type).await?).await
    }

    fn must_know_parameters(&self, head: &Head) -> Result<(), Problem> {
        let query = head.query()?;
        let known = |name: &str| self.query.iter().any(|known| known.name == name);
        if query.names().all(known) {
            return Ok(());
        }
        let why = "the query has a parameter that this address does not have";
        Err(Code::InvalidRequest.because(why).into())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?})", self.method, self.path, self.access)
    }
}
