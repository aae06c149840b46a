//! THREATS §1.S: every listed attack, against a listener that must not be reached.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server in this process with one response to every request.
struct Server {
    at: SocketAddr,
    requests: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
}

impl Server {
    async fn responding_with(response: Vec<u8>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let most_at_once = Arc::new(AtomicUsize::new(0));
        let server =
            Self { at, requests: Arc::clone(&requests), most_at_once: Arc::clone(&most_at_once) };
        let open = Arc::new(AtomicUsize::new(0));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (requests, most, open) = (requests.clone(), most_at_once.clone(), open.clone());
                let response = response.clone();
                tokio::spawn(async move {
                    requests.fetch_add(1, Ordering::SeqCst);
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let mut head = Vec::new();
                    // Clients that start with TLS get the same bytes.
                    while !head.ends_with(b"\r\n\r\n") && !head.starts_with(b"\x16") {
                        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                            break;
                        }
                    }
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                    open.fetch_sub(1, Ordering::SeqCst);
                    // A client that has read enough disconnects.
                    let _ = stream.write_all(&response).await;
                });
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}/document", self.at)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn json(body: &[u8]) -> Vec<u8> {
    response("200 OK", "content-type: application/json\r\n", body)
}

fn private() -> Outbound {
    let config = config::Outbound { allow_private_networks: true, ..config::Outbound::default() };
    Outbound::new(&config).unwrap()
}

/// A client with default settings that resolves every name to `address`, and the number of
/// resolutions.
fn resolving_to(address: SocketAddr) -> (Outbound, Arc<AtomicUsize>) {
    let lookups = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&lookups);
    let outbound = Outbound::resolving_with(&config::Outbound::default(), move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { Ok(vec![address]) }
    });
    (outbound.unwrap(), lookups)
}

/// THREATS SS-01: the corpus.
#[tokio::test]
async fn no_spelling_of_a_private_address_is_connected_to() {
    let server = Server::responding_with(json(b"{}")).await;
    let (outbound, lookups) = resolving_to(server.at);
    let port = server.at.port();

    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "127。0。0。1",
        "127．0．0．1",
        "１２７.0.0.1",
        "①②⑦.0.0.1",
        "%31%32%37.0.0.1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[fc00::1]",
        "[ff02::1]",
        "169.254.169.254",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost",
    ] {
        let url = format!("https://{host}:{port}/jwks");
        let refused = outbound.get_json(&url, "application/json").await;
        assert!(matches!(refused, Err(OutboundError::Forbidden(_))), "{url} {refused:?}");
    }
    assert_eq!(lookups.load(Ordering::SeqCst), 0);
    assert_eq!(server.requests(), 0);
}

