//! RFC 7636, Proof Key for Code Exchange; RFC 9700 §2.1.1; THREATS 1.C, PK-01 to PK-07.

use gatewright::store::audit_events::AuditRow;
use serde_json::json;

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, CHALLENGE, VERIFIER};
use kit::http::Response;
use kit::server::{Client, Server};

/// The S256 challenge of [`OTHER`].
const OTHER_CHALLENGE: &str = "9mYWRPD9oChPzTCelVKIQPgW-ifKvmuNk8cxGSLLMbA";
const OTHER: &str = "another-verifier-that-is-long-enough-to-be-one";

/// An OpenID Connect client that may omit PKCE (RFC 9700 §2.1.1).
async fn register_oidc_client(server: &Server) -> Client {
    server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid email",
            "gw_require_pkce": false,
        }))
        .await
}

fn request_without_pkce(client: &Client) -> AuthorizationRequest {
    AuthorizationRequest::new(client).without("code_challenge").without("code_challenge_method")
}

/// A token request with this verifier, or without one.
async fn redeem(server: &Server, client: &Client, code: &str, verifier: Option<&str>) -> Response {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code").append_pair("code", code);
    form.append_pair("redirect_uri", Client::REDIRECT_URI);
    if let Some(verifier) = verifier {
        form.append_pair("code_verifier", verifier);
    }
    let form = form.finish();
    if client.secret.is_empty() {
        return server.post("/token", &format!("{form}&client_id={}", client.id)).await;
    }
    server.post_as(client, "/token", &form).await
}

/// > the client does not send the "code_challenge" in the request, the authorization endpoint MUST return
/// > the authorization error response with the "error" value set to "invalid_request" (RFC 7636 §4.4.1);
/// > THREATS PK-01: of public and of confidential clients
#[tokio::test]
async fn a_request_without_a_challenge_is_refused() {
    let server = Server::start().await;
    let public = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "token_endpoint_auth_method": "none",
        }))
        .await;

    for client in [public, server.web_app().await] {
        for request in
            [request_without_pkce(&client), request_without_pkce(&client).with("nonce", "n")]
        {
            request.open_in_new_browser(&server).await.refused("invalid_request");
        }
        let half = AuthorizationRequest::new(&client).without("code_challenge");
        half.open_in_new_browser(&server).await.refused("invalid_request");
    }
}

/// > Clients MUST NOT downgrade to "plain" after trying the "S256" method. (RFC 7636 §7.2)
///
/// The server does not support `plain`, and a request without a method means `plain` (§4.3). THREATS
/// PK-04
#[tokio::test]
async fn s256_is_the_only_supported_method() {
    let server = Server::start().await;

    for client in [server.web_app().await, register_oidc_client(&server).await] {
        for method in ["", "plain", "s256", "S512", "S256 ", "none"] {
            let request = AuthorizationRequest::new(&client).with("nonce", "n");
            let page =
                request.with("code_challenge_method", method).open_in_new_browser(&server).await;
            page.refused("invalid_request");
        }
    }
    let metadata = server.get("/.well-known/openid-configuration").await.ok().body;
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
}

/// > code-challenge = 43*128unreserved (RFC 7636 §4.2): of a SHA-256 digest, 43; THREATS PK-05
#[tokio::test]
async fn a_challenge_must_be_a_base64url_encoded_digest() {
    let server = Server::start().await;
    let client = server.web_app().await;

    for wrong in [
        &CHALLENGE[..42],
        &format!("{CHALLENGE}A"),
        &format!("{CHALLENGE}="),
        &CHALLENGE.replace('-', "+"),
        &CHALLENGE.replace('-', " "),
        &"A".repeat(128),
        &format!("{}N", &CHALLENGE[..42]),
        "\u{e4}",
    ] {
        let request = AuthorizationRequest::new(&client).with("code_challenge", wrong);
        request.open_in_new_browser(&server).await.refused("invalid_request");
    }
}

/// > If the values are not equal, an error response indicating "invalid_grant" […] MUST be returned.
/// > (RFC 7636 §4.6); THREATS PK-02, PK-05, PK-06, CO-08
#[tokio::test]
async fn a_code_requires_the_verifier_of_its_challenge() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);

    for wrong in [
        None,
        Some(""),
        Some(OTHER),
        Some(CHALLENGE),
        Some(&VERIFIER[..42]),
        Some(&VERIFIER.to_uppercase()),
        Some(&format!("{VERIFIER} ")),
        Some(&format!("{VERIFIER}A")),
        Some(&"A".repeat(129)),
        Some("\u{e4}"),
    ] {
        let code =
            browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
        let response = redeem(&server, &client, &code, wrong).await;
        response.refused(400, "invalid_grant");
        let late = redeem(&server, &client, &code, Some(VERIFIER)).await;
        late.refused(400, "invalid_grant");
    }
    let other = AuthorizationRequest::new(&client).with("code_challenge", OTHER_CHALLENGE);
    let code = browser.complete_authorization(&other, "ada").await.code();
    redeem(&server, &client, &code, Some(OTHER)).await.ok();
}

