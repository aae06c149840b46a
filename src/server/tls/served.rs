//! The certificate of a host, and its source.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::staple::{self, Fetched};
use crate::app::App;
use crate::pki::{Certificate, Identity};
use crate::record::Trace;
use crate::types::Timestamp;

/// The source of a certificate.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// From files.
    Files(Files),
    /// From an ACME CA, stored in the database.
    Acme,
}

impl Source {
    /// Whether the operator provides the OCSP response in a file; then none is fetched.
    const fn has_response(&self) -> bool {
        match self {
            Self::Files(files) => files.ocsp.is_some(),
            Self::Acme => false,
        }
    }
}

/// The files of a certificate.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
    pub(super) ocsp: Option<PathBuf>,
}

impl Files {
    pub(super) fn of(
        chain: &Option<PathBuf>,
        key: &Option<PathBuf>,
        ocsp: &Option<PathBuf>,
    ) -> Option<Self> {
        let (chain, key) = chain.clone().zip(key.clone())?;
        Some(Self { chain, key, ocsp: ocsp.clone() })
    }
}

/// The certificate in use.
#[derive(Debug)]
pub(super) struct Served {
    /// The table of the configuration that it comes from.
    pub(super) table: &'static str,
    source: Source,
    /// The names that it must contain.
    hosts: Vec<String>,
    provider: Arc<CryptoProvider>,
    /// Held during a reload: an earlier read must not overwrite a later one.
    reloading: tokio::sync::Mutex<()>,
    /// `None`: none was ordered yet.
    identity: RwLock<Option<Identity>>,
    /// Why the last new certificate was refused, and whether that was reported.
    refused: Mutex<Option<(String, bool)>>,
    /// Why no OCSP response is stapled, if a file should provide one.
    unstapled: Mutex<Option<String>>,
    /// The fetched response, if no file provides one.
    fetched: Fetched,
}

/// The result of a reload.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reloaded {
    /// The same certificate, or nothing to report.
    Same,
    /// A new certificate is in use, with its expiry.
    Replaced(Timestamp),
    /// The new certificate cannot be used; the old one stays in use.
    Refused(String),
}

impl Served {
    /// Loads it for the first time. An expired one, or one for another host, is used all the same and reported: the
    /// error of a client is clearer than a closed port.
    pub(super) async fn open(
        table: &'static str,
        source: Source,
        hosts: Vec<String>,
        provider: Arc<CryptoProvider>,
        app: &App,
    ) -> Result<Self, String> {
        let served = Self {
            table,
            source,
            hosts,
            provider,
            reloading: tokio::sync::Mutex::default(),
            identity: RwLock::default(),
            refused: Mutex::default(),
            unstapled: Mutex::default(),
            fetched: Fetched::default(),
        };
        let identity = served.read(app).await?;
        for why in identity.iter().flat_map(|one| served.warnings(one, app.clock.now())) {
            tracing::error!(table, why, "clients will not accept our certificate");
        }
        served.replace(identity);
        Ok(served)
    }

    /// Loads the certificate again, and uses a new one unless it is worse. A refused one is reported once, and only
    /// when it is found twice, because two files are replaced one after the other. `is_requested`: at once.
    pub(super) async fn reload(&self, app: &App, is_requested: bool) -> Reloaded {
        let _one_at_a_time = self.reloading.lock().await;
        let identity = match self.read(app).await {
            Ok(Some(new)) => self.must_be_no_worse(&new, app.clock.now()).map(|()| Some(new)),
            Ok(None) => Ok(None),
            Err(why) => Err(why),
        };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let why = match identity {
            Ok(identity) => {
                *refused = None;
                return self.use_new(identity);
            }
            Err(why) => why,
        };
        match &mut *refused {
            Some((before, reported)) if *before == why => {
                if *reported && !is_requested {
                    return Reloaded::Same;
                }
                *reported = true;
                Reloaded::Refused(why)
            }
            Some(_) | None => {
                *refused = Some((why.clone(), is_requested));
                if is_requested { Reloaded::Refused(why) } else { Reloaded::Same }
            }
        }
    }

