//! RFC 7030, Enrolment over Secure Transport, with the clarifications of RFC 8951: with the real `curl`
//! and `openssl` of the system, over real TLS.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::pki::{Certificate, Reason};
use gatewright::types::{ClientId, Seconds};
use rcgen::KeyPair;
use serde_json::json;

use kit::built_in_ca::{TempDir, csr};
use kit::ca::{Ca, Identity};
use kit::client_certificates::trust_proxy;
use kit::http::{RequestBuilder, Response};
use kit::server::{Client, Server};
use kit::tls_client::{HOST, MTLS_HOST};

const ENROL: &str = "/.well-known/est/simpleenroll";
const RENEW: &str = "/.well-known/est/simplereenroll";

/// A server with https and a built-in CA.
async fn start_server() -> Server {
    let server = Server::with_tls(|_| {}).await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();
    server
}

/// A service that authenticates with a certificate of the built-in CA; nothing else is registered.
async fn register_service(server: &Server) -> Client {
    server
        .register(json!({
            "client_name": "Machine",
            "grant_types": ["client_credentials"],
            "scope": "read",
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_certificate_bound_access_tokens": true,
        }))
        .await
}

async fn enrolment_token(server: &Server, client: &Client) -> String {
    let id = ClientId::from_text(&client.id);
    let invited = server
        .administer_ca(async |ca| ca.create_enrolment_token(&id, Seconds::hours(1)).await)
        .await;
    invited.unwrap().0.expose().to_owned()
}

/// A certificate request in the format of RFC 7030 §4.2.1.
fn base64_csr(key: &KeyPair) -> String {
    STANDARD.encode(csr(key))
}

trait Pkcs10Body {
    fn pkcs10(self, key: &KeyPair) -> Self;
}

impl Pkcs10Body for RequestBuilder {
    fn pkcs10(self, key: &KeyPair) -> Self {
        self.header("content-type", "application/pkcs10").body(base64_csr(key))
    }
}

/// The certificate in a certs-only response, as `openssl` parses it.
fn parse_identity(response: Response, key: KeyPair) -> Identity {
    let response = response.ok();
    assert_eq!(response.header("content-type"), "application/pkcs7-mime; smime-type=certs-only");
    assert_eq!(response.header("content-transfer-encoding"), "base64");
    let dir = TempDir::new();
    dir.write("answer", &response.text);
    dir.openssl("base64 -d -in answer -out answer.p7");
    let text = dir.openssl("pkcs7 -inform DER -in answer.p7 -print_certs");
    assert_eq!(text.matches("BEGIN").count(), 1, "§4.2.3: only the certificate that was issued");
    dir.write("one.pem", &text);
    dir.openssl("x509 -in one.pem -outform DER -out one.der");
    let der = std::fs::read(dir.0.join("one.der")).unwrap();
    Identity { chain: vec![der.into()], key }
}

/// Enrols with a token.
async fn enrol(server: &Server, client: &Client) -> Identity {
    let key = KeyPair::generate().unwrap();
    let request =
        server.tls_request("POST", ENROL).basic(&client.id, &enrolment_token(server, client).await);
    parse_identity(request.pkcs10(&key).send().await, key)
}

async fn request_renewal(server: &Server, certificate: &Identity) -> Response {
    let key = KeyPair::generate().unwrap();
    server.mtls_request(Some(certificate), "POST", RENEW).pkcs10(&key).send().await
}

/// A token request with nothing but the certificate.
async fn request_token(server: &Server, client: &Client, certificate: &Identity) -> Response {
    let form = format!("grant_type=client_credentials&client_id={}", client.id);
    server.mtls_request(Some(certificate), "POST", "/token").form(&form).send().await
}

/// The `curl` of the system, which trusts the server's certificate.
struct Curl<'a> {
    server: &'a Server,
    dir: &'a TempDir,
}

