//! The trust anchors for client certificates, in named sets from the configuration.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use gatewright_x509::chain::TrustAnchors;
use rustls_pki_types::CertificateDer;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::ca::issuing_certificates;
use super::crl_file::{CrlFile, Reload};
use super::{Certificate, chain};
use crate::config::{self, ClientCertificates, Problem};
use crate::store::authorities::AuthorityRow;
use crate::types::{Failure, Timestamp, pem};
use gatewright_base::access::why;

/// A set of trust anchors with common settings.
#[derive(Debug)]
pub struct Anchor {
    /// Its name in the configuration, the log and the audit trail.
    pub name: String,
    /// How revocation is checked.
    pub revocation: config::Revocation,
    /// CRL files that the operator maintains.
    pub crl_files: Vec<Arc<CrlFile>>,
    /// The certificates of the trust anchors.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Whether these are the issuing certificates of the built-in CA.
    pub is_built_in: bool,
}

/// Why trust anchors cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[error("client_certificates.anchors: {}: {why}", file.display())]
pub struct Unreadable {
    file: PathBuf,
    why: String,
}

/// The trust anchors as they were last read, with a cache of valid chains.
pub type Anchors = TrustAnchors<Anchor>;

/// A valid chain to a set of trust anchors.
pub type Chain = chain::Chain<Anchor>;

fn anchors(sets: Vec<Arc<Anchor>>) -> Result<Anchors, (String, &'static str)> {
    Anchors::new(sets, |set| (&set.name, &set.certificates))
}

/// The longest wait for a thread that verifies an unknown chain.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The current trust anchors.
#[derive(Debug)]
pub struct Trust {
    settings: ClientCertificates,
    current: RwLock<Arc<Anchors>>,
    /// Permits for the threads that verify chains.
    verifiers: Arc<Semaphore>,
    /// The number of signatures verified.
    signatures_verified: Arc<AtomicU64>,
}

impl Trust {
    /// Loads the files of the configuration.
    ///
    /// # Errors
    /// When a file cannot be read or has something else than CA certificates, or a CRL file cannot
    /// be read.
    pub fn open(settings: &ClientCertificates) -> Result<Self, Unreadable> {
        let current = RwLock::new(Arc::new(read_all(settings)?));
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let verifiers = Arc::new(Semaphore::new(cores.div_ceil(2)));
        Ok(Self {
            settings: settings.clone(),
            current,
            verifiers,
            signatures_verified: Arc::default(),
        })
    }

    /// The current trust anchors.
    pub fn anchors(&self) -> Arc<Anchors> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The valid chain of a presented certificate; or why there is none, for the log.
    ///
    /// Signatures are verified on a limited number of threads, so unknown certificates do not slow
    /// down clients whose chains are cached (decision 34). If the names lead to no trust anchor, no
    /// signature is verified.
    ///
    /// # Errors
    /// `Busy` when these threads are overloaded.
    pub async fn chain(
        &self,
        presented: &Arc<Certificate>,
        now: Timestamp,
    ) -> Result<Result<Arc<Chain>, String>, Failure> {
        let anchors = self.anchors();
        if let Some(known) = anchors.cached(presented, now) {
            return Ok(Ok(known));
        }
        let Some(candidates) = anchors.candidates(presented) else {
            return Ok(Err(webpki::Error::UnknownIssuer.to_string()));
        };
        let permit = timeout(MAX_WAIT, self.verifiers.clone().acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok);
        let permit =
            permit.ok_or(Failure::Busy("too many client certificates are being verified"))?;
        let (presented, verified) = (presented.clone(), self.signatures_verified.clone());
        let verifying = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            anchors.verify(&presented, &candidates, now, &verified)
        });
        verifying.await.map_err(Failure::internal)
    }

    /// The number of chain signatures verified since the start.
    pub fn signatures_verified(&self) -> u64 {
        self.signatures_verified.load(Ordering::Relaxed)
    }

    /// Reloads the files; `true` if the trust anchors changed. Blocks on the disk, so it must not
    /// run on an async thread.
    ///
    /// # Errors
    /// Those of [`Trust::open`]. The previous trust anchors and valid CRLs stay in use.
    pub fn reload(&self) -> Result<bool, Unreadable> {
        let files = &self.settings.anchors;
        let broken = self.reload_crls();
        let fresh = read_sets(&self.settings, Some(&self.anchors()))?;
        let replaced = self.replace(|current| fresh.into_iter().chain(built_in(current)).collect());
        let replaced = replaced.map_err(|(name, why)| anchor_error(files, &name, why))?;
        match broken {
            Some(broken) => Err(broken),
            None => Ok(replaced),
        }
    }

    /// Reloads all CRL files; an error in one does not stop the others.
    fn reload_crls(&self) -> Option<Unreadable> {
        let mut broken = None;
        for set in self.anchors().sets() {
            for file in &set.crl_files {
                if let Reload::Broken(why) = file.reload(&set.certificates) {
                    broken = Some(unreadable(file.path(), why));
                }
            }
        }
        broken
    }

    /// Replaces the issuing certificates of the built-in CA.
    ///
    /// # Errors
    /// When one of them cannot be a trust anchor.
    pub fn set_built_in(&self, rows: &[AuthorityRow]) -> Result<(), Failure> {
        let certificates: Vec<_> =
            issuing_certificates(rows).map(CertificateDer::into_owned).collect();
        let current = self.anchors();
        let current =
            built_in(&current).next().map(|set| set.certificates.clone()).unwrap_or_default();
        if current == certificates {
            return Ok(());
        }
        let own = Arc::new(Anchor {
            name: BUILT_IN.to_owned(),
            // Our own revocations are checked for every certificate, whatever its anchor.
            revocation: config::Revocation::Off,
            crl_files: Vec::new(),
            certificates,
            is_built_in: true,
        });
        let replaced = self.replace(|current| {
            current.sets().filter(|set| !set.is_built_in).cloned().chain([own]).collect()
        });
        replaced.map(drop).map_err(|(_, why)| Failure::internal(why))
    }

    /// Replaces the sets; `true` if they differ.
    fn replace(
        &self,
        next: impl FnOnce(&Anchors) -> Vec<Arc<Anchor>>,
    ) -> Result<bool, (String, &'static str)> {
        // Locked from reading to writing, so that concurrent changes of files and of the built-in
        // CA are not lost.
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = anchors(next(&current))?;
        if fresh.digest() == current.digest() {
            return Ok(false);
        }
        *current = Arc::new(fresh);
        Ok(true)
    }
}

