//! Refusals of requests, and their responses: [RFC 6750 §3], [RFC 9449 §7.1].
//!
//! [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
//! [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1

use std::fmt::Write as _;

use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::proof::Proof;
use crate::types::{Code, Scheme};

/// Why a request is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token is missing, invalid or insufficient.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The token cannot be verified now: 503. The text is for the log only.
    #[error("the token could not be verified: {0}")]
    Unavailable(String),
}

/// The reason of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// There is no token.
    Missing,
    /// The token is not valid here.
    Token(&'static str),
    /// The token is valid but lacks one of these scopes.
    Scope(String),
    /// The DPoP proof is missing or invalid.
    Proof(&'static str),
    /// The request cannot be parsed.
    Request(&'static str),
}

/// The refusal of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", code.map_or("no token", Code::as_str), why)]
pub struct Refusal {
    /// `error`; `None` if there is no token.
    pub code: Option<Code>,
    /// `error_description`, for the client's developer. It never contains client input.
    pub why: &'static str,
    challenge: String,
}

impl Refusal {
    pub(super) fn new(realm: &str, scheme: Scheme, reason: Reason) -> Self {
        let (code, why, scope) = match reason {
            // > If the request lacks any authentication information […], the resource server SHOULD NOT
            // > include an error code or other error information. (RFC 6750 §3.1)
            Reason::Missing => (None, "there is no access token", None),
            Reason::Token(why) => (Some(Code::InvalidToken), why, None),
            Reason::Proof(why) => (Some(Code::InvalidDpopProof), why, None),
            Reason::Request(why) => (Some(Code::InvalidRequest), why, None),
            Reason::Scope(scope) => {
                (Some(Code::InsufficientScope), "the access token lacks a scope", Some(scope))
            }
        };
        let mut parameters = String::new();
        let mut add = |name: &str, value: &str| {
            // Writing to a String does not fail.
            let _ = write!(parameters, ", {name}=\"{}\"", quotable(value));
        };
        if let Some(code) = code {
            add("error", code.as_str());
            add("error_description", why);
        }
        if let Some(scope) = scope {
            add("scope", &scope);
        }
        let realm = quotable(realm);
        let bearer = |parameters: &str| {
            let name = Scheme::Bearer.as_str();
            format!("{name} realm=\"{realm}\"{parameters}")
        };
        // > The value of the algs parameter […] a space-delimited list of the JWS algorithms (RFC 9449 §7.1)
        let algorithms: Vec<_> = Proof::ALGORITHMS.iter().map(|one| one.as_str()).collect();
        let algorithms = algorithms.join(" ");
        let dpop = |parameters: &str| {
            let name = Scheme::Dpop.as_str();
            format!("{name} realm=\"{realm}\"{parameters}, algs=\"{algorithms}\"")
        };
        let challenge = match (code, scheme) {
            // Without a token, both schemes are offered (RFC 9449 §7.2).
            (None, _) => format!("{}, {}", bearer(""), dpop("")),
            (Some(_), Scheme::Bearer) => bearer(&parameters),
            (Some(_), Scheme::Dpop) => dpop(&parameters),
        };
        Self { code, why, challenge }
    }

    /// The status of the response: RFC 6750 §3.1; for DPoP proofs RFC 9449 §7.1, which uses 400
    /// only at token endpoints.
    pub const fn status(&self) -> u16 {
        match self.code {
            None | Some(Code::InvalidDpopProof) => 401,
            Some(code) => code.status(),
        }
    }

    /// `WWW-Authenticate` of the response.
    pub fn challenge(&self) -> &str {
        &self.challenge
    }
}

impl Error {
    /// The status of the response.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::Unavailable(_) => 503,
        }
    }

    /// `WWW-Authenticate` of the response. `None`: another token would not help now.
    pub fn challenge(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(refusal.challenge()),
            Self::Unavailable(_) => None,
        }
    }
}

/// The response: status, challenge, and the error as JSON. [`Error::Unavailable`] only
/// invites the caller to retry.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (code, why) = match &self {
            Self::Refused(Refusal { code, why, .. }) => (*code, *why),
            Self::Unavailable(_) => {
                (Some(Code::TemporarilyUnavailable), "the API is busy: try again in a moment")
            }
        };
        let body = code.map_or_else(serde_json::Map::new, |code| {
            let members = [("error", code.as_str()), ("error_description", why)];
            members.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect()
        });
        let mut response = serde_json::Value::Object(body).to_string().into_response();
        *response.status_mut() =
            StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(axum::http::header::CONTENT_TYPE, json);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(Ok(challenge)) = self.challenge().map(HeaderValue::from_str) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if matches!(self, Self::Unavailable(_)) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// Keeps the characters of a quoted string that need no escape (RFC 9110 §5.6.4).
fn quotable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && *c != '"' && *c != '\\').collect()
}
