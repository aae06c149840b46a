//! Lists of revoked certificates that the operator names (`crl_files`): in a file that somebody keeps up to date.
//!
//! Whoever names a list relies on it, so it is never treated as absent (THREATS EX-19). One that cannot be read is
//! an error at the start. One that breaks later leaves the last good one in force until its `nextUpdate`, and is
//! reported and counted; from then on nobody is accepted whom it would speak of, however much revocation matters.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls_pki_types::CertificateDer;

use super::Issuer;
use super::crl::{Crl, Outline};
use crate::types::Digest;
use crate::types::pem::{self, Kind};
use gatewright_base::access::why;

/// A file with lists.
#[derive(Debug)]
pub struct CrlFile {
    path: PathBuf,
    /// As large as it may be.
    max_bytes: u64,
    loaded: RwLock<Loaded>,
}

/// What was found in it.
#[derive(Clone, Debug)]
struct Loaded {
    /// The last good lists.
    lists: Arc<[UnverifiedCrl]>,
    /// Of what they were read from.
    digest: Digest,
    /// Whether what is there now is none.
    is_broken: bool,
}

/// A list, whose signature may still have to be verified: the certificate of who made it may come with a client's.
#[derive(Debug)]
pub struct UnverifiedCrl {
    /// Itself.
    pub der: Vec<u8>,
    outline: Outline,
    /// Whether an anchor has signed it that has its issuer's name.
    is_signed_by_anchor: bool,
}

/// What came of reading a file again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// What is there is what was there.
    Same,
    /// There are other lists now.
    Replaced,
    /// It cannot be read: the last good lists stay.
    Broken(String),
}

/// What a file has for the issuer of a certificate.
#[derive(Debug)]
pub struct IssuerCrls {
    lists: Arc<[UnverifiedCrl]>,
    issuer: Issuer,
    is_broken: bool,
}

impl CrlFile {
    /// Reads it for the first time. `anchors` are the certificates of its set.
    ///
    /// # Errors
    /// Why it cannot be relied on, as a clause that follows its name.
    pub fn open(
        path: &Path,
        max_bytes: u64,
        anchors: &[CertificateDer<'_>],
    ) -> Result<Self, String> {
        let bytes = read_file(path, max_bytes)?;
        let (lists, digest) = (parse(&bytes, anchors)?, Digest::of(&bytes));
        let loaded = RwLock::new(Loaded { lists, digest, is_broken: false });
        Ok(Self { path: path.to_owned(), max_bytes, loaded })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it again. Not for a thread that serves, for it waits for the disk.
    pub fn reload(&self, anchors: &[CertificateDer<'_>]) -> Reload {
        let before = self.loaded().digest;
        let fresh = read_file(&self.path, self.max_bytes).and_then(|bytes| {
            let digest = Digest::of(&bytes);
            if digest.0 == before.0 {
                return Ok(None);
            }
            Ok(Some((parse(&bytes, anchors)?, digest)))
        });
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        match fresh {
            Ok(None) => {
                loaded.is_broken = false;
                Reload::Same
            }
            Ok(Some((lists, digest))) => {
                *loaded = Loaded { lists, digest, is_broken: false };
                Reload::Replaced
            }
            Err(why) => {
                loaded.is_broken = true;
                Reload::Broken(why)
            }
        }
    }

    /// What it has for this issuer; `None`: it is about others.
    pub fn for_issuer(&self, issuer: &Issuer) -> Option<IssuerCrls> {
        let Loaded { lists, is_broken, .. } = self.loaded();
        let has_issuer = lists.iter().any(|list| list.outline.is_issued_by(issuer));
        has_issuer.then(|| IssuerCrls { lists, issuer: issuer.clone(), is_broken })
    }

    fn loaded(&self) -> Loaded {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl IssuerCrls {
    /// The lists that the issuer has signed, and whether one is missing that should be there. A large one takes
    /// long to read.
    pub fn verified(&self) -> (Vec<Arc<Crl>>, bool) {
        let (mut verified, mut is_broken) = (Vec::new(), self.is_broken);
        for list in self.lists.iter().filter(|list| list.outline.is_issued_by(&self.issuer)) {
            match Crl::from_der(&list.der, &self.issuer) {
                Ok(crl) => verified.push(Arc::new(crl)),
                // It is right, and of another authority of that name: one has renewed its key.
                Err(_) if list.is_signed_by_anchor => {}
                Err(_) => is_broken = true,
            }
        }
        (verified, is_broken)
    }
}

fn read_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(max_bytes + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {}", why(path, &error)))?;
    if bytes.len() as u64 > max_bytes {
        return Err("is larger than client_certificates.max_crl_bytes".to_owned());
    }
    Ok(bytes)
}

fn parse(bytes: &[u8], anchors: &[CertificateDer<'_>]) -> Result<Arc<[UnverifiedCrl]>, String> {
    let lists = pem::objects(bytes, Kind::Crl)?.into_iter();
    lists.map(|der| UnverifiedCrl::parse(der.to_vec(), anchors)).collect()
}

impl UnverifiedCrl {
    fn parse(der: Vec<u8>, anchors: &[CertificateDer<'_>]) -> Result<Self, String> {
        let outline = Outline::from_der(&der).map_err(|why| format!("cannot be used: {why}"))?;
        let issuers = anchors.iter().filter_map(|anchor| Issuer::from_der(anchor).ok());
        let namesakes: Vec<_> = issuers.filter(|issuer| outline.is_issued_by(issuer)).collect();
        let mut wrong = None;
        let is_signed_by_anchor = namesakes.iter().any(|issuer| {
            Crl::from_der(&der, issuer).inspect_err(|why| wrong = Some(*why)).is_ok()
        });
        match wrong {
            Some(why) if !is_signed_by_anchor => Err(format!("cannot be used: {why}")),
            Some(_) | None => Ok(Self { der, outline, is_signed_by_anchor }),
        }
    }
}
