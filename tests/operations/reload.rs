//! Certificates that are replaced while the server runs (THREATS MT-08), their OCSP response (RFC 6066
//! §8), and the plain http listener (THREATS HD-08).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use gatewright::pki::ocsp::{CertId, CertificateStatus as OcspStatus, Hash, Response, Status};
use gatewright::pki::{Issuer, Reason};
use gatewright::types::Timestamp;
use rcgen::date_time_ymd;
use rustls::HandshakeKind;
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use crate::listeners::assert_strong;
use kit::ca::{Ca, Identity, certificate_params};
use kit::client_certificates::ClientCertificate;
use kit::http::{RequestBuilder, send_bytes_over};
use kit::jwt::unverified_claims;
use kit::server::{Client, ISSUER, START_TIME, Server};
use kit::stapling::stapled_response;
use kit::tls_client::{HOST, MTLS_HOST, TlsClient};

/// The certificate that the server presents.
async fn presented_certificate(server: &Server) -> CertificateDer<'static> {
    let tls_client = TlsClient::new(&server.certificate_files().ca, None);
    let stream = tls_client.connect(server.addresses().tls[0], HOST).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// The value of the metric for certificates that cannot be used.
async fn unusable_certificates(server: &Server) -> String {
    let metrics =
        RequestBuilder::new(server.operations.unwrap(), "GET", "/metrics").send().await.ok();
    let name = "gatewright_tls_certificates_refused ";
    let line = metrics.text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().to_owned()
}

async fn start_server() -> Server {
    Server::with_tls(|config| config.operations.listen = "127.0.0.1:0".parse().ok()).await
}

/// A token that a client requests with its certificate alone over a new connection, and whether the TLS
/// session was resumed.
async fn request_token_over(
    server: &Server,
    tls_client: &TlsClient,
    client: &Client,
) -> (HandshakeKind, String) {
    let stream = tls_client.connect(server.addresses().mtls[0], MTLS_HOST).await.unwrap();
    let kind = stream.get_ref().1.handshake_kind().unwrap();
    let form = format!("grant_type=client_credentials&client_id={}", client.id);
    let request = format!(
        "POST /token HTTP/1.1\r\nhost: {MTLS_HOST}\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\nconnection: close\r\n\r\n{form}",
        form.len()
    );
    (kind, send_bytes_over(stream, request.as_bytes()).await.ok().token("access_token"))
}

