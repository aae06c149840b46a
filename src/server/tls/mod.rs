//! TLS, as it is spoken at our listeners: [RFC 8446], and of [RFC 5246] what [RFC 9325] leaves of it.
//!
//! There are two names, each with a configuration and session tickets of its own: the issuer's, and the
//! one that asks for client certificates. What is read again when files change is what they *show*;
//! how TLS is spoken is built once, so no reload can lose it (THREATS MT-08).
//!
//! [RFC 8446]: https://www.rfc-editor.org/rfc/rfc8446
//! [RFC 5246]: https://www.rfc-editor.org/rfc/rfc5246
//! [RFC 9325]: https://www.rfc-editor.org/rfc/rfc9325

mod client;
mod shown;
mod staple;

use std::io;
use std::sync::Arc;

use anyhow::anyhow;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{Acceptor, NoServerSessionStorage};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, version};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake, TlsAcceptor};

use super::pace::Paced;
use super::router::Door;
use crate::app::App;
use crate::config::{ClientCertificates, Config, Problem};
use crate::pki::acme::challenge;
use crate::pki::{Certificate, Identity};
use crate::record::{Event, Kind, Trace};
use crate::store::acme;
use crate::types::Timestamp;
use client::AnyCertificate;
use shown::{Files, Looked, Shown, Source};

/// The names that TLS is spoken for.
#[derive(Debug)]
pub(super) struct Tls {
    /// The issuer's.
    browsers: Option<Arc<Name>>,
    /// The one that asks for client certificates, with its host.
    mtls: Option<(String, Arc<Name>)>,
    /// Every certificate that one of them shows.
    shown: Vec<Arc<Shown>>,
    app: App,
}

/// A name and how TLS is spoken for it.
#[derive(Debug)]
struct Name {
    config: Arc<ServerConfig>,
    is_mtls: bool,
}

/// What stands behind one listener.
#[derive(Clone, Debug)]
pub(super) struct Doors {
    /// For whoever asks for no name that we know, too: a client need not send one.
    first: Arc<Name>,
    /// For those who ask for this name.
    named: Option<(String, Arc<Name>)>,
    /// Who knows what an authority is answered that looks whether a name is ours.
    app: App,
}

/// A connection after its handshake.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) stream: TlsStream<Paced<TcpStream>>,
    /// The name that the client asked for (RFC 6066 §3), in lower case.
    pub(super) name: Option<String>,
    /// What is answered there.
    pub(super) door: Door,
    /// The certificate whose key it has proven, now or in the handshake that is resumed; or why it
    /// cannot be read.
    pub(super) certificate: Result<Option<Arc<Certificate>>, &'static str>,
}

impl Tls {
    /// Reads the certificates of the configuration.
    ///
    /// # Errors
    /// When one cannot be had.
    pub(super) async fn open(app: &App) -> anyhow::Result<Self> {
        let (config, provider) = (&app.config, Arc::new(provider()));
        let Config { tls, mtls, acme, .. } = config;
        let issuer = config.issuer.url().host_str().unwrap_or_default().to_owned();
        let alias = mtls.url.as_ref().map(|url| url.host().to_owned());
        let own = Files::of(&mtls.certificate_file, &mtls.key_file, &mtls.ocsp_file);
        let shared = Files::of(&tls.certificate_file, &tls.key_file, &tls.ocsp_file);
        let shared = shared.map(Source::Files).or(acme.directory.as_ref().map(|_| Source::Acme));

        let mut hosts: Vec<String> =
            Some(issuer).filter(|_| !tls.listen.is_empty()).into_iter().collect();
        hosts.extend(alias.clone().filter(|_| own.is_none() && !mtls_is_elsewhere(config)));
        let open = async |table, source: Option<Source>, hosts| -> anyhow::Result<_> {
            let Some(source) = source else { return Ok(None) };
            let shown = Shown::open(table, source, hosts, provider.clone(), app).await;
            let shown = shown.map_err(|why| anyhow!("[{table}]: {why}"))?;
            Ok(Some(Arc::new(shown)))
        };
        let own_hosts = alias.clone().into_iter().collect();
        let own = open("mtls", own.map(Source::Files), own_hosts).await?;
        let shared = open("tls", shared, hosts).await?;

        let shown: Vec<_> = shared.iter().chain(&own).cloned().collect();
        let browsers =
            shared.clone().map(|shown| Name::open(shown, &provider, None)).transpose()?;
        let mtls = match (alias, own.or(shared)) {
            (Some(host), Some(shown)) => {
                Some((host, Name::open(shown, &provider, Some(&config.client_certificates))?))
            }
            (Some(_), None) | (None, _) => None,
        };
        Ok(Self { browsers, mtls, shown, app: app.clone() })
    }

    /// What stands behind `tls.listen`.
    pub(super) fn doors(&self) -> Option<Doors> {
        let named = self.mtls.clone().filter(|_| self.app.config.mtls_shares_a_port());
        self.browsers.clone().map(|first| Doors { first, named, app: self.app.clone() })
    }

