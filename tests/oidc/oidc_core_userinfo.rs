//! OpenID Connect Core 1.0 §5.3, UserInfo Endpoint.

use gatewright::types::ClientId;
use serde_json::{Value, json};

use kit::http::Response;
use kit::jwt::unverified_claims;
use kit::server::{Client, ISSUER, Server};

async fn userinfo(server: &Server, token: &str) -> Response {
    server.request("GET", "/userinfo").bearer(token).send().await
}

/// > The sub (subject) Claim MUST always be returned in the UserInfo Response. (§5.3.2)
#[tokio::test]
async fn the_granted_scopes_determine_the_claims() {
    let server = Server::start().await;
    let (user, client) = (server.user("ada").await, server.web_app().await);

    let bare = server.obtain_tokens("ada", &client, "openid").await.token("access_token");
    let named = server.obtain_tokens("ada", &client, "openid profile").await.token("access_token");

    assert_eq!(userinfo(&server, &bare).await.ok().body, json!({ "sub": user.id.as_str() }));
    let named = userinfo(&server, &named).await.ok();
    assert_eq!(named.body["preferred_username"], "ada");
    assert_eq!(named.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(named.header("cache-control"), "no-store");
}

/// > The UserInfo Endpoint MUST support the use of the HTTP GET and HTTP POST methods (§5.3); RFC 6750
/// > §2.2: in the body of a form
#[tokio::test]
async fn a_token_may_be_sent_in_the_header_or_in_a_form() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let token = server.obtain_tokens("ada", &client, "openid").await.token("access_token");

    let posted = server.request("POST", "/userinfo").bearer(&token).send().await.ok();
    let form = server.post("/userinfo", &format!("access_token={token}")).await.ok();
    let lower =
        server.request("GET", "/userinfo").header("authorization", &format!("bearer {token}"));

    assert_eq!(posted.body, form.body);
    assert_eq!(lower.send().await.ok().body, form.body, "a scheme has no case (RFC 9110 §11.1)");
}

/// RFC 6750 §2.2: a body that is not a form contains no token, so the token in the header is the only
/// one. A token in a form is a second one.
#[tokio::test]
async fn a_body_that_is_not_a_form_does_not_invalidate_the_token_in_the_header() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let token = server.obtain_tokens("ada", &client, "openid").await.token("access_token");
    let posted = |kind: &str, body: &str| {
        let request =
            server.request("POST", "/userinfo").bearer(&token).header("content-type", kind);
        request.body(body)
    };

    for (kind, body) in [
        ("application/json", "{}"),
        ("application/json", "{\"access_token\":\"x\"}"),
        ("text/plain; charset=utf-8", "access_token=x"),
        ("application/x-www-form-urlencoded; boundary=x", ""),
    ] {
        posted(kind, body).send().await.ok();
    }
    let twice = posted("application/x-www-form-urlencoded;", &format!("access_token={token}"));
    twice.send().await.refused(400, "invalid_request");
}

/// A default audience may be a list that includes the issuer: such a token is valid for userinfo and
/// for the API. A token for the API alone is refused, and its audience is recorded.
#[tokio::test]
async fn a_token_may_be_valid_for_userinfo_and_for_an_api() {
    let server = Server::start().await;
    server.user("ada").await;
    let app = async |audience: Value| {
        let client = server.register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "gw_default_audience": audience,
        }));
        let client = client.await;
        (server.obtain_tokens("ada", &client, "openid").await, client)
    };
    let (both, client) = app(json!(["https://api.example", ISSUER])).await;
    let (one, _) = app(json!("https://api.example")).await;

    let token = both.token("access_token");
    assert_eq!(unverified_claims(&token)["aud"], json!(["https://api.example", ISSUER]));
    userinfo(&server, &token).await.ok();
    let again = server.refresh(&client, &both.token("refresh_token"), "").await.ok();
    userinfo(&server, &again.token("access_token")).await.ok();

    userinfo(&server, &one.token("access_token")).await.refused(401, "invalid_token");
    let refused = server.audit_events("request.refused").await.remove(0);
    let facts: Value = serde_json::from_str(&refused.facts).unwrap();
    assert_eq!(facts["audience"], "https://api.example");
    assert_eq!(facts["expected"], ISSUER);
}

