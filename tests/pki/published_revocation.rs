//! Revocation information that the built-in CA publishes: RFC 5280 §5 (CRL), RFC 6960 and RFC 5019
//! (OCSP), checked by the `openssl` of the system.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::pki::issue::IssuedCertificate;
use gatewright::pki::ocsp::{CertId, Hash, Request, ResponseVerifier, Status};
use gatewright::pki::{Certificate, Issuer, Reason, inventory};
use gatewright::store::{authorities, sweep};
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use kit::built_in_ca::TempDir;
use kit::http::RequestBuilder;
use kit::server::{Client, Server};

fn pem(der: &[u8]) -> String {
    gatewright::pki::pem::certificate(der)
}

/// A server at the system's time, which `openssl` uses, with a built-in CA and files with the issued
/// certificates.
struct Fixture {
    server: Server,
    client: Client,
    dir: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let (server, dir) = (Server::start().await, TempDir::new());
        dir.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -subj /CN=now -out now");
        let now = CertificateDer::from_pem_file(dir.0.join("now")).unwrap();
        let now = Certificate::parse(&now, &[]).unwrap().not_before;
        server.advance_clock((now - server.trace().now()).0);
        server.app().confirm().await.unwrap();
        server.administer_ca(async |ca| ca.init().await).await.unwrap();
        let client = server.service().await;
        let fixture = Self { server, client, dir };
        let first = fixture.issue("first.pem").await;
        fixture.dir.write("issuing.pem", pem(&first.chain[0]));
        fixture.dir.write("root.pem", pem(&first.chain[1]));
        fixture
    }

    async fn issue(&self, file: &str) -> IssuedCertificate {
        let issued = self
            .server
            .issue_certificate(&self.client, &KeyPair::generate().unwrap())
            .await
            .unwrap();
        self.dir.write(file, pem(&issued.certificate));
        issued
    }

    async fn revoke(&self, issued: &IssuedCertificate, reason: &str) {
        assert!(self.server.revoke_certificate(issued.thumbprint, reason).await);
    }

    async fn current_ca_id(&self) -> String {
        authorities::current(self.server.app().store.db(), false).await.unwrap().unwrap().id
    }

    /// The CRL, verified and printed by `openssl`.
    async fn crl(&self) -> String {
        self.crl_of(&self.server, &self.current_ca_id().await).await
    }

    async fn crl_of(&self, server: &Server, id: &str) -> String {
        let response = server.get_bytes(&format!("/ca/crl/{id}")).await;
        self.dir.write("crl.der", response);
        self.dir.openssl("crl -inform DER -in crl.der -out crl.pem");
        let output = self.dir.openssl("crl -in crl.pem -noout -text -CAfile issuing.pem");
        assert!(output.contains("verify OK"), "{output}");
        output
    }

    /// The result of `openssl verify` for this certificate with the latest CRL.
    fn verify(&self, file: &str) -> (String, bool) {
        let now = self.server.trace().now().0;
        self.dir.try_openssl(&format!(
            "verify -attime {now} -crl_check -CAfile root.pem -untrusted issuing.pem -CRLfile crl.pem {file}"
        ))
    }

    /// The output of `openssl ocsp` for these certificates.
    #[track_caller]
    fn ocsp(&self, what: &str) -> String {
        let address = self.server.address;
        let now = self.server.trace().now().0;
        self.dir.openssl(&format!(
            "ocsp -issuer issuing.pem {what} -url http://{address}/ca/ocsp -attime {now} -CAfile root.pem -header host=id.example.org"
        ))
    }
}

/// The number of a CRL, as `openssl` writes it.
fn crl_number(text: &str) -> String {
    let after = text.split("X509v3 CRL Number:").nth(1).unwrap();
    after.trim_start().lines().next().unwrap().to_owned()
}

/// RFC 5280 §5: a revoked certificate is in the CRL at once.
#[tokio::test(flavor = "multi_thread")]
async fn openssl_finds_a_revoked_certificate_in_the_crl() {
    let fixture = Fixture::new().await;
    let (first, second) = (fixture.issue("a.pem").await, fixture.issue("b.pem").await);

    let empty = fixture.crl().await;
    assert!(empty.contains("No Revoked Certificates"), "{empty}");
    assert!(fixture.verify("a.pem").1);
    fixture.revoke(&first, "keyCompromise").await;
    let list = fixture.crl().await;

    assert!(list.contains("Key Compromise"), "{list}");
    let (output, good) = fixture.verify("a.pem");
    assert!(!good && output.contains("certificate revoked"), "{output}");
    let (output, good) = fixture.verify("b.pem");
    assert!(good, "{output}");
    assert!(crl_number(&list) > crl_number(&empty), "§5.2.3: monotonically increasing");
    fixture.revoke(&second, "unspecified").await;
    let list = fixture.crl().await;
    assert_eq!(list.matches("Serial Number:").count(), 2, "{list}");
    // RFC 5280 §5.3.1: absent instead of unspecified.
    assert_eq!(list.matches("CRL Reason Code").count(), 1, "{list}");
}

