//! The inventory of certificates: registered and presented ones, their clients, and their state.

use gatewright::pki::Reason;
use gatewright::pki::inventory;
use gatewright::pki::inventory::State;
use gatewright::pki::sightings::MAX_PER_CLIENT;
use gatewright::store::certificates::Origin;
use gatewright::types::Timestamp;
use rcgen::KeyPair;
use serde_json::json;

use kit::inventory::{DAY, SelfSignedCertificate};
use kit::server::{Client, START_TIME, Server};

/// Issue 3: every client certificate known to the server: registered (by value, in `jwks`) …; client,
/// subject, SANs, issuer, serial, thumbprint, key type and size, not-before, not-after.
#[tokio::test]
async fn a_registered_certificate_is_in_the_inventory() {
    let server = Server::start().await;
    let certificate = SelfSignedCertificate::new("billing", 90);

    let client = server.register_with_certificates(&[&certificate]).await;

    let found = server.certificates_of(&client).await;
    let [entry] = &found[..] else { panic!("{found:?}") };
    let row = &entry.certificate;
    assert_eq!(row.thumbprint, certificate.certificate.thumbprint);
    assert_eq!(row.public_key, certificate.certificate.public_key);
    assert_eq!(row.origin, Origin::Registered);
    assert_eq!(row.subject, "CN=billing,O=Acme\\, Inc.");
    assert_eq!(row.issuer, row.subject);
    assert_eq!(row.names, ["DNS:billing.example"]);
    assert_eq!((row.key_type.as_str(), row.key_bits), ("EC P-256", 256));
    assert_eq!((row.not_before.0, row.not_after.0), (START_TIME, START_TIME + 90 * DAY));
    assert_eq!(row.der, certificate.certificate.der().to_vec());
    assert_eq!(entry.state, State::Valid);
    assert_eq!(entry.holders[0].client_id.as_str(), client.id);
    assert_eq!(entry.holders[0].registered_at, Some(Timestamp(START_TIME)));
    assert_eq!(entry.holders[0].last_used_at, None);
}

/// A certificate that was removed from a registration stays in the inventory, as seen.
#[tokio::test]
async fn a_certificate_removed_from_the_registration_is_kept_as_seen() {
    let server = Server::start().await;
    let (old, new) = (SelfSignedCertificate::new("old", 30), SelfSignedCertificate::new("new", 90));
    let client = server.register_with_certificates(&[&old]).await;
    let other = server.register_with_certificates(&[&old]).await;

    let jwks = json!({ "keys": [new.jwk()] });
    server.update_client(&client, |metadata| metadata.jwks = Some(jwks.clone())).await;

    let found = server.certificates_of(&client).await;
    let origins: Vec<_> = found.iter().map(|entry| entry.certificate.origin).collect();
    assert_eq!(
        origins,
        [Origin::Registered; 2],
        "the other client still has the old one registered"
    );
    let of_client =
        |key: &&gatewright::store::certificates::Holder| key.client_id.as_str() == client.id;
    let registered = |n: usize| found[n].holders.iter().find(of_client).unwrap().registered_at;
    assert_eq!((registered(0), registered(1)), (None, Some(Timestamp(START_TIME))));

    server.update_client(&other, |metadata| metadata.jwks = Some(jwks.clone())).await;
    let found = server.certificates_of(&client).await;
    assert_eq!(found[0].certificate.origin, Origin::Seen);
}

/// Issue 3: first and last use. A certificate that several clients present is one entry with several
/// holders.
#[tokio::test]
async fn a_presented_certificate_is_recorded_with_its_clients_and_times() {
    let server = Server::start().await;
    let certificate = SelfSignedCertificate::new("shared", 90);
    let (one, other) = (server.service().await, server.service().await);

    server.record_sighting(&certificate, &one);
    server.flush_sightings().await;
    server.advance_clock(3600);
    server.record_sighting(&certificate, &other);
    server.record_sighting(&certificate, &other);
    server.flush_sightings().await;

    let found = server.certificates_of(&other).await;
    let [entry] = &found[..] else { panic!("{found:?}") };
    assert_eq!(entry.certificate.origin, Origin::Seen);
    assert_eq!(entry.certificate.first_seen_at, Timestamp(START_TIME));
    assert_eq!(entry.certificate.last_used_at, Some(Timestamp(START_TIME + 3600)));
    let used = |client: &Client| {
        let mut holders = entry.holders.iter();
        holders.find(|key| key.client_id.as_str() == client.id).unwrap().last_used_at
    };
    assert_eq!(used(&one), Some(Timestamp(START_TIME)));
    assert_eq!(used(&other), Some(Timestamp(START_TIME + 3600)));
}

/// Sightings of the last seconds are written when a server stops.
#[tokio::test]
async fn a_server_that_stops_writes_its_sightings() {
    let server = Server::start().await;
    let certificate = SelfSignedCertificate::new("late", 90);
    let client = server.service().await;

    server.record_sighting(&certificate, &client);
    let server = server.restart().await;

    assert_eq!(server.certificates_of(&client).await.len(), 1);
}

