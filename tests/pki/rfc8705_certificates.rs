//! RFC 8705 §2, client authentication by certificates. THREATS MT-01 to MT-03.

use gatewright::config::{CertificateHeader, ClientCertificates, Revocation, TrustAnchorSet};
use gatewright::flow::clients::registration::Registrar;
use gatewright::pki::anchors::Trust;
use gatewright::store::clients;
use gatewright::types::client::Metadata;
use gatewright::types::{ClientId, Code, Error, Refusal};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use kit::built_in_ca::TempDir;
use kit::client_certificates::{
    ClientCa, ClientCertificate, server_behind_proxy, server_behind_proxy_with, subject,
    trust_proxy,
};
use kit::http::Response;
use kit::jwks_server::JwksServer;
use kit::server::{Client, START_TIME, Server};

/// A service that authenticates with a certificate that has this name.
async fn register_service(server: &Server, member: &str, name: &str) -> Client {
    server
        .register(json!({
            "grant_types": ["client_credentials"],
            "scope": "read",
            "token_endpoint_auth_method": "tls_client_auth",
            member: name,
        }))
        .await
}

async fn register_backup(server: &Server) -> Client {
    register_service(server, "tls_client_auth_subject_dn", "CN=Backup,O=Example").await
}

async fn request_token(
    server: &Server,
    client: &Client,
    certificate: &ClientCertificate,
) -> Response {
    let form = format!("grant_type=client_credentials&client_id={}", client.id);
    server.request("POST", "/token").form(&form).client_cert(certificate).send().await
}

fn dns_name(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn uri_name(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

fn email_name(mail: &str) -> SanType {
    SanType::Rfc822Name(mail.try_into().unwrap())
}

fn ip_name(ip: &str) -> SanType {
    SanType::IpAddress(ip.parse().unwrap())
}

/// > exactly one of the below metadata parameters to indicate the certificate subject value that the
/// > authorization server is to expect (§2.1.2); THREATS MT-01
#[tokio::test]
async fn a_certificate_authenticates_the_client_registered_with_its_name() {
    let (server, ca) = server_behind_proxy().await;
    let other_names = [
        dns_name("other.example"),
        uri_name("urn:other"),
        ip_name("192.0.2.1"),
        email_name("a@b.example"),
    ];
    for (member, registered, right, wrong) in [
        (
            "tls_client_auth_san_dns",
            "backup.example.org",
            vec![dns_name("BACKUP.example.org")],
            vec![
                dns_name("*.example.org"),
                dns_name("backup.example.org.evil.example"),
                dns_name("a.backup.example.org"),
                uri_name("backup.example.org"),
                email_name("a@backup.example.org"),
            ],
        ),
        (
            "tls_client_auth_san_uri",
            "spiffe://example.org/ns/prod/sa/backup",
            vec![uri_name("spiffe://example.org/ns/prod/sa/backup")],
            vec![
                uri_name("spiffe://example.org/ns/prod/sa/Backup"),
                uri_name("spiffe://EXAMPLE.org/ns/prod/sa/backup"),
                uri_name("spiffe://example.org/ns/prod/sa/backup/"),
                uri_name("spiffe://example.org/ns/prod/sa/%62ackup"),
                uri_name("spiffe://example.org/ns/prod/sa"),
            ],
        ),
        (
            "tls_client_auth_san_ip",
            "2001:db8:0:0::7",
            vec![ip_name("2001:db8::7")],
            vec![ip_name("2001:db8::8"), dns_name("x2001-db8--7")],
        ),
        (
            "tls_client_auth_san_email",
            "Backup@Example.org",
            vec![email_name("Backup@eXample.ORG")],
            vec![email_name("backup@example.org"), email_name("Backup@example.org.evil.example")],
        ),
    ] {
        let client = register_service(&server, member, registered).await;
        let with =
            |names: Vec<SanType>| ca.issue("Somebody", |params| params.subject_alt_names = names);

        request_token(&server, &client, &with(right.clone())).await.ok();
        let among = other_names.iter().cloned().chain(right).collect();
        request_token(&server, &client, &with(among)).await.ok();
        for wrong in wrong.into_iter().map(|name| vec![name]).chain([other_names.to_vec(), vec![]])
        {
            let response = request_token(&server, &client, &with(wrong.clone())).await;
            assert_eq!(response.status, 401, "{registered}: {wrong:?}");
            response.refused(401, "invalid_client");
        }
        // The subject is not searched for alternative names.
        let in_subject = ca.issue(registered, |_| {});
        request_token(&server, &client, &in_subject).await.refused(401, "invalid_client");
    }
}

/// > tls_client_auth_subject_dn: A string representation -- as defined in [RFC4514] -- of the expected
/// > subject distinguished name (§2.1.2); THREATS MT-01
#[tokio::test]
async fn a_subject_must_match_completely_and_by_attribute() {
    let (server, ca) = server_behind_proxy().await;
    let client = register_backup(&server).await;
    let with = |change: &dyn Fn(&mut CertificateParams)| ca.issue("Backup", |p| change(p));

    request_token(&server, &client, &with(&|_| {})).await.ok();
    let folded = |params: &mut CertificateParams| params.distinguished_name = subject("  BACKUP ");
    request_token(&server, &client, &with(&folded)).await.ok();

    let more = |params: &mut CertificateParams| {
        params.distinguished_name.push(DnType::OrganizationalUnitName, "IT");
    };
    let other_order = |params: &mut CertificateParams| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Backup");
        params.distinguished_name.push(DnType::OrganizationName, "Example");
    };
    let in_one = |params: &mut CertificateParams| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Backup,O=Example");
    };
    let longer = |params: &mut CertificateParams| params.distinguished_name = subject("Backup2");
    let shorter = |params: &mut CertificateParams| params.distinguished_name = subject("Back");
    let no_subject = |params: &mut CertificateParams| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.subject_alt_names = vec![dns_name("Backup")];
    };
    for change in [&more as &dyn Fn(&mut _), &other_order, &in_one, &longer, &shorter, &no_subject]
    {
        request_token(&server, &client, &with(change)).await.refused(401, "invalid_client");
    }
}

