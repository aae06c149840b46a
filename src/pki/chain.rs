//! From a certificate to somebody we believe: [RFC 5280 §6], by `rustls-webpki`.
//!
//! What comes of a chain is remembered, so that a client that comes again costs no signatures; its dates
//! are judged at every request.
//!
//! [RFC 5280 §6]: https://www.rfc-editor.org/rfc/rfc5280#section-6

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache as Lru;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, VerifiedPath};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Certificate;
use super::anchors::{Anchor, Anchors};
use crate::types::{Thumbprint, Timestamp};

/// As many chains as are remembered.
const REMEMBERED: usize = 10_000;

/// A chain that holds.
#[derive(Debug)]
pub struct Chain {
    /// Whom it leads to.
    pub anchor: Arc<Anchor>,
    /// The certificate, those between, and that of the anchor.
    pub path: Vec<CertificateDer<'static>>,
    /// What is asked of all but the first at every request: whether they were revoked.
    pub above: Vec<Above>,
    /// When the first of them ends: it holds until then.
    pub ends_at: Timestamp,
}

/// A certificate that stands above another one.
#[derive(Clone, Copy, Debug)]
pub struct Above {
    /// SHA-256 of the certificate.
    pub thumbprint: Thumbprint,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub public_key: Thumbprint,
}

impl Chain {
    /// What came between the certificate and the anchor.
    pub fn between(&self) -> &[CertificateDer<'static>] {
        match self.path.as_slice() {
            [_, between @ .., _] => between,
            [] | [_] => &[],
        }
    }
}

/// What came of chains, by all that was presented.
#[derive(Debug)]
pub(super) struct Outcomes(Lru<Thumbprint, Arc<Outcome>>);

impl Default for Outcomes {
    fn default() -> Self {
        Self(Lru::new(REMEMBERED))
    }
}

#[derive(Debug)]
struct Outcome {
    found: Result<Arc<Chain>, String>,
    /// From when to when this is so.
    from: Timestamp,
    until: Timestamp,
}

/// Why a path that is right in all that `webpki` looks at is none to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Expired,
    NotYet,
    MayNotIssue,
}

impl Refused {
    const fn is_of_dates(self) -> bool {
        match self {
            Self::Expired | Self::NotYet => true,
            Self::MayNotIssue => false,
        }
    }

    const fn why(self) -> &'static str {
        match self {
            Self::Expired => "the anchor has expired",
            Self::NotYet => "the anchor does not count yet",
            Self::MayNotIssue => {
                "a certificate of the chain may not issue any: keyUsage lacks keyCertSign"
            }
        }
    }
}

impl Anchors {
    /// What a certificate leads to with what came with it.
    ///
    /// # Errors
    /// Why nobody believes it, in words for the log.
    pub fn chain(&self, shown: &Certificate, now: Timestamp) -> Result<Arc<Chain>, String> {
        let key = shown.presented;
        if let Some(known) = self.outcomes.0.get(&key)
            && (known.from..=known.until).contains(&now)
        {
            return known.found.clone();
        }
        let outcome = self.judge(shown, now);
        let found = outcome.found.clone();
        self.outcomes.0.insert(key, Arc::new(outcome));
        found
    }

