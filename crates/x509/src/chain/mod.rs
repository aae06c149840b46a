//! Path validation, from a certificate to a trust anchor: [RFC 5280 §6], by `rustls-webpki`.
//!
//! Valid chains are cached, so a client that connects again costs no signature verification;
//! validity periods are checked at every request. The work that an unauthenticated party can cause
//! is bounded: see `Budget` and decision 34.
//!
//! [RFC 5280 §6]: https://www.rfc-editor.org/rfc/rfc5280#section-6

mod budget;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache as Lru;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, VerifiedPath};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use self::budget::{Budget, Budgeted};
use super::Certificate;
use super::certificate::{IssuedBy, subject_and_key_id};
use crate::types::{Thumbprint, Timestamp};

const TOO_MANY_SIGNATURES: &str =
    "more than eight signatures would have to be verified for the chain";

const UNSUPPORTED_SALT: &str = "a certificate of the chain is signed by RSASSA-PSS with a salt that is not as long as the \
                          hash, or with two hashes: have it issued anew (openssl: -sigopt rsa_pss_saltlen:digest)";

/// The most chains that are cached.
const MAX_CACHED: usize = 10_000;

/// A valid chain. `S` is the caller's data about a set of trust anchors.
#[derive(Debug)]
pub struct Chain<S> {
    /// The set of the trust anchor at which the chain ends.
    pub anchor: Arc<S>,
    /// The certificate, its intermediates, and the trust anchor.
    pub path: Vec<CertificateDer<'static>>,
    /// Identifiers of all certificates but the first: their revocation is checked at every request.
    pub issuers: Vec<ChainIssuer>,
    /// When the first certificate of the path expires.
    pub ends_at: Timestamp,
}

/// An issuing certificate of a chain.
#[derive(Clone, Copy, Debug)]
pub struct ChainIssuer {
    /// SHA-256 of the certificate.
    pub thumbprint: Thumbprint,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub public_key: Thumbprint,
}

impl<S> Chain<S> {
    /// The certificates between the end-entity certificate and the trust anchor.
    pub fn intermediates(&self) -> &[CertificateDer<'static>] {
        match self.path.as_slice() {
            [_, intermediates @ .., _] => intermediates,
            [] | [_] => &[],
        }
    }
}

/// Valid chains, by the digest of everything that was presented.
#[derive(Debug)]
struct ChainCache<S>(Lru<Thumbprint, Arc<CachedChain<S>>>);

#[derive(Debug)]
struct CachedChain<S> {
    chain: Arc<Chain<S>>,
    /// The period in which all certificates of the chain are valid.
    from: Timestamp,
    until: Timestamp,
}

/// Why a path that satisfies `webpki` is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathError {
    Expired,
    NotYetValid,
    NotACa,
}

impl PathError {
    const fn is_temporary(self) -> bool {
        match self {
            Self::Expired | Self::NotYetValid => true,
            Self::NotACa => false,
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Expired => "the trust anchor has expired",
            Self::NotYetValid => "the trust anchor is not valid yet",
            Self::NotACa => {
                "a certificate of the chain may not issue certificates: keyUsage lacks keyCertSign"
            }
        }
    }
}

const NO_CERTIFICATE: &str = "has something other than X.509 certificates";

fn subject_of(certificate: &CertificateDer<'_>) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    X509Certificate::from_der(certificate).ok().map(|(_, parsed)| subject_and_key_id(&parsed))
}

fn push_framed(all: &mut Vec<u8>, part: &[u8]) {
    all.extend_from_slice(&part.len().to_be_bytes());
    all.extend_from_slice(part);
}

/// > If the cA boolean is not asserted, then the certified public key MUST NOT be used to verify certificate
/// > signatures. (RFC 5280 §4.2.1.9, in substance)
///
/// An end-entity certificate among the trust anchors by mistake must not validate other
/// certificates.
fn anchor(certificate: &CertificateDer<'static>) -> Result<TrustAnchor<'static>, &'static str> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| NO_CERTIFICATE)?;
    if !parsed.is_ca() {
        return Err("has a certificate that is not a CA certificate (CA:TRUE is missing)");
    }
    if !may_sign_certificates(&parsed) {
        return Err("has a CA certificate that may not issue certificates (keyUsage lacks \
                    keyCertSign): remove it, or have it reissued with keyCertSign");
    }
    webpki::anchor_from_trusted_cert(certificate)
        .map(|anchor| anchor.to_owned())
        .map_err(|_| "has a certificate that cannot be a trust anchor")
}

