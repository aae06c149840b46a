//! `users`, `user_names`, `credentials`.

pub mod device_cookies;
pub mod links;
pub mod roles;
pub mod sessions;
pub mod sign_in_tries;
pub mod words;

use sqlx_macros::FromRow;

use crate::types::{Timestamp, User, UserId};
use crate::{Db, Executor, Tx, sql, to_json};

/// A user with the hash of the password.
#[derive(Debug, FromRow)]
pub struct WithPassword {
    /// The user.
    #[sqlx(flatten)]
    pub user: User,
    /// The argon2id string; `None` without a password.
    pub password: Option<String>,
}

/// The user, disabled or not, who signs in with `name`, which is in canonical form.
///
/// # Errors
/// When the database fails.
pub async fn by_name(
    on: impl Into<Executor<'_>>,
    name: &str,
) -> sqlx::Result<Option<WithPassword>> {
    sql("SELECT users.id AS user_id, username, email, email_verified, claims AS user_claims,
                users.created_at AS user_created_at, users.updated_at AS user_updated_at, disabled_at,
                credentials.secret AS password
           FROM user_names
           JOIN users ON users.id = user_names.user_id
           LEFT JOIN credentials ON credentials.user_id = users.id AND credentials.kind = 'password'
          WHERE user_names.name = $1")
    .bind(name)
    .fetch_optional(on)
    .await
}

/// The user with this identifier, with the password.
///
/// # Errors
/// When the database fails.
pub async fn with_password(
    on: impl Into<Executor<'_>>,
    id: &UserId,
) -> sqlx::Result<Option<WithPassword>> {
    sql("SELECT users.id AS user_id, username, email, email_verified, claims AS user_claims,
                users.created_at AS user_created_at, users.updated_at AS user_updated_at, disabled_at,
                credentials.secret AS password
           FROM users
           LEFT JOIN credentials ON credentials.user_id = users.id AND credentials.kind = 'password'
          WHERE users.id = $1")
    .bind(id)
    .fetch_optional(on)
    .await
}

/// At most `most` users after `after`, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn page(
    on: impl Into<Executor<'_>>,
    after: Option<&UserId>,
    most: i64,
) -> sqlx::Result<Vec<User>> {
    sql("SELECT id AS user_id, username, email, email_verified, claims AS user_claims,
                created_at AS user_created_at, updated_at AS user_updated_at, disabled_at
           FROM users
          WHERE id > $1
          ORDER BY id
          LIMIT $2")
    .bind(after.map_or("", UserId::as_str))
    .bind(most)
    .fetch_all(on)
    .await
}

/// At most `most` users before `before`, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn newest(
    on: impl Into<Executor<'_>>,
    before: Option<&UserId>,
    most: i64,
) -> sqlx::Result<Vec<User>> {
    sql("SELECT id AS user_id, username, email, email_verified, claims AS user_claims,
                created_at AS user_created_at, updated_at AS user_updated_at, disabled_at
           FROM users
          WHERE id < $1
          ORDER BY id DESC
          LIMIT $2")
    // Identifiers are hexadecimal.
    .bind(before.map_or("g", UserId::as_str))
    .bind(most)
    .fetch_all(on)
    .await
}

/// What is stored of the names of a user, beside the names themselves.
#[derive(Debug)]
pub struct Names {
    /// The names to sign in with, in canonical form.
    pub sign_in: Vec<String>,
    /// The folded words by whose beginnings the user is found.
    pub words: Vec<String>,
}

/// Inserts a user and the names. A name of another user is a unique violation.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, user: &User, names: &Names) -> sqlx::Result<()> {
    sql("INSERT INTO users (id, username, email, email_verified, claims, created_at, updated_at, words_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $6)")
    .bind(&user.id)
    .bind(&user.username)
    .bind(user.email.as_deref())
    .bind(user.email_verified)
    .bind(to_json(&user.claims)?)
    .bind(user.created_at)
    .execute(&mut *tx)
    .await?;
    take_names(tx, &user.id, &names.sign_in).await?;
    words::insert(tx, &user.id, &names.words).await
}

async fn take_names(tx: &mut Tx, id: &UserId, names: &[String]) -> sqlx::Result<()> {
    for name in names {
        sql("INSERT INTO user_names (name, user_id) VALUES ($1, $2)")
            .bind(name)
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Locks a user until the end of the transaction, which changes it. `false`: there is no such user.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx, id: &UserId, now: Timestamp) -> sqlx::Result<bool> {
    let held = sql("UPDATE users SET updated_at = $1 WHERE id = $2")
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(held == 1)
}

/// Updates a locked user, and the names to sign in with. A name of another user is a unique violation.
///
/// # Errors
/// When the database fails.
pub async fn update(tx: &mut Tx, user: &User, names: &Names, now: Timestamp) -> sqlx::Result<()> {
    sql("UPDATE users SET username = $1, email = $2, email_verified = $3, claims = $4 WHERE id = $5")
        .bind(&user.username)
        .bind(user.email.as_deref())
        .bind(user.email_verified)
        .bind(to_json(&user.claims)?)
        .bind(&user.id)
        .execute(&mut *tx)
        .await?;
    sql("DELETE FROM user_names WHERE user_id = $1").bind(&user.id).execute(&mut *tx).await?;
    take_names(tx, &user.id, &names.sign_in).await?;
    words::replace(tx, &user.id, &names.words, now).await
}

/// Deletes a user and all dependent rows. `false`: there was no such user.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, id: &UserId) -> sqlx::Result<bool> {
    let deleted = sql("DELETE FROM users WHERE id = $1").bind(id).execute(tx).await?;
    Ok(deleted == 1)
}

/// Disables (`Some`) or enables (`None`) a user.
///
/// # Errors
/// When the database fails.
pub async fn disable(tx: &mut Tx, id: &UserId, at: Option<Timestamp>) -> sqlx::Result<bool> {
    let changed = sql("UPDATE users SET disabled_at = $1 WHERE id = $2")
        .bind(at)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(changed == 1)
}

/// Sets the password, regardless of the previous one.
///
/// # Errors
/// When the database fails.
pub async fn set_password(
    tx: &mut Tx,
    id: &UserId,
    hash: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO credentials (user_id, kind, secret, cost, created_at) VALUES ($1, 'password', $2, $3, $4)
         ON CONFLICT (user_id, kind) DO UPDATE
            SET secret = excluded.secret, cost = excluded.cost, created_at = excluded.created_at")
    .bind(id)
    .bind(hash)
    .bind(cost_of(hash))
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
}

/// Replaces a hash of the same password by a stronger one, unless the password was changed.
///
/// # Errors
/// When the database fails.
pub async fn rehash(
    on: impl Into<Executor<'_>>,
    id: &UserId,
    from: &str,
    to: &str,
) -> sqlx::Result<bool> {
    let changed = sql("UPDATE credentials SET secret = $1, cost = $2
          WHERE user_id = $3 AND kind = 'password' AND secret = $4")
    .bind(to)
    .bind(cost_of(to))
    .bind(id)
    .bind(from)
    .execute(on)
    .await?;
    Ok(changed == 1)
}

/// Changes the password from one that was just verified, unless it was changed in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn change_password(
    tx: &mut Tx,
    id: &UserId,
    from: &str,
    to: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let changed = sql("UPDATE credentials SET secret = $1, cost = $2, created_at = $3
          WHERE user_id = $4 AND kind = 'password' AND secret = $5")
    .bind(to)
    .bind(cost_of(to))
    .bind(now)
    .bind(id)
    .bind(from)
    .execute(tx)
    .await?;
    Ok(changed == 1)
}

/// When the password was last set; `None` without one.
///
/// # Errors
/// When the database fails.
pub async fn password_set_at(
    on: impl Into<Executor<'_>>,
    id: &UserId,
) -> sqlx::Result<Option<Timestamp>> {
    let row: Option<(Timestamp,)> =
        sql("SELECT created_at FROM credentials WHERE user_id = $1 AND kind = 'password'")
            .bind(id)
            .fetch_optional(on)
            .await?;
    Ok(row.map(|(at,)| at))
}

/// The parameters of a hash: its PHC string up to the salt.
fn cost_of(hash: &str) -> &str {
    hash.rsplitn(3, '$').nth(2).unwrap_or_default()
}

/// The distinct parameters of the stored hashes, at most `most`. Each is one step in an index, regardless of the
/// number of users.
///
/// # Errors
/// When the database fails.
pub async fn password_costs(db: &Db, most: usize) -> sqlx::Result<Vec<String>> {
    let mut costs: Vec<String> = Vec::new();
    while costs.len() < most {
        let last = costs.last().map_or("", String::as_str);
        let (next,): (Option<String>,) = sql("SELECT MIN(cost) FROM credentials WHERE cost > $1")
            .bind(last)
            .fetch_one(db)
            .await?;
        match next {
            Some(next) => costs.push(next),
            None => break,
        }
    }
    Ok(costs)
}
