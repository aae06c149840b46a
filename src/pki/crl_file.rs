//! CRL files that the operator maintains (`crl_files`).
//!
//! A configured CRL is never treated as absent (THREATS EX-19). If it cannot be read at the start,
//! the server does not start. If it becomes unreadable later, this is logged and counted, and the
//! last valid CRL is used until its `nextUpdate`; from then on, certificates that it covers are
//! refused, whatever the revocation mode.

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

/// A file with CRLs.
#[derive(Debug)]
pub struct CrlFile {
    path: PathBuf,
    /// The largest accepted size.
    max_bytes: u64,
    loaded: RwLock<Loaded>,
}

/// The contents of the file.
#[derive(Clone, Debug)]
struct Loaded {
    /// The last valid CRLs.
    lists: Arc<[UnverifiedCrl]>,
    /// Digest of the file that they were read from.
    digest: Digest,
    /// Whether the current file cannot be used.
    is_broken: bool,
}

/// A CRL whose signature may not be verified yet: the issuer's certificate may be an intermediate
/// that only clients present.
#[derive(Debug)]
pub struct UnverifiedCrl {
    /// The CRL in DER.
    pub der: Vec<u8>,
    outline: Outline,
    /// Whether a trust anchor with the issuer's name signed it.
    is_signed_by_anchor: bool,
}

/// The result of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The file has not changed.
    Same,
    /// The file has new CRLs.
    Replaced,
    /// The file cannot be used; the last valid CRLs stay.
    Broken(String),
}

/// The CRLs of one issuer in a file.
#[derive(Debug)]
pub struct IssuerCrls {
    lists: Arc<[UnverifiedCrl]>,
    issuer: Issuer,
    is_broken: bool,
}

impl CrlFile {
    /// Loads the file; `anchors` are the certificates of its set.
    ///
    /// # Errors
    /// Why it cannot be used, as a clause that follows the name of the file.
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

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reloads the file. Blocks on the disk, so it must not run on an async thread.
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

    /// The CRLs of this issuer; `None` if the file has none.
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
    /// The CRLs that the issuer signed, and whether a CRL cannot be used. A large one takes long to
    /// verify.
    pub fn verified(&self) -> (Vec<Arc<Crl>>, bool) {
        let (mut verified, mut is_broken) = (Vec::new(), self.is_broken);
        for list in self.lists.iter().filter(|list| list.outline.is_issued_by(&self.issuer)) {
            match Crl::from_der(&list.der, &self.issuer) {
                Ok(crl) => verified.push(Arc::new(crl)),
                // A valid CRL of another CA with the same name, for example after a renewal of its
                // key.
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
