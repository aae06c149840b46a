//! `/verify/NAME`, the endpoint that gateways call for each request: docs/gateways.md.

use gatewright::config::{
    CertificateHeader, Config, DpopNonce, GatewayRoute, Network, OriginalRequest,
};
use gatewright::jose::base64url;
use gatewright::pki::{Certificate, Reason, inventory};
use gatewright::types::{Digest, Scope};
use serde_json::json;

use kit::client_certificates::{ClientCertificate, trust_proxy};
use kit::dpop::token_request;
use kit::http::{RequestBuilder, Response};
use kit::jwt::{DpopKey, JwtSigner, unverified_claims};
use kit::server::{Client, ISSUER, START_TIME, Server};

const API: &str = "https://api.example.org/invoices";

/// Every response field that describes the caller to an API.
const IDENTITY: [&str; 7] = [
    "x-auth-subject",
    "x-auth-client",
    "x-auth-scope",
    "x-auth-token-id",
    "x-auth-expires",
    "x-auth-time",
    "x-auth-acr",
];

fn gateway_route(name: &str, scope: &[&str]) -> GatewayRoute {
    GatewayRoute {
        name: name.to_owned(),
        audience: API.to_owned(),
        scope: Scope::from_tokens(scope.iter().copied()),
        origin: Some("https://api.example.org".to_owned()),
        original: OriginalRequest::XOriginal,
    }
}

/// The routes of an API, as its gateway is configured.
fn configure_routes(config: &mut Config) {
    trust_proxy(config, CertificateHeader::Rfc9440);
    let path =
        GatewayRoute { original: OriginalRequest::Path, ..gateway_route("envoy", &["read"]) };
    let forwarded =
        GatewayRoute { original: OriginalRequest::XForwarded, ..gateway_route("traefik", &[]) };
    config.verify.routes = vec![
        forwarded,
        GatewayRoute { origin: None, ..gateway_route("nowhere-known", &[]) },
        gateway_route("invoices", &["read"]),
        gateway_route("pay", &["read", "pay"]),
        gateway_route("any", &[]),
        GatewayRoute { audience: ISSUER.to_owned(), ..gateway_route("ours", &[]) },
        path,
    ];
}

async fn server_with_client() -> (Server, Client) {
    let server = Server::with(configure_routes).await;
    let client = register_service(&server, json!({})).await;
    (server, client)
}

/// A service that calls the API, with these members of its metadata replaced.
async fn register_service(server: &Server, other: serde_json::Value) -> Client {
    let mut metadata = json!({
        "client_name": "Billing",
        "grant_types": ["client_credentials"],
        "scope": "read write",
        "gw_default_audience": API,
    });
    let members = metadata.as_object_mut().unwrap();
    members.extend(other.as_object().unwrap().clone());
    server.register(metadata).await
}

/// The request of a gateway about this token.
fn verify_request(server: &Server, name: &str, token: &str) -> RequestBuilder {
    server.request("GET", &format!("/verify/{name}")).bearer(token)
}

/// Asserts that the request is authorized and that the response describes the caller.
#[track_caller]
fn assert_authorized(response: &Response) {
    assert_eq!((response.status, response.text.as_str()), (200, ""), "{response:?}");
    for name in IDENTITY {
        assert_eq!(response.headers(name).len(), 1, "{name} in {response:?}");
    }
    assert_eq!(response.header("cache-control"), "no-store");
}

/// Asserts that the request is refused and that the response describes no caller.
#[track_caller]
fn assert_refused(response: Response, status: u16, error: &str) {
    for name in IDENTITY {
        assert!(response.headers(name).is_empty(), "{response:?}");
    }
    let challenge = response.headers("www-authenticate").join(", ");
    assert!(challenge.contains(&format!("error=\"{error}\"")), "{response:?}");
    response.refused(status, error);
}

