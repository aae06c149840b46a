//! RFC 9449 §8, §9: nonces provided by the server. THREATS DP-09, DP-12.

use gatewright::config::{Config, DpopNonce};
use gatewright::jose::base64url;
use serde_json::json;

use kit::dpop::{
    authorization_code, request_token, stored_proofs, token_request, userinfo_with_dpop,
};
use kit::jwt::{DpopKey, unverified_claims};
use kit::server::Server;

fn require_nonces(config: &mut Config) {
    config.dpop.nonce = DpopNonce::Required;
}

/// A valid proof with this nonce.
fn with_nonce(server: &Server, key: &DpopKey, nonce: &str) -> String {
    let mut claims = key.claims(server, "POST", "/token");
    claims["nonce"] = json!(nonce);
    key.sign(&claims)
}

/// > the authorization server responds to requests that do not include a nonce with an HTTP 400 (Bad
/// > Request) error response […] using use_dpop_nonce as the error code value. The authorization server
/// > includes a DPoP-Nonce HTTP header in the response (§8); THREATS DP-09
#[tokio::test]
async fn where_nonces_are_required_a_proof_must_have_the_current_one() {
    let server = Server::with(require_nonces).await;
    let client = server.service().await;
    let key = DpopKey::new();

    let challenge = request_token(&server, &client, &key.proof(&server)).await;
    let nonce = challenge.header("dpop-nonce").to_owned();
    challenge.refused(400, "use_dpop_nonce");
    let response = request_token(&server, &client, &with_nonce(&server, &key, &nonce)).await.ok();

    assert_eq!(response.body["token_type"], "DPoP");
    assert_eq!(response.header("dpop-nonce"), "", "the proof has the current nonce");
    // §11.3: a proof without the nonce is still refused afterwards.
    request_token(&server, &client, &key.proof(&server)).await.refused(400, "use_dpop_nonce");
    // Other clients and other replicas get the same nonce.
    let replica = server.replica().await;
    let fresh = request_token(&replica, &client, &key.proof(&server)).await;
    assert_eq!(fresh.header("dpop-nonce"), nonce);
}

/// > If the nonce claim in the DPoP proof does not exactly match a nonce recently supplied by the
/// > authorization server to the client, the authorization server MUST reject the request. (§8);
/// > THREATS DP-09: forged, changed, of another server, of another type
#[tokio::test]
async fn an_invalid_nonce_is_refused_with_a_valid_one() {
    let server = Server::with(require_nonces).await;
    let client = server.service().await;
    let key = DpopKey::new();
    let nonce =
        request_token(&server, &client, &key.proof(&server)).await.header("dpop-nonce").to_owned();
    let mut ahead = base64url::decode(&nonce).unwrap();
    ahead[7] ^= 1;
    let other_server = Server::with(require_nonces).await;
    let theirs =
        request_token(&other_server, &other_server.service().await, &key.proof(&other_server))
            .await;

    for wrong in [
        "",
        "x",
        &nonce[1..],
        &nonce.to_lowercase(),
        &format!("{nonce}A"),
        &format!("{nonce}="),
        &base64url::encode(ahead),
        &base64url::encode([0; 40]),
        theirs.header("dpop-nonce"),
    ] {
        let response = request_token(&server, &client, &with_nonce(&server, &key, wrong)).await;
        assert_eq!(response.header("dpop-nonce"), nonce, "{wrong}");
        response.refused(400, "use_dpop_nonce");
    }
    let mut claims = key.claims(&server, "POST", "/token");
    claims["nonce"] = json!([nonce]);
    request_token(&server, &client, &key.sign(&claims)).await.refused(400, "invalid_dpop_proof");
    assert_eq!(stored_proofs(&server).await, 0);
}

/// > A more efficient manner of supplying a new nonce value is also defined by including a DPoP-Nonce HTTP
/// > header in the HTTP 200 (OK) response from the previous request. (§8.2); THREATS DP-09: it is valid
/// > on
/// > every replica and after a restart
#[tokio::test]
async fn nonces_rotate_and_the_next_one_is_sent_in_time() {
    let server = Server::with(require_nonces).await;
    let client = server.service().await;
    let key = DpopKey::new();
    let first =
        request_token(&server, &client, &key.proof(&server)).await.header("dpop-nonce").to_owned();
    let second_of_minute = server.trace().now().0.rem_euclid(60);

    server.advance_clock(60 - second_of_minute);
    let response = request_token(&server, &client, &with_nonce(&server, &key, &first)).await.ok();
    let second = response.header("dpop-nonce").to_owned();
    assert!(
        !second.is_empty() && second != first,
        "the next nonce is sent before the previous one expires"
    );

    server.advance_clock(119);
    request_token(&server, &client, &with_nonce(&server, &key, &first)).await.ok();
    server.advance_clock(1);
    let stale = request_token(&server, &client, &with_nonce(&server, &key, &first)).await;
    stale.refused(400, "use_dpop_nonce");
    let replica = server.replica().await;
    request_token(&replica, &client, &with_nonce(&server, &key, &second)).await.ok();
    let server = server.restart().await;
    request_token(&server, &client, &with_nonce(&server, &key, &second)).await.ok();
}

