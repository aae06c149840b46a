//! Errors of the console, as pages.

use axum::http::StatusCode;

use crate::admin::{self, Action};
use crate::render::page::{Csp, Page, html};
use crate::render::{Head, IntoResponse, Response};
use crate::types::{Code, Error, Failure, Refusal};

use super::view::DeniedPage;

/// Why a page of the console is not shown.
#[derive(Debug)]
pub(super) enum ConsoleError {
    /// The user may not see it.
    Denied(Denied),
    /// It does not exist, or the server failed.
    Error(Error),
}

/// The roles of the user do not include the action.
#[derive(Clone, Copy, Debug)]
pub(super) struct Denied {
    /// Whether the user has any role.
    pub(super) has_role: bool,
    /// The action.
    pub(super) action: Action,
}

impl From<Denied> for ConsoleError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<Error> for ConsoleError {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Refusal> for ConsoleError {
    fn from(refusal: Refusal) -> Self {
        Self::Error(refusal.into())
    }
}

impl From<Failure> for ConsoleError {
    fn from(failure: Failure) -> Self {
        Self::Error(failure.into())
    }
}

impl From<sqlx::Error> for ConsoleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Error(error.into())
    }
}

impl From<admin::Error> for ConsoleError {
    fn from(error: admin::Error) -> Self {
        Self::Error(match error {
            admin::Error::Rule(error) => error,
            admin::Error::Kek(error) => Failure::internal(error).into(),
            admin::Error::Invalid(_) => {
                Code::InvalidRequest.because("a value of the form is invalid").into()
            }
            admin::Error::NotFound(..) => Code::NotFound.because("it does not exist").into(),
        })
    }
}

impl IntoResponse for ConsoleError {
    fn into_response(self, head: &Head) -> Response {
        match self {
            Self::Error(error) => Page::from(error).into_response(head),
            Self::Denied(denied) => {
                head.report(
                    &Code::Forbidden
                        .because("the roles of the user do not include this page")
                        .with("action", denied.action),
                );
                let page = DeniedPage { layout: head.layout(head.words()), denied };
                let mut response = html(&page, Csp::Staying);
                *response.status_mut() = StatusCode::FORBIDDEN;
                response
            }
        }
    }
}