impl Curl<'_> {
    /// Its output and its exit code.
    fn run(&self, name: &str, path: &str, arguments: &[&str]) -> (String, i32) {
        let address = if name == MTLS_HOST {
            self.server.addresses().mtls[0]
        } else {
            self.server.addresses().tls[0]
        };
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "--cacert", "server-ca.pem"])
            .args(["--resolve", &format!("{name}:{}:127.0.0.1", address.port())])
            .args(arguments)
            .arg(format!("https://{name}:{}{path}", address.port()))
            .current_dir(&self.dir.0)
            .output()
            .expect("curl runs");
        let text = [output.stdout, output.stderr].concat();
        (String::from_utf8_lossy(&text).into_owned(), output.status.code().unwrap())
    }

    #[track_caller]
    fn ok(&self, name: &str, path: &str, arguments: &[&str]) -> String {
        let (output, code) = self.run(name, path, arguments);
        assert_eq!(code, 0, "{output}");
        output
    }
}

/// The steps of docs/certificates.md for a machine, with standard tools: the CA certificates, the first
/// certificate, a token with it, a renewal. The old certificate stays valid (§4.1, §4.2.1, §4.2.2).
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_enrols_and_renews_with_curl_and_openssl() {
    let server = start_server().await;
    let client = register_service(&server).await;
    let dir = TempDir::new();
    let curl = Curl { server: &server, dir: &dir };
    dir.write("server-ca.pem", kit::ca::pem(server.certificate_files().ca.certificate()));
    let unpack = |from: &str, to: &str| {
        dir.openssl(&format!("base64 -d -in {from} -out {from}.p7"));
        dir.openssl(&format!("pkcs7 -inform DER -in {from}.p7 -print_certs -out {to}"));
    };

    curl.ok(HOST, "/.well-known/est/cacerts", &["--output", "cacerts"]);
    unpack("cacerts", "ca.pem");
    dir.openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -subj / -outform DER -out client.der");
    dir.openssl("base64 -in client.der -out client.b64");
    let credentials = format!("{}:{}", client.id, enrolment_token(&server, &client).await);
    let pkcs10 = ["--header", "Content-Type: application/pkcs10", "--data-binary", "@client.b64"];
    let enrol = [&pkcs10[..], &["--user", &credentials, "--output", "first"]].concat();
    curl.ok(HOST, ENROL, &enrol);
    unpack("first", "client.pem");
    let at = server.trace().now().0;
    dir.openssl(&format!("verify -purpose sslclient -attime {at} -CAfile ca.pem client.pem"));

    let (output, code) = curl.run(HOST, ENROL, &enrol);
    assert_eq!(code, 22, "a token enrols once: {output}");
    assert!(output.contains("401"), "{output}");

    let options = ["--cert", "client.pem", "--key", "client.key"];
    let form = format!("grant_type=client_credentials&client_id={}", client.id);
    let form = ["--data", &form];
    let response = curl.ok(MTLS_HOST, "/token", &[&options[..], &form].concat());
    assert!(response.contains("access_token"), "{response}");

    // With the same key, and with another one.
    curl.ok(MTLS_HOST, RENEW, &[&options[..], &pkcs10, &["--output", "second"]].concat());
    unpack("second", "second.pem");
    dir.openssl(
        "req -new -newkey rsa:2048 -nodes -keyout third.key -subj / -outform DER -out third.der",
    );
    dir.openssl("base64 -in third.der -out client.b64");
    let second = ["--cert", "second.pem", "--key", "client.key"];
    curl.ok(MTLS_HOST, RENEW, &[&second[..], &pkcs10, &["--output", "third"]].concat());
    unpack("third", "third.pem");

    let third = ["--cert", "third.pem", "--key", "third.key"];
    for options in [options, second, third] {
        let response = curl.ok(MTLS_HOST, "/token", &[&options[..], &form].concat());
        assert!(response.contains("access_token"), "overlap: {response}");
    }
    assert_eq!(server.audit_events("certificate.issued").await.len(), 3);
}

