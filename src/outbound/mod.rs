//! The HTTP client for all outgoing requests.
//!
//! Clients register URLs that the server fetches, so every fetch is treated as if an attacker chose
//! its URL: https to public addresses only, checked after resolving and connected to as checked; no
//! redirects, no proxies, no decompression; limits of time, size and concurrency (THREATS §1.S).
//! Signed objects, CRLs and OCSP responses, may also be fetched over http, from the same addresses.

mod address;
pub mod mail;
pub mod webhook;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::address::Over;
use crate::config;
use crate::types::{Failure, pem};

/// Concurrent fetches, in total and per host (THREATS SS-06).
const AT_ONCE: usize = 64;
const AT_ONCE_OF_HOST: usize = 2;

/// The largest image.
const LARGEST_IMAGE: usize = 256 * 1024;

/// Why a fetch failed. It does not distinguish a closed port, a filtered one and an invalid
/// certificate, which would help to map a network (THREATS SS-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundError {
    /// The URL or address is not allowed.
    Forbidden(&'static str),
    /// No response, or an unsuccessful one.
    Unreachable,
    /// Too many other fetches, in total or from this host, to start in time.
    Busy,
    /// The response is too large.
    TooLarge,
    /// The response has the wrong media type.
    WrongType,
}

impl OutboundError {
    /// A text for the `error_description` of a refusal.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Forbidden(why) => why,
            Self::Unreachable => "the URL does not respond with a document",
            Self::Busy => "too many other documents are being fetched",
            Self::TooLarge => "the document at the URL is too large",
            Self::WrongType => "the document at the URL has another media type",
        }
    }
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why())
    }
}

impl std::error::Error for OutboundError {}

/// An image of a type that cannot contain scripts.
#[derive(Clone, Debug)]
pub struct Image {
    /// `image/png`, `image/jpeg` or `image/webp`: determined from its contents.
    pub media_type: &'static str,
    /// The image.
    pub bytes: Vec<u8>,
}

/// A request and its limits.
#[derive(Debug)]
struct Limits<'a> {
    over: Over,
    /// The accepted media types.
    accept: &'a str,
    /// The body of a `POST` with its media type; `None`: a `GET`.
    body: Option<(&'a str, Vec<u8>)>,
    /// The largest response.
    most: usize,
    /// The timeout.
    within: Duration,
}

/// The HTTP client.
#[derive(Debug)]
pub struct Outbound {
    allow_private_networks: bool,
    timeout: Duration,
    max_bytes: usize,
    authorities: RootCertStore,
    resolver: Arc<Resolver>,
    /// Created with the first fetch: loading the system's root certificates takes longer than the
    /// rest of the start.
    client: OnceCell<Client>,
    all: Semaphore,
    hosts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl Outbound {
    /// A client with the settings of the configuration. It trusts the root certificates of the
    /// system and the configuration.
    ///
    /// # Errors
    /// When a certificate file cannot be read.
    pub fn new(config: &config::Outbound) -> Result<Self, Failure> {
        Self::resolving_with(config, |name| async move {
            Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect())
        })
    }

