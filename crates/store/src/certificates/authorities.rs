//! `authorities`, `issued`, `crls`: the built-in CA, the certificates that it issued, its CRLs.

use sqlx_macros::FromRow;

use super::revocation::certificate_is_revoked;
use crate::types::{ClientId, Thumbprint, Timestamp};
use crate::{Executor, Tx, sql};

/// A certificate of the built-in CA and its sealed private key.
#[derive(Clone, Debug, FromRow)]
pub struct AuthorityRow {
    /// Its identifier in URLs and commands.
    pub id: String,
    /// Whether it is the root, which signs only issuing certificates.
    pub is_root: bool,
    /// The DER.
    pub certificate: Vec<u8>,
    /// Its chain, nearest first, as concatenated DER.
    pub chain: Vec<u8>,
    /// Its private key, PKCS #8, sealed. `None`: the key is not stored here.
    pub sealed: Option<Vec<u8>>,
    /// When it expires.
    pub not_after: Timestamp,
    /// When it was created or imported.
    pub created_at: Timestamp,
    /// When another one replaced it. It is valid until it expires.
    pub superseded_at: Option<Timestamp>,
}

macro_rules! columns {
    () => {
        "id, is_root, certificate, chain, sealed, not_after, created_at, superseded_at"
    };
}

/// All CA certificates, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn all(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<AuthorityRow>> {
    sql(concat!("SELECT ", columns!(), " FROM authorities ORDER BY created_at DESC, id DESC"))
        .fetch_all(on)
        .await
}

/// The CA certificate with this identifier.
///
/// # Errors
/// When the database fails.
pub async fn find(on: impl Into<Executor<'_>>, id: &str) -> sqlx::Result<Option<AuthorityRow>> {
    sql(concat!("SELECT ", columns!(), " FROM authorities WHERE id = $1"))
        .bind(id)
        .fetch_optional(on)
        .await
}

/// The current root, or the current issuing CA.
///
/// # Errors
/// When the database fails.
pub async fn current(
    on: impl Into<Executor<'_>>,
    is_root: bool,
) -> sqlx::Result<Option<AuthorityRow>> {
    sql(concat!(
        "SELECT ",
        columns!(),
        " FROM authorities WHERE is_root = $1 AND superseded_at IS NULL"
    ))
    .bind(is_root)
    .fetch_optional(on)
    .await
}

