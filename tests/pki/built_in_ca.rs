//! The built-in CA: what it issues, to which clients, and the life of its certificates
//! (docs/certificates.md).

use std::path::Path;
use std::process::Command;

use gatewright::jose::seal::{self, Owner};
use gatewright::pki::ca::{BuiltInCa, ImportedCa, issuing_certificates, published_certificates};
use gatewright::pki::issue::{IssuedCertificate, Right, urn};
use gatewright::pki::request::CertificationRequest;
use gatewright::pki::{Certificate, Reason, inventory};
use gatewright::store::authorities::{self};
use gatewright::store::certificates;
use gatewright::types::{ClientId, Code, Error, Result, Seconds};
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use kit::built_in_ca::{TempDir, csr};
use kit::outbox::add_webhook;
use kit::receivers::WebhookServer;
use kit::server::{Client, ISSUER, Server};

fn pem(der: &[u8]) -> String {
    gatewright::pki::pem::certificate(der)
}

/// Issues to `client` with a new key.
async fn issue_to(server: &Server, client: &Client) -> IssuedCertificate {
    server.issue_certificate(client, &KeyPair::generate().unwrap()).await.unwrap()
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T>, code: Code, why: &str) {
    match result {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.code, code, "{refusal:?}");
            assert!(format!("{refusal:?}").contains(why), "{refusal:?}");
        }
        other => panic!("{other:?}"),
    }
}

/// Like `gatewright cert revoke --file`; returns the number of certificates that were revoked with it.
async fn revoke(server: &Server, certificate: &CertificateDer<'_>, reason: Reason) -> usize {
    let trace = server.trace();
    let row = inventory::seen_row(&Certificate::parse(certificate, &[]).unwrap(), trace.now());
    let revoked = server.inventory(&trace).revoke(&row, reason).await.unwrap();
    server.app().confirm().await.unwrap();
    revoked
}

async fn is_revoked(server: &Server, issued: &IssuedCertificate) -> bool {
    certificates::is_revoked(server.app().store.db(), issued.thumbprint).await.unwrap()
}

/// RFC 5280 §4.2: names come from the registration, whatever the request contains.
#[tokio::test]
async fn only_the_public_key_of_a_certificate_request_is_used() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let key = KeyPair::generate().unwrap();
    let now = server.trace().now();

    let issued = server.issue_certificate(&client, &key).await.unwrap();

    let (_, parsed) = X509Certificate::from_der(&issued.certificate).unwrap();
    assert_eq!(parsed.subject().to_string(), format!("CN={}", client.id));
    assert_eq!(parsed.public_key().raw, rcgen::PublicKeyData::subject_public_key_info(&key));
    let read = Certificate::parse(&issued.certificate, &[]).unwrap();
    assert_eq!(read.names.uri, [format!("urn:gatewright:client:{}", client.id)]);
    assert!(read.names.dns.is_empty() && read.names.ip.is_empty() && read.names.email.is_empty());
    assert_eq!(read.not_after, now + Seconds::hours(24));
    assert_eq!(read.not_before, now - Seconds::minutes(5), "clocks differ");
    assert!(parsed.raw_serial().len() >= 16, "128 random bits");

    let constraints = parsed.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && !constraints.value.ca);
    let usage = parsed.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.flags == 1, "digitalSignature alone");
    let extended = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.client_auth && !extended.server_auth && !extended.any);
    let text = format!("{:?}", parsed.extensions());
    let id = server.current_ca().await.id;
    for address in ["/ca/ocsp", &format!("/ca/certificate/{id}"), &format!("/ca/crl/{id}")] {
        assert!(text.contains(&format!("{ISSUER}{address}")), "{address}: {text}");
    }
    for wanted in ["subject", "authority"] {
        let there = parsed.extensions().iter().any(|extension| {
            match (wanted, extension.parsed_extension()) {
                ("subject", ParsedExtension::SubjectKeyIdentifier(_)) => true,
                (_, ParsedExtension::AuthorityKeyIdentifier(_)) => wanted == "authority",
                _ => false,
            }
        });
        assert!(there, "{wanted} key identifier");
    }
}