/// RFC 7636 §4.1: every length that is allowed.
#[tokio::test]
async fn a_verifier_must_have_43_to_128_characters() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);

    for (length, status) in [(42, 400), (43, 200), (128, 200), (129, 400)] {
        let verifier = "~".repeat(length);
        let digest = sha2::Sha256::digest(verifier.as_bytes());
        let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
        let request = AuthorizationRequest::new(&client).with("code_challenge", &challenge);
        let code = browser.complete_authorization(&request, "ada").await.code();
        let response = redeem(&server, &client, &code, Some(&verifier)).await;
        assert_eq!(response.status, status, "{length}: {response:?}");
    }
}

/// > confidential OpenID Connect clients MAY use the nonce parameter and the respective Claim in the ID
/// > Token instead. (RFC 9700 §2.1.1)
#[tokio::test]
async fn a_confidential_client_may_be_registered_to_use_a_nonce_instead() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = register_oidc_client(&server).await;
    let request = request_without_pkce(&client).with("nonce", "n");
    let mut browser = Browser::new(&server);
    let code = browser.complete_authorization(&request, "ada").await.code();

    redeem(&server, &client, &code, None).await.ok();

    for less in [
        request.clone().without("nonce"),
        request.clone().with("scope", "email"),
        request.clone().with("code_challenge_method", "S256"),
    ] {
        browser.start_authorization(&less).await.refused("invalid_request");
    }
    let with = AuthorizationRequest::new(&client);
    let code = browser.complete_authorization(&with, "ada").await.code();
    redeem(&server, &client, &code, None).await.refused(400, "invalid_grant");
}

/// Applications that send neither PKCE nor a nonce, as in OpenID's basic certification, can be
/// registered for that. The error for any other client names the setting that would allow it.
#[tokio::test]
async fn a_confidential_client_may_be_registered_to_use_neither() {
    let server = Server::start().await;
    server.user("ada").await;
    let with_nonce = register_oidc_client(&server).await;
    let neither = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid email",
            "gw_require_pkce": false,
            "gw_require_nonce": false,
        }))
        .await;
    let mut browser = Browser::new(&server);

    for request in
        [request_without_pkce(&neither), request_without_pkce(&neither).with("nonce", "n")]
    {
        let code = browser.complete_authorization(&request, "ada").await.code();
        redeem(&server, &neither, &code, None).await.ok();
    }
    let code =
        browser.complete_authorization(&AuthorizationRequest::new(&neither), "ada").await.code();
    redeem(&server, &neither, &code, None).await.refused(400, "invalid_grant");

    for (client, setting) in [
        (&with_nonce, "gw_require_nonce: false"),
        (&server.web_app().await, "gw_require_pkce: false"),
    ] {
        let page = browser.start_authorization(&request_without_pkce(client)).await;
        page.refused("invalid_request");
        let description = page.parameter("error_description");
        assert!(description.contains(setting), "{description}");
    }
    let half = request_without_pkce(&neither).with("code_challenge_method", "S256");
    browser.start_authorization(&half).await.refused("invalid_request");
}

/// The creation of a client with weaker settings than the defaults is recorded as such.
#[tokio::test]
async fn the_audit_trail_records_a_client_that_may_use_neither() {
    let server = Server::start().await;
    let careful = server.web_app().await;
    let careless = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "gw_require_pkce": false,
            "gw_require_nonce": false,
        }))
        .await;

    let events = server.audit_events("client.created").await;
    let facts = |client: &Client| {
        let is_its_own = |event: &&AuditRow| event.client_id.as_ref() == Some(&client.id);
        events.iter().find(is_its_own).unwrap().facts.clone()
    };
    assert_eq!(facts(&careful), "{}");
    assert!(facts(&careless).contains("gw_require_nonce is false"), "{}", facts(&careless));
}

/// > The authorization server MUST ensure that if there was no "code_challenge" in the authorization
/// > request, a request to the token endpoint containing a "code_verifier" is rejected. (RFC 9700
/// > §4.8.2); THREATS PK-03
#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = register_oidc_client(&server).await;
    let request = request_without_pkce(&client).with("nonce", "n");
    let code = Browser::new(&server).complete_authorization(&request, "ada").await.code();

    let response = redeem(&server, &client, &code, Some(VERIFIER)).await;

    response.refused(400, "invalid_grant");
}

/// THREATS PK-07, UI-11: a form decides, and its other fields change nothing.
#[tokio::test]
async fn fields_of_a_form_cannot_change_the_authorization_request() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let more = [
        ("code_challenge", OTHER_CHALLENGE),
        ("scope", "openid email offline_access"),
        ("redirect_uri", "https://evil.example/cb"),
        ("client_id", "another"),
        ("state", "another"),
        ("prompt", "none"),
    ];
    let login = browser.start_authorization(&AuthorizationRequest::new(&client)).await;
    let typed = [("identifier", "ada"), ("password", kit::server::PASSWORD)];

    let consent = browser.submit(&login, &[&typed[..], &more].concat()).await;
    let code = browser.submit(&consent, &[&[("answer", "allow")], &more[..]].concat()).await.code();

    let response = redeem(&server, &client, &code, Some(VERIFIER)).await.ok();
    assert_eq!(response.body["scope"], "openid");
}
