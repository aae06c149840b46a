//! `consents`: what a user has agreed to for a client.

use sqlx_macros::FromRow;

use super::{On, Tx, from_json, sql, to_json, to_scope};
use crate::types::{ClientId, ResourceId, Scope, Timestamp, UserId};

/// What a user has agreed to for a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// The scopes.
    pub scope: Scope,
    /// The APIs.
    pub resources: Vec<ResourceId>,
    /// Single claims (OIDC Core §5.5), by their names.
    pub claims: Vec<String>,
}

impl Consent {
    pub(super) fn read(
        scope: Option<String>,
        resources: Option<String>,
        claims: Option<String>,
    ) -> sqlx::Result<Option<Self>> {
        let (Some(scope), Some(resources), Some(claims)) = (scope, resources, claims) else {
            return Ok(None);
        };
        Ok(Some(Self {
            scope: to_scope(&scope)?,
            resources: from_json(&resources)?,
            claims: from_json(&claims)?,
        }))
    }

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

#[derive(FromRow)]
struct Row {
    client_id: ClientId,
    scope: String,
    resources: String,
    claims: String,
    created_at: Timestamp,
    used_at: Option<Timestamp>,
}

/// A client that may act for a user.
#[derive(Debug)]
pub struct Authorised {
    /// Which.
    pub client_id: ClientId,
    /// To what.
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
    let rows: Vec<Row> = sql("SELECT client_id, scope, resources, claims, created_at, used_at
           FROM consents
          WHERE user_id = $1
          ORDER BY created_at, client_id")
    .bind(user)
    .all(on)
    .await?;
    rows.into_iter()
        .map(|row| {
            let consent = Consent::read(Some(row.scope), Some(row.resources), Some(row.claims))?;
            Ok(Authorised {
                client_id: row.client_id,
                consent: consent.unwrap_or_default(),
                since: row.created_at,
                asked: true,
                used_at: row.used_at,
                is_offline: false,
            })
        })
        .collect()
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
    let row: Option<Row> = sql("SELECT client_id, scope, resources, claims, created_at, used_at
           FROM consents
          WHERE user_id = $1 AND client_id = $2")
    .bind(user)
    .bind(client)
    .opt(on)
    .await?;
    let read = |row: Row| Consent::read(Some(row.scope), Some(row.resources), Some(row.claims));
    Ok(row.map(read).transpose()?.flatten())
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