    /// What stands behind `mtls.listen`.
    pub(super) fn mtls_doors(&self) -> Option<Doors> {
        let app = self.app.clone();
        self.mtls.clone().map(|(_, first)| Doors { first, named: None, app })
    }

    /// The certificates that are shown now, from files or by ACME.
    pub(super) fn certificates(&self) -> Vec<Arc<Certificate>> {
        self.shown.iter().filter_map(|shown| shown.certificate()).collect()
    }

    /// Asks the responders about the certificates that are shown, each when it is time.
    pub(super) async fn staple(&self) {
        for shown in &self.shown {
            shown.staple(&self.app).await;
        }
    }

    /// Looks whether there are other certificates, shows them if they are no worse, and tells what came
    /// of it; connections that are open go on. `loudly`: what cannot be shown is told at once.
    pub(super) async fn look(&self, loudly: bool) {
        let app = &self.app;
        let trace = Trace::of_command(app.clock.now_ms());
        for shown in &self.shown {
            let table = shown.table;
            let event = match shown.look(app, loudly).await {
                Looked::Same => continue,
                Looked::Replaced(not_after) => {
                    tracing::info!(table, not_after = not_after.0, "another certificate is shown");
                    Event::success(Kind::TlsCertificateReplaced).fact("not_after", not_after.0)
                }
                Looked::Refused(why) => {
                    tracing::error!(
                        table,
                        why,
                        "the new certificate cannot be shown; the old one stays"
                    );
                    Event::of(Kind::TlsCertificateReplaced, "refused").fact("why", why)
                }
            };
            if let Err(error) = event.fact("table", table).write_alone(&app.store, &trace).await {
                tracing::warn!(%error, "no event of a certificate could be written");
            }
        }
        app.metrics.certificates_refused(self.shown.iter().filter(|one| one.is_refusing()).count());
    }
}

/// What speaks TLS at `tls.listen` and `mtls.listen` until the server can work, by the certificates that the
/// configuration names. One that lies in the database cannot be shown before.
pub(super) fn waiting(config: &Config) -> anyhow::Result<[Option<TlsAcceptor>; 2]> {
    let provider = Arc::new(provider());
    let open = |files: Option<Files>| -> anyhow::Result<Option<TlsAcceptor>> {
        let Some(Files { chain, key, .. }) = files else { return Ok(None) };
        let identity = Identity::load(&chain, &key, &provider).map_err(|why| anyhow!(why))?;
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.key)));
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    };
    let Config { tls, mtls, .. } = config;
    let shared = open(Files::of(&tls.certificate_file, &tls.key_file, &None))?;
    let own = open(Files::of(&mtls.certificate_file, &mtls.key_file, &None))?;
    let own = own.or_else(|| shared.clone());
    Ok([shared, own])
}

/// Whether somebody else listens for the name that asks for client certificates: a proxy.
fn mtls_is_elsewhere(config: &Config) -> bool {
    config.mtls.listen.is_empty() && config.tls.listen.is_empty()
}

impl Name {
    fn open(
        shown: Arc<Shown>,
        provider: &Arc<CryptoProvider>,
        client_certificates: Option<&ClientCertificates>,
    ) -> anyhow::Result<Arc<Self>> {
        let is_mtls = client_certificates.is_some();
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?;
        let mut config = if let Some(settings) = client_certificates {
            let most = settings.max_intermediates;
            builder.with_client_cert_verifier(Arc::new(AnyCertificate::of(provider, most)))
        } else {
            builder.with_no_client_auth()
        }
        .with_cert_resolver(shown);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ignore_client_order = true;
        // A session is resumed by a ticket, which carries the client's certificate, or not at all. The
        // keys of the tickets are this name's own, so a session of one name is nothing at the other,
        // and they are replaced every six hours.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // A browser opens several connections at a time, each with a ticket of its own (RFC 8446 §C.4); a
        // service that comes back has one, and a ticket carries its whole certificate.
        config.send_tls13_tickets = if is_mtls { 1 } else { 2 };
        // 0-RTT: whoever records a request could send it again (RFC 8446 §8; THREATS MT-09).
        config.max_early_data_size = 0;
        Ok(Arc::new(Self { config: Arc::new(config), is_mtls }))
    }
}