/// Stores the current certificate of its kind. `false`: there is one already.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, row: &AuthorityRow) -> sqlx::Result<bool> {
    let inserted = sql("INSERT INTO authorities
            (id, is_root, certificate, chain, sealed, not_after, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT DO NOTHING")
    .bind(&row.id)
    .bind(row.is_root)
    .bind(row.certificate.as_slice())
    .bind(row.chain.as_slice())
    .bind(row.sealed.clone())
    .bind(row.not_after)
    .bind(row.created_at)
    .execute(tx)
    .await?;
    Ok(inserted == 1)
}

/// Marks it as replaced. `false`: it was not the current one.
///
/// # Errors
/// When the database fails.
pub async fn supersede(tx: &mut Tx, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    let superseded =
        sql("UPDATE authorities SET superseded_at = $1 WHERE id = $2 AND superseded_at IS NULL")
            .bind(now)
            .bind(id)
            .execute(tx)
            .await?;
    Ok(superseded == 1)
}

/// Deletes the private key of a root. `false`: there is no such root, or its key was not stored.
///
/// # Errors
/// When the database fails.
pub async fn delete_key(tx: &mut Tx, id: &str) -> sqlx::Result<bool> {
    let forgotten = sql(
        "UPDATE authorities SET sealed = NULL WHERE id = $1 AND is_root AND sealed IS NOT NULL",
    )
    .bind(id)
    .execute(tx)
    .await?;
    Ok(forgotten == 1)
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
    let statement = "UPDATE authorities SET sealed = $1 WHERE id = $2 AND sealed = $3";
    crate::reseal(on, statement, id, from, to).await
}

/// Records that a certificate of the inventory was issued by this CA under this serial number, in hexadecimal.
///
/// # Errors
/// When the database fails.
pub async fn record_issued(
    tx: &mut Tx,
    authority: &str,
    serial: &str,
    thumbprint: Thumbprint,
) -> sqlx::Result<()> {
    sql("INSERT INTO issued (thumbprint, authority_id, serial) VALUES ($1, $2, $3)")
        .bind(thumbprint)
        .bind(authority)
        .bind(serial)
        .execute(tx)
        .await
        .map(drop)
}

/// A revoked certificate.
#[derive(Clone, Debug, FromRow)]
pub struct Revoked {
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// The time.
    pub revoked_at: Timestamp,
    /// The reason (RFC 5280 §5.3.1).
    pub reason: Option<String>,
}

/// The revoked certificates of a CA that have not expired.
///
/// # Errors
/// When the database fails.
pub async fn revoked(
    on: impl Into<Executor<'_>>,
    authority: &str,
    not_expired_at: Timestamp,
) -> sqlx::Result<Vec<Revoked>> {
    sql("SELECT issued.serial, certificates.revoked_at, certificates.reason
           FROM issued JOIN certificates ON certificates.thumbprint = issued.thumbprint
          WHERE issued.authority_id = $1 AND certificates.revoked_at IS NOT NULL
            AND certificates.not_after >= $2
          ORDER BY certificates.revoked_at, issued.serial")
    .bind(authority)
    .bind(not_expired_at)
    .fetch_all(on)
    .await
}

/// The revocation status of an issued certificate.
#[derive(Clone, Debug, FromRow)]
pub struct RevocationStatus {
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The reason (RFC 5280 §5.3.1).
    pub reason: Option<String>,
}

/// The revocation status of the certificate with this serial number. `None`: this CA issued no such certificate.
///
/// # Errors
/// When the database fails.
pub async fn revocation_status(
    on: impl Into<Executor<'_>>,
    authority: &str,
    serial: &str,
) -> sqlx::Result<Option<RevocationStatus>> {
    sql("SELECT certificates.revoked_at, certificates.reason
           FROM issued JOIN certificates ON certificates.thumbprint = issued.thumbprint
          WHERE issued.authority_id = $1 AND issued.serial = $2")
    .bind(authority)
    .bind(serial)
    .fetch_optional(on)
    .await
}

/// Whether an issuing certificate may still issue. Locks it until the transaction ends: a concurrent revocation
/// waits, and then finds what was issued.
///
/// # Errors
/// When the database fails.
pub async fn may_issue(tx: &mut Tx, thumbprint: Thumbprint) -> sqlx::Result<bool> {
    let held = sql(concat!(
        "UPDATE certificates SET last_used_at = last_used_at WHERE thumbprint = $1 AND NOT ",
        certificate_is_revoked!()
    ))
    .bind(thumbprint)
    .execute(tx)
    .await?;
    Ok(held == 1)
}

/// Whether the built-in CA issued this certificate to the client, and it is valid: not expired, not revoked, its
/// key not compromised. Records the use, so that a concurrent revocation waits.
///
/// # Errors
/// When the database fails.
pub async fn may_be_renewed(
    tx: &mut Tx,
    thumbprint: Thumbprint,
    client: &ClientId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let counts = sql(concat!(
        "UPDATE certificates SET last_used_at = $1
          WHERE thumbprint = $2 AND client_id = $3 AND not_before <= $1 AND not_after >= $1
            AND EXISTS (SELECT 1 FROM issued WHERE issued.thumbprint = certificates.thumbprint)
            AND NOT ",
        certificate_is_revoked!()
    ))
    .bind(now)
    .bind(thumbprint)
    .bind(client)
    .execute(tx)
    .await?;
    Ok(counts == 1)
}

/// Whether [`may_be_renewed`] would succeed now, for the client that it was issued to. Only that function decides;
/// this one saves work for requests that it would refuse.
///
/// # Errors
/// When the database fails.
pub async fn is_renewable(
    on: impl Into<Executor<'_>>,
    thumbprint: Thumbprint,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let found: Option<(String,)> = sql(concat!(
        "SELECT thumbprint FROM certificates
          WHERE thumbprint = $1 AND not_before <= $2 AND not_after >= $2
            AND EXISTS (SELECT 1 FROM issued WHERE issued.thumbprint = certificates.thumbprint)
            AND EXISTS (SELECT 1 FROM clients
                         WHERE clients.id = certificates.client_id AND clients.disabled_at IS NULL)
            AND NOT ",
        certificate_is_revoked!()
    ))
    .bind(thumbprint)
    .bind(now)
    .fetch_optional(on)
    .await?;
    Ok(found.is_some())
}

/// A CRL.
#[derive(Clone, Debug, FromRow)]
pub struct Crl {
    /// `cRLNumber` (RFC 5280 §5.2.3): each one is greater than the one before.
    pub number: i64,
    /// The DER.
    pub der: Vec<u8>,
    /// The version of `revocations` when it was created: at another version it is out of date.
    pub version: i64,
    /// `thisUpdate`
    pub made_at: Timestamp,
    /// `nextUpdate`
    pub next_at: Timestamp,
}

/// The latest CRL of a CA.
///
/// # Errors
/// When the database fails.
pub async fn crl(on: impl Into<Executor<'_>>, authority: &str) -> sqlx::Result<Option<Crl>> {
    sql("SELECT number, der, version, made_at, next_at FROM crls WHERE authority_id = $1")
        .bind(authority)
        .fetch_optional(on)
        .await
}

/// Stores the next CRL. `false`: another replica has created one with this number.
///
/// # Errors
/// When the database fails.
pub async fn store_crl(
    on: impl Into<Executor<'_>>,
    authority: &str,
    crl: &Crl,
) -> sqlx::Result<bool> {
    let kept = sql("INSERT INTO crls (authority_id, number, der, version, made_at, next_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (authority_id) DO UPDATE
            SET number = excluded.number, der = excluded.der, version = excluded.version,
                made_at = excluded.made_at, next_at = excluded.next_at
          WHERE crls.number < excluded.number")
    .bind(authority)
    .bind(crl.number)
    .bind(crl.der.as_slice())
    .bind(crl.version)
    .bind(crl.made_at)
    .bind(crl.next_at)
    .execute(on)
    .await?;
    Ok(kept == 1)
}
