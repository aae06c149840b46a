//! `/admin/people/{user}`: one user, with roles, sessions, applications and history.

pub(in crate::console) mod actions;
pub(in crate::console) mod edit;
mod questions;
pub(super) mod view;
mod words;

use std::collections::BTreeMap;

use self::view::{ActivityLine, ApplicationLine, ChangeLine, Notice, Person, Rights, SessionLine};
use crate::admin::audit::{self, About};
use crate::admin::{self, Action, role, session, user};
use crate::console::desk::Desk;
use crate::console::error::ConsoleError;
use crate::console::events::EventLine;
use crate::console::layout::Section;
use crate::render::Response;
use crate::render::user_agent::Device;
use crate::render::visit::name_of;
use crate::store::audit_events::AuditRow;
use crate::types::{ClientId, Code, Holder, User, UserId};

/// The number of administrative changes.
const CHANGES: i64 = 8;

/// Shows the user.
pub(in crate::console) async fn show(desk: Desk) -> Result<Response, ConsoleError> {
    let user = found(&desk).await?;
    let call = &desk.call();
    let notice = desk.visit.head.query()?.one("done")?.and_then(Notice::parse);
    let may_sessions = desk.may(Action::ReadSessions);
    let sessions = if may_sessions { session::list(call, &user.id).await? } else { Vec::new() };
    let access =
        if may_sessions { session::applications(call, &user.id).await? } else { Vec::new() };
    let may_audit = desk.may(Action::ReadAudit);
    let (changes, events) = if may_audit {
        let changes = audit::changes(call, About::User(&user.id), None, CHANGES).await?.items;
        (changes, user::activity(call, &user.id).await?)
    } else {
        (Vec::new(), Vec::new())
    };
    let roles = if desk.may(Action::ReadAdministrators) {
        Some(role::of(call, &Holder::User(user.id.clone())).await?)
    } else {
        None
    };
    let clients = access.iter().map(|one| &one.client_id);
    let clients = clients.chain(events.iter().filter_map(|one| one.client.as_ref()));
    let clients = client_names(&desk, clients).await?;
    let actors = actor_names(&desk, &changes).await?;
    let page = Person {
        navigation: desk.navigation(Section::People),
        user: &user,
        security: user::security(call, &user.id).await?,
        rights: Rights::of(&desk),
        notice,
        roles,
        sessions: sessions
            .iter()
            .map(|one| SessionLine {
                id: one.id.as_str(),
                device: Device::from_user_agent(&one.user_agent),
                address: &one.address,
                since: one.created_at,
                used: one.seen_at,
            })
            .collect(),
        applications: access
            .iter()
            .map(|one| ApplicationLine {
                id: one.client_id.as_str(),
                name: clients.get(&one.client_id).map_or(one.client_id.as_str(), String::as_str),
                scope: one.consent.scope.to_string(),
                since: one.since,
                used: one.used_at,
            })
            .collect(),
        changes: changes
            .iter()
            .map(|row| ChangeLine {
                event: EventLine::of(row),
                actor: row.actor.as_ref().and_then(|actor| actors.get(actor)).map(String::as_str),
            })
            .collect(),
        activity: events
            .iter()
            .map(|one| ActivityLine {
                kind: one.kind,
                client: one.client.as_ref().and_then(|id| clients.get(id)).map(String::as_str),
                device: one.user_agent.as_deref().map(Device::from_user_agent),
                address: one.address.as_deref(),
                at: one.at,
                count: one.count,
            })
            .collect(),
        may_audit,
    };
    desk.page(&page).await
}

/// The user of the path.
async fn found(desk: &Desk) -> Result<User, ConsoleError> {
    let id = UserId::from_text(desk.visit.head.parameter("user"));
    let user = user::find(&desk.call(), id.as_str()).await?;
    if user.id != id {
        return Err(Code::NotFound.because("there is no user with this identifier").into());
    }
    Ok(user)
}

/// The names of clients that are still registered, for use within a sentence.
async fn client_names(
    desk: &Desk,
    ids: impl Iterator<Item = &ClientId>,
) -> Result<BTreeMap<ClientId, String>, ConsoleError> {
    let mut names = BTreeMap::new();
    for id in ids {
        if let Some(client) = desk.visit.app().cache.client(id).await? {
            names.insert(id.clone(), name_of(&client, desk.layout().words).into_owned());
        }
    }
    Ok(names)
}

/// The usernames of the users who made these changes, by the actor of the event.
async fn actor_names(
    desk: &Desk,
    changes: &[AuditRow],
) -> Result<BTreeMap<String, String>, ConsoleError> {
    let mut names = BTreeMap::new();
    for actor in changes.iter().filter_map(|row| row.actor.as_ref()) {
        let Some(id) = actor.strip_prefix("user:").filter(|_| !names.contains_key(actor)) else {
            continue;
        };
        match user::find(&desk.call(), id).await {
            Ok(user) => drop(names.insert(actor.clone(), user.username)),
            // A deleted user is shown by the identifier.
            Err(admin::Error::NotFound(..)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(names)
}
