//! RFC 8555, Automatic Certificate Management Environment; RFC 8737, `tls-alpn-01`: against Pebble.

use std::sync::Arc;

use gatewright::config::{AcmeChallenge, AcmeDirectory, Config, EncryptionKeys, MtlsUrl};
use gatewright::jose::seal::{Kind, Owner};
use gatewright::store::{acme, jobs, sql};
use gatewright::types::Seconds;
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use sqlx_macros::FromRow;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::asn1_rs::oid;

use kit::ca::Ca;
use kit::pebble::Pebble;
use kit::server::{START_TIME, Server};
use kit::stapling::StapleRecorder;
use kit::tables::rename_table;
use kit::tls_client::{HOST, MTLS_HOST, TlsClient};

/// Longer than the delay after a failed order, and longer than the lease of one.
const AFTER_BACKOFF: i64 = 601;

/// The time by which the CA dates its certificates.
#[expect(clippy::disallowed_methods, reason = "Pebble has no clock that we could wind")]
fn system_time() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// A server whose certificate comes from this CA, with both names on one port.
async fn start_server(pebble: &Pebble, change: impl FnOnce(&mut Config)) -> Server {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let server = Server::with(|config| {
        config.tls.listen = listen.clone();
        config.tls.redirect_listen = listen;
        config.mtls.url = MtlsUrl::parse(&format!("https://{MTLS_HOST}")).ok();
        config.acme.directory = pebble.url().parse().ok().map(AcmeDirectory);
        config.acme.terms_agreed = true;
        config.outbound.ca_files = vec![pebble.ca_file()];
        change(config);
    })
    .await;
    // The background job of the server tries first: wait until it has failed, and then hold its lease
    // until a test orders.
    let has_failed = r#"gatewright_jobs_total{job="acme",outcome="failure"} 1"#;
    while !server.app().metrics.render(0, 0).contains(has_failed) {
        tokio::task::yield_now().await;
    }
    server.advance_clock(system_time() - START_TIME);
    let (store, now) = (server.app().store.db(), server.trace().now());
    // As long as a real lease: a longer one would be treated as written by a wrong clock.
    let (every, lease) = (Seconds(0), Seconds::minutes(5));
    assert!(jobs::lease(store, "acme", "nobody", every, lease, now).await.unwrap());
    server
}

/// Such a server, and the running CA.
async fn start() -> (Pebble, Server) {
    let mut pebble = Pebble::new();
    let server = start_server(&pebble, |_| {}).await;
    pebble.start(None, Some(server.addresses().tls[0])).await;
    (pebble, server)
}

/// Lets the server order for the first time; returns a client that trusts the CA, and the certificate.
async fn order_first(pebble: &Pebble, server: &Server) -> (TlsClient, CertificateDer<'static>) {
    order(server).await;
    let tls_client = TlsClient::with_root(pebble.root().await);
    let certificate = presented_certificate(server, &tls_client, HOST).await;
    (tls_client, certificate)
}

/// The certificate that the server presents for a name.
async fn presented_certificate(
    server: &Server,
    tls_client: &TlsClient,
    name: &str,
) -> CertificateDer<'static> {
    let stream = tls_client.connect(server.addresses().tls[0], name).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Lets the server order, and use the certificate. The background job may have begun already.
async fn order(server: &Server) {
    server.advance_clock(AFTER_BACKOFF);
    server.running().order().await.unwrap();
    server.running().reload().await;
}

#[derive(FromRow)]
struct StoredCertificate {
    chain: Option<String>,
    sealed: Option<Vec<u8>>,
    due_at: i64,
    failures: i64,
}

async fn stored_certificate(server: &Server) -> StoredCertificate {
    let query = sql("SELECT chain, sealed, due_at, failures FROM acme_certificates");
    query.fetch_one(server.app().store.db()).await.unwrap()
}

/// The number of orders with this outcome.
async fn count_orders(server: &Server, outcome: &str) -> usize {
    let events = server.audit_events("tls_certificate.ordered").await;
    events.iter().filter(|event| event.outcome == outcome).count()
}

/// > When presenting the certificate […] the ACME server validates control of the domain name by connecting to
/// > a TLS server […] and verifying that a certificate with specific content is presented (RFC 8737 §3)
#[tokio::test(flavor = "multi_thread")]
async fn names_are_validated_by_tls_alpn_01() {
    let (pebble, server) = start().await;

    let (tls_client, certificate) = order_first(&pebble, &server).await;

    assert_eq!(
        presented_certificate(&server, &tls_client, MTLS_HOST).await,
        certificate,
        "one for both names"
    );
    server
        .request("GET", "/")
        .over_tls(&tls_client, server.addresses().tls[0], HOST)
        .send()
        .await
        .ok();
    let stored = stored_certificate(&server).await;
    assert!(stored.chain.unwrap().contains("BEGIN CERTIFICATE"));
    let sealed = stored.sealed.unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("PRIVATE"), "the key is sealed");
}

