//! TLS at the listeners: [RFC 8446], and the parts of [RFC 5246] that [RFC 9325] recommends.
//!
//! There are two host names, each with a configuration and session tickets of its own: the issuer's, and the
//! one that requests client certificates. A reload replaces only their certificates; the rest of the TLS
//! configuration is built once, so no reload can weaken it (THREATS MT-08).
//!
//! [RFC 8446]: https://www.rfc-editor.org/rfc/rfc8446
//! [RFC 5246]: https://www.rfc-editor.org/rfc/rfc5246
//! [RFC 9325]: https://www.rfc-editor.org/rfc/rfc9325

mod client;
mod served;
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
use super::router::ListenerKind;
use crate::app::App;
use crate::config::{ClientCertificates, Config, Problem};
use crate::pki::acme::challenge;
use crate::pki::{Certificate, Identity};
use crate::record::{Event, Kind, Trace};
use crate::store::acme;
use crate::types::Timestamp;
use client::AnyCertificate;
use served::{Files, Reloaded, Served, Source};

/// The host names served over TLS.
#[derive(Debug)]
pub(super) struct Tls {
    /// The issuer's host.
    issuer: Option<Arc<Name>>,
    /// The host that requests client certificates, with its name.
    mtls: Option<(String, Arc<Name>)>,
    /// All certificates of these hosts.
    served: Vec<Arc<Served>>,
    app: App,
}

/// A host name, and its TLS configuration.
#[derive(Debug)]
struct Name {
    config: Arc<ServerConfig>,
    is_mtls: bool,
}

/// Accepts the TLS connections of a listener.
#[derive(Clone, Debug)]
pub(super) struct NameAcceptor {
    /// Also for clients that send no known server name: sending one is optional.
    default: Arc<Name>,
    /// For clients that send this server name.
    named: Option<(String, Arc<Name>)>,
    /// For the responses to ACME challenges.
    app: App,
}

/// A connection after its handshake.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) stream: TlsStream<Paced<TcpStream>>,
    /// The server name that the client sent (RFC 6066 §3), in lower case.
    pub(super) name: Option<String>,
    /// The kind of the listener.
    pub(super) listener: ListenerKind,
    /// The certificate that the client presented, in this handshake or in the one that is resumed; or why it cannot
    /// be parsed.
    pub(super) certificate: Result<Option<Arc<Certificate>>, &'static str>,
}

impl Tls {
    /// Loads the certificates of the configuration.
    ///
    /// # Errors
    /// A certificate cannot be loaded.
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
            let served = Served::open(table, source, hosts, provider.clone(), app).await;
            let served = served.map_err(|why| anyhow!("[{table}]: {why}"))?;
            Ok(Some(Arc::new(served)))
        };
        let own_hosts = alias.clone().into_iter().collect();
        let own = open("mtls", own.map(Source::Files), own_hosts).await?;
        let shared = open("tls", shared, hosts).await?;

        let served: Vec<_> = shared.iter().chain(&own).cloned().collect();
        let issuer =
            shared.clone().map(|served| Name::open(served, &provider, None)).transpose()?;
        let mtls = match (alias, own.or(shared)) {
            (Some(host), Some(served)) => {
                Some((host, Name::open(served, &provider, Some(&config.client_certificates))?))
            }
            (Some(_), None) | (None, _) => None,
        };
        Ok(Self { issuer, mtls, served, app: app.clone() })
    }

    /// For `tls.listen`.
    pub(super) fn acceptor(&self) -> Option<NameAcceptor> {
        let named = self.mtls.clone().filter(|_| self.app.config.mtls_shares_a_port());
        self.issuer.clone().map(|default| NameAcceptor { default, named, app: self.app.clone() })
    }

    /// For `mtls.listen`.
    pub(super) fn mtls_acceptor(&self) -> Option<NameAcceptor> {
        let app = self.app.clone();
        self.mtls.clone().map(|(_, default)| NameAcceptor { default, named: None, app })
    }

    /// The certificates in use, from files or by ACME.
    pub(super) fn certificates(&self) -> Vec<Arc<Certificate>> {
        self.served.iter().filter_map(|served| served.certificate()).collect()
    }

    /// Refreshes the OCSP responses for the certificates in use that are due.
    pub(super) async fn staple(&self) {
        for served in &self.served {
            served.staple(&self.app).await;
        }
    }

    /// Reloads the certificates, uses new ones unless they are worse, and reports the result; open connections stay
    /// open. `is_requested`: a certificate that cannot be used is reported at once.
    pub(super) async fn reload(&self, is_requested: bool) {
        let app = &self.app;
        let trace = Trace::of_command(app.clock.now_ms());
        for served in &self.served {
            let table = served.table;
            let event = match served.reload(app, is_requested).await {
                Reloaded::Same => continue,
                Reloaded::Replaced(not_after) => {
                    tracing::info!(table, not_after = not_after.0, "another certificate is served");
                    Event::success(Kind::TlsCertificateReplaced).fact("not_after", not_after.0)
                }
                Reloaded::Refused(why) => {
                    tracing::error!(
                        table,
                        why,
                        "the new certificate cannot be served; the old one stays"
                    );
                    Event::of(Kind::TlsCertificateReplaced, "refused").fact("why", why)
                }
            };
            if let Err(error) = event.fact("table", table).write_alone(&app.store, &trace).await {
                tracing::warn!(%error, "the audit event of a certificate could not be written");
            }
        }
        app.metrics
            .certificates_refused(self.served.iter().filter(|one| one.is_refusing()).count());
    }
}

