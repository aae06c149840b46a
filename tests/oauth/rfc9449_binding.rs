//! RFC 9449 §5 to §7, §10: tokens and codes that are bound to a key, and their use.

use gatewright::jose::base64url;
use gatewright::types::Digest;
use serde_json::{Value, json};

use kit::application::AuthorizationRequest;
use kit::dpop::{
    authorization_code, bound_token, code_grant_form, public_token_request, register_public_client,
    request_token, userinfo_with_dpop,
};
use kit::http::Response;
use kit::jwt::{DpopKey, unverified_claims};
use kit::server::{Client, ISSUER, Server};

/// > A token_type of DPoP MUST be included in the access token response to signal to the client that the
/// > access token was bound to its DPoP key (§5)
///
/// The `cnf` claim of §6.1 and member of §6.2.
#[tokio::test]
async fn a_token_is_bound_to_the_key_of_the_proof() {
    let server = Server::start().await;
    let client = server.service().await;
    let key = DpopKey::new();

    let response = request_token(&server, &client, &key.proof(&server)).await.ok();

    assert_eq!(response.body["token_type"], "DPoP");
    let token = response.token("access_token");
    assert_eq!(unverified_claims(&token)["cnf"], json!({ "jkt": key.jkt }));
    let introspected =
        server.post_as(&client, "/introspect", &format!("token={token}")).await.ok().body;
    assert_eq!(introspected["cnf"], json!({ "jkt": key.jkt }));
    assert_eq!(introspected["token_type"], "DPoP");
}

/// §6.2: introspection returns the confirmation of an opaque token.
#[tokio::test]
async fn an_opaque_token_is_bound_to_the_key_of_the_proof() {
    let server = Server::start().await;
    let opaque =
        json!({ "grant_types": ["client_credentials"], "gw_access_token_format": "opaque" });
    let client = server.register(opaque).await;
    let key = DpopKey::new();

    let response = request_token(&server, &client, &key.proof(&server)).await.ok();

    assert_eq!(response.body["token_type"], "DPoP");
    let form = format!("token={}", response.token("access_token"));
    let introspected = server.post_as(&client, "/introspect", &form).await.ok().body;
    assert_eq!(introspected["cnf"], json!({ "jkt": key.jkt }));
}

/// §7.1: a bound opaque token requires a proof by its key.
#[tokio::test]
async fn a_bound_opaque_token_requires_a_proof_for_it() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid",
            "gw_access_token_format": "opaque",
        }))
        .await;
    let (key, attacker) = (DpopKey::new(), DpopKey::new());
    let code = authorization_code(&server, &client, "").await;
    let request = server.redeem_request(&client, &code).dpop(&key.proof(&server));
    let token = request.send().await.ok().token("access_token");
    assert!(token.starts_with("gw_at_"));
    let new_proof = || key.proof_with_token(&server, "GET", &token);
    let bearer = || server.request("GET", "/userinfo").bearer(&token);

    userinfo_with_dpop(&server, &token, &new_proof()).await.ok();
    let stolen = attacker.proof_with_token(&server, "GET", &token);
    userinfo_with_dpop(&server, &token, &stolen).await.refused(401, "invalid_token");
    let other = key.proof_with_token(&server, "GET", "another");
    userinfo_with_dpop(&server, &token, &other).await.refused(401, "invalid_dpop_proof");
    bearer().send().await.refused(401, "invalid_token");
    bearer().dpop(&new_proof()).send().await.refused(401, "invalid_token");
    let used = new_proof();
    userinfo_with_dpop(&server, &token, &used).await.ok();
    userinfo_with_dpop(&server, &token, &used).await.refused(401, "invalid_dpop_proof");
}

