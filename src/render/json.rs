//! JSON responses: [RFC 6749 §5].
//!
//! [RFC 6749 §5]: https://www.rfc-editor.org/rfc/rfc6749#section-5

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::response::{self, IntoResponse};
use super::{Head, Response};
use crate::types::{Code, Error, Failure};

/// An error response: RFC 6749 §5.2.
#[derive(Debug)]
pub struct Json(Error);

impl<E: Into<Error>> From<E> for Json {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl Json {
    /// An error response with this status, for errors outside handlers.
    pub fn plain(status: StatusCode, code: Code, why: &'static str) -> Response {
        let mut response = error(code, why);
        *response.status_mut() = status;
        response
    }
}

impl IntoResponse for Json {
    fn into_response(self, head: &Head) -> Response {
        response::report(&self.0, head);
        let (code, why) = response::code_and_description(&self.0);
        let mut response = error(code, why);
        // > If the client attempted to authenticate via the "Authorization" request header field, the
        // > authorization server MUST respond with an HTTP 401 (Unauthorized) status code and include
        // > the "WWW-Authenticate" response header field matching the authentication scheme (§5.2)
        if code == Code::InvalidClient && head.headers.contains_key(AUTHORIZATION) {
            let challenge = HeaderValue::from_static("Basic realm=\"gatewright\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[derive(Serialize)]
struct ErrorBody {
    error: &'static str,
    error_description: &'static str,
}

/// The JSON body of an error, with the status of its code.
pub(super) fn error(code: Code, why: &'static str) -> Response {
    let mut response = ok(&ErrorBody { error: code.as_str(), error_description: why });
    response::set_status(&mut response, code);
    response
}

/// A successful response that must not be cached (RFC 6749 §5.1).
pub fn ok(body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => typed("application/json; charset=utf-8", body),
        Err(failure) => {
            tracing::error!(error = %failure, "a response cannot be serialized as JSON");
            error(
                Code::ServerError,
                response::code_and_description(&Failure::internal("").into()).1,
            )
        }
    }
}

/// A response of this media type that must not be cached.
pub fn typed(media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
