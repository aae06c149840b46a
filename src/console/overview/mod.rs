//! `/admin`: what needs attention, and what happened last.

pub(super) mod view;
pub(super) mod words;

use self::view::{Expiring, Overview};
use super::desk::Desk;
use super::error::ConsoleError;
use super::events::EventLine;
use super::layout::Section;
use crate::admin::audit::{self, About};
use crate::admin::cert::{self, Item, Query};
use crate::admin::{Action, client, user};
use crate::render::Response;
use crate::types::Seconds;

/// The number of rows of each list.
const MOST: i64 = 6;

/// Certificates that expire within this time need attention.
const SOON: Seconds = Seconds::days(30);

/// Shows the page.
pub(super) async fn show(desk: Desk) -> Result<Response, ConsoleError> {
    let call = desk.call();
    let refusals = audit::refusals(&call, None, None, MOST).await?.items;
    let changes = audit::changes(&call, About::All, None, MOST).await?.items;
    let expiring = if desk.may(Action::ReadCertificates) {
        let query = Query { expiring: Some(SOON), ..Query::default() };
        let mut cursor = cert::query(&call, query).await?;
        cert::page(&call, &mut cursor, MOST).await?.items
    } else {
        Vec::new()
    };
    let has_clients =
        !desk.may(Action::ReadClients) || !client::page(&call, None, 1).await?.items.is_empty();
    let is_alone = desk.may(Action::ReadUsers) && user::page(&call, None, 2).await?.items.len() < 2;
    let page = Overview {
        navigation: desk.navigation(Section::Overview),
        expiring: expiring
            .iter()
            .filter_map(|item| match item {
                Item::Certificate(entry) => Some(Expiring {
                    thumbprint: entry.certificate.thumbprint.to_string(),
                    subject: &entry.certificate.subject,
                    not_after: entry.certificate.not_after,
                }),
                // Signing keys rotate by themselves.
                Item::Key(_) => None,
            })
            .collect(),
        refusals: refusals.iter().map(EventLine::of).collect(),
        changes: changes.iter().map(EventLine::of).collect(),
        may_create_client: !has_clients && desk.may(Action::CreateClient),
        may_create_user: is_alone && desk.may(Action::CreateUser),
    };
    desk.page(&page).await
}