/// > dpop_bound_access_tokens: A boolean value specifying whether the client always uses DPoP for token
/// > requests. […] If the value is true, the authorization server MUST reject token requests from the
/// > client that do not contain the DPoP header. (§5.2); THREATS DP-10
#[tokio::test]
async fn a_client_registered_for_bound_tokens_must_send_a_proof() {
    let server = Server::start().await;
    server.user("ada").await;
    let key = DpopKey::new();
    let service =
        json!({ "grant_types": ["client_credentials"], "dpop_bound_access_tokens": true });
    let service = server.register(service).await;
    let photos = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "dpop_bound_access_tokens": true,
        }))
        .await;

    let response = server.post_as(&service, "/token", "grant_type=client_credentials").await;
    response.refused(400, "invalid_request");
    let code = authorization_code(&server, &photos, "").await;
    server.redeem(&photos, &code).await.refused(400, "invalid_request");
    let request = server.redeem_request(&photos, &code).dpop(&key.proof(&server));
    let token = request.send().await.ok().token("refresh_token");
    server.refresh(&photos, &token, "").await.refused(400, "invalid_request");
    let request = server.refresh_request(&photos, &token, "").dpop(&key.proof(&server));

    assert_eq!(
        request.send().await.ok().body["token_type"],
        "DPoP",
        "the refusals consumed neither code nor token"
    );
}

/// The refresh token of a public client that presented this proof with its code.
async fn bound_refresh_token(server: &Server, client: &Client, proof: &str) -> String {
    let code = authorization_code(server, client, "").await;
    let request = public_token_request(server, client, &code_grant_form(&code), Some(proof));
    request.send().await.ok().token("refresh_token")
}

async fn refresh_public(
    server: &Server,
    client: &Client,
    token: &str,
    proof: Option<&str>,
) -> Response {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    public_token_request(server, client, &form, proof).send().await
}

/// > When an authorization server supporting DPoP issues a refresh token to a public client that presents
/// > a valid DPoP proof at the token endpoint, the refresh token MUST be bound to the respective public
/// > key. The binding MUST be validated when the refresh token is later presented (§5); THREATS DP-11
#[tokio::test]
async fn the_refresh_token_of_a_public_client_is_bound_to_its_key() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = register_public_client(&server).await;
    let (key, attacker) = (DpopKey::new(), DpopKey::new());
    let proof = key.proof(&server);
    let token = bound_refresh_token(&server, &client, &proof).await;
    let refresh = async |proof: Option<&str>| refresh_public(&server, &client, &token, proof).await;

    refresh(None).await.refused(400, "invalid_grant");
    refresh(Some(&attacker.proof(&server))).await.refused(400, "invalid_grant");
    refresh(Some(&proof)).await.refused(400, "invalid_dpop_proof");
    let next = refresh(Some(&key.proof(&server))).await.ok();

    assert_eq!(unverified_claims(&next.token("access_token"))["cnf"]["jkt"], json!(key.jkt));
    assert_ne!(next.token("refresh_token"), token);
}

/// THREATS DP-11, RT-05: within the grace period, the successor is issued to the same key only.
#[tokio::test]
async fn a_lost_response_is_repeated_only_for_the_same_key() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = register_public_client(&server).await;
    let (key, attacker) = (DpopKey::new(), DpopKey::new());
    let proof = key.proof(&server);
    let token = bound_refresh_token(&server, &client, &proof).await;
    let refresh = async |proof: Option<&str>| refresh_public(&server, &client, &token, proof).await;
    let lost = refresh(Some(&key.proof(&server))).await.ok().token("refresh_token");

    refresh(Some(&attacker.proof(&server))).await.refused(400, "invalid_grant");
    refresh(None).await.refused(400, "invalid_grant");
    let again = refresh(Some(&key.proof(&server))).await.ok();

    assert_eq!(again.token("refresh_token"), lost);
    assert_eq!(unverified_claims(&again.token("access_token"))["cnf"]["jkt"], json!(key.jkt));
}

