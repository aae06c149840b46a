//! RFC 7009, Token Revocation.

use serde_json::{Value, json};

use kit::server::{Client, Server};

async fn is_active(server: &Server, client: &Client, token: &str) -> bool {
    let response = server.post_as(client, "/introspect", &format!("token={token}")).await.ok();
    response.body["active"] == Value::Bool(true)
}

async fn register_opaque_client(server: &Server) -> Client {
    server
        .register(json!({
            "grant_types": ["client_credentials"],
            "gw_access_token_format": "opaque",
        }))
        .await
}

/// > In the next step, the authorization server invalidates the token. The invalidation takes place
/// > immediately, and the token cannot be used again after the revocation. (§2.1)
#[tokio::test]
async fn a_revoked_token_is_inactive_at_once_and_others_stay_active() {
    let server = Server::start().await;
    for client in [server.service().await, register_opaque_client(&server).await] {
        let (token, other) = (
            server.client_credentials_token(&client).await,
            server.client_credentials_token(&client).await,
        );

        let response = server.post_as(&client, "/revoke", &format!("token={token}")).await.ok();

        assert_eq!(response.text, "");
        assert!(!is_active(&server, &client, &token).await);
        assert!(is_active(&server, &client, &other).await, "RFC 7009 §2.1: only the token itself");
    }
}

/// THREATS JO-20: a revocation is effective on every replica.
#[tokio::test]
async fn a_revoked_token_is_inactive_on_every_replica() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let client = server.service().await;
    let token = server.client_credentials_token(&client).await;

    server.post_as(&client, "/revoke", &format!("token={token}")).await.ok();

    assert!(!is_active(&replica, &client, &token).await);
}

/// > Note: invalid tokens do not cause an error response since the client cannot handle such an error in
/// > a reasonable way. (§2.2)
#[tokio::test]
async fn revoking_malformed_expired_or_revoked_tokens_succeeds() {
    let server = Server::start().await;
    let client = server.service().await;
    let token = server.client_credentials_token(&client).await;

    for junk in ["x", "gw_rt_x", "gw_at_x", "a.b.c"] {
        server.post_as(&client, "/revoke", &format!("token={junk}")).await.ok();
    }
    for _ in 0..2 {
        server.post_as(&client, "/revoke", &format!("token={token}")).await.ok();
    }
    server.advance_clock(300);
    server.post_as(&client, "/revoke", &format!("token={token}")).await.ok();
}

/// > If this validation fails, the request is refused and the client is informed of the error by the
/// > authorization server (§2.1); THREATS JO-19
#[tokio::test]
async fn a_client_cannot_revoke_the_token_of_another_client() {
    let server = Server::start().await;
    let attacker = server.service().await;
    for owner in [server.service().await, register_opaque_client(&server).await] {
        let token = server.client_credentials_token(&owner).await;

        let response = server.post_as(&attacker, "/revoke", &format!("token={token}")).await;

        response.refused(400, "invalid_request");
        assert!(is_active(&server, &owner, &token).await);
    }
}

/// > If the server is unable to locate the token using the given hint, it MUST extend its search across
/// > all of its supported token types. (§2.1); THREATS JO-19
#[tokio::test]
async fn a_token_is_revoked_despite_a_wrong_token_type_hint() {
    let server = Server::start().await;
    let client = server.service().await;
    let token = server.client_credentials_token(&client).await;

    let form = format!("token={token}&token_type_hint=refresh_token");
    server.post_as(&client, "/revoke", &form).await.ok();

    assert!(!is_active(&server, &client, &token).await);
}

/// > token REQUIRED. The token that the client wants to get revoked. (§2.1)
#[tokio::test]
async fn a_request_without_a_token_is_invalid() {
    let server = Server::start().await;
    let client = server.service().await;

    server.post_as(&client, "/revoke", "token=").await.refused(400, "invalid_request");
}

/// THREATS X-04: revoking a token is idempotent, and it is inactive once any request is acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_revocations_all_succeed() {
    let server = Server::start().await;
    let client = server.service().await;
    let token = server.client_credentials_token(&client).await;
    let request = server.request("POST", "/revoke").basic(&client.id, &client.secret);
    let request = request.form(&format!("token={token}"));

    let requests: Vec<_> = (0..64).map(|_| tokio::spawn(request.clone().send())).collect();
    for request in requests {
        request.await.unwrap().ok();
    }

    assert!(!is_active(&server, &client, &token).await);
}
