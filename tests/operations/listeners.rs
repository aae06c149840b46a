//! HTTPS: RFC 8446 and what RFC 9325 leaves of RFC 5246; the host name at which client certificates are
//! requested (RFC 8705 §2, §5); THREATS MT-08, MT-09, MT-10.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatewright::config::{MtlsUrl, Network};
use gatewright::render::route::Reach;
use gatewright::server::routes;
use gatewright::types::Seconds;
use rustls::client::{ClientSessionMemoryCache, ClientSessionStore, ResolvesClientCert};
use rustls::client::{Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CipherSuite, ClientConfig, Error, HandshakeKind, NamedGroup, ProtocolVersion,
    RootCertStore, SignatureScheme, version,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use kit::ca::{Ca, Identity};
use kit::http::{RequestBuilder, Response, send_bytes, send_bytes_over};
use kit::jwt;
use kit::server::{Client, ISSUER, Server};
use kit::tls_client::{HOST, MTLS_HOST, TlsClient};

/// A service whose access tokens are bound to its certificate.
async fn register_bound_client(server: &Server) -> Client {
    server
        .register(json!({
            "grant_types": ["client_credentials"],
            "tls_client_certificate_bound_access_tokens": true,
        }))
        .await
}

/// The client certificate as the server sees it: the thumbprint in the client's token.
async fn thumbprint(request: RequestBuilder, client: &Client) -> String {
    let request = request.basic(&client.id, &client.secret).form("grant_type=client_credentials");
    let token = request.send().await.ok().token("access_token");
    jwt::unverified_claims(&token)["cnf"]["x5t#S256"].as_str().unwrap().to_owned()
}

/// The alert that ended a handshake.
fn alert(result: io::Result<impl Sized>) -> AlertDescription {
    let error = result.err().expect("the handshake fails");
    match error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
        Some(Error::AlertReceived(alert)) => *alert,
        other => panic!("{other:?} {error:?}"),
    }
}

#[tokio::test]
async fn https_serves_the_same_responses_with_hsts() {
    let server = Server::with_tls(|_| {}).await;

    let secure = server.tls_request("GET", "/jwks").send().await.ok();
    let plain = server.get("/jwks").await.ok();

    assert_eq!(secure.text, plain.text);
    let hsts = secure.header("strict-transport-security");
    assert_eq!(hsts, "max-age=63072000", "THREATS HD-08");
}

/// RFC 6797 §6.1.2: subdomains may be independent, so the operator decides about them.
#[tokio::test]
async fn hsts_includes_subdomains_where_configured() {
    let server = Server::with_tls(|config| config.http.hsts_include_subdomains = true).await;

    let response = server.tls_request("GET", "/jwks").send().await.ok();

    let hsts = response.header("strict-transport-security");
    assert_eq!(hsts, "max-age=63072000; includeSubDomains");
}

