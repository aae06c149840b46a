//! `/invitation`: a one-time link to become owner, with a new account, or with the signed-in one.

pub mod view;
pub mod words;

use axum::http::StatusCode;

use self::view::{Invitation, InvitationState, Typed};
use super::new_password::{self, PasswordProblem};
use super::view::Person;
use crate::people::account::NewAccount;
use crate::people::claims;
use crate::people::links::{self, NewOwner};
use crate::people::sign_in::{Attempt, Outcome, sign_in};
use crate::render::page::{Csp, Page};
use crate::render::visit::Visit;
use crate::render::{Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::token::LinkSecret;
use crate::types::{Code, Error, Params, Result, Secret};

/// The purpose of the form token: this page for this session, so that only the account that the page names becomes owner.
fn purpose(signed_in: Option<&SignedIn>) -> String {
    let session = signed_in.map_or("", |signed_in| signed_in.session.id.as_str());
    format!("invitation {session}")
}

/// Shows the forms.
pub(super) async fn get(request: Request) -> Result<Response, Page> {
    let visit = &Visit::of(&request);
    let params = visit.head.query()?;
    let signed_in = visit.signed_in(None).await?;
    Ok(show(visit, &params, signed_in.as_ref(), Typed::default(), None).await?)
}

async fn show(
    visit: &Visit,
    params: &Params,
    signed_in: Option<&SignedIn>,
    typed: Typed<'_>,
    problem: Option<view::Problem>,
) -> Result<Response> {
    let link = params.one("link")?.unwrap_or_default();
    let app = visit.app();
    let is_valid = match LinkSecret::parse(link) {
        Some(secret) => links::is_invited(&app.store, &secret, visit.now()).await?,
        None => false,
    };
    let page = Invitation {
        layout: visit.layout(None),
        state: match (is_valid, signed_in) {
            (false, _) => InvitationState::Invalid,
            (true, Some(signed_in)) => InvitationState::Accept(Person::of(&signed_in.user)),
            (true, None) => InvitationState::Create,
        },
        csrf: &visit.csrf(&purpose(signed_in)).await?,
        link,
        typed,
        least: app.config.passwords.min_length,
        problem,
    };
    let mut response = visit.page(&page, Csp::Staying).await?;
    *response.status_mut() = match (is_valid, problem) {
        (false, _) => StatusCode::NOT_FOUND,
        (true, Some(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        (true, None) => StatusCode::OK,
    };
    Ok(response)
}

/// Makes an owner of the signed-in user or of a new one.
pub(super) async fn post(mut request: Request) -> Result<Response, Page> {
    let params = request.form_beside_query().await?;
    params.must_be_unique()?;
    let visit = &Visit::of(&request);
    let signed_in = visit.signed_in(None).await?;
    let text = |name| Ok::<_, Error>(params.one(name)?.unwrap_or_default().trim());
    let typed = Typed { name: text("name")?, username: text("username")?, email: text("email")? };
    let again =
        async |typed, problem| show(visit, &params, signed_in.as_ref(), typed, Some(problem)).await;
    match visit.must_be_own_form(&params, &purpose(signed_in.as_ref())).await {
        Ok(()) => {}
        Err(Error::Refused(refusal)) => {
            visit.head.report(&refusal);
            let typed = if visit.sends_origin() { typed } else { Typed::default() };
            let mut response = again(typed, view::Problem::Expired).await?;
            *response.status_mut() = StatusCode::FORBIDDEN;
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    }
    let Some(link) = LinkSecret::parse(params.one("link")?.unwrap_or_default()) else {
        return Ok(show(visit, &params, signed_in.as_ref(), typed, None).await?);
    };
    let people = visit.people();
    if let Some(signed_in) = &signed_in {
        let owner = NewOwner::Existing(&signed_in.user.id);
        return match links::accept(&people, &link, owner).await {
            Ok(_) => Ok(visit.redirect("/admin").await?),
            Err(Error::Refused(refusal)) if refusal.code == Code::NotFound => {
                visit.head.report(&refusal);
                Ok(show(visit, &params, Some(signed_in), typed, None).await?)
            }
            Err(error) => Err(error.into()),
        };
    }
    let password = match new_password::typed_twice(&params)? {
        Ok(password) => password,
        Err(problem) => return Ok(again(typed, view::Problem::Password(problem)).await?),
    };
    let claims = match typed.name {
        "" => serde_json::Map::new(),
        name => claims::parse(&[format!("name={name}")])?,
    };
    let account = NewAccount {
        username: typed.username,
        email: Some(typed.email).filter(|email| !email.is_empty()),
        email_verified: false,
        claims,
        password: Some(&password),
    };
    match links::accept(&people, &link, NewOwner::New(account)).await {
        Ok(_) => {}
        Err(Error::Refused(refusal)) if refusal.code == Code::NotFound => {
            visit.head.report(&refusal);
            return Ok(show(visit, &params, signed_in.as_ref(), typed, None).await?);
        }
        Err(Error::Refused(refusal)) => {
            let least = visit.app().config.passwords.min_length;
            let problem = PasswordProblem::of(&refusal, least)
                .map_or(view::Problem::Account(refusal.why), view::Problem::Password);
            return Ok(again(typed, problem).await?);
        }
        Err(error) => return Err(error.into()),
    }
    sign_in_as(visit, typed.username, &password).await
}

/// Signs the new owner in.
async fn sign_in_as(visit: &Visit, username: &str, password: &Secret) -> Result<Response, Page> {
    let device = visit.device();
    let attempt = Attempt {
        identifier: username,
        password,
        remember: false,
        device: device.as_ref(),
        user_agent: &visit.user_agent(),
        replaces: None,
    };
    match sign_in(&visit.people(), &attempt).await {
        Ok(Outcome::SignedIn { secret, device, .. }) => {
            let response = visit.redirect("/admin").await?;
            let response = visit.with_session_cookie(response, &secret, None);
            Ok(visit.with_device_cookie(response, &device))
        }
        // The account exists: its owner signs in.
        Ok(Outcome::Wrong | Outcome::Withheld | Outcome::Throttled { .. }) | Err(_) => {
            Ok(visit.redirect("/login?next=/admin").await?)
        }
    }
}
