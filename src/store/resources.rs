//! `resources`: APIs.

use sqlx::FromRow;

use super::{On, Tx, from_json, sql, to_json};
use crate::types::client::TokenFormat;
use crate::types::resource::{DeclaredScope, Resource};
use crate::types::{ResourceId, Seconds, Timestamp};

#[derive(FromRow)]
struct Row {
    id: ResourceId,
    name: String,
    scopes: String,
    access_token_format: Option<String>,
    access_token_lifetime: Option<Seconds>,
}

impl Row {
    fn read(self) -> sqlx::Result<Resource> {
        Ok(Resource {
            id: self.id,
            name: self.name,
            scopes: from_json::<Vec<DeclaredScope>>(&self.scopes)?,
            access_token_format: self.access_token_format.as_deref().and_then(TokenFormat::parse),
            access_token_lifetime: self.access_token_lifetime,
        })
    }
}

/// All of them.
///
/// # Errors
/// What the database says.
pub async fn all(on: impl Into<On<'_>>) -> sqlx::Result<Vec<Resource>> {
    let rows: Vec<Row> = sql("SELECT id, name, scopes, access_token_format, access_token_lifetime
           FROM resources
          ORDER BY id")
    .all(on)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Registers a resource. `false`: there is one of that identifier.
///
/// # Errors
/// What the database says.
pub async fn insert(tx: &mut Tx, resource: &Resource, now: Timestamp) -> sqlx::Result<bool> {
    let inserted = sql("INSERT INTO resources
            (id, name, scopes, access_token_format, access_token_lifetime, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)
         ON CONFLICT (id) DO NOTHING")
    .bind(&resource.id)
    .bind(&resource.name)
    .bind(to_json(&resource.scopes)?)
    .bind(resource.access_token_format.map(TokenFormat::as_str))
    .bind(resource.access_token_lifetime)
    .bind(now)
    .run(tx)
    .await?;
    Ok(inserted == 1)
}

/// Replaces what was registered.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, resource: &Resource, now: Timestamp) -> sqlx::Result<bool> {
    let updated = sql("UPDATE resources
            SET name = $1, scopes = $2, access_token_format = $3, access_token_lifetime = $4, updated_at = $5
          WHERE id = $6")
    .bind(&resource.name)
    .bind(to_json(&resource.scopes)?)
    .bind(resource.access_token_format.map(TokenFormat::as_str))
    .bind(resource.access_token_lifetime)
    .bind(now)
    .bind(&resource.id)
    .run(tx)
    .await?;
    Ok(updated == 1)
}

/// Deletes a resource: nobody gets a token for it any more.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx, id: &ResourceId) -> sqlx::Result<bool> {
    let deleted = sql("DELETE FROM resources WHERE id = $1").bind(id).run(tx).await?;
    Ok(deleted == 1)
}
