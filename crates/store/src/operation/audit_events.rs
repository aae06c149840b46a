//! `audit_events`: actor, action, subject, address and outcome of every event.

use serde::Serialize;
use sqlx_macros::FromRow;

use crate::database::db::BoundValue;
use crate::types::{ClientId, SessionId, UserId};
use crate::{Executor, sql};

/// A row of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, FromRow)]
pub struct AuditRow {
    /// UUIDv7: sorted by time.
    pub id: String,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// What happened: `token.issued`, `grant.revoked`, …
    pub kind: String,
    /// `success`, or the code of the refusal.
    pub outcome: String,
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// Who performed an administrative action: `operator`, `user:ID`, `client:ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The address of the client or browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The request: the reference on error pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Details, as a JSON object; for a batch, the issued tokens, as a JSON array.
    pub facts: String,
    /// The number of events that this row represents.
    pub count: i64,
}

/// The insertion of an event whose values have these placeholders, where the condition after it holds. Such an event
/// has no actor: it is not an administrative action.
macro_rules! insert_event {
    ($values:literal, $condition:literal) => {
        concat!(
            "INSERT INTO audit_events
            (id, at_ms, kind, outcome, client_id, user_id, session_id, grant_id, address, request_id, facts, count)
         SELECT ",
            $values,
            $condition
        )
    };
}
pub(crate) use insert_event;

impl AuditRow {
    /// The values of `insert_event!`.
    pub(crate) fn values(&self) -> [BoundValue; 12] {
        [
            (&self.id).into(),
            self.at_ms.into(),
            (&self.kind).into(),
            (&self.outcome).into(),
            self.client_id.as_deref().into(),
            self.user_id.as_deref().into(),
            self.session_id.as_deref().into(),
            self.grant_id.as_deref().into(),
            self.address.as_deref().into(),
            self.request_id.as_deref().into(),
            (&self.facts).into(),
            self.count.into(),
        ]
    }
}

/// Adds an event.
///
/// # Errors
/// When the database fails.
pub async fn insert(on: impl Into<Executor<'_>>, event: &AuditRow) -> sqlx::Result<()> {
    sql("INSERT INTO audit_events
            (id, at_ms, kind, outcome, client_id, user_id, session_id, grant_id, address, request_id, facts, count,
             actor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
        .bind_all(event.values())
        .bind(event.actor.as_deref())
        .execute(on)
        .await
        .map(drop)
}

/// The events to list. Empty texts match all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this kind.
    pub kind: String,
    /// Of this client.
    pub client_id: String,
    /// Of this user.
    pub user_id: String,
    /// Of this request.
    pub request_id: String,
    /// Not older than this, in Unix milliseconds.
    pub since_ms: i64,
    /// Before this event, for the next page.
    pub before: String,
    /// As many as this.
    pub most: i64,
}

/// The events that match, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(on: impl Into<Executor<'_>>, filter: &Filter) -> sqlx::Result<Vec<AuditRow>> {
    sql("SELECT id, at_ms, kind, outcome, client_id, user_id, session_id, grant_id, address, request_id, facts, count,
                actor
           FROM audit_events
          WHERE ($1 = '' OR kind = $1) AND ($2 = '' OR client_id = $2) AND ($3 = '' OR user_id = $3)
            AND ($4 = '' OR request_id = $4) AND at_ms >= $5 AND ($6 = '' OR id < $6)
          ORDER BY id DESC
          LIMIT $7")
    .bind(&filter.kind)
    .bind(&filter.client_id)
    .bind(&filter.user_id)
    .bind(&filter.request_id)
    .bind(filter.since_ms)
    .bind(&filter.before)
    .bind(filter.most)
    .fetch_all(on)
    .await
}

/// The columns of an event.
macro_rules! events {
    ($condition:literal) => {
        concat!(
            "SELECT id, at_ms, kind, outcome, client_id, user_id, session_id, grant_id, address, request_id, facts, count,
                actor
           FROM audit_events
          WHERE ",
            $condition,
            " ORDER BY id DESC LIMIT $1"
        )
    };
}

/// Where a page of a list begins: after all identifiers, or before this one.
fn before(id: Option<&str>) -> &str {
    // Identifiers are hexadecimal.
    id.unwrap_or("g")
}

/// The events of a request, the newest first: of a refusal, and of what the request changed.
///
/// # Errors
/// When the database fails.
pub async fn of_request(
    on: impl Into<Executor<'_>>,
    request_id: &str,
    most: i64,
) -> sqlx::Result<Vec<AuditRow>> {
    sql(events!("request_id = $2")).bind(most).bind(request_id).fetch_all(on).await
}

/// The refused requests, of a client or of all, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn refusals(
    on: impl Into<Executor<'_>>,
    client: Option<&ClientId>,
    after: Option<&str>,
    most: i64,
) -> sqlx::Result<Vec<AuditRow>> {
    match client {
        Some(client) => sql(events!("kind = 'request.refused' AND client_id = $3 AND id < $2"))
            .bind(most)
            .bind(before(after))
            .bind(client),
        None => sql(events!("kind = 'request.refused' AND id < $2")).bind(most).bind(before(after)),
    }
    .fetch_all(on)
    .await
}

