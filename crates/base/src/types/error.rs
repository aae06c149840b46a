//! Errors: a refusal, when the protocol says no, or a failure, when the server has a fault.

use std::fmt;

use super::token::may_contain_secret;

/// The result of a rule.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The protocol refuses the request; the response contains the reason.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The server has a fault. The log has the details; the response only invites the client to retry.
    #[error("{0}")]
    Failed(#[from] Failure),
}

/// A fault of the server.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database failed: 503 `temporarily_unavailable`, never a refusal (THREATS DB-03).
    #[cfg(feature = "sql")]
    #[error("the store failed: {0}")]
    Store(#[from] sqlx::Error),
    /// Overload, or cached data may be out of date: 503.
    #[error("busy: {0}")]
    Busy(&'static str),
    /// A concurrent change affected the request: 503. A retry succeeds or is refused by the new
    /// state.
    #[error("changed meanwhile: {0}")]
    Changed(&'static str),
    /// A defect or an unusable key: 500 `server_error`.
    #[error("{0}")]
    Internal(String),
}

#[cfg(feature = "sql")]
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(Failure::Store(error))
    }
}

impl Failure {
    /// A defect, described for the log.
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }
}

/// An error response.
///
/// `why` is `&'static str`, so no client input can be echoed and nothing internal can be formatted
/// into it. `facts` are for the log and the audit event only.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {why}")]
pub struct Refusal {
    /// The `error` parameter.
    pub code: Code,
    /// The `error_description` parameter.
    pub why: &'static str,
    /// Values that were compared, for the operator. Secrets cannot be converted into facts.
    pub facts: Vec<(&'static str, String)>,
}

impl Refusal {
    /// Adds a compared value, for the log and the audit event. Long texts are truncated, and a text
    /// that looks like a secret is withheld (THREATS LG-01).
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        const LONGEST: usize = 256;
        let mut text = value.to_string();
        if may_contain_secret(&text) {
            text = "withheld: it looks like a secret".to_owned();
        }
        if text.len() > LONGEST {
            let mut end = LONGEST;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push('…');
        }
        self.facts.push((name, text));
        self
    }
}

// Not `wire_enum!`: several codes share a name on the wire, and each has a status beside it.
macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident $wire:literal $status:literal;)*) => {
        /// The error codes, each with its status, so that no handler chooses one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$meta])* $name,)*
        }

        impl Code {
            /// All codes, for metrics and tests.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The `error` parameter.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $wire,)*
                }
            }

            /// The status if the error is the response itself. RFC 6749 §5.2: 400, except 401 for
            /// `invalid_client`.
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }
        }
    };
}

codes! {
    /// RFC 6749 §5.2.
    InvalidRequest "invalid_request" 400;
    /// RFC 6749 §5.2.
    InvalidClient "invalid_client" 401;
    /// RFC 6749 §5.2.
    InvalidGrant "invalid_grant" 400;
    /// RFC 6749 §5.2.
    UnauthorizedClient "unauthorized_client" 400;
    /// RFC 6749 §5.2.
    UnsupportedGrantType "unsupported_grant_type" 400;
    /// RFC 6749 §5.2.
    InvalidScope "invalid_scope" 400;
    /// RFC 6749 §4.1.2.1.
    AccessDenied "access_denied" 400;
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType "unsupported_response_type" 400;
    /// RFC 6749 §4.1.2.1: a fault of the server, in a redirect.
    ServerError "server_error" 500;
    /// RFC 6749 §4.1.2.1: retry later.
    TemporarilyUnavailable "temporarily_unavailable" 503;
    /// RFC 9449 §5.
    InvalidDpopProof "invalid_dpop_proof" 400;
    /// RFC 9449 §8.
    UseDpopNonce "use_dpop_nonce" 400;
    /// RFC 8707 §2.
    InvalidTarget "invalid_target" 400;
    /// OIDC Core §3.1.2.6.
    LoginRequired "login_required" 400;
    /// OIDC Core §3.1.2.6.
    ConsentRequired "consent_required" 400;
    /// OIDC Core §3.1.2.6.
    RequestNotSupported "request_not_supported" 400;
    /// OIDC Core §3.1.2.6.
    RequestUriNotSupported "request_uri_not_supported" 400;
    /// OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
    UnmetAuthenticationRequirements "unmet_authentication_requirements" 400;
    /// RFC 6750 §3.1.
    InvalidToken "invalid_token" 401;
    /// RFC 6750 §3.1.
    InsufficientScope "insufficient_scope" 403;
    /// RFC 9470 §3.
    InsufficientUserAuthentication "insufficient_user_authentication" 401;
    /// Not from an RFC: the administrator's roles do not include the action.
    Forbidden "access_denied" 403;
    /// Not from an RFC: the change conflicts with the present state (RFC 9110 §15.5.10).
    Conflict "conflict" 409;
    /// Not from an RFC: the object was changed since the caller read it (RFC 9110 §15.5.13).
    PreconditionFailed "precondition_failed" 412;
    /// Not from an RFC: a change must name the version that the caller read (RFC 6585 §3).
    PreconditionRequired "precondition_required" 428;
    /// RFC 7591 §3.2.2.
    InvalidRedirectUri "invalid_redirect_uri" 400;
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata "invalid_client_metadata" 400;
    /// Not from an RFC: the body or a parameter is too large (RFC 9110 §15.5.14).
    TooLarge "invalid_request" 413;
    /// Not from an RFC: the body was not received in time (RFC 9110 §15.5.9).
    TooSlow "invalid_request" 408;
    /// Not from an RFC: the media type of the body is not supported (RFC 9110 §15.5.16).
    UnsupportedMediaType "invalid_request" 415;
    /// Not from an RFC: too many attempts (RFC 6585 §4).
    TooManyRequests "temporarily_unavailable" 429;
    /// Not from an RFC: a form from another site (THREATS UI-01).
    ForeignForm "access_denied" 403;
    /// Not from an RFC: the authorization request names an unknown client.
    UnknownClient "invalid_request" 400;
    /// Not from an RFC: the redirect URI is not registered for the client.
    UnknownRedirectUri "invalid_request" 400;
    /// Not from an RFC: a sign-in that has expired, was completed, or was begun in another browser.
    NoSuchSignIn "invalid_request" 400;
    /// Not from an RFC: a logout request without proof of its origin (THREATS LO-03).
    UnprovenLogout "invalid_request" 400;
    /// Not from an RFC: it does not exist, or is not visible to the caller.
    NotFound "not_found" 404;
    /// Not from an RFC: the connection is for another host name (RFC 9110 §15.5.20).
    Misdirected "invalid_request" 421;
}

impl Code {
    /// A refusal with this code and a text for the client's developer.
    pub const fn because(self, why: &'static str) -> Refusal {
        Refusal { code: self, why, facts: Vec::new() }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
