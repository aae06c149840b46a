//! Searches of the inventory.

use std::collections::HashSet;

use super::{CertificateRow, Holder, certificate_columns};
use crate::types::{ClientId, Thumbprint, Timestamp};
use crate::{Executor, Tx, sql};
use sqlx_macros::FromRow;

/// The certificates to list.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The client; `None`: all.
    pub client_id: Option<ClientId>,
    /// The earliest expiry.
    pub not_after_from: Timestamp,
    /// The latest expiry.
    pub not_after_to: Timestamp,
}

/// A position in the order by expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The expiry of the certificate.
    pub not_after: Timestamp,
    /// Its thumbprint: many certificates may expire in the same second.
    pub thumbprint: Thumbprint,
}

impl CertificateRow {
    /// Its position in the order by expiry.
    pub const fn position(&self) -> Position {
        Position { not_after: self.not_after, thumbprint: self.thumbprint }
    }
}

/// The certificates between two in the order by expiry, these included.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first.
    pub first: Position,
    /// The last.
    pub last: Position,
}

/// That a certificate is in a range. The arguments are the placeholders of the first expiry and thumbprint, and
/// of the last.
macro_rules! certificate_in_range {
    ($from:literal, $first:literal, $to:literal, $last:literal) => {
        concat!(
            "(not_after, thumbprint) >= (",
            $from,
            ", ",
            $first,
            ") AND (not_after, thumbprint) <= (",
            $to,
            ", ",
            $last,
            ")"
        )
    };
}
pub(crate) use certificate_in_range;

/// Up to `most` certificates that match, the first to expire first, from the one after `after` on.
///
/// # Errors
/// When the database fails.
pub async fn page(
    on: impl Into<Executor<'_>>,
    filter: &Filter,
    after: Option<Position>,
    most: i64,
) -> sqlx::Result<Vec<CertificateRow>> {
    const OF_ALL: &str = concat!(
        "SELECT ",
        certificate_columns!(),
        " FROM certificates
          WHERE (not_after, thumbprint) > ($1, $2) AND not_after <= $3
          ORDER BY not_after, thumbprint
          LIMIT $4"
    );
    const OF_CLIENT: &str = concat!(
        "SELECT ",
        certificate_columns!(),
        " FROM certificates
          WHERE thumbprint IN (SELECT thumbprint FROM certificates WHERE client_id = $5
                                UNION
                               SELECT thumbprint FROM certificate_clients WHERE client_id = $5)
            AND (not_after, thumbprint) > ($1, $2) AND not_after <= $3
          ORDER BY not_after, thumbprint
          LIMIT $4"
    );
    let not_after = after.map_or(filter.not_after_from, |position| position.not_after);
    let thumbprint = after.map(|position| String::from(position.thumbprint)).unwrap_or_default();
    let page = |statement| {
        sql(statement).bind(not_after).bind(thumbprint).bind(filter.not_after_to).bind(most)
    };
    let page = match &filter.client_id {
        None => page(OF_ALL),
        Some(client) => page(OF_CLIENT).bind(client),
    };
    page.fetch_all(on).await
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
        .fetch_all(on)
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
    .fetch_all(on)
    .await
}

/// The clients of the certificates of a range.
///
/// # Errors
/// When the database fails.
pub async fn holders(on: impl Into<Executor<'_>>, range: &Range) -> sqlx::Result<Vec<Holder>> {
    sql(concat!(
        "SELECT thumbprint, client_id, registered_at, last_used_at
           FROM certificate_clients
          WHERE thumbprint IN (SELECT thumbprint FROM certificates WHERE ",
        certificate_in_range!("$1", "$2", "$3", "$4"),
        ")
          ORDER BY thumbprint, client_id"
    ))
    .bind(range.first.not_after)
    .bind(range.first.thumbprint)
    .bind(range.last.not_after)
    .bind(range.last.thumbprint)
    .fetch_all(on)
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
    // `+`: by the index of revoked ones, which are fewer.
    let over: Over = sql("SELECT
            (SELECT COUNT(*) FROM certificates WHERE not_after < $1) AS ended,
            (SELECT COUNT(*) FROM certificates WHERE revoked_at IS NOT NULL) AS revoked,
            (SELECT COUNT(*) FROM certificates
              WHERE revoked_at IS NOT NULL AND +not_after < $1) AS twice")
    .bind(now)
    .fetch_one(on)
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
    .fetch_all(on)
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
    .fetch_all(tx)
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
    .fetch_all(tx)
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
        .execute(tx)
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
    .fetch_all(tx)
    .await
}
