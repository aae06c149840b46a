//! Lifetimes of certificates, for warnings and renewals.

use sqlx_macros::FromRow;

use super::{Holder, Origin};
use crate::database::db::Joined;
use crate::types::sql::{Json, sqlx};
use crate::types::{ClientId, Seconds, Thumbprint, Timestamp};
use crate::{Executor, sql};

/// The part of a certificate that jobs over the whole inventory need. It is not revoked.
#[derive(Clone, Debug, FromRow)]
pub struct CertificateLifetime {
    /// SHA-256 of the certificate.
    pub thumbprint: Thumbprint,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub public_key: Thumbprint,
    /// The origin of the knowledge of it.
    pub origin: Origin,
    /// Its subject in the form of RFC 4514.
    pub subject: String,
    /// Its `subjectAltName`s.
    #[sqlx(try_from = "Json")]
    pub names: Vec<String>,
    /// When it becomes valid.
    pub not_before: Timestamp,
    /// When it expires.
    pub not_after: Timestamp,
    /// See [`super::CertificateRow::chain_ends_at`].
    pub chain_ends_at: Option<Timestamp>,
    /// When it was last presented, by any client.
    #[sqlx(rename = "shown_at")]
    pub last_used_at: Option<Timestamp>,
    /// The clients that it identifies.
    #[sqlx(skip)]
    pub holders: Vec<Holder>,
    /// The smallest threshold that a warning was sent for: the time before expiry.
    #[sqlx(rename = "threshold")]
    pub reported: Option<Seconds>,
    /// The clients that were sent a mail for that threshold.
    #[sqlx(try_from = "Json")]
    pub warned: Vec<ClientId>,
}

impl CertificateLifetime {
    /// When it becomes invalid: when it or a certificate of its chain expires.
    pub fn ends_at(&self) -> Timestamp {
        self.chain_ends_at.map_or(self.not_after, |chain| chain.min(self.not_after))
    }

    /// Its validity period.
    pub fn length(&self) -> Seconds {
        self.not_after - self.not_before
    }
}

/// A certificate and one of its holders, if there is one.
#[derive(FromRow)]
struct LifetimeRow {
    #[sqlx(flatten)]
    life: CertificateLifetime,
    #[sqlx(flatten, try_from = "Joined<Holder>")]
    holder: Option<Holder>,
}

/// Merges consecutive rows of the same certificate: one row for each holder.
fn merged(rows: Vec<LifetimeRow>) -> Vec<CertificateLifetime> {
    let mut found: Vec<CertificateLifetime> = Vec::new();
    for LifetimeRow { mut life, holder } in rows {
        match found.last_mut() {
            Some(last) if last.thumbprint == life.thumbprint => last.holders.extend(holder),
            Some(_) | None => {
                life.holders.extend(holder);
                found.push(life);
            }
        }
    }
    found
}

macro_rules! of_life {
    ($certificates:literal, $order:literal) => {
        concat!(
            "SELECT c.thumbprint, c.public_key, c.origin, c.subject, c.names, c.not_before, c.not_after,
                    c.chain_ends_at, c.last_used_at AS shown_at,
                    h.client_id, h.registered_at, h.last_used_at, w.threshold,
                    COALESCE(w.warned, '[]') AS warned
               FROM (SELECT l.thumbprint, l.public_key, l.origin, l.subject, l.names, l.not_before,
                            l.not_after, l.chain_ends_at, l.last_used_at
                       FROM ",
            $certificates,
            ") c
               LEFT JOIN certificate_clients h ON h.thumbprint = c.thumbprint
               LEFT JOIN certificate_warnings w
                 ON w.thumbprint = c.thumbprint
                AND w.threshold = (SELECT MIN(threshold) FROM certificate_warnings
                                    WHERE certificate_warnings.thumbprint = c.thumbprint)
              ORDER BY ",
            $order,
            ", c.thumbprint, h.client_id"
        )
    };
}

/// The certificates that are not revoked and expire at `now` or later, or expired no longer ago than their validity
/// period: these show how their successors were renewed, and their expiry may have to be reported. At most `most`,
/// those after `after`; an index finds them without reading the others.
///
/// # Errors
/// When the database fails.
pub async fn lifetimes(
    on: impl Into<Executor<'_>>,
    now: Timestamp,
    after: Option<&CertificateLifetime>,
    most: i64,
) -> sqlx::Result<Vec<CertificateLifetime>> {
    let rows: Vec<LifetimeRow> = sql(of_life!(
        "certificates l
                      WHERE l.revoked_at IS NULL
                        AND 2 * l.not_after - l.not_before >= $1
                        AND (2 * l.not_after - l.not_before > $1 OR l.thumbprint > $2)
                      ORDER BY 2 * l.not_after - l.not_before, l.thumbprint
                      LIMIT $3",
        "2 * c.not_after - c.not_before"
    ))
    .bind(after.map_or(now, |life| life.not_after + life.length()))
    .bind(after.map(|life| String::from(life.thumbprint)).unwrap_or_default())
    .bind(most)
    .fetch_all(on)
    .await?;
    Ok(merged(rows))
}

/// The certificate of a client that expires last, among those not revoked: any that it has presented or registered;
/// with `unshown` also one that was only issued to it; with `registered` only registered ones.
///
/// # Errors
/// When the database fails.
pub async fn last_of_client(
    on: impl Into<Executor<'_>>,
    client: &ClientId,
    registered: bool,
    unshown: bool,
) -> sqlx::Result<Option<CertificateLifetime>> {
    let rows: Vec<LifetimeRow> = sql(of_life!(
        "certificate_clients held
                       JOIN certificates l ON l.thumbprint = held.thumbprint
                      WHERE held.client_id = $1
                        AND (held.registered_at IS NOT NULL
                             OR NOT $2 AND (held.last_used_at IS NOT NULL OR $3
                                            OR l.origin <> 'issued'))
                        AND l.revoked_at IS NULL
                      ORDER BY l.not_after DESC, l.thumbprint
                      LIMIT 1",
        "c.not_after"
    ))
    .bind(client)
    .bind(registered)
    .bind(unshown)
    .fetch_all(on)
    .await?;
    Ok(merged(rows).pop())
}