/// > the EST server MUST use HTTP [...] 401 [...] (§3.2.3, in substance)
///
/// For a missing, invalid or expired token, and for that of another client.
#[tokio::test]
async fn an_enrolment_without_valid_credentials_is_refused() {
    let server = start_server().await;
    let client = register_service(&server).await;
    let other = enrolment_token(&server, &register_service(&server).await).await;
    let key = KeyPair::generate().unwrap();
    let never_issued = gatewright::types::token::EnrolmentToken::generate();

    let without = server.tls_request("POST", ENROL).pkcs10(&key).send().await;
    let challenge = without.refused(401, "invalid_client");
    assert_eq!(challenge.header("www-authenticate"), "Basic realm=\"gatewright\"");
    for secret in ["", "secret", &other, never_issued.0.expose()] {
        let request = server.tls_request("POST", ENROL).basic(&client.id, secret).pkcs10(&key);
        let refused = request.send().await.refused(401, "invalid_client");
        assert_eq!(refused.header("www-authenticate"), "Basic realm=\"gatewright\"");
    }
    let late = enrolment_token(&server, &client).await;
    server.advance_clock(3600);
    let request = server.tls_request("POST", ENROL).basic(&client.id, &late).pkcs10(&key);
    request.send().await.refused(401, "invalid_client");
    assert!(server.audit_events("certificate.issued").await.is_empty());
    for event in server.audit_events("request.refused").await {
        assert!(!event.facts.contains("gw_en_"), "{}", event.facts);
    }
}

/// A client that has a secret enrols with it.
#[tokio::test]
async fn a_client_may_enrol_with_its_secret() {
    let server = start_server().await;
    let client = server.service().await;
    let key = KeyPair::generate().unwrap();

    let request =
        |secret: &str| server.tls_request("POST", ENROL).basic(&client.id, secret).pkcs10(&key);
    request("gw_cs_wrong").send().await.refused(401, "invalid_client");
    let response = request(&client.secret).send().await;

    let certificate = parse_identity(response, KeyPair::try_from(key.serialized_der()).unwrap());
    let read = Certificate::parse(certificate.certificate(), &[]).unwrap();
    assert_eq!(read.names.uri, [format!("urn:gatewright:client:{}", client.id)]);
}

/// §4.2.1, §4.2.3: a malformed certificate request does not consume the token.
#[tokio::test]
async fn a_malformed_certificate_request_consumes_no_token() {
    let server = start_server().await;
    let client = register_service(&server).await;
    let token = enrolment_token(&server, &client).await;
    let key = KeyPair::generate().unwrap();
    let request = || server.tls_request("POST", ENROL).basic(&client.id, &token);

    for body in ["", "hello", "MIIB", "-----BEGIN CERTIFICATE REQUEST-----\n"] {
        let request = request().header("content-type", "application/pkcs10").body(body);
        request.send().await.refused(400, "invalid_request");
    }
    let weak = include_str!("../../crates/x509/src/request/small_rsa.pem");
    let weak_request = request().header("content-type", "application/pkcs10").body(weak);
    let refused = weak_request.send().await.refused(400, "invalid_request");
    assert!(refused.text.contains("2048"), "§4.2.3: the error explains itself: {}", refused.text);
    let large = request().header("content-type", "application/pkcs10").body("M".repeat(17 * 1024));
    large.send().await.refused(400, "invalid_request");
    let form = request().form(&base64_csr(&key));
    form.send().await.refused(415, "invalid_request");
    assert_eq!(server.tls_request("GET", ENROL).send().await.status, 405);

    request().pkcs10(&key).send().await.ok();
}

/// Without a built-in CA the endpoints do not exist.
#[tokio::test]
async fn without_a_built_in_ca_the_endpoints_are_not_found() {
    let server = Server::with_tls(|_| {}).await;
    let client = server.service().await;

    server.tls_request("GET", "/.well-known/est/cacerts").send().await.refused(404, "not_found");
    let key = KeyPair::generate().unwrap();
    let request = server.tls_request("POST", ENROL).basic(&client.id, &client.secret).pkcs10(&key);
    request.send().await.refused(404, "not_found");
}

