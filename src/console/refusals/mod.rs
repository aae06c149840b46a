//! `/admin/refusals`: refused requests, and why each was refused.

pub(super) mod view;
pub(super) mod words;

use self::view::{Refusal, Refusals};
use super::desk::Desk;
use super::error::ConsoleError;
use super::events::EventLine;
use super::layout::Section;
use crate::admin::{self, Action, audit, refusal};
use crate::render::Response;

/// The number of rows of a page.
const ROWS: i64 = 50;

/// Shows the latest refusals, or leads to the one whose reference was pasted.
pub(super) async fn list(desk: Desk) -> Result<Response, ConsoleError> {
    let query = desk.visit.head.query()?;
    let typed = query.one("reference")?.map(str::trim).filter(|text| !text.is_empty());
    let is_unknown = match typed {
        Some(reference) => match refusal::explain(&desk.call(), reference).await {
            Ok(found) => {
                let id = found.event.request_id.unwrap_or_default();
                return desk.redirect(&format!("/admin/refusals/{id}")).await;
            }
            Err(admin::Error::NotFound(..)) => true,
            Err(error) => return Err(error.into()),
        },
        None => false,
    };
    let page = audit::refusals(&desk.call(), None, query.one("after")?, ROWS).await?;
    let page = Refusals {
        navigation: desk.navigation(Section::Refusals),
        next: page.items.last().filter(|_| !page.is_last).map(|event| event.id.as_str()),
        is_first: query.one("after")?.is_none(),
        events: page.items.iter().map(EventLine::of).collect(),
        typed: typed.unwrap_or_default(),
        is_unknown,
    };
    desk.page(&page).await
}

/// Explains a refusal.
pub(super) async fn show(desk: Desk) -> Result<Response, ConsoleError> {
    let reference = desk.visit.head.parameter("request");
    let found = refusal::explain(&desk.call(), reference).await?;
    let page = Refusal {
        navigation: desk.navigation(Section::Refusals),
        event: EventLine::of(&found.event),
        found: &found,
        may_open_client: desk.may(Action::ReadClients),
    };
    desk.page(&page).await
}