impl Doors {
    /// Shakes hands.
    pub(super) async fn accept(&self, stream: Paced<TcpStream>) -> io::Result<Accepted> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        if let Some(config) = self.challenged(&hello).await {
            hello.into_stream(config).await?.shutdown().await?;
            return Err(io::Error::other("an authority has looked whether a name is ours"));
        }
        let name = hello.client_hello().server_name().map(str::to_ascii_lowercase);
        let door = match &self.named {
            Some((own, door)) if name.as_ref() == Some(own) => door,
            Some(_) | None => &self.first,
        };
        let stream = hello.into_stream(door.config.clone()).await?;
        let certificate = match stream.get_ref().1.peer_certificates() {
            Some([first, rest @ ..]) => {
                let rest: Vec<&[u8]> = rest.iter().map(AsRef::as_ref).collect();
                Certificate::parse(first, &rest).map(Arc::new).map(Some)
            }
            Some([]) | None => Ok(None),
        };
        let door = if door.is_mtls { Door::Mtls } else { Door::Open };
        Ok(Accepted { stream, name, door, certificate })
    }

    /// How an authority is answered that looks whether a name is ours (RFC 8737 §3), if this is one and
    /// there is an answer.
    async fn challenged(
        &self,
        hello: &StartHandshake<Paced<TcpStream>>,
    ) -> Option<Arc<ServerConfig>> {
        let hello = hello.client_hello();
        let mut protocols = hello.alpn().filter(|_| self.app.config.acme.directory.is_some())?;
        // > a single protocol name, "acme-tls/1"
        let is_asked = protocols.next() == Some(challenge::ALPN) && protocols.next().is_none();
        let name = hello.server_name().filter(|_| is_asked)?.to_ascii_lowercase();
        let answer = acme::response_for(self.app.store.db(), &name, self.app.clock.now()).await;
        let config = match answer {
            Ok(answer) => challenge_config(&name, &answer?),
            Err(error) => Err(error.into()),
        };
        config.inspect_err(|error| tracing::warn!(%error, "a challenge cannot be answered")).ok()
    }
}

/// A handshake that shows nothing but the answer to a challenge.
fn challenge_config(name: &str, answer: &str) -> anyhow::Result<Arc<ServerConfig>> {
    let (certificate, key) = challenge::certificate(name, answer)?;
    let provider = Arc::new(provider());
    let key = provider.key_provider.load_private_key(key)?;
    // Whether the two fit is not asked: the extension is critical, and the library does not know it.
    let shown = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    config.alpn_protocols = vec![challenge::ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// What is spoken: forward secrecy and authenticated encryption in every suite, and the exchange that a
/// quantum computer does not undo, which is taken by clients that want it first: of exchanges, theirs is
/// the order that counts. Written down here, so that no default of a library changes it (THREATS MT-08).
/// The suite that everybody must know comes first (RFC 8446 §9.1), whatever a client prefers: processors
/// hash with SHA-256 by themselves, which makes a handshake cheaper by a tenth; who allows nothing below
/// AES-256 offers nothing below it.
fn provider() -> CryptoProvider {
    use aws_lc_rs::{cipher_suite as suite, kx_group as group};
    CryptoProvider {
        cipher_suites: vec![
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![group::X25519MLKEM768, group::X25519, group::SECP256R1, group::SECP384R1],
        ..aws_lc_rs::default_provider()
    }
}

/// What clients will not accept of the certificates that the configuration names: they are shown all the same, for
/// clients say more clearly what is wrong than a port where nobody listens; `config check` tells.
pub fn troubles(config: &Config, now: Timestamp) -> Vec<Problem> {
    let provider = provider();
    let issuer = config.issuer.url().host_str().unwrap_or_default().to_owned();
    let alias = config.mtls.url.as_ref().map(|url| url.host().to_owned());
    let own = Files::of(&config.mtls.certificate_file, &config.mtls.key_file, &None);
    let shared = Files::of(&config.tls.certificate_file, &config.tls.key_file, &None);
    let mut hosts: Vec<_> =
        Some(issuer).filter(|_| !config.tls.listen.is_empty()).into_iter().collect();
    hosts.extend(alias.clone().filter(|_| own.is_none() && !mtls_is_elsewhere(config)));
    let named = [
        ("tls.certificate_file", shared, hosts),
        ("mtls.certificate_file", own, alias.into_iter().collect()),
    ];
    let mut found = Vec::new();
    for (key, files, hosts) in named {
        let Some(Files { chain, key: private, .. }) = files else { continue };
        // What cannot be read is among the problems.
        let Ok(identity) = Identity::load(&chain, &private, &provider) else { continue };
        let names = identity.certificate.names.to_texts().join(", ");
        let names = if names.is_empty() { "no name".to_owned() } else { names };
        for host in hosts.iter().filter(|host| !identity.is_for_host(host)) {
            let (chain, names) = (chain.display(), names.escape_debug());
            let reason =
                format!("names {chain}, a certificate that is not for {host}, but for {names}");
            let remedy = format!("give a certificate with the name {host} (subjectAltName)");
            found.push(Problem::new(key, reason, remedy));
        }
        if let Err(why) = identity.must_be_valid_at(now) {
            let reason = format!("names {}: {why}", chain.display());
            found.push(Problem::new(
                key,
                reason,
                "have it renewed, or set the clock right".to_owned(),
            ));
        }
    }
    found
}

/// What is wrong with the certificates that the configuration names.
pub fn problems(config: &Config) -> Vec<Problem> {
    let provider = provider();
    let names = [
        (
            "tls.certificate_file",
            Files::of(&config.tls.certificate_file, &config.tls.key_file, &None),
        ),
        (
            "mtls.certificate_file",
            Files::of(&config.mtls.certificate_file, &config.mtls.key_file, &None),
        ),
    ];
    let read = |(key, files): (&str, Option<Files>)| {
        let Files { chain, key: private, .. } = files?;
        let wrong = Identity::load(&chain, &private, &provider).err()?;
        Some(Problem::new(key, wrong, "give a certificate, what certifies it, and its key, as PEM"))
    };
    names.into_iter().filter_map(read).collect()
}
