//! The inventory: every certificate that the server knows, its signing keys, and the clients and
//! tokens that depend on each certificate.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Certificate;
use super::Reason;
use super::anchors::Anchors;
use super::description::serial;
use super::revocation::{CachedStatus, cached_statuses};
use crate::config::{Config, NoticeKind};
use crate::record::{Event, Kind, Trace, notice};
use crate::store::certificates::{self, CertificateRow, Filter, Holder, Origin};
use crate::store::opaque_tokens::Bound;
use crate::store::signing_keys::{self, SigningKeyRow};
use crate::store::{
    Store, Tx, audit_events, clients, grants, opaque_tokens, resources, retrying, revoked_tokens,
    versions,
};
use crate::types::{ClientId, Code, Failure, Result, Seconds, Thumbprint, Timestamp, wire_enum};

/// The inventory row of a certificate.
pub fn row(
    certificate: &Certificate,
    origin: Origin,
    client: Option<&ClientId>,
    now: Timestamp,
) -> CertificateRow {
    let about = certificate.describe();
    CertificateRow {
        thumbprint: certificate.thumbprint,
        public_key: certificate.public_key,
        origin,
        client_id: client.cloned(),
        subject: about.subject,
        names: certificate.names.to_texts(),
        issuer: about.issuer,
        serial: about.serial,
        key_type: about.key_type,
        key_bits: about.key_bits,
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        der: certificate.der().to_vec(),
        first_seen_at: now,
        last_used_at: None,
        revoked_at: None,
        reason: None,
        chain_ends_at: None,
    }
}

/// The certificates in a JWK set that a client registers by value: the first of each `x5c` (RFC
/// 7517 §4.7). Certificates that cannot be parsed are skipped; the check of the registration
/// refuses them.
pub fn registered_rows(jwks: &Value, client: &ClientId, now: Timestamp) -> Vec<CertificateRow> {
    let keys = jwks.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let parse = |key: &Value| {
        let text = key.get("x5c")?.get(0)?.as_str()?;
        // > each string in the array is a base64-encoded (Section 4 of RFC 4648, not
        // > base64url-encoded) DER PKIX certificate value
        let certificate = Certificate::parse(&STANDARD.decode(text).ok()?, &[]).ok()?;
        Some(row(&certificate, Origin::Registered, Some(client), now))
    };
    keys.iter().filter_map(parse).collect()
}

/// The inventory row of a trust anchor or intermediate certificate that is in use now.
pub(super) fn ca_row(der: &[u8], origin: Origin, now: Timestamp) -> Option<CertificateRow> {
    let certificate = Certificate::parse(der, &[]).ok()?;
    let mut row = row(&certificate, origin, None, now);
    row.last_used_at = Some(now);
    Some(row)
}

/// The inventory row of a certificate without a client.
pub fn seen_row(certificate: &Certificate, now: Timestamp) -> CertificateRow {
    row(certificate, Origin::Seen, None, now)
}

wire_enum! {
    /// The state of a certificate.
    pub enum State {
        /// Its validity period has not begun.
        Pending = "pending",
        /// It is valid.
        Valid = "valid",
        /// It is valid and has passed its first warning threshold.
        Expiring = "expiring",
        /// It has expired.
        Expired = "expired",
        /// It was revoked.
        Revoked = "revoked",
    }
}

impl State {
    /// The state of a certificate; `warn_before` are the thresholds of the configuration.
    pub fn from_row(row: &CertificateRow, warn_before: &[Seconds], now: Timestamp) -> Self {
        if row.revoked_at.is_some() {
            Self::Revoked
        } else {
            Self::from_validity(row.not_before, row.not_after, warn_before, now)
        }
    }

    /// The state of a certificate that is not revoked.
    pub fn from_validity(
        not_before: Timestamp,
        not_after: Timestamp,
        warn_before: &[Seconds],
        now: Timestamp,
    ) -> Self {
        let first = || applicable_thresholds(not_after - not_before, warn_before).first().copied();
        if not_after < now {
            Self::Expired
        } else if now < not_before {
            Self::Pending
        } else if first().is_some_and(|threshold| not_after - now <= threshold) {
            Self::Expiring
        } else {
            Self::Valid
        }
    }
}

