//! `/admin/applications`: the clients.

pub(super) mod create;
pub(super) mod events;
mod fields;
mod frame;
pub(super) mod integrate;
mod kind;
pub(super) mod secrets;
pub(super) mod settings;
pub(super) mod state;
pub(super) mod view;
mod words;

use self::frame::{Frame, Tab};
use self::view::{Applications, Notice, Row};
use super::desk::Desk;
use super::error::ConsoleError;
use super::layout::Section;
use crate::admin::{self, Action, Page, client};
use crate::flow::clients::registration::changed;
use crate::render::Response;
use crate::types::{Client, ClientId};

/// The number of rows of a page.
const ROWS: i64 = 50;

/// Lists the clients.
pub(super) async fn list(desk: Desk) -> Result<Response, ConsoleError> {
    let query = desk.visit.head.query()?;
    let text = query.one("q")?.unwrap_or_default().trim();
    let after = query.one("after")?.map(ClientId::from_text);
    let found = client::search(&desk.call(), text, after.as_ref(), ROWS).await?;
    let page = Applications {
        navigation: desk.navigation(Section::Applications),
        rows: found.items.iter().map(Row::of).collect(),
        text,
        is_first: after.is_none(),
        next: next_page(&found, &[("q", text)], |client| client.id.as_str()),
        may_create: desk.may(Action::CreateClient),
        notice: query.one("done")?.and_then(Notice::parse),
    };
    desk.page(&page).await
}

/// The query of the next page of a list, if there is one.
fn next_page<T>(
    page: &Page<T>,
    query: &[(&str, &str)],
    key: impl Fn(&T) -> &str,
) -> Option<String> {
    let last = page.items.last().filter(|_| !page.is_last)?;
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
    text.append_pair("after", key(last));
    Some(text.finish())
}

/// Checks that a form was made from the present registration. The rule compares the version again, in its transaction.
///
/// # Errors
/// The client was changed since.
fn must_be_current(client: &Client, version: i64) -> admin::Result<()> {
    if client.version == version { Ok(()) } else { Err(changed().into()) }
}

/// The client of the path.
///
/// # Errors
/// There is no such client, or the database fails.
async fn client_of(desk: &Desk) -> Result<Client, ConsoleError> {
    let id = ClientId::from_text(desk.visit.head.parameter("client"));
    Ok(client::read(&desk.call(), &id).await?)
}