#[tokio::test]
async fn a_service_is_authorized_and_described_to_the_api() {
    let (server, client) = server_with_client().await;
    let token = server.client_credentials_token(&client).await;

    let response = verify_request(&server, "invoices", &token).send().await;

    assert_authorized(&response);
    assert_eq!(response.header("x-auth-subject"), client.id);
    assert_eq!(response.header("x-auth-client"), client.id);
    assert_eq!(response.header("x-auth-scope"), "read write");
    assert_eq!(
        response.header("x-auth-token-id"),
        unverified_claims(&token)["jti"].as_str().unwrap()
    );
    assert_eq!(response.header("x-auth-expires"), (START_TIME + 300).to_string());
    assert_eq!((response.header("x-auth-time"), response.header("x-auth-acr")), ("", ""));
}

/// JWT and opaque tokens lead to the same fields, none of which is a claim about the user (THREATS
/// EX-18).
#[tokio::test]
async fn a_user_is_authorized_by_a_jwt_and_by_an_opaque_token() {
    let (server, _) = server_with_client().await;
    server.user("wilhelmina").await;
    for format in ["jwt", "opaque"] {
        let client = server
            .register(json!({
                "redirect_uris": [Client::REDIRECT_URI],
                "grant_types": ["authorization_code"],
                "scope": "openid profile read",
                "gw_default_audience": API,
                "gw_access_token_format": format,
            }))
            .await;
        let tokens = server.obtain_tokens("wilhelmina", &client, "openid profile read").await;
        let subject = unverified_claims(&tokens.token("id_token"))["sub"].clone();

        let response =
            verify_request(&server, "invoices", &tokens.token("access_token")).send().await;

        assert_authorized(&response);
        assert_eq!(response.header("x-auth-subject"), subject.as_str().unwrap(), "{format}");
        assert_eq!(response.header("x-auth-scope"), "openid profile read");
        assert!(!format!("{response:?}").contains("wilhelmina"), "{response:?}");
        assert_eq!(response.header("x-auth-time"), START_TIME.to_string());
        assert_eq!(response.header("x-auth-acr"), "pwd");
    }
}

/// > invalid_token, insufficient_scope (RFC 6750 §3.1)
#[tokio::test]
async fn a_token_must_have_the_audience_and_the_scope_of_the_route() {
    let (server, client) = server_with_client().await;
    let token = server.client_credentials_token(&client).await;
    let other_audience = register_service(&server, json!({ "gw_default_audience": ISSUER })).await;
    let other_audience = server.client_credentials_token(&other_audience).await;

    assert_authorized(&verify_request(&server, "any", &token).send().await);
    assert_authorized(&verify_request(&server, "ours", &other_audience).send().await);
    assert_refused(verify_request(&server, "pay", &token).send().await, 403, "insufficient_scope");
    assert_refused(verify_request(&server, "ours", &token).send().await, 401, "invalid_token");
    assert_refused(
        verify_request(&server, "invoices", &other_audience).send().await,
        401,
        "invalid_token",
    );
}

/// THREATS HD-04, HD-01: the path that the gateway's configuration contains is the only thing that
/// selects the route.
#[tokio::test]
async fn no_field_of_a_request_selects_another_route() {
    let (server, client) = server_with_client().await;
    let token = server.client_credentials_token(&client).await;

    for name in ["x-original-uri", "x-rewrite-url", "x-original-url", "x-forwarded-uri"] {
        for value in ["/verify/any", "/healthz", "/"] {
            let request = verify_request(&server, "pay", &token).header(name, value);
            assert_refused(request.send().await, 403, "insufficient_scope");
        }
    }
    for (name, value) in [
        ("x-http-method-override", "OPTIONS"),
        ("x-forwarded-host", "any"),
        ("forwarded", "host=any;proto=http"),
        ("x-auth-scope", "pay"),
        ("x-auth-subject", "root"),
    ] {
        let request = verify_request(&server, "pay", &token).header(name, value);
        assert_refused(request.send().await, 403, "insufficient_scope");
        let other_route =
            verify_request(&server, "invoices", &token).header(name, value).send().await;
        assert_authorized(&other_route);
        assert_eq!(other_route.header("x-auth-subject"), client.id);
    }
    for query in ["?scope=pay", "?audience=x&scope=", "?route=any"] {
        let target = format!("/verify/pay{query}");
        let response = server.request("GET", &target).bearer(&token).send().await;
        assert_refused(response, 403, "insufficient_scope");
    }
    let in_query = format!("/verify/any?access_token={token}");
    assert_eq!(server.get(&in_query).await.status, 401);
}

