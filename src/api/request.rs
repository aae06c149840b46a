//! A request of an administrator.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::admin::{Administrator, Call};
use crate::render::{Head, Problem, Request};
use crate::types::{Code, Refusal, json, params};

/// `application/json`
pub(super) const JSON: &str = "application/json";

/// `application/merge-patch+json`: RFC 7396.
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";

/// A request of an administrator who may make it.
#[derive(Debug)]
pub(super) struct ApiRequest {
    head: Arc<Head>,
    administrator: Administrator,
    body: Map<String, Value>,
}

impl ApiRequest {
    /// Reads the body of a request, if the endpoint expects one of this media type.
    ///
    /// # Errors
    /// `invalid_request`, also with the statuses 408, 413 and 415.
    pub(super) async fn read(
        mut request: Request,
        administrator: Administrator,
        media_type: Option<&str>,
    ) -> Result<Self, Problem> {
        let body = match media_type {
            Some(media_type) => object(&mut request, media_type).await?,
            None => Map::new(),
        };
        Ok(Self { head: request.head, administrator, body })
    }

    /// The request without its body.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// The body: a JSON object.
    pub(super) const fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// The call of an action.
    pub(super) fn call(&self) -> Call<'_> {
        self.head.app().administration(&self.administrator)
    }

    /// Who sends it, as in audit events.
    pub(super) fn actor(&self) -> String {
        self.administrator.trace().actor.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// The value of a parameter of the path, decoded. What is not encoded properly identifies nothing.
    ///
    /// # Errors
    /// `not_found`.
    pub(super) fn parameter(&self, name: &str) -> Result<String, Refusal> {
        // In a path, + is a character like any other (RFC 3986 §3.3).
        let value = self.head().parameter(name).replace('+', "%2B");
        params::decode(&value).map_err(|_| Code::NotFound.because("there is no such object"))
    }

    /// A parameter of the query.
    ///
    /// # Errors
    /// `invalid_request` if it is repeated or malformed.
    pub(super) fn query(&self, name: &str) -> Result<Option<String>, Refusal> {
        Ok(self.head().query()?.one(name)?.map(str::to_owned))
    }
}

async fn object(request: &mut Request, media_type: &str) -> Result<Map<String, Value>, Problem> {
    let body = request.body_of(media_type).await?;
    json::parse_object(&body).map_err(|why| {
        Code::InvalidRequest
            .because("the body of the request is not a valid JSON object")
            .with("reason", why)
            .into()
    })
}