/// All replicas publish the same CRL. A new one is issued after a revocation or when half of its validity
/// has passed; expired certificates leave it.
#[tokio::test(flavor = "multi_thread")]
async fn the_crl_is_shared_by_replicas_and_renewed_after_half_its_validity() {
    let fixture = Fixture::new().await;
    let issued = fixture.issue("a.pem").await;
    fixture.revoke(&issued, "superseded").await;
    let replica = fixture.server.replica().await;
    let id = fixture.current_ca_id().await;

    let list = fixture.crl().await;
    assert_eq!(fixture.crl_of(&replica, &id).await, list, "the same CRL on every replica");
    fixture.server.advance_clock(12 * 3600 - 1);
    assert_eq!(fixture.crl().await, list);
    fixture.server.advance_clock(1);
    let next = fixture.crl().await;
    assert!(crl_number(&next) > crl_number(&list), "a new CRL after half of its validity");
    assert!(next.contains("Superseded"), "{next}");

    fixture.server.advance_clock(2 * 86_400);
    let later = fixture.crl().await;
    assert!(later.contains("No Revoked Certificates"), "the certificate has expired: {later}");
    let response = fixture.server.get(&format!("/ca/crl/{id}")).await;
    assert_eq!(response.header("cache-control"), "public, max-age=60");
    assert_eq!(response.header("content-type"), "application/pkix-crl");
    for path in ["/ca/crl/nobody", "/ca/certificate/nobody"] {
        fixture.server.get(path).await.refused(404, "not_found");
    }
}

/// A revocation is in the CRL at once, even if another entry was deleted meanwhile and the number of
/// revoked certificates is the same as before.
#[tokio::test(flavor = "multi_thread")]
async fn the_crl_changes_although_the_number_of_revoked_certificates_does_not() {
    let fixture = Fixture::new().await;
    let old = fixture.issue("old.pem").await;
    fixture.revoke(&old, "superseded").await;
    // It is deleted ninety days after it expired.
    let expires = Certificate::parse(&old.certificate, &[]).unwrap().not_after;
    fixture.server.advance_clock((expires - fixture.server.trace().now()).0 + 90 * 86_400 - 60);
    let issued = fixture.issue("a.pem").await;
    assert!(fixture.crl().await.contains("No Revoked Certificates"));

    fixture.server.advance_clock(60);
    sweep::once(&fixture.server.app().store, fixture.server.trace().now()).await.unwrap();
    fixture.revoke(&issued, "keyCompromise").await;

    assert!(fixture.crl().await.contains("Key Compromise"));
}

/// RFC 5280 §5.1.1.3: each issuing certificate signs a CRL of its own, after it was superseded too.
#[tokio::test(flavor = "multi_thread")]
async fn a_superseded_issuing_certificate_still_publishes_revocations() {
    let fixture = Fixture::new().await;
    let issued = fixture.issue("a.pem").await;
    let old = fixture.current_ca_id().await;
    fixture.server.advance_clock(60);
    fixture.server.administer_ca(async |ca| ca.renew(None).await).await.unwrap();

    fixture.revoke(&issued, "keyCompromise").await;

    assert!(fixture.crl_of(&fixture.server, &old).await.contains("Key Compromise"));
    assert!(fixture.ocsp("-cert a.pem").contains("a.pem: revoked"));
    let next = fixture.issue("b.pem").await;
    fixture.dir.write("issuing.pem", pem(&next.chain[0]));
    assert!(
        fixture.crl().await.contains("No Revoked Certificates"),
        "no certificate of the new issuing CA was revoked"
    );
    assert!(fixture.ocsp("-cert b.pem").contains("b.pem: good"));
}