#[tokio::test]
async fn only_trusted_proxies_find_the_configured_routes() {
    let (server, client) = server_with_client().await;
    let token = server.client_credentials_token(&client).await;
    let outside = server
        .replica_with(|config| {
            config.http.trusted_proxies = vec![Network::new([192, 0, 2, 1].into(), 32).unwrap()];
        })
        .await;

    for name in ["invoices", "nowhere"] {
        verify_request(&outside, name, &token)
            .header("x-forwarded-for", "192.0.2.1")
            .send()
            .await
            .refused(404, "not_found");
    }
    for name in ["nowhere", "", "INVOICES", "invoices%2e", "%69nvoices", "..", "nowhere/invoices"] {
        verify_request(&server, name, &token).send().await.refused(404, "not_found");
    }
    // A path after the name is accepted only where the gateway passes the original path in this way.
    verify_request(&server, "invoices/4711", &token).send().await.refused(404, "not_found");
    assert_authorized(&verify_request(&server, "envoy/4711?x=y", &token).send().await);
    assert_authorized(&verify_request(&server, "envoy", &token).send().await);
}

/// Gateways pass 401 and 403 on to the client and treat everything else as a failure. So these are the
/// only refusals, and there are no redirects.
#[tokio::test]
async fn a_request_without_a_token_gets_a_challenge() {
    let (server, client) = server_with_client().await;
    let token = server.client_credentials_token(&client).await;
    let request = || server.request("GET", "/verify/invoices").header("accept", "text/html");

    for response in [
        request().send().await,
        request().basic("a", "b").send().await,
        request().header("authorization", "Bearer").send().await,
        request().bearer(&token).bearer(&token).send().await,
    ] {
        assert_eq!((response.status, response.text.as_str()), (401, ""), "{response:?}");
        assert!(response.header("www-authenticate").starts_with("Bearer realm="));
        assert!(!response.header("www-authenticate").contains("error"));
        assert_eq!(response.header("location"), "");
    }
    for junk in ["x", "a.b.c", "gw_at_x", &client.secret, &"x".repeat(20_000)] {
        assert_refused(request().bearer(junk).send().await, 401, "invalid_token");
    }
}

/// Envoy uses the method of the original request, and appends its path.
#[tokio::test]
async fn every_http_method_is_verified_alike() {
    let (server, client) = server_with_client().await;
    let token = server.client_credentials_token(&client).await;

    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let request = server.request(method, "/verify/envoy/4711").bearer(&token);
        assert_authorized(
            &request.header("content-type", "text/plain").body("anything").send().await,
        );
        let none =
            server.request(method, "/verify/envoy/4711").header("origin", "https://a.example");
        assert_eq!(none.send().await.status, 401, "{method}");
    }
}

/// RFC 7662 §4: a gateway sees the state that introspection reports at this moment.
#[tokio::test]
async fn revoked_disabled_and_expired_tokens_are_refused() {
    let (server, client) = server_with_client().await;
    let ada = server.user("ada").await;
    let web = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid read",
            "gw_default_audience": API,
        }))
        .await;
    let granted =
        async || server.obtain_tokens("ada", &web, "openid read").await.token("access_token");
    let revoked = server.client_credentials_token(&client).await;
    let form = format!("token={revoked}");
    assert_eq!(server.post_as(&client, "/revoke", &form).await.status, 200);
    assert_refused(
        verify_request(&server, "invoices", &revoked).send().await,
        401,
        "invalid_token",
    );

    let disabled = granted().await;
    assert_authorized(&verify_request(&server, "invoices", &disabled).send().await);
    server.disable_user(&ada).await;
    assert_refused(
        verify_request(&server, "invoices", &disabled).send().await,
        401,
        "invalid_token",
    );
    server.enable_user(&ada).await;

    let expired = server.client_credentials_token(&client).await;
    server.advance_clock(300);
    assert_refused(
        verify_request(&server, "invoices", &expired).send().await,
        401,
        "invalid_token",
    );

    let of_the_dead = server.client_credentials_token(&client).await;
    let id = gatewright::types::ClientId::from_text(&client.id);
    server.administer_clients(async |registrar| registrar.disable(&id).await.unwrap()).await;
    assert_refused(
        verify_request(&server, "invoices", &of_the_dead).send().await,
        401,
        "invalid_token",
    );
}

