//! The audit trail.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

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
    Ok(Cursor(filter(query, (client_id, user_id))))
}

/// Begins to read the events of a query whose client and user are identifiers: those of events about deleted ones are
/// found like the others, and an unknown identifier has none.
///
/// # Errors
/// The kind is unknown.
pub fn query_by_id(call: &Call<'_>, query: Query) -> Result<Cursor> {
    call.allow(Action::ReadAudit)?;
    if let Some(kind) = &query.kind {
        must_be_kind(kind)?;
    }
    let (client_id, user_id) = (query.client.clone(), query.user.clone());
    let ids = (client_id.unwrap_or_default(), user_id.unwrap_or_default());
    Ok(Cursor(filter(query, ids)))
}

fn filter(query: Query, (client_id, user_id): (String, String)) -> Filter {
    Filter {
        kind: query.kind.unwrap_or_default(),
        client_id,
        user_id,
        request_id: query.request.unwrap_or_default(),
        since_ms: query.since.map_or(0, |at| at.0.saturating_mul(1000)),
        before: query.before.unwrap_or_default(),
        most: 0,
    }
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

/// An event as JSON.
pub fn document(event: &AuditRow) -> Value {
    json!(Document::from(event))
}

/// An audit event. Members without a value are absent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub struct Document {
    /// A UUIDv7: sorted by time.
    id: String,
    /// When it happened, in Unix milliseconds.
    at_ms: i64,
    /// What happened.
    kind: String,
    /// `success`, or the code of the refusal.
    outcome: String,
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    /// The grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<String>,
    /// Who performed an administrative action: `operator`, `user:ID`, `client:ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// The address of the client or the browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Details: an object; for a batch, the issued tokens, as an array.
    facts: Value,
    /// The number of events that this one represents.
    count: i64,
}

impl From<&AuditRow> for Document {
    fn from(event: &AuditRow) -> Self {
        let event = event.clone();
        let facts = serde_json::from_str(&event.facts);
        Self {
            id: event.id,
            at_ms: event.at_ms,
            kind: event.kind,
            outcome: event.outcome,
            client_id: event.client_id,
            user_id: event.user_id,
            session_id: event.session_id,
            grant_id: event.grant_id,
            actor: event.actor,
            address: event.address,
            request_id: event.request_id,
            facts: facts.unwrap_or(Value::String(event.facts)),
            count: event.count,
        }
    }
}