/// The TLS acceptors of `tls.listen` and `mtls.listen` until the database is open, with the certificate files of the
/// configuration. A certificate in the database is not available yet.
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

/// Whether a proxy listens for the host that requests client certificates.
fn mtls_is_elsewhere(config: &Config) -> bool {
    config.mtls.listen.is_empty() && config.tls.listen.is_empty()
}

impl Name {
    fn open(
        served: Arc<Served>,
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
        .with_cert_resolver(served);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ignore_client_order = true;
        // Sessions are resumed by tickets only, which contain the client's certificate. Each host has ticket keys of
        // its own, so a session of one host is invalid at the other; they are rotated every six hours.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // Browsers open several connections at once, each with a ticket of its own (RFC 8446 §C.4). Services reconnect
        // with one, and a ticket contains their whole certificate.
        config.send_tls13_tickets = if is_mtls { 1 } else { 2 };
        // No 0-RTT: a recorded request could be replayed (RFC 8446 §8; THREATS MT-09).
        config.max_early_data_size = 0;
        Ok(Arc::new(Self { config: Arc::new(config), is_mtls }))
    }
}

impl NameAcceptor {
    /// Performs the handshake.
    pub(super) async fn accept(&self, stream: Paced<TcpStream>) -> io::Result<Accepted> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        if let Some(config) = self.challenged(&hello).await {
            hello.into_stream(config).await?.shutdown().await?;
            return Err(io::Error::other("a CA has validated a TLS-ALPN-01 challenge"));
        }
        let name = hello.client_hello().server_name().map(str::to_ascii_lowercase);
        let selected = match &self.named {
            Some((own, named)) if name.as_ref() == Some(own) => named,
            Some(_) | None => &self.default,
        };
        let stream = hello.into_stream(selected.config.clone()).await?;
        let certificate = match stream.get_ref().1.peer_certificates() {
            Some([first, rest @ ..]) => {
                let rest: Vec<&[u8]> = rest.iter().map(AsRef::as_ref).collect();
                Certificate::parse(first, &rest).map(Arc::new).map(Some)
            }
            Some([]) | None => Ok(None),
        };
        let listener = if selected.is_mtls { ListenerKind::Mtls } else { ListenerKind::Full };
        Ok(Accepted { stream, name, listener, certificate })
    }

    /// The configuration that responds to a TLS-ALPN-01 challenge of a CA (RFC 8737 §3), if the handshake is one.
    async fn challenged(
        &self,
        hello: &StartHandshake<Paced<TcpStream>>,
    ) -> Option<Arc<ServerConfig>> {
        let hello = hello.client_hello();
        let mut protocols = hello.alpn().filter(|_| self.app.config.acme.directory.is_some())?;
        // > a single protocol name, "acme-tls/1"
        let is_challenge = protocols.next() == Some(challenge::ALPN) && protocols.next().is_none();
        let name = hello.server_name().filter(|_| is_challenge)?.to_ascii_lowercase();
        let response = acme::response_for(self.app.store.db(), &name, self.app.clock.now()).await;
        let config = match response {
            Ok(response) => challenge_config(&name, &response?),
            Err(error) => Err(error.into()),
        };
        config
            .inspect_err(|error| tracing::warn!(%error, "there is no response to a challenge"))
            .ok()
    }
}

/// The TLS configuration that responds to a challenge.
fn challenge_config(name: &str, response: &str) -> anyhow::Result<Arc<ServerConfig>> {
    let (certificate, key) = challenge::certificate(name, response)?;
    let provider = Arc::new(provider());
    let key = provider.key_provider.load_private_key(key)?;
    // Without checking that certificate and key match: the library does not know the critical extension.
    let served = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(served));
    config.alpn_protocols = vec![challenge::ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// The cipher suites and key exchanges: forward secrecy and authenticated encryption only, and a post-quantum key
/// exchange for clients that prefer it (the client's order of key exchanges applies). Listed here, so that no default
/// of a library changes them (THREATS MT-08). The mandatory suite comes first (RFC 8446 §9.1) regardless of the
/// client's order: SHA-256 in hardware makes a handshake about 10 % cheaper. Clients that require AES-256 offer
/// nothing else.
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

/// Why clients will not accept the configured certificates. They are used all the same, because the error of a client
/// is clearer than a closed port; `config check` reports them.
pub fn warnings(config: &Config, now: Timestamp) -> Vec<Problem> {
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
    let mut problems = Vec::new();
    for (key, files, hosts) in named {
        let Some(Files { chain, key: private, .. }) = files else { continue };
        // Files that cannot be read are reported by `problems`.
        let Ok(identity) = Identity::load(&chain, &private, &provider) else { continue };
        let names = identity.certificate.names.to_texts().join(", ");
        let names = if names.is_empty() { "no name".to_owned() } else { names };
        for host in hosts.iter().filter(|host| !identity.is_for_host(host)) {
            let (chain, names) = (chain.display(), names.escape_debug());
            let reason =
                format!("names {chain}, a certificate that is not for {host}, but for {names}");
            let remedy = format!("give a certificate with the name {host} (subjectAltName)");
            problems.push(Problem::new(key, reason, remedy));
        }
        if let Err(why) = identity.must_be_valid_at(now) {
            let reason = format!("names {}: {why}", chain.display());
            problems.push(Problem::new(
                key,
                reason,
                "have it renewed, or correct the clock".to_owned(),
            ));
        }
    }
    problems
}

/// Problems of the certificates that the configuration names.
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
        Some(Problem::new(
            key,
            wrong,
            "provide the certificate, its intermediate certificates and its key, as PEM",
        ))
    };
    names.into_iter().filter_map(read).collect()
}
