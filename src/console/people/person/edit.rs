//! `/admin/people/{user}/edit`: the profile.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::found;
use super::view::{EditPerson, Field, Notice};
use super::words::WORDS;
use crate::admin::user::{self, Changes, version};
use crate::console::desk::{Desk, Problem, refused};
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::jose::base64url;
use crate::render::Response;
use crate::render::layout::isolated;
use crate::types::{Digest, Params, User};

/// The claims of the form.
const CLAIMS: [&str; 3] = ["name", "given_name", "family_name"];

/// What was typed.
#[derive(Debug)]
struct Typed<'a> {
    username: &'a str,
    email: &'a str,
    claims: [&'a str; 3],
    email_verified: bool,
}

impl<'a> Typed<'a> {
    /// What is stored.
    fn stored(user: &'a User) -> Self {
        let claim = |name| user.claims.get(name).and_then(Value::as_str).unwrap_or_default();
        Self {
            username: &user.username,
            email: user.email.as_deref().unwrap_or_default(),
            claims: CLAIMS.map(claim),
            email_verified: user.email_verified,
        }
    }

    fn parse(params: &'a Params) -> Result<Self, ConsoleError> {
        let text = |name| params.one(name).map(|text| text.unwrap_or_default().trim());
        let [name, given, family] = CLAIMS;
        Ok(Self {
            username: text("username")?,
            email: text("email")?,
            claims: [text(name)?, text(given)?, text(family)?],
            email_verified: params.one("email_verified")?.is_some(),
        })
    }
}

/// Shows the form.
pub(in crate::console) async fn ask(desk: Desk) -> Result<Response, ConsoleError> {
    let user = found(&desk).await?;
    form(&desk, &user, &Typed::stored(&user), None, false).await
}

async fn form(
    desk: &Desk,
    user: &User,
    typed: &Typed<'_>,
    problem: Option<&Problem>,
    is_stale: bool,
) -> Result<Response, ConsoleError> {
    let words = WORDS.in_language(desk.layout().words.language);
    let (stored, [name, given, family]) = (Typed::stored(user), typed.claims);
    let [name_now, given_now, family_now] = stored.claims;
    let field = |name, label, kind, value, stored| Field {
        name,
        label,
        kind,
        is_required: name == "username",
        value,
        stored,
    };
    let page = EditPerson {
        navigation: desk.navigation(Section::People),
        csrf: &desk.csrf().await?,
        title: &(words.edit_title)(&isolated(user.display_name())),
        user,
        version: &base64url::encode(version(user).0),
        fields: vec![
            field("name", words.name, "text", name, name_now),
            field("given_name", words.given_name, "text", given, given_now),
            field("family_name", words.family_name, "text", family, family_now),
            field("username", words.username, "text", typed.username, stored.username),
            field("email", words.email, "email", typed.email, stored.email),
        ],
        email_verified: typed.email_verified,
        problem,
        is_stale,
    };
    let mut response = desk.page(&page).await?;
    if is_stale {
        *response.status_mut() = StatusCode::CONFLICT;
    } else if problem.is_some() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// Changes the profile.
pub(in crate::console) async fn save(desk: Desk, params: Params) -> Result<Response, ConsoleError> {
    params.must_be_unique()?;
    let user = found(&desk).await?;
    let typed = Typed::parse(&params)?;
    let base = base64url::decode(params.one("version")?.unwrap_or_default());
    let base = base.and_then(|bytes| bytes.try_into().ok()).map_or(Digest([0; 32]), Digest);
    let (mut claims, mut removed) = (Map::new(), Vec::new());
    for (name, value) in CLAIMS.into_iter().zip(typed.claims) {
        if !value.is_empty() {
            claims.insert(name.to_owned(), Value::from(value));
        } else if user.claims.contains_key(name) {
            removed.push(name.to_owned());
        }
    }
    let email = Some(typed.email).filter(|email| !email.is_empty());
    let changes = Changes {
        username: Some(typed.username),
        email: Some(email),
        email_verified: Some(typed.email_verified && email.is_some()),
        claims,
        removed: &removed,
        base: Some(base),
    };
    match refused(user::update(&desk.call(), &user.id, &changes).await)? {
        Ok(_) => {
            let notice = Notice::Saved.as_str();
            desk.redirect(&format!("/admin/people/{}?done={notice}", user.id)).await
        }
        Err(problem) => {
            let now = found(&desk).await?;
            let is_stale = !base.matches(&version(&now));
            form(&desk, &now, &typed, Some(&problem), is_stale).await
        }
    }
}
