//! `certificates`: the inventory, and the tables of the built-in CA, of revocation and of ACME around it.
//!
//! This file has the row and what adds to the inventory; `list` searches it, `expiry` reads the lifetimes of many
//! certificates, `revocation` revokes.

pub mod acme;
pub mod authorities;
pub mod certificate_warnings;
pub mod enrolments;
mod expiry;
mod list;
mod revocation;
pub mod revocation_answers;
pub mod shown_chains;

use gatewright_base::text_columns;
use sqlx_macros::FromRow;

use crate::database::db::JoinedRow;
use crate::types::sql::{Json, sqlx};
use crate::types::{ClientId, Thumbprint, Timestamp};
use crate::{Executor, Tx, sql, to_json};

pub use expiry::{CertificateLifetime, last_of_client, lifetimes};
pub(crate) use list::certificate_in_range;
pub use list::{
    Filter, Position, Range, by_issuer_name, by_public_key, by_serial, cas_by_subject, count_ended,
    holders, page, presenting_clients, renewed_from, set_renewed_from,
};
pub use revocation::{Revoked, is_compromised, is_revoked, revoke, revoke_of_client, revoked};

/// The origin of a certificate in the inventory. Of several origins, the first one listed is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The server's own certificate.
    Own,
    /// A configured trust anchor for client certificates.
    Anchor,
    /// The built-in CA issued it.
    Issued,
    /// It is registered for a client.
    Registered,
    /// An intermediate certificate between a client's certificate and its trust anchor.
    Intermediate,
    /// It was presented in a TLS handshake.
    Seen,
}

impl Origin {
    /// All origins, in the order of rank.
    pub const ALL: [Self; 6] =
        [Self::Own, Self::Anchor, Self::Issued, Self::Registered, Self::Intermediate, Self::Seen];

    /// The value in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Anchor => "anchor",
            Self::Issued => "issued",
            Self::Registered => "registered",
            Self::Intermediate => "intermediate",
            Self::Seen => "seen",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == text)
    }
}

text_columns! {
    Origin: Self::parse, "the column is not an origin of a certificate";
}

/// A certificate of the inventory.
#[derive(Clone, Debug, FromRow)]
pub struct CertificateRow {
    /// SHA-256 of the certificate: `x5t#S256`.
    pub thumbprint: Thumbprint,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub public_key: Thumbprint,
    /// The origin of the knowledge of it.
    pub origin: Origin,
    /// The client that it was issued to, or that presented it first; `None`: no client's, or the server's. All
    /// clients that it identifies: [`holders`].
    pub client_id: Option<ClientId>,
    /// Its subject in the form of RFC 4514.
    pub subject: String,
    /// Its `subjectAltName`s, each with its kind as prefix: `DNS:…`, `URI:…`, `IP:…`, `email:…`.
    #[sqlx(try_from = "Json")]
    pub names: Vec<String>,
    /// Its issuer in the form of RFC 4514.
    pub issuer: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// The kind of its key: `RSA`, `EC P-256`, `Ed25519`, …
    pub key_type: String,
    /// The size of that key.
    pub key_bits: i64,
    /// When it becomes valid.
    pub not_before: Timestamp,
    /// When it expires.
    pub not_after: Timestamp,
    /// The DER.
    pub der: Vec<u8>,
    /// When it was added to the inventory.
    pub first_seen_at: Timestamp,
    /// When it was last presented.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked, by its issuer or here.
    pub revoked_at: Option<Timestamp>,
    /// The reason (RFC 5280 §5.3.1).
    pub reason: Option<String>,
    /// The earliest expiry in its chain, trust anchor included, when it was last presented; `None`: it was never
    /// presented, or leads to no trust anchor.
    pub chain_ends_at: Option<Timestamp>,
}

macro_rules! certificate_columns {
    () => {
        "thumbprint, public_key, origin, client_id, subject, names, issuer, serial, key_type, key_bits,
                not_before, not_after, der, first_seen_at, last_used_at, revoked_at, reason,
                chain_ends_at"
    };
}
pub(crate) use certificate_columns;

/// The later of two times of use, either of which may be unknown.
macro_rules! later {
    ($table:literal) => {
        concat!(
            "CASE WHEN ",
            $table,
            ".last_used_at IS NULL OR excluded.last_used_at > ",
            $table,
            ".last_used_at THEN excluded.last_used_at ELSE ",
            $table,
            ".last_used_at END"
        )
    };
}