/// §4.2.2: only a valid certificate that the built-in CA issued can be renewed.
#[tokio::test]
async fn only_a_valid_certificate_of_the_built_in_ca_is_renewed() {
    let server = start_server().await;
    let client = register_service(&server).await;
    let certificate = enrol(&server, &client).await;
    let key = KeyPair::generate().unwrap();

    let without = server.mtls_request(None, "POST", RENEW).pkcs10(&key).send().await;
    without.refused(401, "invalid_client");
    let other_identity = Ca::new("Strangers").issue_client(&client.id);
    request_renewal(&server, &other_identity).await.refused(401, "invalid_client");
    request_renewal(&server, &Identity::self_signed(&client.id))
        .await
        .refused(401, "invalid_client");
    request_renewal(&server, &certificate).await.ok();

    let revoked = enrol(&server, &client).await;
    let thumbprint = Certificate::parse(revoked.certificate(), &[]).unwrap().thumbprint;
    assert!(server.revoke_certificate(thumbprint, "keyCompromise").await);
    request_renewal(&server, &revoked).await.refused(401, "invalid_client");

    request_renewal(&server, &certificate).await.ok();
    server.advance_clock(24 * 3600 + 1);
    request_renewal(&server, &certificate).await.refused(401, "invalid_client");
}

/// THREATS EX-08: a renewal looks the certificate up before it verifies a signature, so unknown chains
/// cost none.
#[tokio::test]
async fn an_unknown_chain_costs_no_signature_verification_at_renewal() {
    let company = kit::client_certificates::ClientCa::new("Clients CA");
    let anchor = company.trust_anchor("company");
    let server = Server::with_tls(|config| config.client_certificates.anchors = vec![anchor]).await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();
    let unknown_ca = || kit::client_certificates::ClientCa::new("Clients CA");
    let forged: Vec<_> = (0..4).map(|_| unknown_ca().intermediate("Clients CA", |_| {})).collect();
    let mut certificate = forged[0].issue("Machine", |_| {});
    certificate.chain =
        forged.iter().map(kit::client_certificates::ClientCa::certificate).collect();

    request_renewal(&server, &certificate.identity()).await.refused(401, "invalid_client");

    assert_eq!(server.app().trust.signatures_verified(), 0);
    // A control: a valid chain increments the counter.
    let client = register_service(&server).await;
    let identity = enrol(&server, &client).await;
    request_token(&server, &client, &identity).await.ok();
    assert_eq!(server.app().trust.signatures_verified(), 1);
}

/// docs/certificates.md: every certificate for a key that is revoked for `keyCompromise` is invalid, so
/// it cannot be used to obtain a certificate for another key.
#[tokio::test]
async fn a_compromised_key_is_neither_certified_nor_renewed() {
    let server = start_server().await;
    let client = register_service(&server).await;
    let leaked = enrol(&server, &client).await;
    let same_key = || KeyPair::try_from(leaked.key.serialized_der()).unwrap();
    let again = server.mtls_request(Some(&leaked), "POST", RENEW).pkcs10(&same_key()).send().await;
    let sibling = parse_identity(again, same_key());
    request_renewal(&server, &sibling).await.ok();
    let waiting = enrolment_token(&server, &client).await;

    let thumbprint = Certificate::parse(leaked.certificate(), &[]).unwrap().thumbprint;
    assert!(server.revoke_certificate(thumbprint, "keyCompromise").await);

    request_renewal(&server, &sibling).await.refused(401, "invalid_client");
    let enrol = |key| server.tls_request("POST", ENROL).basic(&client.id, &waiting).pkcs10(key);
    let key = same_key();
    enrol(&key).send().await.refused(400, "invalid_request");
    assert!(
        server.issue_certificate(&client, &same_key()).await.is_err(),
        "an administrator is refused too"
    );
    // The refused request did not consume the token.
    enrol(&KeyPair::generate().unwrap()).send().await.ok();
}