/// > The resource server MUST verify that the "typ" header value is "at+jwt" (RFC 9068 §4)
#[tokio::test]
async fn a_jwt_that_is_not_a_valid_access_token_is_refused() {
    let (server, client) = server_with_client().await;
    let (ours, theirs) = (JwtSigner::from_server(&server).await, JwtSigner::new());
    let good = unverified_claims(&server.client_credentials_token(&client).await);
    let changed = |name: &str, value: serde_json::Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };

    assert_authorized(
        &verify_request(&server, "invoices", &ours.sign("at+jwt", &good)).send().await,
    );
    for token in [
        ours.sign("JWT", &good),
        theirs.sign("at+jwt", &good),
        ours.sign("at+jwt", &changed("iss", json!("https://evil.example"))),
        ours.sign("at+jwt", &changed("aud", json!([ISSUER]))),
        ours.sign("at+jwt", &changed("exp", json!(START_TIME))),
        ours.sign("at+jwt", &changed("cnf", json!({ "x5t#S256": "A".repeat(43) }))),
        ours.sign("at+jwt", &changed("cnf", json!({ "jkt": "A".repeat(43) }))),
        ours.sign("at+jwt", &changed("cnf", json!({ "kid": "x" }))),
    ] {
        assert_refused(
            verify_request(&server, "invoices", &token).send().await,
            401,
            "invalid_token",
        );
    }
}

/// An issuer may have a path: the endpoint is below it, and nowhere else.
#[tokio::test]
async fn the_endpoint_is_below_the_path_of_the_issuer() {
    let server = Server::with(|config| {
        configure_routes(config);
        config.issuer = gatewright::config::Issuer::parse("https://id.example.org/tenant").unwrap();
    })
    .await;

    assert_eq!(server.get("/tenant/verify/invoices").await.status, 401);
    assert_eq!(server.get("/verify/invoices").await.status, 404);
    assert_eq!(server.get("/verify/tenant/verify/invoices").await.status, 404);
}

/// RFC 8705 §3, with the certificate that the gateway passes on; THREATS MT-04.
#[tokio::test]
async fn a_certificate_bound_token_requires_its_certificate() {
    let (server, _) = server_with_client().await;
    let (certificate, attacker) =
        (ClientCertificate::self_signed("Billing"), ClientCertificate::self_signed("Thief"));
    for format in ["jwt", "opaque"] {
        let client = register_service(
            &server,
            json!({
                "tls_client_certificate_bound_access_tokens": true,
                "gw_access_token_format": format,
            }),
        )
        .await;
        let request = server
            .request("POST", "/token")
            .basic(&client.id, &client.secret)
            .client_cert(&certificate);
        let response = request.form("grant_type=client_credentials").send().await.ok();
        let token = response.token("access_token");
        let verify_request = || verify_request(&server, "invoices", &token);

        assert_authorized(&verify_request().client_cert(&certificate).send().await);
        assert_refused(verify_request().send().await, 401, "invalid_token");
        assert_refused(verify_request().client_cert(&attacker).send().await, 401, "invalid_token");
        // In a format other than the configured one, the certificate is ignored.
        let nginx =
            verify_request().header("x-ssl-client-cert", &certificate.pem().replace('\n', "%0A"));
        assert_refused(nginx.send().await, 401, "invalid_token");
    }
}