/// Adds a certificate to the inventory. For a known one, only an origin of higher rank, a client where there was
/// none, and a later use are updated; a revocation is never undone.
///
/// # Errors
/// When the database fails.
pub async fn record(on: impl Into<Executor<'_>>, row: &CertificateRow) -> sqlx::Result<()> {
    let mut on = on.into();
    sql(concat!(
        "INSERT INTO certificates (",
        certificate_columns!(),
        ")
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (thumbprint) DO UPDATE SET
            origin = CASE WHEN 'own' IN (certificates.origin, excluded.origin) THEN 'own'
                          WHEN 'anchor' IN (certificates.origin, excluded.origin) THEN 'anchor'
                          WHEN 'issued' IN (certificates.origin, excluded.origin) THEN 'issued'
                          WHEN 'registered' IN (certificates.origin, excluded.origin) THEN 'registered'
                          WHEN 'intermediate' IN (certificates.origin, excluded.origin)
                          THEN 'intermediate' ELSE 'seen' END,
            client_id = COALESCE(certificates.client_id, excluded.client_id),
            last_used_at = ",
        later!("certificates"),
        ",
            revoked_at = COALESCE(certificates.revoked_at, excluded.revoked_at),
            reason = COALESCE(certificates.reason, excluded.reason),
            chain_ends_at = COALESCE(excluded.chain_ends_at, certificates.chain_ends_at)"
    ))
    .bind(row.thumbprint)
    .bind(row.public_key)
    .bind(row.origin.as_str())
    .bind(row.client_id.as_ref())
    .bind(&row.subject)
    .bind(to_json(&row.names)?)
    .bind(&row.issuer)
    .bind(&row.serial)
    .bind(&row.key_type)
    .bind(row.key_bits)
    .bind(row.not_before)
    .bind(row.not_after)
    .bind(row.der.as_slice())
    .bind(row.first_seen_at)
    .bind(row.last_used_at)
    .bind(row.revoked_at)
    .bind(row.reason.as_deref())
    .bind(row.chain_ends_at)
    .execute(&mut on)
    .await?;
    let Some(client) = &row.client_id else {
        return Ok(());
    };
    let registered_at = (row.origin == Origin::Registered).then_some(row.first_seen_at);
    sql(concat!(
        "INSERT INTO certificate_clients (thumbprint, client_id, registered_at, last_used_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (thumbprint, client_id) DO UPDATE SET
            registered_at = COALESCE(certificate_clients.registered_at, excluded.registered_at),
            last_used_at = ",
        later!("certificate_clients")
    ))
    .bind(row.thumbprint)
    .bind(client)
    .bind(registered_at)
    .bind(row.last_used_at)
    .execute(on)
    .await
    .map(drop)
}

/// Replaces the registered certificates of a client.
///
/// # Errors
/// When the database fails.
pub async fn register(tx: &mut Tx, client: &ClientId, rows: &[CertificateRow]) -> sqlx::Result<()> {
    sql("UPDATE certificate_clients SET registered_at = NULL
          WHERE client_id = $1 AND registered_at IS NOT NULL")
    .bind(client)
    .execute(&mut *tx)
    .await?;
    for row in rows {
        record(&mut *tx, row).await?;
    }
    sql("UPDATE certificates SET origin = 'seen'
          WHERE origin = 'registered'
            AND thumbprint IN (SELECT thumbprint FROM certificate_clients WHERE client_id = $1)
            AND NOT EXISTS (SELECT 1 FROM certificate_clients
                             WHERE certificate_clients.thumbprint = certificates.thumbprint
                               AND registered_at IS NOT NULL)")
    .bind(client)
    .execute(tx)
    .await
    .map(drop)
}

/// Deletes certificates that a client only presented, except the latest `most`: clients cannot fill the inventory.
///
/// # Errors
/// When the database fails.
pub async fn delete_surplus(tx: &mut Tx, client: &ClientId, most: i64) -> sqlx::Result<u64> {
    sql("DELETE FROM certificates
          WHERE origin = 'seen' AND revoked_at IS NULL
            AND thumbprint IN (SELECT thumbprint FROM certificate_clients
                                WHERE client_id = $1
                                ORDER BY COALESCE(last_used_at, 0) DESC, thumbprint
                                LIMIT 1000 OFFSET $2)")
    .bind(client)
    .bind(most)
    .execute(tx)
    .await
}

/// A client that a certificate identifies.
#[derive(Clone, Debug, FromRow)]
pub struct Holder {
    /// The certificate.
    pub thumbprint: Thumbprint,
    /// The client.
    pub client_id: ClientId,
    /// When it was registered for the client.
    pub registered_at: Option<Timestamp>,
    /// When the client last presented it.
    pub last_used_at: Option<Timestamp>,
}

impl JoinedRow for Holder {
    const KEY: &'static str = "client_id";
}

/// The certificate with this thumbprint.
///
/// # Errors
/// When the database fails.
pub async fn find(
    on: impl Into<Executor<'_>>,
    thumbprint: Thumbprint,
) -> sqlx::Result<Option<CertificateRow>> {
    sql(concat!("SELECT ", certificate_columns!(), " FROM certificates WHERE thumbprint = $1"))
        .bind(thumbprint)
        .fetch_optional(on)
        .await
}

/// The clients that a certificate identifies and that have a role.
///
/// # Errors
/// When the database fails.
pub async fn clients_with_roles(
    on: impl Into<Executor<'_>>,
    thumbprint: Thumbprint,
) -> sqlx::Result<Vec<ClientId>> {
    let rows: Vec<(ClientId,)> = sql("SELECT client_id FROM certificate_clients
          WHERE thumbprint = $1
            AND EXISTS (SELECT 1 FROM client_roles
                         WHERE client_roles.client_id = certificate_clients.client_id)
          ORDER BY client_id")
    .bind(thumbprint)
    .fetch_all(on)
    .await?;
    Ok(rows.into_iter().map(|(client,)| client).collect())
}
