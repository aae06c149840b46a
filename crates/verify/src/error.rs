//! Why a request is refused, and how an API says so: [RFC 6750 §3], [RFC 9449 §7.1].
//!
//! [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
//! [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1

use std::fmt::Write as _;

use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::proof::Proof;
use crate::types::{Code, Scheme};

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token, or the lack of one, does not allow it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Nobody can tell whether the token counts: 503. The text is for the log alone.
    #[error("the token could not be judged: {0}")]
    Unavailable(String),
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// There is no token.
    Missing,
    /// It does not count here.
    Token(&'static str),
    /// It counts, and does not allow this; these scopes would.
    Scope(String),
    /// The DPoP proof beside it is none, or not for this request.
    Proof(&'static str),
    /// Nobody can tell what was presented.
    Request(&'static str),
}

/// The refusal of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", code.map_or("no token", Code::as_str), why)]
pub struct Refusal {
    /// `error`; `None` where there was no token at all.
    pub code: Option<Code>,
    /// `error_description`: in words for whoever writes the client. Nothing that was sent is repeated in it.
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
        let mut told = String::new();
        let mut say = |name: &str, value: &str| {
            // Writing to a text does not fail.
            let _ = write!(told, ", {name}=\"{}\"", quotable(value));
        };
        if let Some(code) = code {
            say("error", code.as_str());
            say("error_description", why);
        }
        if let Some(scope) = scope {
            say("scope", &scope);
        }
        let realm = quotable(realm);
        let bearer = |told: &str| {
            let name = Scheme::Bearer.as_str();
            format!("{name} realm=\"{realm}\"{told}")
        };
        // > The value of the algs parameter […] a space-delimited list of the JWS algorithms (RFC 9449 §7.1)
        let algorithms: Vec<_> = Proof::ALGORITHMS.iter().map(|one| one.as_str()).collect();
        let algorithms = algorithms.join(" ");
        let dpop = |told: &str| {
            let name = Scheme::Dpop.as_str();
            format!("{name} realm=\"{realm}\"{told}, algs=\"{algorithms}\"")
        };
        let challenge = match (code, scheme) {
            // Whoever has shown nothing yet is told of both ways (RFC 9449 §7.2).
            (None, _) => format!("{}, {}", bearer(""), dpop("")),
            (Some(_), Scheme::Bearer) => bearer(&told),
            (Some(_), Scheme::Dpop) => dpop(&told),
        };
        Self { code, why, challenge }
    }

    /// The status of the answer: RFC 6750 §3.1; for a proof RFC 9449 §7.1, which has 400 for token endpoints alone.
    pub const fn status(&self) -> u16 {
        match self.code {
            None | Some(Code::InvalidDpopProof) => 401,
            Some(code) => code.status(),
        }
    }

    /// `WWW-Authenticate` of the answer.
    pub fn challenge(&self) -> &str {
        &self.challenge
    }
}

impl Error {
    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::Unavailable(_) => 503,
        }
    }

    /// `WWW-Authenticate` of the answer. `None`: no other token would help now.
    pub fn challenge(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(refusal.challenge()),
            Self::Unavailable(_) => None,
        }
    }
}

/// The answer: the status, the challenge, and the error as JSON. Of [`Error::Unavailable`] the caller learns only that
/// it may try again.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (code, why) = match &self {
            Self::Refused(Refusal { code, why, .. }) => (*code, *why),
            Self::Unavailable(_) => {
                (Some(Code::TemporarilyUnavailable), "we are busy; try again in a moment")
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

/// What may stand between quotes in a header field (RFC 9110 §5.6.4), without a need for escapes.
fn quotable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && *c != '"' && *c != '\\').collect()
}