/// The name of the built-in CA's set.
const BUILT_IN: &str = "gatewright";

fn built_in(current: &Anchors) -> impl Iterator<Item = Arc<Anchor>> {
    current.sets().filter(|set| set.is_built_in).cloned()
}

/// Problems with the files of `client_certificates`.
pub fn problems(settings: &ClientCertificates) -> Vec<Problem> {
    let remedy = "provide CA certificates, and CRLs that they signed, as PEM, DER or base64";
    let one = |unreadable: Unreadable| {
        let reason = format!("names {}, which {}", unreadable.file.display(), unreadable.why);
        Problem::new("client_certificates.anchors", reason, remedy)
    };
    read_all(settings).err().map(one).into_iter().collect()
}

fn read_all(settings: &ClientCertificates) -> Result<Anchors, Unreadable> {
    let found = anchors(read_sets(settings, None)?);
    found.map_err(|(name, why)| anchor_error(&settings.anchors, &name, why))
}

/// The sets of the configuration, reusing CRL files that are already loaded.
fn read_sets(
    settings: &ClientCertificates,
    current: Option<&Anchors>,
) -> Result<Vec<Arc<Anchor>>, Unreadable> {
    let most = u64::try_from(settings.max_crl_bytes.0).unwrap_or(u64::MAX);
    let one = |anchor: &config::TrustAnchorSet| {
        let certificates = read_certificates(&anchor.file)?;
        let current =
            current.and_then(|current| current.sets().find(|set| set.name == anchor.name));
        let list = |path: &PathBuf| {
            let current =
                current.and_then(|set| set.crl_files.iter().find(|file| file.path() == path));
            match current {
                Some(file) => Ok(file.clone()),
                None => CrlFile::open(path, most, &certificates)
                    .map(Arc::new)
                    .map_err(|why| unreadable(path, why)),
            }
        };
        Ok(Arc::new(Anchor {
            name: anchor.name.clone(),
            revocation: anchor.revocation,
            crl_files: anchor.crl_files.iter().map(list).collect::<Result<_, _>>()?,
            certificates,
            is_built_in: false,
        }))
    };
    settings.anchors.iter().map(one).collect()
}

fn anchor_error(files: &[config::TrustAnchorSet], name: &str, why: &'static str) -> Unreadable {
    let named = files.iter().find(|file| file.name == name);
    unreadable(named.map_or(Path::new(""), |file| &file.file), why)
}

fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Unreadable> {
    let text = std::fs::read(file)
        .map_err(|error| unreadable(file, format!("cannot be read: {}", why(file, &error))))?;
    pem::certificates(&text).map_err(|why| unreadable(file, why))
}

fn unreadable(file: &Path, why: impl ToString) -> Unreadable {
    Unreadable { file: file.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestCa;
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000);

    fn certificate(issued: &TestCa) -> Arc<Certificate> {
        Arc::new(Certificate::parse(&issued.certificate(), &[]).unwrap())
    }

    /// THREATS EX-08: while all verification threads are busy, cached chains are accepted,
    /// certificates that lead to no anchor are refused, and others get `Busy`.
    #[tokio::test]
    async fn cached_chains_wait_for_no_verification_thread() {
        let file =
            std::env::temp_dir().join(format!("gatewright-verifiers-{}.pem", std::process::id()));
        let (authority, strangers) = (TestCa::new("Clients"), TestCa::new("Strangers"));
        std::fs::write(&file, &authority.pem).unwrap();
        let settings = ClientCertificates {
            anchors: vec![config::TrustAnchorSet {
                name: "clients".to_owned(),
                file: file.clone(),
                revocation: config::Revocation::Off,
                crl_files: Vec::new(),
            }],
            ..ClientCertificates::default()
        };
        let trust = Trust::open(&settings).unwrap();
        std::fs::remove_file(&file).unwrap();
        let (known, other) = (
            certificate(&authority.issue("known", &[])),
            certificate(&authority.issue("other", &[])),
        );
        trust.chain(&known, NOW).await.unwrap().unwrap();

        let places = u32::try_from(trust.verifiers.available_permits()).unwrap();
        let busy = trust.verifiers.acquire_many(places).await.unwrap();

        trust.chain(&known, NOW).await.unwrap().unwrap();
        trust.chain(&certificate(&strangers.issue("known", &[])), NOW).await.unwrap().unwrap_err();
        let refused = trust.chain(&other, NOW).await.unwrap_err();
        assert!(matches!(refused, Failure::Busy(_)), "{refused:?}");

        drop(busy);
        trust.chain(&other, NOW).await.unwrap().unwrap();
    }
}
