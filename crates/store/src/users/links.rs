//! `links`: one-time links.

use crate::ahead::not_ahead;
use crate::types::{Digest, Timestamp, UserId};
use crate::{Executor, Tx, sql};

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Becoming the first owner, or another one.
    Owner,
    /// Setting a new password.
    Recovery,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Recovery => "recovery",
        }
    }
}

/// Stores a link. Earlier ones for the same purpose and the same user become invalid.
///
/// # Errors
/// When the database fails.
pub async fn replace(
    tx: &mut Tx,
    digest: &Digest,
    purpose: Purpose,
    user: Option<&UserId>,
    now: Timestamp,
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    void(tx, purpose, user).await?;
    sql("INSERT INTO links (digest, purpose, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(digest)
        .bind(purpose.as_str())
        .bind(user)
        .bind(now)
        .bind(expires_at)
        .execute(tx)
        .await
        .map(drop)
}

/// Deletes the links for this purpose and this user.
///
/// # Errors
/// When the database fails.
pub async fn void(tx: &mut Tx, purpose: Purpose, user: Option<&UserId>) -> sqlx::Result<()> {
    match user {
        Some(user) => sql("DELETE FROM links WHERE purpose = $1 AND user_id = $2")
            .bind(purpose.as_str())
            .bind(user),
        None => {
            sql("DELETE FROM links WHERE purpose = $1 AND user_id IS NULL").bind(purpose.as_str())
        }
    }
    .execute(tx)
    .await
    .map(drop)
}

/// Uses a link and returns its user. `None`: there is no such link, it was used or has expired; of many concurrent
/// requests one succeeds.
///
/// # Errors
/// When the database fails.
pub async fn spend(
    tx: &mut Tx,
    digest: &Digest,
    purpose: Purpose,
    now: Timestamp,
) -> sqlx::Result<Option<Option<UserId>>> {
    let spent: Option<(Option<UserId>,)> = sql(concat!(
        "UPDATE links SET used_at = $1
          WHERE digest = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $1 AND ",
        not_ahead!("created_at"),
        " RETURNING user_id"
    ))
    .bind(now)
    .bind(digest)
    .bind(purpose.as_str())
    .fetch_optional(tx)
    .await?;
    Ok(spent.map(|(user,)| user))
}

/// The user of a link that [`spend`] would use now.
///
/// # Errors
/// When the database fails.
pub async fn live(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    purpose: Purpose,
    now: Timestamp,
) -> sqlx::Result<Option<Option<UserId>>> {
    let found: Option<(Option<UserId>,)> = sql(concat!(
        "SELECT user_id FROM links
          WHERE digest = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $1 AND ",
        not_ahead!("created_at")
    ))
    .bind(now)
    .bind(digest)
    .bind(purpose.as_str())
    .fetch_optional(on)
    .await?;
    Ok(found.map(|(user,)| user))
}