/// > If the UserInfo Response is signed […] then the UserInfo Response MUST contain the Claims iss
/// > (issuer) and aud (audience) as members. (§5.3.2)
#[tokio::test]
async fn the_response_is_signed_for_clients_registered_for_it() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid",
            "userinfo_signed_response_alg": "ES256",
        }))
        .await;
    let token = server.obtain_tokens("ada", &client, "openid").await.token("access_token");

    let response = userinfo(&server, &token).await.ok();

    assert_eq!(response.header("content-type"), "application/jwt");
    use base64::Engine as _;
    let payload = response.text.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!(client.id)));
}

/// THREATS JO-20: a token is invalid as soon as its grant, its client or its lifetime has ended.
#[tokio::test]
async fn revoked_expired_and_disabled_tokens_are_refused() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let obtain_tokens = async || server.obtain_tokens("ada", &client, "openid").await;
    let dead = async |token: &str| {
        let response = userinfo(&server, token).await;
        assert!(response.header("www-authenticate").contains("error=\"invalid_token\""));
        response.refused(401, "invalid_token");
    };

    let revoked = obtain_tokens().await.token("access_token");
    server.post_as(&client, "/revoke", &format!("token={revoked}")).await.ok();
    dead(&revoked).await;

    let family = obtain_tokens().await;
    let refresh = family.token("refresh_token");
    server.post_as(&client, "/revoke", &format!("token={refresh}")).await.ok();
    dead(&family.token("access_token")).await;

    let expired = obtain_tokens().await.token("access_token");
    server.advance_clock(300);
    dead(&expired).await;

    let disabled = obtain_tokens().await.token("access_token");
    let id = ClientId::from_text(&client.id);
    server.administer_clients(async |registrar| registrar.disable(&id).await.unwrap()).await;
    dead(&disabled).await;
}

/// DESIGN §3: userinfo accepts only tokens with the issuer as audience; a service's own token has no
/// user. RFC 6750 §3.1.
#[tokio::test]
async fn a_token_for_another_audience_or_without_a_user_is_refused() {
    let server = Server::start().await;
    server.user("ada").await;
    let service = server.service().await;
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid email",
            "gw_default_audience": "https://api.example",
        }))
        .await;
    let tokens = server.obtain_tokens("ada", &client, "openid").await;

    let of_api = userinfo(&server, &tokens.token("access_token")).await;
    of_api.refused(401, "invalid_token");
    let of_service = userinfo(&server, &server.client_credentials_token(&service).await).await;
    let of_service = of_service.refused(403, "insufficient_scope");
    assert!(of_service.header("www-authenticate").contains("error=\"insufficient_scope\""));
    userinfo(&server, &tokens.token("id_token")).await.refused(401, "invalid_token");
}

/// DESIGN §4: scripts of the token's client may read the response, and an error response too.
#[tokio::test]
async fn scripts_of_the_tokens_client_may_read_the_response() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid",
            "gw_allowed_origins": ["https://app.example"],
        }))
        .await;
    let token = server.obtain_tokens("ada", &client, "openid").await.token("access_token");
    let userinfo_from = async |origin: &str, token: &str| {
        let request = server.request("GET", "/userinfo").bearer(token).header("origin", origin);
        let response = request.send().await;
        (response.status, response.header("access-control-allow-origin").to_owned())
    };

    assert_eq!(
        userinfo_from("https://app.example", &token).await,
        (200, "https://app.example".into())
    );
    assert_eq!(userinfo_from("https://evil.example", &token).await, (200, String::new()));
    assert_eq!(userinfo_from("https://app.example", "junk").await, (401, String::new()));
    server.advance_clock(300);
    assert_eq!(
        userinfo_from("https://app.example", &token).await,
        (401, "https://app.example".into())
    );
}