/// THREATS SS-01, SS-02, SS-08: resolved addresses are checked each time, and connected to as
/// checked.
#[tokio::test]
async fn a_name_with_a_private_address_is_not_connected_to() {
    let server = Server::responding_with(json(b"{}")).await;
    let (outbound, lookups) = resolving_to(server.at);

    for time in 1..=2 {
        let url = format!("https://keys.example.org:{}/", server.at.port());
        let refused = outbound.get_json(&url, "application/json").await;
        assert_eq!(refused, Err(OutboundError::Unreachable));
        assert_eq!(lookups.load(Ordering::SeqCst), time, "one lookup each time");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn of_several_addresses_the_public_ones_are_dialled() {
    let resolver = Resolver {
        lookup: Box::new(|_| {
            let all = ["10.0.0.1:0", "192.0.1.1:0", "[::1]:0", "[2a00::1]:0"];
            Box::pin(async move { Ok(all.into_iter().flat_map(str::parse).collect()) })
        }),
        allow_private_networks: false,
    };

    let addresses = resolver.resolve("keys.example.org".parse().unwrap()).await.unwrap();

    let addresses: Vec<_> = addresses.map(|address| address.ip().to_string()).collect();
    assert_eq!(addresses, ["192.0.1.1", "2a00::1"]);
}

/// THREATS SS-01: URLs that are refused whatever their host.
#[tokio::test]
async fn other_schemes_users_and_ports_are_refused() {
    let (outbound, _) = resolving_to(SocketAddr::from(([192, 0, 1, 1], 0)));
    for url in [
        "http://keys.example.org/",
        "file:///etc/passwd",
        "gopher://keys.example.org/",
        "ftp://keys.example.org/",
        "unix:/run/docker.sock",
        "data:application/json,{}",
        "javascript:alert(1)",
        "https://user@keys.example.org/",
        "https://user:password@keys.example.org/",
        "https://@127.0.0.1/",
        "https://keys.example.org:22/",
        "https://keys.example.org:25/",
        "https://keys.example.org:80/",
        "https://keys.example.org:6379/",
        "https://keys.example.org:0/",
        "https://",
        "//keys.example.org/",
        "/jwks",
        "",
        "https://[::1/",
        "https://keys.example.org:99999/",
        "https://a b/",
    ] {
        let refused = outbound.check(url);
        assert!(matches!(refused, Err(OutboundError::Forbidden(_))), "{url} {refused:?}");
    }
    for url in [
        "https://keys.example.org",
        "https://keys.example.org:443/jwks?a=b",
        "https://keys.example.org:8443/",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]/",
        "https://localhost.example.org/",
    ] {
        assert!(outbound.check(url).is_ok(), "{url}");
    }
    for url in ["ftp://localhost/", "http://user@localhost/"] {
        assert!(private().check(url).is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_json_document_is_fetched_where_private_networks_are_allowed() {
    let server = Server::responding_with(response(
        "200 OK",
        "Content-Type: Application/JWK-Set+JSON; charset=utf-8\r\n",
        b"{\"keys\":[]}",
    ))
    .await;

    let fetched = private().get_json(&server.url(), "application/jwk-set+json").await;

    assert_eq!(fetched.unwrap(), b"{\"keys\":[]}");
}

/// THREATS SS-03, SS-04.
#[tokio::test]
async fn unsuccessful_responses_cause_one_error() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let target = Server::responding_with(json(b"{}")).await;
    let location = format!("location: {}\r\n", target.url());
    let mut urls = vec![format!("http://{closed}/"), format!("https://{}/", target.at)];
    for refused in [
        response("301 Moved Permanently", &location, b""),
        response("302 Found", &location, b""),
        response("303 See Other", &location, b""),
        response("307 Temporary Redirect", &location, b""),
        response("308 Permanent Redirect", &location, b""),
        response("204 No Content", "", b""),
        response("404 Not Found", "content-type: application/json\r\n", b"{}"),
        response("500 Internal Server Error", "", b""),
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{}"
            .to_vec(),
        Vec::new(),
    ] {
        urls.push(Server::responding_with(refused).await.url());
    }
    let requests = target.requests();

    for url in urls {
        let refused = private().get_json(&url, "application/json").await;
        assert_eq!(refused, Err(OutboundError::Unreachable), "{url}");
    }
    assert_eq!(target.requests() - requests, 1, "one failed TLS handshake, and no redirect");
}

/// THREATS SS-05.
#[tokio::test]
async fn too_large_responses_are_not_read_to_the_end() {
    let mut endless =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for _ in 0..32 {
        endless.extend_from_slice(b"10000\r\n");
        endless.resize(endless.len() + 0x10000, b' ');
        endless.extend_from_slice(b"\r\n");
    }
    for large in [endless, json(&vec![b' '; (1 << 20) + 1])] {
        let server = Server::responding_with(large).await;
        let refused = private().get_json(&server.url(), "application/json").await;
        assert_eq!(refused, Err(OutboundError::TooLarge));
    }
    let server = Server::responding_with(json(&vec![b' '; 1 << 20])).await;
    assert!(private().get_json(&server.url(), "application/json").await.is_ok());
}

#[tokio::test]
async fn other_media_types_are_refused() {
    for headers in [
        "",
        "content-type: text/html\r\n",
        "content-type: application/jsonp\r\n",
        "content-type: text/json\r\n",
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
    ] {
        let server = Server::responding_with(response("200 OK", headers, b"{}")).await;
        let refused = private().get_json(&server.url(), "application/json").await;
        assert_eq!(refused, Err(OutboundError::WrongType), "{headers}");
    }
}

#[tokio::test]
async fn images_have_the_declared_type_and_no_scripts() {
    let png = b"\x89PNG\r\n\x1a\n and more";
    let jpeg = b"\xff\xd8\xff\xe0 and more";
    let webp = b"RIFF\0\0\0\0WEBP and more";
    let large = [png.as_slice(), &[0; 256 * 1024]].concat();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
    for (called, bytes, expected) in [
        ("image/png", png.as_slice(), Ok("image/png")),
        ("image/jpeg", jpeg, Ok("image/jpeg")),
        ("image/webp", webp, Ok("image/webp")),
        ("image/png", jpeg, Err(OutboundError::WrongType)),
        ("text/html", png, Err(OutboundError::WrongType)),
        ("image/svg+xml", svg, Err(OutboundError::WrongType)),
        ("image/png", svg, Err(OutboundError::WrongType)),
        ("image/png", b"", Err(OutboundError::WrongType)),
        ("image/png", &large, Err(OutboundError::TooLarge)),
    ] {
        let headers = format!("content-type: {called}\r\n");
        let server = Server::responding_with(response("200 OK", &headers, bytes)).await;
        let fetched = private().get_image(&server.url()).await;
        assert_eq!(fetched.map(|image| image.media_type), expected, "{called}");
    }
}

/// THREATS SS-05, SS-06.
#[tokio::test]
async fn an_unresponsive_host_times_out() {
    // Accepts connections and never responds.
    let hanging = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", hanging.local_addr().unwrap());
    let mut outbound = private();
    outbound.timeout = Duration::from_millis(50);

    assert_eq!(outbound.get_json(&url, "application/json").await, Err(OutboundError::Unreachable));
}

/// THREATS SS-06: no verdict on a host without enough time for a request.
#[tokio::test]
async fn a_host_that_was_not_tried_is_not_unreachable() {
    let hanging = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", hanging.local_addr().unwrap());
    let mut outbound = private();
    outbound.timeout = Duration::from_millis(50);
    let fetch = || outbound.get_json(&url, "application/json");
    // The first request creates the client, which takes long.
    assert_eq!(fetch().await, Err(OutboundError::Unreachable));

    let (first, second, third) = tokio::join!(fetch(), fetch(), fetch());

    assert_eq!([first, second], [Err(OutboundError::Unreachable), Err(OutboundError::Unreachable)]);
    assert_eq!(third, Err(OutboundError::Busy));
}

/// THREATS SS-06.
#[tokio::test]
async fn at_most_two_fetches_per_host_are_concurrent() {
    let server = Server::responding_with(json(b"{}")).await;
    let outbound = Arc::new(private());

    let mut fetches = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (outbound, url) = (Arc::clone(&outbound), server.url());
        fetches.spawn(async move { outbound.get_json(&url, "application/json").await.is_ok() });
    }

    assert!(fetches.join_all().await.into_iter().all(|fetched| fetched));
    assert_eq!(server.requests(), 12);
    assert_eq!(server.most_at_once.load(Ordering::SeqCst), 2);
    outbound.host(&"http://other.example.org".parse().unwrap());
    assert_eq!(
        outbound.hosts.lock().unwrap().len(),
        1,
        "the semaphore of the first host is removed"
    );
}

#[test]
fn an_unreadable_ca_file_is_an_error_at_start() {
    let empty = std::env::temp_dir().join(format!("gatewright-{}.pem", uuid::Uuid::now_v7()));
    std::fs::write(&empty, "no certificate").unwrap();

    for file in [&empty, &PathBuf::from("/nonexistent/ca.pem")] {
        let config =
            config::Outbound { ca_files: vec![file.clone()], ..config::Outbound::default() };
        let error = Outbound::new(&config).unwrap_err().to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
    }
    std::fs::remove_file(&empty).unwrap();
}

/// Responds on every connection that trusts its certificate.
async fn responding_with_tls(issued: rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.into()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n")
                    && stream.read_buf(&mut head).await.unwrap_or(0) > 0
                {}
                let _ = stream.write_all(&json(b"{}")).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    port
}

/// THREATS SS-09.
#[tokio::test]
async fn nothing_is_fetched_from_a_host_with_an_invalid_certificate() {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let trusted = authority.self_signed(&authority_key).unwrap();
    let file = std::env::temp_dir().join(format!("gatewright-{}.pem", uuid::Uuid::now_v7()));
    std::fs::write(&file, trusted.pem()).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let config = config::Outbound {
        allow_private_networks: true,
        ca_files: vec![file.clone()],
        ..config::Outbound::default()
    };
    let outbound = Outbound::new(&config).unwrap();

    let named = |name: &str| rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let issued = |params: rcgen::CertificateParams| {
        let signing_key = rcgen::KeyPair::generate().unwrap();
        let cert = params.signed_by(&signing_key, &issuer).unwrap();
        rcgen::CertifiedKey { cert, signing_key }
    };
    let mut expired = named("localhost");
    expired.not_before = rcgen::date_time_ymd(2001, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let self_signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let no = Err(OutboundError::Unreachable);
    for (what, certificate, expected) in [
        ("right", issued(named("localhost")), Ok(())),
        ("self-signed", self_signed, no),
        ("of another host", issued(named("other.example")), no),
        ("expired", issued(expired), no),
    ] {
        let port = responding_with_tls(certificate).await;
        let url = format!("https://localhost:{port}/jwks");
        let fetched = outbound.get_json(&url, "application/json").await;
        assert_eq!(fetched.map(drop), expected, "{what}");
    }
    std::fs::remove_file(&file).unwrap();
}