/// > The server MUST serve […] the key authorization […] at the path "/.well-known/acme-challenge/"
/// > followed by the token (RFC 8555 §8.3, in our words)
///
/// Every replica serves it.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_validated_by_http_01_at_any_replica() {
    let mut pebble = Pebble::new();
    let http = |config: &mut Config| config.acme.challenge = AcmeChallenge::Http01;
    let server = start_server(&pebble, http).await;
    let other = server.replica().await;
    pebble.start(Some(other.addresses().redirect[0]), None).await;

    order(&server).await;
    other.running().reload().await;

    let tls_client = TlsClient::with_root(pebble.root().await);
    let certificate = presented_certificate(&server, &tls_client, HOST).await;
    assert_eq!(
        presented_certificate(&other, &tls_client, HOST).await,
        certificate,
        "all replicas present it"
    );
    assert_eq!(count_orders(&server, "success").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_replicas_one_orders() {
    let mut pebble = Pebble::new();
    let server = start_server(&pebble, |_| {}).await;
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(server.replica().await);
    }
    pebble.start(None, Some(server.addresses().tls[0])).await;
    server.advance_clock(AFTER_BACKOFF);

    let (a, b, c, d) = tokio::join!(
        server.running().order(),
        replicas[0].running().order(),
        replicas[1].running().order(),
        replicas[2].running().order(),
    );
    for outcome in [a, b, c, d] {
        outcome.unwrap();
    }

    assert_eq!(count_orders(&server, "success").await, 1);
}

/// If two replicas consider it their turn, one statement decides.
#[tokio::test(flavor = "multi_thread")]
async fn of_16_racing_turns_to_order_one_is_taken() {
    let server = Server::start().await;
    let (store, now) = (server.app().store.clone(), server.trace().now());
    for (at, due_at) in [(now, now + Seconds(600)), (now + Seconds(600), now + Seconds(1800))] {
        let taking: Vec<_> = (0..16)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { acme::take_turn(store.db(), "id", at, due_at).await })
            })
            .collect();
        let mut leases = 0;
        for one in taking {
            leases += usize::from(one.await.unwrap().unwrap());
        }
        assert_eq!(leases, 1);
        assert!(!acme::take_turn(store.db(), "id", due_at - Seconds(1), due_at).await.unwrap());
    }
    assert_eq!(stored_certificate(&server).await.failures, 2);
}

/// At two thirds of its lifetime, and without closing a connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_at_two_thirds_of_its_lifetime() {
    let (pebble, server) = start().await;
    let (tls_client, first) = order_first(&pebble, &server).await;
    let due_in = stored_certificate(&server).await.due_at - system_time();

    server.advance_clock(due_in - 2 * AFTER_BACKOFF);
    order(&server).await;
    assert_eq!(
        presented_certificate(&server, &tls_client, HOST).await,
        first,
        "no renewal before it is due"
    );
    server.advance_clock(AFTER_BACKOFF);
    order(&server).await;

    assert_ne!(presented_certificate(&server, &tls_client, HOST).await, first);
    assert_eq!(count_orders(&server, "success").await, 2);
}

/// The current certificate stays in use. Retries back off, because CAs limit failures.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_order_is_retried_with_backoff() {
    let (mut pebble, server) = start().await;
    let (tls_client, first) = order_first(&pebble, &server).await;
    pebble.stop().await;
    server.advance_clock(stored_certificate(&server).await.due_at - system_time());

    for failures in 1..=3 {
        server.advance_clock(AFTER_BACKOFF << (failures - 1));
        server.running().order().await.unwrap_err();
        assert_eq!(stored_certificate(&server).await.failures, failures);
        server.advance_clock(AFTER_BACKOFF / 2);
        server.running().order().await.unwrap();
        assert_eq!(stored_certificate(&server).await.failures, failures, "no immediate retry");
    }

    server.running().reload().await;
    assert_eq!(presented_certificate(&server, &tls_client, HOST).await, first);
    assert_eq!(count_orders(&server, "success").await, 1);
}