/// > Refresh tokens issued to confidential clients […] are not bound to the DPoP proof public key because
/// > they are already sender-constrained with a different existing mechanism. (§5)
#[tokio::test]
async fn a_confidential_client_may_refresh_with_another_key() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let (old, new) = (DpopKey::new(), DpopKey::new());
    let code = authorization_code(&server, &client, "").await;
    let request = server.redeem_request(&client, &code).dpop(&old.proof(&server));
    let token = request.send().await.ok().token("refresh_token");

    let request = server.refresh_request(&client, &token, "").dpop(&new.proof(&server));
    let next = request.send().await.ok();

    assert_eq!(unverified_claims(&next.token("access_token"))["cnf"]["jkt"], json!(new.jkt));
    let request = server.refresh_request(&client, &next.token("refresh_token"), "");
    assert_eq!(request.send().await.ok().body["token_type"], "Bearer");
}

/// > When a token request is received, the authorization server computes the JWK Thumbprint of the
/// > proof-of-possession public key in the DPoP proof and verifies that it matches the dpop_jkt parameter value
/// > in the authorization request. If they do not match, it MUST reject the request. (§10); THREATS DP-08
#[tokio::test]
async fn a_code_bound_to_a_key_requires_a_proof_by_it() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = register_public_client(&server).await;
    let (key, attacker) = (DpopKey::new(), DpopKey::new());
    let bound = format!("&dpop_jkt={}", key.jkt);
    let redeem = async |code: &str, proof: Option<&str>| {
        public_token_request(&server, &client, &code_grant_form(code), proof).send().await
    };

    let good = authorization_code(&server, &client, &bound).await;
    redeem(&good, Some(&key.proof(&server))).await.ok();

    // Presented without a proof by this key, the code is consumed, as it is without the code_verifier.
    for proof in [Some(attacker.proof(&server)), None] {
        let stolen = authorization_code(&server, &client, &bound).await;
        redeem(&stolen, proof.as_deref()).await.refused(400, "invalid_grant");
        redeem(&stolen, Some(&key.proof(&server))).await.refused(400, "invalid_grant");
    }

    // An invalid proof does not consume the code.
    let waits = authorization_code(&server, &client, &bound).await;
    let mut late = key.claims(&server, "POST", "/token");
    late["iat"] = json!(server.trace().now().0 - 61);
    redeem(&waits, Some(&key.sign(&late))).await.refused(400, "invalid_dpop_proof");
    let used = key.proof(&server);
    let other = authorization_code(&server, &client, &bound).await;
    redeem(&other, Some(&used)).await.ok();
    redeem(&waits, Some(&used)).await.refused(400, "invalid_dpop_proof");
    redeem(&waits, Some(&key.proof(&server))).await.ok();
}

/// §10: an invalid thumbprint is reported to the client.
#[tokio::test]
async fn a_malformed_dpop_jkt_is_refused() {
    let server = Server::start().await;
    let client = register_public_client(&server).await;
    let padded = format!("{}=", DpopKey::new().jkt);

    for jkt in ["x", "AAAA", &padded] {
        let request = AuthorizationRequest::new(&client).with("dpop_jkt", jkt);
        request.open_in_new_browser(&server).await.refused("invalid_request");
    }
}