/// THREATS MT-03: certificates with a single fault.
#[tokio::test]
async fn an_invalid_certificate_authenticates_no_client() {
    let root = ClientCa::new("Clients CA");
    let lookalike = ClientCa::new("Clients CA");
    let until = date_time_ymd(2026, 11, 1);
    let server = server_behind_proxy_with(&root).await;
    let client = register_backup(&server).await;
    let issuing = root.intermediate("Issuing CA", |_| {});
    let expired_ca = root.intermediate("Expired CA", |params| params.not_after = until);
    let short =
        root.intermediate("Short CA", |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let too_deep = short.intermediate("Too deep", |_| {});
    let for_lists = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    let may_not = root.intermediate("May not issue", |params| params.key_usages = for_lists);
    let without_key_usage =
        root.intermediate("Does not say", |params| params.key_usages = Vec::new());
    let not_ca = root.intermediate("Not a CA", |params| params.is_ca = IsCa::ExplicitNoCa);
    let confined = root.intermediate("Confined CA", |params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("inside.example".to_owned())];
        let excluded_subtrees = Vec::new();
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees });
    });

    request_token(&server, &client, &root.issue("Backup", |_| {})).await.ok();
    request_token(&server, &client, &issuing.issue("Backup", |_| {})).await.ok();
    request_token(&server, &client, &short.issue("Backup", |_| {})).await.ok();
    request_token(&server, &client, &without_key_usage.issue("Backup", |_| {})).await.ok();
    let inside =
        confined.issue("Backup", |p| p.subject_alt_names = vec![dns_name("a.inside.example")]);
    request_token(&server, &client, &inside).await.ok();
    let bare = root.issue("Backup", |params| {
        params.key_usages = Vec::new();
        params.extended_key_usages = Vec::new();
    });
    request_token(&server, &client, &bare).await.ok();

    let server_auth = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut orphan = issuing.issue("Backup", |_| {});
    orphan.chain.clear();
    let mut forged = root.issue("Backup", |_| {});
    *forged.der.last_mut().unwrap() ^= 1;
    let mut texts = Vec::new();
    for (what, certificate) in [
        ("expired", root.issue("Backup", |params| params.not_after = until)),
        ("not yet", root.issue("Backup", |p| p.not_before = date_time_ymd(2027, 11, 1))),
        ("another CA of this name", lookalike.issue("Backup", |_| {})),
        ("its own CA", ClientCertificate::self_signed("Backup")),
        ("a server's", root.issue("Backup", |p| p.extended_key_usages = server_auth.clone())),
        (
            "anything",
            root.issue("Backup", |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]),
        ),
        ("CA:TRUE", root.issue("Backup", |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))),
        (
            "not for signing",
            root.issue("Backup", |p| p.key_usages = vec![KeyUsagePurpose::KeyEncipherment]),
        ),
        ("no intermediate", orphan),
        ("expired intermediate", expired_ca.issue("Backup", |_| {})),
        ("path length", too_deep.issue("Backup", |_| {})),
        ("issued by a CA that may not issue", may_not.issue("Backup", |_| {})),
        ("issued by no CA", not_ca.issue("Backup", |_| {})),
        (
            "name constraints",
            confined.issue("Backup", |p| p.subject_alt_names = vec![dns_name("outside.example")]),
        ),
        ("forged", forged),
        ("somebody else's", root.issue("Other", |_| {})),
    ] {
        let response = request_token(&server, &client, &certificate).await;
        assert_eq!(response.status, 401, "{what}");
        texts.push(response.refused(401, "invalid_client").text);
    }
    let unknown_client = Client { id: "unknown".to_owned(), secret: String::new() };
    let good = root.issue("Backup", |_| {});
    texts.push(
        request_token(&server, &unknown_client, &good).await.refused(401, "invalid_client").text,
    );
    server.disable_client(&client).await;
    texts.push(request_token(&server, &client, &good).await.refused(401, "invalid_client").text);

    texts.dedup();
    assert_eq!(texts.len(), 1, "the same response for all: {texts:?}");
}

