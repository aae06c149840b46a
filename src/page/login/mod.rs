//! `/login`: proving who one is.

pub mod view;
pub mod words;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};

use self::view::{Login, LoginProblem};
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

/// Shows the form; whoever has no need of it is sent on.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    let visit = &Visit::of(&request);
    show(visit, &visit.head.query()?).await
}

async fn show(visit: &Visit, params: &Params) -> Result<Response, AuthorizationError> {
    let Some(waiting) = waiting(visit, params).await? else {
        if visit.signed_in(None).await?.is_some() {
            return Ok(visit.go("/account").await?);
        }
        return Ok(form(visit, Asked::default(), Typed::default(), None).await?);
    };
    let signed_in = visit.signed_in(Some(&waiting.request.client.id)).await?;
    let next = steps::next(visit, &waiting, signed_in.as_ref())?;
    // Who wants another account signs in although somebody is signed in.
    let other = params.one("other")?.is_some();
    let confirms = match next {
        _ if other => None,
        Next::SignIn => None,
        Next::Confirm => signed_in.as_ref(),
        Next::SelectAccount | Next::Consent | Next::Issue | Next::IssueTrusted => {
            return steps::go_on(visit, &waiting, signed_in.as_ref()).await;
        }
    };
    // What the client wrote there is only a proposal.
    let identifier = waiting.request.login_hint.clone().unwrap_or_default();
    let typed = Typed { identifier, ..Typed::default() };
    Ok(form(visit, Asked { waiting: Some(&waiting), confirms, other }, typed, None).await?)
}

/// The request that waits, if the form is for one.
async fn waiting(visit: &Visit, params: &Params) -> Result<Option<Waiting>, AuthorizationError> {
    if params.one("request")?.is_none() {
        return Ok(None);
    }
    visit.waiting(params).await.map(Some)
}

/// What a sign-in is for, and of whom.
#[derive(Clone, Copy, Debug, Default)]
struct Asked<'a> {
    /// The request that waits; none on the way to the account page.
    waiting: Option<&'a Waiting>,
    /// Who is signed in, and has to prove it again.
    confirms: Option<&'a SignedIn>,
    /// Whether another account is wanted than the one that is signed in.
    other: bool,
}

/// What stands in the form.
#[derive(Debug, Default)]
struct Typed {
    identifier: String,
    keep: bool,
}

