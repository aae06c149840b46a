//! `consents`: what a user has agreed to for a client.

use sqlx_macros::FromRow;

use crate::database::db::JoinedRow;
use crate::types::sql::{Json, sqlx};
use crate::types::{ClientId, ResourceId, Scope, Timestamp, UserId};
use crate::{On, Tx, sql, to_json};

/// What a user has agreed to for a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Consent {
    /// The scopes.
    pub scope: Scope,
    /// The APIs.
    #[sqlx(try_from = "Json")]
    pub resources: Vec<ResourceId>,
    /// Single claims (OIDC Core §5.5), by their names.
    #[sqlx(try_from = "Json")]
    pub claims: Vec<String>,
}

impl JoinedRow for Consent {
    const KEY: &'static str = "scope";
}

impl Consent {
    /// Whether all of `other` is in it.
    pub fn covers(&self, other: &Self) -> bool {
        other.scope.within(&self.scope)
            && other.resources.iter().all(|resource| self.resources.contains(resource))
            && other.claims.iter().all(|claim| self.claims.contains(claim))
    }

    /// This, and what was agreed to now.
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
    /// Which.
    pub client_id: ClientId,
    /// To what.
    #[sqlx(flatten)]
    pub consent: Consent,
    /// Since when.
    pub since: Timestamp,
    /// Whether the user was asked: a trusted client is let in without.
    pub asked: bool,
    /// When it was last issued tokens for the user, if that is known.
    pub used_at: Option<Timestamp>,
    /// Whether something lives that outlives the user's sign-in (OIDC Core §11).
    pub is_offline: bool,
}

/// What this user has agreed to, client by client.
///
/// # Errors
/// What the database says.
pub async fn of_user(on: impl Into<On<'_>>, user: &UserId) -> sqlx::Result<Vec<Authorised>> {
    sql("SELECT client_id, scope, resources, claims, created_at AS since, TRUE AS asked, used_at,
                FALSE AS is_offline
           FROM consents
          WHERE user_id = $1
          ORDER BY created_at, client_id")
    .bind(user)
    .all(on)
    .await
}

/// What this user has agreed to for this client.
///
/// # Errors
/// What the database says.
pub async fn find(
    on: impl Into<On<'_>>,
    user: &UserId,
    client: &ClientId,
) -> sqlx::Result<Option<Consent>> {
    sql("SELECT scope, resources, claims FROM consents WHERE user_id = $1 AND client_id = $2")
        .bind(user)
        .bind(client)
        .opt(on)
        .await
}

/// Writes what the user now agrees to in all. `seen` is what stood there when the page was judged: if
/// another tab has changed it since, nothing is written (THREATS X-05).
///
/// # Errors
/// What the database says.
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
             VALUES ($1, $2, $3, $4, $5, $6, $6)
             ON CONFLICT (user_id, client_id) DO NOTHING")
        .bind(user)
        .bind(client)
        .bind(&consent.scope)
        .bind(to_json(&consent.resources)?)
        .bind(to_json(&consent.claims)?)
        .bind(now)
        .run(tx)
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
        .run(tx)
        .await?;
    Ok(updated == 1)
}

/// Takes a consent back. The grants are revoked in the same transaction by the caller.
///
/// # Errors
/// What the database says.
pub async fn withdraw(tx: &mut Tx, user: &UserId, client: &ClientId) -> sqlx::Result<bool> {
    let withdrawn = sql("DELETE FROM consents WHERE user_id = $1 AND client_id = $2")
        .bind(user)
        .bind(client)
        .run(tx)
        .await?;
    Ok(withdrawn == 1)
}
