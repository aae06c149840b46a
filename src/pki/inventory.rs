//! The inventory: every certificate that we know of, beside our signing keys, and what hangs on each.
//! A command prints it; a console can.

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
use crate::types::{ClientId, Code, Failure, Result, Seconds, Thumbprint, Timestamp};

/// A certificate as it is written into the inventory.
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

/// The certificates that stand in a JWK set by value: the first one of each `x5c` (RFC 7517 §4.7).
/// Those that cannot be read are passed over; whoever judges the registration refuses them.
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

/// A certificate that stands above those of clients, and was seen there now.
pub(super) fn ca_row(der: &[u8], origin: Origin, now: Timestamp) -> Option<CertificateRow> {
    let certificate = Certificate::parse(der, &[]).ok()?;
    let mut row = row(&certificate, origin, None, now);
    row.last_used_at = Some(now);
    Some(row)
}

/// A certificate of which nothing is known but that it is there.
pub fn seen_row(certificate: &Certificate, now: Timestamp) -> CertificateRow {
    row(certificate, Origin::Seen, None, now)
}

/// Where a certificate stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It begins to count later.
    Pending,
    /// It counts.
    Valid,
    /// It counts, and less than a warning's time is left of it.
    Expiring,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Valid, Self::Expiring, Self::Expired, Self::Revoked];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Valid => "valid",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

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

/// The thresholds that count for a certificate of this length of life, the longest first: none that is
/// longer than a third of it, so that one of 24 hours is not announced from its first minute on. Where none
/// is left, the moment counts from which its renewal is late.
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

/// How much is left of a life of this length when its renewal is late: a quarter, for many a machine renews
/// when a third is left.
pub const fn late_after(length: Seconds) -> Seconds {
    Seconds(length.0 / 4)
}

/// A certificate, as webhooks tell of it.
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

/// Tells that a certificate was revoked, in the transaction of that: the audit trail, and whoever wants to be
/// called.
///
/// # Errors
/// What the database says.
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

/// Whether an authority has signed a certificate. One for the same key is another one of its own, and stands
/// beside it.
fn has_signed(authority: &X509Certificate<'_>, der: &[u8]) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, below)| {
        below.public_key().raw != authority.public_key().raw
            && below.verify_signature(Some(authority.public_key())).is_ok()
    })
}

/// What is alive and bound to a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// JWT access tokens that have not expired and were not revoked one by one.
    pub jwt: i64,
    /// Opaque access tokens.
    pub opaque: i64,
    /// Grants of public clients: refresh tokens that are good with the certificate's key, in this or a
    /// renewed certificate.
    pub grants: i64,
}

impl Tokens {
    /// All of them.
    pub const fn total(&self) -> i64 {
        self.jwt + self.opaque + self.grants
    }
}

/// A certificate of the inventory, and what hangs on it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Itself.
    pub certificate: CertificateRow,
    /// Where it stands in its life.
    pub state: State,
    /// Whom it proves.
    pub holders: Vec<Holder>,
    /// Those of them that are registered as sharing their certificate name with other clients.
    pub sharing: HashSet<ClientId>,
    /// What is bound to it.
    pub tokens: Tokens,
}

/// Reads the inventory.
#[derive(Clone, Copy, Debug)]
pub struct Inventory<'a> {
    /// The database.
    pub store: &'a Store,
    /// The settings.
    pub config: &'a Config,
    /// When it is asked.
    pub now: Timestamp,
}

