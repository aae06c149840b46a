//! `/recovery`: a one-time link by which a user sets a new password.

pub mod view;
pub mod words;

use axum::http::StatusCode;

use self::view::{Recovery, RecoveryState};
use super::new_password::{self, PasswordProblem};
use super::view::Person;
use crate::people::links;
use crate::render::page::{Csp, Page};
use crate::render::visit::Visit;
use crate::render::{Request, Response};
use crate::types::token::LinkSecret;
use crate::types::{Code, Error, Params, Result};

/// The purpose of the form token.
const PURPOSE: &str = "recovery";

/// Shows the form.
pub(super) async fn get(request: Request) -> Result<Response, Page> {
    let visit = &Visit::of(&request);
    Ok(show(visit, &visit.head.query()?, None).await?)
}

async fn show(visit: &Visit, params: &Params, problem: Option<view::Problem>) -> Result<Response> {
    let link = params.one("link")?.unwrap_or_default();
    let user = match LinkSecret::parse(link) {
        Some(secret) => links::recovering(&visit.people(), &secret).await?,
        None => None,
    };
    let state = match &user {
        Some(user) => RecoveryState::Form(Person::of(user)),
        None => RecoveryState::Invalid,
    };
    let mut response = page(visit, state, link, problem).await?;
    *response.status_mut() = match (&user, problem) {
        (None, _) => StatusCode::NOT_FOUND,
        (Some(_), Some(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        (Some(_), None) => StatusCode::OK,
    };
    Ok(response)
}

async fn page(
    visit: &Visit,
    state: RecoveryState<'_>,
    link: &str,
    problem: Option<view::Problem>,
) -> Result<Response> {
    let page = Recovery {
        layout: visit.layout(None),
        state,
        csrf: &visit.csrf(PURPOSE).await?,
        link,
        least: visit.app().config.passwords.min_length,
        problem,
    };
    visit.page(&page, Csp::Staying).await
}

/// Sets the password.
pub(super) async fn post(mut request: Request) -> Result<Response, Page> {
    let params = request.form_beside_query().await?;
    params.must_be_unique()?;
    let visit = &Visit::of(&request);
    match visit.must_be_own_form(&params, PURPOSE).await {
        Ok(()) => {}
        Err(Error::Refused(refusal)) => {
            visit.head.report(&refusal);
            let mut response = show(visit, &params, Some(view::Problem::Expired)).await?;
            *response.status_mut() = StatusCode::FORBIDDEN;
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    }
    let Some(link) = LinkSecret::parse(params.one("link")?.unwrap_or_default()) else {
        return Ok(show(visit, &params, None).await?);
    };
    let problem = match new_password::typed_twice(&params)? {
        Err(problem) => problem,
        Ok(password) => match links::recover(&visit.people(), &link, &password).await {
            Ok(user) => {
                return Ok(page(visit, RecoveryState::Done(Person::of(&user)), "", None).await?);
            }
            Err(Error::Refused(refusal)) if refusal.code == Code::NotFound => {
                visit.head.report(&refusal);
                return Ok(show(visit, &params, None).await?);
            }
            Err(Error::Refused(refusal)) => {
                let least = visit.app().config.passwords.min_length;
                PasswordProblem::of(&refusal, least).unwrap_or(PasswordProblem::Weak)
            }
            Err(error) => return Err(error.into()),
        },
    };
    Ok(show(visit, &params, Some(view::Problem::Password(problem))).await?)
}