/// The chain verifies with `openssl`.
#[tokio::test]
async fn openssl_verifies_the_issued_chain() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let issued = issue_to(&server, &client).await;
    let dir = TempDir::new();
    dir.write("client.pem", pem(&issued.certificate));
    dir.write("issuing.pem", pem(&issued.chain[0]));
    dir.write("root.pem", pem(&issued.chain[1]));
    let at = server.trace().now().0;

    let verify =
        format!("verify -x509_strict -attime {at} -CAfile root.pem -untrusted issuing.pem");
    dir.openssl(&format!("{verify} -purpose sslclient client.pem"));

    let (output, done) = dir.try_openssl(&format!("{verify} -purpose sslserver client.pem"));
    assert!(!done, "the certificate is not valid for a server: {output}");
    assert_eq!(issued.chain.len(), 2);
}

/// In the inventory and in the audit trail.
#[tokio::test]
async fn an_issued_certificate_is_in_the_inventory() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let issued = issue_to(&server, &client).await;

    let row =
        certificates::find(server.app().store.db(), issued.thumbprint).await.unwrap().unwrap();
    let (_, parsed) = X509Certificate::from_der(&issued.certificate).unwrap();

    assert_eq!(row.origin, certificates::Origin::Issued);
    assert_eq!(row.client_id.unwrap().as_str(), client.id);
    assert_eq!(row.names, [format!("URI:urn:gatewright:client:{}", client.id)]);
    assert_eq!((row.key_type.as_str(), row.key_bits), ("EC P-256", 256));
    assert_eq!(row.der, issued.certificate.to_vec());
    assert_eq!(format!("0{}", row.serial), parsed.raw_serial_as_string().replace(':', ""));
    let events = server.audit_events("certificate.issued").await;
    assert!(events[0].facts.contains(&issued.thumbprint.to_string()));
    assert_eq!(events[0].client_id.as_ref(), Some(&client.id));
}

#[tokio::test]
async fn unknown_and_disabled_clients_are_issued_no_certificate() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let unknown_client = Client { id: "nobody".to_owned(), secret: String::new() };
    let key = KeyPair::generate().unwrap();

    assert_refused(
        server.issue_certificate(&unknown_client, &key).await,
        Code::InvalidClient,
        "unknown",
    );
    let id = ClientId::from_text(&client.id);
    server.administer_clients(async |registrar| registrar.disable(&id).await.unwrap()).await;
    assert_refused(server.issue_certificate(&client, &key).await, Code::InvalidClient, "disabled");

    let without = Server::start().await;
    let client = without.service().await;
    assert_refused(without.issue_certificate(&client, &key).await, Code::NotFound, "ca init");
}

/// Disabling or deleting a client revokes its issued certificates permanently, in the same transaction.
#[tokio::test]
async fn disabling_or_deleting_a_client_revokes_its_certificates() {
    let server = Server::with_built_in_ca().await;
    for delete in [false, true] {
        let client = server.service().await;
        let first = issue_to(&server, &client).await;
        let other = issue_to(&server, &server.service().await).await;
        let id = ClientId::from_text(&client.id);

        server
            .administer_clients(async |registrar| match delete {
                true => registrar.delete(&id).await.unwrap(),
                false => {
                    registrar.disable(&id).await.unwrap();
                    registrar.enable(&id).await.unwrap();
                }
            })
            .await;

        assert!(is_revoked(&server, &first).await, "delete: {delete}");
        assert!(
            !is_revoked(&server, &other).await,
            "the certificate of another client stays valid"
        );
        if !delete {
            let next = issue_to(&server, &client).await;
            assert!(!is_revoked(&server, &next).await, "an enabled client gets a new certificate");
        }
    }
}