/// A revocation is effective at the next request.
#[tokio::test]
async fn a_token_bound_to_a_revoked_certificate_is_refused() {
    let (server, _) = server_with_client().await;
    let certificate = ClientCertificate::self_signed("Billing");
    let bound = json!({ "tls_client_certificate_bound_access_tokens": true });
    let client = register_service(&server, bound).await;
    let request = server
        .request("POST", "/token")
        .basic(&client.id, &client.secret)
        .client_cert(&certificate);
    let token =
        request.form("grant_type=client_credentials").send().await.ok().token("access_token");
    let verify_request = || verify_request(&server, "invoices", &token).client_cert(&certificate);
    assert_authorized(&verify_request().send().await);

    let trace = server.trace();
    let row = inventory::seen_row(&Certificate::parse(&certificate.der, &[]).unwrap(), trace.now());
    server.inventory(&trace).revoke(&row, Reason::KeyCompromise).await.unwrap();

    assert_refused(verify_request().send().await, 401, "invalid_token");
}

/// A compromised key invalidates other certificates with this key too, even those that no connection
/// has been seen with.
#[tokio::test]
async fn a_token_bound_to_a_compromised_key_is_refused() {
    let (server, _) = server_with_client().await;
    let leaked = ClientCertificate::self_signed("Billing");
    let sibling =
        ClientCertificate::self_signed_with(leaked.clone_key(), "Billing, renewed", |_| {});
    let bound = json!({ "tls_client_certificate_bound_access_tokens": true });
    let client = register_service(&server, bound).await;
    let request =
        server.request("POST", "/token").basic(&client.id, &client.secret).client_cert(&sibling);
    let token =
        request.form("grant_type=client_credentials").send().await.ok().token("access_token");
    let verify_request = || verify_request(&server, "invoices", &token).client_cert(&sibling);
    assert_authorized(&verify_request().send().await);

    let trace = server.trace();
    let row = inventory::seen_row(&Certificate::parse(&leaked.der, &[]).unwrap(), trace.now());
    server.inventory(&trace).revoke(&row, Reason::KeyCompromise).await.unwrap();
    server.app().confirm().await.unwrap();

    assert_refused(verify_request().send().await, 401, "invalid_token");
}

/// An access token of a service, bound to this key.
async fn bound_token(server: &Server, client: &Client, key: &DpopKey) -> String {
    token_request(server, client, &key.proof(server)).send().await.ok().token("access_token")
}

/// A proof for the original request.
fn proof_for(server: &Server, key: &DpopKey, token: &str, method: &str, url: &str) -> String {
    let mut claims = key.claims(server, method, "");
    claims["htu"] = url.into();
    claims["ath"] = base64url::encode(Digest::of(token.as_bytes()).0).into();
    key.sign(&claims)
}

