//! Errors between the application and its provider, with messages for the user.

use oauth2::RequestTokenError;
use oauth2::basic::{BasicErrorResponse, BasicRequestTokenError};

/// Why a sign-in or a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// RFC 6749 §4.1.2.1, `access_denied`.
    #[error("You are not signed in: the request was declined.")]
    AccessDenied,
    /// `state` is not that of a pending request of this browser.
    #[error(
        "This sign-in was begun in another browser, or was finished already. Please sign in again."
    )]
    UnknownState,
    /// An error response.
    #[error("{what}: {code}{}.", self.description())]
    Refused {
        /// The refused request.
        what: &'static str,
        /// `error`
        code: String,
        /// `error_description`
        why: Option<String>,
    },
    /// The response failed validation; nothing of it is used.
    #[error("The response was not accepted: {0}.")]
    Invalid(&'static str),
    /// The response does not have the form that the standards define.
    #[error("The response of the server is malformed: {0}.")]
    Malformed(&'static str),
    /// There is no response.
    #[error("The server does not respond. Is it running?")]
    NoResponse(#[source] reqwest::Error),
    /// The keys of the server cannot be fetched.
    #[error("The keys of the server are not available: {0}.")]
    NoKeys(String),
}

impl Error {
    /// An error response, of any endpoint.
    pub(super) fn refused(what: &'static str, code: &str, why: Option<&str>) -> Self {
        let why = why.filter(|why| !why.is_empty()).map(str::to_owned);
        Self::Refused { what, code: code.to_owned(), why }
    }

    /// The error of a request to the token endpoint.
    pub(super) fn at_token(
        what: &'static str,
    ) -> impl FnOnce(BasicRequestTokenError<reqwest::Error>) -> Self {
        move |error| match error {
            RequestTokenError::ServerResponse(response) => Self::from_response(what, &response),
            RequestTokenError::Request(error) => Self::NoResponse(error),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Self::Malformed("it is not a token response (RFC 6749 section 5.1)")
            }
        }
    }

    fn from_response(what: &'static str, response: &BasicErrorResponse) -> Self {
        let why = response.error_description().map(String::as_str);
        Self::refused(what, response.error().as_ref(), why)
    }

    fn description(&self) -> String {
        match self {
            Self::Refused { why: Some(why), .. } => format!(" ({})", why.trim_end_matches('.')),
            Self::Refused { why: None, .. }
            | Self::AccessDenied
            | Self::UnknownState
            | Self::Invalid(_)
            | Self::Malformed(_)
            | Self::NoKeys(_)
            | Self::NoResponse(_) => String::new(),
        }
    }
}