    fn resolving_with<F, Fut>(config: &config::Outbound, lookup: F) -> Result<Self, Failure>
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        let resolver = Resolver {
            lookup: Box::new(move |name| Box::pin(lookup(name))),
            allow_private_networks: config.allow_private_networks,
        };
        Ok(Self {
            allow_private_networks: config.allow_private_networks,
            timeout: Duration::from_secs(config.timeout.0.unsigned_abs()),
            max_bytes: config.max_bytes.0,
            authorities: authorities(&config.ca_files)?,
            resolver: Arc::new(resolver),
            client: OnceCell::new(),
            all: Semaphore::new(AT_ONCE),
            hosts: Mutex::default(),
        })
    }

    /// Settings of every client.
    fn builder(&self) -> Result<ClientBuilder, Failure> {
        Ok(Client::builder()
            .tls_backend_preconfigured(trust(&self.authorities)?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            .user_agent(concat!("gatewright/", env!("CARGO_PKG_VERSION"))))
    }

    fn build(&self) -> Result<Client, Failure> {
        self.builder()?
            .dns_resolver(Arc::clone(&self.resolver))
            .retry(reqwest::retry::never())
            // A reused connection would rely on an earlier DNS response.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(Failure::internal)
    }

    /// A client for services that the operator configures. They may be in a private network; only
    /// https is used.
    ///
    /// # Errors
    /// When the client cannot be created.
    pub fn for_operators(&self) -> Result<Client, Failure> {
        self.builder()?
            .https_only(true)
            .timeout(self.timeout.saturating_mul(3))
            .build()
            .map_err(Failure::internal)
    }

    /// Whether a URL may be fetched, judging by its text, to refuse it at registration. Every fetch
    /// checks again (THREATS SS-08).
    ///
    /// # Errors
    /// [`OutboundError::Forbidden`].
    pub fn check(&self, url: &str) -> Result<Url, OutboundError> {
        let url = Url::parse(url).map_err(|_| OutboundError::Forbidden("this is not a URL"))?;
        address::check(&url, Over::Tls, self.allow_private_networks)?;
        Ok(url)
    }

    /// Fetches a signed object, for which http is allowed:
    ///
    /// > When certificates include a cRLDistributionPoints extension with an https URI or similar scheme,
    /// > circular dependencies can be introduced. […] CAs SHOULD NOT include URIs that specify https
    /// > (RFC 5280 §8)
    ///
    /// Its media type is not checked: many are in use for CRLs.
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn get_signed(
        &self,
        url: &str,
        accept: &str,
        most: usize,
        within: Duration,
    ) -> Result<Vec<u8>, OutboundError> {
        let limits = Limits { over: Over::Any, accept, body: None, most, within };
        self.fetch(url, limits).await.map(|document| document.bytes)
    }

    /// Sends `body`, with the first media type, and receives a signed object of the second one: see
    /// [`Outbound::get_signed`].
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn post_signed(
        &self,
        url: &str,
        (sent, body): (&str, Vec<u8>),
        (accept, most): (&str, usize),
        within: Duration,
    ) -> Result<Vec<u8>, OutboundError> {
        let limits = Limits { over: Over::Any, accept, body: Some((sent, body)), most, within };
        let document = self.fetch(url, limits).await?;
        if document.media_type == accept {
            Ok(document.bytes)
        } else {
            Err(OutboundError::WrongType)
        }
    }

    /// Fetches a JSON document of the media type `accept`. The caller parses it with
    /// [`crate::types::json::parse`].
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn get_json(&self, url: &str, accept: &str) -> Result<Vec<u8>, OutboundError> {
        let document = self.get(url, accept, self.max_bytes).await?;
        let (kind, suffix) = document.media_type.split_once('/').unwrap_or_default();
        if kind == "application" && (suffix == "json" || suffix.ends_with("+json")) {
            Ok(document.bytes)
        } else {
            Err(OutboundError::WrongType)
        }
    }

    /// Fetches an image: PNG, JPEG or WebP, at most 256 KiB. SVG is not accepted, because it may
    /// contain scripts.
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn get_image(&self, url: &str) -> Result<Image, OutboundError> {
        let accept = "image/webp, image/png, image/jpeg";
        let document = self.get(url, accept, self.max_bytes.min(LARGEST_IMAGE)).await?;
        match image_type(&document.bytes) {
            Some(media_type) if media_type == document.media_type => {
                Ok(Image { media_type, bytes: document.bytes })
            }
            Some(_) | None => Err(OutboundError::WrongType),
        }
    }

    /// Sends a JSON document and returns the status; the body of the response is ignored.
    ///
    /// # Errors
    /// See [`OutboundError`].
    async fn post_json(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: &str,
    ) -> Result<u16, OutboundError> {
        let url = self.check(url)?;
        self.in_turn(&url, self.timeout, async |client| {
            let mut request = client.post(url.clone()).header(CONTENT_TYPE, "application/json");
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            let response = request.body(body.to_owned()).send().await;
            response
                .map(|response| response.status().as_u16())
                .map_err(|error| unreachable(&url, &error))
        })
        .await
    }

    async fn get(&self, url: &str, accept: &str, most: usize) -> Result<Document, OutboundError> {
        let within = self.timeout;
        self.fetch(url, Limits { over: Over::Tls, accept, body: None, most, within }).await
    }

    async fn fetch(&self, url: &str, limits: Limits<'_>) -> Result<Document, OutboundError> {
        let url = Url::parse(url).map_err(|_| OutboundError::Forbidden("this is not a URL"))?;
        address::check(&url, limits.over, self.allow_private_networks)?;
        self.in_turn(&url, limits.within, async |client| {
            let request = match limits.body {
                None => client.get(url.clone()),
                Some((sent, body)) => {
                    client.post(url.clone()).header(CONTENT_TYPE, sent).body(body)
                }
            };
            let response = request.header(ACCEPT, limits.accept).send().await;
            read(response.map_err(|error| unreachable(&url, &error))?, limits.most).await
        })
        .await
    }

    /// Runs a request within the host's and the total concurrency, and the timeout.
    async fn in_turn<T>(
        &self,
        url: &Url,
        within: Duration,
        work: impl AsyncFnOnce(&Client) -> Result<T, OutboundError>,
    ) -> Result<T, OutboundError> {
        let host = self.host(url);
        let deadline = Instant::now() + within;
        let turn = async {
            // The host's limit first: an unresponsive host must not delay others.
            let one_of_host = host.acquire().await.map_err(|_| OutboundError::Unreachable)?;
            let one_of_all = self.all.acquire().await.map_err(|_| OutboundError::Unreachable)?;
            Ok((one_of_host, one_of_all))
        };
        let fetch = async {
            let client = self.client.get_or_try_init(|| async { self.build() }).await;
            let client = client.map_err(|error| {
                tracing::error!(%error, "the HTTP client cannot be created");
                OutboundError::Unreachable
            })?;
            work(client).await
        };
        // The wait counts towards the timeout: the caller waits for all of it.
        let turn = timeout_at(deadline, turn).await.unwrap_or(Err(OutboundError::Busy));
        let _turn = turn?;
        let left = deadline.saturating_duration_since(Instant::now());
        match timeout_at(deadline, fetch).await {
            Ok(done) => done,
            // A timeout after a long wait does not mean that the host is unreachable.
            Err(_) if left < within / 2 => Err(OutboundError::Busy),
            Err(_) => Err(OutboundError::Unreachable),
        }
    }

    /// The semaphore of a host. Unused ones are removed.
    fn host(&self, url: &Url) -> Arc<Semaphore> {
        let name = url.host_str().unwrap_or_default().to_owned();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = hosts.get(&name).and_then(Weak::upgrade) {
            return turns;
        }
        hosts.retain(|_, turns| turns.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(AT_ONCE_OF_HOST));
        hosts.insert(name, Arc::downgrade(&turns));
        turns
    }
}

