//! Finds users by username, e-mail address or identifier, and clients by `client_id` or name. An unknown or
//! ambiguous name is an error, never an empty result.

use super::desk::Desk;
use super::exit::{Absent, Wrong};
use crate::people::name;
use crate::store::audit_events::{self, Filter};
use crate::store::{clients, users};
use crate::types::{Client, ClientId, User, UserId};

/// Finds a user. The identifier takes precedence, so a user cannot impersonate another by choosing that
/// user's identifier as a username.
pub(super) async fn user(desk: &Desk, who: &str) -> anyhow::Result<User> {
    match known_user(desk, who).await? {
        Some(user) => Ok(user),
        None => Err(Absent(format!(
            "no user has the username, e-mail address or identifier {who}: gatewright user list"
        ))
        .into()),
    }
}

async fn known_user(desk: &Desk, who: &str) -> anyhow::Result<Option<User>> {
    if who.trim().is_empty() {
        return Err(Wrong("the name of the user is empty".to_owned()).into());
    }
    let by_id = users::with_password(desk.store.db(), &UserId::from_text(who)).await?;
    let found = match by_id {
        Some(found) => Some(found),
        None => users::by_name(desk.store.db(), &name::canonical(who)).await?,
    };
    Ok(found.map(|found| found.user))
}

/// Finds a client by its `client_id` or name.
pub(super) async fn client(desk: &Desk, which: &str) -> anyhow::Result<Client> {
    match known_client(desk, which).await? {
        Some(client) => Ok(client),
        None => Err(Absent(format!(
            "there is no client with the client_id or the name {which}: gatewright client list"
        ))
        .into()),
    }
}

async fn known_client(desk: &Desk, which: &str) -> anyhow::Result<Option<Client>> {
    if which.trim().is_empty() {
        return Err(Wrong("the name of the client is empty".to_owned()).into());
    }
    if let Some(client) = clients::find(desk.store.db(), &ClientId::from_text(which)).await? {
        return Ok(Some(client));
    }
    let wanted = name::canonical(which);
    let mut named = clients::all(desk.store.db()).await?;
    named.retain(|client| name::canonical(client.name()) == wanted);
    match named.as_slice() {
        [] | [_] => Ok(named.pop()),
        several => {
            let ids: Vec<_> = several.iter().map(|client| client.id.to_string()).collect();
            let ids = ids.join(", ");
            Err(Wrong(format!("several clients have the name {which}; name one of {ids}")).into())
        }
    }
}

/// The identifier of a user, or of a deleted user if events refer to it.
pub(super) async fn user_in_audit(desk: &Desk, who: &str) -> anyhow::Result<String> {
    if let Some(user) = known_user(desk, who).await? {
        return Ok(user.id.to_string());
    }
    let about = Filter { user_id: who.to_owned(), most: 1, ..Filter::default() };
    if has_events(desk, &about).await? {
        return Ok(about.user_id);
    }
    Err(Absent(format!(
        "no user has the username, e-mail address or identifier {who}, and no event refers to it: \
         gatewright user list; name a deleted user by its identifier"
    ))
    .into())
}

/// The `client_id` of a client, or of a deleted client if events refer to it.
pub(super) async fn client_in_audit(desk: &Desk, which: &str) -> anyhow::Result<String> {
    if let Some(client) = known_client(desk, which).await? {
        return Ok(client.id.to_string());
    }
    let about = Filter { client_id: which.to_owned(), most: 1, ..Filter::default() };
    if has_events(desk, &about).await? {
        return Ok(about.client_id);
    }
    Err(Absent(format!(
        "there is no client with the client_id or the name {which}, and no event refers to it: \
         gatewright client list; name a deleted client by its client_id"
    ))
    .into())
}

async fn has_events(desk: &Desk, about: &Filter) -> anyhow::Result<bool> {
    Ok(!audit_events::list(desk.store.db(), about).await?.is_empty())
}