/// RFC 9449 §7.1, with the request that came to the gateway; THREATS DP-02, DP-06, DP-07.
#[tokio::test]
async fn a_dpop_bound_token_requires_a_proof_for_the_original_request() {
    const URL: &str = "https://api.example.org/invoices/4711";
    let (server, client) = server_with_client().await;
    let (key, attacker) = (DpopKey::new(), DpopKey::new());
    let token = bound_token(&server, &client, &key).await;
    let request = |route: &str, proof: &str| {
        let request = server.request("POST", &format!("/verify/{route}")).dpop(proof);
        request.header("authorization", &format!("DPoP {token}"))
    };
    let proof_of = |method: &str, url: &str| proof_for(&server, &key, &token, method, url);
    let with_original = |request: RequestBuilder| {
        request.header("x-original-method", "GET").header("x-original-uri", "/invoices/4711?a=b")
    };

    assert_authorized(&with_original(request("invoices", &proof_of("GET", URL))).send().await);
    let forwarded = request("traefik", &proof_of("GET", URL)).header("x-forwarded-method", "GET");
    assert_authorized(&forwarded.header("x-forwarded-uri", "/invoices/4711").send().await);
    assert_authorized(&request("envoy/invoices/4711?a=b", &proof_of("POST", URL)).send().await);

    for proof in [
        proof_of("POST", URL),
        proof_of("GET", "https://api.example.org/invoices/4712"),
        proof_of("GET", "https://id.example.org/invoices/4711"),
        proof_of("GET", "https://id.example.org/verify/invoices"),
        proof_for(&server, &key, "another", "GET", URL),
    ] {
        let request =
            with_original(request("invoices", &proof)).header("x-forwarded-host", "id.example.org");
        assert_refused(request.send().await, 401, "invalid_dpop_proof");
    }
    // The original request is missing in the configured fields, or present twice.
    let misnamed = request("invoices", &proof_of("GET", URL)).header("x-forwarded-method", "GET");
    let misnamed = misnamed.header("x-forwarded-uri", "/invoices/4711").send().await;
    assert_refused(misnamed, 401, "invalid_dpop_proof");
    let twice =
        with_original(with_original(request("invoices", &proof_of("GET", URL)))).send().await;
    assert_refused(twice, 401, "invalid_dpop_proof");
    let unknown = with_original(request("nowhere-known", &proof_of("GET", URL))).send().await;
    assert_refused(unknown, 401, "invalid_dpop_proof");

    let stolen = proof_for(&server, &attacker, &token, "GET", URL);
    assert_refused(with_original(request("invoices", &stolen)).send().await, 401, "invalid_token");
    assert_refused(
        with_original(verify_request(&server, "invoices", &token)).send().await,
        401,
        "invalid_token",
    );
    let bearer =
        with_original(verify_request(&server, "invoices", &token)).dpop(&proof_of("GET", URL));
    assert_refused(bearer.send().await, 401, "invalid_token");
    // A proof does not turn an unbound token into a bound one.
    let free = server.client_credentials_token(&client).await;
    for scheme in ["DPoP", "Bearer"] {
        let unbound_proof = proof_for(&server, &key, &free, "GET", URL);
        let upgraded = server.request("GET", "/verify/invoices").dpop(&unbound_proof);
        let upgraded = with_original(upgraded.header("authorization", &format!("{scheme} {free}")));
        assert_refused(upgraded.send().await, 401, "invalid_token");
    }
    let alone =
        server.request("GET", "/verify/any").header("authorization", &format!("DPoP {free}"));
    assert_refused(alone.send().await, 401, "invalid_dpop_proof");
}

/// RFC 9449 §7.1: an opaque token can be bound as well.
#[tokio::test]
async fn a_dpop_bound_opaque_token_requires_a_proof_by_its_key() {
    const URL: &str = "https://api.example.org/invoices/4711";
    let (server, _) = server_with_client().await;
    let client = register_service(&server, json!({ "gw_access_token_format": "opaque" })).await;
    let (key, attacker) = (DpopKey::new(), DpopKey::new());
    let token = bound_token(&server, &client, &key).await;
    assert!(token.starts_with("gw_at_"));
    let request = |scheme: &str| {
        let request = server.request("GET", "/verify/envoy/invoices/4711");
        request.header("authorization", &format!("{scheme} {token}"))
    };
    let new_proof = || proof_for(&server, &key, &token, "GET", URL);

    assert_authorized(&request("DPoP").dpop(&new_proof()).send().await);
    let stolen =
        request("DPoP").dpop(&proof_for(&server, &attacker, &token, "GET", URL)).send().await;
    assert_refused(stolen, 401, "invalid_token");
    assert_refused(request("Bearer").send().await, 401, "invalid_token");
    assert_refused(request("Bearer").dpop(&new_proof()).send().await, 401, "invalid_token");
    assert_refused(request("DPoP").send().await, 401, "invalid_dpop_proof");
    let used = new_proof();
    assert_authorized(&request("DPoP").dpop(&used).send().await);
    assert_refused(request("DPoP").dpop(&used).send().await, 401, "invalid_dpop_proof");
}