/// Reported like a revocation by an administrator: an event and a webhook for each certificate that is
/// still valid.
#[tokio::test]
async fn certificates_revoked_with_their_client_are_reported() {
    let mut program = WebhookServer::start(vec![200]).await;
    let server = Server::with(|config| add_webhook(config, &program)).await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();
    for (delete, reason) in [(false, "privilegeWithdrawn"), (true, "cessationOfOperation")] {
        let client = server.service().await;
        issue_to(&server, &client).await;
        server.advance_clock(25 * 3600);
        let issued = issue_to(&server, &client).await;
        let id = ClientId::from_text(&client.id);
        let before = server.audit_events("certificate.revoked").await.len();

        server
            .administer_clients(async |registrar| match delete {
                true => registrar.delete(&id).await.unwrap(),
                false => registrar.disable(&id).await.unwrap(),
            })
            .await;

        let events = server.audit_events("certificate.revoked").await;
        assert_eq!(events.len(), before + 1, "the first has expired");
        assert_eq!(events[0].client_id.as_ref(), Some(&client.id));
        for fact in [issued.thumbprint.to_string().as_str(), reason] {
            assert!(events[0].facts.contains(fact), "{fact}: {events:?}");
        }
        let body = loop {
            let body: Value = serde_json::from_str(&program.next().await.body).unwrap();
            if body["type"] != "certificate.expired" {
                break body;
            }
        };
        assert_eq!(body["type"], "certificate.revoked");
        assert_eq!(body["data"]["reason"], reason);
        let thumbprint = &body["data"]["certificate"]["thumbprint"];
        assert_eq!(*thumbprint, issued.thumbprint.to_string());
    }
}

/// The procedure after a leak of an issuing key: its certificates are revoked, it issues no more, and
/// it is not published as trusted. The next issuing certificate works.
#[tokio::test]
async fn revoking_an_issuing_certificate_revokes_what_it_issued() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let first = issue_to(&server, &client).await;

    assert_eq!(revoke(&server, &first.chain[0], Reason::KeyCompromise).await, 1);

    assert!(is_revoked(&server, &first).await);
    let row = certificates::find(server.app().store.db(), first.thumbprint).await.unwrap().unwrap();
    assert_eq!(
        row.reason.as_deref(),
        Some("cACompromise"),
        "the key of the client is not compromised"
    );
    let events = server.audit_events("certificate.revoked").await;
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[0].client_id.as_ref(), Some(&client.id));
    let late = server.issue_certificate(&client, &KeyPair::generate().unwrap()).await;
    assert!(matches!(late, Err(Error::Failed(_))), "{late:?}");
    let published = async || {
        let app = server.app();
        let (rows, revoked) = (app.cache.authorities().await, app.cache.revoked().await);
        published_certificates(&rows.unwrap(), &revoked.unwrap(), server.trace().now())
    };
    assert_eq!(published().await, [first.chain[1].clone()], "only the root is published");

    server.administer_ca(async |ca| ca.renew(None).await).await.unwrap();
    let next = issue_to(&server, &client).await;
    assert!(!is_revoked(&server, &next).await);
    assert_eq!(published().await, [next.chain[0].clone(), next.chain[1].clone()]);
}

/// The same for the root: every certificate below it is revoked, and it issues no new ones.
#[tokio::test]
async fn revoking_the_root_revokes_everything_below_it() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let first = issue_to(&server, &client).await;
    server.administer_ca(async |ca| ca.renew(None).await).await.unwrap();
    let second = issue_to(&server, &client).await;

    let below = revoke(&server, &first.chain[1], Reason::Superseded).await;

    assert_eq!(below, 4, "two issuing certificates, and one client certificate of each");
    assert!(is_revoked(&server, &first).await && is_revoked(&server, &second).await);
    let renewed = server.administer_ca(async |ca| ca.renew(None).await).await;
    assert_refused(renewed, Code::InvalidRequest, "the root was revoked");
}

/// Whichever comes first: no certificate that it issued stays valid.
#[tokio::test(flavor = "multi_thread")]
async fn issuing_during_a_revocation_of_the_ca_leaves_no_valid_certificate() {
    for _ in 0..10 {
        let server = Server::with_built_in_ca().await;
        let client = server.service().await;
        let id = ClientId::from_text(&client.id);
        let above = CertificateDer::from(server.current_ca().await.certificate);
        let (sender, mut under_way) = tokio::sync::mpsc::unbounded_channel();
        let issuing: Vec<_> = (0..4)
            .map(|_| {
                let (app, trace, id) = (server.app().clone(), server.trace(), id.clone());
                let sender = sender.clone();
                tokio::spawn(async move {
                    let key = KeyPair::generate().unwrap();
                    let request = CertificationRequest::parse(&csr(&key)).unwrap();
                    let ca = BuiltInCa { context: app.context(&trace), kek: app.keyring.kek() };
                    let mut issued = Vec::new();
                    loop {
                        match ca.issue(Some(&id), &request, Right::Proven).await {
                            Ok(one) => issued.push(one),
                            Err(Error::Failed(_)) => return issued,
                            Err(Error::Refused(refusal)) => panic!("{refusal:?}"),
                        }
                        sender.send(()).unwrap();
                    }
                })
            })
            .collect();

        under_way.recv().await.unwrap();
        revoke(&server, &above, Reason::KeyCompromise).await;

        for issued in issuing {
            for issued in issued.await.unwrap() {
                assert!(is_revoked(&server, &issued).await, "issued before the revocation");
            }
        }
    }
}