/// DESIGN §5: TLS 1.3 with X25519MLKEM768 for clients that support it, TLS 1.2 for those that support
/// nothing newer.
#[tokio::test]
async fn the_best_version_and_key_exchange_of_the_client_are_negotiated() {
    let server = Server::with_tls(|_| {}).await;
    let address = server.addresses().tls[0];
    let modern = TlsClient::new(&server.certificate_files().ca, None)
        .with_config(|config| config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()]);
    let old = TlsClient::with_versions(&[&version::TLS12], &server.certificate_files().ca, None);

    let modern = modern.connect(address, HOST).await.unwrap();
    let old = old.connect(address, HOST).await.unwrap();

    let (modern, old) = (modern.get_ref().1, old.get_ref().1);
    assert_eq!(modern.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let group = modern.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
    assert_eq!(modern.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(old.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    // The client prefers AES-256.
    let suites = [modern, old].map(|one| one.negotiated_cipher_suite().unwrap().suite());
    let cheapest = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    assert_eq!(suites, [CipherSuite::TLS13_AES_128_GCM_SHA256, cheapest]);
}

/// A TLS 1.3 client with only the algorithms that remain in this provider.
fn client_with_provider(server: &Server, change: impl FnOnce(&mut CryptoProvider)) -> TlsClient {
    let mut provider = aws_lc_rs::default_provider();
    change(&mut provider);
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate_files().ca.certificate().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsClient { config: Arc::new(config) }
}

/// DESIGN §5: each algorithm works for a client that supports no other, so none is missing from the
/// lists.
#[tokio::test]
async fn every_configured_cipher_suite_and_key_exchange_works() {
    use aws_lc_rs::{cipher_suite as suite, kx_group as group};
    let server = Server::with_tls(|_| {}).await;
    let address = server.addresses().tls[0];

    for one in [
        suite::TLS13_AES_256_GCM_SHA384,
        suite::TLS13_AES_128_GCM_SHA256,
        suite::TLS13_CHACHA20_POLY1305_SHA256,
    ] {
        let tls_client =
            client_with_provider(&server, |provider| provider.cipher_suites = vec![one]);
        let stream = tls_client.connect(address, HOST).await.unwrap();
        assert_eq!(stream.get_ref().1.negotiated_cipher_suite(), Some(one));
    }
    for one in [group::X25519MLKEM768, group::X25519, group::SECP256R1, group::SECP384R1] {
        let tls_client = client_with_provider(&server, |provider| provider.kx_groups = vec![one]);
        let stream = tls_client.connect(address, HOST).await.unwrap();
        let negotiated = stream.get_ref().1.negotiated_key_exchange_group().unwrap();
        assert_eq!(negotiated.name(), one.name());
    }
    let other =
        client_with_provider(&server, |provider| provider.kx_groups = vec![group::MLKEM768]);
    assert_eq!(alert(other.connect(address, HOST).await), AlertDescription::HandshakeFailure);
}

/// A `ClientHello` of this version with these cipher suites, as old clients send it.
fn client_hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let with_length =
        |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    // supported_groups: x25519, secp256r1; ec_point_formats; signature_algorithms; extended master secret
    let extensions = [
        &[0, 10, 0, 6, 0, 4, 0, 29, 0, 23][..],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 10, 0, 8, 4, 3, 8, 4, 4, 1, 2, 1],
        &[0, 23, 0, 0],
    ]
    .concat();
    let body =
        [&version[..], &[7; 32], &[0], &with_length(&suites), &[1, 0], &with_length(&extensions)]
            .concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let handshake = [&[1], &length[1..], &body].concat();
    [&[22, 3, 1][..], &with_length(&handshake)].concat()
}

/// The alert in response to these bytes; `None` for a `ServerHello`.
async fn alert_of_hello(address: SocketAddr, hello: &[u8]) -> Option<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(hello).await.unwrap();
    let mut record = [0; 7];
    stream.read_exact(&mut record).await.unwrap();
    match record[0] {
        21 => Some(record[6]),
        22 => None,
        other => panic!("{other}"),
    }
}

/// Asserts on the live socket that weak protocols and cipher suites are refused, and that strong ones
/// are accepted.
pub(crate) async fn assert_strong(address: SocketAddr) {
    const PROTOCOL_VERSION: u8 = 70;
    const HANDSHAKE_FAILURE: u8 = 40;
    /// The suites for this certificate: ECDHE, ECDSA, authenticated encryption.
    const STRONG: [u16; 3] = [
        0xc02b, // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        0xc02c, // TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        0xcca9, // TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
    ];
    // Not a cipher suite, but a sign that a client has tried a newer version before (RFC 7507).
    const FALLBACK: u16 = 0x5600;
    let others: Vec<u16> =
        (0..=u16::MAX).filter(|suite| !STRONG.contains(suite) && *suite != FALLBACK).collect();
    for version in [[3, 0], [3, 1], [3, 2]] {
        let response =
            alert_of_hello(address, &client_hello(version, &[STRONG[0], 0xc009, 0x002f])).await;
        assert_eq!(response, Some(PROTOCOL_VERSION), "{version:?}");
    }
    for some in others.chunks(4096) {
        let response = alert_of_hello(address, &client_hello([3, 3], some)).await;
        assert_eq!(response, Some(HANDSHAKE_FAILURE), "{:#x} and others", some[0]);
    }
    for suite in STRONG {
        assert_eq!(
            alert_of_hello(address, &client_hello([3, 3], &[suite])).await,
            None,
            "{suite:#x}"
        );
    }
}

