//! RFC 8705 §3 and §4: certificate-bound tokens. THREATS MT-04, MT-05.

use gatewright::pki::{Certificate, Reason, inventory};
use gatewright::types::{Confirmation, Thumbprint, Timestamp};
use rcgen::date_time_ymd;
use serde_json::{Value, json};
use time::OffsetDateTime;

use kit::browser::{Browser, VERIFIER};
use kit::client_certificates::{ClientCertificate, server_behind_proxy};
use kit::http::Response;
use kit::jwt::unverified_claims;
use kit::server::{Client, START_TIME, Server};

/// A web application with certificate-bound tokens, whatever its authentication method.
async fn register_web_app(server: &Server, more: Value) -> Client {
    let mut metadata = json!({
        "client_name": "Photos",
        "redirect_uris": [Client::REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "scope": "openid email",
        "tls_client_certificate_bound_access_tokens": true,
    });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.register(metadata).await
}

/// A public client.
async fn register_public_client(server: &Server) -> Client {
    let more = json!({
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    register_web_app(server, more).await
}

async fn register_tls_client(server: &Server) -> Client {
    let more = json!({
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=Photos,O=Example",
    });
    register_web_app(server, more).await
}

/// A request of a client with its client id and a certificate.
async fn post(
    server: &Server,
    client: &Client,
    path: &str,
    form: &str,
    certificate: &ClientCertificate,
) -> Response {
    let form = format!("{form}&client_id={}", client.id);
    server.request("POST", path).form(&form).client_cert(certificate).send().await
}

async fn issue_code(server: &Server, client: &Client) -> String {
    server.user("ada").await;
    let page = Browser::new(server).authorize("ada", client, "openid email", "").await;
    let code = page.parameter("code");
    form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &code)
        .append_pair("redirect_uri", Client::REDIRECT_URI)
        .append_pair("code_verifier", VERIFIER)
        .finish()
}

fn refresh_form(token: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={token}")
}

/// > "x5t#S256": The value of this member is the base64url-encoded SHA-256 hash (§3.1, in substance); §3.2,
/// introspection; §3, the protected resource. THREATS MT-04
#[tokio::test]
async fn a_bound_token_requires_its_certificate() {
    let (server, ca) = server_behind_proxy().await;
    let client = register_tls_client(&server).await;
    let (certificate, renewed) = (ca.issue("Photos", |_| {}), ca.issue("Photos", |_| {}));
    let form = issue_code(&server, &client).await;

    let tokens = post(&server, &client, "/token", &form, &certificate).await.ok();
    assert_eq!(tokens.body["token_type"], "Bearer", "RFC 8705 §3");
    let token = tokens.token("access_token");
    assert_eq!(unverified_claims(&token)["cnf"], json!({ "x5t#S256": certificate.thumbprint() }));
    let introspected = format!("token={token}");
    let introspection = post(&server, &client, "/introspect", &introspected, &renewed).await.ok();
    assert_eq!(introspection.body["cnf"], json!({ "x5t#S256": certificate.thumbprint() }));

    let userinfo = || server.request("GET", "/userinfo").bearer(&token);
    userinfo().client_cert(&certificate).send().await.ok();
    let lookalike = ClientCertificate::self_signed("Photos");
    for response in [
        userinfo().send().await,
        userinfo().client_cert(&renewed).send().await,
        userinfo().client_cert(&lookalike).send().await,
    ] {
        let response = response.refused(401, "invalid_token");
        assert!(response.header("www-authenticate").starts_with("Bearer "));
    }

    // The refresh token of a client that authenticates is bound to the client (§6.3). With a new
    // certificate it gets tokens that are bound to that.
    let refresh = refresh_form(&tokens.token("refresh_token"));
    let again = post(&server, &client, "/token", &refresh, &renewed).await.ok();
    let token = again.token("access_token");
    assert_eq!(unverified_claims(&token)["cnf"], json!({ "x5t#S256": renewed.thumbprint() }));
    let response =
        server.request("GET", "/userinfo").bearer(&token).client_cert(&certificate).send().await;
    response.refused(401, "invalid_token");
}

/// RFC 8705 §3: every authentication method; client credentials and opaque tokens too.
#[tokio::test]
async fn tokens_of_every_format_and_method_are_bound() {
    let (server, ca) = server_behind_proxy().await;
    let certificate = ca.issue("Photos", |_| {});
    for format in ["jwt", "opaque"] {
        let client = register_web_app(&server, json!({ "gw_access_token_format": format })).await;
        let request = |form: &str| {
            server.request("POST", "/token").basic(&client.id, &client.secret).form(form)
        };
        let form = "grant_type=client_credentials&scope=";

        // Without a certificate, no unbound token is issued.
        request(form).send().await.refused(400, "invalid_request");
        let token = request(form).client_cert(&certificate).send().await.ok().token("access_token");

        let introspected =
            server.post_as(&client, "/introspect", &format!("token={token}")).await.ok();
        assert_eq!(introspected.body["active"], true);
        assert_eq!(
            introspected.body["cnf"],
            json!({ "x5t#S256": certificate.thumbprint() }),
            "{format}"
        );
    }
}

/// A request without a certificate consumes no code, and an expired certificate binds no token.
#[tokio::test]
async fn a_request_without_a_valid_certificate_consumes_no_code() {
    let (server, ca) = server_behind_proxy().await;
    let client = register_public_client(&server).await;
    // Within the lifetime of an unused refresh token, so that only the certificate expires.
    let until = OffsetDateTime::from_unix_timestamp(START_TIME + 7 * 24 * 3600).unwrap();
    let certificate = ca.issue("Photos", |params| params.not_after = until);
    let form = issue_code(&server, &client).await;
    let bare = format!("{form}&client_id={}", client.id);
    server.post("/token", &bare).await.refused(400, "invalid_request");
    let tokens = post(&server, &client, "/token", &form, &certificate).await.ok();
    let refresh = refresh_form(&tokens.token("refresh_token"));
    let bare = format!("{refresh}&client_id={}", client.id);
    server.post("/token", &bare).await.refused(400, "invalid_request");
    let next = post(&server, &client, "/token", &refresh, &certificate).await.ok();

    server.advance_clock(until.unix_timestamp() - START_TIME + 1);

    let refresh = refresh_form(&next.token("refresh_token"));
    post(&server, &client, "/token", &refresh, &certificate).await.refused(400, "invalid_request");
}

/// > refresh tokens issued to public clients [...] the authorization server MUST bind the refresh token
/// > to the client's certificate (§4, in substance); §7.1: to the key, so that a certificate can be
/// > renewed. THREATS MT-05
#[tokio::test]
async fn a_refresh_token_of_a_public_client_requires_its_key() {
    let (server, ca) = server_behind_proxy().await;
    let client = register_public_client(&server).await;
    let (certificate, other_certificate) =
        (ClientCertificate::self_signed("Phone"), ca.issue("Thief", |_| {}));
    let form = issue_code(&server, &client).await;
    let tokens = post(&server, &client, "/token", &form, &certificate).await.ok();
    let refresh = refresh_form(&tokens.token("refresh_token"));

    for _ in 0..3 {
        let refused = post(&server, &client, "/token", &refresh, &other_certificate).await;
        refused.refused(400, "invalid_grant");
    }
    let next = post(&server, &client, "/token", &refresh, &certificate).await.ok();

    // A renewed certificate with the same key keeps the grant; its tokens are bound to the new
    // certificate.
    let renewed = ClientCertificate::self_signed_with(certificate.clone_key(), "Phone", |params| {
        params.not_after = date_time_ymd(2030, 1, 1);
    });
    assert_ne!(Thumbprint::of(&certificate.der), Thumbprint::of(&renewed.der));
    let refresh = refresh_form(&next.token("refresh_token"));
    let again = post(&server, &client, "/token", &refresh, &renewed).await.ok();
    let token = again.token("access_token");
    let userinfo = || server.request("GET", "/userinfo").bearer(&token);
    userinfo().client_cert(&renewed).send().await.ok();
    userinfo().client_cert(&certificate).send().await.refused(401, "invalid_token");
    let rekeyed = ClientCertificate::self_signed("Phone");
    let refresh = refresh_form(&again.token("refresh_token"));
    post(&server, &client, "/token", &refresh, &rekeyed).await.refused(400, "invalid_grant");
}

/// Within the grace period, the successor is issued to the same key only.
#[tokio::test]
async fn a_lost_response_is_repeated_only_for_the_same_key() {
    let (server, _) = server_behind_proxy().await;
    let client = register_public_client(&server).await;
    let (certificate, attacker) =
        (ClientCertificate::self_signed("Phone"), ClientCertificate::self_signed("Phone"));
    let form = issue_code(&server, &client).await;
    let tokens = post(&server, &client, "/token", &form, &certificate).await.ok();
    let refresh = refresh_form(&tokens.token("refresh_token"));
    let lost =
        post(&server, &client, "/token", &refresh, &certificate).await.ok().token("refresh_token");

    post(&server, &client, "/token", &refresh, &attacker).await.refused(400, "invalid_grant");
    let again = post(&server, &client, "/token", &refresh, &certificate).await.ok();

    assert_eq!(again.token("refresh_token"), lost);
}

/// Issue 3, §4: a token expires no later than the certificate that it is bound to, for every grant and
/// both formats.
#[tokio::test]
async fn a_bound_token_expires_no_later_than_its_certificate() {
    for format in ["jwt", "opaque"] {
        let (server, ca) = server_behind_proxy().await;
        let end = OffsetDateTime::from_unix_timestamp(START_TIME + 90).unwrap();
        let certificate = ca.issue("Photos", |params| params.not_after = end);
        let client = register_web_app(&server, json!({ "gw_access_token_format": format })).await;
        let post = async |form: &str, certificate: &ClientCertificate| {
            let request = server.request("POST", "/token").basic(&client.id, &client.secret);
            request.form(form).client_cert(certificate).send().await.ok()
        };
        let introspected = async |token: &str| {
            let form = format!("token={token}");
            server.post_as(&client, "/introspect", &form).await.ok().body
        };
        let bound_certificate = post("grant_type=client_credentials&scope=", &certificate).await;
        let tokens = post(&issue_code(&server, &client).await, &certificate).await;
        let refreshed = post(&refresh_form(&tokens.token("refresh_token")), &certificate).await;
        for response in [&bound_certificate, &tokens, &refreshed] {
            assert_eq!(response.body["expires_in"], 90, "{format}");
            let token = response.token("access_token");
            assert_eq!(introspected(&token).await["exp"], START_TIME + 90);
            if format == "jwt" {
                assert_eq!(unverified_claims(&token)["exp"], START_TIME + 90);
            }
        }
        let longer = ca.issue("Photos", |_| {});
        let unshortened = post("grant_type=client_credentials&scope=", &longer).await;
        assert_eq!(
            unshortened.body["expires_in"], 300,
            "a longer certificate does not shorten the lifetime"
        );
    }
}

/// The same; and an expired certificate in a connection satisfies no binding.
#[tokio::test]
async fn a_bound_token_is_invalid_once_its_certificate_expired() {
    let (server, ca) = server_behind_proxy().await;
    let client = register_tls_client(&server).await;
    let end = OffsetDateTime::from_unix_timestamp(START_TIME + 90).unwrap();
    let client_certificate = ca.issue("Photos", |params| params.not_after = end);
    let next = ca.issue("Photos", |_| {});
    let form = issue_code(&server, &client).await;
    let token = post(&server, &client, "/token", &form, &client_certificate)
        .await
        .ok()
        .token("access_token");
    let userinfo =
        || server.request("GET", "/userinfo").bearer(&token).client_cert(&client_certificate);
    userinfo().send().await.ok();

    server.advance_clock(91);

    userinfo().send().await.refused(401, "invalid_token");
    let introspected =
        post(&server, &client, "/introspect", &format!("token={token}"), &next).await.ok();
    assert_eq!(introspected.body, json!({ "active": false }));
    let certificate = Certificate::parse(&client_certificate.der, &[]).unwrap();
    let bound = Confirmation { certificate: Some(certificate.thumbprint), key: None };
    let proof = gatewright::verify::PossessionProof { certificate: Some(&certificate), key: None };
    assert_eq!(proof.must_match(&bound, Timestamp(START_TIME + 90)), Ok(()));
    assert!(proof.must_match(&bound, Timestamp(START_TIME + 91)).is_err());
}

/// docs/certificates.md: "where the reason is `keyCompromise`, the key is meant: another certificate
/// for the same key does not count either". Tokens bound to it are invalid at once; for another reason
/// they stay valid.
#[tokio::test]
async fn tokens_bound_to_any_certificate_of_a_compromised_key_are_invalid() {
    for (reason, is_active) in [(Reason::KeyCompromise, false), (Reason::Superseded, true)] {
        let (server, ca) = server_behind_proxy().await;
        let client = register_tls_client(&server).await;
        let leaked = ca.issue("Photos", |_| {});
        let sibling = ca.issue_for(leaked.clone_key(), "Photos", |_| {});
        let rekeyed = ca.issue("Photos", |_| {});
        let form = issue_code(&server, &client).await;
        let tokens = post(&server, &client, "/token", &form, &sibling).await.ok();
        let token = tokens.token("access_token");
        let introspected = async || {
            let form = format!("token={token}");
            post(&server, &client, "/introspect", &form, &rekeyed).await.ok().body["active"]
                == Value::Bool(true)
        };
        let userinfo = || server.request("GET", "/userinfo").bearer(&token).client_cert(&sibling);
        assert!(introspected().await);
        userinfo().send().await.ok();

        let trace = server.trace();
        let row = inventory::seen_row(&Certificate::parse(&leaked.der, &[]).unwrap(), trace.now());
        server.inventory(&trace).revoke(&row, reason).await.unwrap();
        // The certificate enters the inventory after the revocation.
        server.flush_sightings().await;

        assert_eq!(introspected().await, is_active, "{reason}");
        assert_eq!(userinfo().send().await.status == 200, is_active, "{reason}");
    }
}