/// A CA certificate authenticates no client, even if it is trusted and has the registered name.
#[tokio::test]
async fn a_ca_certificate_authenticates_no_client() {
    let signing = |params: &mut CertificateParams| {
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    };
    let root = ClientCa::with_params("Clients CA", signing);
    let server = server_behind_proxy_with(&root).await;
    let client =
        register_service(&server, "tls_client_auth_subject_dn", "CN=Clients CA,O=Example").await;
    let der = CertificateDer::from_pem_slice(root.pem().as_bytes()).unwrap().to_vec();
    let below = root.intermediate("Clients CA", signing);
    let key = || KeyPair::generate().unwrap();

    request_token(&server, &client, &root.issue("Clients CA", |_| {})).await.ok();

    let itself = ClientCertificate { der, chain: Vec::new(), key: key() };
    request_token(&server, &client, &itself).await.refused(401, "invalid_client");
    let intermediate = below.issue("Backup", |_| {}).chain.remove(0);
    let intermediate = ClientCertificate { der: intermediate, chain: Vec::new(), key: key() };
    request_token(&server, &client, &intermediate).await.refused(401, "invalid_client");
    let events = format!("{:?}", server.audit_events("request.refused").await);
    assert_eq!(events.matches("CaUsedAsEndEntity").count(), 2, "{events}");
}

/// A verified chain is cached; its dates are checked at every request. THREATS MT-03
#[tokio::test]
async fn the_dates_of_a_cached_chain_are_checked_at_every_request() {
    let (server, ca) = server_behind_proxy().await;
    let client = register_backup(&server).await;
    let year = |year| date_time_ymd(year, 1, 1);
    let to = year(2027).unix_timestamp() - START_TIME;
    let late = ca.intermediate("Late CA", |params| params.not_before = year(2027));
    let old = ca.issue("Backup", |params| params.not_after = year(2027));
    let new = ca.issue("Backup", |params| params.not_before = year(2027));
    let below = late.issue("Backup", |_| {});

    request_token(&server, &client, &old).await.ok();
    request_token(&server, &client, &new).await.refused(401, "invalid_client");
    request_token(&server, &client, &below).await.refused(401, "invalid_client");
    server.advance_clock(to);
    request_token(&server, &client, &old).await.ok();
    request_token(&server, &client, &new).await.ok();
    request_token(&server, &client, &below).await.ok();
    server.advance_clock(1);
    request_token(&server, &client, &old).await.refused(401, "invalid_client");
    request_token(&server, &client, &new).await.ok();
}

/// A root and its successor, with the same name and key, are in one file for years: certificates are
/// valid while either is, in whichever order they appear, and invalid when both have expired.
#[tokio::test]
async fn an_expired_root_does_not_hide_its_successor() {
    let from = |year, month| date_time_ymd(year, month, 1);
    for is_old_first in [true, false] {
        let old = ClientCa::with_params("Clients CA", |params| {
            params.not_before = from(2026, 12);
            params.not_after = from(2028, 1);
        });
        let new = old.renewed_pem("Clients CA", |params| {
            params.not_before = from(2027, 6);
            params.not_after = from(2029, 1);
        });
        let both = if is_old_first { [old.pem(), new] } else { [new, old.pem()] };
        std::fs::write(old.pem_file(), both.concat()).unwrap();
        let server = server_behind_proxy_with(&old).await;
        let client = register_backup(&server).await;
        let certificate = old.intermediate("Issuing CA", |_| {}).issue("Backup", |_| {});
        let mut at = START_TIME;
        let mut until = |date: time::OffsetDateTime| {
            server.advance_clock(date.unix_timestamp() - at);
            at = date.unix_timestamp();
        };

        let what = format!("the old one first: {is_old_first}");
        request_token(&server, &client, &certificate).await.refused(401, "invalid_client");
        until(from(2027, 1));
        assert_eq!(
            request_token(&server, &client, &certificate).await.status,
            200,
            "the old one alone; {what}"
        );
        until(from(2027, 12));
        assert_eq!(request_token(&server, &client, &certificate).await.status, 200, "both; {what}");
        until(from(2028, 2));
        assert_eq!(
            request_token(&server, &client, &certificate).await.status,
            200,
            "the new one alone; {what}"
        );
        until(from(2029, 2));
        request_token(&server, &client, &certificate).await.refused(401, "invalid_client");

        let events = server.audit_events("request.refused").await;
        let events: Vec<_> = events.iter().map(|event| event.facts.as_str()).collect();
        let [last, first] = events.as_slice() else { panic!("{events:?}") };
        assert!(first.contains("\"chain\":\"the trust anchor is not valid yet\""), "{first}");
        assert!(last.contains("\"chain\":\"the trust anchor has expired\""), "{last}");
    }
}