/// Logs the details for the operator; the caller gets the kind of the error.
fn unreachable(url: &Url, error: &reqwest::Error) -> OutboundError {
    let cause = std::iter::successors(std::error::Error::source(error), |error| error.source());
    let cause = cause.last().map(ToString::to_string).unwrap_or_default();
    tracing::info!(host = url.host_str(), %cause, "a fetch failed");
    OutboundError::Unreachable
}

/// A response that was read completely.
struct Document {
    /// Without parameters, in lower case.
    media_type: String,
    bytes: Vec<u8>,
}

async fn read(mut response: Response, most: usize) -> Result<Document, OutboundError> {
    // Redirects are not followed: their target was not checked (THREATS SS-03).
    if response.status() != StatusCode::OK {
        return Err(OutboundError::Unreachable);
    }
    // None was requested, and a decompression bomb is small (THREATS SS-05).
    if response.headers().contains_key(CONTENT_ENCODING) {
        return Err(OutboundError::WrongType);
    }
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| OutboundError::Unreachable)? {
        if bytes.len() + chunk.len() > most {
            return Err(OutboundError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Document { media_type, bytes })
}

/// The type of an image, by its first bytes.
fn image_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// The CA certificates of the configuration.
fn authorities(ca_files: &[PathBuf]) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    for file in ca_files {
        let broken = |why: &dyn fmt::Display| {
            Failure::internal(format!("outbound.ca_files: {} {why}", file.display()))
        };
        let bytes = std::fs::read(file)
            .map_err(|error| broken(&format_args!("cannot be read: {error}")))?;
        for certificate in pem::certificates(&bytes).map_err(|why| broken(&why))? {
            let unusable = |error| {
                broken(&format_args!("has a certificate that is not a trust anchor: {error}"))
            };
            roots.add(certificate).map_err(unusable)?;
        }
    }
    Ok(roots)
}

/// The TLS settings. There is no option to accept an untrusted certificate (THREATS SS-09).
fn trust(authorities: &RootCertStore) -> Result<ClientConfig, Failure> {
    let mut roots = authorities.clone();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "a certificate of the system cannot be read");
    }
    roots.add_parsable_certificates(system.certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::internal)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

type Lookup = Box<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>
        + Send
        + Sync,
>;

/// Resolves a name once and returns only allowed addresses, so a different second DNS response has
/// no effect (THREATS SS-02).
struct Resolver {
    lookup: Lookup,
    allow_private_networks: bool,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = (self.lookup)(name.as_str().to_owned());
        let allow_private_networks = self.allow_private_networks;
        Box::pin(async move {
            let mut addresses = lookup.await?;
            addresses.retain(|address| allow_private_networks || address::is_public(address.ip()));
            if addresses.is_empty() {
                return Err("the name has no public address".into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests;
