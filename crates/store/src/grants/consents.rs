//! `consents`: the permissions that users gave to clients.

use sqlx_macros::FromRow;

use crate::database::db::JoinedRow;
use crate::types::sql::{Json, sqlx};
use crate::types::{ClientId, ResourceId, Scope, Timestamp, UserId};
use crate::{Executor, Tx, sql, to_json};

/// The consent of a user for a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Consent {
    /// The scopes.
    pub scope: Scope,
    /// The APIs.
    #[sqlx(try_from = "Json")]
    pub resources: Vec<ResourceId>,
    /// The names of individually requested claims (OIDC Core §5.5).
    #[sqlx(try_from = "Json")]
    pub claims: Vec<String>,
}

impl JoinedRow for Consent {
    const KEY: &'static str = "scope";
}

impl Consent {
    /// Whether it covers all of `other`.
    pub fn covers(&self, other: &Self) -> bool {
        other.scope.within(&self.scope)
            && other.resources.iter().all(|resource| self.resources.contains(resource))
            && other.claims.iter().all(|claim| self.claims.contains(claim))
    }

    /// The union with a new consent.
    #[must_use]
    pub fn and(mut self, now: &Self) -> Self {
        self.scope = self.scope.or(&now.scope);
        for resource in &now.resources {
            if !self.resources.contains(resource) {
                self.resources.push(resource.clone());
            }
        }
        for claim in &now.claims {
            if !self.claims.contains(claim) {
                self.claims.push(claim.clone());
            }
        }
        self
    }
}

/// A client that may act for a user.
#[derive(Debug, FromRow)]
pub struct Authorised {
    /// The client.
    pub client_id: ClientId,
    /// The consent.
    #[sqlx(flatten)]
    pub consent: Consent,
    /// When the user first gave consent.
    pub since: Timestamp,
    /// Whether the user was asked for consent; trusted clients need none.
    pub asked: bool,
    /// When the client was last issued tokens for the user, if known.
    pub used_at: Option<Timestamp>,
    /// Whether it has a live grant for offline access (OIDC Core §11).
    pub is_offline: bool,
}

/// The consents of a user.
///
/// # Errors
/// When the database fails.
pub async fn of_user(on: impl Into<Executor<'_>>, user: &UserId) -> sqlx::Result<Vec<Authorised>> {
    sql("SELECT client_id, scope, resources, claims, created_at AS since, TRUE AS asked, used_at,
                FALSE AS is_offline
           FROM consents
          WHERE user_id = $1
          ORDER BY created_at, client_id")
    .bind(user)
    .fetch_all(on)
    .await
}

/// The consent of a user for a client.
///
/// # Errors
/// When the database fails.
pub async fn find(
    on: impl Into<Executor<'_>>,
    user: &UserId,
    client: &ClientId,
) -> sqlx::Result<Option<Consent>> {
    sql("SELECT scope, resources, claims FROM consents WHERE user_id = $1 AND client_id = $2")
        .bind(user)
        .bind(client)
        .fetch_optional(on)
        .await
}

/// Stores the whole consent of the user. `seen` is the consent when the page was rendered: if another tab has
/// changed it since, or the user or the client was deleted, nothing is written (THREATS X-05).
///
/// # Errors
/// When the database fails.
pub async fn widen(
    tx: &mut Tx,
    user: &UserId,
    client: &ClientId,
    seen: Option<&Consent>,
    consent: &Consent,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let Some(seen) = seen else {
        let inserted = sql("INSERT INTO consents (user_id, client_id, scope, resources, claims, created_at, updated_at)
             SELECT users.id, clients.id, $3, $4, $5, $6, $6
               FROM users, clients
              WHERE users.id = $1 AND clients.id = $2
             ON CONFLICT (user_id, client_id) DO NOTHING")
        .bind(user)
        .bind(client)
        .bind(&consent.scope)
        .bind(to_json(&consent.resources)?)
        .bind(to_json(&consent.claims)?)
        .bind(now)
        .execute(tx)
        .await?;
        return Ok(inserted == 1);
    };
    let updated =
        sql("UPDATE consents SET scope = $1, resources = $2, claims = $3, updated_at = $4
          WHERE user_id = $5 AND client_id = $6 AND scope = $7 AND resources = $8 AND claims = $9")
        .bind(&consent.scope)
        .bind(to_json(&consent.resources)?)
        .bind(to_json(&consent.claims)?)
        .bind(now)
        .bind(user)
        .bind(client)
        .bind(&seen.scope)
        .bind(to_json(&seen.resources)?)
        .bind(to_json(&seen.claims)?)
        .execute(tx)
        .await?;
    Ok(updated == 1)
}

/// Withdraws a consent. The caller revokes the grants in the same transaction.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(tx: &mut Tx, user: &UserId, client: &ClientId) -> sqlx::Result<bool> {
    let withdrawn = sql("DELETE FROM consents WHERE user_id = $1 AND client_id = $2")
        .bind(user)
        .bind(client)
        .execute(tx)
        .await?;
    Ok(withdrawn == 1)
}