/// RFC 5280 §4.2.1.3: a certificate with a keyUsage without keyCertSign is not a CA certificate.
#[tokio::test]
async fn an_anchor_without_key_cert_sign_is_a_configuration_error() {
    let lists = ClientCa::with_params("Lists", |p| p.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let (anchor, file) = (lists.trust_anchor("lists"), lists.pem_file().display());

    let settings = ClientCertificates { anchors: vec![anchor], ..ClientCertificates::default() };
    let refused = Trust::open(&settings).unwrap_err();

    assert_eq!(
        refused.to_string(),
        format!(
            "client_certificates.anchors: {file}: has a CA certificate that may not issue certificates \
             (keyUsage lacks keyCertSign): remove it, or have it reissued with keyCertSign"
        )
    );
}

/// Several CAs in one anchor. A changed file is read again, and a broken one is not used.
#[tokio::test]
async fn cas_can_be_added_to_an_anchor_and_removed() {
    let (server, first) = server_behind_proxy().await;
    let file = first.pem_file();
    let client = register_backup(&server).await;
    let second = ClientCa::new("Second CA");
    let (by_first, by_second) = (first.issue("Backup", |_| {}), second.issue("Backup", |_| {}));
    let reload = || server.app().trust.reload();
    request_token(&server, &client, &by_first).await.ok();
    request_token(&server, &client, &by_second).await.refused(401, "invalid_client");

    std::fs::write(file, [first.pem(), second.pem()].concat()).unwrap();
    reload().unwrap();
    assert!(!reload().unwrap(), "an unchanged file is not loaded again");
    request_token(&server, &client, &by_first).await.ok();
    request_token(&server, &client, &by_second).await.ok();

    for broken in ["", "-----BEGIN CERTIFICATE-----\n", &by_first.pem()] {
        std::fs::write(file, broken).unwrap();
        assert!(reload().is_err(), "{broken}");
        request_token(&server, &client, &by_second).await.ok();
    }
    std::fs::write(file, second.pem()).unwrap();
    reload().unwrap();
    request_token(&server, &client, &by_first).await.refused(401, "invalid_client");
    request_token(&server, &client, &by_second).await.ok();
}

async fn register_with_jwks(server: &Server, certificate: &[&ClientCertificate]) -> Client {
    let keys: Vec<Value> = certificate.iter().map(|certificate| certificate.jwk()).collect();
    server
        .register(json!({
            "grant_types": ["client_credentials"],
            "scope": "read",
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": { "keys": keys },
        }))
        .await
}

/// > the certificate that it presented during the handshake matches one of the certificates configured or
/// > registered for that particular client (§2.2); THREATS MT-02
#[tokio::test]
async fn only_a_registered_certificate_authenticates_its_client() {
    let (server, ca) = server_behind_proxy().await;
    let (old, new) =
        (ClientCertificate::self_signed("Backup"), ClientCertificate::self_signed("Backup"));
    let client = register_with_jwks(&server, &[&old, &new]).await;

    request_token(&server, &client, &old).await.ok();
    request_token(&server, &client, &new).await.ok();

    let same_key = ClientCertificate::self_signed_with(old.clone_key(), "Backup", |_| {});
    assert_ne!(same_key.der, old.der);
    for (what, wrong) in [
        ("the same key", same_key),
        ("an unknown one", ClientCertificate::self_signed("Backup")),
        ("one that an authority issued", ca.issue_for(old.clone_key(), "Backup", |_| {})),
    ] {
        let response = request_token(&server, &client, &wrong).await;
        assert_eq!(response.status, 401, "{what}");
        response.refused(401, "invalid_client");
    }
    let form = format!("grant_type=client_credentials&client_id={}", client.id);
    server.post("/token", &form).await.refused(401, "invalid_client");
    let other = register_with_jwks(&server, &[&ClientCertificate::self_signed("Other")]).await;
    request_token(&server, &other, &old).await.refused(401, "invalid_client");
}

/// §2.2: "the certificates can be [...] referenced by the jwks_uri"; an unknown one causes a fetch of
/// the keys, once a minute at most.
#[tokio::test]
async fn a_client_may_rotate_the_certificates_at_its_jwks_uri() {
    let (old, new) =
        (ClientCertificate::self_signed("Backup"), ClientCertificate::self_signed("Backup"));
    let server = Server::with(|config| {
        trust_proxy(config, CertificateHeader::Rfc9440);
        config.outbound.allow_private_networks = true;
    })
    .await;
    let publisher = JwksServer::start(json!({ "keys": [old.jwk()] })).await;
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "scope": "read",
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks_uri": format!("http://{}/jwks", publisher.address),
        }))
        .await;
    for _ in 0..3 {
        request_token(&server, &client, &old).await.ok();
        request_token(&server, &client, &new).await.refused(401, "invalid_client");
    }
    assert_eq!(publisher.request_count(), 1);

    publisher.publish(Some(json!({ "keys": [new.jwk()] }))).await;
    server.advance_clock(60);
    request_token(&server, &client, &new).await.ok();

    assert_eq!(publisher.request_count(), 2);
    request_token(&server, &client, &old).await.refused(401, "invalid_client");
}

