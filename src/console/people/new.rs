//! `/admin/people/new`: creates a user without a password, and shows the link by which the user sets one.
//!
//! The form has the identifier of the account that it creates. So a form that is sent twice creates one account, and the
//! link on the page that the browser shows at last is the valid one: each replaces those before it.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::link;
use super::view::{NewPerson, TypedPerson};
use crate::admin::user::{self, NewAccount};
use crate::admin::{Action, Done};
use crate::console::desk::{Desk, Problem, refused};
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::render::Response;
use crate::types::{Params, UserId};

/// Shows the form.
pub(in crate::console) async fn ask(desk: Desk) -> Result<Response, ConsoleError> {
    form(&desk, &UserId::new(), TypedPerson::default(), None).await
}

async fn form(
    desk: &Desk,
    id: &UserId,
    typed: TypedPerson<'_>,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let page = NewPerson {
        navigation: desk.navigation(Section::People),
        csrf: &desk.csrf().await?,
        id: id.as_str(),
        proof: &desk.visit.csrf(&purpose(desk, id)).await?,
        typed,
        problem,
    };
    let mut response = desk.page(&page).await?;
    if problem.is_some() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// The purpose of the proof that a page of this session made the identifier.
fn purpose(desk: &Desk, id: &UserId) -> String {
    format!("new user {id} {}", desk.signed_in.session.id)
}

/// Creates the user.
pub(in crate::console) async fn create(
    desk: Desk,
    params: Params,
) -> Result<Response, ConsoleError> {
    params.must_be_unique()?;
    let text = |name| params.one(name).map(|text| text.unwrap_or_default().trim());
    let typed =
        TypedPerson { name: text("name")?, username: text("username")?, email: text("email")? };
    let id = own_identifier(&desk, &params).await?;
    let mut claims = Map::new();
    if !typed.name.is_empty() {
        claims.insert("name".to_owned(), Value::from(typed.name));
    }
    let new = NewAccount {
        username: typed.username,
        email: Some(typed.email).filter(|email| !email.is_empty()),
        email_verified: false,
        claims,
        password: None,
    };
    let user = match refused(user::create_once(&desk.call(), &id, new).await)? {
        Ok(Done { result: user, .. }) => user,
        Err(problem) => return form(&desk, &id, typed, Some(&problem)).await,
    };
    let has_password = user::security(&desk.call(), &user.id).await?.password_set_at.is_some();
    if has_password || !desk.may(Action::StartRecovery) {
        return desk.redirect(&format!("/admin/people/{}?done=created", user.id)).await;
    }
    let Done { result: link, .. } = user::start_recovery(&desk.call(), &user.id).await?;
    link::show(&desk, &user, &link).await
}

/// The identifier in the form, if a page of this session made it; else a new one.
async fn own_identifier(desk: &Desk, params: &Params) -> Result<UserId, ConsoleError> {
    let id = UserId::from_text(params.one("id")?.unwrap_or_default());
    let proof = params.one("proof")?.unwrap_or_default();
    let browser = desk.visit.known_browser().await?;
    let is_own = browser.is_some_and(|browser| browser.is_token(proof, &purpose(desk, &id)));
    Ok(if is_own { id } else { UserId::new() })
}
