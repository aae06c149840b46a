//! `/admin/audit`: the audit trail.

pub(super) mod view;
pub(super) mod words;

use self::view::{Audit, Typed};
use super::desk::{Desk, refused};
use super::error::ConsoleError;
use super::events::EventLine;
use super::layout::Section;
use crate::admin;
use crate::admin::audit::{self, About, Query};
use crate::render::Response;
use crate::types::Params;

/// The number of rows of a page.
const ROWS: i64 = 50;

/// Shows administrative changes, or the events that a filter selects.
pub(super) async fn list(desk: Desk) -> Result<Response, ConsoleError> {
    let params = desk.visit.head.query()?;
    let typed = Typed::of(&params)?;
    let after = params.one("after")?;
    let call = desk.call();
    let (found, problem) = if !typed.request.is_empty() {
        let items = audit::of_request(&call, typed.request).await?;
        (Some(admin::Page { items, is_last: true }), None)
    } else if typed.is_filter() {
        let query = Query {
            kind: owned(typed.kind),
            client: owned(typed.client),
            user: owned(typed.user),
            request: None,
            since: None,
            before: after.map(str::to_owned),
        };
        match audit::query(&call, query).await {
            Ok(mut cursor) => (Some(audit::page(&call, &mut cursor, ROWS).await?), None),
            // A false all-clear would be the worst answer: what is unknown is said.
            Err(admin::Error::NotFound(_, why)) => (None, Some(why)),
            Err(error) => match refused::<()>(Err(error))? {
                Ok(()) => (None, None),
                Err(problem) => (None, Some(problem.why)),
            },
        }
    } else {
        (Some(audit::changes(&call, About::All, after, ROWS).await?), None)
    };
    let events = found.as_ref().map_or(&[][..], |page| &page.items);
    let is_last = found.as_ref().is_none_or(|page| page.is_last);
    let page = Audit {
        navigation: desk.navigation(Section::Audit),
        typed,
        problem: problem.as_deref(),
        events: events.iter().map(EventLine::of).collect(),
        next: events.last().filter(|_| !is_last).map(|event| typed.link(Some(&event.id))),
        first: after.is_some().then(|| typed.link(None)),
    };
    desk.page(&page).await
}

fn owned(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

impl<'a> Typed<'a> {
    fn of(params: &'a Params) -> Result<Self, ConsoleError> {
        let text = |name| Ok::<_, ConsoleError>(params.one(name)?.unwrap_or_default().trim());
        Ok(Self {
            kind: text("kind")?,
            client: text("client")?,
            user: text("user")?,
            request: text("request")?,
        })
    }
}
