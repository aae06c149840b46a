//! Revocation of certificates. It is never undone.

use std::collections::HashSet;

use super::{CertificateRow, certificate_columns};
use crate::types::{ClientId, Thumbprint, Timestamp};
use crate::versions::{self, Kind};
use crate::{Executor, Tx, sql};

/// That the certificate of the statement is revoked, or that any certificate with its key was revoked because the
/// key is compromised: the one text of that rule; in memory it is [`Revoked::has`].
macro_rules! certificate_is_revoked {
    () => {
        "(certificates.revoked_at IS NOT NULL
              OR EXISTS (SELECT 1 FROM certificates AS known
                          WHERE known.public_key = certificates.public_key
                            AND known.reason = 'keyCompromise'))"
    };
}
pub(crate) use certificate_is_revoked;

/// Whether a certificate was revoked, or its key is compromised: checked at each use of a token that is bound to
/// it.
///
/// # Errors
/// When the database fails.
pub async fn is_revoked(on: impl Into<Executor<'_>>, thumbprint: Thumbprint) -> sqlx::Result<bool> {
    let found: Option<(String,)> = sql(concat!(
        "SELECT thumbprint FROM certificates WHERE thumbprint = $1 AND ",
        certificate_is_revoked!()
    ))
    .bind(thumbprint)
    .fetch_optional(on)
    .await?;
    Ok(found.is_some())
}

/// Whether a key is compromised: every certificate for it is invalid.
///
/// # Errors
/// When the database fails.
pub async fn is_compromised(
    on: impl Into<Executor<'_>>,
    public_key: Thumbprint,
) -> sqlx::Result<bool> {
    let found: Option<(String,)> = sql("SELECT thumbprint FROM certificates
          WHERE public_key = $1 AND reason = 'keyCompromise' LIMIT 1")
    .bind(public_key)
    .fetch_optional(on)
    .await?;
    Ok(found.is_some())
}

/// The revoked certificates, expired or not.
#[derive(Debug, Default)]
pub struct Revoked {
    certificates: HashSet<Thumbprint>,
    /// Compromised keys: they may come back in other certificates.
    keys: HashSet<Thumbprint>,
}

impl Revoked {
    /// Whether a certificate is revoked, or its key is compromised.
    pub fn has(&self, certificate: Thumbprint, public_key: Thumbprint) -> bool {
        self.certificates.contains(&certificate) || self.has_key(public_key)
    }

    /// Whether a key is compromised.
    pub fn has_key(&self, public_key: Thumbprint) -> bool {
        self.keys.contains(&public_key)
    }

    /// Whether none is revoked.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }
}

/// All revoked certificates.
///
/// # Errors
/// When the database fails.
pub async fn revoked(on: impl Into<Executor<'_>>) -> sqlx::Result<Revoked> {
    let rows: Vec<(Thumbprint, Thumbprint, bool)> = sql("SELECT thumbprint, public_key,
                (reason IS NOT NULL AND reason = 'keyCompromise') AS is_compromised
           FROM certificates WHERE revoked_at IS NOT NULL")
    .fetch_all(on)
    .await?;
    let mut revoked = Revoked::default();
    for (thumbprint, public_key, is_compromised) in rows {
        revoked.certificates.insert(thumbprint);
        if is_compromised {
            revoked.keys.insert(public_key);
        }
    }
    Ok(revoked)
}

/// Revokes a certificate from `now` on; this is final. `false`: it is unknown, or was revoked before. The reason of
/// a revoked certificate can still become `keyCompromise`, which is never taken back. The caller invalidates the
/// caches of the replicas with [`versions::bump`].
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    tx: &mut Tx,
    thumbprint: Thumbprint,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let revoked = sql("UPDATE certificates SET revoked_at = COALESCE(revoked_at, $1), reason = $2
          WHERE thumbprint = $3
            AND (revoked_at IS NULL
                 OR ($2 = 'keyCompromise' AND COALESCE(reason, '') <> 'keyCompromise'))")
    .bind(now)
    .bind(reason)
    .bind(thumbprint)
    .execute(tx)
    .await?;
    Ok(revoked == 1)
}

/// Revokes all unexpired certificates that the built-in CA issued to a client, when it is disabled or deleted.
/// Returns them.
///
/// # Errors
/// When the database fails.
pub async fn revoke_of_client(
    tx: &mut Tx,
    client: &ClientId,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<Vec<CertificateRow>> {
    let revoked = sql(concat!(
        "UPDATE certificates SET revoked_at = $1, reason = $2
          WHERE client_id = $3 AND origin = 'issued' AND revoked_at IS NULL AND not_after >= $1
      RETURNING ",
        certificate_columns!()
    ))
    .bind(now)
    .bind(reason)
    .bind(client)
    .fetch_all(&mut *tx)
    .await?;
    versions::bump(tx, Kind::Revocations).await?;
    Ok(revoked)
}
