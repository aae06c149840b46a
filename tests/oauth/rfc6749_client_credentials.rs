//! RFC 6749 §4.4, Client Credentials Grant; RFC 9068, the access token that it issues.

use serde_json::{Value, json};

use kit::server::{ISSUER, START_TIME, Server};

/// The claims of a JWT, unverified.
fn claims(jwt: &str) -> (Value, Value) {
    use base64::Engine as _;
    let parts: Vec<Value> = jwt
        .split('.')
        .take(2)
        .map(|part| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap())
        .map(|bytes| serde_json::from_slice(&bytes).unwrap())
        .collect();
    (parts[0].clone(), parts[1].clone())
}

/// > If the access token request is valid and authorized, the authorization server issues an access
/// > token as described in Section 5.1. A refresh token SHOULD NOT be included. (§4.4.3)
#[tokio::test]
async fn a_service_gets_an_access_token_and_no_refresh_token() {
    let server = Server::start().await;
    let client = server.service().await;

    let response = server.post_as(&client, "/token", "grant_type=client_credentials").await.ok();

    assert_eq!(response.body["token_type"], "Bearer");
    assert_eq!(response.body["expires_in"], 300);
    assert_eq!(response.body["scope"], "read write");
    assert_eq!(response.body["refresh_token"], Value::Null);
    assert_eq!(response.body["id_token"], Value::Null);
}

/// > The authorization server MUST include the HTTP "Cache-Control" response header field with a value
/// > of "no-store" in any response containing tokens (§5.1); THREATS TE-24
#[tokio::test]
async fn a_token_response_is_neither_cached_nor_sniffed() {
    let server = Server::start().await;
    let client = server.service().await;

    let response = server.post_as(&client, "/token", "grant_type=client_credentials").await.ok();

    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(response.header("x-content-type-options"), "nosniff");
}

/// RFC 9068 §2.1, §2.2: `typ` and the required claims; THREATS TE-22.
#[tokio::test]
async fn the_access_token_is_an_at_jwt_with_the_client_as_subject() {
    let server = Server::start().await;
    let client = server.service().await;

    let (header, claims) = claims(&server.client_credentials_token(&client).await);

    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], ISSUER);
    assert_eq!(claims["sub"], json!(client.id));
    assert_eq!(claims["client_id"], json!(client.id));
    assert_eq!(claims["iat"], START_TIME);
    assert_eq!(claims["exp"], START_TIME + 300);
    assert_eq!(claims["scope"], "read write");
    assert!(claims["jti"].is_string());
    assert_eq!(claims["gw_grant"], Value::Null, "the token has no grant");
}

/// > The client credentials grant type MUST only be used by confidential clients. (§4.4); THREATS TE-21
#[tokio::test]
async fn a_public_client_is_refused() {
    let server = Server::start().await;
    let public = server
        .register(json!({
            "token_endpoint_auth_method": "none",
            "redirect_uris": ["https://app.example/cb"],
            "grant_types": ["authorization_code"],
        }))
        .await;

    let form = format!("grant_type=client_credentials&client_id={}", public.id);
    server.post("/token", &form).await.refused(400, "unauthorized_client");
}

/// THREATS TE-20, TE-21.
#[tokio::test]
async fn a_client_may_request_a_subset_of_its_scope_and_no_user_scopes() {
    let server = Server::start().await;
    let client = server.service().await;
    let request = |scope: &'static str| {
        let form = format!("grant_type=client_credentials&scope={scope}");
        let (server, client) = (&server, &client);
        async move { server.post_as(client, "/token", &form).await }
    };

    assert_eq!(request("read").await.ok().body["scope"], "read");
    for wrong in ["admin", "read+admin", "openid", "offline_access", "profile", "re%22ad"] {
        request(wrong).await.refused(400, "invalid_scope");
    }
}

/// RFC 8707 §2: "If the authorization server fails to parse the provided value(s) or does not consider
/// the resource(s) acceptable, it should reject the request with an error response using the error code
/// invalid_target".
#[tokio::test]
async fn a_resource_that_the_client_is_not_allowed_is_an_invalid_target() {
    let server = Server::start().await;
    let client = server.service().await;

    for wrong in ["https%3A%2F%2Fother.example", "relative", "https%3A%2F%2Fa.example%2F%23x"] {
        let form = format!("grant_type=client_credentials&resource={wrong}");
        server.post_as(&client, "/token", &form).await.refused(400, "invalid_target");
    }
}

/// THREATS TE-09; RFC 6749 §5.2, `unauthorized_client` and `unsupported_grant_type`.
#[tokio::test]
async fn unregistered_and_unsupported_grant_types_are_refused() {
    let server = Server::start().await;
    let client = server.service().await;

    for (grant, error) in [
        ("refresh_token&refresh_token=x", "unauthorized_client"),
        ("authorization_code&code=x", "unauthorized_client"),
        ("password&username=a&password=b", "unsupported_grant_type"),
        ("urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code", "unsupported_grant_type"),
        ("Client_Credentials", "unsupported_grant_type"),
    ] {
        let form = format!("grant_type={grant}");
        server.post_as(&client, "/token", &form).await.refused(400, error);
    }
    server.post_as(&client, "/token", "scope=read").await.refused(400, "invalid_request");
}