/// A compromised key revokes every issued certificate that has it, and each is published.
#[tokio::test(flavor = "multi_thread")]
async fn every_certificate_of_a_compromised_key_is_published() {
    let fixture = Fixture::new().await;
    let key = KeyPair::generate().unwrap();
    for file in ["a.pem", "b.pem"] {
        let issued = fixture.server.issue_certificate(&fixture.client, &key).await.unwrap();
        fixture.dir.write(file, pem(&issued.certificate));
    }
    let a = CertificateDer::from_pem_file(fixture.dir.0.join("a.pem")).unwrap();
    let trace = fixture.server.trace();
    let row = inventory::seen_row(&Certificate::parse(&a, &[]).unwrap(), trace.now());

    let others = fixture.server.inventory(&trace).revoke(&row, Reason::KeyCompromise).await;

    assert_eq!(others.unwrap(), 1);
    let list = fixture.crl().await;
    assert_eq!(list.matches("Key Compromise").count(), 2, "{list}");
    let both = fixture.ocsp("-cert a.pem -cert b.pem -cert first.pem");
    for expected in ["a.pem: revoked", "b.pem: revoked", "first.pem: good"] {
        assert!(both.contains(expected), "{both}");
    }
    assert_eq!(fixture.server.audit_events("certificate.revoked").await.len(), 2);
}

/// A changed reason is published like a new revocation. When an issuing certificate is revoked, all
/// certificates that it issued are listed, for relying parties that still read its CRL.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_reason_and_a_revoked_issuing_certificate_are_published() {
    let fixture = Fixture::new().await;
    let issued = fixture.issue("a.pem").await;
    fixture.revoke(&issued, "superseded").await;
    assert!(fixture.crl().await.contains("Superseded"));

    fixture.revoke(&issued, "keyCompromise").await;

    let list = fixture.crl().await;
    assert!(list.contains("Key Compromise") && !list.contains("Superseded"), "{list}");
    let trace = fixture.server.trace();
    let above = Certificate::parse(&issued.chain[0], &[]).unwrap();
    let row = inventory::seen_row(&above, trace.now());
    fixture.server.inventory(&trace).revoke(&row, Reason::KeyCompromise).await.unwrap();
    let list = fixture.crl().await;
    assert_eq!(list.matches("CA Compromise").count(), 1, "{list}");
    assert!(fixture.ocsp("-cert first.pem").contains("first.pem: revoked"));
}

/// RFC 6960 §2.2: good, revoked, unknown; the response repeats the nonce of the request.
#[tokio::test(flavor = "multi_thread")]
async fn openssl_gets_the_status_of_a_certificate_by_ocsp() {
    let fixture = Fixture::new().await;
    let issued = fixture.issue("a.pem").await;

    let output = fixture.ocsp("-cert a.pem");
    assert!(output.contains("Response verify OK") && output.contains("a.pem: good"), "{output}");
    assert!(!output.contains("nonce"), "openssl would warn about a missing nonce: {output}");
    for hash in ["-sha1", "-sha256"] {
        assert!(fixture.ocsp(&format!("{hash} -cert a.pem")).contains("a.pem: good"));
    }
    fixture.revoke(&issued, "affiliationChanged").await;
    let output = fixture.ocsp("-cert a.pem");
    assert!(output.contains("a.pem: revoked"), "{output}");
    assert!(output.contains("Reason: affiliationChanged"), "{output}");
    assert!(fixture.ocsp("-serial 4711").contains("4711: unknown"));
    let both = fixture.ocsp("-cert a.pem -cert first.pem");
    assert!(both.contains("a.pem: revoked") && both.contains("first.pem: good"), "{both}");
}

/// RFC 5019 §5: requests by GET, whose responses can be cached.
#[tokio::test(flavor = "multi_thread")]
async fn an_ocsp_request_may_be_sent_by_get() {
    let fixture = Fixture::new().await;
    fixture.dir.openssl("ocsp -issuer issuing.pem -cert first.pem -no_nonce -reqout question");
    let question = std::fs::read(fixture.dir.0.join("question")).unwrap();
    let text: String =
        form_urlencoded::byte_serialize(STANDARD.encode(&question).as_bytes()).collect();

    let response = fixture.server.get(&format!("/ca/ocsp/{text}")).await.ok();
    assert_eq!(response.header("content-type"), "application/ocsp-response");
    assert_eq!(response.header("cache-control"), "public, max-age=60");
    let bytes = fixture.server.get_bytes(&format!("/ca/ocsp/{text}")).await;
    fixture.dir.write("answer", bytes);
    let now = fixture.server.trace().now().0;
    let output = fixture.dir.openssl(&format!(
        "ocsp -respin answer -issuer issuing.pem -cert first.pem -no_nonce -attime {now} -CAfile root.pem"
    ));
    assert!(output.contains("first.pem: good"), "{output}");
    fixture.server.get("/ca/ocsp/hello!").await.refused(400, "invalid_request");
}

