//! A request ends in success, in a refusal (the protocol says no) or in a failure (we broke).

use std::fmt;

use super::token::may_hold_secret;

/// What every rule returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The protocol says no. The client learns why.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// We broke. The log learns why; the client only that it may try again.
    #[error("{0}")]
    Failed(#[from] Failure),
}

/// What went wrong on our side.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database did not do as asked: 503 `temporarily_unavailable`, never a refusal
    /// (THREATS DB-03).
    #[cfg(feature = "sql")]
    #[error("the store failed: {0}")]
    Store(#[from] sqlx::Error),
    /// More is asked of us than we take on at once, or what we know may be out of date: 503.
    #[error("busy: {0}")]
    Busy(&'static str),
    /// What the request rests on was changed by somebody else while it was judged, which is nobody's fault: 503,
    /// and the same request again is judged by what holds then.
    #[error("changed meanwhile: {0}")]
    Changed(&'static str),
    /// A defect or a broken key: 500 `server_error`.
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
    /// A defect, in words for the log.
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }
}

/// An error response in the words of the RFCs.
///
/// `why` is `&'static str` on purpose: nothing a client sent can be echoed back, and nothing we
/// know can leak through a format string. `facts` are for the log and the audit event only.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {why}")]
pub struct Refusal {
    /// The `error` parameter.
    pub code: Code,
    /// The `error_description` parameter.
    pub why: &'static str,
    /// What was compared, for the operator. Never a secret: there is no way from one to a fact.
    pub facts: Vec<(&'static str, String)>,
}

impl Refusal {
    /// Adds what was compared, for the log and the audit event. Long texts are cut; a secret that
    /// somebody sent in the place of a name is withheld (THREATS LG-01).
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        const LONGEST: usize = 256;
        let mut text = value.to_string();
        if may_hold_secret(&text) {
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
        /// The registered error codes that we use, each with the status that goes with it.
        ///
        /// The status is a function of the code, so no handler can pick its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$meta])* $name,)*
        }

        impl Code {
            /// All of them, for metrics and for tests.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The `error` parameter as it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $wire,)*
                }
            }

            /// The HTTP status where the error is the answer itself. RFC 6749 §5.2: 400 for
            /// everything, except 401 for `invalid_client`.
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
    /// RFC 6749 §4.1.2.1: our own failure, told through a redirect.
    ServerError "server_error" 500;
    /// RFC 6749 §4.1.2.1: try again.
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
    /// RFC 7591 §3.2.2.
    InvalidRedirectUri "invalid_redirect_uri" 400;
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata "invalid_client_metadata" 400;
    /// Not of an RFC: the body or a parameter is larger than we read (RFC 9110 §15.5.14).
    TooLarge "invalid_request" 413;
    /// Not of an RFC: the body did not come in time (RFC 9110 §15.5.9).
    TooSlow "invalid_request" 408;
    /// Not of an RFC: the body is not of the form we read (RFC 9110 §15.5.16).
    UnsupportedMediaType "invalid_request" 415;
    /// Not of an RFC: too many tries (RFC 6585 §4).
    TooManyRequests "temporarily_unavailable" 429;
    /// Not of an RFC: a form that did not come from our own page (THREATS UI-01).
    ForeignForm "access_denied" 403;
    /// Not of an RFC: an authorization request that names no client of ours.
    UnknownClient "invalid_request" 400;
    /// Not of an RFC: a redirect URI that is not registered for the client.
    UnknownRedirectUri "invalid_request" 400;
    /// Not of an RFC: a sign-in that has expired, was finished, or was begun in another browser.
    NoSuchSignIn "invalid_request" 400;
    /// Not of an RFC: a sign-out at the request of nobody whom we can prove (THREATS LO-03).
    UnprovenLogout "invalid_request" 400;
    /// Not of an RFC: there is no such thing, or not for you.
    NotFound "not_found" 404;
    /// Not of an RFC: the request came over a connection to another of our names (RFC 9110 §15.5.20).
    Misdirected "invalid_request" 421;
}

impl Code {
    /// A refusal with this code and a text for whoever writes the client.
    pub const fn because(self, why: &'static str) -> Refusal {
        Refusal { code: self, why, facts: Vec::new() }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