/// THREATS MT-08.
#[tokio::test]
async fn weak_tls_is_refused() {
    let server = Server::with_tls(|_| {}).await;

    assert_strong(server.addresses().tls[0]).await;
    assert_strong(server.addresses().mtls[0]).await;
}

/// > The client certificate […] used for mutual TLS (RFC 8705 §3)
///
/// It needs no trusted issuer, because the certificate itself may be registered (§2.2).
#[tokio::test]
async fn requests_have_the_client_certificate_of_their_connection() {
    let server = Server::with_tls(|_| {}).await;
    let client = register_bound_client(&server).await;
    let signed = Ca::new("Machines").intermediate("Department").issue_client("backup");
    let own_identity = Identity::self_signed("backup");

    for identity in [signed, own_identity] {
        let request = server.mtls_request(Some(&identity), "POST", "/token");
        assert_eq!(thumbprint(request, &client).await, identity.thumbprint());
    }
    let bare = server.mtls_request(None, "POST", "/token").basic(&client.id, &client.secret);
    bare.form("grant_type=client_credentials").send().await.refused(400, "invalid_request");
}

/// Presents this chain with this key, and counts the requests for a certificate.
#[derive(Debug)]
struct CountingResolver(CertifiedKey, AtomicUsize);

impl CountingResolver {
    fn new(chain: Vec<CertificateDer<'static>>, key: &Identity) -> Arc<Self> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = provider.key_provider.load_private_key(key.private_key()).unwrap();
        Arc::new(Self(CertifiedKey::new(chain, key), AtomicUsize::new(0)))
    }
}

impl ResolvesClientCert for CountingResolver {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Some(Arc::new(self.0.clone()))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The signature of the handshake proves possession of the key (RFC 8446 §4.4.3): here a client
/// presents the certificate of another.
#[tokio::test]
async fn a_malformed_or_stolen_client_certificate_fails_the_handshake() {
    let server = Server::with_tls(|_| {}).await;
    let address = server.addresses().mtls[0];
    let (victim, attacker) = (Identity::self_signed("victim"), Identity::self_signed("thief"));
    let connect = async |chain: Vec<CertificateDer<'static>>, version| {
        let tls_client = TlsClient::with_versions(&[version], &server.certificate_files().ca, None)
            .with_config(|config| {
                config.client_auth_cert_resolver = CountingResolver::new(chain, &attacker)
            });
        let mut stream = tls_client.connect(address, MTLS_HOST).await?;
        // With TLS 1.3 the handshake of the client completes before the server verifies its
        // certificate.
        stream.read_exact(&mut [0]).await.map(drop)
    };
    let garbage = CertificateDer::from(vec![0x30, 0x03, 0x02, 0x01, 0x01]);
    let large = CertificateDer::from(vec![0; 17 * 1024]);
    let long = vec![attacker.certificate().clone(); 10];

    for version in [&version::TLS12, &version::TLS13] {
        let stolen = connect(victim.chain.clone(), version).await;
        assert_eq!(alert(stolen), AlertDescription::DecryptError);
        for chain in [vec![garbage.clone()], vec![large.clone()], long.clone()] {
            assert_eq!(alert(connect(chain, version).await), AlertDescription::BadCertificate);
        }
    }
}

