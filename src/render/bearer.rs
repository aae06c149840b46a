//! Errors of endpoints that take access tokens: [RFC 6750 §3], [RFC 9449 §7.1].
//!
//! [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
//! [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};

use super::response::{self, IntoResponse};
use super::{Head, Response, json};
use crate::flow::tokens::dpop::{Proof, Scheme};
use crate::types::{Code, Error};

/// Why an access token is not accepted.
#[derive(Debug)]
pub enum Bearer {
    /// The request has none.
    Missing,
    /// It is refused, or the server failed.
    Error(Error),
}

impl<E: Into<Error>> From<E> for Bearer {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl IntoResponse for Bearer {
    fn into_response(self, head: &Head) -> Response {
        let error = match self {
            // > If the request lacks any authentication information […], the resource server SHOULD NOT
            // > include an error code or other error information. (RFC 6750 §3.1)
            Self::Missing => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::UNAUTHORIZED;
                challenge(&mut response, Scheme::Bearer, "");
                challenge(&mut response, Scheme::Dpop, "");
                return response;
            }
            Self::Error(error) => error,
        };
        response::report(&error, head);
        let (code, why) = response::code_and_description(&error);
        let mut response = json::error(code, why);
        let is_about_proof = matches!(code, Code::InvalidDpopProof | Code::UseDpopNonce);
        if is_about_proof {
            // The only status that depends on the endpoint: at the token endpoint these errors are 400 (RFC 9449
            // §5, §8), at a resource "the server responds with a 401" (§7.1, §9).
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        if matches!(error, Error::Refused(_)) {
            let parameters = format!(", error=\"{code}\", error_description=\"{why}\"");
            let (used, other) = if is_about_proof || uses_dpop_scheme(head) {
                (Scheme::Dpop, Scheme::Bearer)
            } else {
                (Scheme::Bearer, Scheme::Dpop)
            };
            challenge(&mut response, used, &parameters);
            if response.status() == StatusCode::UNAUTHORIZED {
                challenge(&mut response, other, "");
            }
        }
        response
    }
}

pub(super) fn uses_dpop_scheme(head: &Head) -> bool {
    let presented = head.text(AUTHORIZATION).and_then(Scheme::of_authorization);
    presented.is_some_and(|(scheme, _)| scheme == Scheme::Dpop)
}

/// Adds a challenge in a field of its own. Descriptions have neither quotes nor line breaks.
pub(super) fn challenge(response: &mut Response, scheme: Scheme, parameters: &str) {
    let name = scheme.as_str();
    let challenge = match scheme {
        Scheme::Bearer => format!("{name} realm=\"gatewright\"{parameters}"),
        Scheme::Dpop => {
            let algorithms: Vec<_> = Proof::ALGORITHMS.iter().map(|one| one.as_str()).collect();
            format!("{name} realm=\"gatewright\"{parameters}, algs=\"{}\"", algorithms.join(" "))
        }
    };
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().append(WWW_AUTHENTICATE, challenge);
    }
}