/// The warning thresholds for a certificate with this lifetime, the longest first. Thresholds above
/// a third of the lifetime are left out: otherwise the warning for a certificate of 24 hours would
/// come at once. If none remains, the threshold is the time at which its renewal is late.
pub fn applicable_thresholds(length: Seconds, warn_before: &[Seconds]) -> Vec<Seconds> {
    let mut fitting: Vec<_> =
        warn_before.iter().copied().filter(|threshold| threshold.0 <= length.0 / 3).collect();
    fitting.sort_by(|a, b| b.cmp(a));
    fitting.dedup();
    if fitting.is_empty() && !warn_before.is_empty() {
        fitting.push(late_after(length));
    }
    fitting
}

/// The remaining time at which a renewal is late: a quarter of the lifetime, because automated
/// clients commonly renew when a third remains.
pub const fn late_after(length: Seconds) -> Seconds {
    Seconds(length.0 / 4)
}

/// A certificate in the payload of a webhook.
pub(super) fn webhook_json(row: &CertificateRow) -> Value {
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

/// Records a revocation in its own transaction: the audit event and the webhooks.
///
/// # Errors
/// When the database fails.
pub async fn record_revocation(
    tx: &mut Tx,
    config: &Config,
    row: &CertificateRow,
    reason: Reason,
    trace: &Trace,
) -> Result<()> {
    let mut event = Event::success(Kind::CertificateRevoked)
        .fact("thumbprint", row.thumbprint.to_string())
        .fact("subject", row.subject.as_str())
        .fact("reason", reason.as_str());
    if let Some(client) = &row.client_id {
        event = event.client(client);
    }
    event.write(&mut *tx, trace).await?;
    let data = json!({ "certificate": webhook_json(row), "reason": reason.as_str() });
    notice::call(tx, config, NoticeKind::CertificateRevoked, &data, trace.now()).await?;
    Ok(())
}

/// Whether a CA's key signed a certificate. Another certificate for the same key does not count as
/// issued by it.
fn has_signed(authority: &X509Certificate<'_>, der: &[u8]) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, below)| {
        below.public_key().raw != authority.public_key().raw
            && below.verify_signature(Some(authority.public_key())).is_ok()
    })
}

/// Valid tokens bound to a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// JWT access tokens that have not expired and were not revoked individually.
    pub jwt: i64,
    /// Opaque access tokens.
    pub opaque: i64,
    /// Grants of public clients whose refresh tokens are bound to the certificate's key, in this or
    /// a renewed certificate.
    pub grants: i64,
}

impl Tokens {
    /// The total.
    pub const fn total(&self) -> i64 {
        self.jwt + self.opaque + self.grants
    }
}

/// A certificate of the inventory with the clients and tokens that depend on it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The certificate.
    pub certificate: CertificateRow,
    /// Its state.
    pub state: State,
    /// The clients that use it.
    pub holders: Vec<Holder>,
    /// Those of the clients that share a certificate name with other clients.
    pub sharing: HashSet<ClientId>,
    /// The tokens bound to it.
    pub tokens: Tokens,
}

/// Queries of the inventory.
#[derive(Clone, Copy, Debug)]
pub struct Inventory<'a> {
    /// The database.
    pub store: &'a Store,
    /// The settings.
    pub config: &'a Config,
    /// The current time.
    pub now: Timestamp,
}