/// Requests under load use a persistent connection, new connections and resumed sessions. THREATS
/// MT-08: weak TLS is refused before and after.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_under_load_and_no_request_fails() {
    let server = Arc::new(Server::with_tls(|_| {}).await);
    let certificate = Arc::new(ClientCertificate::self_signed("Backup"));
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "tls_client_certificate_bound_access_tokens": true,
            "jwks": { "keys": [certificate.jwk()] },
        }))
        .await;
    let (is_over, requests) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut load = Vec::new();
    for _ in 0..4 {
        let (server, is_over, requests) = (server.clone(), is_over.clone(), requests.clone());
        let (certificate, client) = (certificate.clone(), client.clone());
        load.push(tokio::spawn(async move {
            let (ca, identity) = (&server.certificate_files().ca, certificate.identity());
            let (browser, address) = (TlsClient::new(ca, None), server.addresses().tls[0]);
            let mut open = BufReader::new(browser.connect(address, HOST).await.unwrap());
            let returning = TlsClient::new(ca, Some(&identity));
            let mut expected = HandshakeKind::Full;
            while !is_over.load(Ordering::SeqCst) {
                let request = format!("GET /healthz HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
                open.write_all(request.as_bytes()).await.unwrap();
                let (mut head, mut body) = (Vec::new(), [0; 6]);
                while !head.ends_with(b"\r\n\r\n") {
                    assert_ne!(
                        open.read_until(b'\n', &mut head).await.unwrap(),
                        0,
                        "the connection was closed"
                    );
                }
                open.read_exact(&mut body).await.unwrap();
                assert!(head.starts_with(b"HTTP/1.1 200 ") && body == *b"alive\n");
                server.tls_request("GET", "/jwks").send().await.ok();
                let unregistered = TlsClient::new(ca, Some(&identity));
                for (tls_client, expected) in
                    [(&unregistered, HandshakeKind::Full), (&returning, expected)]
                {
                    let (kind, token) = request_token_over(&server, tls_client, &client).await;
                    assert_eq!(kind, expected);
                    assert_eq!(
                        unverified_claims(&token)["cnf"]["x5t#S256"],
                        certificate.thumbprint()
                    );
                }
                expected = HandshakeKind::Resumed;
                requests.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }
    assert_strong(server.addresses().tls[0]).await;

    for _ in 0..5 {
        let before = requests.load(Ordering::SeqCst);
        let next = server.certificate_files().ca.issue_server(&[HOST, MTLS_HOST]);
        server.certificate_files().replace(&next);
        server.running().reload().await;
        assert_eq!(presented_certificate(&server).await, *next.certificate());
        while requests.load(Ordering::SeqCst) < before + 8 {
            assert!(load.iter().all(|one| !one.is_finished()), "a request has failed");
            tokio::task::yield_now().await;
        }
    }

    is_over.store(true, Ordering::SeqCst);
    for one in load {
        one.await.unwrap();
    }
    assert_strong(server.addresses().tls[0]).await;
    assert_strong(server.addresses().mtls[0]).await;
}

#[tokio::test]
async fn an_unusable_certificate_is_reported_and_the_old_one_stays() {
    let server = start_server().await;
    let (files, before) = (server.certificate_files(), presented_certificate(&server).await);
    let ca = &files.ca;
    let good = ca.issue_server(&[HOST, MTLS_HOST]);
    let mut expired = certificate_params(HOST, &[HOST, MTLS_HOST]);
    expired.not_after = date_time_ymd(2020, 1, 1);
    let mut early = certificate_params(HOST, &[HOST, MTLS_HOST]);
    early.not_before = date_time_ymd(2999, 1, 1);
    let others = ca.issue_for(
        certificate_params(HOST, &[HOST, MTLS_HOST]),
        rcgen::KeyPair::generate().unwrap(),
    );

    let broken: [(&str, &dyn Fn()); 8] = [
        ("nothing in the chain", &|| std::fs::write(files.chain_file(), "").unwrap()),
        ("no PEM", &|| {
            std::fs::write(files.chain_file(), "-----BEGIN CERTIFICATE-----\nAAAA").unwrap()
        }),
        ("no key", &|| std::fs::remove_file(files.key_file()).unwrap()),
        ("the key of another", &|| {
            std::fs::write(files.key_file(), others.key.serialize_pem()).unwrap();
        }),
        ("expired", &|| files.replace(&ca.issue(expired.clone()))),
        ("not yet", &|| files.replace(&ca.issue(early.clone()))),
        ("another name", &|| files.replace(&ca.issue_server(&["other.example"]))),
        ("one name of two", &|| files.replace(&ca.issue_server(&[HOST]))),
    ];
    for (what, breaking) in broken {
        files.replace(&good);
        breaking();
        server.running().reload().await;

        assert_eq!(presented_certificate(&server).await, before, "{what}");
        assert_eq!(unusable_certificates(&server).await, "1", "{what}");
    }

    files.replace(&good);
    server.running().reload().await;
    assert_eq!(presented_certificate(&server).await, *good.certificate());
    assert_eq!(unusable_certificates(&server).await, "0");
    let events = server.audit_events("tls_certificate.replaced").await;
    assert_eq!(events.iter().filter(|event| event.outcome == "refused").count(), 8);
    assert_eq!(events.iter().filter(|event| event.outcome == "success").count(), 1);
}

/// The OCSP response for this certificate, valid for an hour.
fn ocsp_response(ca: &Ca, identity: &Identity, status: Status) -> Vec<u8> {
    let issuer = Issuer::from_der(ca.certificate()).unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(identity.certificate()).unwrap();
    let id = CertId::new(Hash::Sha1, &issuer, parsed.raw_serial()).unwrap();
    let (now, then) = (Timestamp(START_TIME), Timestamp(START_TIME + 3600));
    let single_response = OcspStatus { status, this_update: now, next_update: Some(then) };
    let response =
        Response { responses: vec![(id, single_response)], nonce: None, produced_at: now };
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &ca.key_der()).unwrap();
    let sign =
        |message: &[u8]| Ok(key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec());
    response.sign(&issuer, &[], sign).unwrap()
}

/// RFC 6066 §8: stapled while it is good, for this certificate, and current (RFC 6960 §3.2).
#[tokio::test]
async fn an_ocsp_response_from_a_file_is_stapled_while_valid() {
    let file = std::env::temp_dir().join(format!("gatewright-ocsp-{}", uuid::Uuid::new_v4()));
    let server = Server::with_tls(|config| config.tls.ocsp_file = Some(file.clone())).await;
    let (files, ca) = (server.certificate_files(), &server.certificate_files().ca);
    let identity = ca.issue_server(&[HOST, MTLS_HOST]).with(ca.certificate());
    files.replace(&identity);
    let put = async |response: &[u8]| {
        std::fs::write(&file, response).unwrap();
        server.running().reload().await;
        stapled_response(&server).await
    };
    server.running().reload().await;
    assert_eq!(stapled_response(&server).await, b"", "no response yet");

    let good = ocsp_response(ca, &identity, Status::Good);
    assert_eq!(put(&good).await, good);

    let other = ca.issue_server(&[HOST, MTLS_HOST]);
    let mallory = Ca::new("Servers");
    let revoked = Status::Revoked { at: Timestamp(START_TIME), reason: Reason::KeyCompromise };
    for bad in [
        ocsp_response(ca, &other, Status::Good),
        ocsp_response(&mallory, &identity, Status::Good),
        ocsp_response(ca, &identity, revoked),
        ocsp_response(ca, &identity, Status::Unknown),
        b"garbage".to_vec(),
    ] {
        assert_eq!(put(&good).await, good);
        assert_eq!(put(&bad).await, b"", "an unusable response is not stapled");
    }
    assert_eq!(put(&good).await, good);
    server.advance_clock(2 * 3600);
    server.running().reload().await;
    assert_eq!(stapled_response(&server).await, b"", "the response has expired");
    std::fs::remove_file(file).unwrap();
}

/// THREATS HD-08: pages are redirected to the configured issuer; other requests get an error, because a
/// redirect would let clients keep sending secrets in plain text.
#[tokio::test]
async fn plain_http_redirects_pages_and_refuses_other_requests() {
    let server = Server::with_tls(|config| {
        config.tls.redirect_listen = vec!["127.0.0.1:0".parse().unwrap()];
    })
    .await;
    let address = server.addresses().redirect[0];
    let request =
        |method, target| RequestBuilder::new(address, method, target).header("accept", "text/html");

    let page = request("GET", "/login?request=a&b=c").host("evil.example").send().await;
    assert_eq!(page.status, 308);
    assert_eq!(page.header("location"), format!("{ISSUER}/login?request=a&b=c"));
    assert_eq!(page.headers("set-cookie"), [""; 0]);
    assert_eq!(page.headers("strict-transport-security"), [""; 0], "RFC 6797 §7.2");

    for (method, target) in [
        ("POST", "/token"),
        ("GET", "/userinfo"),
        ("POST", "/login"),
        ("GET", "/jwks"),
        ("GET", "/.well-known/openid-configuration"),
    ] {
        let response = request(method, target).send().await;
        assert_eq!(response.header("location"), "", "{method} {target}");
        assert_eq!(response.headers("strict-transport-security"), [""; 0], "{method} {target}");
        response.refused(400, "invalid_request");
    }
    assert_eq!(request("GET", "/nothing").send().await.status, 404);
    assert_eq!(request("GET", "//evil.example/login").send().await.status, 404);
}