/// The dates of a self-signed certificate are checked too.
#[tokio::test]
async fn a_registered_certificate_expires() {
    let (server, _) = server_behind_proxy().await;
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = ClientCertificate::self_signed_with(key, "Backup", |params| {
        params.not_after = date_time_ymd(2027, 1, 1);
    });
    let client = register_with_jwks(&server, &[&certificate]).await;

    request_token(&server, &client, &certificate).await.ok();
    server.advance_clock(date_time_ymd(2027, 1, 1).unix_timestamp() - START_TIME + 1);
    request_token(&server, &client, &certificate).await.refused(401, "invalid_client");
}

/// > The client MUST NOT use more than one authentication method in each request. (RFC 6749 §2.3); TE-01,
/// TE-02: clients with these methods send only their client id and their certificate, and for all other
/// methods a certificate makes no difference.
#[tokio::test]
async fn a_certificate_cannot_be_combined_with_another_method() {
    let (server, ca) = server_behind_proxy().await;
    let certificate = ca.issue("Backup", |_| {});
    let (by_certificate, by_secret) = (register_backup(&server).await, server.service().await);
    let form = "grant_type=client_credentials";
    let (id, secret) = (&by_certificate.id, &by_secret.secret);
    let in_body = format!("{form}&client_id={id}&client_secret={secret}");

    let basic = server.request("POST", "/token").basic(id, secret).form(form);
    basic.client_cert(&certificate).send().await.refused(401, "invalid_client");
    let post = server.request("POST", "/token").form(&in_body);
    post.client_cert(&certificate).send().await.refused(401, "invalid_client");
    let nameless = server.request("POST", "/token").form(form);
    nameless.client_cert(&certificate).send().await.refused(401, "invalid_client");

    let other = server.request("POST", "/token").basic(&by_secret.id, secret).form(form);
    let token = other.client_cert(&certificate).send().await.ok().token("access_token");
    assert_eq!(
        kit::jwt::unverified_claims(&token)["cnf"],
        Value::Null,
        "the client is not registered for bound tokens"
    );
    request_token(&server, &by_secret, &certificate).await.refused(401, "invalid_client");
}

/// A CA below this one with this name, a key of its own and no key identifiers.
fn ca_with_same_name(above: &ClientCa, name: &str) -> ClientCa {
    above.intermediate(name, |params| params.use_authority_key_identifier_extension = false)
}

/// THREATS EX-08: whatever certificates an unknown client sends, at most eight signatures are verified, and
/// none when no chain leads to a trust anchor.
#[tokio::test]
async fn unknown_certificates_cost_at_most_eight_signature_verifications() {
    let (server, ca) = server_behind_proxy().await;
    let client = register_backup(&server).await;
    let trust = &server.app().trust;
    // All have the name of the trusted CA, so each could be signed by any other one or by it.
    let forged: Vec<ClientCa> =
        (0..4).map(|_| ClientCa::new("Clients CA").intermediate("Clients CA", |_| {})).collect();
    let mut certificate = forged[0].issue("Backup", |_| {});
    certificate.chain = forged.iter().map(|one| one.certificate()).collect();

    for _ in 0..2 {
        let before = trust.signatures_verified();
        request_token(&server, &client, &certificate).await.refused(401, "invalid_client");
        let spent = trust.signatures_verified() - before;
        assert!((1..=8).contains(&spent), "{spent} signatures");
    }
    // Two levels, each with two keys for its name.
    let mut certificate =
        ClientCa::new("Strangers").intermediate("A", |_| {}).issue("Backup", |_| {});
    certificate
        .chain
        .extend((0..2).map(|_| ClientCa::new("B").intermediate("A", |_| {}).certificate()));
    let before = trust.signatures_verified();
    request_token(&server, &client, &certificate).await.refused(401, "invalid_client");
    request_token(&server, &client, &ClientCertificate::self_signed("Backup"))
        .await
        .refused(401, "invalid_client");
    assert_eq!(trust.signatures_verified(), before, "no chain leads to the trust anchor");

    // A valid one is still verified and cached.
    let good = ca.issue("Backup", |_| {});
    request_token(&server, &client, &good).await.ok();
    assert_eq!(trust.signatures_verified(), before + 1);
    request_token(&server, &client, &good).await.ok();
    request_token(&server, &client, &certificate).await.refused(401, "invalid_client");
    request_token(&server, &client, &good).await.ok();
    assert_eq!(trust.signatures_verified(), before + 1, "the chain is cached");
}