/// Disabling a client revokes its certificates: they cannot be renewed. Enabling the client restores
/// neither them nor unused enrolment tokens. THREATS X-11
#[tokio::test]
async fn a_disabled_client_cannot_renew_its_certificates() {
    let server = start_server().await;
    let client = register_service(&server).await;
    let certificate = enrol(&server, &client).await;
    request_token(&server, &client, &certificate).await.ok();
    let waiting = enrolment_token(&server, &client).await;
    let id = ClientId::from_text(&client.id);

    server.administer_clients(async |registrar| registrar.disable(&id).await.unwrap()).await;

    request_renewal(&server, &certificate).await.refused(401, "invalid_client");
    let key = KeyPair::generate().unwrap();
    let request = || server.tls_request("POST", ENROL).basic(&client.id, &waiting).pkcs10(&key);
    request().send().await.refused(401, "invalid_client");
    server.administer_clients(async |registrar| registrar.enable(&id).await.unwrap()).await;
    request_renewal(&server, &certificate).await.refused(401, "invalid_client");
    request_token(&server, &client, &certificate).await.refused(401, "invalid_client");
    request().send().await.refused(401, "invalid_client");
    enrol(&server, &client).await;
}

/// §3.2.3: credentials are checked before the certificate request is parsed, because verifying its
/// signature costs as much as the sender chooses.
#[tokio::test]
async fn credentials_are_checked_before_the_request_is_parsed() {
    let server = start_server().await;
    let client = register_service(&server).await;
    let (live, spent) =
        (enrolment_token(&server, &client).await, enrolment_token(&server, &client).await);
    let key = KeyPair::generate().unwrap();
    server.tls_request("POST", ENROL).basic(&client.id, &spent).pkcs10(&key).send().await.ok();
    let other_identity = Identity::self_signed("Backup");
    let no_request = |request: RequestBuilder| {
        request.header("content-type", "application/pkcs10").body("hello")
    };

    for secret in ["secret", &spent] {
        let request = server.tls_request("POST", ENROL).basic(&client.id, secret);
        no_request(request).send().await.refused(401, "invalid_client");
    }
    let renewing = server.mtls_request(Some(&other_identity), "POST", RENEW);
    no_request(renewing).send().await.refused(401, "invalid_client");

    let request = server.tls_request("POST", ENROL).basic(&client.id, &live);
    no_request(request).send().await.refused(400, "invalid_request");
}

/// With a compromised key, an attacker may have renewed the certificate for other keys: all these
/// certificates are revoked, also those renewed with one that has expired since. With another reason,
/// only the certificate itself is revoked.
#[tokio::test]
async fn certificates_renewed_with_a_compromised_key_are_revoked() {
    let server = start_server().await;
    let client = register_service(&server).await;
    let leaked = enrol(&server, &client).await;
    let renew = async |certificate: &Identity| {
        let key = KeyPair::generate().unwrap();
        let request = server.mtls_request(Some(certificate), "POST", RENEW).pkcs10(&key);
        parse_identity(request.send().await, key)
    };
    let second = renew(&leaked).await;
    server.advance_clock(20 * 3600);
    let third = renew(&second).await;
    let aside = enrol(&server, &client).await;
    server.advance_clock(5 * 3600);
    request_token(&server, &client, &second).await.refused(401, "invalid_client");
    request_token(&server, &client, &third).await.ok();

    let revoke = async |certificate: &Identity, reason| {
        let trace = server.trace();
        let read = Certificate::parse(certificate.certificate(), &[]).unwrap();
        let row = gatewright::pki::inventory::seen_row(&read, trace.now());
        let others = server.inventory(&trace).revoke(&row, reason).await.unwrap();
        server.app().confirm().await.unwrap();
        others
    };
    assert_eq!(revoke(&leaked, Reason::KeyCompromise).await, 2);

    request_token(&server, &client, &third).await.refused(401, "invalid_client");
    request_renewal(&server, &third).await.refused(401, "invalid_client");
    let next = renew(&aside).await;
    assert_eq!(revoke(&aside, Reason::Superseded).await, 0);
    request_token(&server, &client, &next).await.ok();
}

