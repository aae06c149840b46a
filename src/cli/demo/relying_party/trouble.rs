//! What can go wrong between the application and its provider, in plain words.

use oauth2::RequestTokenError;
use oauth2::basic::{BasicErrorResponse, BasicRequestTokenError};

/// Why something did not work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// RFC 6749 §4.1.2.1, `access_denied`.
    #[error("Nobody was signed in: the request was declined.")]
    Declined,
    /// The browser brings an answer to a question that it did not ask here.
    #[error(
        "This sign-in was not begun in this browser, or it was finished already. Please begin again."
    )]
    NotOurs,
    /// The server says no.
    #[error("{what}: {code}{}.", self.because())]
    Refused {
        /// What it says no to.
        what: &'static str,
        /// `error`
        code: String,
        /// `error_description`
        why: Option<String>,
    },
    /// What the server said cannot be believed, so nothing was taken from it.
    #[error("The answer was not accepted: {0}.")]
    Untrusted(&'static str),
    /// What the server said is not what the standards let it say.
    #[error("The server gave an answer that the standards do not know: {0}.")]
    Odd(&'static str),
    /// There is no answer.
    #[error("The server does not answer. Is it running?")]
    Silent(#[source] reqwest::Error),
    /// The keys of the server cannot be fetched.
    #[error("The keys of the server are not available: {0}.")]
    NoKeys(String),
}

impl Trouble {
    /// What a server says no with, at any endpoint.
    pub(super) fn refused(what: &'static str, code: &str, why: Option<&str>) -> Self {
        let why = why.filter(|why| !why.is_empty()).map(str::to_owned);
        Self::Refused { what, code: code.to_owned(), why }
    }

    /// What came of a request to the token endpoint.
    pub(super) fn at_token(
        what: &'static str,
    ) -> impl FnOnce(BasicRequestTokenError<reqwest::Error>) -> Self {
        move |error| match error {
            RequestTokenError::ServerResponse(answer) => Self::of_answer(what, &answer),
            RequestTokenError::Request(error) => Self::Silent(error),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Self::Odd("it is not a token response (RFC 6749 section 5.1)")
            }
        }
    }

    fn of_answer(what: &'static str, answer: &BasicErrorResponse) -> Self {
        let why = answer.error_description().map(String::as_str);
        Self::refused(what, answer.error().as_ref(), why)
    }

    fn because(&self) -> String {
        match self {
            Self::Refused { why: Some(why), .. } => format!(" ({})", why.trim_end_matches('.')),
            Self::Refused { why: None, .. }
            | Self::Declined
            | Self::NotOurs
            | Self::Untrusted(_)
            | Self::Odd(_)
            | Self::NoKeys(_)
            | Self::Silent(_) => String::new(),
        }
    }
}