/// THREATS EX-08: the holder of a valid certificate cannot cause a long search either.
#[tokio::test]
async fn a_chain_that_needs_more_than_eight_verifications_is_refused() {
    let ca = ClientCa::new("Clients CA");
    let server = Server::with(|config| {
        trust_proxy(config, CertificateHeader::Rfc9440);
        config.client_certificates.anchors = vec![ca.trust_anchor("clients")];
        config.client_certificates.max_intermediates = 6;
    })
    .await;
    let client = register_backup(&server).await;
    let decoys = |count: usize| (0..count).map(|_| ca_with_same_name(&ca, "Between").certificate());
    let between = ca_with_same_name(&ca, "Between");
    let mut certificate =
        between.issue("Backup", |params| params.use_authority_key_identifier_extension = false);
    certificate.chain = decoys(5).chain([between.certificate()]).collect();
    let before = server.app().trust.signatures_verified();

    request_token(&server, &client, &certificate).await.refused(401, "invalid_client");

    assert_eq!(server.app().trust.signatures_verified(), before + 8);
    let events = format!("{:?}", server.audit_events("request.refused").await);
    assert!(events.contains("more than eight signatures"), "{events}");
    // With key identifiers, the right certificate is tried first.
    let mut certificate = between.issue("Backup", |_| {});
    certificate.chain = decoys(5).chain([between.certificate()]).collect();
    request_token(&server, &client, &certificate).await.ok();
    assert_eq!(server.app().trust.signatures_verified(), before + 10);
}

/// Four certificates besides the client's own are accepted in any order. More than the setting permits
/// are refused before any is parsed. THREATS EX-08
#[tokio::test]
async fn four_intermediates_are_accepted_in_any_order_and_a_fifth_is_refused() {
    let (server, root) = server_behind_proxy().await;
    let client = register_backup(&server).await;
    let trust = &server.app().trust;
    let mut below = root.intermediate("1", |_| {});
    for name in ["2", "3", "4"] {
        below = below.intermediate(name, |_| {});
    }
    let certificate = below.issue("Backup", |_| {});
    assert_eq!(certificate.chain.len(), 4);
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let chain = order.iter().map(|at| certificate.chain[*at].clone()).collect();
        let certificate =
            ClientCertificate { der: certificate.der.clone(), chain, key: certificate.clone_key() };
        let before = trust.signatures_verified();
        request_token(&server, &client, &certificate).await.ok();
        assert_eq!(trust.signatures_verified(), before + 5, "{order:?}");
    }

    let mut certificate = below.issue("Backup", |_| {});
    certificate.chain.push(ClientCa::new("Other").certificate());
    let before = trust.signatures_verified();
    request_token(&server, &client, &certificate).await.refused(400, "invalid_request");
    assert_eq!(trust.signatures_verified(), before);
}

/// A client certificate signed with RSASSA-PSS (RFC 4055 §3.1) by the real `openssl`.
#[tokio::test]
async fn a_certificate_may_be_signed_with_rsassa_pss() {
    let dir = TempDir::new();
    dir.openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=PSS -days 30 -addext \
         keyUsage=keyCertSign,cRLSign -out ca.pem -sigopt rsa_padding_mode:pss",
    );
    dir.openssl(
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout b.key -subj \
         /O=Example/CN=Backup -out b.csr",
    );
    // Without an extension it would be a version 1 certificate, which is refused.
    std::fs::write(dir.0.join("leaf.cnf"), "basicConstraints=CA:FALSE\n").unwrap();
    let issue = |options: &str| {
        dir.openssl(&format!(
            "x509 -req -extfile leaf.cnf -in b.csr -CA ca.pem -CAkey ca.key -days 30 -out b.pem -sigopt rsa_padding_mode:pss{options}"
        ));
        let der = CertificateDer::from_pem_file(dir.0.join("b.pem")).unwrap().to_vec();
        ClientCertificate { der, chain: Vec::new(), key: KeyPair::generate().unwrap() }
    };
    let anchor = TrustAnchorSet {
        name: "pss".to_owned(),
        file: dir.0.join("ca.pem"),
        revocation: Revocation::Off,
        crl_files: Vec::new(),
    };
    let server = Server::with(|config| {
        trust_proxy(config, CertificateHeader::Rfc9440);
        config.client_certificates.anchors = vec![anchor];
    })
    .await;
    let client = register_backup(&server).await;
    let certificate = issue(" -sigopt rsa_pss_saltlen:digest");
    let begins = gatewright::pki::Certificate::parse(&certificate.der, &[]).unwrap().not_before;
    server.advance_clock((begins - server.trace().now()).0.max(0) + 3600);

    request_token(&server, &client, &certificate).await.ok();
    let sha512 = issue(" -sigopt rsa_pss_saltlen:digest -sha512");
    request_token(&server, &client, &sha512).await.ok();

    request_token(&server, &client, &issue("")).await.refused(401, "invalid_client");
    let events = format!("{:?}", server.audit_events("request.refused").await);
    assert!(events.contains("rsa_pss_saltlen:digest"), "{events}");
}

