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

use std::io;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{Acceptor, NoServerSessionStorage};
use rustls::{ServerConfig, version};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{Config, Problem};
use crate::pki::{Certificate, Identity};
use crate::types::Timestamp;
use client::AnyCertificate;
use shown::{Files, Shown};

/// The names that TLS is spoken for.
#[derive(Debug)]
pub(super) struct Tls {
    /// The issuer's.
    browsers: Option<Arc<Name>>,
    /// The one that asks for client certificates, with its host.
    mtls: Option<(String, Arc<Name>)>,
    /// Whether a client finds the second one on the port of the first.
    shared: bool,
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
}

/// A connection after its handshake.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) stream: TlsStream<TcpStream>,
    /// The name that the client asked for (RFC 6066 §3), in lower case.
    pub(super) name: Option<String>,
    /// Whether a certificate was asked for.
    pub(super) is_mtls: bool,
    /// The certificate whose key it has proven, now or in the handshake that is resumed.
    pub(super) certificate: Option<Arc<Certificate>>,
}

impl Tls {
    /// Reads the certificates of the configuration.
    ///
    /// # Errors
    /// When one cannot be had.
    pub(super) fn open(config: &Config, now: Timestamp) -> anyhow::Result<Self> {
        let provider = Arc::new(provider());
        let open = |files: Files| Shown::open(files, &provider, now).map_err(|why| anyhow!(why));
        let of_tls = Files::of(&config.tls.certificate_file, &config.tls.key_file);
        let of_mtls = Files::of(&config.mtls.certificate_file, &config.mtls.key_file);
        let shown = of_tls.map(open).transpose().context("tls.certificate_file")?.map(Arc::new);
        let of_mtls = of_mtls.map(open).transpose().context("mtls.certificate_file")?.map(Arc::new);

        let browsers =
            shown.clone().map(|shown| Name::open(shown, &provider, false)).transpose()?;
        let mtls = match (&config.mtls.url, of_mtls.or(shown)) {
            (Some(url), Some(shown)) => {
                Some((url.host().to_owned(), Name::open(shown, &provider, true)?))
            }
            (Some(_), None) | (None, _) => None,
        };
        Ok(Self { browsers, mtls, shared: config.mtls_shares_a_port() })
    }

    /// What stands behind `tls.listen`.
    pub(super) fn doors(&self) -> Option<Doors> {
        let named = self.mtls.clone().filter(|_| self.shared);
        self.browsers.clone().map(|first| Doors { first, named })
    }

    /// What stands behind `mtls.listen`.
    pub(super) fn mtls_doors(&self) -> Option<Doors> {
        self.mtls.clone().map(|(_, first)| Doors { first, named: None })
    }
}

impl Name {
    fn open(
        shown: Arc<Shown>,
        provider: &Arc<CryptoProvider>,
        is_mtls: bool,
    ) -> anyhow::Result<Arc<Self>> {
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?;
        let mut config = if is_mtls {
            builder.with_client_cert_verifier(Arc::new(AnyCertificate::of(provider)))
        } else {
            builder.with_no_client_auth()
        }
        .with_cert_resolver(shown);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A session is resumed by a ticket, which carries the client's certificate, or not at all. The
        // keys of the tickets are this name's own, so a session of one name is nothing at the other,
        // and they are replaced every six hours.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // 0-RTT: whoever records a request could send it again (RFC 8446 §8; THREATS MT-09).
        config.max_early_data_size = 0;
        Ok(Arc::new(Self { config: Arc::new(config), is_mtls }))
    }
}

impl Doors {
    /// Shakes hands.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<Accepted> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let name = hello.client_hello().server_name().map(str::to_ascii_lowercase);
        let door = match &self.named {
            Some((own, door)) if name.as_ref() == Some(own) => door,
            Some(_) | None => &self.first,
        };
        let stream = hello.into_stream(door.config.clone()).await?;
        let certificate = match stream.get_ref().1.peer_certificates() {
            Some([first, rest @ ..]) => Some(client::read(first, rest).map_err(io::Error::other)?),
            Some([]) | None => None,
        };
        let certificate = certificate.map(Arc::new);
        Ok(Accepted { stream, name, is_mtls: door.is_mtls, certificate })
    }
}

/// What is spoken: forward secrecy and authenticated encryption in every suite, the exchange that a
/// quantum computer does not undo before the others. Written down here, so that no default of a
/// library changes it (THREATS MT-08).
fn provider() -> CryptoProvider {
    use aws_lc_rs::{cipher_suite as suite, kx_group as group};
    CryptoProvider {
        cipher_suites: vec![
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![group::X25519MLKEM768, group::X25519, group::SECP256R1, group::SECP384R1],
        ..aws_lc_rs::default_provider()
    }
}

/// What is wrong with the certificates that the configuration names.
pub fn problems(config: &Config) -> Vec<Problem> {
    let provider = provider();
    let names = [
        ("tls.certificate_file", Files::of(&config.tls.certificate_file, &config.tls.key_file)),
        ("mtls.certificate_file", Files::of(&config.mtls.certificate_file, &config.mtls.key_file)),
    ];
    let read = |(key, files): (&str, Option<Files>)| {
        let Files { chain, key: private } = files?;
        let wrong = Identity::load(&chain, &private, &provider).err()?;
        Some(Problem::new(key, wrong, "give a certificate, what certifies it, and its key, as PEM"))
    };
    names.into_iter().filter_map(read).collect()
}
