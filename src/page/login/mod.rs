//! `/login`: authenticates the user.

pub mod view;
pub mod words;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};

use self::view::{Login, LoginProblem};
use super::next::Destination;
use super::steps;
use super::view::{Client, Person};
use crate::flow::authorize::interaction::Waiting;
use crate::flow::authorize::{AuthorizationError, Next};
use crate::people::session;
use crate::people::sign_in::{Attempt, Outcome, sign_in};
use crate::render::page::Csp;
use crate::render::visit::{Visit, link, must_have_token, name_of};
use crate::render::{IntoResponse, Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::token::SessionSecret;
use crate::types::{Code, Error, Failure, Params, Refusal, Result, Seconds, Secret};

/// Shows the form, or continues if no sign-in is needed.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    let visit = &Visit::of(&request);
    show(visit, &visit.head.query()?).await
}

async fn show(visit: &Visit, params: &Params) -> Result<Response, AuthorizationError> {
    let Some(waiting) = waiting(visit, params).await? else {
        let next = Destination::of(params);
        let signed_in = visit.signed_in(None).await?;
        let confirms = confirming(params, signed_in.as_ref())?;
        if signed_in.is_some() && confirms.is_none() {
            return Ok(visit.redirect(after_sign_in(next.as_ref())).await?);
        }
        let target = Target { next: next.as_ref(), confirms, ..Target::default() };
        return Ok(form(visit, target, Typed::default(), None).await?);
    };
    let signed_in = visit.signed_in(Some(&waiting.request.client.id)).await?;
    let next = steps::next(visit, &waiting, signed_in.as_ref())?;
    // The user wants another account than the signed-in one.
    let other = params.one("other")?.is_some();
    let confirms = match next {
        _ if other => None,
        Next::SignIn => None,
        Next::Confirm => signed_in.as_ref(),
        Next::SelectAccount | Next::Consent | Next::Issue | Next::IssueTrusted => {
            return steps::proceed(visit, &waiting, signed_in.as_ref()).await;
        }
    };
    // `login_hint` only fills in the field.
    let identifier = waiting.request.login_hint.clone().unwrap_or_default();
    let typed = Typed { identifier, ..Typed::default() };
    let target = Target { waiting: Some(&waiting), next: None, confirms, other };
    Ok(form(visit, target, typed, None).await?)
}

/// The page after a sign-in that no application asked for.
fn after_sign_in(next: Option<&Destination>) -> &str {
    next.map_or("/account", Destination::as_str)
}

/// The signed-in user, if a page asked for another authentication by the parameter `confirm`.
fn confirming<'a>(
    params: &Params,
    signed_in: Option<&'a SignedIn>,
) -> Result<Option<&'a SignedIn>> {
    let is_asked = params.one("confirm")?.is_some() && params.one("other")?.is_none();
    Ok(signed_in.filter(|_| is_asked))
}

/// The waiting request, if the form has one.
async fn waiting(visit: &Visit, params: &Params) -> Result<Option<Waiting>, AuthorizationError> {
    if params.one("request")?.is_none() {
        return Ok(None);
    }
    visit.waiting(params).await.map(Some)
}

/// The request and the account of a sign-in.
#[derive(Clone, Copy, Debug, Default)]
struct Target<'a> {
    /// The waiting request; `None` on the way to a page of this server.
    waiting: Option<&'a Waiting>,
    /// That page, if it is not the account page.
    next: Option<&'a Destination>,
    /// The signed-in user who has to authenticate again.
    confirms: Option<&'a SignedIn>,
    /// Whether the user wants another account than the signed-in one.
    other: bool,
}

/// The fields as entered.
#[derive(Debug, Default)]
struct Typed {
    identifier: String,
    keep: bool,
}