/// The subject of administrative changes.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    /// Anything.
    All,
    /// A client.
    Client(&'a ClientId),
    /// A user.
    User(&'a UserId),
}

/// The administrative changes, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn changes(
    on: impl Into<Executor<'_>>,
    about: About<'_>,
    after: Option<&str>,
    most: i64,
) -> sqlx::Result<Vec<AuditRow>> {
    match about {
        About::All => sql(events!("actor IS NOT NULL AND id < $2")).bind(most).bind(before(after)),
        About::Client(client) => sql(events!("actor IS NOT NULL AND client_id = $3 AND id < $2"))
            .bind(most)
            .bind(before(after))
            .bind(client),
        About::User(user) => sql(events!("actor IS NOT NULL AND user_id = $3 AND id < $2"))
            .bind(most)
            .bind(before(after))
            .bind(user),
    }
    .fetch_all(on)
    .await
}

/// An event of an account, as shown to its user.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct OwnRow {
    /// UUIDv7: sorted by time.
    pub id: String,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub kind: String,
    /// The client.
    pub client_id: Option<ClientId>,
    /// The session.
    pub session_id: Option<SessionId>,
    /// The address of the client or browser.
    pub address: Option<String>,
    /// Details, as a JSON object.
    pub facts: String,
    /// The `User-Agent` of the session, while it exists.
    pub user_agent: Option<String>,
}

/// The events of an account with this outcome, the newest first. An attacker can cause any number of failures, so
/// they are queried separately from successes.
///
/// The kinds are those of the index `audit_events_of_people`; another kind needs another index.
///
/// # Errors
/// When the database fails.
pub async fn of_user(
    on: impl Into<Executor<'_>>,
    user: &UserId,
    outcome: &str,
    most: i64,
) -> sqlx::Result<Vec<OwnRow>> {
    sql("SELECT audit_events.id, at_ms, kind, client_id, session_id, audit_events.address, facts, user_agent
           FROM audit_events
           LEFT JOIN sessions
             ON sessions.id = audit_events.session_id AND sessions.user_id = audit_events.user_id
          WHERE audit_events.user_id = $1 AND outcome = $2
            AND kind IN ('sign_in', 'sign_out', 'session.ended', 'consent.decided', 'consent.withdrawn',
                   'password.changed', 'user.created', 'user.updated', 'user.unlocked', 'user.disabled',
                   'user.enabled')
          ORDER BY audit_events.id DESC
          LIMIT $3")
    .bind(user)
    .bind(outcome)
    .bind(most)
    .fetch_all(on)
    .await
}

/// An event of certificate-bound tokens.
#[derive(Debug, FromRow)]
pub struct BoundTokens {
    /// UUIDv7: sorted by time.
    pub id: String,
    /// The tokens, as a JSON array.
    pub facts: String,
}

/// Where the identifiers of rows begin that were written at this time or later, in Unix milliseconds. A row is never
/// written before its event.
pub fn id_at(at_ms: i64) -> String {
    let first = format!("{:012x}", u64::try_from(at_ms).unwrap_or(0) & 0xffff_ffff_ffff);
    let (high, low) = first.split_at_checked(8).unwrap_or_default();
    format!("{high}-{low}")
}

/// Up to `most` events of certificate-bound tokens with identifiers above `after`, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn bound_tokens(
    on: impl Into<Executor<'_>>,
    after: &str,
    most: i64,
) -> sqlx::Result<Vec<BoundTokens>> {
    sql("SELECT id, facts FROM audit_events
          WHERE id > $1 AND kind = 'token.issued' AND facts LIKE '%\"certificate\":%'
          ORDER BY id
          LIMIT $2")
    .bind(after)
    .bind(most)
    .fetch_all(on)
    .await
}
