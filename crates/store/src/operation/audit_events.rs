//! `audit_events`: who did what to whom, from where, and what came of it.

use serde::Serialize;
use sqlx_macros::FromRow;

use crate::types::{ClientId, SessionId, UserId};
use crate::{On, sql};

/// An event as it stands in the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, FromRow)]
pub struct AuditRow {
    /// UUIDv7: ids sort as the events came.
    pub id: String,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// What happened: `token.issued`, `grant.revoked`, …
    pub kind: String,
    /// `success`, or the code of the refusal.
    pub outcome: String,
    /// Which client was concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Which user was concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Which sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Which grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// From which address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// In which request: the id that the user sees on a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What was compared, as a JSON object; for a batch, what was issued, as a JSON array.
    pub facts: String,
    /// How many events this row stands for.
    pub count: i64,
}

/// Adds an event.
///
/// # Errors
/// What the database says.
pub async fn insert(on: impl Into<On<'_>>, event: &AuditRow) -> sqlx::Result<()> {
    sql("INSERT INTO audit_events
            (id, at_ms, kind, outcome, client_id, user_id, session_id, grant_id, address, request_id, facts, count)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
    .bind(&event.id)
    .bind(event.at_ms)
    .bind(&event.kind)
    .bind(&event.outcome)
    .bind(event.client_id.as_deref())
    .bind(event.user_id.as_deref())
    .bind(event.session_id.as_deref())
    .bind(event.grant_id.as_deref())
    .bind(event.address.as_deref())
    .bind(event.request_id.as_deref())
    .bind(&event.facts)
    .bind(event.count)
    .run(on)
    .await
    .map(drop)
}

/// Which events are asked for. Empty texts ask for all.
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

/// The events asked for, the newest first.
///
/// # Errors
/// What the database says.
pub async fn list(on: impl Into<On<'_>>, filter: &Filter) -> sqlx::Result<Vec<AuditRow>> {
    sql("SELECT id, at_ms, kind, outcome, client_id, user_id, session_id, grant_id, address, request_id, facts, count
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
    .all(on)
    .await
}

/// Something that happened to an account, as far as its owner is told.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct OwnRow {
    /// UUIDv7: ids sort as the events came.
    pub id: String,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub kind: String,
    /// Which client was concerned.
    pub client_id: Option<ClientId>,
    /// Which sign-in.
    pub session_id: Option<SessionId>,
    /// From which address.
    pub address: Option<String>,
    /// What was compared, as a JSON object.
    pub facts: String,
    /// What the browser of the sign-in calls itself, while that is alive.
    pub user_agent: Option<String>,
}

/// What happened to an account with this outcome, the newest first. Who guesses at it can cause as many failures
/// as they like: they are asked for apart from what succeeded.
///
/// The kinds are those of the index `audit_events_of_people`; another one needs another index.
///
/// # Errors
/// What the database says.
pub async fn of_user(
    on: impl Into<On<'_>>,
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
    .all(on)
    .await
}

/// What was told of tokens issued since `since_ms` that are bound to a certificate: rows of facts, as
/// JSON. Identifiers begin with the time at which a row was written, which is never before what it tells.
///
/// # Errors
/// What the database says.
pub async fn bound_tokens(on: impl Into<On<'_>>, since_ms: i64) -> sqlx::Result<Vec<String>> {
    let first = format!("{:012x}", u64::try_from(since_ms).unwrap_or(0) & 0xffff_ffff_ffff);
    let (high, low) = first.split_at_checked(8).unwrap_or_default();
    let rows: Vec<(String,)> = sql("SELECT facts FROM audit_events
          WHERE id >= $1 AND kind = 'token.issued' AND facts LIKE '%\"certificate\":%'")
    .bind(format!("{high}-{low}"))
    .all(on)
    .await?;
    Ok(rows.into_iter().map(|(facts,)| facts).collect())
}