/// THREATS MT-10: a browser that opens a page is not prompted for a certificate.
#[tokio::test]
async fn at_the_issuers_name_no_client_certificate_is_requested() {
    let server = Server::with_tls(|_| {}).await;
    let identity = Identity::self_signed("browser");
    let resolver = CountingResolver::new(identity.chain.clone(), &identity);
    let tls_client = TlsClient::new(&server.certificate_files().ca, None);
    let tls_client =
        tls_client.with_config(|config| config.client_auth_cert_resolver = resolver.clone());
    let request =
        |address, name| server.request("GET", "/jwks").over_tls(&tls_client, address, name).send();

    request(server.addresses().tls[0], HOST).await.ok();
    assert_eq!(resolver.1.load(Ordering::SeqCst), 0);
    request(server.addresses().mtls[0], MTLS_HOST).await;
    assert_eq!(resolver.1.load(Ordering::SeqCst), 1, "at the mTLS name it is requested");
}

/// The response to a token request over a new connection, and whether the TLS session was resumed.
async fn request_token_over(
    server: &Server,
    tls_client: &TlsClient,
    client: &Client,
) -> (HandshakeKind, Response) {
    use base64::Engine as _;
    let address = server.addresses().mtls[0];
    let stream = tls_client.connect(address, MTLS_HOST).await.unwrap();
    let kind = stream.get_ref().1.handshake_kind().unwrap();
    let basic = base64::engine::general_purpose::STANDARD
        .encode(format!("{}:{}", client.id, client.secret));
    let request = format!(
        "POST /token HTTP/1.1\r\nhost: {MTLS_HOST}\r\nauthorization: Basic {basic}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 29\r\n\
         connection: close\r\n\r\ngrant_type=client_credentials"
    );
    (kind, send_bytes_over(stream, request.as_bytes()).await)
}

/// RFC 8705 §6.5, THREATS MT-09: the certificate is the one of the handshake that is resumed.
#[tokio::test]
async fn a_resumed_session_keeps_the_clients_certificate() {
    let server = Server::with_tls(|_| {}).await;
    let client = register_bound_client(&server).await;
    let identity = Identity::self_signed("backup");

    for version in [&version::TLS13, &version::TLS12] {
        let tls_client =
            TlsClient::with_versions(&[version], &server.certificate_files().ca, Some(&identity));
        let (first, _) = request_token_over(&server, &tls_client, &client).await;
        let (second, response) = request_token_over(&server, &tls_client, &client).await;

        assert_eq!((first, second), (HandshakeKind::Full, HandshakeKind::Resumed));
        let token = response.ok().token("access_token");
        assert_eq!(jwt::unverified_claims(&token)["cnf"]["x5t#S256"], identity.thumbprint());
    }
}

/// A client that offers the TLS session of any name to every other.
#[derive(Debug)]
struct SharedSessionStore(ClientSessionMemoryCache);

impl SharedSessionStore {
    fn name() -> ServerName<'static> {
        ServerName::try_from("any").unwrap()
    }
}