/// The same behind a real nginx that decodes the path and merges slashes (`proxy_pass http://…/;`).
#[tokio::test(flavor = "multi_thread")]
async fn an_ocsp_request_by_get_works_behind_nginx() {
    let fixture = Fixture::new().await;
    let issued = fixture.issue("a.pem").await;
    let issuer = Issuer::from_der(&issued.chain[0]).unwrap();
    // Among many serial numbers: one whose request contains a slash, and one with two in a row.
    let questions = (0..100_000_u32).map(|number| {
        let serial =
            [&[1; 8][..], &number.wrapping_mul(0x9e37_79b1).to_be_bytes(), &[7; 5]].concat();
        let id = CertId::new(Hash::Sha1, &issuer, &serial).unwrap();
        let der = Request { cert_ids: vec![id.clone()], nonce: None }.to_der().unwrap();
        (serial, id, STANDARD.encode(der))
    });
    let mut questions = questions.filter(|(_, _, text)| !text.contains("///"));
    let once = questions.find(|(.., text)| text.contains('/') && !text.contains("//")).unwrap();
    let twice = questions.find(|(.., text)| text.matches("//").count() == 1).unwrap();

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let here = fixture.dir.0.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = kinds.map(|kind| format!("{kind}_temp_path {here}/{kind};\n")).concat();
    let upstream = fixture.server.address;
    fixture.dir.write(
        "nginx.conf",
        format!(
            "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;\nevents {{}}\nhttp {{\n{paths}access_log off;\n\
             server {{ listen 127.0.0.1:{port};\nlocation / {{ proxy_pass http://{upstream}/;\n\
             proxy_set_header Host id.example.org; }} }} }}\n"
        ),
    );
    // A single process: workers would survive a killed master.
    let _nginx = tokio::process::Command::new("nginx")
        .args(["-p", &here.to_string(), "-e", "error.log", "-c", "nginx.conf"])
        .kill_on_drop(true)
        .spawn()
        .expect("scripts/setup installs nginx");
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    kit::wait::wait_until("nginx listens", async || {
        tokio::net::TcpStream::connect(address).await.is_ok()
    })
    .await;

    for (serial, id, text) in [once, twice] {
        let hex = gatewright::pki::description::serial(&serial);
        gatewright::store::sql("UPDATE issued SET serial = $1 WHERE thumbprint = $2")
            .bind(hex)
            .bind(issued.thumbprint)
            .execute(fixture.server.app().store.db())
            .await
            .unwrap();
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let request = RequestBuilder::new(address, "GET", &format!("/ca/ocsp/{encoded}"));
        let response = request.send_for_bytes().await;
        let now = fixture.server.trace().now();
        let verifier = ResponseVerifier { id: &id, issuer: &issuer, nonce: None, now };
        assert_eq!(verifier.verify(&response).unwrap().status, Status::Good, "{text}");
    }
}

/// RFC 6960 §2.3: error responses are unsigned.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_foreign_ocsp_requests_get_unsigned_errors() {
    let fixture = Fixture::new().await;
    let request = async |body: &[u8]| {
        let request = fixture.server.request("POST", "/ca/ocsp");
        request.header("content-type", "application/ocsp-request").body(body).send_for_bytes().await
    };

    let malformed = request(b"hello").await;
    fixture.dir.openssl("ocsp -issuer now -serial 1 -reqout question");
    let unauthorized = request(&std::fs::read(fixture.dir.0.join("question")).unwrap()).await;

    // OCSPResponse { responseStatus malformedRequest (1) }, { unauthorized (6) }
    assert_eq!(malformed, [0x30, 3, 0x0a, 1, 1]);
    assert_eq!(unauthorized, [0x30, 3, 0x0a, 1, 6]);
    let form = fixture.server.post("/ca/ocsp", "a=b").await;
    form.refused(415, "invalid_request");
}

/// RFC 5280 §4.2.2.1: `caIssuers` is the URL of the issuing certificate, and every URL in an issued
/// certificate works.
#[tokio::test(flavor = "multi_thread")]
async fn the_urls_in_an_issued_certificate_work() {
    let fixture = Fixture::new().await;
    let issued = fixture.issue("a.pem").await;
    let certificate_text = fixture.dir.openssl("x509 -in a.pem -noout -text");
    let address = |mark: &str| {
        let after = certificate_text.split(mark).nth(1).unwrap();
        after.split("https://id.example.org").nth(1).unwrap().lines().next().unwrap().to_owned()
    };

    let issuer = fixture.server.get_bytes(&address("CA Issuers - URI:")).await;
    assert_eq!(issuer, issued.chain[0].to_vec());
    let list = address("X509v3 CRL Distribution Points:");
    assert_eq!(fixture.server.get(&list).await.ok().header("content-type"), "application/pkix-crl");
    assert_eq!(address("OCSP - URI:"), "/ca/ocsp");
    let (_, parsed) = X509Certificate::from_der(&issuer).unwrap();
    assert!(parsed.is_ca());
}
