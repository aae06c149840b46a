//! `/admin/administrators`: who has which role.

pub(super) mod grant;
pub(super) mod revoke;
pub(super) mod view;
pub(super) mod words;

use self::view::{Administrators, HolderLine, Notice};
use super::desk::Desk;
use super::error::ConsoleError;
use super::layout::Section;
use crate::admin::{Action, role, user};
use crate::render::Response;
use crate::store::roles::RoleRow;
use crate::types::{ClientId, Holder, Role, UserId};

/// Shows the administrators, and what their roles may do.
pub(super) async fn list(desk: Desk) -> Result<Response, ConsoleError> {
    let rows = role::list(&desk.call()).await?;
    let mut holders: Vec<HolderLine> = Vec::new();
    for row in &rows {
        // A role of a later release is unknown to this one, and permits nothing.
        let Some(role) = Role::parse(&row.role) else {
            continue;
        };
        match holders.last_mut().filter(|last| last.kind == row.kind && last.id == row.id) {
            Some(last) => {
                last.roles.push(role);
                last.since = last.since.min(row.granted_at);
            }
            None => holders.push(line(&desk, row, role).await?),
        }
    }
    let page = Administrators {
        navigation: desk.navigation(Section::Administrators),
        holders,
        may_grant: desk.may(Action::GrantRole),
        may_revoke: desk.may(Action::RevokeRole),
        notice: desk.visit.head.query()?.one("done")?.and_then(Notice::parse),
    };
    desk.page(&page).await
}

async fn line(desk: &Desk, row: &RoleRow, role: Role) -> Result<HolderLine, ConsoleError> {
    let mut line = HolderLine {
        kind: row.kind.clone(),
        id: row.id.clone(),
        name: row.name.clone(),
        handle: None,
        roles: vec![role],
        since: row.granted_at,
        is_disabled: row.disabled_at.is_some(),
    };
    match Holder::parse(&row.kind, &row.id) {
        Some(Holder::User(id)) if desk.may(Action::ReadUsers) => {
            let user = user::find(&desk.call(), id.as_str()).await?;
            line.name = user.display_name().to_owned();
            line.handle = Some(user.email.unwrap_or(user.username));
        }
        Some(Holder::Client(id)) => line.name = client_name(desk, &id).await?,
        Some(Holder::User(_)) | None => {}
    }
    Ok(line)
}

/// The name of a client, else its identifier.
async fn client_name(desk: &Desk, id: &ClientId) -> Result<String, ConsoleError> {
    let client = desk.visit.app().cache.client(id).await?;
    let lang = desk.layout().words.lang;
    Ok(client.map_or_else(|| id.to_string(), |client| client.name_in(lang).to_owned()))
}

/// The name of a user or a client.
async fn holder_name(desk: &Desk, holder: &Holder) -> Result<String, ConsoleError> {
    Ok(match holder {
        Holder::User(id) => user_name(desk, id).await?,
        Holder::Client(id) => client_name(desk, id).await?,
    })
}

async fn user_name(desk: &Desk, id: &UserId) -> Result<String, ConsoleError> {
    Ok(user::find(&desk.call(), id.as_str()).await?.display_name().to_owned())
}
