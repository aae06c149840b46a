//! `/admin/applications/{client}/refusals` and `…/history`: what happened to a client.

pub(super) mod view;
mod words;

use std::collections::BTreeMap;

use self::view::{History, Refusals};
use super::{Frame, ROWS, Tab, client_of, next_page};
use crate::admin::audit::{self, About, AuditRow};
use crate::admin::{Action, Error as AdminError, user};
use crate::console::desk::Desk;
use crate::console::error::ConsoleError;
use crate::console::events::EventLine;
use crate::console::layout::Section;
use crate::render::Response;

/// Lists the refused requests of a client.
pub(in crate::console) async fn refusals(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    let query = desk.visit.head.query()?;
    let after = query.one("after")?;
    let events = audit::refusals(&desk.call(), Some(&client.id), after, ROWS).await?;
    let page = Refusals {
        navigation: desk.navigation(Section::Applications),
        frame: Frame::new(&desk, &client, Tab::Refusals),
        events: events.items.iter().map(EventLine::of).collect(),
        is_first: after.is_none(),
        next: next_page(&events, &[], |event| &event.id),
    };
    desk.page(&page).await
}

/// Lists the administrative changes of a client.
pub(in crate::console) async fn history(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    let query = desk.visit.head.query()?;
    let after = query.one("after")?;
    let events = audit::changes(&desk.call(), About::Client(&client.id), after, ROWS).await?;
    let names = names(&desk, &events.items).await?;
    let page = History {
        navigation: desk.navigation(Section::Applications),
        frame: Frame::new(&desk, &client, Tab::History),
        events: events.items.iter().map(EventLine::of).collect(),
        names,
        is_first: after.is_none(),
        next: next_page(&events, &[], |event| &event.id),
    };
    desk.page(&page).await
}

/// The names of the users who made the changes, as far as the administrator may see them.
async fn names(desk: &Desk, events: &[AuditRow]) -> Result<BTreeMap<String, String>, ConsoleError> {
    let mut names = BTreeMap::new();
    if !desk.may(Action::ReadUsers) {
        return Ok(names);
    }
    for id in events.iter().filter_map(|event| event.actor.as_deref()?.strip_prefix("user:")) {
        if names.contains_key(id) {
            continue;
        }
        let name = match user::find(&desk.call(), id).await {
            Ok(user) => user.display_name().to_owned(),
            // Deleted since.
            Err(AdminError::NotFound(..)) => id.to_owned(),
            Err(error) => return Err(error.into()),
        };
        names.insert(id.to_owned(), name);
    }
    Ok(names)
}