/// THREATS X-11: whichever comes first, no certificate of a disabled client stays valid.
#[tokio::test(flavor = "multi_thread")]
async fn issuing_while_a_client_is_disabled_leaves_no_valid_certificate() {
    let server = Server::with_built_in_ca().await;
    for _ in 0..20 {
        let client = server.service().await;
        let id = ClientId::from_text(&client.id);
        let requests: Vec<_> = (0..4)
            .map(|_| CertificationRequest::parse(&csr(&KeyPair::generate().unwrap())).unwrap())
            .collect();
        let app = server.app().clone();
        let trace = server.trace();

        let issuing: Vec<_> = requests
            .into_iter()
            .map(|request| {
                let (app, trace, id) = (app.clone(), trace.clone(), id.clone());
                tokio::spawn(async move {
                    let ca = BuiltInCa { context: app.context(&trace), kek: app.keyring.kek() };
                    ca.issue(Some(&id), &request, Right::Proven).await
                })
            })
            .collect();
        server.administer_clients(async |registrar| registrar.disable(&id).await.unwrap()).await;

        for issued in issuing {
            match issued.await.unwrap() {
                Ok(issued) => assert!(
                    is_revoked(&server, &issued).await,
                    "issued before the client was disabled"
                ),
                Err(Error::Refused(refusal)) => assert_eq!(refusal.code, Code::InvalidClient),
                Err(Error::Failed(failure)) => panic!("{failure}"),
            }
        }
    }
}

/// Of several concurrent initializations one succeeds, because only one row is current.
#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_initializations_one_succeeds() {
    let server = Server::start().await;
    let init: Vec<_> = (0..8)
        .map(|_| {
            let (app, trace) = (server.app().clone(), server.trace());
            tokio::spawn(async move {
                let kek = app.keyring.kek();
                BuiltInCa { context: app.context(&trace), kek }.init().await
            })
        })
        .collect();

    let mut won = 0;
    for init in init {
        match init.await.unwrap() {
            Ok(()) => won += 1,
            other => assert_refused(other, Code::InvalidRequest, "already"),
        }
    }

    assert_eq!(won, 1);
    assert_eq!(authorities::all(server.app().store.db()).await.unwrap().len(), 2);
}

/// The old issuing certificate stays valid until it expires, and so do the certificates that it issued.
#[tokio::test]
async fn a_new_issuing_certificate_takes_over_without_a_gap() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let before = issue_to(&server, &client).await;

    server.advance_clock(3600);
    server.administer_ca(async |ca| ca.renew(None).await).await.unwrap();
    let after = issue_to(&server, &client).await;

    assert_ne!(before.chain[0], after.chain[0], "another key, another certificate");
    assert_eq!(before.chain[1], after.chain[1], "the same root");
    let rows = server.app().cache.authorities().await.unwrap();
    let found: Vec<_> = issuing_certificates(&rows).collect();
    assert_eq!(found, [after.chain[0].clone(), before.chain[0].clone()], "both are trusted");
}

/// A certificate expires no later than its issuing certificate.
#[tokio::test]
async fn no_certificate_outlives_its_issuing_certificate() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let end = server.current_ca().await.not_after;

    server.advance_clock((end - server.trace().now()).0 - 60);
    assert_eq!(issue_to(&server, &client).await.not_after, end);

    server.advance_clock(60);
    let late = server.issue_certificate(&client, &KeyPair::generate().unwrap()).await;
    assert!(matches!(late, Err(Error::Failed(_))), "{late:?}");
    server.administer_ca(async |ca| ca.renew(None).await).await.unwrap();
    issue_to(&server, &client).await;
}