async fn form(
    visit: &Visit,
    Target { waiting, next, confirms, other }: Target<'_>,
    typed: Typed,
    problem: Option<LoginProblem>,
) -> Result<Response> {
    let sealed = waiting.map(|waiting| waiting.pending.seal(&visit.call())).transpose()?;
    let request = waiting.map(|waiting| &waiting.request);
    let logo = request.and_then(|request| visit.logo_of(&request.client));
    let layout = visit.layout(request.and_then(|request| request.ui_locales.as_deref()));
    let name = request.map(|request| name_of(&request.client, layout.words));
    let destination = request.and_then(|request| link(Some(&request.return_to.redirect_uri)));
    let person = confirms.map(|signed_in| Person::of(&signed_in.user));
    let sealed = sealed.as_ref().map(|sealed| sealed.0.expose());
    let page = Login {
        layout: layout.at("/login").about(sealed),
        client: name.as_deref().map(|name| Client { name, logo: logo.as_deref() }),
        destination: destination.map(|link| link.host()),
        person,
        other,
        identifier: person.map_or(&typed.identifier, |person| person.handle),
        keep: confirms.map_or(typed.keep, |signed_in| signed_in.session.remembered),
        csrf: &visit.csrf(&purpose(waiting.map(|waiting| waiting.pending.id.as_str()))).await?,
        request: sealed,
        next: next.map(Destination::as_str),
        problem,
    };
    let mut response = visit.page(&page, Csp::Leaving).await?;
    if let Some(problem) = problem {
        *response.status_mut() = status(problem);
        let wait = match problem {
            LoginProblem::Throttled(Seconds(wait)) => Some(wait),
            LoginProblem::Busy => Some(1),
            LoginProblem::Wrong | LoginProblem::Expired | LoginProblem::Cookies => None,
        };
        if let Some(wait) = wait {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
        }
    }
    Ok(response)
}

