//! `/admin/applications/{client}/disable`, `…/enable` and `…/delete`.

mod words;

use self::words::{Question, Words};
use super::client_of;
use super::frame::path;
use crate::admin::client;
use crate::console::desk::{Desk, Problem, refused};
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::console::view::Confirm;
use crate::render::Response;
use crate::render::layout::isolated;
use crate::types::{Client, Params};

/// Asks before a client is disabled.
pub(in crate::console) async fn ask_to_disable(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    ask(&desk, &client, |words| &words.disable, None).await
}

/// Disables the client.
pub(in crate::console) async fn disable(desk: Desk, _: Params) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    match refused(client::disable(&desk.call(), &client.id).await)? {
        Ok(_) => desk.redirect(&path(&client, "?done=disabled")).await,
        Err(problem) => ask(&desk, &client, |words| &words.disable, Some(&problem)).await,
    }
}

/// Asks before a client is enabled.
pub(in crate::console) async fn ask_to_enable(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    ask(&desk, &client, |words| &words.enable, None).await
}

/// Enables the client.
pub(in crate::console) async fn enable(desk: Desk, _: Params) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    match refused(client::enable(&desk.call(), &client.id).await)? {
        Ok(_) => desk.redirect(&path(&client, "?done=enabled")).await,
        Err(problem) => ask(&desk, &client, |words| &words.enable, Some(&problem)).await,
    }
}

/// Asks before a client is deleted.
pub(in crate::console) async fn ask_to_delete(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    ask(&desk, &client, |words| &words.delete, None).await
}

/// Deletes the client.
pub(in crate::console) async fn delete(desk: Desk, _: Params) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    match refused(client::delete(&desk.call(), &client.id).await)? {
        Ok(_) => desk.redirect("/admin/applications?done=deleted").await,
        Err(problem) => ask(&desk, &client, |words| &words.delete, Some(&problem)).await,
    }
}

async fn ask(
    desk: &Desk,
    client: &Client,
    question: fn(&Words) -> &Question,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let question = question(words::WORDS.in_language(desk.layout().words.language));
    let page = Confirm {
        navigation: desk.navigation(Section::Applications),
        csrf: &desk.csrf().await?,
        title: &(question.title)(&isolated(client.name())),
        consequences: &question.consequences.map(str::to_owned),
        submit: question.submit,
        is_danger: question.is_danger,
        back: &path(client, ""),
        problem,
    };
    desk.page(&page).await
}