/// > a resource server MUST check that a DPoP proof was also received in the DPoP header field of the HTTP
/// > request, check the DPoP proof according to the rules in Section 4.3, and check that the public key of
/// > the DPoP proof matches the public key to which the access token is bound (§7.1); THREATS DP-06
#[tokio::test]
async fn a_bound_token_requires_a_proof_for_the_token_and_the_request() {
    let server = Server::start().await;
    let (key, attacker) = (DpopKey::new(), DpopKey::new());
    let (client, token) = bound_token(&server, &key).await;
    let ath = |token: &str| {
        let digest = Digest::of(token.as_bytes());
        json!(base64url::encode(digest.0))
    };
    let with = |name: &str, value: Value| {
        let mut claims = key.claims(&server, "GET", "/userinfo");
        claims["ath"] = ath(&token);
        claims[name] = value;
        key.sign(&claims)
    };

    let response =
        userinfo_with_dpop(&server, &token, &key.proof_with_token(&server, "GET", &token)).await;
    assert_eq!(response.ok().body["sub"].as_str().map(str::is_empty), Some(false));

    for (what, proof) in [
        ("no ath", key.sign(&key.claims(&server, "GET", "/userinfo"))),
        ("the ath of another token", with("ath", ath("another"))),
        ("ath is no text", with("ath", json!(7))),
        ("padded", with("ath", json!(format!("{}=", ath(&token).as_str().unwrap())))),
        ("another method", with("htm", json!("POST"))),
        ("another place", with("htu", json!(format!("{ISSUER}/token")))),
        ("old", with("iat", json!(server.trace().now().0 - 61))),
        ("none", String::from("x")),
    ] {
        let response = userinfo_with_dpop(&server, &token, &proof).await;
        let challenge = response.header("www-authenticate").to_owned();
        assert!(
            challenge.starts_with("DPoP ") && challenge.contains("error=\"invalid_dpop_proof\"")
        );
        assert!(
            challenge.contains(
                "algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519\""
            ),
            "{what}: {challenge}"
        );
        response.refused(401, "invalid_dpop_proof");
    }

    let stolen =
        userinfo_with_dpop(&server, &token, &attacker.proof_with_token(&server, "GET", &token))
            .await;
    assert!(stolen.header("www-authenticate").starts_with("DPoP "));
    stolen.refused(401, "invalid_token");
    let alone =
        server.request("GET", "/userinfo").header("authorization", &format!("DPoP {token}"));
    alone.send().await.refused(401, "invalid_dpop_proof");
    // > A DPoP-bound access token is sent using the Authorization request header field (§7.1)
    let posted = server.post("/userinfo", &format!("access_token={token}")).await;
    posted.refused(401, "invalid_token");
    let posted = server.request("POST", "/userinfo").form(&format!("access_token={token}"));
    let posted = posted.dpop(&key.proof_with_token(&server, "POST", &token)).send().await;
    posted.refused(401, "invalid_token");
    assert!(server.is_active(&client, &token).await);
}

/// > such a protected resource MUST reject a DPoP-bound access token received as a bearer token (§7.2);
/// > THREATS DP-06; DP-07: a proof does not bind a bearer token
#[tokio::test]
async fn a_token_is_accepted_only_with_the_scheme_of_its_token_type() {
    let server = Server::start().await;
    let key = DpopKey::new();
    let (client, token) = bound_token(&server, &key).await;
    let plain = server.obtain_tokens("ada", &client, "openid").await.token("access_token");
    let userinfo = async |scheme: &str, token: &str, proof: Option<String>| {
        let request = server.request("GET", "/userinfo");
        let request = request.header("authorization", &format!("{scheme} {token}"));
        let response = match proof {
            Some(proof) => request.dpop(&proof).send().await,
            None => request.send().await,
        };
        assert!(response.status == 200 || response.headers("www-authenticate").len() == 2);
        response
    };
    let proof = |token: &str| Some(key.proof_with_token(&server, "GET", token));

    userinfo("Bearer", &token, None).await.refused(401, "invalid_token");
    userinfo("Bearer", &token, proof(&token)).await.refused(401, "invalid_token");
    userinfo("Bearer", &plain, proof(&plain)).await.refused(401, "invalid_token");
    userinfo("DPoP", &plain, proof(&plain)).await.refused(401, "invalid_token");
    userinfo("DPoP", &plain, None).await.refused(401, "invalid_dpop_proof");

    userinfo("Bearer", &plain, None).await.ok();
    userinfo("dpop", &token, proof(&token)).await.ok();
}

/// > If no authentication information has been included with the request, then the challenges SHOULD NOT
/// > include an error code or other error information (§7.2); An algs parameter SHOULD be included (§7.1)
#[tokio::test]
async fn a_request_without_a_token_is_challenged_for_both_schemes() {
    let server = Server::start().await;

    let response = server.get("/userinfo").await;

    assert_eq!(
        response.headers("www-authenticate"),
        [
            "Bearer realm=\"gatewright\"",
            "DPoP realm=\"gatewright\", algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519\"",
        ]
    );
}
