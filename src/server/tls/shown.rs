//! The certificate that a name shows, and where the next one comes from.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::staple::{self, Fetched};
use crate::app::App;
use crate::pki::{Certificate, Identity};
use crate::types::Timestamp;

/// Where a certificate comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// From files.
    Files(Files),
    /// From an authority, by way of the database.
    Acme,
}

impl Source {
    /// Whether the operator sees to the OCSP response: then nobody is asked for one.
    const fn has_response(&self) -> bool {
        match self {
            Self::Files(files) => files.ocsp.is_some(),
            Self::Acme => false,
        }
    }
}

/// Where a certificate and what belongs to it are.
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

/// What is shown now.
#[derive(Debug)]
pub(super) struct Shown {
    /// The table of the configuration that it comes from.
    pub(super) table: &'static str,
    source: Source,
    /// The names that it has to be good for.
    hosts: Vec<String>,
    provider: Arc<CryptoProvider>,
    /// Held while somebody looks: whoever has read earlier must not have the last word.
    looking: tokio::sync::Mutex<()>,
    /// `None`: none was ordered yet.
    identity: RwLock<Option<Identity>>,
    /// What was wrong with what came last, and whether anybody was told.
    refused: Mutex<Option<(String, bool)>>,
    /// Why no OCSP response is sent along, if there should be one.
    unstapled: Mutex<Option<String>>,
    /// The response that is sent along where no file has one.
    fetched: Fetched,
}

/// What came of looking again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// Nothing to tell.
    Same,
    /// Another certificate is shown now.
    Replaced(Timestamp),
    /// What is there cannot be shown: what was shown stays.
    Refused(String),
}

impl Shown {
    /// Reads it for the first time. One that has expired or is for another name is shown all the same,
    /// and told: clients say more clearly what is wrong than a port where nobody listens.
    pub(super) async fn open(
        table: &'static str,
        source: Source,
        hosts: Vec<String>,
        provider: Arc<CryptoProvider>,
        app: &App,
    ) -> Result<Self, String> {
        let shown = Self {
            table,
            source,
            hosts,
            provider,
            looking: tokio::sync::Mutex::default(),
            identity: RwLock::default(),
            refused: Mutex::default(),
            unstapled: Mutex::default(),
            fetched: Fetched::default(),
        };
        let identity = shown.read(app).await?;
        for why in identity.iter().flat_map(|one| shown.troubles(one, app.clock.now())) {
            tracing::error!(table, why, "clients will not accept our certificate");
        }
        shown.put(identity);
        Ok(shown)
    }

    /// Looks whether there is another one, and shows that if it is no worse. What is there is told once,
    /// and only when it is found twice: whoever replaces two files replaces one before the other.
    /// `loudly`: at once.
    pub(super) async fn look(&self, app: &App, loudly: bool) -> Looked {
        let _one_at_a_time = self.looking.lock().await;
        let found = match self.read(app).await {
            Ok(Some(found)) => self.is_no_worse(&found, app.clock.now()).map(|()| Some(found)),
            Ok(None) => Ok(None),
            Err(why) => Err(why),
        };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let why = match found {
            Ok(found) => {
                *refused = None;
                return self.replaced_by(found);
            }
            Err(why) => why,
        };
        match &mut *refused {
            Some((before, told)) if *before == why => {
                if *told && !loudly {
                    return Looked::Same;
                }
                *told = true;
                Looked::Refused(why)
            }
            Some(_) | None => {
                *refused = Some((why.clone(), loudly));
                if loudly { Looked::Refused(why) } else { Looked::Same }
            }
        }
    }

    /// Whether something is there that cannot be shown.
    pub(super) fn is_refusing(&self) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn replaced_by(&self, found: Option<Identity>) -> Looked {
        let now = self.now();
        let (Some(found), before) = (found, now.as_ref()) else { return Looked::Same };
        let is_same = before.is_some_and(|before| before.source.0 == found.source.0);
        let has_same_staple = before.is_some_and(|before| before.key.ocsp == found.key.ocsp);
        let not_after = found.certificate.not_after;
        if !is_same || !has_same_staple {
            self.put(Some(found));
        }
        if is_same { Looked::Same } else { Looked::Replaced(not_after) }
    }

    /// Asks the responder about the certificate that is shown, if it is time, and sends along what is
    /// current.
    pub(super) async fn staple(&self, app: &App) {
        let Some(identity) = self.now().filter(|_| !self.source.has_response()) else { return };
        self.fetched.refresh(&identity, self.table, app).await;
        let _one_at_a_time = self.looking.lock().await;
        // Another one may be shown by now.
        if let Some(identity) = self.now() {
            let staple = self.fetched.current(&identity, app.clock.now());
            if identity.key.ocsp != staple {
                self.put(Some(identity.with_staple(staple)));
            }
        }
    }

    /// What is there now.
    async fn read(&self, app: &App) -> Result<Option<Identity>, String> {
        let now = app.clock.now();
        let fetched = |identity: Identity| {
            let staple = self.fetched.current(&identity, now);
            identity.with_staple(staple)
        };
        let files = match &self.source {
            Source::Acme => {
                let identity = app.acme().identity().await;
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
        // A file system may take its time.
        let read = tokio::task::spawn_blocking(read).await;
        let (identity, staple) = read.unwrap_or_else(|error| Err(error.to_string()))?;
        if !self.source.has_response() {
            return Ok(Some(fetched(identity)));
        }
        self.tell_staple(staple.as_ref().err());
        Ok(Some(identity.with_staple(staple.ok().flatten())))
    }

    /// Tells once why no OCSP response is sent along.
    fn tell_staple(&self, why: Option<&String>) {
        let mut told = self.unstapled.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_ref() != why {
            if let Some(why) = why {
                tracing::warn!(table = self.table, why, "no OCSP response is stapled");
            }
            *told = why.cloned();
        }
    }

    /// What clients will not accept.
    fn troubles(&self, identity: &Identity, now: Timestamp) -> Vec<String> {
        let time = identity.must_be_valid_at(now).err().map(str::to_owned);
        let names = self.hosts.iter().filter(|host| !identity.is_for_host(host));
        time.into_iter().chain(names.map(|host| format!("it is not for {host}"))).collect()
    }

    /// A certificate without troubles is not given up for one with.
    fn is_no_worse(&self, found: &Identity, now: Timestamp) -> Result<(), String> {
        let before = self.now().map(|before| self.troubles(&before, now)).unwrap_or_default();
        match self.troubles(found, now).into_iter().find(|trouble| !before.contains(trouble)) {
            Some(trouble) if self.now().is_some() => Err(trouble),
            Some(_) | None => Ok(()),
        }
    }

    /// The certificate that is shown now; `None`: none was ordered yet.
    pub(super) fn certificate(&self) -> Option<Arc<Certificate>> {
        self.now().map(|identity| identity.certificate)
    }

    fn now(&self) -> Option<Identity> {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, identity: Option<Identity>) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.now().map(|identity| identity.key)
    }
}
