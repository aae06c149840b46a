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
    most: u64,
    held: RwLock<Held>,
}

/// What was found in it.
#[derive(Clone, Debug)]
struct Held {
    /// The last good lists.
    lists: Arc<[Listed]>,
    /// Of what they were read from.
    digest: Digest,
    /// Whether what is there now is none.
    is_broken: bool,
}

/// A list, whose signature may still have to be verified: the certificate of who made it may come with a client's.
#[derive(Debug)]
pub struct Listed {
    /// Itself.
    pub der: Vec<u8>,
    outline: Outline,
    /// Whether an anchor has signed it that has its issuer's name.
    is_of_anchor: bool,
}

/// What came of reading a file again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reread {
    /// What is there is what was there.
    Same,
    /// There are other lists now.
    Replaced,
    /// It cannot be read: the last good lists stay.
    Broken(String),
}

/// What a file has for the issuer of a certificate.
#[derive(Debug)]
pub struct Found {
    lists: Arc<[Listed]>,
    issuer: Issuer,
    is_broken: bool,
}

impl CrlFile {
    /// Reads it for the first time. `anchors` are the certificates of its set.
    ///
    /// # Errors
    /// Why it cannot be relied on, as a clause that follows its name.
    pub fn open(path: &Path, most: u64, anchors: &[CertificateDer<'_>]) -> Result<Self, String> {
        let bytes = contents(path, most)?;
        let (lists, digest) = (read(&bytes, anchors)?, Digest::of(&bytes));
        let held = RwLock::new(Held { lists, digest, is_broken: false });
        Ok(Self { path: path.to_owned(), most, held })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it again. Not for a thread that serves, for it waits for the disk.
    pub fn reread(&self, anchors: &[CertificateDer<'_>]) -> Reread {
        let before = self.held().digest;
        let fresh = contents(&self.path, self.most).and_then(|bytes| {
            let digest = Digest::of(&bytes);
            if digest.0 == before.0 {
                return Ok(None);
            }
            Ok(Some((read(&bytes, anchors)?, digest)))
        });
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        match fresh {
            Ok(None) => {
                held.is_broken = false;
                Reread::Same
            }
            Ok(Some((lists, digest))) => {
                *held = Held { lists, digest, is_broken: false };
                Reread::Replaced
            }
            Err(why) => {
                held.is_broken = true;
                Reread::Broken(why)
            }
        }
    }

    /// What it has for this issuer; `None`: it is about others.
    pub fn of(&self, issuer: &Issuer) -> Option<Found> {
        let Held { lists, is_broken, .. } = self.held();
        let is_about = lists.iter().any(|list| list.outline.is_by(issuer));
        is_about.then(|| Found { lists, issuer: issuer.clone(), is_broken })
    }

    fn held(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Found {
    /// The lists that the issuer has signed, and whether one is missing that should be there. A large one takes
    /// long to read.
    pub fn verified(&self) -> (Vec<Arc<Crl>>, bool) {
        let (mut verified, mut is_broken) = (Vec::new(), self.is_broken);
        for list in self.lists.iter().filter(|list| list.outline.is_by(&self.issuer)) {
            match Crl::of(&list.der, &self.issuer) {
                Ok(crl) => verified.push(Arc::new(crl)),
                // It is right, and of another authority of that name: one has renewed its key.
                Err(_) if list.is_of_anchor => {}
                Err(_) => is_broken = true,
            }
        }
        (verified, is_broken)
    }
}

fn contents(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {}", why(path, &error)))?;
    if bytes.len() as u64 > most {
        return Err("is larger than client_certificates.max_crl_bytes".to_owned());
    }
    Ok(bytes)
}

fn read(bytes: &[u8], anchors: &[CertificateDer<'_>]) -> Result<Arc<[Listed]>, String> {
    let lists = pem::objects(bytes, Kind::Crl)?.into_iter();
    lists.map(|der| Listed::read(der.to_vec(), anchors)).collect()
}

impl Listed {
    fn read(der: Vec<u8>, anchors: &[CertificateDer<'_>]) -> Result<Self, String> {
        let outline = Outline::read(&der).map_err(|why| format!("cannot be used: {why}"))?;
        let issuers = anchors.iter().filter_map(|anchor| Issuer::read(anchor).ok());
        let namesakes: Vec<_> = issuers.filter(|issuer| outline.is_by(issuer)).collect();
        let mut wrong = None;
        let is_of_anchor = namesakes
            .iter()
            .any(|issuer| Crl::of(&der, issuer).inspect_err(|why| wrong = Some(*why)).is_ok());
        match wrong {
            Some(why) if !is_of_anchor => Err(format!("cannot be used: {why}")),
            Some(_) | None => Ok(Self { der, outline, is_of_anchor }),
        }
    }
}
