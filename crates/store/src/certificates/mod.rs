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
use crate::{On, Tx, sql, to_json};

pub use expiry::{Life, last_of_client, lives};
pub use list::{
    Filter, authorities_called, by_serial, count_over, holders, issued_in_the_name_of, list,
    of_key, renewed_from, set_renewed_from, who_shows,
};
pub use revocation::{Revoked, is_compromised, is_revoked, revoke, revoke_of_client, revoked};

/// How we came to know a certificate. Of several ways the first one listed is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// One of the server's own.
    Own,
    /// One of those that are believed about clients, by the configuration.
    Anchor,
    /// Our authority issued it.
    Issued,
    /// It stands in the registration of a client.
    Registered,
    /// It came between a client's certificate and its anchor.
    Intermediate,
    /// Somebody showed it in a TLS handshake.
    Seen,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Own, Self::Anchor, Self::Issued, Self::Registered, Self::Intermediate, Self::Seen];

    /// As it stands in the database.
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

/// A certificate as the inventory holds it.
#[derive(Clone, Debug, FromRow)]
pub struct CertificateRow {
    /// SHA-256 of the certificate: `x5t#S256`.
    pub thumbprint: Thumbprint,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub public_key: Thumbprint,
    /// How we came to know it.
    pub origin: Origin,
    /// The client that it was issued to, or that showed it first; `None`: nobody's, or ours. All that
    /// it proves: [`holders`].
    pub client_id: Option<ClientId>,
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// Its `subjectAltName`s, each with its kind before it: `DNS:…`, `URI:…`, `IP:…`, `email:…`.
    #[sqlx(try_from = "Json")]
    pub names: Vec<String>,
    /// Who issued it, as RFC 4514 writes it.
    pub issuer: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// The kind of its key: `RSA`, `EC P-256`, `Ed25519`, …
    pub key_type: String,
    /// How large that key is.
    pub key_bits: i64,
    /// When it begins to count.
    pub not_before: Timestamp,
    /// When it counts no more.
    pub not_after: Timestamp,
    /// Itself.
    pub der: Vec<u8>,
    /// When we first met it.
    pub first_seen_at: Timestamp,
    /// When it was last shown.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked, by whom ever.
    pub revoked_at: Option<Timestamp>,
    /// Why (RFC 5280 §5.3.1).
    pub reason: Option<String>,
    /// When the first one ends of it and of those above it, the anchor included, as it was last shown;
    /// `None`: it was not, or leads to nobody we believe.
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

/// The later of two uses, where either may be unknown.
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

/// Notes a certificate. One that is known keeps what is known of it: only a nearer origin, a client
/// where there was none, and a later use are taken over; a revocation is never undone.
///
/// # Errors
/// What the database says.
pub async fn note(on: impl Into<On<'_>>, row: &CertificateRow) -> sqlx::Result<()> {
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
    .run(&mut on)
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
    .run(on)
    .await
    .map(drop)
}

/// Notes the certificates that stand in the registration of a client, and that no others do any more.
///
/// # Errors
/// What the database says.
pub async fn register(tx: &mut Tx, client: &ClientId, rows: &[CertificateRow]) -> sqlx::Result<()> {
    sql("UPDATE certificate_clients SET registered_at = NULL
          WHERE client_id = $1 AND registered_at IS NOT NULL")
    .bind(client)
    .run(&mut *tx)
    .await?;
    for row in rows {
        note(&mut *tx, row).await?;
    }
    sql("UPDATE certificates SET origin = 'seen'
          WHERE origin = 'registered'
            AND thumbprint IN (SELECT thumbprint FROM certificate_clients WHERE client_id = $1)
            AND NOT EXISTS (SELECT 1 FROM certificate_clients
                             WHERE certificate_clients.thumbprint = certificates.thumbprint
                               AND registered_at IS NOT NULL)")
    .bind(client)
    .run(tx)
    .await
    .map(drop)
}

/// Forgets those that a client merely showed, but for the latest `most`: nobody fills the inventory.
///
/// # Errors
/// What the database says.
pub async fn forget_surplus(tx: &mut Tx, client: &ClientId, most: i64) -> sqlx::Result<u64> {
    sql("DELETE FROM certificates
          WHERE origin = 'seen' AND revoked_at IS NULL
            AND thumbprint IN (SELECT thumbprint FROM certificate_clients
                                WHERE client_id = $1
                                ORDER BY COALESCE(last_used_at, 0) DESC, thumbprint
                                LIMIT 1000 OFFSET $2)")
    .bind(client)
    .bind(most)
    .run(tx)
    .await
}

/// A client that a certificate proves.
#[derive(Clone, Debug, FromRow)]
pub struct Holder {
    /// Which certificate.
    pub thumbprint: Thumbprint,
    /// Which client.
    pub client_id: ClientId,
    /// Since when it stands in the client's registration.
    pub registered_at: Option<Timestamp>,
    /// When the client last showed it.
    pub last_used_at: Option<Timestamp>,
}

impl JoinedRow for Holder {
    const KEY: &'static str = "client_id";
}

/// The certificate of this thumbprint.
///
/// # Errors
/// What the database says.
pub async fn find(
    on: impl Into<On<'_>>,
    thumbprint: Thumbprint,
) -> sqlx::Result<Option<CertificateRow>> {
    sql(concat!("SELECT ", certificate_columns!(), " FROM certificates WHERE thumbprint = $1"))
        .bind(thumbprint)
        .opt(on)
        .await
}
