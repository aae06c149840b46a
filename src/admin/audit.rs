//! The audit trail.

use serde_json::{Value, json};

use super::{Action, Allowed, Call, Error, PAGE_SIZE, Page, Result, Subject, client, user};
use crate::record::Kind;
use crate::store::audit_events::{self, Filter};
pub use crate::store::audit_events::{About, AuditRow};
use crate::types::{ClientId, Timestamp};

/// Which events to list; without any of these, all.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Events of this kind.
    pub kind: Option<String>,
    /// Events about this client: `client_id` or name; of a deleted one, the `client_id`.
    pub client: Option<String>,
    /// Events about this user: username, e-mail address or identifier; of a deleted one, the identifier.
    pub user: Option<String>,
    /// Events of this request.
    pub request: Option<String>,
    /// Events since this time.
    pub since: Option<Timestamp>,
    /// Events older than this one.
    pub before: Option<String>,
}

/// A query whose names were resolved, and how far it has been read.
#[derive(Clone, Debug)]
pub struct Cursor(Filter);

/// Begins to read the events of a query, newest first.
///
/// # Errors
/// The kind is unknown, or there is no such client or user and no event refers to one: an empty list would be a
/// false all-clear (THREATS EX-24).
pub async fn query(call: &Call<'_>, query: Query) -> Result<Cursor> {
    let call = &call.allow(Action::ReadAudit)?;
    if let Some(kind) = &query.kind {
        must_be_kind(kind)?;
    }
    let client_id = match &query.client {
        Some(which) => client_id(call, which).await?,
        None => String::new(),
    };
    let user_id = match &query.user {
        Some(who) => user_id(call, who).await?,
        None => String::new(),
    };
    Ok(Cursor(Filter {
        kind: query.kind.unwrap_or_default(),
        client_id,
        user_id,
        request_id: query.request.unwrap_or_default(),
        since_ms: query.since.map_or(0, |at| at.0.saturating_mul(1000)),
        before: query.before.unwrap_or_default(),
        most: 0,
    }))
}

/// The next page of events.
///
/// # Errors
/// The database fails.
pub async fn page(call: &Call<'_>, cursor: &mut Cursor, limit: i64) -> Result<Page<AuditRow>> {
    let call = &call.allow(Action::ReadAudit)?;
    cursor.0.most = limit;
    let events = audit_events::list(call.store.db(), &cursor.0).await?;
    if let Some(last) = events.last() {
        cursor.0.before.clone_from(&last.id);
    }
    Ok(Page::new(events, limit))
}

/// A page of refused requests, of a client or of all, the newest first, after this event.
///
/// # Errors
/// The database fails.
pub async fn refusals(
    call: &Call<'_>,
    client: Option<&ClientId>,
    after: Option<&str>,
    limit: i64,
) -> Result<Page<AuditRow>> {
    let call = &call.allow(Action::ReadAudit)?;
    let events = audit_events::refusals(call.store.db(), client, after, limit).await?;
    Ok(Page::new(events, limit))
}

/// A page of administrative changes, the newest first, after this event.
///
/// # Errors
/// The database fails.
pub async fn changes(
    call: &Call<'_>,
    about: About<'_>,
    after: Option<&str>,
    limit: i64,
) -> Result<Page<AuditRow>> {
    let call = &call.allow(Action::ReadAudit)?;
    let events = audit_events::changes(call.store.db(), about, after, limit).await?;
    Ok(Page::new(events, limit))
}

/// The events of a request: of its refusal, or of what it changed.
///
/// # Errors
/// The database fails.
pub async fn of_request(call: &Call<'_>, request_id: &str) -> Result<Vec<AuditRow>> {
    let call = &call.allow(Action::ReadAudit)?;
    Ok(audit_events::of_request(call.store.db(), request_id, PAGE_SIZE).await?)
}

fn must_be_kind(kind: &str) -> Result<()> {
    if Kind::ALL.iter().any(|known| known.as_str() == kind) {
        return Ok(());
    }
    let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    Err(Error::Invalid(format!("unknown event kind {kind}; known kinds: {}", known.join(", "))))
}

/// The identifier of a user, or of a deleted one that events refer to.
async fn user_id(call: &Allowed<'_>, who: &str) -> Result<String> {
    if let Some(user) = user::known(call, who).await? {
        return Ok(user.id.to_string());
    }
    let about = Filter { user_id: who.to_owned(), most: 1, ..Filter::default() };
    if has_events(call, &about).await? {
        return Ok(about.user_id);
    }
    Err(Error::NotFound(
        Subject::UserOfEvents,
        format!(
            "no user has the username, e-mail address or identifier {who}, and no event refers to it"
        ),
    ))
}

/// The `client_id` of a client, or of a deleted one that events refer to.
async fn client_id(call: &Allowed<'_>, which: &str) -> Result<String> {
    if let Some(client) = client::known(call, which).await? {
        return Ok(client.id.to_string());
    }
    let about = Filter { client_id: which.to_owned(), most: 1, ..Filter::default() };
    if has_events(call, &about).await? {
        return Ok(about.client_id);
    }
    Err(Error::NotFound(
        Subject::ClientOfEvents,
        format!(
            "there is no client with the client_id or the name {which}, and no event refers to it"
        ),
    ))
}

async fn has_events(call: &Allowed<'_>, about: &Filter) -> Result<bool> {
    Ok(!audit_events::list(call.store.db(), about).await?.is_empty())
}

/// An event as JSON, with its facts as a JSON object instead of JSON in a string.
pub fn document(event: &AuditRow) -> Value {
    let mut object = json!(event);
    if let Ok(facts) = serde_json::from_str::<Value>(&event.facts)
        && let Some(object) = object.as_object_mut()
    {
        object.insert("facts".to_owned(), facts);
    }
    object
}