/// The CA was initialized with a clock that was ahead: certificates issued now could not be verified.
#[tokio::test]
async fn no_certificate_is_issued_before_the_issuing_one_is_valid() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;

    server.advance_clock(-3600);
    let early = server.issue_certificate(&client, &KeyPair::generate().unwrap()).await;
    assert!(matches!(early, Err(Error::Failed(_))), "{early:?}");

    server.advance_clock(3600);
    issue_to(&server, &client).await;
}

/// Certificate requests of other tools: the real `openssl`, and the real `keytool` where it is
/// installed.
#[test]
fn certificate_requests_of_openssl_and_keytool_are_accepted() {
    let dir = TempDir::new();
    let read = |file: &str| CertificationRequest::parse(&std::fs::read(dir.0.join(file)).unwrap());
    let new = "req -new -nodes -keyout key -subj /CN=a";
    let pss = "-newkey rsa:2048 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    for how in [
        "-newkey rsa:2048 -text".to_owned(),
        format!("{pss} -text"),
        format!("{pss} -sha512"),
        "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha512".to_owned(),
        "-newkey ec -pkeyopt ec_paramgen_curve:P-384 -sha512".to_owned(),
        "-newkey ed25519".to_owned(),
        "-newkey rsa:2048 -newhdr".to_owned(),
    ] {
        dir.openssl(&format!("{new} {how} -out csr"));
        read("csr").expect(&how);
    }
    assert!(
        std::fs::read_to_string(dir.0.join("csr")).unwrap().contains("NEW CERTIFICATE REQUEST")
    );

    for (how, why) in [
        (
            "-newkey rsa:2048 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20",
            "rsa_pss_saltlen:digest",
        ),
        (
            "-newkey rsa:2048 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sigopt rsa_mgf1_md:sha384",
            "two hashes",
        ),
        ("-newkey rsa-pss -pkeyopt rsa_keygen_bits:2048", "id-RSASSA-PSS"),
        ("-newkey rsa:2048 -sha1", "an unsupported algorithm"),
        ("-newkey ec -pkeyopt ec_paramgen_curve:P-521", "these keys are certified"),
    ] {
        dir.openssl(&format!("{new} {how} -out csr"));
        let refused = read("csr").unwrap_err();
        assert!(refused.contains(why), "{how}: {refused}");
    }

    let keytool = |arguments: &str| {
        let common = "-keystore store -storepass changeit -alias a -J-Xshare:auto";
        let arguments = format!("{arguments} {common}");
        Command::new("keytool").args(arguments.split(' ')).current_dir(&dir.0).output()
    };
    let Ok(generated) = keytool("-genkeypair -keyalg RSA -keysize 2048 -dname CN=a") else {
        return;
    };
    assert!(generated.status.success(), "{generated:?}");
    for how in ["-sigalg SHA256withRSA", "-sigalg RSASSA-PSS"] {
        let request = keytool(&format!("-certreq {how} -file csr")).unwrap();
        assert!(request.status.success(), "{request:?}");
        assert!(
            std::fs::read_to_string(dir.0.join("csr")).unwrap().contains("NEW CERTIFICATE REQUEST")
        );
        read("csr").expect(how);
    }
}

/// The root key is needed only for the next issuing certificate.
#[tokio::test]
async fn the_root_key_can_be_exported_and_removed() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;

    let key = server.administer_ca(async |ca| ca.export_root_key().await).await.unwrap();
    server.administer_ca(async |ca| ca.remove_root_key().await).await.unwrap();

    issue_to(&server, &client).await;
    let again = server.administer_ca(async |ca| ca.export_root_key().await).await;
    assert_refused(again, Code::NotFound, "its key was removed");
    let without = server.administer_ca(async |ca| ca.renew(None).await).await;
    assert_refused(without, Code::InvalidRequest, "--root-key");
    let other = KeyPair::generate().unwrap();
    let wrong = server.administer_ca(async |ca| ca.renew(Some(other.serialized_der())).await);
    assert_refused(wrong.await, Code::InvalidRequest, "does not match the certificate");
    server.administer_ca(async |ca| ca.renew(Some(&key)).await).await.unwrap();
    let renewed = issue_to(&server, &client).await;
    let (_, issuing) = X509Certificate::from_der(&renewed.chain[0]).unwrap();
    let (_, root) = X509Certificate::from_der(&renewed.chain[1]).unwrap();
    issuing.verify_signature(Some(root.public_key())).unwrap();
    for kind in ["authority.root_key_exported", "authority.root_key_removed"] {
        assert_eq!(server.audit_events(kind).await.len(), 1, "{kind}");
    }
}

