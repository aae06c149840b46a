//! Errors of endpoints that take access tokens: [RFC 6750 §3].
//!
//! [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};

use super::answer::{self, Answer};
use super::{Head, Response, json};
use crate::types::Error;

/// Why an access token was of no use.
#[derive(Debug)]
pub enum Bearer {
    /// There is none.
    Missing,
    /// It is refused, or we broke.
    Error(Error),
}

impl<E: Into<Error>> From<E> for Bearer {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl Answer for Bearer {
    fn answer(self, head: &Head) -> Response {
        let error = match self {
            // > If the request lacks any authentication information […], the resource server SHOULD NOT
            // > include an error code or other error information. (§3.1)
            Self::Missing => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::UNAUTHORIZED;
                let challenge = HeaderValue::from_static("Bearer realm=\"gatewright\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                return response;
            }
            Self::Error(error) => error,
        };
        answer::tell(&error, head);
        let (code, why) = answer::words(&error);
        let mut response = json::error(code, why);
        if matches!(error, Error::Refused(_)) {
            let challenge = format!(
                "Bearer realm=\"gatewright\", error=\"{code}\", error_description=\"{why}\""
            );
            // Texts of ours have neither quotes nor line breaks; a test reads them all.
            if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
        }
        response
    }
}