const fn status(problem: LoginProblem) -> StatusCode {
    match problem {
        LoginProblem::Wrong => StatusCode::UNPROCESSABLE_ENTITY,
        LoginProblem::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        LoginProblem::Expired | LoginProblem::Cookies => StatusCode::FORBIDDEN,
        LoginProblem::Busy => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn purpose(request: Option<&str>) -> String {
    format!("login {}", request.unwrap_or_default())
}

/// Processes the form.
pub(super) async fn post(mut request: Request) -> Result<Response, AuthorizationError> {
    let params = request.form_beside_query().await?;
    let visit = &Visit::of(&request);
    params.must_be_unique()?;
    if params.one("show")?.is_some() {
        return show(visit, &params).await;
    }
    let browser = match visit.must_be_same_origin().await {
        Ok(browser) => browser,
        // A foreign form: shows the form with a valid token and without the submitted values.
        Err(Error::Refused(refusal)) => return foreign_form(visit, &params, &refusal).await,
        Err(error) => return Err(error.into()),
    };
    let mut waiting = waiting(visit, &params).await?;
    let signed_in = match &waiting {
        None => visit.signed_in(None).await?,
        Some(waiting) => visit.signed_in(Some(&waiting.request.client.id)).await?,
    };
    let other = params.one("other")?.is_some();
    let confirms = waiting
        .as_ref()
        .filter(|waiting| !other && must_confirm(visit, waiting, signed_in.as_ref()));
    let confirms = match &waiting {
        Some(_) => confirms.and(signed_in.as_ref()),
        None => confirming(&params, signed_in.as_ref())?,
    };
    let next = Destination::of(&params);
    let target = Target { waiting: waiting.as_ref(), next: next.as_ref(), confirms, other };
    let typed = Typed {
        identifier: params.one("identifier")?.unwrap_or_default().to_owned(),
        keep: params.one("keep")?.is_some(),
    };
    let presented = waiting.as_ref().map(|waiting| waiting.presented.as_str());
    match must_have_token(&browser, &params, &purpose(presented)) {
        Ok(()) if !waiting.as_ref().is_some_and(|waiting| waiting.is_renewed) => {}
        // The form has expired: shows a new one with the entered values, except for the password.
        Ok(()) => {
            return Ok(form(visit, target, typed, Some(LoginProblem::Expired)).await?);
        }
        Err(Error::Refused(refusal)) => {
            visit.head.report(&refusal);
            let typed = if visit.sends_origin() { typed } else { Typed::default() };
            return Ok(form(visit, target, typed, Some(LoginProblem::Expired)).await?);
        }
        Err(error) => return Err(error.into()),
    }
    match (params.one("answer")?, &waiting) {
        (Some("cancel"), Some(waiting)) => return steps::deny(visit, waiting, None).await,
        (Some("other"), Some(waiting)) => return Ok(steps::other_account(visit, waiting).await?),
        (Some("other"), None) => {
            let target = Target { confirms: None, other: true, ..target };
            return Ok(form(visit, target, Typed::default(), None).await?);
        }
        (_, _) => {}
    }

    let device = visit.device();
    let attempt = Attempt {
        identifier: &typed.identifier,
        password: &Secret::new(params.one("password")?.unwrap_or_default()),
        remember: typed.keep,
        device: device.as_ref(),
        user_agent: &visit.user_agent(),
        replaces: signed_in.as_ref().map(|signed_in| &signed_in.session),
    };
    let outcome = match sign_in(&visit.people(), &attempt).await {
        Ok(outcome) => outcome,
        // A password that is too long is wrong.
        Err(Error::Refused(_)) => Outcome::Wrong,
        Err(Error::Failed(Failure::Busy(_))) => {
            return Ok(form(visit, target, typed, Some(LoginProblem::Busy)).await?);
        }
        Err(error) => return Err(error.into()),
    };
    visit.app().metrics.sign_in(outcome.as_str());
    let (secret, session, device) = match outcome {
        Outcome::SignedIn { secret, session, device } => (secret, session, device),
        // The same response for both: see `Outcome::Withheld`.
        Outcome::Wrong | Outcome::Withheld => {
            return Ok(form(visit, target, typed, Some(LoginProblem::Wrong)).await?);
        }
        Outcome::Throttled { until, user } => {
            let mut refusal = Code::AccessDenied
                .because("too many attempts: this password was not compared")
                .with("until", until);
            if let Some(user) = user {
                refusal = refusal.with("user_id", user);
            }
            visit.head.report(&refusal);
            let problem = LoginProblem::Throttled(until - visit.now());
            return Ok(form(visit, target, typed, Some(problem)).await?);
        }
    };
    let response = match &mut waiting {
        None => {
            let page = after_sign_in(next.as_ref());
            visit.redirect(page).await.map_err(AuthorizationError::from)
        }
        Some(waiting) => {
            // This satisfies `prompt=login`.
            waiting.pending.session_id = Some(session.id.clone());
            resume(visit, waiting, &secret).await
        }
    };
    // The user is signed in even if the request fails, so every response has the cookie.
    let response = response.into_response(&visit.head);
    let age = typed.keep.then_some(visit.app().config.sessions.remember_absolute);
    Ok(visit.with_device_cookie(visit.with_session_cookie(response, &secret, age), &device))
}

/// Whether the signed-in user has to authenticate again.
fn must_confirm(visit: &Visit, waiting: &Waiting, signed_in: Option<&SignedIn>) -> bool {
    matches!(steps::next(visit, waiting, signed_in), Ok(Next::Confirm))
}

/// Continues the request that waited for this sign-in.
async fn resume(
    visit: &Visit,
    waiting: &Waiting,
    secret: &SessionSecret,
) -> Result<Response, AuthorizationError> {
    let (app, cookie) = (visit.app(), secret.0.expose());
    let (store, config) = (&app.store, &app.config.sessions);
    let client = Some(&waiting.request.client.id);
    let signed_in = session::live(store, config, cookie, client, visit.now()).await?;
    steps::proceed(visit, waiting, signed_in.as_ref()).await
}

async fn foreign_form(
    visit: &Visit,
    params: &Params,
    refusal: &Refusal,
) -> Result<Response, AuthorizationError> {
    visit.head.report(refusal);
    if visit.known_browser().await?.is_none() {
        let problem = Some(LoginProblem::Cookies);
        return Ok(form(visit, Target::default(), Typed::default(), problem).await?);
    }
    let waiting = waiting(visit, params).await?;
    let target = Target { waiting: waiting.as_ref(), ..Target::default() };
    Ok(form(visit, target, Typed::default(), Some(LoginProblem::Expired)).await?)
}
