//! Pages: how HTML is answered, and the page of an error.

use askama::Template;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, StatusCode};

use super::answer::{self, Answer};
use super::layout::Link;
use super::view::{Back, ErrorPage};
use super::words::Trouble;
use super::{Head, Response, json};
use crate::types::{Code, Error};

/// What a page may do: DESIGN §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Csp {
    /// Forms go to us.
    Staying,
    /// Its form may end at a client: browsers apply `form-action` to the whole chain of redirects.
    Leaving,
    /// A script of ours sends its form to a client.
    Posting,
}

impl Csp {
    const fn policy(self) -> &'static str {
        match self {
            Self::Staying => {
                "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                 frame-ancestors 'none'; base-uri 'none'"
            }
            Self::Leaving => {
                "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; \
                 base-uri 'none'"
            }
            Self::Posting => {
                "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                 frame-ancestors 'none'; base-uri 'none'"
            }
        }
    }
}

/// A page.
pub fn html(page: &impl Template, csp: Csp) -> Response {
    let text = match page.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            return json::error(Code::ServerError, "something broke on our side");
        }
    };
    let mut response = json::typed("text/html; charset=utf-8", text);
    let policy = HeaderValue::from_static(csp.policy());
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// An error that a person reads: in their language, with the id that leads to the log and the event.
#[derive(Debug)]
pub struct Page {
    error: Error,
    trouble: Option<Trouble>,
    back: Option<(String, String)>,
}

impl<E: Into<Error>> From<E> for Page {
    fn from(error: E) -> Self {
        Self { error: error.into(), trouble: None, back: None }
    }
}

impl Page {
    /// In words that say more than the code does.
    #[must_use]
    pub const fn about(mut self, trouble: Trouble) -> Self {
        self.trouble = Some(trouble);
        self
    }

    /// With a way out. The address must be proven to be the client's (THREATS UI-07).
    #[must_use]
    pub fn back_to(mut self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.back = Some((name.into(), url.into()));
        self
    }
}

impl Answer for Page {
    fn answer(self, head: &Head) -> Response {
        answer::tell(&self.error, head);
        let (code, why) = answer::words(&self.error);
        let trouble = self.trouble.unwrap_or_else(|| trouble(code));
        let back = self.back.as_ref().and_then(|(name, url)| {
            let link = Link::to(url)?;
            Some(Back { name, link })
        });
        let mut response = error(head, trouble, code, Some(why), back);
        answer::status(&mut response, code);
        response
    }
}

/// The page of an error that no handler has met, with this status.
pub fn plain(head: &Head, status: StatusCode, trouble: Trouble, code: Code) -> Response {
    let mut response = error(head, trouble, code, None, None);
    *response.status_mut() = status;
    response
}

fn error(
    head: &Head,
    trouble: Trouble,
    code: Code,
    why: Option<&str>,
    back: Option<Back<'_>>,
) -> Response {
    let page = ErrorPage {
        layout: head.layout(head.words()),
        trouble,
        code: code.as_str(),
        why,
        reference: &head.trace.request_id,
        back,
    };
    html(&page, Csp::Staying)
}

/// What people are told where nothing says more than the code.
const fn trouble(code: Code) -> Trouble {
    match code {
        Code::NotFound => Trouble::NotFound,
        Code::UnknownClient => Trouble::UnknownClient,
        Code::UnknownRedirectUri => Trouble::RedirectUri,
        Code::NoSuchSignIn => Trouble::Expired,
        Code::TooManyRequests => Trouble::TooMany,
        Code::ForeignForm => Trouble::ForeignForm,
        Code::TemporarilyUnavailable => Trouble::Busy,
        Code::ServerError => Trouble::Broken,
        Code::InvalidRequest
        | Code::InvalidClient
        | Code::InvalidGrant
        | Code::UnauthorizedClient
        | Code::UnsupportedGrantType
        | Code::InvalidScope
        | Code::AccessDenied
        | Code::UnsupportedResponseType
        | Code::InvalidDpopProof
        | Code::UseDpopNonce
        | Code::InvalidTarget
        | Code::LoginRequired
        | Code::ConsentRequired
        | Code::RequestNotSupported
        | Code::RequestUriNotSupported
        | Code::UnmetAuthenticationRequirements
        | Code::InvalidToken
        | Code::InsufficientScope
        | Code::InvalidRedirectUri
        | Code::InvalidClientMetadata
        | Code::TooLarge
        | Code::TooSlow
        | Code::UnsupportedMediaType => Trouble::BadRequest,
    }
}
