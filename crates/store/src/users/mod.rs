//! `users`, `user_names`, `credentials`.

pub mod device_cookies;
pub mod sessions;
pub mod sign_in_tries;

use sqlx_macros::FromRow;

use crate::types::{Timestamp, User, UserId};
use crate::{Db, On, Tx, sql, to_json};

/// An account with what proves a password.
#[derive(Debug, FromRow)]
pub struct WithPassword {
    /// The account.
    #[sqlx(flatten)]
    pub user: User,
    /// Its argon2id string; `None` if it has no password.
    pub password: Option<String>,
}

/// The account that signs in by `name`, which is in canonical form. Disabled accounts too.
///
/// # Errors
/// What the database says.
pub async fn by_name(on: impl Into<On<'_>>, name: &str) -> sqlx::Result<Option<WithPassword>> {
    sql("SELECT users.id AS user_id, username, email, email_verified, claims AS user_claims,
                users.created_at AS user_created_at, users.updated_at AS user_updated_at, disabled_at,
                credentials.secret AS password
           FROM user_names
           JOIN users ON users.id = user_names.user_id
           LEFT JOIN credentials ON credentials.user_id = users.id AND credentials.kind = 'password'
          WHERE user_names.name = $1")
    .bind(name)
    .opt(on)
    .await
}

/// The account of this identifier, with its password.
///
/// # Errors
/// What the database says.
pub async fn with_password(
    on: impl Into<On<'_>>,
    id: &UserId,
) -> sqlx::Result<Option<WithPassword>> {
    sql("SELECT users.id AS user_id, username, email, email_verified, claims AS user_claims,
                users.created_at AS user_created_at, users.updated_at AS user_updated_at, disabled_at,
                credentials.secret AS password
           FROM users
           LEFT JOIN credentials ON credentials.user_id = users.id AND credentials.kind = 'password'
          WHERE users.id = $1")
    .bind(id)
    .opt(on)
    .await
}

/// All accounts, the oldest first, after `after`, `most` of them.
///
/// # Errors
/// What the database says.
pub async fn page(
    on: impl Into<On<'_>>,
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
    .all(on)
    .await
}

/// Makes an account and takes its names. A name that is somebody else's is a unique violation.
///
/// # Errors
/// What the database says.
pub async fn insert(tx: &mut Tx, user: &User, names: &[String]) -> sqlx::Result<()> {
    sql("INSERT INTO users (id, username, email, email_verified, claims, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)")
    .bind(&user.id)
    .bind(&user.username)
    .bind(user.email.as_deref())
    .bind(user.email_verified)
    .bind(to_json(&user.claims)?)
    .bind(user.created_at)
    .run(&mut *tx)
    .await?;
    take_names(tx, &user.id, names).await
}

async fn take_names(tx: &mut Tx, id: &UserId, names: &[String]) -> sqlx::Result<()> {
    for name in names {
        sql("INSERT INTO user_names (name, user_id) VALUES ($1, $2)")
            .bind(name)
            .bind(id)
            .run(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Holds an account until the end of the transaction, in which it is changed. `false`: it is not there.
///
/// # Errors
/// What the database says.
pub async fn hold(tx: &mut Tx, id: &UserId, now: Timestamp) -> sqlx::Result<bool> {
    let held =
        sql("UPDATE users SET updated_at = $1 WHERE id = $2").bind(now).bind(id).run(tx).await?;
    Ok(held == 1)
}

/// Changes an account that is held, and the names that it signs in with. A name that is somebody else's
/// is a unique violation.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, user: &User, names: &[String]) -> sqlx::Result<()> {
    sql("UPDATE users SET username = $1, email = $2, email_verified = $3, claims = $4 WHERE id = $5")
        .bind(&user.username)
        .bind(user.email.as_deref())
        .bind(user.email_verified)
        .bind(to_json(&user.claims)?)
        .bind(&user.id)
        .run(&mut *tx)
        .await?;
    sql("DELETE FROM user_names WHERE user_id = $1").bind(&user.id).run(&mut *tx).await?;
    take_names(tx, &user.id, names).await
}

/// Deletes an account, and with it all that hangs on it. `false`: it was not there.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx, id: &UserId) -> sqlx::Result<bool> {
    let deleted = sql("DELETE FROM users WHERE id = $1").bind(id).run(tx).await?;
    Ok(deleted == 1)
}

/// Disables an account (`Some`) or lets it work again (`None`).
///
/// # Errors
/// What the database says.
pub async fn disable(tx: &mut Tx, id: &UserId, at: Option<Timestamp>) -> sqlx::Result<bool> {
    let changed =
        sql("UPDATE users SET disabled_at = $1 WHERE id = $2").bind(at).bind(id).run(tx).await?;
    Ok(changed == 1)
}

/// Sets the password, whatever it was.
///
/// # Errors
/// What the database says.
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
    .run(tx)
    .await
    .map(drop)
}

/// Replaces one hash of the same password by a stronger one, if the password is still that one.
///
/// # Errors
/// What the database says.
pub async fn rehash(
    on: impl Into<On<'_>>,
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
    .run(on)
    .await?;
    Ok(changed == 1)
}

/// Changes the password from one that was just proven to another, if nobody did so meanwhile.
///
/// # Errors
/// What the database says.
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
    .run(tx)
    .await?;
    Ok(changed == 1)
}

/// When the password was last set; `None` without one.
///
/// # Errors
/// What the database says.
pub async fn password_set_at(
    on: impl Into<On<'_>>,
    id: &UserId,
) -> sqlx::Result<Option<Timestamp>> {
    let row: Option<(Timestamp,)> =
        sql("SELECT created_at FROM credentials WHERE user_id = $1 AND kind = 'password'")
            .bind(id)
            .opt(on)
            .await?;
    Ok(row.map(|(at,)| at))
}

/// What a hash was made with: its PHC string up to the salt.
fn cost_of(hash: &str) -> &str {
    hash.rsplitn(3, '$').nth(2).unwrap_or_default()
}

/// What the hashes in the store were made with, each cost once; `most` of them. Each is one step in an
/// index, however many accounts there are.
///
/// # Errors
/// What the database says.
pub async fn password_costs(db: &Db, most: usize) -> sqlx::Result<Vec<String>> {
    let mut costs: Vec<String> = Vec::new();
    while costs.len() < most {
        let last = costs.last().map_or("", String::as_str);
        let (next,): (Option<String>,) =
            sql("SELECT MIN(cost) FROM credentials WHERE cost > $1").bind(last).one(db).await?;
        match next {
            Some(next) => costs.push(next),
            None => break,
        }
    }
    Ok(costs)
}
