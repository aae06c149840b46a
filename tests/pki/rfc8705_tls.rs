//! RFC 8705 over TLS without a proxy: client authentication by the handshake. THREATS MT-01 to MT-04,
//! MT-06.

use gatewright::config::CertificateHeader;
use rcgen::{
    BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
    date_time_ymd,
};
use rustls::version;
use serde_json::{Value, json};

use kit::browser::{Browser, VERIFIER};
use kit::client_certificates::{ClientCa, ClientCertificate, trust_proxy};
use kit::http::{RequestBuilder, Response};
use kit::jwt::unverified_claims;
use kit::server::{Client, Server};
use kit::tls_client::{MTLS_HOST, TlsClient};

/// A server that requests client certificates, and the CA that it trusts.
async fn start_server() -> (Server, ClientCa) {
    let ca = ClientCa::new("Clients CA");
    let anchors = vec![ca.trust_anchor("clients")];
    let server = Server::with_tls(|config| config.client_certificates.anchors = anchors).await;
    (server, ca)
}

fn service_metadata(more: &Value) -> Value {
    let mut metadata = json!({
        "grant_types": ["client_credentials"],
        "scope": "read",
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_uri": "spiffe://example.org/backup",
        "tls_client_certificate_bound_access_tokens": true,
    });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    metadata
}

/// The name that the client is registered with.
fn add_registered_name(params: &mut rcgen::CertificateParams) {
    let uri = "spiffe://example.org/backup".try_into().unwrap();
    params.subject_alt_names = vec![SanType::URI(uri)];
}

fn token_form(client: &Client) -> String {
    format!("grant_type=client_credentials&client_id={}", client.id)
}

async fn request_token(
    server: &Server,
    client: &Client,
    certificate: Option<&ClientCertificate>,
) -> Response {
    let certificate = certificate.map(ClientCertificate::identity);
    let request = server.mtls_request(certificate.as_ref(), "POST", "/token");
    request.form(&token_form(client)).send().await
}

/// > a successful TLS handshake with a client certificate [...] demonstrates possession of the private key
/// > (§2, in substance)
#[tokio::test]
async fn a_client_certificate_in_the_handshake_authenticates_its_client() {
    let (server, root) = start_server().await;
    let client = server.register(service_metadata(&json!({}))).await;
    let certificate = root.intermediate("Issuing CA", |_| {}).issue("Backup", add_registered_name);

    for version in [&version::TLS12, &version::TLS13] {
        let tls_client = TlsClient::with_versions(
            &[version],
            &server.certificate_files().ca,
            Some(&certificate.identity()),
        );
        let request = server.request("POST", "/token").over_tls(
            &tls_client,
            server.addresses().mtls[0],
            MTLS_HOST,
        );
        let token = request.form(&token_form(&client)).send().await.ok().token("access_token");
        assert_eq!(unverified_claims(&token)["cnf"]["x5t#S256"], certificate.thumbprint());
    }
    // At the issuer's own name no client certificate is requested.
    let tls_client = TlsClient::new(&server.certificate_files().ca, Some(&certificate.identity()));
    let request = server.request("POST", "/token");
    let request = request.over_tls(&tls_client, server.addresses().tls[0], kit::tls_client::HOST);
    request.form(&token_form(&client)).send().await.refused(401, "invalid_client");
}

/// THREATS MT-01, MT-02, MT-03.
#[tokio::test]
async fn a_handshake_with_an_invalid_certificate_authenticates_no_client() {
    let (server, root) = start_server().await;
    let client = server.register(service_metadata(&json!({}))).await;
    let by = |change: &dyn Fn(&mut rcgen::CertificateParams)| {
        root.issue("Backup", |params| {
            add_registered_name(params);
            change(params);
        })
    };
    let long_ago = date_time_ymd(2020, 1, 1);
    let other = SanType::URI("spiffe://example.org/backup2".try_into().unwrap());
    request_token(&server, &client, Some(&by(&|_| {}))).await.ok();

    for (what, certificate) in [
        ("none", None),
        ("expired", Some(by(&|params| params.not_after = long_ago))),
        ("not yet", Some(by(&|params| params.not_before = date_time_ymd(2090, 1, 1)))),
        ("wrong name", Some(by(&|params| params.subject_alt_names = vec![other.clone()]))),
        ("no name", Some(by(&|params| params.subject_alt_names.clear()))),
        (
            "right name, wrong CA",
            Some(ClientCa::new("Clients CA").issue("Backup", add_registered_name)),
        ),
        (
            "a server's",
            Some(by(&|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth])),
        ),
        ("an authority's", Some(by(&|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)))),
        (
            "self-signed",
            Some(ClientCertificate::self_signed_with(
                KeyPair::generate().unwrap(),
                "Backup",
                add_registered_name,
            )),
        ),
    ] {
        let response = request_token(&server, &client, certificate.as_ref()).await;
        assert_eq!(response.status, 401, "{what}");
        response.refused(401, "invalid_client");
    }
}

