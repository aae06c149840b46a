//! Whom we believe about the certificates of clients: the authorities of the configuration, each set under
//! a name.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Certificate;
use super::authority::issuing;
use super::chain::{Chain, Outcomes, signs_certificates};
use crate::config;
use crate::store::authorities::AuthorityRow;
use crate::types::{Failure, Thumbprint, Timestamp};

/// A set of authorities that are believed alike.
#[derive(Debug)]
pub struct Anchor {
    /// What it is called in the configuration, in the log and in the audit trail.
    pub name: String,
    /// How much it matters whether a certificate was revoked.
    pub revocation: config::Revocation,
    /// Lists of revoked certificates that somebody keeps up to date.
    pub crl_files: Vec<PathBuf>,
    /// The certificates of the authorities.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Whether it is the authority inside.
    pub is_ours: bool,
}

/// Why authorities cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("client_certificates.anchors: {}: {why}", file.display())]
pub struct Unreadable {
    file: PathBuf,
    why: String,
}

/// All authorities, as they were when they were last read, and what came of chains under them.
#[derive(Debug)]
pub struct Anchors {
    sets: Vec<Arc<Anchor>>,
    /// What `webpki` takes, each with the set and the certificate that it was made of.
    pub(super) trusted: Vec<TrustAnchor<'static>>,
    pub(super) from: Vec<(Arc<Anchor>, CertificateDer<'static>)>,
    pub(super) outcomes: Outcomes,
    /// Of all the certificates, and of which set each one is.
    digest: Thumbprint,
}

impl Anchors {
    /// These authorities.
    ///
    /// # Errors
    /// The name of a set with a certificate that is none of an authority, and why.
    pub fn of(sets: Vec<Arc<Anchor>>) -> Result<Self, (String, &'static str)> {
        let (mut trusted, mut from) = (Vec::new(), Vec::new());
        let mut all = Vec::new();
        for set in &sets {
            // With a length before each part: what moves from one set into the next is believed in
            // another way.
            framed(&mut all, set.name.as_bytes());
            all.extend_from_slice(&set.certificates.len().to_be_bytes());
            for certificate in &set.certificates {
                trusted.push(anchor(certificate).map_err(|why| (set.name.clone(), why))?);
                from.push((set.clone(), certificate.clone()));
                framed(&mut all, certificate);
            }
        }
        Ok(Self {
            sets,
            trusted,
            from,
            outcomes: Outcomes::default(),
            digest: Thumbprint::of(&all),
        })
    }

    /// The sets, in the order of the configuration.
    pub fn sets(&self) -> impl Iterator<Item = &Arc<Anchor>> {
        self.sets.iter()
    }
}

fn framed(all: &mut Vec<u8>, part: &[u8]) {
    all.extend_from_slice(&part.len().to_be_bytes());
    all.extend_from_slice(part);
}

/// > If the cA boolean is not asserted, then the certified public key MUST NOT be used to verify certificate
/// > signatures. (RFC 5280 §4.2.1.9, in substance)
///
/// An end entity that stands among the authorities by mistake must not make everybody's certificates good.
fn anchor(certificate: &CertificateDer<'static>) -> Result<TrustAnchor<'static>, &'static str> {
    let (_, parsed) = X509Certificate::from_der(certificate)
        .map_err(|_| "has what is not an X.509 certificate")?;
    if !parsed.is_ca() {
        return Err("has a certificate that is none of an authority (CA:TRUE is missing)");
    }
    if !signs_certificates(&parsed) {
        return Err("has a certificate of an authority that may not issue any (keyUsage lacks \
                    keyCertSign): take it out, or have it made anew with keyCertSign");
    }
    webpki::anchor_from_trusted_cert(certificate)
        .map(|anchor| anchor.to_owned())
        .map_err(|_| "has a certificate that cannot be an anchor")
}

/// The authorities that count now.
#[derive(Debug)]
pub struct Trust {
    files: Vec<config::Anchor>,
    held: RwLock<Arc<Anchors>>,
}

impl Trust {
    /// Reads the files of the configuration.
    ///
    /// # Errors
    /// When one of them cannot be read, or has other things than certificates of authorities.
    pub fn open(files: &[config::Anchor]) -> Result<Self, Unreadable> {
        let held = RwLock::new(Arc::new(read(files)?));
        Ok(Self { files: files.to_vec(), held })
    }