async fn form(
    visit: &Visit,
    Asked { waiting, confirms, other }: Asked<'_>,
    typed: Typed,
    problem: Option<LoginProblem>,
) -> Result<Response> {
    let sealed = waiting.map(|waiting| waiting.kept.seal(&visit.call())).transpose()?;
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
        csrf: &visit.csrf(&purpose(waiting.map(|waiting| waiting.kept.id.as_str()))).await?,
        request: sealed,
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

/// Takes the form.
pub(super) async fn post(mut request: Request) -> Result<Response, AuthorizationError> {
    let params = request.form_beside_query().await?;
    let visit = &Visit::of(&request);
    params.must_be_unique()?;
    if params.one("show")?.is_some() {
        return show(visit, &params).await;
    }
    let browser = match visit.must_be_at_home().await {
        Ok(browser) => browser,
        // From elsewhere: the same form, with a token that is good, and with nothing in it that a stranger
        // may have put there.
        Err(Error::Refused(refusal)) => return from_elsewhere(visit, &params, &refusal).await,
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
    let confirms = confirms.and(signed_in.as_ref());
    let asked = Asked { waiting: waiting.as_ref(), confirms, other };
    let typed = Typed {
        identifier: params.one("identifier")?.unwrap_or_default().to_owned(),
        keep: params.one("keep")?.is_some(),
    };
    let presented = waiting.as_ref().map(|waiting| waiting.presented.as_str());
    match must_have_token(&browser, &params, &purpose(presented)) {
        Ok(()) if !waiting.as_ref().is_some_and(|waiting| waiting.is_renewed) => {}
        // Open for too long: a fresh form, with what was typed, but for the password.
        Ok(()) => {
            return Ok(form(visit, asked, typed, Some(LoginProblem::Expired)).await?);
        }
        Err(Error::Refused(refusal)) => {
            visit.head.note(&refusal);
            let typed = if visit.is_proven_at_home() { typed } else { Typed::default() };
            return Ok(form(visit, asked, typed, Some(LoginProblem::Expired)).await?);
        }
        Err(error) => return Err(error.into()),
    }
    match (params.one("answer")?, &waiting) {
        (Some("cancel"), Some(waiting)) => return steps::deny(visit, waiting, None).await,
        (Some("other"), Some(waiting)) => return Ok(steps::other_account(visit, waiting).await?),
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
        // What nobody can have as a password is as wrong as any other.
        Err(Error::Refused(_)) => Outcome::Wrong,
        Err(Error::Failed(Failure::Busy(_))) => {
            return Ok(form(visit, asked, typed, Some(LoginProblem::Busy)).await?);
        }
        Err(error) => return Err(error.into()),
    };
    visit.app().metrics.sign_in(outcome.as_str());
    let (secret, session, device) = match outcome {
        Outcome::SignedIn { secret, session, device } => (secret, session, device),
        // One answer for both: see `Outcome::Withheld`.
        Outcome::Wrong | Outcome::Withheld => {
            return Ok(form(visit, asked, typed, Some(LoginProblem::Wrong)).await?);
        }
        Outcome::Throttled { until, user } => {
            let mut refusal = Code::AccessDenied
                .because("too many passwords were tried: this one was not compared")
                .with("until", until);
            if let Some(user) = user {
                refusal = refusal.with("user_id", user);
            }
            visit.head.note(&refusal);
            let problem = LoginProblem::Throttled(until - visit.now());
            return Ok(form(visit, asked, typed, Some(problem)).await?);
        }
    };
    let response = match &mut waiting {
        None => visit.go("/account").await.map_err(AuthorizationError::from),
        Some(waiting) => {
            // That is what satisfies `prompt=login`.
            waiting.kept.session_id = Some(session.id.clone());
            on(visit, waiting, &secret).await
        }
    };
    // Whatever comes of the request, the person is signed in: the cookie goes with the answer.
    let response = response.into_response(&visit.head);
    let kept = typed.keep.then_some(visit.app().config.sessions.remember_absolute);
    Ok(visit.with_device(visit.with_session(response, &secret, kept), &device))
}

/// Whether whoever is signed in has to prove it again.
fn must_confirm(visit: &Visit, waiting: &Waiting, signed_in: Option<&SignedIn>) -> bool {
    matches!(steps::next(visit, waiting, signed_in), Ok(Next::Confirm))
}

/// Goes on with the request that waited for this sign-in.
async fn on(
    visit: &Visit,
    waiting: &Waiting,
    secret: &SessionSecret,
) -> Result<Response, AuthorizationError> {
    let (app, cookie) = (visit.app(), secret.0.expose());
    let (store, config) = (&app.store, &app.config.sessions);
    let client = Some(&waiting.request.client.id);
    let signed_in = session::live(store, config, cookie, client, visit.now()).await?;
    steps::go_on(visit, waiting, signed_in.as_ref()).await
}

async fn from_elsewhere(
    visit: &Visit,
    params: &Params,
    refusal: &Refusal,
) -> Result<Response, AuthorizationError> {
    visit.head.note(refusal);
    if visit.known_browser().await?.is_none() {
        let problem = Some(LoginProblem::Cookies);
        return Ok(form(visit, Asked::default(), Typed::default(), problem).await?);
    }
    let waiting = waiting(visit, params).await?;
    let asked = Asked { waiting: waiting.as_ref(), ..Asked::default() };
    Ok(form(visit, asked, Typed::default(), Some(LoginProblem::Expired)).await?)
}