/// Possible issuers of a certificate: presented certificates and trust anchors.
#[derive(Debug)]
pub struct Candidates {
    /// Presented certificates that the chain can lead through, the most likely first.
    intermediates: Vec<CertificateDer<'static>>,
    /// Trust anchors that the chain can end at, the most likely first, and their indices.
    anchors: Vec<TrustAnchor<'static>>,
    indices: Vec<usize>,
}

/// Ranks a possible issuer by its key identifier (RFC 5280 §4.2.1.1), which may be missing and is
/// only a hint. Lower is better.
fn mismatch(expected: Option<&[u8]>, own: Option<&[u8]>) -> u8 {
    match (expected, own) {
        (Some(expected), Some(own)) => {
            if expected == own {
                0
            } else {
                2
            }
        }
        (Some(_) | None, _) => 1,
    }
}

/// Trust anchors in sets, and a cache of valid chains to them.
#[derive(Debug)]
pub struct TrustAnchors<S> {
    sets: Vec<Arc<S>>,
    /// The form that `webpki` takes, each with its set and certificate.
    trusted: Vec<TrustAnchor<'static>>,
    sources: Vec<(Arc<S>, CertificateDer<'static>)>,
    /// The subject and the key identifier of each.
    subjects: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    cache: ChainCache<S>,
    digest: Thumbprint,
}

impl<S> TrustAnchors<S> {
    /// Builds trust anchors from sets; `parts` returns a set's name and certificates.
    ///
    /// # Errors
    /// The name of a set that contains something other than CA certificates, and the reason.
    pub fn new(
        sets: Vec<Arc<S>>,
        parts: impl Fn(&S) -> (&str, &[CertificateDer<'static>]),
    ) -> Result<Self, (String, &'static str)> {
        let (mut trusted, mut sources, mut subjects) = (Vec::new(), Vec::new(), Vec::new());
        let mut all = Vec::new();
        for set in &sets {
            let (name, certificates) = parts(set);
            // A length precedes each part, so moving a certificate to another set changes the
            // digest.
            push_framed(&mut all, name.as_bytes());
            all.extend_from_slice(&certificates.len().to_be_bytes());
            for certificate in certificates {
                trusted.push(anchor(certificate).map_err(|why| (name.to_owned(), why))?);
                sources.push((set.clone(), certificate.clone()));
                subjects.push(
                    subject_of(certificate).ok_or_else(|| (name.to_owned(), NO_CERTIFICATE))?,
                );
                push_framed(&mut all, certificate);
            }
        }
        Ok(Self {
            sets,
            trusted,
            sources,
            subjects,
            cache: ChainCache(Lru::new(MAX_CACHED)),
            digest: Thumbprint::of(&all),
        })
    }

    /// The sets, in the given order.
    pub fn sets(&self) -> impl Iterator<Item = &Arc<S>> {
        self.sets.iter()
    }

    /// SHA-256 over the names of the sets and their certificates.
    pub fn digest(&self) -> Thumbprint {
        self.digest
    }

    /// The cached chain for a certificate with its accompanying chain.
    pub fn cached(&self, presented: &Certificate, now: Timestamp) -> Option<Arc<Chain<S>>> {
        let known = self.cache.0.get(&presented.presented_digest)?;
        (known.from..=known.until).contains(&now).then(|| known.chain.clone())
    }

    /// The possible issuers of a certificate, found by name alone; `None` when no trust anchor is
    /// reachable. No signature is verified, and presented certificates that are not on a possible
    /// path are ignored.
    pub fn candidates(&self, presented: &Certificate) -> Option<Candidates> {
        let mut others: Vec<Option<Intermediate>> = Vec::new();
        for (at, der) in presented.chain().iter().enumerate() {
            let is_new = presented.chain().iter().take(at).all(|before| before != der);
            others.push(is_new.then(|| Intermediate::from_der(der)).flatten());
        }
        let mut anchors: Vec<Option<u8>> = vec![None; self.subjects.len()];
        let mut intermediates: Vec<(u8, usize)> = Vec::new();
        let mut below = vec![presented.issued_by.clone()];
        while let Some(issued_by) = below.pop() {
            let expected = issued_by.key.as_deref();
            for (rank, (name, key)) in anchors.iter_mut().zip(&self.subjects) {
                if *name == issued_by.name {
                    let mismatch = mismatch(expected, key.as_deref());
                    *rank = Some(rank.map_or(mismatch, |rank| rank.min(mismatch)));
                }
            }
            for (at, other) in others.iter().enumerate() {
                let Some(other) = other.as_ref().filter(|other| other.name == issued_by.name)
                else {
                    continue;
                };
                let mismatch = mismatch(expected, other.key.as_deref());
                match intermediates.iter_mut().find(|(_, index)| *index == at) {
                    Some((rank, _)) => *rank = (*rank).min(mismatch),
                    None => {
                        intermediates.push((mismatch, at));
                        below.push(other.issued_by.clone());
                    }
                }
            }
        }
        let ranked =
            anchors.iter().enumerate().filter_map(|(at, rank)| rank.map(|rank| (rank, at)));
        let mut ranked: Vec<_> = ranked.collect();
        ranked.sort_unstable();
        intermediates.sort_unstable();
        let indices: Vec<usize> = ranked.into_iter().map(|(_, at)| at).collect();
        let intermediates =
            intermediates.iter().filter_map(|(_, at)| presented.chain().get(*at).cloned());
        (!indices.is_empty()).then(|| Candidates {
            intermediates: intermediates.collect(),
            anchors: indices.iter().filter_map(|at| self.trusted.get(*at).cloned()).collect(),
            indices,
        })
    }

    /// Validates a certificate, or returns the reason for the log. This may take long, so it must
    /// not run on an async thread. Only valid chains are cached, so invalid ones cannot evict them.
    pub fn verify(
        &self,
        presented: &Certificate,
        candidates: &Candidates,
        now: Timestamp,
        verified: &AtomicU64,
    ) -> Result<Arc<Chain<S>>, String> {
        // Another thread may have validated the same certificate in the meantime.
        if let Some(known) = self.cached(presented, now) {
            return Ok(known);
        }
        let built = self.build(presented, candidates, now, verified)?;
        let chain = built.chain.clone();
        self.cache.0.insert(presented.presented_digest, Arc::new(built));
        Ok(chain)
    }

    fn build(
        &self,
        presented: &Certificate,
        candidates: &Candidates,
        now: Timestamp,
        verified: &AtomicU64,
    ) -> Result<CachedChain<S>, String> {
        if !presented.can_sign {
            return Err("keyUsage lacks digitalSignature".to_owned());
        }
        let end = EndEntityCert::try_from(presented.der()).map_err(|error| error.to_string())?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now.0.max(0).unsigned_abs()));
        // If several paths are rejected, report a temporary reason if there is one.
        let refused: Cell<Option<PathError>> = Cell::new(None);
        // Rejecting a path here lets webpki try the next one: an old root and its successor with
        // the same name and key coexist for years.
        let verify_path = |path: &VerifiedPath<'_>| {
            let Err(why) = self.must_be_acceptable(path, candidates, now) else {
                return Ok(());
            };
            if why.is_temporary() || refused.get().is_none() {
                refused.set(Some(why));
            }
            Err(Error::UnknownIssuer)
        };
        let budget = Budget::new();
        let counted: Vec<_> = ALL_VERIFICATION_ALGS
            .iter()
            .map(|known| Budgeted { known: *known, budget: &budget })
            .collect();
        let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
            counted.iter().map(|one| one as &dyn SignatureVerificationAlgorithm).collect();
        let validated = end.verify_for_usage(
            &algorithms,
            &candidates.anchors,
            &candidates.intermediates,
            time,
            KeyUsage::client_auth(),
            None,
            Some(&verify_path),
        );
        verified.fetch_add(budget.spent(), Ordering::Relaxed);
        let validated = validated.map_err(|error| {
            if budget.is_exceeded() {
                return TOO_MANY_SIGNATURES.to_owned();
            }
            if presented.has_unsupported_pss_salt() {
                return UNSUPPORTED_SALT.to_owned();
            }
            refused.get().map_or_else(|| error.to_string(), |it| it.description().to_owned())
        })?;
        let (anchor, root) =
            self.anchor_of(&validated, candidates).ok_or("the trust anchor is not configured")?;
        let mut path = vec![presented.der().clone()];
        path.extend(validated.intermediate_certificates().map(|one| one.der().into_owned()));
        path.push(root.clone());
        const UNREADABLE: &str = "a certificate of the chain cannot be read";
        let (from, until) = validity_of(&path).ok_or(UNREADABLE)?;
        let issuers = issuers(&path).ok_or(UNREADABLE)?;
        let chain = Arc::new(Chain { anchor: anchor.clone(), path, issuers, ends_at: until });
        Ok(CachedChain { chain, from, until })
    }

