//! From a certificate to somebody we believe: [RFC 5280 §6], by `rustls-webpki`.
//!
//! What comes of a chain is remembered, so that a client that comes again costs no signatures; its dates
//! are judged at every request.
//!
//! [RFC 5280 §6]: https://www.rfc-editor.org/rfc/rfc5280#section-6

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache as Lru;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage};
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
        let verified = end.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &self.trusted,
            shown.chain(),
            time,
            KeyUsage::client_auth(),
            None,
            None,
        );
        let verified = match verified {
            Ok(verified) => verified,
            // Later it may be another thing.
            Err(error @ (Error::CertExpired { .. } | Error::CertNotValidYet { .. })) => {
                return Outcome { found: Err(format!("{error:?}")), from: now, until: now };
            }
            Err(error) => return Outcome::never(error),
        };
        let at = self.trusted.iter().position(|anchor| std::ptr::eq(anchor, verified.anchor()));
        let Some((anchor, root)) = at.and_then(|at| self.from.get(at)) else {
            return Outcome::never("the anchor is not one of ours");
        };
        let mut path = vec![shown.der().clone()];
        path.extend(verified.intermediate_certificates().map(|one| one.der().into_owned()));
        path.push(root.clone());
        let Some((from, until)) = in_force(&path) else {
            return Outcome::never("the dates of the chain cannot be read");
        };
        // RFC 5280 §6.1 does not ask when an anchor ends; who runs one does not expect it to go on.
        let found = if (from..=until).contains(&now) {
            Ok(Arc::new(Chain { anchor: anchor.clone(), path }))
        } else {
            return Outcome {
                found: Err("the anchor has expired".to_owned()),
                from: now,
                until: now,
            };
        };
        Outcome { found, from, until }
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