    fn judge(&self, shown: &Certificate, now: Timestamp) -> Outcome {
        if !shown.signs {
            return Outcome::never("keyUsage lacks digitalSignature");
        }
        let end = match EndEntityCert::try_from(shown.der()) {
            Ok(end) => end,
            Err(error) => return Outcome::never(error),
        };
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now.0.max(0).unsigned_abs()));
        // Of several paths that we refuse, that counts which time may mend.
        let refused: Cell<Option<Refused>> = Cell::new(None);
        // A path is refused here and not afterwards, so that another one is looked for: an old root
        // stands beside its successor of the same name and key for years.
        let verify_path = |path: &VerifiedPath<'_>| {
            let Err(why) = self.must_issue(path, now) else {
                return Ok(());
            };
            if why.is_of_dates() || refused.get().is_none() {
                refused.set(Some(why));
            }
            Err(Error::UnknownIssuer)
        };
        let verified = end.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &self.trusted,
            shown.chain(),
            time,
            KeyUsage::client_auth(),
            None,
            Some(&verify_path),
        );
        let verified = match verified {
            Ok(verified) => verified,
            Err(error) => {
                let is_dated =
                    matches!(error, Error::CertExpired { .. } | Error::CertNotValidYet { .. })
                        || refused.get().is_some_and(Refused::is_of_dates);
                let why = refused.get().map_or_else(|| error.to_string(), |it| it.why().to_owned());
                if is_dated {
                    // Later it may be another thing.
                    return Outcome { found: Err(why), from: now, until: now };
                }
                return Outcome::never(why);
            }
        };
        let Some((anchor, root)) = self.behind(&verified) else {
            return Outcome::never("the anchor is not one of ours");
        };
        let mut path = vec![shown.der().clone()];
        path.extend(verified.intermediate_certificates().map(|one| one.der().into_owned()));
        path.push(root.clone());
        let (Some((from, until)), Some(above)) = (in_force(&path), above(&path)) else {
            return Outcome::never("a certificate of the chain cannot be read");
        };
        let chain = Chain { anchor: anchor.clone(), path, above, ends_at: until };
        Outcome { found: Ok(Arc::new(chain)), from, until }
    }

    /// The set, and the certificate, that a path ends at.
    fn behind(&self, path: &VerifiedPath<'_>) -> Option<&(Arc<Anchor>, CertificateDer<'static>)> {
        let at = self.trusted.iter().position(|anchor| std::ptr::eq(anchor, path.anchor()))?;
        self.from.get(at)
    }

    /// What `webpki` leaves to us: when an anchor ends, and what the keys between are for.
    fn must_issue(&self, path: &VerifiedPath<'_>, now: Timestamp) -> Result<(), Refused> {
        // > If a key usage extension is present, verify that the keyCertSign bit is set.
        // > (RFC 5280 §6.1.4 (n)); of anchors this was made sure of when they were read
        let issues = |der: CertificateDer<'_>| {
            X509Certificate::from_der(&der).is_ok_and(|(_, parsed)| signs_certificates(&parsed))
        };
        if !path.intermediate_certificates().all(|one| issues(one.der())) {
            return Err(Refused::MayNotIssue);
        }
        // RFC 5280 §6.1 does not ask when an anchor ends; who runs one does not expect it to go on.
        let dates = self.behind(path).and_then(|(_, root)| in_force(std::slice::from_ref(root)));
        match dates {
            Some((from, _)) if now < from => Err(Refused::NotYet),
            Some((_, until)) if until < now => Err(Refused::Expired),
            // What has no dates is judged with the whole path.
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a certificate of an authority says that its key is for others' certificates, or does not say
/// what it is for.
pub(super) fn signs_certificates(parsed: &X509Certificate<'_>) -> bool {
    match parsed.key_usage() {
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    }
}

impl Outcome {
    fn never(why: impl ToString) -> Self {
        Self { found: Err(why.to_string()), from: Timestamp(i64::MIN), until: Timestamp(i64::MAX) }
    }
}

/// From when to when all of these count.
fn in_force(path: &[CertificateDer<'_>]) -> Option<(Timestamp, Timestamp)> {
    let mut both = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    for certificate in path {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let validity = parsed.validity();
        both.0 = both.0.max(Timestamp(validity.not_before.timestamp()));
        both.1 = both.1.min(Timestamp(validity.not_after.timestamp()));
    }
    Some(both)
}

fn above(path: &[CertificateDer<'_>]) -> Option<Vec<Above>> {
    let one = |certificate: &CertificateDer<'_>| {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let public_key = Thumbprint::of(parsed.public_key().raw);
        Some(Above { thumbprint: Thumbprint::of(certificate), public_key })
    };
    path.iter().skip(1).map(one).collect()
}
