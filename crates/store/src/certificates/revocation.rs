//! Revocation of certificates. It is never undone.

use std::collections::HashSet;

use super::{CertificateRow, certificate_columns};
use crate::types::{ClientId, Thumbprint, Timestamp};
use crate::versions::{self, Kind};
use crate::{On, Tx, sql};

/// What makes a certificate of the statement count for nothing: it was revoked, or its key is known to
/// somebody else, whichever certificate of that key this was said of. The one text of that rule; in memory it
/// is [`Revoked::has`].
macro_rules! certificate_is_revoked {
    () => {
        "(certificates.revoked_at IS NOT NULL
              OR EXISTS (SELECT 1 FROM certificates AS known
                          WHERE known.public_key = certificates.public_key
                            AND known.reason = 'keyCompromise'))"
    };
}
pub(crate) use certificate_is_revoked;

/// Whether a certificate was revoked, or its key is known to somebody else, as far as we know: what each
/// token that is bound to it asks.
///
/// # Errors
/// What the database says.
pub async fn is_revoked(on: impl Into<On<'_>>, thumbprint: Thumbprint) -> sqlx::Result<bool> {
    let found: Option<(String,)> = sql(concat!(
        "SELECT thumbprint FROM certificates WHERE thumbprint = $1 AND ",
        certificate_is_revoked!()
    ))
    .bind(thumbprint)
    .opt(on)
    .await?;
    Ok(found.is_some())
}

/// Whether a public key is known to somebody else: no certificate for it counts.
///
/// # Errors
/// What the database says.
pub async fn is_compromised(on: impl Into<On<'_>>, public_key: Thumbprint) -> sqlx::Result<bool> {
    let found: Option<(String,)> = sql("SELECT thumbprint FROM certificates
          WHERE public_key = $1 AND reason = 'keyCompromise' LIMIT 1")
    .bind(public_key)
    .opt(on)
    .await?;
    Ok(found.is_some())
}

/// Certificates that are revoked, expired or not.
#[derive(Debug, Default)]
pub struct Revoked {
    certificates: HashSet<Thumbprint>,
    /// Those that somebody else may have as well: he can put them into other certificates.
    keys: HashSet<Thumbprint>,
}

impl Revoked {
    /// Whether a certificate is one of them, or is made for a key that is known to somebody else.
    pub fn has(&self, certificate: Thumbprint, public_key: Thumbprint) -> bool {
        self.certificates.contains(&certificate) || self.has_key(public_key)
    }

    /// Whether a key is known to somebody else.
    pub fn has_key(&self, public_key: Thumbprint) -> bool {
        self.keys.contains(&public_key)
    }

    /// Whether none is revoked.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }
}

/// All that are revoked.
///
/// # Errors
/// What the database says.
pub async fn revoked(on: impl Into<On<'_>>) -> sqlx::Result<Revoked> {
    let rows: Vec<(Thumbprint, Thumbprint, bool)> = sql("SELECT thumbprint, public_key,
                (reason IS NOT NULL AND reason = 'keyCompromise') AS is_compromised
           FROM certificates WHERE revoked_at IS NOT NULL")
    .all(on)
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

/// Revokes a certificate, from `now` on and for ever. `false`: it is unknown, or was revoked before. One
/// that was revoked for another reason can still be said to have a key that somebody else knows: that is
/// worse than all the others, and it is never taken back. Whoever calls this tells the replicas, by
/// [`versions::bump`].
///
/// # Errors
/// What the database says.
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
    .run(tx)
    .await?;
    Ok(revoked == 1)
}

/// Revokes all certificates of a client that our authority issued and that have not expired: it was disabled
/// or deleted. Returns them.
///
/// # Errors
/// What the database says.
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
    .all(&mut *tx)
    .await?;
    versions::bump(tx, Kind::Revocations).await?;
    Ok(revoked)
}
