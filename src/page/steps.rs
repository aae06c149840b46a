//! The steps of a waiting authorization request. The next step is decided from the sealed request and the current
//! session, never from a form (THREATS M10).

use axum::http::StatusCode;

use super::{consent, select_account};
use crate::flow::authorize::interaction::{self, Waiting};
use crate::flow::authorize::{self, AuthorizationError, Next};
use crate::render::visit::{Visit, must_have_token};
use crate::render::{IntoResponse, Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::{Error, Params, Result};

/// A page on which a signed-in user makes a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The choice of the account.
    SelectAccount,
    /// The consent.
    Consent,
}

impl Step {
    /// The purpose of the form token: one page, one request and one session.
    pub(super) fn purpose(self, request: &str, signed_in: Option<&SignedIn>) -> String {
        let page = match self {
            Self::SelectAccount => "select-account",
            Self::Consent => "consent",
        };
        let session = signed_in.map_or("", |signed_in| signed_in.session.id.as_str());
        format!("{page} {request} {session}")
    }
}

/// Shows the page of a step, if it is the next one.
///
/// # Errors
/// An error response to the client; a page if there is no such request.
pub(super) async fn get(request: Request, step: Step) -> Result<Response, AuthorizationError> {
    let visit = &Visit::of(&request);
    let waiting = visit.waiting(&visit.head.query()?).await?;
    let signed_in = visit.signed_in(Some(&waiting.request.client.id)).await?;
    show(visit, &waiting, signed_in.as_ref(), step, Form::Requested).await
}

/// Shows the page of a step if it is the next one, else continues with the next one. The response to a stale form is
/// 403 with the next page, and nothing is issued.
///
/// # Errors
/// An error response to the client.
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
        (_, next, _) if is_stale => return Ok(visit.redirect_to_step(next, waiting).await?),
        (_, _, _) => return proceed(visit, waiting, signed_in).await,
    };
    if is_stale {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    Ok(response)
}

/// The form of a step, sent from a page of this server, with its request.
pub(super) struct Submission {
    pub(super) visit: Visit,
    pub(super) params: Params,
    pub(super) waiting: Waiting,
    /// The session, with the consent for the client of the request.
    pub(super) signed_in: Option<SignedIn>,
    /// The state of the form: only a valid one is a decision.
    pub(super) form: Form,
}

/// The state of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The form for this browser, this request and this session.
    Valid,
    /// A request for the page, sent as a form because it is too long for a URL.
    Requested,
    /// The form of another request or session, or one that has expired. The page is shown again.
    Stale,
}

/// Parses the form of a step.
///
/// # Errors
/// 403 for a form of another site; a page if there is no such request.
pub(super) async fn parse(
    mut request: Request,
    step: Step,
) -> Result<Submission, AuthorizationError> {
    let params = request.form_beside_query().await?;
    params.must_be_unique()?;
    let visit = Visit::of(&request);
    let browser = visit.must_be_same_origin().await?;
    let waiting = visit.waiting(&params).await?;
    let signed_in = visit.signed_in(Some(&waiting.request.client.id)).await?;
    let purpose = step.purpose(&waiting.presented, signed_in.as_ref());
    let form = match must_have_token(&browser, &params, &purpose) {
        _ if params.one("show")?.is_some() => Form::Requested,
        Ok(()) if waiting.is_renewed => Form::Stale,
        Ok(()) => Form::Valid,
        Err(Error::Refused(refusal)) => {
            visit.head.report(&refusal);
            Form::Stale
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Submission { visit, params, waiting, signed_in, form })
}

/// Redirects a signed-in user to the sign-in page, for another account.
///
/// # Errors
/// When the store fails.
pub(super) async fn other_account(visit: &Visit, waiting: &Waiting) -> Result<Response> {
    let sealed = waiting.pending.seal(&visit.call())?;
    visit.redirect_with("/login", &[("request", sealed.0.expose()), ("other", "1")]).await
}

/// The next step of the request.
///
/// # Errors
/// An error response to the client.
pub(super) fn next(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Next, AuthorizationError> {
    authorize::decide(&visit.call(), &waiting.request, signed_in, Some(&waiting.pending))
        .map_err(|error| waiting.request.authorization_error(error))
}

/// Continues with the next page, or responds to the client.
///
/// # Errors
/// An error response to the client.
pub(super) async fn proceed(
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
    Ok(visit.redirect_to_step(next, waiting).await?)
}

/// Responds to the client that the user denied the request or cancelled it.
///
/// # Errors
/// A page if the request was decided already.
pub(super) async fn deny(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Response, AuthorizationError> {
    let response = interaction::deny(&visit.call(), waiting, signed_in).await;
    Ok(response.map_err(|error| waiting.authorization_error(error))?.into_response(&visit.head))
}
