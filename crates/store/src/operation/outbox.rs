//! `outbox`: mails and webhooks to be sent.

use sqlx_macros::FromRow;

use gatewright_base::text_columns;

use crate::types::time::AHEAD;
use crate::types::{Seconds, Timestamp};
use crate::{Executor, sql};

/// The transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// To a mail address.
    Mail,
    /// To a URL.
    Webhook,
}

impl Transport {
    /// The value in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Mail, Self::Webhook].into_iter().find(|way| way.as_str() == text)
    }
}

text_columns! {
    Transport: Self::parse, "the column is not a way to send";
}

/// A message that was leased for sending.
#[derive(Clone, Debug, FromRow)]
pub struct LeasedMessage {
    /// Its identifier, the same for every attempt.
    pub id: String,
    /// The authentication methods (`amr`).
    #[sqlx(rename = "kind")]
    pub way: Transport,
    /// The recipient.
    pub target: String,
    /// The content, as JSON.
    pub payload: String,
    /// The number of attempts, including this one.
    pub attempts: i64,
}

/// Adds a message that is due at once, in the transaction of the event.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    on: impl Into<Executor<'_>>,
    way: Transport,
    target: &str,
    payload: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO outbox (id, kind, target, payload, created_at, due_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $5, 0)")
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(way.as_str())
    .bind(target)
    .bind(payload)
    .bind(now)
    .execute(on)
    .await
    .map(drop)
}

/// Makes messages due that a clock that was wrong has put off: those never tried and not due, and those due later
/// than `furthest`. Returns their number.
///
/// # Errors
/// When the database fails.
pub async fn bring_back(
    on: impl Into<Executor<'_>>,
    furthest: Timestamp,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE outbox SET due_at = $1
          WHERE due_at > $2 AND (attempts = 0 OR due_at > $3)
            AND done_at IS NULL AND failed_at IS NULL")
    .bind(now)
    .bind(now + AHEAD)
    .bind(furthest)
    .execute(on)
    .await
}

/// Leases at most `most` due messages for `lease`; each goes to one of many concurrent callers. The second
/// condition is evaluated again for a row that was locked.
///
/// # Errors
/// When the database fails.
pub async fn lease(
    on: impl Into<Executor<'_>>,
    holder: &str,
    lease: Seconds,
    most: i64,
    now: Timestamp,
) -> sqlx::Result<Vec<LeasedMessage>> {
    sql("UPDATE outbox SET holder = $1, due_at = $2, attempts = attempts + 1
          WHERE id IN (SELECT id FROM outbox
                        WHERE due_at <= $3 AND done_at IS NULL AND failed_at IS NULL
                        ORDER BY due_at, id
                        LIMIT $4)
            AND due_at <= $3 AND done_at IS NULL AND failed_at IS NULL
      RETURNING id, kind, target, payload, attempts")
    .bind(holder)
    .bind(now + lease)
    .bind(now)
    .bind(most)
    .fetch_all(on)
    .await
}

/// Records that the holder has sent a message.
///
/// # Errors
/// When the database fails.
pub async fn mark_sent(
    on: impl Into<Executor<'_>>,
    id: &str,
    holder: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sql("UPDATE outbox SET done_at = $1, error = NULL
          WHERE id = $2 AND holder = $3 AND done_at IS NULL")
    .bind(now)
    .bind(id)
    .bind(holder)
    .execute(on)
    .await?;
    Ok(done == 1)
}

/// Records that the holder could not send a message, and when it is due again; `None`: it is given up.
///
/// # Errors
/// When the database fails.
pub async fn mark_failed(
    on: impl Into<Executor<'_>>,
    id: &str,
    holder: &str,
    again_at: Option<Timestamp>,
    error: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let failed_at = again_at.is_none().then_some(now);
    let noted = sql("UPDATE outbox SET due_at = $1, failed_at = $2, error = $3
          WHERE id = $4 AND holder = $5 AND done_at IS NULL AND failed_at IS NULL")
    .bind(again_at.unwrap_or(now))
    .bind(failed_at)
    .bind(error)
    .bind(id)
    .bind(holder)
    .execute(on)
    .await?;
    Ok(noted == 1)
}

/// The number of waiting messages, and of those given up.
///
/// # Errors
/// When the database fails.
pub async fn counts(on: impl Into<Executor<'_>>) -> sqlx::Result<(i64, i64)> {
    sql("SELECT
            (SELECT count(*) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL) AS waiting,
            (SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL) AS failed")
    .fetch_one(on)
    .await
}