/// THREATS EX-06: a certificate of the built-in CA belongs to the client that it was issued to,
/// whatever names it contains.
#[tokio::test]
async fn a_certificate_of_the_built_in_ca_authenticates_only_its_owner() {
    let server = start_server().await;
    let named = |shared: bool| {
        json!({
            "grant_types": ["client_credentials"],
            "scope": "read",
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_san_dns": "backup.example.org",
            "gw_shared_certificate_name": shared,
        })
    };
    let owner = server.register(named(true)).await;
    let other = server.register(named(true)).await;
    let certificate = enrol(&server, &owner).await;
    let read = Certificate::parse(certificate.certificate(), &[]).unwrap();
    assert_eq!(read.names.dns, ["backup.example.org"]);

    request_token(&server, &owner, &certificate).await.ok();
    request_token(&server, &other, &certificate).await.refused(401, "invalid_client");

    let events = format!("{:?}", server.audit_events("request.refused").await);
    assert!(events.contains("issued to another client"), "{events}");
}

/// Behind a proxy that terminates TLS, the certificate is the one in its header field.
#[tokio::test]
async fn a_certificate_can_be_renewed_through_a_proxy() {
    let server = Server::with(|config| {
        trust_proxy(config, gatewright::config::CertificateHeader::Rfc9440);
    })
    .await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();
    let client = register_service(&server).await;
    let key = KeyPair::generate().unwrap();
    let request =
        server.request("POST", ENROL).basic(&client.id, &enrolment_token(&server, &client).await);
    let certificate = parse_identity(request.pkcs10(&key).send().await, key);

    let field_value = format!(":{}:", STANDARD.encode(certificate.certificate()));
    let key = KeyPair::generate().unwrap();
    let request = server.request("POST", RENEW).header("client-cert", &field_value).pkcs10(&key);

    parse_identity(request.send().await, key);
    let key = KeyPair::generate().unwrap();
    server.request("POST", RENEW).pkcs10(&key).send().await.refused(401, "invalid_client");
}

/// RFC 8705 §2.1: the built-in CA is a trust anchor by itself, and no other CA can issue its names.
#[tokio::test]
async fn a_certificate_of_the_built_in_ca_authenticates_its_client() {
    let unknown_ca = kit::client_certificates::ClientCa::new("Believed as well");
    let anchor = unknown_ca.trust_anchor("company");
    let server = Server::with_tls(|config| config.client_certificates.anchors = vec![anchor]).await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();
    let client = register_service(&server).await;
    let other = register_service(&server).await;
    let certificate = enrol(&server, &client).await;

    let response = request_token(&server, &client, &certificate).await.ok();
    assert!(response.body["access_token"].is_string());
    request_token(&server, &other, &certificate).await.refused(401, "invalid_client");
    let forged = unknown_ca.issue("Somebody", |params| {
        let urn = format!("urn:gatewright:client:{}", client.id).try_into().unwrap();
        params.subject_alt_names = vec![rcgen::SanType::URI(urn)];
    });
    let forged = Identity { chain: vec![forged.der.into()], key: forged.key };
    request_token(&server, &client, &forged).await.refused(401, "invalid_client");

    // The same after the next issuing certificate, and on a server that starts with it.
    server.advance_clock(60);
    server.administer_ca(async |ca| ca.renew(None).await).await.unwrap();
    request_token(&server, &client, &certificate).await.ok();
    let next = enrol(&server, &client).await;
    request_token(&server, &client, &next).await.ok();
    let replica = server.replica().await;
    request_token(&replica, &client, &certificate).await.ok();
    server.advance_clock(24 * 3600 + 1);
    request_token(&server, &client, &next).await.refused(401, "invalid_client");
}

/// The default registration of `client create`, which needs no name.
#[tokio::test]
async fn a_client_of_tls_client_auth_is_registered_with_its_urn_by_default() {
    let server = start_server().await;
    let client = register_service(&server).await;
    let registered = server.find_client(&client).await;
    let urn = format!("urn:gatewright:client:{}", client.id);
    assert_eq!(registered.metadata.tls_client_auth_san_uri, Some(urn.clone()));

    let named = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_san_dns": "backup.example.org",
        }))
        .await;
    let certificate = enrol(&server, &named).await;

    let read = Certificate::parse(certificate.certificate(), &[]).unwrap();
    assert_eq!(read.names.dns, ["backup.example.org"], "as it is registered");
    assert_eq!(read.names.uri, [format!("urn:gatewright:client:{}", named.id)]);
    request_token(&server, &named, &certificate).await.ok();
}