/// The handshake proved possession of the key, so the client gets an error response that names the
/// fault.
#[tokio::test]
async fn a_certificate_with_malformed_names_gets_an_error_that_says_so() {
    let (server, root) = start_server().await;
    let client = server.register(service_metadata(&json!({}))).await;
    let certificate = root.issue("Backup", |params| {
        // RFC 5280 §4.2.1.6: an iPAddress of five bytes.
        let names = vec![0x30, 7, 0x87, 5, 127, 0, 0, 1, 1];
        let names = CustomExtension::from_oid_content(&[2, 5, 29, 17], names);
        params.custom_extensions.push(names);
    });

    for path in ["/token", "/introspect"] {
        let certificate = certificate.identity();
        let request =
            server.mtls_request(Some(&certificate), "POST", path).form(&token_form(&client));
        let response = request.send().await.refused(400, "invalid_request");
        assert_eq!(response.token("error_description"), "an iPAddress has 4 or 16 bytes");
    }
}

/// RFC 8705 §2.2: the registration contains the certificate itself.
#[tokio::test]
async fn a_handshake_with_a_registered_certificate_authenticates_its_client() {
    let (server, root) = start_server().await;
    let certificate = ClientCertificate::self_signed("Backup");
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "scope": "read",
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": { "keys": [certificate.jwk()] },
        }))
        .await;

    request_token(&server, &client, Some(&certificate)).await.ok();
    let renewed = ClientCertificate::self_signed_with(certificate.clone_key(), "Backup", |_| {});
    for other in [
        renewed,
        ClientCertificate::self_signed("Backup"),
        root.issue("Backup", add_registered_name),
    ] {
        request_token(&server, &client, Some(&other)).await.refused(401, "invalid_client");
    }
}

/// Renewal without a gap: the old and the new certificate work in parallel, each for the tokens that
/// are bound to it. THREATS MT-04
#[tokio::test]
async fn during_a_renewal_each_certificate_works_for_its_own_tokens() {
    let (server, root) = start_server().await;
    server.user("ada").await;
    let client = server
        .register(service_metadata(&json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
        })))
        .await;
    let (old, new) =
        (root.issue("Backup", add_registered_name), root.issue("Backup", add_registered_name));
    let page = Browser::new(&server).authorize("ada", &client, "openid", "").await;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &page.parameter("code"))
        .append_pair("redirect_uri", Client::REDIRECT_URI)
        .append_pair("code_verifier", VERIFIER)
        .append_pair("client_id", &client.id)
        .finish();
    let post = |certificate: &ClientCertificate, form: &str| {
        server.mtls_request(Some(&certificate.identity()), "POST", "/token").form(form)
    };
    let tokens = post(&old, &form).send().await.ok();
    let refresh = tokens.token("refresh_token");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}&client_id={}", client.id);
    let again = post(&new, &form).send().await.ok();

    let userinfo = |certificate: Option<&ClientCertificate>, token: &str| -> RequestBuilder {
        let certificate = certificate.map(ClientCertificate::identity);
        server.mtls_request(certificate.as_ref(), "GET", "/userinfo").bearer(token)
    };
    let (first, second) = (tokens.token("access_token"), again.token("access_token"));
    userinfo(Some(&old), &first).send().await.ok();
    userinfo(Some(&new), &second).send().await.ok();
    for (certificate, token) in [
        (Some(&new), &first),
        (Some(&old), &second),
        (Some(&ClientCertificate::self_signed("Thief")), &first),
        (None, &first),
    ] {
        userinfo(certificate, token).send().await.refused(401, "invalid_token");
    }
}

