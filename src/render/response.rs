//! The trait of everything that a handler may return, and how errors are reported.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};

use super::Response;
use super::request::Head;
use crate::types::{Code, Error, Failure};

/// What a handler may return. Unlike the trait of the same name in axum, it depends on the request.
pub trait IntoResponse {
    /// The response to the request with this head.
    fn into_response(self, head: &Head) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self, _: &Head) -> Response {
        self
    }
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn into_response(self, head: &Head) -> Response {
        match self {
            Ok(done) => done.into_response(head),
            Err(error) => error.into_response(head),
        }
    }
}

/// The code and the description of an error response. Of a failure, the client learns only whether to retry.
pub(super) fn code_and_description(error: &Error) -> (Code, &'static str) {
    match error {
        Error::Refused(refusal) => (refusal.code, refusal.why),
        Error::Failed(Failure::Store(_) | Failure::Busy(_) | Failure::Changed(_)) => {
            (Code::TemporarilyUnavailable, "the server is busy: try again in a moment")
        }
        Error::Failed(Failure::Internal(_)) => {
            (Code::ServerError, "the server has an internal error")
        }
    }
}

/// Reports an error to the log, the metrics and the audit trail. Every rendering of an error calls it once.
pub(super) fn report(error: &Error, head: &Head) {
    let app = head.app();
    match error {
        Error::Refused(refusal) => {
            app.metrics.refused(refusal.code);
            app.recorder.refused(refusal, &head.trace);
        }
        Error::Failed(Failure::Changed(what)) => {
            tracing::info!(request_id = %head.trace.request_id, what, "changed meanwhile");
        }
        Error::Failed(failure) => {
            app.metrics.failed();
            tracing::error!(request_id = %head.trace.request_id, error = %failure, "failed");
        }
    }
}

/// Sets the status of a code, with [`set_retry`].
pub(super) fn set_status(response: &mut Response, code: Code) {
    let status = StatusCode::from_u16(code.status());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set_retry(response);
}

/// Adds `Retry-After` to a status after which the client should retry.
pub(super) fn set_retry(response: &mut Response) {
    if matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
    {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
}