/// The CA of an organisation, made with `openssl`.
struct OpensslCa {
    dir: TempDir,
}

impl OpensslCa {
    fn new() -> Self {
        let dir = TempDir::new();
        dir.write(
            "ext",
            "[ca]\nbasicConstraints=critical,CA:TRUE,pathlen:0\n\
             keyUsage=critical,keyCertSign,cRLSign,digitalSignature\nsubjectKeyIdentifier=hash\n\
             [signs]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n\
             [leaf]\nbasicConstraints=critical,CA:FALSE\n",
        );
        dir.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout root.key \
             -subj /O=Example/CN=Company -days 3650 -out root.pem",
        );
        Self { dir }
    }

    /// A certificate with a key of this kind below the root.
    fn issue(&self, key: &str, subject: &str, extensions: &str) -> ImportedCa {
        self.dir.openssl(&format!(
            "req -new {key} -nodes -keyout new.key -subj {subject} -out new.csr"
        ));
        self.dir.openssl(&format!(
            "x509 -req -in new.csr -CA root.pem -CAkey root.key -CAcreateserial -days 3650 \
             -extfile ext -extensions {extensions} -out new.pem"
        ));
        self.import("new.pem", "new.key")
    }

    fn import(&self, certificate: &str, key: &str) -> ImportedCa {
        let read = |file: &Path| CertificateDer::from_pem_file(file).unwrap();
        let key =
            rustls_pki_types::PrivatePkcs8KeyDer::from_pem_file(self.dir.0.join(key)).unwrap();
        ImportedCa {
            certificate: read(&self.dir.0.join(certificate)),
            chain: vec![read(&self.dir.0.join("root.pem"))],
            key: key.secret_pkcs8_der().to_vec().into(),
        }
    }
}

const P256: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";

