//! `/admin/applications/{client}/secrets`: the secrets of a client.

pub(super) mod view;
mod words;

use self::view::{OVERLAPS, SecretLine, Secrets, length};
use super::frame::path;
use super::{Frame, Tab, client_of, must_be_current};
use crate::admin::{Action, client};
use crate::console::desk::{Desk, Problem, refused};
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::console::view::{Confirm, Secret};
use crate::flow::clients::registration::Registered;
use crate::render::Response;
use crate::render::layout::isolated;
use crate::types::{Client, Code, Params, Seconds};

/// Lists the secrets.
pub(in crate::console) async fn list(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    let page = Secrets {
        navigation: desk.navigation(Section::Applications),
        frame: Frame::new(&desk, &client, Tab::Secrets),
        secrets: SecretLine::valid(&client, desk.visit.now()),
        may_rotate: desk.may(Action::RotateClientSecret),
        is_repeated: desk.visit.head.query()?.one("done")? == Some("repeated"),
    };
    desk.page(&page).await
}

/// Asks before a new secret is issued.
pub(in crate::console) async fn ask_to_rotate(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    rotation(&desk, &client, overlap(&desk)?, None).await
}

/// Issues a new secret. Each changes the version of the client, so a form that is sent twice issues one.
pub(in crate::console) async fn rotate(desk: Desk, _: Params) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    let (overlap, version) = (overlap(&desk)?, version(&desk)?);
    let done = async {
        must_be_current(&client, version)?;
        client::rotate_secret(&desk.call(), &client, overlap).await
    };
    match refused(done.await)? {
        Ok(done) => issued(&desk, &done.result, Some(overlap)).await,
        Err(_) if version != client.version => {
            desk.redirect(&path(&client, "/secrets?done=repeated")).await
        }
        Err(problem) => rotation(&desk, &client, overlap, Some(&problem)).await,
    }
}

/// The version of the client that the administrator has seen.
fn version(desk: &Desk) -> Result<i64, ConsoleError> {
    let query = desk.visit.head.query()?;
    let version = query.one("version")?.and_then(|text| text.parse().ok());
    Ok(version.ok_or_else(|| Code::InvalidRequest.because("the form has no version"))?)
}

/// How long the present secret stays valid.
fn overlap(desk: &Desk) -> Result<Seconds, ConsoleError> {
    let query = desk.visit.head.query()?;
    let text = query.one("overlap")?.unwrap_or_default();
    let known = OVERLAPS.into_iter().find(|one| one.0.to_string() == text);
    Ok(known.ok_or_else(|| Code::NotFound.because("there is no such overlap"))?)
}

async fn rotation(
    desk: &Desk,
    client: &Client,
    overlap: Seconds,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let words = words::WORDS.in_language(desk.layout().words.language);
    let name = isolated(client.name());
    let stays = match overlap {
        Seconds(0) => words.ends_now.to_owned(),
        Seconds(_) => (words.ends_in)(&length(&desk.layout(), overlap)),
    };
    let page = Confirm {
        navigation: desk.navigation(Section::Applications),
        csrf: &desk.csrf().await?,
        title: &(words.rotate_title)(&name),
        consequences: &[words.shown_once.to_owned(), stays, words.older_ends.to_owned()],
        submit: words.rotate,
        is_danger: false,
        back: &path(client, "/secrets"),
        problem,
    };
    desk.page(&page).await
}

/// The page with a new secret. `overlap`: how long the one before it stays valid.
pub(super) async fn issued(
    desk: &Desk,
    registered: &Registered,
    overlap: Option<Seconds>,
) -> Result<Response, ConsoleError> {
    let words = words::WORDS.in_language(desk.layout().words.language);
    let client = &registered.client;
    let mut values = vec![("client_id", client.id.as_str(), false)];
    if let Some(secret) = &registered.secret {
        values.push(("client_secret", secret.0.expose(), true));
    }
    let detail = match overlap {
        Some(Seconds(0)) | None => words.ended.to_owned(),
        Some(time) => (words.ends_later)(&length(&desk.layout(), time)),
    };
    let page = Secret {
        navigation: desk.navigation(Section::Applications),
        title: &(words.issued)(&isolated(client.name())),
        detail: &detail,
        values: &values,
        next: &path(client, "/secrets"),
        submit: words.back,
    };
    desk.page(&page).await
}
