//! Searches of the inventory.

use std::collections::HashSet;

use super::{CertificateRow, Holder, certificate_columns};
use crate::types::{ClientId, Thumbprint, Timestamp};
use crate::{Executor, Tx, sql};
use sqlx_macros::FromRow;

/// The certificates to list.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// The client; `None`: all.
    pub client_id: Option<&'a ClientId>,
    /// The earliest expiry.
    pub not_after_from: Timestamp,
    /// The latest expiry.
    pub not_after_to: Timestamp,
}

/// The certificates that match, the first to expire first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    on: impl Into<Executor<'_>>,
    filter: &Filter<'_>,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        certificate_columns!(),
        " FROM certificates
          WHERE not_after >= $1 AND not_after <= $2
            AND ($3 = '' OR client_id = $3
                 OR thumbprint IN (SELECT thumbprint FROM certificate_clients WHERE client_id = $3))
          ORDER BY not_after, thumbprint"
    ))
    .bind(filter.not_after_from)
    .bind(filter.not_after_to)
    .bind(filter.client_id.map_or("", ClientId::as_str))
    .all(on)
    .await
}

/// The certificates with this serial number; each issuer assigns its own, so there may be several.
///
/// # Errors
/// When the database fails.
pub async fn by_serial(
    on: impl Into<Executor<'_>>,
    serial: &str,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!("SELECT ", certificate_columns!(), " FROM certificates WHERE serial = $1"))
        .bind(serial)
        .all(on)
        .await
}

/// The CA certificates with this subject: several after a renewal.
///
/// # Errors
/// When the database fails.
pub async fn cas_by_subject(
    on: impl Into<Executor<'_>>,
    subject: &str,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        certificate_columns!(),
        " FROM certificates
          WHERE subject = $1 AND origin IN ('anchor', 'intermediate')
          ORDER BY not_after DESC, thumbprint"
    ))
    .bind(subject)
    .all(on)
    .await
}

/// The clients of the certificates that expire at `from` or later.
///
/// # Errors
/// When the database fails.
pub async fn holders(on: impl Into<Executor<'_>>, from: Timestamp) -> sqlx::Result<Vec<Holder>> {
    sql("SELECT thumbprint, client_id, registered_at, last_used_at
           FROM certificate_clients
          WHERE thumbprint IN (SELECT thumbprint FROM certificates WHERE not_after >= $1)
          ORDER BY thumbprint, client_id")
    .bind(from)
    .all(on)
    .await
}

/// The number of expired and of revoked certificates.
///
/// # Errors
/// When the database fails.
pub async fn count_ended(on: impl Into<Executor<'_>>, now: Timestamp) -> sqlx::Result<(i64, i64)> {
    #[derive(FromRow)]
    struct Over {
        ended: i64,
        revoked: i64,
        twice: i64,
    }
    let over: Over = sql("SELECT
            (SELECT COUNT(*) FROM certificates WHERE not_after < $1) AS ended,
            (SELECT COUNT(*) FROM certificates WHERE revoked_at IS NOT NULL) AS revoked,
            (SELECT COUNT(*) FROM certificates
              WHERE revoked_at IS NOT NULL AND not_after < $1) AS twice")
    .bind(now)
    .one(on)
    .await?;
    Ok((over.ended - over.twice, over.revoked))
}

/// The clients that have ever presented a certificate.
///
/// # Errors
/// When the database fails.
pub async fn presenting_clients(on: impl Into<Executor<'_>>) -> sqlx::Result<HashSet<ClientId>> {
    let rows: Vec<(ClientId,)> = sql("SELECT id FROM clients
          WHERE EXISTS (SELECT 1 FROM certificate_clients
                         WHERE client_id = clients.id AND last_used_at IS NOT NULL)")
    .all(on)
    .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The certificates, neither expired at `now` nor revoked, with this issuer name. The name proves nothing: anyone
/// can write it into a certificate.
///
/// # Errors
/// When the database fails.
pub async fn by_issuer_name(
    tx: &mut Tx,
    issuer: &str,
    now: Timestamp,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        certificate_columns!(),
        " FROM certificates
          WHERE issuer = $1 AND revoked_at IS NULL AND not_after >= $2
          ORDER BY thumbprint"
    ))
    .bind(issuer)
    .bind(now)
    .all(tx)
    .await
}

/// The certificates of this key, not expired at `now` and not recorded as compromised.
///
/// # Errors
/// When the database fails.
pub async fn by_public_key(
    tx: &mut Tx,
    public_key: Thumbprint,
    now: Timestamp,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        certificate_columns!(),
        " FROM certificates
          WHERE public_key = $1 AND not_after >= $2 AND COALESCE(reason, '') <> 'keyCompromise'
          ORDER BY thumbprint"
    ))
    .bind(public_key)
    .bind(now)
    .all(tx)
    .await
}

/// Records the certificate that authenticated the request for another one.
///
/// # Errors
/// When the database fails.
pub async fn set_renewed_from(
    tx: &mut Tx,
    thumbprint: Thumbprint,
    from: Thumbprint,
) -> sqlx::Result<()> {
    sql("UPDATE certificates SET renewed_from = $1 WHERE thumbprint = $2")
        .bind(from)
        .bind(thumbprint)
        .run(tx)
        .await
        .map(drop)
}

/// The certificates that were requested with this one, expired ones included, because they may have been used to
/// request others.
///
/// # Errors
/// When the database fails.
pub async fn renewed_from(
    tx: &mut Tx,
    thumbprint: Thumbprint,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        certificate_columns!(),
        " FROM certificates WHERE renewed_from = $1 ORDER BY thumbprint"
    ))
    .bind(thumbprint)
    .all(tx)
    .await
}