/// THREATS CL-01: a nonce from a replica whose clock is less than an interval ahead is accepted by all.
#[tokio::test]
async fn a_nonce_from_a_replica_whose_clock_is_ahead_is_accepted() {
    let server = Server::with(require_nonces).await;
    let client = server.service().await;
    let key = DpopKey::new();
    let ahead = server.replica_ahead(59).await;
    let response = request_token(&ahead, &client, &key.proof(&ahead)).await;

    let nonce = response.header("dpop-nonce");

    request_token(&server, &client, &with_nonce(&server, &key, nonce)).await.ok();
}

/// THREATS DP-12: temporary access to the key does not allow proofs for later, even with an `iat` that
/// is right then.
#[tokio::test]
async fn proofs_made_in_advance_lack_the_nonce_of_their_time() {
    let server = Server::with(require_nonces).await;
    let client = server.service().await;
    let key = DpopKey::new();
    let nonce =
        request_token(&server, &client, &key.proof(&server)).await.header("dpop-nonce").to_owned();
    let mut stock = key.claims(&server, "POST", "/token");
    stock["nonce"] = json!(nonce);
    stock["iat"] = json!(server.trace().now().0 + 3600);
    let stock = key.sign(&stock);

    request_token(&server, &client, &stock).await.refused(400, "invalid_dpop_proof");
    server.advance_clock(3600);

    request_token(&server, &client, &stock).await.refused(400, "use_dpop_nonce");
}

/// > Resource servers use an HTTP 401 (Unauthorized) error code with an accompanying WWW-Authenticate: DPoP
/// > value and DPoP-Nonce value to accomplish this. (§9); the code is not consumed meanwhile
#[tokio::test]
async fn userinfo_requires_a_nonce_and_a_missing_one_consumes_no_code() {
    let server = Server::with(require_nonces).await;
    server.user("ada").await;
    let client = server.web_app().await;
    let key = DpopKey::new();
    let code = authorization_code(&server, &client, "").await;

    let response = server.redeem_request(&client, &code).dpop(&key.proof(&server)).send().await;
    let nonce = response.header("dpop-nonce").to_owned();
    response.refused(400, "use_dpop_nonce");
    let proof = with_nonce(&server, &key, &nonce);
    let token = server.redeem_request(&client, &code).dpop(&proof).send().await.ok();
    let token = token.token("access_token");

    let proof = key.proof_with_token(&server, "GET", &token);
    let response = userinfo_with_dpop(&server, &token, &proof).await;
    assert!(
        response.header("www-authenticate").contains("error=\"use_dpop_nonce\""),
        "{response:?}"
    );
    assert!(response.header("www-authenticate").starts_with("DPoP "));
    assert_eq!(response.header("dpop-nonce"), nonce);
    response.refused(401, "use_dpop_nonce");
    let mut claims = unverified_claims(&proof);
    claims["nonce"] = json!(nonce);
    userinfo_with_dpop(&server, &token, &key.sign(&claims)).await.ok();
}

/// Without `dpop.nonce = "required"` no nonce is sent, and a nonce in a proof is ignored.
#[tokio::test]
async fn where_nonces_are_not_required_none_is_sent() {
    let server = Server::start().await;
    let client = server.service().await;
    let key = DpopKey::new();

    let response = request_token(&server, &client, &with_nonce(&server, &key, "old")).await.ok();

    assert_eq!(response.header("dpop-nonce"), "");
}

/// DESIGN §4: scripts may send the header and read the nonce, in error responses too.
#[tokio::test]
async fn scripts_may_send_proofs_and_read_nonces() {
    let server = Server::with(require_nonces).await;
    let origin = "https://app.example";
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "gw_allowed_origins": [origin],
        }))
        .await;

    let preflight = server.request("OPTIONS", "/token").header("origin", origin).send().await;
    let proof = DpopKey::new().proof(&server);
    let response = token_request(&server, &client, &proof).header("origin", origin).send().await;

    assert!(preflight.header("access-control-allow-headers").contains("dpop"));
    assert_eq!(response.header("access-control-allow-origin"), origin);
    assert!(response.header("access-control-expose-headers").contains("DPoP-Nonce"));
    assert!(!response.header("dpop-nonce").is_empty());
}
