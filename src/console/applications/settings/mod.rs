//! `/admin/applications/{client}`: the metadata of a client, by subject, and `…/metadata`: all of it as JSON.

pub(super) mod view;
mod words;

use serde_json::{Map, Value, json};

use self::view::{Group, Metadata, Notice, Settings, Subject};
use super::create::apis;
use super::fields::view::Source;
use super::fields::{Member, Typed};
use super::frame::path;
use super::{Frame, Tab, client_of, must_be_current, secrets};
use crate::admin::client::{self, Description};
use crate::admin::{Action, Done};
use crate::console::desk::{Desk, Problem, refused};
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::flow::clients::metadata::warnings;
use crate::flow::clients::registration::Registered;
use crate::render::Response;
use crate::types::json::parse_object;
use crate::types::{Client, Code, Params, Refusal};

/// Shows the settings.
pub(in crate::console) async fn show(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    settings(&desk, &client, &present(&client), client.version, None).await
}

/// Saves the settings.
pub(in crate::console) async fn save(desk: Desk, params: Params) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    let typed = Typed::read(&params, Member::ALL)?;
    let version = version(&params)?;
    let before = present(&client);
    let members = typed.changed_from(&before);
    if members.is_empty() {
        return desk.redirect(&path(&client, "?done=unchanged")).await;
    }
    let description = Description { members: members.clone(), ..Description::default() };
    let done = async {
        must_be_current(&client, version)?;
        client::update(&desk.call(), &client, &description).await
    };
    match refused(done.await)? {
        Ok(done) => saved(&desk, &done).await,
        Err(mut problem) => {
            if version != client.version {
                let changed = Member::ALL.iter().filter(|one| members.contains_key(one.as_str()));
                let stored = changed.map(|one| (one.as_str(), before.text(*one).to_owned()));
                problem.facts.extend(stored);
            }
            settings(&desk, &client, &typed, version, Some(&problem)).await
        }
    }
}

/// Shows all metadata.
pub(in crate::console) async fn show_metadata(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    metadata(&desk, &client, &document_text(&client), client.version, None).await
}

/// Replaces all metadata.
pub(in crate::console) async fn save_metadata(
    desk: Desk,
    params: Params,
) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    let version = version(&params)?;
    let text = params.one("document")?.unwrap_or_default();
    let document = match parse_object(text.as_bytes()) {
        Ok(document) => document,
        Err(why) => {
            let problem = Problem::because(why.to_string());
            return metadata(&desk, &client, text, version, Some(&problem)).await;
        }
    };
    let done = async {
        must_be_current(&client, version)?;
        client::replace(&desk.call(), &client, document).await
    };
    match refused(done.await)? {
        Ok(done) => saved(&desk, &done).await,
        Err(problem) => metadata(&desk, &client, text, version, Some(&problem)).await,
    }
}

/// The response after a change: a new secret, if the authentication method needs one, or the settings.
async fn saved(desk: &Desk, done: &Done<Registered>) -> Result<Response, ConsoleError> {
    match &done.result.secret {
        Some(_) => secrets::issued(desk, &done.result, None).await,
        None => desk.redirect(&path(&done.result.client, "?done=saved")).await,
    }
}

/// The version of the client that a form was made from.
fn version(params: &Params) -> Result<i64, Refusal> {
    let text = params.one("version")?.unwrap_or_default();
    text.parse().map_err(|_| Code::InvalidRequest.because("the form has no version"))
}

/// The metadata as JSON.
fn document(client: &Client) -> Map<String, Value> {
    match json!(client.metadata) {
        Value::Object(document) => document,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

fn document_text(client: &Client) -> String {
    format!("{:#}", Value::Object(document(client)))
}

/// What a form with the stored values contains.
fn present(client: &Client) -> Typed {
    Typed::of(&document(client), Member::ALL)
}

async fn settings(
    desk: &Desk,
    client: &Client,
    typed: &Typed,
    version: i64,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let apis = apis(desk).await?;
    let source = Source::new(typed, &apis, desk.layout().words.language);
    let groups = Subject::ALL.into_iter().map(|subject| Group {
        subject,
        fields: subject.members().iter().map(|member| source.field(*member)).collect(),
    });
    let page = Settings {
        navigation: desk.navigation(Section::Applications),
        frame: Frame::new(desk, client, Tab::Settings),
        csrf: &desk.csrf().await?,
        version,
        groups: groups.collect(),
        warnings: warnings(&client.metadata),
        may_update: desk.may(Action::UpdateClient),
        may_disable: desk.may(Action::DisableClient),
        may_delete: desk.may(Action::DeleteClient),
        notice: desk.visit.head.query()?.one("done")?.and_then(Notice::parse),
        is_stale: version != client.version,
        problem,
    };
    desk.page(&page).await
}

async fn metadata(
    desk: &Desk,
    client: &Client,
    document: &str,
    version: i64,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let page = Metadata {
        navigation: desk.navigation(Section::Applications),
        frame: Frame::new(desk, client, Tab::Settings),
        csrf: &desk.csrf().await?,
        version,
        document,
        may_update: desk.may(Action::UpdateClient),
        is_stale: version != client.version,
        problem,
    };
    desk.page(&page).await
}