    /// Whether there is a certificate that cannot be used.
    pub(super) fn is_refusing(&self) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn use_new(&self, new: Option<Identity>) -> Reloaded {
        let now = self.current();
        let (Some(new), before) = (new, now.as_ref()) else { return Reloaded::Same };
        let is_same = before.is_some_and(|before| before.source.0 == new.source.0);
        let has_same_staple = before.is_some_and(|before| before.key.ocsp == new.key.ocsp);
        let not_after = new.certificate.not_after;
        if !is_same || !has_same_staple {
            self.replace(Some(new));
        }
        if is_same { Reloaded::Same } else { Reloaded::Replaced(not_after) }
    }

    /// Refreshes the OCSP response of the certificate in use, if it is due, and staples a current one.
    pub(super) async fn staple(&self, app: &App) {
        let Some(identity) = self.current().filter(|_| !self.source.has_response()) else { return };
        self.fetched.refresh(&identity, self.table, app).await;
        let _one_at_a_time = self.reloading.lock().await;
        // Another certificate may be in use by now.
        if let Some(identity) = self.current() {
            let staple = self.fetched.current(&identity, app.clock.now());
            if identity.key.ocsp != staple {
                self.replace(Some(identity.with_staple(staple)));
            }
        }
    }

    /// Reads the certificate from its source.
    async fn read(&self, app: &App) -> Result<Option<Identity>, String> {
        let now = app.clock.now();
        let fetched = |identity: Identity| {
            let staple = self.fetched.current(&identity, now);
            identity.with_staple(staple)
        };
        let files = match &self.source {
            Source::Acme => {
                let trace = Trace::of_command(app.clock.now_ms());
                let identity = app.acme(&trace).identity().await;
                return identity.map(|one| one.map(fetched)).map_err(|error| error.to_string());
            }
            Source::Files(files) => files.clone(),
        };
        let provider = self.provider.clone();
        let read = move || {
            let identity = Identity::load(&files.chain, &files.key, &provider)?;
            let staple = files.ocsp.map(|file| staple::load(&file, &identity, now)).transpose();
            Ok((identity, staple))
        };
        // A file system may be slow.
        let read = tokio::task::spawn_blocking(read).await;
        let (identity, staple) = read.unwrap_or_else(|error| Err(error.to_string()))?;
        if !self.source.has_response() {
            return Ok(Some(fetched(identity)));
        }
        self.report_staple(staple.as_ref().err());
        Ok(Some(identity.with_staple(staple.ok().flatten())))
    }

    /// Reports once why no OCSP response is stapled.
    fn report_staple(&self, why: Option<&String>) {
        let mut reported = self.unstapled.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.as_ref() != why {
            if let Some(why) = why {
                tracing::warn!(table = self.table, why, "no OCSP response is stapled");
            }
            *reported = why.cloned();
        }
    }

    /// Why clients will not accept a certificate.
    fn warnings(&self, identity: &Identity, now: Timestamp) -> Vec<String> {
        let time = identity.must_be_valid_at(now).err().map(str::to_owned);
        let names = self.hosts.iter().filter(|host| !identity.is_for_host(host));
        time.into_iter().chain(names.map(|host| format!("it is not for {host}"))).collect()
    }

    /// Refuses a certificate that clients will not accept for another reason than the one in use.
    fn must_be_no_worse(&self, new: &Identity, now: Timestamp) -> Result<(), String> {
        let before = self.current().map(|before| self.warnings(&before, now)).unwrap_or_default();
        match self.warnings(new, now).into_iter().find(|warning| !before.contains(warning)) {
            Some(warning) if self.current().is_some() => Err(warning),
            Some(_) | None => Ok(()),
        }
    }

    /// The certificate in use; `None`: none was ordered yet.
    pub(super) fn certificate(&self) -> Option<Arc<Certificate>> {
        self.current().map(|identity| identity.certificate)
    }

    fn current(&self) -> Option<Identity> {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, identity: Option<Identity>) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current().map(|identity| identity.key)
    }
}
