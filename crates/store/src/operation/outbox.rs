//! `outbox`: mails and webhooks that are to be sent.

use sqlx_macros::FromRow;

use gatewright_base::text_columns;

use crate::types::time::AHEAD;
use crate::types::{Seconds, Timestamp};
use crate::{On, sql};

/// How something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To a mail address.
    Mail,
    /// To a URL.
    Webhook,
}

impl Way {
    /// As it stands in the database.
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
    Way: Self::parse, "the column is not a way to send";
}

/// Something to be sent, as whoever sends it has taken it.
#[derive(Clone, Debug, FromRow)]
pub struct Taken {
    /// Which: it stays the same however often it is sent.
    pub id: String,
    /// How.
    #[sqlx(rename = "kind")]
    pub way: Way,
    /// Where to.
    pub target: String,
    /// What, as JSON.
    pub payload: String,
    /// How often it was tried, this time included.
    pub attempts: i64,
}

/// Puts something in, due at once. Called in the transaction of what it tells of.
///
/// # Errors
/// What the database says.
pub async fn insert(
    on: impl Into<On<'_>>,
    way: Way,
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
    .run(on)
    .await
    .map(drop)
}

/// Lets be due what a clock that was wrong has put off: what was never tried and is not due, and what is due
/// later than `furthest`. Returns how many that were.
///
/// # Errors
/// What the database says.
pub async fn bring_back(
    on: impl Into<On<'_>>,
    furthest: Timestamp,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE outbox SET due_at = $1
          WHERE due_at > $2 AND (attempts = 0 OR due_at > $3)
            AND done_at IS NULL AND failed_at IS NULL")
    .bind(now)
    .bind(now + AHEAD)
    .bind(furthest)
    .run(on)
    .await
}

/// Takes at most `most` that are due, for the length of `lease`: of many who ask, each row is one's. The
/// second condition is judged again when a row was waited for.
///
/// # Errors
/// What the database says.
pub async fn take(
    on: impl Into<On<'_>>,
    holder: &str,
    lease: Seconds,
    most: i64,
    now: Timestamp,
) -> sqlx::Result<Vec<Taken>> {
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
    .all(on)
    .await
}

/// It was sent, by the one who had taken it.
///
/// # Errors
/// What the database says.
pub async fn done(
    on: impl Into<On<'_>>,
    id: &str,
    holder: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sql("UPDATE outbox SET done_at = $1, error = NULL
          WHERE id = $2 AND holder = $3 AND done_at IS NULL")
    .bind(now)
    .bind(id)
    .bind(holder)
    .run(on)
    .await?;
    Ok(done == 1)
}

/// It could not be sent, by the one who had taken it, and is due again; `None`: never again.
///
/// # Errors
/// What the database says.
pub async fn failed(
    on: impl Into<On<'_>>,
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
    .run(on)
    .await?;
    Ok(noted == 1)
}

/// How many wait, and how many were given up.
///
/// # Errors
/// What the database says.
pub async fn counts(on: impl Into<On<'_>>) -> sqlx::Result<(i64, i64)> {
    sql("SELECT
            (SELECT count(*) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL) AS waiting,
            (SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL) AS failed")
    .one(on)
    .await
}
