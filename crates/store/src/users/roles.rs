//! `user_roles`, `client_roles`: what administrators may do.
//!
//! Every change begins with [`lock`], so that of two concurrent ones the second sees the first.

use sqlx_macros::FromRow;

use crate::types::{Holder, Role, Timestamp};
use crate::{Executor, Tx, sql, versions};

/// Locks all roles until the end of the transaction, which may change them or depend on them.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx) -> sqlx::Result<()> {
    versions::bump(tx, versions::Kind::Administrators).await
}

/// The roles of a user or a client, disabled or not.
///
/// # Errors
/// When the database fails.
pub async fn of(on: impl Into<Executor<'_>>, holder: &Holder) -> sqlx::Result<Vec<Role>> {
    let statement = match holder {
        Holder::User(_) => sql("SELECT role FROM user_roles WHERE user_id = $1 ORDER BY role"),
        Holder::Client(_) => {
            sql("SELECT role FROM client_roles WHERE client_id = $1 ORDER BY role")
        }
    };
    let rows: Vec<(String,)> = statement.bind(holder.id()).fetch_all(on).await?;
    // A role of a later release is unknown to this one, and permits nothing.
    Ok(rows.iter().filter_map(|(role,)| Role::parse(role)).collect())
}

/// Gives a role. `false`: there is no such user or client, or it has the role.
///
/// # Errors
/// When the database fails.
pub async fn grant(tx: &mut Tx, holder: &Holder, role: Role, now: Timestamp) -> sqlx::Result<bool> {
    let statement = match holder {
        Holder::User(_) => sql("INSERT INTO user_roles (user_id, role, granted_at)
                 SELECT id, $2, $3 FROM users WHERE id = $1
                 ON CONFLICT (user_id, role) DO NOTHING"),
        Holder::Client(_) => sql("INSERT INTO client_roles (client_id, role, granted_at)
                 SELECT id, $2, $3 FROM clients WHERE id = $1
                 ON CONFLICT (client_id, role) DO NOTHING"),
    };
    let granted = statement.bind(holder.id()).bind(role.as_str()).bind(now).execute(tx).await?;
    Ok(granted == 1)
}

/// Takes a role away. `false`: the holder does not have it.
///
/// # Errors
/// When the database fails.
pub async fn revoke(tx: &mut Tx, holder: &Holder, role: Role) -> sqlx::Result<bool> {
    let statement = match holder {
        Holder::User(_) => sql("DELETE FROM user_roles WHERE user_id = $1 AND role = $2"),
        Holder::Client(_) => sql("DELETE FROM client_roles WHERE client_id = $1 AND role = $2"),
    };
    let revoked = statement.bind(holder.id()).bind(role.as_str()).execute(tx).await?;
    Ok(revoked == 1)
}

/// Whether an enabled user other than `but` is an owner.
///
/// # Errors
/// When the database fails.
pub async fn has_owner(on: impl Into<Executor<'_>>, but: &str) -> sqlx::Result<bool> {
    let found: Option<(String,)> = sql("SELECT users.id FROM user_roles
           JOIN users ON users.id = user_roles.user_id
          WHERE user_roles.role = 'owner' AND users.disabled_at IS NULL AND users.id <> $1
          LIMIT 1")
    .bind(but)
    .fetch_optional(on)
    .await?;
    Ok(found.is_some())
}

/// A role of a user or a client.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct RoleRow {
    /// `user` or `client`.
    pub kind: String,
    /// The identifier of the user or the client.
    pub id: String,
    /// The username, or the name of the client.
    pub name: String,
    /// The role.
    pub role: String,
    /// When it was given.
    pub granted_at: Timestamp,
    /// Since when the user or the client is disabled.
    pub disabled_at: Option<Timestamp>,
}

/// Every role of every administrator: there are few.
///
/// # Errors
/// When the database fails.
pub async fn all(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<RoleRow>> {
    // Scalar subqueries: with a join, a planner without statistics reads all users.
    sql("SELECT 'user' AS kind, user_id AS id,
                (SELECT username FROM users WHERE users.id = user_roles.user_id) AS name, role, granted_at,
                (SELECT disabled_at FROM users WHERE users.id = user_roles.user_id) AS disabled_at
           FROM user_roles
         UNION ALL
         SELECT 'client' AS kind, client_id AS id, '' AS name, role, granted_at,
                (SELECT disabled_at FROM clients WHERE clients.id = client_roles.client_id) AS disabled_at
           FROM client_roles
          ORDER BY 1 DESC, 2, 4")
    .fetch_all(on)
    .await
}