impl Inventory<'_> {
    /// The certificates that match a filter, by expiry.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, filter: &Filter<'_>) -> sqlx::Result<Vec<Entry>> {
        let rows = certificates::list(self.store.db(), filter).await?;
        self.entries(rows, filter.not_after_from).await
    }

    /// Finds certificates by thumbprint, as in tokens or as `openssl x509 -fingerprint -sha256`
    /// prints it, or by serial number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, text: &str) -> sqlx::Result<Vec<Entry>> {
        let on = self.store.db();
        let hex = parse_hex(text);
        let by_hex = hex.as_deref().and_then(|bytes| bytes.try_into().ok()).map(Thumbprint);
        let mut rows = Vec::new();
        for thumbprint in [Thumbprint::parse(text), by_hex].into_iter().flatten() {
            rows.extend(certificates::find(on, thumbprint).await?);
        }
        if let (Some(bytes), true) = (&hex, rows.is_empty()) {
            rows = certificates::by_serial(on, &serial(bytes)).await?;
        }
        self.entries(rows, Timestamp(i64::MIN)).await
    }

    /// The cached revocation status of a certificate, without querying a responder.
    ///
    /// # Errors
    /// When the database does not respond.
    pub async fn cached_statuses(&self, row: &CertificateRow) -> Result<Vec<CachedStatus>> {
        let certificate = CertificateDer::from(row.der.as_slice());
        let issuers = certificates::cas_by_subject(self.store.db(), &row.issuer).await?;
        for issuer in issuers {
            // Statuses signed by another CA of the same name are not returned: its key differs.
            let issuer = CertificateDer::from(issuer.der);
            let said = cached_statuses(self.store, &certificate, &issuer).await?;
            if !said.is_empty() {
                return Ok(said);
            }
        }
        Ok(Vec::new())
    }

    /// Revokes a certificate permanently, whether or not it is in the inventory. It no longer
    /// authenticates clients, and tokens bound to it are invalid. Returns the number of other
    /// certificates that were revoked with it.
    ///
    /// # Errors
    /// `invalid_request` when it was already revoked for this or a more severe reason.
    pub async fn revoke(
        &self,
        certificate: &CertificateRow,
        reason: Reason,
        trace: &Trace,
    ) -> Result<usize> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            certificates::record(&mut tx, certificate).await?;
            let thumbprint = certificate.thumbprint;
            if !certificates::revoke(&mut tx, thumbprint, reason.as_str(), self.now).await? {
                return Err(Code::InvalidRequest
                    .because("the certificate is already revoked")
                    .into());
            }
            // The inventory may hold more than the caller's row, such as the client.
            let known = certificates::find(&mut tx, thumbprint).await?;
            let known = known.ok_or_else(|| Failure::internal("a certificate is missing"))?;
            record_revocation(&mut tx, self.config, &known, reason, trace).await?;
            let others = self.revoke_dependents(&mut tx, known, reason, trace).await?;
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
        trace: &Trace,
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
                if certificates::revoke(tx, row.thumbprint, reason.as_str(), self.now).await? {
                    record_revocation(tx, self.config, &row, reason, trace).await?;
                    count += 1;
                    ended.push((row, reason));
                }
            }
        }
        Ok(count)
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

    /// Records the certificates of our listeners. One that is not recorded for an hour has been
    /// replaced.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_own(&self, shown: &[Arc<Certificate>]) -> sqlx::Result<()> {
        for certificate in shown {
            let mut row = row(certificate, Origin::Own, None, self.now);
            row.last_used_at = Some(self.now);
            certificates::record(self.store.db(), &row).await?;
        }
        Ok(())
    }

    /// Records the configured trust anchors. One that is not recorded for an hour is no longer
    /// configured. Certificates of the built-in CA are already in the inventory.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_anchors(&self, anchors: &Anchors) -> sqlx::Result<()> {
        for set in anchors.sets().filter(|set| !set.is_built_in) {
            // A trust anchor that `Certificate` cannot parse is used but not monitored.
            let rows = set.certificates.iter();
            for row in rows.filter_map(|der| ca_row(der, Origin::Anchor, self.now)) {
                certificates::record(self.store.db(), &row).await?;
            }
        }
        Ok(())
    }

    /// The signing keys, which have a lifetime but no certificate.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(&self) -> sqlx::Result<Vec<SigningKeyRow>> {
        signing_keys::all(self.store.db()).await
    }

    async fn entries(
        &self,
        rows: Vec<CertificateRow>,
        from: Timestamp,
    ) -> sqlx::Result<Vec<Entry>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut holders: HashMap<Thumbprint, Vec<Holder>> = HashMap::new();
        for holder in certificates::holders(self.store.db(), from).await? {
            holders.entry(holder.thumbprint).or_default().push(holder);
        }
        let sharing = clients::sharing_certificate_names(self.store.db()).await?;
        let bound = self.count_bound_tokens().await?;
        let entry = |certificate: CertificateRow| {
            let holders = holders.remove(&certificate.thumbprint).unwrap_or_default();
            let ids = holders.iter().map(|holder| &holder.client_id);
            Entry {
                state: State::from_row(
                    &certificate,
                    &self.config.certificates.warn_before,
                    self.now,
                ),
                sharing: ids.filter(|id| sharing.contains(*id)).cloned().collect(),
                holders,
                tokens: bound.for_certificate(&certificate),
                certificate,
            }
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// The certificates that valid access tokens are bound to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn with_bound_access_tokens(&self) -> sqlx::Result<HashSet<Thumbprint>> {
        let BoundTokens { jwts, opaque, grants: _ } = self.count_bound_tokens().await?;
        Ok(jwts.into_keys().chain(opaque.into_keys()).collect())
    }

    /// Counts the valid tokens bound to certificates.
    async fn count_bound_tokens(&self) -> sqlx::Result<BoundTokens> {
        let on = self.store.db();
        let counted = |bound: Vec<Bound>| {
            let parse = |one: Bound| Some((Thumbprint::parse(&one.thumbprint)?, one.tokens));
            bound.into_iter().filter_map(parse).collect()
        };
        let grants = counted(grants::count_bound(on, self.now).await?);
        let opaque = counted(opaque_tokens::count_bound(on, self.now).await?);

        // JWTs are not stored; the audit trail lists them for as long as they can be valid.
        let mut longest = self.config.tokens.access_token_lifetime;
        for client in clients::all(on).await? {
            longest = longest.max(client.metadata.gw_access_token_lifetime.unwrap_or(longest));
        }
        for resource in resources::all(on).await? {
            longest = longest.max(resource.access_token_lifetime.unwrap_or(longest));
        }
        let revoked: HashSet<String> = revoked_tokens::all(on).await?.into_iter().collect();
        let since = (self.now - longest).0.saturating_mul(1000);
        let mut jwts = HashMap::new();
        for facts in audit_events::bound_tokens(on, since).await? {
            let tokens: Vec<IssuedToken> = serde_json::from_str(&facts).unwrap_or_default();
            for token in tokens {
                if let (Some(certificate), Some(expires)) = (token.certificate, token.expires)
                    && expires > self.now
                    && !revoked.contains(&token.jti)
                {
                    *jwts.entry(certificate).or_default() += 1;
                }
            }
        }
        Ok(BoundTokens { jwts, opaque, grants })
    }
}

/// A token in an audit event.
#[derive(Deserialize)]
struct IssuedToken {
    jti: String,
    #[serde(default)]
    certificate: Option<Thumbprint>,
    #[serde(default)]
    expires: Option<Timestamp>,
}

/// Numbers of tokens by certificate; of grants by public key.
struct BoundTokens {
    jwts: HashMap<Thumbprint, i64>,
    opaque: HashMap<Thumbprint, i64>,
    grants: HashMap<Thumbprint, i64>,
}

impl BoundTokens {
    fn for_certificate(&self, row: &CertificateRow) -> Tokens {
        let of = |counts: &HashMap<Thumbprint, i64>, key| counts.get(key).copied().unwrap_or(0);
        Tokens {
            jwt: of(&self.jwts, &row.thumbprint),
            opaque: of(&self.opaque, &row.thumbprint),
            grants: of(&self.grants, &row.public_key),
        }
    }
}

/// Parses hexadecimal with or without colons. An odd number of digits gets a leading zero.
fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let mut digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    if !digits.len().is_multiple_of(2) {
        digits.insert(0, b'0');
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}