/// THREATS DO-11, DO-12: a client that presents a new certificate each time fills neither memory nor
/// database; registered certificates stay.
#[tokio::test]
async fn the_inventory_keeps_a_limited_number_of_sightings_per_client() {
    let server = Server::start().await;
    let registered = SelfSignedCertificate::new("registered", 90);
    let client = server.register_with_certificates(&[&registered]).await;
    let more = MAX_PER_CLIENT + 20;

    for n in 0..more {
        server.record_sighting(&SelfSignedCertificate::new(&format!("n{n}"), 90), &client);
        if n % 50 == 0 {
            server.flush_sightings().await;
        }
        server.advance_clock(1);
    }
    server.flush_sightings().await;

    let found = server.certificates_of(&client).await;
    assert!(i64::try_from(found.len()).unwrap() <= MAX_PER_CLIENT + 1, "{}", found.len());
    let is_there = |certificate: &SelfSignedCertificate| {
        found.iter().any(|entry| entry.certificate.thumbprint == certificate.certificate.thumbprint)
    };
    assert!(is_there(&registered));
    assert!(
        found.iter().any(|entry| entry.certificate.subject.contains(&format!("n{}", more - 1)))
    );
}

/// A revocation is recorded once, is permanent, and applies to a certificate that is seen only later.
#[tokio::test]
async fn a_revocation_is_recorded_once_and_is_permanent() {
    let server = Server::start().await;
    let certificate = SelfSignedCertificate::new("leaked", 90);
    let client = server.service().await;

    server.revoke_by_file(&certificate).await.unwrap();
    let again = server.revoke_by_file(&certificate).await;
    server.advance_clock(60);
    server.record_sighting(&certificate, &client);
    server.flush_sightings().await;

    assert!(again.is_err());
    let found = server.certificates_of(&client).await;
    assert_eq!(found[0].state, State::Revoked);
    assert_eq!(found[0].certificate.revoked_at, Some(Timestamp(START_TIME)));
    assert_eq!(found[0].certificate.reason.as_deref(), Some("keyCompromise"));
    assert_eq!(server.audit_events("certificate.revoked").await.len(), 1);
}

/// A certificate that was revoked for another reason may later turn out to have a compromised key. That
/// reason is recorded, and no further one.
#[tokio::test]
async fn a_revocation_can_be_raised_to_key_compromise() {
    let server = Server::start().await;
    let certificate = SelfSignedCertificate::new("leaked", 90);
    let client = server.register_with_certificates(&[&certificate]).await;
    let app = server.app();
    let has_key = async || {
        app.confirm().await.unwrap();
        app.cache.revoked().await.unwrap().has_key(certificate.certificate.public_key)
    };
    let revoke = async |reason| {
        let trace = server.trace();
        let row = inventory::seen_row(&certificate.certificate, trace.now());
        server.inventory(&trace).revoke(&row, reason).await
    };

    revoke(Reason::Unspecified).await.unwrap();
    assert!(!has_key().await);
    revoke(Reason::Superseded).await.unwrap_err();
    server.advance_clock(60);
    revoke(Reason::KeyCompromise).await.unwrap();

    assert!(has_key().await);
    revoke(Reason::Unspecified).await.unwrap_err();
    revoke(Reason::KeyCompromise).await.unwrap_err();
    let found = server.certificates_of(&client).await;
    assert_eq!(
        found[0].certificate.revoked_at,
        Some(Timestamp(START_TIME)),
        "the time of the first revocation stays"
    );
    assert_eq!(found[0].certificate.reason.as_deref(), Some("keyCompromise"));
    let events = server.audit_events("certificate.revoked").await;
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[0].facts.contains("keyCompromise"));
}

/// Certificates are deleted 90 days after they expired. A revoked one with a compromised key stays,
/// because the key may reappear in another certificate.
#[tokio::test]
async fn certificates_are_deleted_90_days_after_they_expired() {
    let server = Server::start().await;
    let leaked = SelfSignedCertificate::new("leaked", 1);
    let all =
        [&SelfSignedCertificate::new("short", 1), &SelfSignedCertificate::new("long", 60), &leaked];
    let client = server.register_with_certificates(&all).await;
    server.revoke_by_file(&leaked).await.unwrap();
    server.advance_clock(92 * DAY);

    gatewright::store::sweep::once(&server.app().store, server.trace().now()).await.unwrap();

    let found = server.certificates_of(&client).await;
    let subjects: Vec<_> = found.iter().map(|entry| entry.certificate.subject.as_str()).collect();
    assert_eq!(subjects, ["CN=leaked,O=Acme\\, Inc.", "CN=long,O=Acme\\, Inc."]);
}

/// Certificates that the built-in CA issued are kept for a week after they expired. The last one of a
/// client is kept like all others, because it says when the client stopped.
#[tokio::test]
async fn replaced_issued_certificates_are_deleted_a_week_after_they_expired() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    let mut issued = Vec::new();
    for _ in 0..3 {
        let key = KeyPair::generate().unwrap();
        issued.push(server.issue_certificate(&client, &key).await.unwrap().thumbprint);
        server.advance_clock(DAY);
    }
    let left = async || {
        gatewright::store::sweep::once(&server.app().store, server.trace().now()).await.unwrap();
        let found = server.certificates_of(&client).await;
        found.iter().map(|entry| entry.certificate.thumbprint).collect::<Vec<_>>()
    };

    server.advance_clock(4 * DAY);
    assert_eq!(left().await, issued);
    server.advance_clock(DAY);
    assert_eq!(left().await, issued[1..], "eight days after the first one began");
    server.advance_clock(80 * DAY);
    assert_eq!(left().await, issued[2..]);
    server.advance_clock(10 * DAY);
    assert!(left().await.is_empty());
}
