//! Revocation by this server, and what it invalidates with it.

use serde_json::{Value, json};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Inventory;
use crate::config::NoticeKind;
use crate::pki::Reason;
use crate::record::{Context, Event, Kind, notice};
use crate::roles;
use crate::store::certificates::{self, CertificateRow, Origin};
use crate::store::{Tx, retrying, versions};
use crate::types::{Code, Failure, Holder, Result, Thumbprint};

/// A certificate in the payload of a webhook.
pub(in crate::pki) fn webhook_json(row: &CertificateRow) -> Value {
    json!({
        "thumbprint": row.thumbprint,
        "origin": row.origin.as_str(),
        "subject": row.subject,
        "names": row.names,
        "issuer": row.issuer,
        "serial": row.serial,
        "not_before": row.not_before,
        "not_after": row.not_after,
    })
}

/// Records a revocation in the transaction that revokes: writes the audit event and calls the webhooks.
///
/// # Errors
/// When the database fails.
pub async fn record_revocation(
    tx: &mut Tx,
    context: &Context<'_>,
    row: &CertificateRow,
    reason: Reason,
) -> Result<()> {
    let mut event = Event::success(Kind::CertificateRevoked)
        .fact("thumbprint", row.thumbprint.to_string())
        .fact("subject", row.subject.as_str())
        .fact("reason", reason.as_str());
    if let Some(client) = &row.client_id {
        event = event.client(client);
    }
    event.write(&mut *tx, context.trace).await?;
    let data = json!({ "certificate": webhook_json(row), "reason": reason.as_str() });
    notice::call(tx, context.config, NoticeKind::CertificateRevoked, &data, context.now).await?;
    Ok(())
}

impl Inventory<'_> {
    /// Revokes a certificate permanently, whether or not it is in the inventory. It no longer
    /// authenticates clients, and tokens bound to it are invalid. Returns the number of other
    /// certificates that were revoked with it.
    ///
    /// # Errors
    /// `invalid_request` when it was already revoked for this or a more severe reason; `access_denied` when it or one
    /// of the others identifies a client that may do more than the actor may.
    pub async fn revoke(&self, certificate: &CertificateRow, reason: Reason) -> Result<usize> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            certificates::record(&mut tx, certificate).await?;
            let thumbprint = certificate.thumbprint;
            self.must_cover_clients(&mut tx, thumbprint).await?;
            if !certificates::revoke(&mut tx, thumbprint, reason.as_str(), self.now).await? {
                return Err(Code::InvalidRequest
                    .because("the certificate is already revoked")
                    .into());
            }
            // The inventory may hold more than the caller's row, such as the client.
            let known = certificates::find(&mut tx, thumbprint).await?;
            let known = known.ok_or_else(|| Failure::internal("a certificate is missing"))?;
            record_revocation(&mut tx, self, &known, reason).await?;
            let others = self.revoke_dependents(&mut tx, known, reason).await?;
            versions::bump(&mut tx, versions::Kind::Revocations).await?;
            tx.commit().await?;
            Ok(others)
        })
        .await
    }

    /// Revokes the certificates that a revocation invalidates. After a key compromise: other
    /// certificates for the same key, and certificates renewed with it. For a certificate of the
    /// built-in CA: everything that it issued, recursively. Certificates issued by another CA can
    /// be valid through another certificate for the same key, so they are revoked only after a key
    /// compromise, when their issuer is no longer known.
    async fn revoke_dependents(
        &self,
        tx: &mut Tx,
        first: CertificateRow,
        reason: Reason,
    ) -> Result<usize> {
        let (mut ended, mut count) = (Vec::new(), 0);
        if first.origin == Origin::Own || reason == Reason::KeyCompromise {
            ended.push((first, reason));
        }
        while let Some((certificate, reason)) = ended.pop() {
            let mut others = self.issued_by(tx, &certificate, reason.for_issued()).await?;
            if reason == Reason::KeyCompromise {
                let key = certificate.public_key;
                let of_key = certificates::by_public_key(tx, key, self.now).await?;
                // Whoever has the key may have renewed the certificate for other keys, and these
                // renewals cannot be told apart from the owner's.
                let renewed = certificates::renewed_from(tx, certificate.thumbprint).await?;
                others.extend(of_key.into_iter().chain(renewed).map(|row| (row, reason)));
            }
            for (row, reason) in others {
                self.must_cover_clients(tx, row.thumbprint).await?;
                if certificates::revoke(tx, row.thumbprint, reason.as_str(), self.now).await? {
                    record_revocation(tx, self, &row, reason).await?;
                    count += 1;
                    ended.push((row, reason));
                }
            }
        }
        Ok(count)
    }

    /// Checks that the actor may act on the clients of a certificate: without it, a client is as good as disabled.
    async fn must_cover_clients(&self, tx: &mut Tx, thumbprint: Thumbprint) -> Result<()> {
        for client in certificates::clients_with_roles(&mut *tx, thumbprint).await? {
            roles::must_cover(tx, self.trace, &Holder::Client(client)).await?;
        }
        Ok(())
    }

    /// The certificates that a CA certificate issued, each with this reason.
    async fn issued_by(
        &self,
        tx: &mut Tx,
        authority: &CertificateRow,
        reason: Reason,
    ) -> Result<Vec<(CertificateRow, Reason)>> {
        let (_, parsed) = X509Certificate::from_der(&authority.der).map_err(Failure::internal)?;
        if !parsed.is_ca() {
            return Ok(Vec::new());
        }
        let claimed = certificates::by_issuer_name(tx, &authority.subject, self.now).await?;
        let signed = claimed.into_iter().filter(|row| has_signed(&parsed, &row.der));
        Ok(signed.map(|row| (row, reason)).collect())
    }
}

/// Whether a CA's key signed a certificate. Another certificate for the same key does not count as
/// issued by it.
fn has_signed(authority: &X509Certificate<'_>, der: &[u8]) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, below)| {
        below.public_key().raw != authority.public_key().raw
            && below.verify_signature(Some(authority.public_key())).is_ok()
    })
}
