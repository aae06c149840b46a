//! Whom we believe about the certificates of clients: the authorities of the configuration, each set under
//! a name.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Certificate;
use super::chain::{Chain, Outcomes};
use crate::config;
use crate::types::{Thumbprint, Timestamp};

/// A set of authorities that are believed alike.
#[derive(Debug)]
pub struct Anchor {
    /// What it is called in the configuration, in the log and in the audit trail.
    pub name: String,
    /// How much it matters whether a certificate was revoked.
    pub revocation: config::Revocation,
    /// The certificates of the authorities.
    pub certificates: Vec<CertificateDer<'static>>,
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
    /// Of all the certificates.
    digest: Thumbprint,
}

impl Anchors {
    /// These authorities.
    ///
    /// # Errors
    /// The name of a set with a certificate that is none of an authority, and why.
    pub fn of(sets: Vec<Anchor>) -> Result<Self, (String, &'static str)> {
        let sets: Vec<_> = sets.into_iter().map(Arc::new).collect();
        let (mut trusted, mut from) = (Vec::new(), Vec::new());
        let mut all = Vec::new();
        for set in &sets {
            for certificate in &set.certificates {
                trusted.push(anchor(certificate).map_err(|why| (set.name.clone(), why))?);
                from.push((set.clone(), certificate.clone()));
                all.extend_from_slice(certificate);
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
        let fresh = read(&self.files)?;
        if fresh.digest == self.anchors().digest {
            return Ok(false);
        }
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(true)
    }
}

fn read(files: &[config::Anchor]) -> Result<Anchors, Unreadable> {
    let one = |anchor: &config::Anchor| {
        Ok(Anchor {
            name: anchor.name.clone(),
            revocation: anchor.revocation,
            certificates: certificates(&anchor.file)?,
        })
    };
    let sets: Result<Vec<_>, Unreadable> = files.iter().map(one).collect();
    Anchors::of(sets?).map_err(|(name, why)| {
        let named = files.iter().find(|file| file.name == name);
        unreadable(named.map_or(Path::new(""), |file| &file.file), why)
    })
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