impl ClientSessionStore for SharedSessionStore {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(Self::name(), group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(&Self::name())
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(Self::name(), value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(&Self::name())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.0.remove_tls12_session(&Self::name());
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(Self::name(), value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(&Self::name())
    }
}

/// DESIGN §5: otherwise a connection to one name would have the properties negotiated for the other. A
/// client without SNI (RFC 6066 §3 is a MAY) cannot resume at one port a session of the other.
#[tokio::test]
async fn a_tls_session_of_one_name_is_not_resumed_at_the_other() {
    let server = Server::with_tls(|_| {}).await;
    let identity = Identity::self_signed("backup");
    let endpoints = [(server.addresses().tls[0], HOST), (server.addresses().mtls[0], MTLS_HOST)];
    let ways = [(0, 1), (1, 0), (0, 0)].into_iter();

    for (version, names) in [
        (&version::TLS13, true),
        (&version::TLS13, false),
        (&version::TLS12, true),
        (&version::TLS12, false),
    ] {
        for (from, to) in ways.clone() {
            let store = Arc::new(SharedSessionStore(ClientSessionMemoryCache::new(8)));
            let tls_client = TlsClient::with_versions(
                &[version],
                &server.certificate_files().ca,
                Some(&identity),
            );
            let tls_client = tls_client.with_config(|config| {
                config.resumption = rustls::client::Resumption::store(store.clone());
                config.enable_sni = names;
            });
            let connect = async |(address, name): (SocketAddr, &str)| {
                let stream = tls_client.connect(address, name).await.unwrap();
                let kind = stream.get_ref().1.handshake_kind().unwrap();
                let request =
                    format!("GET /jwks HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n");
                send_bytes_over(stream, request.as_bytes()).await;
                kind
            };

            connect(endpoints[from]).await;
            let kind = connect(endpoints[to]).await;

            let expected = if from == to { HandshakeKind::Resumed } else { HandshakeKind::Full };
            assert_eq!(kind, expected, "{version:?} {from} {to}, names: {names}");
        }
    }
}

/// THREATS MT-09: early data can be replayed.
#[tokio::test]
async fn early_data_is_not_accepted() {
    let server = Server::with_tls(|_| {}).await;
    let address = server.addresses().tls[0];
    let tls_client = TlsClient::new(&server.certificate_files().ca, None);
    let tls_client = tls_client.with_config(|config| config.enable_early_data = true);
    let request = format!("GET /jwks HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n");
    let first = tls_client.connect(address, HOST).await.unwrap();
    send_bytes_over(first, request.as_bytes()).await.ok();

    let second = tls_client.connect(address, HOST).await.unwrap();

    assert_eq!(second.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
    assert!(!second.get_ref().1.is_early_data_accepted());
    let config = tls_client.config.clone();
    let mut again = rustls::ClientConnection::new(config, HOST.try_into().unwrap()).unwrap();
    assert!(again.early_data().is_none(), "the ticket does not permit early data");
}

/// > The 421 (Misdirected Request) status code indicates that the request was directed at a server that is
/// > unable or unwilling to produce an authoritative response for the target URI (RFC 9110 §15.5.20)
#[tokio::test]
async fn a_request_for_another_host_than_the_connection_is_misdirected() {
    let server = Server::with_tls(|_| {}).await;

    for host in [MTLS_HOST, "evil.example", "id.example.org.", "id.example.org@evil.example", "%"] {
        let response = server.tls_request("GET", "/jwks").host(host).send().await;
        response.refused(421, "invalid_request");
        let response = server.mtls_request(None, "POST", "/token").host(HOST).form("").send().await;
        response.refused(421, "invalid_request");
    }
    for host in ["id.example.org:8443", "ID.example.org"] {
        server.tls_request("GET", "/jwks").host(host).send().await.ok();
    }
    let absolute = format!("https://{MTLS_HOST}/jwks");
    let response = server.tls_request("GET", &absolute).send().await;
    response.refused(421, "invalid_request");
}

/// THREATS MT-10: no pages, no static files, no cookies; only what APIs and clients need.
#[tokio::test]
async fn the_mtls_name_serves_no_pages() {
    let server = Server::with_tls(|_| {}).await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();

    for route in routes() {
        let path = route.path.replace("{name}", "gatewright.css");
        for method in ["GET", "POST"] {
            let request = server.mtls_request(None, method, &path).header("accept", "text/html");
            let response = request.header("cookie", "a=b").send().await;
            let is_there = match route.reach {
                Reach::Issuer => false,
                Reach::Everywhere => true,
                // Exists only while an ACME order is pending.
                Reach::Plain => method != "GET",
            };
            assert_eq!(response.status != 404, is_there, "{method} {path}: {response:?}");
            assert_eq!(response.headers("set-cookie"), [""; 0], "{method} {path}");
            assert!(!response.header("content-type").starts_with("text/html"), "{method} {path}");
        }
    }
    let nothing =
        server.mtls_request(None, "GET", "/no").header("accept", "text/html").send().await;
    assert_eq!(nothing.refused(404, "not_found").headers("set-cookie"), [""; 0]);
}

/// > An authorization server […] supporting mutual TLS […] may then include, in the metadata,
/// > mtls_endpoint_aliases (RFC 8705 §5)
#[tokio::test]
async fn the_metadata_lists_the_mtls_endpoint_aliases() {
    let server = Server::with_tls(|_| {}).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").await.ok().body;

    let aliases = metadata["mtls_endpoint_aliases"].as_object().unwrap();

    let mut named = BTreeSet::new();
    for (name, url) in aliases {
        let url = url.as_str().unwrap();
        let path = url.strip_prefix(&format!("https://{MTLS_HOST}")).unwrap();
        assert_eq!(metadata[name], format!("{ISSUER}{path}"), "{name}");
        let response = server.mtls_request(None, "POST", path).send().await;
        assert_ne!(response.status, 404, "{name}");
        named.insert(name.as_str());
    }
    let expected =
        ["introspection_endpoint", "revocation_endpoint", "token_endpoint", "userinfo_endpoint"];
    assert_eq!(named, BTreeSet::from(expected));
    let without = Server::start().await;
    let metadata = without.get("/.well-known/oauth-authorization-server").await.ok().body;
    assert!(metadata.get("mtls_endpoint_aliases").is_none());
}

/// Both names on one port, distinguished by SNI (RFC 6066 §3).
#[tokio::test]
async fn both_names_can_share_a_port() {
    let server = Server::with_tls(|config| config.mtls.listen.clear()).await;
    let (address, client) = (server.addresses().tls[0], register_bound_client(&server).await);
    let identity = Identity::self_signed("backup");
    let tls_client = TlsClient::new(&server.certificate_files().ca, Some(&identity));
    let request =
        |method, path, name| server.request(method, path).over_tls(&tls_client, address, name);

    request("GET", "/", HOST).send().await.ok();
    request("GET", "/", MTLS_HOST).send().await.refused(404, "not_found");
    request("GET", "/", HOST).host(MTLS_HOST).send().await.refused(421, "invalid_request");
    request("GET", "/", MTLS_HOST).host(HOST).send().await.refused(421, "invalid_request");
    let token = thumbprint(request("POST", "/token", MTLS_HOST), &client).await;
    assert_eq!(token, identity.thumbprint());
    let unasked = request("POST", "/token", HOST).basic(&client.id, &client.secret);
    unasked.form("grant_type=client_credentials").send().await.refused(400, "invalid_request");

    let nameless = tls_client.with_config(|config| config.enable_sni = false);
    request("GET", "/", HOST).over_tls(&nameless, address, HOST).send().await.ok();
}

/// Behind a proxy that terminates TLS, `Host` contains the name. It can only restrict what is served.
#[tokio::test]
async fn behind_a_proxy_the_mtls_name_serves_no_pages_either() {
    let server = Server::with(|config| {
        config.mtls.url = MtlsUrl::parse("https://mtls.id.example.org").ok();
        config.http.trusted_proxies = vec![Network::new("127.0.0.1".parse().unwrap(), 32).unwrap()];
    })
    .await;

    for host in [MTLS_HOST, "mtls.id.example.org:443", "MTLS.id.example.org"] {
        server.request("GET", "/login").host(host).send().await.refused(404, "not_found");
        let response = server.request("POST", "/token").host(host).form("").send().await;
        response.refused(401, "invalid_client");
    }
    assert_ne!(
        server.request("GET", "/login").host("mtls.id.example.org:1").send().await.status,
        404
    );
}

/// The number of handshakes that failed for this reason, as operators see it.
async fn failed_handshakes(server: &Server, reason: &str) -> u64 {
    let metrics =
        RequestBuilder::new(server.operations.unwrap(), "GET", "/metrics").send().await.ok();
    let name = format!("gatewright_tls_handshakes_failed_total{{reason=\"{reason}\"}} ");
    let line = metrics.text.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().unwrap())
}

/// Waits for the counter: a client that disconnects does not see when the server notices.
async fn wait_for_failures(server: &Server, reason: &str, times: u64) {
    for _ in 0..1000 {
        if failed_handshakes(server, reason).await == times {
            return;
        }
    }
    panic!("{reason}: {}", failed_handshakes(server, reason).await);
}

/// A failed handshake is not a request, so it is counted by the kind of its reason.
#[tokio::test]
async fn failed_handshakes_are_counted_by_reason() {
    let server = Server::with_tls(|config| {
        config.operations.listen = "127.0.0.1:0".parse().ok();
    })
    .await;
    let (tls, mtls) = (server.addresses().tls[0], server.addresses().mtls[0]);
    let attacker = Identity::self_signed("thief");

    alert_of_hello(tls, &client_hello([3, 1], &[0xc02b])).await;
    wait_for_failures(&server, "incompatible", 1).await;
    send_bytes(tls, b"GET / HTTP/1.1\r\nhost: id.example.org\r\n\r\n").await;
    wait_for_failures(&server, "no_tls", 1).await;
    drop(TcpStream::connect(tls).await.unwrap());
    wait_for_failures(&server, "closed", 1).await;
    let suspicious = TlsClient::new(&Ca::new("Elsewhere"), None);
    assert!(suspicious.connect(tls, HOST).await.is_err());
    wait_for_failures(&server, "alert", 1).await;
    let garbage = CertificateDer::from(vec![0x30, 0x03, 0x02, 0x01, 0x01]);
    let tls_client =
        TlsClient::with_versions(&[&version::TLS12], &server.certificate_files().ca, None);
    let tls_client = tls_client.with_config(|config| {
        config.client_auth_cert_resolver = CountingResolver::new(vec![garbage], &attacker)
    });
    assert!(tls_client.connect(mtls, MTLS_HOST).await.is_err());
    wait_for_failures(&server, "certificate", 1).await;

    server.tls_request("GET", "/jwks").send().await.ok();
    for reason in ["incompatible", "no_tls", "closed", "alert", "certificate"] {
        assert_eq!(failed_handshakes(&server, reason).await, 1, "{reason}");
    }
    for reason in ["timeout", "other"] {
        assert_eq!(failed_handshakes(&server, reason).await, 0, "{reason}");
    }
}

/// THREATS DO-01, DO-08: a connection whose handshake does not complete is closed.
#[tokio::test]
async fn a_handshake_has_a_time_limit() {
    let server = Server::with_tls(|config| {
        config.http.header_timeout = Seconds(1);
        config.operations.listen = "127.0.0.1:0".parse().ok();
    })
    .await;
    let whole = client_hello([3, 3], &[0xc02b]);

    for bytes in [&[][..], &whole[..20], &whole] {
        let mut silent = TcpStream::connect(server.addresses().tls[0]).await.unwrap();
        silent.write_all(bytes).await.unwrap();
        let mut read = Vec::new();
        silent.read_to_end(&mut read).await.unwrap();
    }
    wait_for_failures(&server, "timeout", 3).await;
}

/// THREATS DO-01: exhausted connections do not affect metrics and health checks, so the process is not
/// restarted.
#[tokio::test]
async fn exhausted_connections_do_not_affect_the_operations_listener() {
    let server = Server::with_tls(|config| {
        config.operations.listen = "127.0.0.1:0".parse().ok();
        config.http.max_connections = 6;
        config.http.header_timeout = Seconds::minutes(5);
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(TcpStream::connect(server.addresses().tls[0]).await.unwrap());
    }
    // Further connections wait in the queue of the system: all slots are occupied now, or in a moment.
    let operations = server.operations.unwrap();
    for path in ["/metrics", "/healthz", "/readyz"].repeat(4) {
        let response = RequestBuilder::new(operations, "GET", path).send();
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(60), response);
        in_time.await.expect("operators do not wait for a free slot").ok();
    }
}
