//! Errors of the administration API: [RFC 9457], with the challenges of [RFC 6750 §3], [RFC 9449 §7.1] and
//! [RFC 9470 §3].
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
//! [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
//! [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
//! [RFC 9470 §3]: https://www.rfc-editor.org/rfc/rfc9470#section-3

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::response::{self, IntoResponse};
use super::{Head, Response, bearer, json};
use crate::admin::administrator::RECENT;
use crate::admin::{self, Subject};
use crate::flow::keys::kek;
use crate::flow::tokens::dpop::Scheme;
use crate::types::{Code, Error, Failure, Refusal};

/// `application/problem+json`
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request to the administration API is refused.
#[derive(Debug)]
pub enum Problem {
    /// It has no access token.
    Missing,
    /// It is refused, or the server failed.
    Error(Error),
    /// Members of its body, or parameters of its query, are invalid.
    Invalid(Vec<Invalid>),
    /// A rule refuses the value of a member of its body.
    About(Refusal, Invalid),
}

/// An invalid member or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = InvalidMember)]
pub struct Invalid {
    /// The member, as a JSON Pointer (RFC 6901); of a parameter of the query, its name after `?`.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: &'static str,
}

impl<E: Into<admin::Error>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Error(match error.into() {
            admin::Error::Rule(error) => error,
            admin::Error::Kek(kek::Missing::Store(error)) => error.into(),
            admin::Error::Kek(missing) => Failure::internal(missing).into(),
            // The text is for a terminal: it repeats what was entered.
            admin::Error::Invalid(text) => {
                Code::InvalidRequest.because("the request is invalid").with("reason", text).into()
            }
            admin::Error::NotFound(subject, _) => not_found(subject).into(),
        })
    }
}

fn not_found(subject: Subject) -> Refusal {
    Code::NotFound.because(match subject {
        Subject::Refusal => "no refused request has this reference",
        Subject::User => "there is no such user",
        Subject::UserOfEvents => "there is no such user, and no event refers to it",
        Subject::Client => "there is no such client",
        Subject::ClientOfEvents => "there is no such client, and no event refers to it",
        Subject::Resource => "there is no such API",
        Subject::Certificate => "there is no such certificate",
        Subject::Ca => "there is no built-in CA",
        Subject::CaCertificate => "the built-in CA has no such certificate",
    })
}

/// RFC 9457 §3.1, with the extensions `code`, `request_id` and `errors`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    /// > When "about:blank" is used, the title SHOULD be the same as the recommended HTTP status phrase for that
    /// > code (§4.2.1)
    r#type: &'static str,
    /// The phrase of the status.
    title: &'static str,
    /// The status of the response.
    status: u16,
    /// What is wrong, for the developer of the client.
    detail: &'static str,
    /// The error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// The request, for the log and the audit trail.
    request_id: String,
    /// The invalid members of the body and parameters of the query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Invalid>,
}

impl IntoResponse for Problem {
    fn into_response(self, head: &Head) -> Response {
        let (error, invalid) = match self {
            // > If the request lacks any authentication information […], the resource server SHOULD NOT
            // > include an error code or other error information. (RFC 6750 §3.1)
            Self::Missing => {
                let why = "an access token is required";
                let mut response = problem(head, StatusCode::UNAUTHORIZED, None, why, Vec::new());
                bearer::challenge(&mut response, Scheme::Bearer, "");
                bearer::challenge(&mut response, Scheme::Dpop, "");
                return response;
            }
            Self::Error(error) => (error, Vec::new()),
            Self::About(refusal, invalid) => (refusal.into(), vec![invalid]),
            Self::Invalid(invalid) => {
                let why = "the request has invalid members or parameters";
                (Code::InvalidRequest.because(why).into(), invalid)
            }
        };
        response::report(&error, head);
        let (code, why) = response::code_and_description(&error);
        let is_about_proof = matches!(code, Code::InvalidDpopProof | Code::UseDpopNonce);
        let status = if is_about_proof {
            // At a resource "the server responds with a 401" (RFC 9449 §7.1, §9).
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        };
        let mut response = problem(head, status, Some(code), why, invalid);
        response::set_retry(&mut response);
        let is_about_token = matches!(
            code,
            Code::InvalidToken | Code::InsufficientScope | Code::InsufficientUserAuthentication
        );
        if is_about_token || is_about_proof {
            let mut parameters = format!(", error=\"{code}\", error_description=\"{why}\"");
            if code == Code::InsufficientUserAuthentication {
                parameters.push_str(&format!(", max_age=\"{}\"", RECENT.0));
            }
            let (used, other) = if is_about_proof || bearer::uses_dpop_scheme(head) {
                (Scheme::Dpop, Scheme::Bearer)
            } else {
                (Scheme::Bearer, Scheme::Dpop)
            };
            bearer::challenge(&mut response, used, &parameters);
            if status == StatusCode::UNAUTHORIZED {
                bearer::challenge(&mut response, other, "");
            }
        }
        response
    }
}

impl Problem {
    /// An error response with this status, for errors outside handlers.
    pub fn plain(head: &Head, status: StatusCode, code: Code, why: &'static str) -> Response {
        problem(head, status, Some(code), why, Vec::new())
    }
}

fn problem(
    head: &Head,
    status: StatusCode,
    code: Option<Code>,
    detail: &'static str,
    errors: Vec<Invalid>,
) -> Response {
    let mut response = json::ok(&Body {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail,
        code: code.map(Code::as_str),
        request_id: head.trace.request_id.clone(),
        errors,
    });
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}