/// > Resource servers use an HTTP 401 (Unauthorized) error code with an accompanying WWW-Authenticate: DPoP value and
/// > DPoP-Nonce value to accomplish this. (RFC 9449 §9); the next one is sent with 200 and 403 (§8.2)
#[tokio::test]
async fn a_proof_for_the_original_request_needs_a_nonce_where_configured() {
    const URL: &str = "https://api.example.org/invoices/4711";
    let server = Server::with(|config| {
        configure_routes(config);
        config.dpop.nonce = DpopNonce::Required;
    })
    .await;
    let client = register_service(&server, json!({})).await;
    let key = DpopKey::new();
    let request_token = async |nonce: &str| {
        let mut claims = key.claims(&server, "POST", "/token");
        claims["nonce"] = nonce.into();
        token_request(&server, &client, &key.sign(&claims)).send().await
    };
    let second_of_minute = server.trace().now().0.rem_euclid(60);
    server.advance_clock(60 - second_of_minute);
    let first = request_token("").await.header("dpop-nonce").to_owned();
    let token = request_token(&first).await.ok().token("access_token");
    let request = async |route: &str, nonce: Option<&str>| {
        let mut claims = unverified_claims(&proof_for(&server, &key, &token, "GET", URL));
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let request = server.request("GET", &format!("/verify/{route}"));
        let request = request.header("authorization", &format!("DPoP {token}"));
        let request =
            request.header("x-original-method", "GET").header("x-original-uri", "/invoices/4711");
        request.dpop(&key.sign(&claims)).send().await
    };

    for (nonce, expected) in [(None, &first), (Some("x"), &first)] {
        let response = request("invoices", nonce).await;
        assert_eq!(response.header("dpop-nonce"), *expected);
        assert!(response.headers("www-authenticate")[0].starts_with("DPoP "), "{response:?}");
        assert_refused(response, 401, "use_dpop_nonce");
    }
    let response = request("invoices", Some(&first)).await;
    assert_authorized(&response);
    assert_eq!(response.header("dpop-nonce"), "", "the proof has the current nonce");
    server.advance_clock(60);
    let response = request("invoices", Some(&first)).await;
    assert_authorized(&response);
    let second = response.header("dpop-nonce").to_owned();
    assert!(!second.is_empty() && second != first);
    let narrow = request("pay", Some(&first)).await;
    assert_eq!(narrow.header("dpop-nonce"), second);
    assert_refused(narrow, 403, "insufficient_scope");
    server.advance_clock(120);
    assert_refused(request("invoices", Some(&first)).await, 401, "use_dpop_nonce");
    assert_authorized(&request("invoices", Some(&second)).await);
}

/// Decision 0015: a client may have caused the malformed field, and a gateway treats 400 as a failure.
#[tokio::test]
async fn a_malformed_certificate_field_is_refused_with_401_not_400() {
    let (server, client) = server_with_client().await;
    let token = server.client_credentials_token(&client).await;
    let certificate = ClientCertificate::self_signed("Billing");
    let misread = |request: RequestBuilder| {
        [
            request.clone().header("client-cert", "x"),
            request.clone().header("client-cert", ":AAAA:"),
            request.clone().client_cert(&certificate).client_cert(&certificate),
            request.clone().header("client_cert", "x"),
            request.header("client-cert-chain", ":AAAA:"),
        ]
    };

    for request in misread(verify_request(&server, "invoices", &token)) {
        assert_refused(request.send().await, 401, "invalid_token");
    }
    // At all other endpoints the response reports an error of the proxy.
    for request in misread(server.request("GET", "/userinfo").bearer(&token)) {
        request.send().await.refused(400, "invalid_request");
    }
    assert_authorized(&verify_request(&server, "invoices", &token).send().await);
}

/// RFC 9449 §11.1; THREATS DP-01, DP-13.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_requests_with_the_same_proof_one_is_authorized() {
    let (server, client) = server_with_client().await;
    let key = DpopKey::new();
    let token = bound_token(&server, &client, &key).await;
    let proof = proof_for(&server, &key, &token, "GET", "https://api.example.org/invoices/1");
    let request = server.request("GET", "/verify/envoy/invoices/1").dpop(&proof);
    let request = request.header("authorization", &format!("DPoP {token}"));

    let sent: Vec<_> = (0..64).map(|_| tokio::spawn(request.clone().send())).collect();
    let mut passing = 0;
    for response in sent {
        let response = response.await.unwrap();
        if response.status == 200 {
            passing += 1;
        } else {
            assert_refused(response, 401, "invalid_dpop_proof");
        }
    }

    assert_eq!(passing, 1);
}