impl Inventory<'_> {
    /// The certificates asked for; what expires first comes first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list(&self, filter: &Filter<'_>) -> sqlx::Result<Vec<Entry>> {
        let rows = certificates::list(self.store.db(), filter).await?;
        self.entries(rows, filter.not_after_from).await
    }

    /// The certificates that somebody means by this text: a thumbprint as it stands in tokens, one as
    /// `openssl x509 -fingerprint -sha256` prints it, or a serial number.
    ///
    /// # Errors
    /// What the database says.
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

    /// What others have last said of whether a certificate was revoked; nobody is asked for this.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cached_statuses(&self, row: &CertificateRow) -> Result<Vec<CachedStatus>> {
        let certificate = CertificateDer::from(row.der.as_slice());
        let issuers = certificates::authorities_called(self.store.db(), &row.issuer).await?;
        for issuer in issuers {
            // What another one of that name says is not taken: it signs with another key.
            let issuer = CertificateDer::from(issuer.der);
            let said = cached_statuses(self.store, &certificate, &issuer).await?;
            if !said.is_empty() {
                return Ok(said);
            }
        }
        Ok(Vec::new())
    }

    /// Revokes a certificate, known or not, at once and for ever: it proves nobody any more, and what is
    /// bound to it counts for nothing. Returns how many others were revoked with it.
    ///
    /// # Errors
    /// `invalid_request` when it was revoked before, but for a reason that is worse than that one.
    pub async fn revoke(
        &self,
        certificate: &CertificateRow,
        reason: Reason,
        trace: &Trace,
    ) -> Result<usize> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            certificates::note(&mut tx, certificate).await?;
            let thumbprint = certificate.thumbprint;
            if !certificates::revoke(&mut tx, thumbprint, reason.as_str(), self.now).await? {
                return Err(Code::InvalidRequest
                    .because("the certificate is revoked already")
                    .into());
            }
            // Whoever names it by a file does not know what we know of it.
            let known = certificates::find(&mut tx, thumbprint).await?;
            let known = known.ok_or_else(|| Failure::internal("a certificate is gone"))?;
            record_revocation(&mut tx, self.config, &known, reason, trace).await?;
            let others = self.revoke_dependents(&mut tx, known, reason, trace).await?;
            versions::bump(&mut tx, versions::Kind::Revocations).await?;
            tx.commit().await?;
            Ok(others)
        })
        .await
    }

    /// Revokes what ends with a certificate, of all that we know. The others of its key, and those that were
    /// renewed with it, if that key is known to somebody else. What it has signed, and what that has signed, if it is one of our authority, for those count
    /// by it alone; that of another authority may count by another certificate that it has for the same key, but
    /// not when that key is known to somebody else: then nobody can tell whom it was issued to.
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
                let of_key = certificates::of_key(tx, key, self.now).await?;
                // Whoever has the key may have renewed the certificate for keys of their own, and nobody can tell
                // these from what its owner has renewed.
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

    /// What the certificate of an authority has signed, each with this reason.
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
        let claimed = certificates::issued_in_the_name_of(tx, &authority.subject, self.now).await?;
        let signed = claimed.into_iter().filter(|row| has_signed(&parsed, &row.der));
        Ok(signed.map(|row| (row, reason)).collect())
    }

    /// Notes the certificates that our own listeners show: what is not noted for an hour was replaced.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note_own(&self, shown: &[Arc<Certificate>]) -> sqlx::Result<()> {
        for certificate in shown {
            let mut row = row(certificate, Origin::Own, None, self.now);
            row.last_used_at = Some(self.now);
            certificates::note(self.store.db(), &row).await?;
        }
        Ok(())
    }

    /// Notes the anchors that we believe: what is not noted for an hour is believed no more. The
    /// certificates of the authority inside are our own, and are known.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note_anchors(&self, anchors: &Anchors) -> sqlx::Result<()> {
        for set in anchors.sets().filter(|set| !set.is_built_in) {
            // One that is stranger than what we read from clients is believed, and not watched.
            let rows = set.certificates.iter();
            for row in rows.filter_map(|der| ca_row(der, Origin::Anchor, self.now)) {
                certificates::note(self.store.db(), &row).await?;
            }
        }
        Ok(())
    }

    /// Our signing keys: they have no certificate, but a life.
    ///
    /// # Errors
    /// What the database says.
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

    /// The certificates that living access tokens are bound to.
    ///
    /// # Errors
    /// What the database says.
    pub async fn with_bound_access_tokens(&self) -> sqlx::Result<HashSet<Thumbprint>> {
        let BoundTokens { jwts, opaque, grants: _ } = self.count_bound_tokens().await?;
        Ok(jwts.into_keys().chain(opaque.into_keys()).collect())
    }

    /// Counts what is alive and bound.
    async fn count_bound_tokens(&self) -> sqlx::Result<BoundTokens> {
        let on = self.store.db();
        let counted = |bound: Vec<Bound>| {
            let parse = |one: Bound| Some((Thumbprint::parse(&one.thumbprint)?, one.tokens));
            bound.into_iter().filter_map(parse).collect()
        };
        let grants = counted(grants::bound(on, self.now).await?);
        let opaque = counted(opaque_tokens::bound(on, self.now).await?);

        // A JWT stands nowhere but in the audit trail, which holds it as long as it may live.
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

/// What the audit trail tells of a token that was issued.
#[derive(Deserialize)]
struct IssuedToken {
    jti: String,
    #[serde(default)]
    certificate: Option<Thumbprint>,
    #[serde(default)]
    expires: Option<Timestamp>,
}

/// Numbers by certificate; those of grants by public key.
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

/// Bytes in hexadecimal, with colons between them or without; an odd number of digits is taken as if a
/// zero stood before them.
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