/// Registers a client, or returns the refusal.
async fn try_register(server: &Server, members: &[(&str, Value)]) -> Result<ClientId, Refusal> {
    let mut metadata = json!({
        "grant_types": ["client_credentials"],
        "scope": "read",
        "token_endpoint_auth_method": "tls_client_auth",
    });
    for (name, value) in members {
        metadata[*name] = value.clone();
    }
    let metadata = serde_json::from_value(metadata).unwrap();
    let mut done = None;
    server
        .administer_clients(async |registrar| done = Some(registrar.create(metadata).await))
        .await;
    refusal_of(done.unwrap().map(|registered| registered.client.id))
}

fn refusal_of<T>(result: gatewright::types::Result<T>) -> Result<T, Refusal> {
    result.map_err(|error| match error {
        Error::Refused(refusal) => refusal,
        Error::Failed(failure) => panic!("{failure}"),
    })
}

const SHARED: &str = "gw_shared_certificate_name";

/// THREATS EX-07: a certificate name, in any notation, belongs to one client, unless both are
/// registered to share it.
#[tokio::test]
async fn a_certificate_name_belongs_to_one_client() {
    let server = server_behind_proxy().await.0;
    for (member, first, same, other) in [
        (
            "tls_client_auth_subject_dn",
            "CN=Backup,O=Example",
            vec!["cn=backup,2.5.4.10=EXAMPLE", "commonName=BACKUP,O=example"],
            "O=Example,CN=Backup",
        ),
        (
            "tls_client_auth_san_dns",
            "backup.example.org",
            vec!["BACKUP.Example.org"],
            "b.example.org",
        ),
        (
            "tls_client_auth_san_uri",
            "spiffe://example.org/backup",
            vec!["spiffe://example.org/backup"],
            "spiffe://example.org/Backup",
        ),
        ("tls_client_auth_san_ip", "2001:db8::7", vec!["2001:0db8:0::7"], "2001:db8::8"),
        (
            "tls_client_auth_san_email",
            "Backup@example.org",
            vec!["Backup@EXAMPLE.org"],
            "backup@example.org",
        ),
    ] {
        let owner = try_register(&server, &[(member, json!(first))]).await.unwrap();
        for same in same {
            for shared in [false, true] {
                let refused =
                    try_register(&server, &[(member, json!(same)), (SHARED, json!(shared))]).await;
                let refused = refused.expect_err(same);
                assert_eq!(refused.code, Code::InvalidClientMetadata, "{same}");
                assert!(format!("{refused:?}").contains(owner.as_str()), "{refused:?}");
            }
        }
        try_register(&server, &[(member, json!(other))]).await.expect(other);
    }
}

/// THREATS EX-07: the same on update and on enable. A deleted or disabled client occupies no name.
#[tokio::test]
async fn no_change_gives_a_client_the_certificate_name_of_another() {
    let server = server_behind_proxy().await.0;
    let dns_name = |name: &str| [("tls_client_auth_san_dns", json!(name))];
    let first = try_register(&server, &dns_name("a.example.org")).await.unwrap();
    let second = try_register(&server, &dns_name("b.example.org")).await.unwrap();

    server
        .administer_clients(async |registrar| {
            let find = async |id: &ClientId| {
                clients::find(registrar.store.db(), id).await.unwrap().unwrap()
            };
            let client = find(&second).await;
            let mut metadata = client.metadata.clone();
            metadata.tls_client_auth_san_dns = Some("A.example.org".to_owned());
            refusal_of(registrar.update(&client, metadata.clone()).await).unwrap_err();

            registrar.disable(&first).await.unwrap();
            registrar.update(&client, metadata).await.unwrap();
            let refused = refusal_of(registrar.enable(&first).await).unwrap_err();
            assert_eq!(refused.code, Code::InvalidClientMetadata);
            assert!(find(&first).await.disabled_at.is_some(), "nothing was changed");

            registrar.delete(&second).await.unwrap();
            registrar.enable(&first).await.unwrap();
        })
        .await;
}

