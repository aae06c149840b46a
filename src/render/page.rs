//! HTML responses, and the error page.

use askama::Template;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, StatusCode};

use super::response::{self, IntoResponse};
use super::support::Report;
use super::view::ErrorPage;
use super::visit::home_link;
use super::words::ErrorKind;
use super::{Head, Response, json};
use crate::flow::authorize::Home;
use crate::types::{Code, Error};

/// The Content-Security-Policy of a page: DESIGN §4. Scripts are static files, never inline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Csp {
    /// Its forms stay at this server.
    Staying,
    /// Its form may be redirected to a client. Browsers apply `form-action` to all redirects, so it is left out.
    Leaving,
}

impl Csp {
    const fn policy(self) -> &'static str {
        match self {
            Self::Staying => {
                "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                 form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            }
            Self::Leaving => {
                "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                 frame-ancestors 'none'; base-uri 'none'"
            }
        }
    }
}

/// The response with a page.
pub fn html(page: &impl Template, csp: Csp) -> Response {
    let text = match page.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a template cannot be rendered");
            return json::error(Code::ServerError, "the server has an internal error");
        }
    };
    let mut response = json::typed("text/html; charset=utf-8", text);
    let policy = HeaderValue::from_static(csp.policy());
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// An error page in the language of the user, with the request id of the log line and the audit event.
#[derive(Debug)]
pub struct Page {
    error: Error,
    home: Option<Home>,
}

impl<E: Into<Error>> From<E> for Page {
    fn from(error: E) -> Self {
        Self { error: error.into(), home: None }
    }
}

impl Page {
    /// An error page with a link back to the application.
    pub const fn with_home(error: Error, home: Option<Home>) -> Self {
        Self { error, home }
    }
}

impl IntoResponse for Page {
    fn into_response(self, head: &Head) -> Response {
        response::report(&self.error, head);
        let (code, why) = response::code_and_description(&self.error);
        let mut response = error(head, kind_of(code), code, Some(why), self.home.as_ref());
        response::set_status(&mut response, code);
        response
    }
}

/// An error page with this status, for errors outside handlers.
pub fn plain(head: &Head, status: StatusCode, kind: ErrorKind, code: Code) -> Response {
    let mut response = error(head, kind, code, None, None);
    *response.status_mut() = status;
    response
}

fn error(
    head: &Head,
    kind: ErrorKind,
    code: Code,
    why: Option<&str>,
    home: Option<&Home>,
) -> Response {
    let account = format!("{}/account", head.site.look.base);
    let layout = head.layout(head.words());
    let report = Report {
        about: (layout.words.error.subject)(&head.trace.request_id),
        reference: &head.trace.request_id,
        code: code.as_str(),
        at: layout.now,
    };
    let page = ErrorPage {
        layout,
        kind,
        code: code.as_str(),
        why,
        reference: &head.trace.request_id,
        home: home.and_then(|home| home_link(home, layout.words)),
        support: layout.look.brand.support.as_ref().map(|support| support.about(&report)),
        account: &account,
    };
    html(&page, Csp::Staying)
}

/// The text for users of an error code.
const fn kind_of(code: Code) -> ErrorKind {
    match code {
        Code::NotFound => ErrorKind::NotFound,
        Code::UnknownClient => ErrorKind::UnknownClient,
        Code::UnknownRedirectUri => ErrorKind::RedirectUri,
        Code::NoSuchSignIn => ErrorKind::Expired,
        Code::UnprovenLogout => ErrorKind::BadLogout,
        Code::TooManyRequests => ErrorKind::TooMany,
        Code::ForeignForm => ErrorKind::ForeignForm,
        Code::TemporarilyUnavailable => ErrorKind::Busy,
        Code::ServerError => ErrorKind::Broken,
        Code::InvalidRequest
        | Code::Misdirected
        | Code::InvalidClient
        | Code::InvalidGrant
        | Code::UnauthorizedClient
        | Code::UnsupportedGrantType
        | Code::InvalidScope
        | Code::AccessDenied
        | Code::Forbidden
        | Code::InsufficientUserAuthentication
        | Code::Conflict
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
        | Code::UnsupportedMediaType
        | Code::PreconditionFailed
        | Code::PreconditionRequired => ErrorKind::BadRequest,
    }
}
