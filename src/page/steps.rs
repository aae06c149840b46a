//! The way from one page to the next: judged anew at each step, by the request that is sealed and the
//! sign-in that stands, never by what a form says (THREATS M10).

use axum::http::StatusCode;

use super::{consent, select_account};
use crate::flow::authorize::interaction::{self, Waiting};
use crate::flow::authorize::{self, AuthorizationError, Next};
use crate::render::visit::{Visit, must_have_token};
use crate::render::{IntoResponse, Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::{Error, Params, Result};

/// A page that asks somebody who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Which account?
    SelectAccount,
    /// What may the application do?
    Consent,
}

impl Step {
    /// The token of a step's form is for one page, one request and one sign-in.
    pub(super) fn purpose(self, request: &str, signed_in: Option<&SignedIn>) -> String {
        let page = match self {
            Self::SelectAccount => "select-account",
            Self::Consent => "consent",
        };
        let session = signed_in.map_or("", |signed_in| signed_in.session.id.as_str());
        format!("{page} {request} {session}")
    }
}

/// Shows the page of a step, where it is due.
///
/// # Errors
/// What the client is told instead; a page when the request is gone.
pub(super) async fn get(request: Request, step: Step) -> Result<Response, AuthorizationError> {
    let visit = &Visit::of(&request);
    let waiting = visit.waiting(&visit.head.query()?).await?;
    let signed_in = visit.signed_in(Some(&waiting.request.client.id)).await?;
    show(visit, &waiting, signed_in.as_ref(), step, Form::Asked).await
}

/// Shows the page of a step, where it is due, else goes on. For a form that is stale, the answer is 403, and
/// what is due is shown: nothing is issued.
///
/// # Errors
/// What the client is told instead.
pub(super) async fn show(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
    step: Step,
    form: Form,
) -> Result<Response, AuthorizationError> {
    let is_stale = form == Form::Stale;
    let mut response = match (step, next(visit, waiting, signed_in)?, signed_in) {
        (Step::SelectAccount, Next::SelectAccount, Some(signed_in)) => {
            select_account::page(visit, waiting, signed_in).await?
        }
        (Step::Consent, Next::Consent, Some(signed_in)) => {
            consent::page(visit, waiting, signed_in, is_stale).await?
        }
        (_, next, _) if is_stale => return Ok(visit.step(next, waiting).await?),
        (_, _, _) => return go_on(visit, waiting, signed_in).await,
    };
    if is_stale {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    Ok(response)
}

/// A step's form that came from our own page, and what it is about.
pub(super) struct Sent {
    pub(super) visit: Visit,
    pub(super) params: Params,
    pub(super) waiting: Waiting,
    /// Who is signed in, with their consent for the client that waits.
    pub(super) signed_in: Option<SignedIn>,
    /// What it is: a decision only if it is good.
    pub(super) form: Form,
}

/// What a step's form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The one that this browser was shown, for this request and this sign-in.
    Good,
    /// It asks to be shown the page: the request is too long for an address.
    Asked,
    /// It was made for another request or another sign-in, or was open for too long: the page is shown
    /// again.
    Stale,
}

/// Reads the form of a step. What it decides is for its page.
///
/// # Errors
/// 403 for a form of another site; a page when the request is gone.
pub(super) async fn sent(mut request: Request, step: Step) -> Result<Sent, AuthorizationError> {
    let params = request.form_beside_query().await?;
    params.must_be_unique()?;
    let visit = Visit::of(&request);
    let browser = visit.must_be_at_home().await?;
    let waiting = visit.waiting(&params).await?;
    let signed_in = visit.signed_in(Some(&waiting.request.client.id)).await?;
    let purpose = step.purpose(&waiting.presented, signed_in.as_ref());
    let form = match must_have_token(&browser, &params, &purpose) {
        _ if params.one("show")?.is_some() => Form::Asked,
        Ok(()) if waiting.is_renewed => Form::Stale,
        Ok(()) => Form::Good,
        Err(Error::Refused(refusal)) => {
            visit.head.note(&refusal);
            Form::Stale
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Sent { visit, params, waiting, signed_in, form })
}

/// The sign-in page, although somebody is signed in: they want another account.
///
/// # Errors
/// When the store fails.
pub(super) async fn other_account(visit: &Visit, waiting: &Waiting) -> Result<Response> {
    let sealed = waiting.kept.seal(&visit.call())?;
    visit.carry("/login", &[("request", sealed.0.expose()), ("other", "1")]).await
}

/// What has to happen next.
///
/// # Errors
/// What the client is told instead.
pub(super) fn next(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Next, AuthorizationError> {
    authorize::decide(&visit.call(), &waiting.request, signed_in, Some(&waiting.kept))
        .map_err(|error| waiting.request.authorization_error(error))
}

/// Goes on: to the page that comes next, or to the client.
///
/// # Errors
/// What the client is told instead.
pub(super) async fn go_on(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Response, AuthorizationError> {
    let next = next(visit, waiting, signed_in)?;
    if let (Next::Issue | Next::IssueTrusted, Some(signed_in)) = (next, signed_in) {
        let (call, request) = (visit.call(), &waiting.request);
        let response = interaction::issue(&call, request, signed_in, next, Some(waiting)).await;
        return Ok(response
            .map_err(|error| waiting.authorization_error(error))?
            .into_response(&visit.head));
    }
    Ok(visit.step(next, waiting).await?)
}

/// The user says no, or leaves.
///
/// # Errors
/// A page when the request was decided already.
pub(super) async fn deny(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Response, AuthorizationError> {
    let response = interaction::deny(&visit.call(), waiting, signed_in).await;
    Ok(response.map_err(|error| waiting.authorization_error(error))?.into_response(&visit.head))
}