/// Decision 18: an organisation may use one certificate for several clients if all are registered to
/// share it. The inventory and the audit trail mark them. THREATS EX-07
#[tokio::test]
async fn clients_registered_to_share_a_certificate_name_may_do_so() {
    let (server, ca) = server_behind_proxy().await;
    let name = ("tls_client_auth_subject_dn", json!("CN=Backup,O=Example"));
    let shared = || [name.clone(), (SHARED, json!(true))];
    let first = try_register(&server, &shared()).await.unwrap();
    let second = try_register(&server, &shared()).await.unwrap();
    try_register(&server, std::slice::from_ref(&name)).await.unwrap_err();

    let certificate = ca.issue("Backup", |_| {});
    for id in [&first, &second] {
        let client = Client { id: id.to_string(), secret: String::new() };
        request_token(&server, &client, &certificate).await.ok();
    }
    server
        .administer_clients(async |registrar| {
            let client = clients::find(registrar.store.db(), &second).await.unwrap().unwrap();
            let mut metadata = client.metadata.clone();
            metadata.gw_shared_certificate_name = false;
            refusal_of(registrar.update(&client, metadata).await).unwrap_err();
        })
        .await;

    let events = server.audit_events("client.created").await;
    assert!(events.iter().all(|event| event.facts.contains("\"shared_certificate_name\":true")));
    server.app().sightings.flush(&server.app().store, &server.app().trust).await.unwrap();
    let found = server.inventory(&server.trace()).find(&certificate.thumbprint()).await.unwrap();
    assert_eq!(found[0].sharing.len(), 2, "{found:?}");
}

/// THREATS EX-07: of 16 concurrent registrations with one name, one succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn of_16_racing_registrations_one_gets_the_certificate_name() {
    let server = server_behind_proxy().await.0;
    let metadata: Metadata = serde_json::from_value(json!({
        "grant_types": ["client_credentials"],
        "scope": "read",
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "a.example.org",
    }))
    .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (app, trace, metadata) = (server.app().clone(), server.trace(), metadata.clone());
        tasks.spawn(async move {
            let registrar =
                Registrar { context: app.context(&trace), outbound: &app.outbound, kek: None };
            refusal_of(registrar.create(metadata).await).is_ok()
        });
    }

    let all = tasks.join_all().await;

    assert_eq!(all.iter().filter(|is_registered| **is_registered).count(), 1, "{all:?}");
}

/// Clients that older versions registered with the same name keep working, and are marked and recorded.
/// THREATS EX-07
#[tokio::test]
async fn clients_of_an_older_version_with_the_same_name_are_marked() {
    let (server, ca) = server_behind_proxy().await;
    let dn = |name: &str| [("tls_client_auth_subject_dn", json!(name))];
    let first = try_register(&server, &dn("CN=Backup,O=Example")).await.unwrap();
    let second = try_register(&server, &dn("CN=Other,O=Example")).await.unwrap();
    let alone = try_register(&server, &dn("CN=Alone,O=Example")).await.unwrap();
    // The state that such a version left behind.
    for statement in [
        "UPDATE clients SET metadata = REPLACE(metadata, 'CN=Other', 'cn=BACKUP')",
        "UPDATE clients SET certificate_name = '?'",
    ] {
        gatewright::store::sql(statement).execute(server.app().store.db()).await.unwrap();
    }

    let server = server.restart().await;

    for (id, shares) in [(&first, true), (&second, true), (&alone, false)] {
        let client = clients::find(server.app().store.db(), id).await.unwrap().unwrap();
        assert_eq!(client.metadata.gw_shared_certificate_name, shares, "{id}");
    }
    assert_eq!(server.audit_events("client.updated").await.len(), 2);
    let certificate = ca.issue("Backup", |_| {});
    for id in [&first, &second] {
        let client = Client { id: id.to_string(), secret: String::new() };
        request_token(&server, &client, &certificate).await.ok();
    }
    try_register(&server, &dn("CN=Backup,O=Example")).await.unwrap_err();
    try_register(&server, &dn("CN=Alone,O=Example")).await.unwrap_err();
}

/// The reason of a refusal, as operators see it.
#[tokio::test]
async fn the_audit_trail_explains_a_refused_certificate() {
    let (server, ca) = server_behind_proxy().await;
    let client = register_backup(&server).await;
    let other = ClientCa::new("Other CA").issue("Backup", |_| {});
    request_token(&server, &client, &ca.issue("Other", |_| {}))
        .await
        .refused(401, "invalid_client");
    request_token(&server, &client, &other).await.refused(401, "invalid_client");

    let events = format!("{:?}", server.audit_events("request.refused").await);
    assert!(events.contains("CN=Other,O=Example") && events.contains("UnknownIssuer"), "{events}");
}