/// > [the] authorization server MUST bind the refresh token to the client's certificate (§4, in substance, of
/// > public clients); §7.1: by its key. THREATS MT-05
#[tokio::test]
async fn a_refresh_token_of_a_public_client_requires_its_key() {
    let (server, root) = start_server().await;
    server.user("ada").await;
    let client = server
        .register(json!({
            "token_endpoint_auth_method": "none",
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "tls_client_certificate_bound_access_tokens": true,
        }))
        .await;
    let own_certificate = ClientCertificate::self_signed("Phone");
    let page = Browser::new(&server).authorize("ada", &client, "openid", "").await;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &page.parameter("code"))
        .append_pair("redirect_uri", Client::REDIRECT_URI)
        .append_pair("code_verifier", VERIFIER)
        .append_pair("client_id", &client.id)
        .finish();
    let post = |certificate: Option<&ClientCertificate>, form: &str| {
        let certificate = certificate.map(ClientCertificate::identity);
        server.mtls_request(certificate.as_ref(), "POST", "/token").form(form)
    };
    let tokens = post(Some(&own_certificate), &form).send().await.ok();
    let refresh = tokens.token("refresh_token");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}&client_id={}", client.id);

    for other in [ClientCertificate::self_signed("Phone"), root.issue("Phone", |_| {})] {
        post(Some(&other), &form).send().await.refused(400, "invalid_grant");
    }
    post(None, &form).send().await.refused(400, "invalid_request");

    let renewed = ClientCertificate::self_signed_with(own_certificate.clone_key(), "Phone", |_| {});
    let again = post(Some(&renewed), &form).send().await.ok();
    let token = again.token("access_token");
    assert_eq!(unverified_claims(&token)["cnf"]["x5t#S256"], renewed.thumbprint());
}

/// THREATS MT-06: a header field does not replace the certificate of the connection, unless it is from
/// a trusted proxy. Then the two must agree, and the certificate of the proxy's own connection
/// authenticates no client (decision 20).
#[tokio::test]
async fn a_header_field_does_not_override_the_certificate_of_the_connection() {
    let root = ClientCa::new("Clients CA");
    let (own_certificate, victim) =
        (ClientCertificate::self_signed("Thief"), root.issue("Backup", add_registered_name));
    for (is_proxy, stolen) in [(false, 401), (true, 400)] {
        let anchors = vec![root.trust_anchor("clients")];
        let server = Server::with_tls(|config| {
            config.client_certificates.anchors = anchors;
            trust_proxy(config, CertificateHeader::Rfc9440);
            if !is_proxy {
                let other_address = [192, 0, 2, 1].into();
                config.http.trusted_proxies =
                    vec![gatewright::config::Network::new(other_address, 32).unwrap()];
            }
        })
        .await;
        let client = server.register(service_metadata(&json!({}))).await;
        let request_with = |certificate: Option<&ClientCertificate>| {
            let certificate = certificate.map(ClientCertificate::identity);
            server.mtls_request(certificate.as_ref(), "POST", "/token").form(&token_form(&client))
        };

        let response = request_with(Some(&own_certificate)).client_cert(&victim).send().await;
        assert_eq!(response.status, stolen, "{response:?}");
        request_with(Some(&victim)).client_cert(&victim).send().await.ok();
        let silent = request_with(Some(&victim)).send().await;
        assert_eq!(silent.status, if is_proxy { 401 } else { 200 }, "{silent:?}");
        let refused = request_with(None).client_cert(&victim).send().await;
        assert_eq!(refused.status, if is_proxy { 200 } else { 401 });
    }
}

/// THREATS EX-08, DO-08: a handshake with more certificates than the limit fails with an alert.
#[tokio::test]
async fn a_handshake_with_more_than_four_intermediates_fails() {
    let (server, _) = start_server().await;
    let mut certificate = ClientCertificate::self_signed("Backup");
    let connect = async |certificate: &ClientCertificate| {
        let server_ca = &server.certificate_files().ca;
        // In TLS 1.2 the handshake completes only after the server has seen the certificate.
        let tls_client =
            TlsClient::with_versions(&[&version::TLS12], server_ca, Some(&certificate.identity()));
        tls_client.connect(server.addresses().mtls[0], MTLS_HOST).await
    };
    certificate.chain = (0..4).map(|_| ClientCa::new("Strangers").certificate()).collect();
    connect(&certificate).await.unwrap();

    certificate.chain.push(ClientCa::new("Strangers").certificate());
    connect(&certificate).await.unwrap_err();
}