    /// The set and the certificate at which a path ends.
    fn anchor_of(
        &self,
        path: &VerifiedPath<'_>,
        candidates: &Candidates,
    ) -> Option<&(Arc<S>, CertificateDer<'static>)> {
        let is_its = |anchor: &TrustAnchor<'_>| std::ptr::eq(anchor, path.anchor());
        let at = candidates.anchors.iter().position(is_its)?;
        self.sources.get(*candidates.indices.get(at)?)
    }

    /// Checks that `webpki` leaves to its caller: the validity period of the trust anchor and the
    /// key usage of intermediates.
    fn must_be_acceptable(
        &self,
        path: &VerifiedPath<'_>,
        candidates: &Candidates,
        now: Timestamp,
    ) -> Result<(), PathError> {
        // > If a key usage extension is present, verify that the keyCertSign bit is set.
        // > (RFC 5280 §6.1.4 (n)); trust anchors are checked when they are loaded
        let may_issue = |der: CertificateDer<'_>| {
            X509Certificate::from_der(&der).is_ok_and(|(_, parsed)| may_sign_certificates(&parsed))
        };
        if !path.intermediate_certificates().all(|one| may_issue(one.der())) {
            return Err(PathError::NotACa);
        }
        // RFC 5280 §6.1 does not check the validity period of a trust anchor, but operators expect
        // it to end.
        let dates = self.anchor_of(path, candidates);
        let dates = dates.and_then(|(_, root)| validity_of(std::slice::from_ref(root)));
        match dates {
            Some((from, _)) if now < from => Err(PathError::NotYetValid),
            Some((_, until)) if until < now => Err(PathError::Expired),
            // A certificate without readable dates is rejected with the whole path.
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a CA's key may sign certificates: `keyUsage` is absent or includes `keyCertSign`.
fn may_sign_certificates(parsed: &X509Certificate<'_>) -> bool {
    match parsed.key_usage() {
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// A certificate that accompanied a client's certificate.
struct Intermediate {
    name: Vec<u8>,
    key: Option<Vec<u8>>,
    issued_by: IssuedBy,
}

impl Intermediate {
    /// `None` when it cannot be parsed.
    fn from_der(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let (name, key) = subject_and_key_id(&parsed);
        Some(Self { name, key, issued_by: IssuedBy::from_x509(&parsed) })
    }
}

/// The period in which all of these certificates are valid.
fn validity_of(path: &[CertificateDer<'_>]) -> Option<(Timestamp, Timestamp)> {
    let mut both = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    for certificate in path {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let validity = parsed.validity();
        both.0 = both.0.max(Timestamp(validity.not_before.timestamp()));
        both.1 = both.1.min(Timestamp(validity.not_after.timestamp()));
    }
    Some(both)
}

fn issuers(path: &[CertificateDer<'_>]) -> Option<Vec<ChainIssuer>> {
    let one = |certificate: &CertificateDer<'_>| {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let public_key = Thumbprint::of(parsed.public_key().raw);
        Some(ChainIssuer { thumbprint: Thumbprint::of(certificate), public_key })
    };
    path.iter().skip(1).map(one).collect()
}