    /// The authorities.
    pub fn anchors(&self) -> Arc<Anchors> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a certificate leads to now: see [`Anchors::chain`].
    ///
    /// # Errors
    /// Why nobody believes it.
    pub fn chain(&self, shown: &Certificate, now: Timestamp) -> Result<Arc<Chain>, String> {
        self.anchors().chain(shown, now)
    }

    /// Reads the files again; `true`: there was something new in them. Not for a thread that serves, for
    /// it waits for the disk.
    ///
    /// # Errors
    /// Those of [`Trust::open`]; what was believed before goes on being believed.
    pub fn reload(&self) -> Result<bool, Unreadable> {
        let fresh = sets(&self.files)?;
        let replaced = self.replace(|held| fresh.into_iter().chain(ours(held)).collect());
        replaced.map_err(|(name, why)| blamed(&self.files, &name, why))
    }

    /// Takes the issuing certificates of the authority inside in the place of the former ones.
    ///
    /// # Errors
    /// When one of them cannot be an anchor.
    pub fn take(&self, rows: &[AuthorityRow]) -> Result<(), Failure> {
        let certificates: Vec<_> = issuing(rows).map(CertificateDer::into_owned).collect();
        let held = self.anchors();
        let held = ours(&held).next().map(|set| set.certificates.clone()).unwrap_or_default();
        if held == certificates {
            return Ok(());
        }
        let own = Arc::new(Anchor {
            name: OURS.to_owned(),
            // What was revoked is known here: it is asked whoever issued the certificate.
            revocation: config::Revocation::Off,
            crl_files: Vec::new(),
            certificates,
            is_ours: true,
        });
        let replaced = self
            .replace(|held| held.sets().filter(|set| !set.is_ours).cloned().chain([own]).collect());
        replaced.map(drop).map_err(|(_, why)| Failure::internal(why))
    }

    /// Puts other sets in the place of those that are held; `true`: they are other ones.
    fn replace(
        &self,
        next: impl FnOnce(&Anchors) -> Vec<Arc<Anchor>>,
    ) -> Result<bool, (String, &'static str)> {
        // From reading to writing: of a file and an authority that change at once, neither is lost.
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = Anchors::of(next(&held))?;
        if fresh.digest == held.digest {
            return Ok(false);
        }
        *held = Arc::new(fresh);
        Ok(true)
    }
}

/// What the authority inside is called.
const OURS: &str = "gatewright";

fn ours(held: &Anchors) -> impl Iterator<Item = Arc<Anchor>> {
    held.sets().filter(|set| set.is_ours).cloned()
}

fn read(files: &[config::Anchor]) -> Result<Anchors, Unreadable> {
    Anchors::of(sets(files)?).map_err(|(name, why)| blamed(files, &name, why))
}

fn sets(files: &[config::Anchor]) -> Result<Vec<Arc<Anchor>>, Unreadable> {
    let one = |anchor: &config::Anchor| {
        Ok(Arc::new(Anchor {
            name: anchor.name.clone(),
            revocation: anchor.revocation,
            crl_files: anchor.crl_files.clone(),
            certificates: certificates(&anchor.file)?,
            is_ours: false,
        }))
    };
    files.iter().map(one).collect()
}

fn blamed(files: &[config::Anchor], name: &str, why: &'static str) -> Unreadable {
    let named = files.iter().find(|file| file.name == name);
    unreadable(named.map_or(Path::new(""), |file| &file.file), why)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Unreadable> {
    let text = std::fs::read(file).map_err(|error| unreadable(file, error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(unreadable(file, "has no certificate in it (PEM)")),
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(file, format!("is not PEM: {error}"))),
    }
}

fn unreadable(file: &Path, why: impl ToString) -> Unreadable {
    Unreadable { file: file.to_owned(), why: why.to_string() }
}