/// CAs also limit the certificates that they issue (RFC 8555 §6.6): a certificate that was issued but
/// could not be stored is not ordered again immediately.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_stored_is_not_ordered_again_at_once() {
    let (pebble, server) = start().await;
    let (tls_client, first) = order_first(&pebble, &server).await;
    server.advance_clock(stored_certificate(&server).await.due_at - system_time());

    rename_table(&server, "audit_events", "elsewhere").await;
    server.running().order().await.unwrap_err();
    rename_table(&server, "elsewhere", "audit_events").await;

    let put_off = stored_certificate(&server).await;
    assert_eq!(put_off.due_at, server.trace().now().0 + 600);
    assert_eq!(put_off.failures, 1);
    // Longer than the lease of the failed order.
    server.advance_clock(301);
    server.running().order().await.unwrap();
    assert_eq!(count_orders(&server, "success").await, 1, "no immediate retry");
    assert_eq!(stored_certificate(&server).await.due_at, put_off.due_at);
    server.advance_clock(299);
    order(&server).await;
    assert_eq!(count_orders(&server, "success").await, 2);
    assert_ne!(presented_certificate(&server, &tls_client, HOST).await, first);
    assert_eq!(stored_certificate(&server).await.failures, 0);
}

/// When the CA has no such account any more, as a test CA after a restart, a new account is created.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_unknown_to_the_ca_is_created_again() {
    let (mut pebble, server) = start().await;
    order(&server).await;
    pebble.stop().await;
    pebble.start(None, Some(server.addresses().tls[0])).await;
    server.advance_clock(stored_certificate(&server).await.due_at - system_time());

    server.advance_clock(AFTER_BACKOFF);
    server.running().order().await.unwrap_err();
    order(&server).await;

    assert_eq!(count_orders(&server, "success").await, 2);
}

/// > The TLS server MUST provide a certificate with […] a subjectAltName extension containing the dNSName being
/// > validated and no other entries, [and] a critical acmeIdentifier extension (RFC 8737 §3)
///
/// The challenge certificate is presented to that protocol only, and only for pending challenges.
#[tokio::test]
async fn the_challenge_certificate_is_presented_for_pending_challenges_only() {
    let pebble = Pebble::new();
    let server = start_server(&pebble, |_| {}).await;
    let (store, now) = (server.app().store.db(), server.trace().now());
    acme::store_challenge(store, "token", HOST, "token.thumbprint", now + Seconds(60))
        .await
        .unwrap();
    let tls_client = TlsClient::new(&Ca::new("Nobody"), None).with_config(|config| {
        config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
        config.dangerous().set_certificate_verifier(Arc::new(StapleRecorder::default()));
    });
    let connect = async |name| tls_client.connect(server.addresses().tls[0], name).await;

    let stream = connect(HOST).await.unwrap();
    let client_certificate = stream.get_ref().1;

    assert_eq!(client_certificate.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    let certificate = &client_certificate.peer_certificates().unwrap()[0];
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).unwrap();
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(names.value.general_names, [GeneralName::DNSName(HOST)]);
    let identifier = oid!(1.3.6.1.5.5.7.1.31);
    let response = certificate.get_extension_unique(&identifier).unwrap().unwrap();
    assert!(response.critical);
    assert_eq!(response.value[2..], Sha256::digest("token.thumbprint")[..]);
    assert!(connect(MTLS_HOST).await.is_err(), "no challenge is pending for this name");
    server.advance_clock(61);
    assert!(connect(HOST).await.is_err(), "the challenge has expired");
}

/// RFC 8555 §8.3: only pending challenges get a response.
#[tokio::test]
async fn an_unknown_challenge_gets_no_response() {
    let pebble = Pebble::new();
    let server = start_server(&pebble, |_| {}).await;
    let tls_client = TlsClient::new(&Ca::new("Nobody"), None);
    let alpn =
        tls_client.with_config(|config| config.alpn_protocols = vec![b"acme-tls/1".to_vec()]);

    let response = server.get("/.well-known/acme-challenge/abc").await;
    response.refused(404, "not_found");
    assert!(alpn.connect(server.addresses().tls[0], HOST).await.is_err());
}

/// Decision 10: a new key-encryption key reseals the rows of ACME too.
#[tokio::test]
async fn account_and_certificate_keys_are_resealed_under_a_new_key() {
    let server = Server::start().await;
    let (store, now) = (server.app().store.db(), server.trace().now());
    let account = Owner(Kind::AcmeAccount, "directory");
    let certificate = Owner(Kind::AcmeCertificate, "id");
    let sealed = |owner| server.app().keyring.kek().seal(owner, b"private");
    acme::store_account(store, "directory", &sealed(account), now).await.unwrap();
    acme::store_certificate(store, "id", "chain", &sealed(certificate), now).await.unwrap();

    let keys = format!("{}=\n{}=", "B".repeat(42) + "A", "A".repeat(43));
    let newer = server.replica_with(|config| {
        config.keys.encryption_key = EncryptionKeys::parse(&keys);
    });
    let newer = newer.await;

    let kek = newer.app().keyring.kek();
    let rows = acme::sealed(store).await.unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert!(kek.is_current(&row.sealed), "{}", row.owner);
        let owner = if row.is_account { account } else { certificate };
        assert_eq!(kek.open(owner, &row.sealed).ok().unwrap().as_slice(), b"private");
    }
}
