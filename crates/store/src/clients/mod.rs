//! `clients`, `client_secrets`, `client_logos`.

pub mod resources;

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;
use sqlx_macros::FromRow;

use crate::certificates::{Range, certificate_in_range};
use crate::types::client::{Client, Metadata, StoredSecret};
use crate::types::{ClientId, Timestamp};
use crate::{Executor, Tx, from_json, sql, to_json};

/// A secret and its client.
#[derive(FromRow)]
struct OwnedSecret {
    client_id: ClientId,
    #[sqlx(flatten)]
    secret: StoredSecret,
}

/// The client with this identifier, disabled or not.
///
/// # Errors
/// When the database fails.
pub async fn find(on: impl Into<Executor<'_>>, id: &ClientId) -> sqlx::Result<Option<Client>> {
    let mut on = on.into();
    let client: Option<Client> =
        sql("SELECT id, metadata, created_at, disabled_at, ended_at, version FROM clients WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut on)
            .await?;
    let Some(mut client) = client else {
        return Ok(None);
    };
    client.secrets = sql("SELECT digest, sealed, expires_at FROM client_secrets
          WHERE client_id = $1
          ORDER BY created_at DESC, id DESC")
    .bind(id)
    .fetch_all(&mut on)
    .await?;
    Ok(Some(client))
}

/// A page of all clients, the oldest first: up to `most` of them after `after`.
///
/// # Errors
/// When the database fails.
pub async fn page(
    on: impl Into<Executor<'_>>,
    after: Option<&ClientId>,
    most: i64,
) -> sqlx::Result<Vec<Client>> {
    let mut on = on.into();
    let after = after.map_or("", ClientId::as_str);
    let mut clients: Vec<Client> =
        sql("SELECT id, metadata, created_at, disabled_at, ended_at, version FROM clients
          WHERE id > $1
          ORDER BY id
          LIMIT $2")
        .bind(after)
        .bind(most)
        .fetch_all(&mut on)
        .await?;
    let Some(last) = clients.last() else {
        return Ok(clients);
    };
    let mut secrets: Vec<OwnedSecret> =
        sql("SELECT client_id, digest, sealed, expires_at FROM client_secrets
          WHERE client_id > $1 AND client_id <= $2
          ORDER BY created_at DESC, id DESC")
        .bind(after)
        .bind(&last.id)
        .fetch_all(&mut on)
        .await?;
    for client in &mut clients {
        let own = secrets.extract_if(.., |owned| owned.client_id == client.id);
        client.secrets = own.map(|owned| owned.secret).collect();
    }
    Ok(clients)
}

/// A page of the clients whose displayed name begins with `beginning`, in any case, without their secrets: up to `most`
/// of them after `after`, sorted by name.
///
/// # Errors
/// When the database fails.
pub async fn named(
    on: impl Into<Executor<'_>>,
    beginning: &str,
    after: Option<&Client>,
    most: i64,
) -> sqlx::Result<Vec<Client>> {
    let first = beginning.to_lowercase().into_bytes();
    // No UTF-8 text has the byte 0xff, so this follows all names that begin so.
    let end = [first.as_slice(), &[0xff]].concat();
    let key = after.map(|client| name_key(client.name())).unwrap_or_default();
    sql("SELECT id, metadata, created_at, disabled_at, ended_at, version FROM clients
          WHERE name_key >= $1 AND name_key < $2 AND (name_key, id) > ($3, $4)
          ORDER BY name_key, id
          LIMIT $5")
    .bind(first)
    .bind(end)
    .bind(key)
    .bind(after.map_or("", |client| client.id.as_str()))
    .bind(most)
    .fetch_all(on)
    .await
}

/// The displayed name of a client as it is sorted and searched: the column `name_key`.
fn name_key(name: &str) -> Vec<u8> {
    name.to_lowercase().into_bytes()
}

/// The displayed name of a client with this metadata.
fn shown_name<'a>(id: &'a ClientId, metadata: &'a Metadata) -> &'a str {
    if metadata.client_name.is_empty() { id.as_str() } else { &metadata.client_name }
}

/// Up to `most` clients whose `name_key` was not computed yet, without their secrets.
///
/// # Errors
/// When the database fails.
pub async fn without_name_key(on: impl Into<Executor<'_>>, most: i64) -> sqlx::Result<Vec<Client>> {
    sql("SELECT id, metadata, created_at, disabled_at, ended_at, version FROM clients
          WHERE name_key IS NULL
          LIMIT $1")
    .bind(most)
    .fetch_all(on)
    .await
}

/// Stores the `name_key` of a client, unless the client was changed in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn set_name_key(tx: &mut Tx, client: &Client) -> sqlx::Result<()> {
    sql("UPDATE clients SET name_key = $1 WHERE id = $2 AND version = $3")
        .bind(name_key(client.name()))
        .bind(&client.id)
        .bind(client.version)
        .execute(tx)
        .await
        .map(drop)
}

/// The enabled clients that have a certificate or may need one, without their secrets. The comparisons of text are
/// a first filter, so that not every client is parsed.
///
/// # Errors
/// When the database fails.
pub async fn with_certificates(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<Client>> {
    sql("SELECT id, metadata, created_at, disabled_at, ended_at, version FROM clients
          WHERE disabled_at IS NULL
            AND (EXISTS (SELECT 1 FROM certificate_clients WHERE client_id = clients.id)
                 OR EXISTS (SELECT 1 FROM certificates WHERE client_id = clients.id)
                 OR metadata LIKE '%\"tls_client_certificate_bound_access_tokens\":true%'
                 OR metadata LIKE '%tls_client_auth\"%')
          ORDER BY id")
    .fetch_all(on)
    .await
}

/// The allowed origins of all enabled clients, for CORS preflights.
///
/// # Errors
/// When the database fails.
pub async fn origins(on: impl Into<Executor<'_>>) -> sqlx::Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Allowed {
        #[serde(default)]
        gw_allowed_origins: Vec<String>,
    }

    let rows: Vec<(String,)> =
        sql("SELECT metadata FROM clients WHERE disabled_at IS NULL").fetch_all(on).await?;
    let mut origins = BTreeSet::new();
    for (metadata,) in rows {
        origins.extend(from_json::<Allowed>(&metadata)?.gw_allowed_origins);
    }
    Ok(origins)
}

/// Registers a client.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    id: &ClientId,
    metadata: &Metadata,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO clients (id, metadata, name_key, created_at, updated_at, version)
         VALUES ($1, $2, $3, $4, $4, 1)")
    .bind(id)
    .bind(to_json(metadata)?)
    .bind(name_key(shown_name(id, metadata)))
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
}

/// Replaces the metadata, unless it was changed in the meantime (THREATS X-11).
///
/// # Errors
/// When the database fails.
pub async fn update(
    tx: &mut Tx,
    id: &ClientId,
    version: i64,
    metadata: &Metadata,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let updated = sql("UPDATE clients
            SET metadata = $1, name_key = $2, updated_at = $3, version = version + 1
          WHERE id = $4 AND version = $5")
    .bind(to_json(metadata)?)
    .bind(name_key(shown_name(id, metadata)))
    .bind(now)
    .bind(id)
    .bind(version)
    .execute(tx)
    .await?;
    Ok(updated == 1)
}

/// The value of `certificate_name` that was not computed yet.
const UNKNOWN: &str = "?";

/// The clients whose `certificate_name` was not computed yet, disabled or not, without their secrets.
///
/// # Errors
/// When the database fails.
pub async fn without_certificate_name(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<Client>> {
    sql("SELECT id, metadata, created_at, disabled_at, ended_at, version FROM clients
          WHERE certificate_name = $1
          ORDER BY id")
    .bind(UNKNOWN)
    .fetch_all(on)
    .await
}

/// Stores the name by which a certificate identifies a client, in the form in which names are compared, and whether
/// other clients may have the same name.
///
/// # Errors
/// When the database fails.
pub async fn set_certificate_name(
    tx: &mut Tx,
    id: &ClientId,
    name: Option<&str>,
    is_shared: bool,
) -> sqlx::Result<()> {
    sql("UPDATE clients SET certificate_name = $1, shares_certificate_name = $2 WHERE id = $3")
        .bind(name.unwrap_or_default())
        .bind(is_shared)
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// The other enabled clients with the same certificate name, where one of the two does not share it. The caller has
/// locked the version of the clients first (`versions::bump`), so the name cannot be registered concurrently.
///
/// # Errors
/// When the database fails.
pub async fn namesakes(tx: &mut Tx, id: &ClientId) -> sqlx::Result<Vec<ClientId>> {
    let found: Vec<(ClientId,)> = sql("SELECT other.id
           FROM clients AS own
           JOIN clients AS other
             ON other.certificate_name = own.certificate_name AND other.id <> own.id
          WHERE own.id = $1 AND own.certificate_name <> '' AND other.disabled_at IS NULL
            AND NOT (own.shares_certificate_name AND other.shares_certificate_name)
          ORDER BY other.id")
    .bind(id)
    .fetch_all(tx)
    .await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Those of the clients of a range of certificates that are registered as sharing their certificate name.
///
/// # Errors
/// When the database fails.
pub async fn sharing_certificate_names(
    on: impl Into<Executor<'_>>,
    range: &Range,
) -> sqlx::Result<HashSet<ClientId>> {
    let found: Vec<(ClientId,)> = sql(concat!(
        "SELECT id FROM clients
          WHERE shares_certificate_name
            AND id IN (SELECT client_id FROM certificate_clients
                        WHERE thumbprint IN (SELECT thumbprint FROM certificates WHERE ",
        certificate_in_range!("$1", "$2", "$3", "$4"),
        "))"
    ))
    .bind(range.first.not_after)
    .bind(range.first.thumbprint)
    .bind(range.last.not_after)
    .bind(range.last.thumbprint)
    .fetch_all(on)
    .await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// That a client is enabled, and was not disabled since a token was issued. The statement appends the time of
/// issue: `concat!(client_allows!(), "grants.created_at")`. In memory it is [`Client::was_enabled_since`].
macro_rules! client_allows {
    () => {
        "clients.disabled_at IS NULL AND COALESCE(clients.ended_at, 0) < "
    };
}
pub(crate) use client_allows;

/// Disables (`Some`) or enables (`None`) a client. Its tokens become invalid when it is disabled, and stay so when
/// it is enabled again.
///
/// # Errors
/// When the database fails.
pub async fn disable(tx: &mut Tx, id: &ClientId, at: Option<Timestamp>) -> sqlx::Result<bool> {
    let changed = sql("UPDATE clients
            SET disabled_at = $1, ended_at = COALESCE($1, ended_at), version = version + 1
          WHERE id = $2")
    .bind(at)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(changed == 1)
}

/// Locks an enabled client until the transaction ends: disabling or deleting it waits, and then sees what was
/// written. `false`: there is no such client.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx, id: &ClientId) -> sqlx::Result<bool> {
    let held = sql("UPDATE clients SET version = version WHERE id = $1 AND disabled_at IS NULL")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(held == 1)
}

/// Deletes a client and all dependent rows.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, id: &ClientId) -> sqlx::Result<bool> {
    let deleted = sql("DELETE FROM clients WHERE id = $1").bind(id).execute(tx).await?;
    Ok(deleted == 1)
}

/// Adds a secret.
///
/// # Errors
/// When the database fails.
pub async fn add_secret(
    tx: &mut Tx,
    id: &ClientId,
    secret: &StoredSecret,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO client_secrets (id, client_id, digest, sealed, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)")
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(id)
    .bind(secret.digest)
    .bind(secret.sealed.clone())
    .bind(now)
    .bind(secret.expires_at)
    .execute(tx)
    .await
    .map(drop)
}

/// A secret that is stored sealed, because an HMAC needs it in clear text.
#[derive(Debug, FromRow)]
pub struct SealedSecret {
    /// Its identifier.
    pub id: String,
    /// Its client; the sealed form is bound to it.
    pub client_id: ClientId,
    /// Sealed under the key-encryption key.
    pub sealed: Vec<u8>,
}

/// All sealed secrets.
///
/// # Errors
/// When the database fails.
pub async fn sealed_secrets(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<SealedSecret>> {
    sql("SELECT id, client_id, sealed FROM client_secrets WHERE sealed IS NOT NULL")
        .fetch_all(on)
        .await
}

/// Replaces the sealed form by one under a newer key, unless it was replaced in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn reseal(
    on: impl Into<Executor<'_>>,
    id: &str,
    from: &[u8],
    to: &[u8],
) -> sqlx::Result<bool> {
    let statement = "UPDATE client_secrets SET sealed = $1 WHERE id = $2 AND sealed = $3";
    crate::reseal(on, statement, id, from, to).await
}

/// Sets the expiry of the secrets that have none, and deletes those that have one: after a new secret is added, at
/// most two are valid.
///
/// # Errors
/// When the database fails.
pub async fn expire_secrets(tx: &mut Tx, id: &ClientId, at: Timestamp) -> sqlx::Result<()> {
    sql("DELETE FROM client_secrets WHERE client_id = $1 AND expires_at IS NOT NULL")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    sql("UPDATE client_secrets SET expires_at = $1 WHERE client_id = $2")
        .bind(at)
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// A logo.
#[derive(Clone, Debug, FromRow)]
pub struct Logo {
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub media_type: String,
    /// The image.
    pub bytes: Vec<u8>,
}

/// Stores or deletes the logo of a client.
///
/// # Errors
/// When the database fails.
pub async fn set_logo(
    tx: &mut Tx,
    id: &ClientId,
    logo: Option<&Logo>,
    now: Timestamp,
) -> sqlx::Result<()> {
    let Some(logo) = logo else {
        return sql("DELETE FROM client_logos WHERE client_id = $1")
            .bind(id)
            .execute(tx)
            .await
            .map(drop);
    };
    sql("INSERT INTO client_logos (client_id, media_type, bytes, fetched_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (client_id) DO UPDATE
            SET media_type = excluded.media_type, bytes = excluded.bytes, fetched_at = excluded.fetched_at")
    .bind(id)
    .bind(&logo.media_type)
    .bind(logo.bytes.as_slice())
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
}

/// A client's logo.
///
/// # Errors
/// When the database fails.
pub async fn logo(on: impl Into<Executor<'_>>, id: &ClientId) -> sqlx::Result<Option<Logo>> {
    sql("SELECT media_type, bytes FROM client_logos WHERE client_id = $1")
        .bind(id)
        .fetch_optional(on)
        .await
}