/// An imported CA certificate issues like the built-in one.
#[tokio::test]
async fn an_imported_certificate_issues() {
    let company = OpensslCa::new();
    for key in
        [P256, "-newkey ec -pkeyopt ec_paramgen_curve:P-384", "-newkey rsa:2048", "-newkey ed25519"]
    {
        let server = Server::start().await;
        let imported = company.issue(key, "/O=Example/CN=Issuing", "ca");
        server.wait_until_valid(&imported.certificate);
        server.administer_ca(async |ca| ca.import(&imported).await).await.unwrap();
        let client = server.service().await;

        let issued = issue_to(&server, &client).await;

        assert_eq!(issued.chain, [imported.certificate.clone(), imported.chain[0].clone()]);
        company.dir.write("client.pem", pem(&issued.certificate));
        company.dir.write("issuing.pem", pem(&issued.chain[0]));
        let at = server.trace().now().0;
        company.dir.openssl(&format!(
            "verify -attime {at} -purpose sslclient -CAfile root.pem -untrusted issuing.pem client.pem"
        ));
        let again = server.administer_ca(async |ca| ca.renew(None).await).await;
        assert_refused(again, Code::InvalidRequest, "renew it at its CA");
        let next = company.issue(P256, "/O=Example/CN=Issuing2", "ca");
        server.administer_ca(async |ca| ca.renew_by(&next).await).await.unwrap();
        assert_eq!(self::issue_to(&server, &client).await.chain[0], next.certificate);
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_issue_is_not_imported() {
    let company = OpensslCa::new();
    let server = Server::start().await;
    let import = async |imported: ImportedCa| {
        server.administer_ca(async |ca| ca.import(&imported).await).await
    };
    let good = |subject| company.issue(P256, subject, "ca");
    let later = good("/CN=Late");
    let ended = async |imported: ImportedCa| {
        server
            .replica_ahead(3700 * 86_400)
            .await
            .administer_ca(async |a| a.import(&imported).await)
            .await
    };
    assert_refused(
        ended(good("/CN=Ended")).await,
        Code::InvalidRequest,
        "expired or not valid yet",
    );
    server.wait_until_valid(&later.certificate);

    let leaf = company.issue(P256, "/CN=Leaf", "leaf");
    assert_refused(import(leaf).await, Code::InvalidRequest, "CA:TRUE");
    let no_crl = company.issue(P256, "/CN=Signs", "signs");
    assert_refused(import(no_crl).await, Code::InvalidRequest, "cRLSign");
    let other_key =
        ImportedCa { key: company.import("root.pem", "root.key").key, ..good("/CN=Other") };
    assert_refused(import(other_key).await, Code::InvalidRequest, "does not match the certificate");
    let other_root = OpensslCa::new().import("root.pem", "root.key").certificate;
    let other_chain = ImportedCa { chain: vec![other_root], ..good("/CN=Chain") };
    assert_refused(import(other_chain).await, Code::InvalidRequest, "did not issue");
    let strange = good("/DC=org/DC=example/CN=Issuing");
    assert_refused(import(strange).await, Code::InvalidRequest, "several attributes of one type");
    let weak = company.issue("-newkey rsa:1024", "/CN=Weak", "ca");
    assert_refused(import(weak).await, Code::InvalidRequest, "2048");
    assert!(authorities::all(server.app().store.db()).await.unwrap().is_empty());
}

/// RFC 8141 §2.2: the URN of a client is unique, whatever its client id contains.
#[test]
fn the_urn_of_a_client_is_unique() {
    for (id, expected) in [
        ("0198c2f0-5a3e", "urn:gatewright:client:0198c2f0-5a3e"),
        ("a:b/c", "urn:gatewright:client:a%3Ab%2Fc"),
        ("ä %41", "urn:gatewright:client:%C3%A4%20%2541"),
    ] {
        assert_eq!(urn(&ClientId::from_text(id)), expected);
    }
}

/// Of 64 concurrent enrolments with one token, one gets a certificate.
#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_token_is_valid_for_one_certificate() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let id = ClientId::from_text(&client.id);
    let create_token = async || {
        server
            .administer_ca(async |ca| ca.create_enrolment_token(&id, Seconds::hours(1)).await)
            .await
    };
    let token = create_token().await.unwrap();
    let enrolling: Vec<_> = (0..64)
        .map(|_| {
            let (app, trace, id, token) =
                (server.app().clone(), server.trace(), id.clone(), token.clone());
            let request = csr(&KeyPair::generate().unwrap());
            tokio::spawn(async move {
                let ca = BuiltInCa { context: app.context(&trace), kek: app.keyring.kek() };
                let request = CertificationRequest::parse(&request).unwrap();
                ca.issue(Some(&id), &request, Right::Token(&token)).await
            })
        })
        .collect();

    let mut won = 0;
    for enrolled in enrolling {
        match enrolled.await.unwrap() {
            Ok(_) => won += 1,
            other => assert_refused(other, Code::InvalidClient, "was used"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(server.audit_events("certificate.issued").await.len(), 1);

    let late = create_token().await.unwrap();
    let other = ClientId::from_text(server.service().await.id);
    let request = CertificationRequest::parse(&csr(&KeyPair::generate().unwrap())).unwrap();
    let enrol = async |id: &ClientId| {
        let right = Right::Token(&late);
        server.administer_ca(async |ca| ca.issue(Some(id), &request, right).await).await
    };
    assert_refused(enrol(&other).await, Code::InvalidClient, "another client's");
    server.advance_clock(3600);
    assert_refused(enrol(&id).await, Code::InvalidClient, "expired");
}

/// THREATS KE-04.
#[tokio::test]
async fn the_keys_of_the_built_in_ca_are_sealed() {
    let server = Server::with_built_in_ca().await;
    let key = server.administer_ca(async |ca| ca.export_root_key().await).await.unwrap();

    for row in authorities::all(server.app().store.db()).await.unwrap() {
        let sealed = row.sealed.unwrap();
        let secret = &key[40..60];
        assert!(!sealed.windows(secret.len()).any(|window| window == secret));
        let opened =
            server.app().keyring.kek().open(Owner(seal::Kind::Authority, "another"), &sealed);
        assert!(opened.is_err(), "the ciphertext is bound to its row");
    }
}
