//! RFC 8252, OAuth 2.0 for Native Apps; THREATS AZ-07, UI-10.

use serde_json::json;

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, VERIFIER};
use kit::server::{Client, Server};

async fn register_native_app(server: &Server, uris: &[&str]) -> Client {
    server
        .register(json!({
            "client_name": "Notes",
            "application_type": "native",
            "token_endpoint_auth_method": "none",
            "redirect_uris": uris,
        }))
        .await
}

async fn authorize(server: &Server, client: &Client, uri: &str) -> String {
    let mut browser = Browser::new(server);
    browser
        .complete_authorization(&AuthorizationRequest::new(client).with("redirect_uri", uri), "ada")
        .await
        .url
}

/// > The authorization server MUST allow any port to be specified at the time of the request for loopback
/// > IP redirect URIs (§7.3)
#[tokio::test]
async fn an_app_may_listen_on_any_port_of_the_loopback_interface() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = register_native_app(&server, &["http://127.0.0.1/cb", "http://[::1]:9/cb"]).await;

    for uri in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]/cb",
        "http://[::1]:50000/cb",
    ] {
        assert!(
            authorize(&server, &client, uri).await.starts_with(&format!("{uri}?code=")),
            "{uri}"
        );
    }
}

/// THREATS AZ-07: only the port may differ, and only for loopback IP redirect URIs of native
/// applications.
#[tokio::test]
async fn only_the_port_of_a_loopback_redirect_uri_may_differ() {
    let server = Server::start().await;
    let native =
        register_native_app(&server, &["http://127.0.0.1/cb", "http://localhost:8080/other"]).await;
    let web = server.register(json!({"redirect_uris": ["http://127.0.0.1:9000/cb"]})).await;

    for (client, uri) in [
        (&native, "http://127.0.0.1:1/cb/"),
        (&native, "http://127.0.0.1:1/CB"),
        (&native, "http://127.0.0.1:1"),
        (&native, "http://127.0.0.1:1/cb?x"),
        (&native, "http://127.0.0.1:1/cb#x"),
        (&native, "http://127.0.0.1:/cb"),
        (&native, "http://127.0.0.1:0/cb"),
        (&native, "http://127.0.0.1:01/cb"),
        (&native, "http://127.0.0.1:65536/cb"),
        (&native, "http://127.0.0.1:1@evil.example/cb"),
        (&native, "http://127.0.0.1:x/cb"),
        (&native, "http://127.0.0.1.evil.example/cb"),
        (&native, "http://127.1/cb"),
        (&native, "http://2130706433/cb"),
        (&native, "http://0x7f000001/cb"),
        (&native, "http://127.0.0.2/cb"),
        (&native, "http://[::ffff:127.0.0.1]/cb"),
        (&native, "http://[::1]/cb"),
        (&native, "http://[::1%25lo]/cb"),
        (&native, "https://127.0.0.1/cb"),
        (&native, "http://localhost:8081/cb"),
        (&native, "http://127.0.0.1:8080/other"),
        (&native, "http://localhost.evil.example:8080/other"),
        (&web, "http://localhost:9000/cb"),
        (&web, "http://127.0.0.1:81/cb"),
    ] {
        let page = AuthorizationRequest::new(client)
            .with("redirect_uri", uri)
            .open_in_new_browser(&server)
            .await;
        page.response.assert_error_page(400);
    }
}

/// Decision 0040: developers register `localhost`, RFC 9700 §4.1.3 mentions "a localhost URI", and
/// browsers resolve it to the same machine.
#[tokio::test]
async fn an_app_registered_with_localhost_may_listen_on_any_port_of_it() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = register_native_app(&server, &["http://localhost/callback"]).await;

    for uri in ["http://localhost/callback", "http://localhost:33418/callback"] {
        assert!(
            authorize(&server, &client, uri).await.starts_with(&format!("{uri}?code=")),
            "{uri}"
        );
    }
    let other =
        AuthorizationRequest::new(&client).with("redirect_uri", "http://127.0.0.1:33418/callback");
    other.open_in_new_browser(&server).await.response.assert_error_page(400);
}

/// Decision 0040: a tool that supports no other scheme may be allowed its own, and users are asked for
/// consent each time.
#[tokio::test]
async fn an_app_may_use_a_scheme_without_a_domain_where_allowed() {
    let server = Server::start().await;
    server.user("ada").await;
    let uri = "vscode://example.notes/cb";
    let client = server
        .register(json!({
            "application_type": "native",
            "token_endpoint_auth_method": "none",
            "redirect_uris": [uri],
            "gw_allowed_schemes": ["vscode"],
        }))
        .await;
    let mut browser = Browser::new(&server);
    let request = AuthorizationRequest::new(&client).with("redirect_uri", uri);

    for _ in 0..2 {
        assert!(
            browser
                .complete_authorization(&request, "ada")
                .await
                .url
                .starts_with(&format!("{uri}?code="))
        );
        browser.start_authorization(&request).await.assert_page("/consent");
    }
    let other = request.with("redirect_uri", "cursor://example.notes/cb");
    other.open_in_new_browser(&server).await.response.assert_error_page(400);
}

/// > Apps MUST use a URI scheme based on a domain name under their control, expressed in reverse order
/// > (§7.1)
#[tokio::test]
async fn an_app_may_use_a_private_use_uri_scheme() {
    let server = Server::start().await;
    server.user("ada").await;
    let uri = "com.example.notes:/cb";
    let client = register_native_app(&server, &[uri]).await;

    let at = authorize(&server, &client, uri).await;

    let code = at.strip_prefix("com.example.notes:/cb?code=").unwrap().split('&').next().unwrap();
    let form = format!(
        "grant_type=authorization_code&client_id={}&redirect_uri=com.example.notes%3A%2Fcb\
         &code={code}&code_verifier={VERIFIER}",
        client.id
    );
    server.post("/token", &form).await.ok();
    let evil = AuthorizationRequest::new(&client).with("redirect_uri", "com.example.notes://cb");
    evil.open_in_new_browser(&server).await.response.assert_error_page(400);
}

/// > authorization servers SHOULD NOT process authorization requests automatically without user consent
/// > or interaction, except when the identity of the client can be assured (§8.6); THREATS UI-10
#[tokio::test]
async fn a_client_that_other_programs_can_impersonate_always_needs_consent() {
    let server = Server::start().await;
    server.user("ada").await;
    let (scheme, local) = ("com.example.notes:/cb", "http://localhost:5173/");

    for (kind, uri, is_trusted) in [
        ("native", scheme, false),
        ("native", scheme, true),
        ("native", local, false),
        // A single-page application in development: decision 0026 covers issuers that are local too.
        ("web", local, false),
        ("web", local, true),
    ] {
        let client = server
            .register(json!({
                "application_type": kind,
                "token_endpoint_auth_method": "none",
                "redirect_uris": [uri],
                "gw_skip_consent": is_trusted,
            }))
            .await;
        let request = AuthorizationRequest::new(&client).with("redirect_uri", uri);
        let mut browser = Browser::new(&server);
        let page = browser.complete_authorization(&request, "ada").await;
        assert!(page.url.starts_with(&format!("{uri}?code=")), "{page:?}");

        browser.start_authorization(&request).await.assert_page("/consent");
        let silent = browser.start_authorization(&request.with("prompt", "none")).await;
        assert!(silent.url.contains("error=consent_required"), "{silent:?}");
    }
}

/// A client with an https redirect URI cannot be impersonated by another site.
#[tokio::test]
async fn consent_for_a_public_client_with_an_https_redirect_uri_is_stored() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({
            "token_endpoint_auth_method": "none",
            "redirect_uris": [Client::REDIRECT_URI],
        }))
        .await;
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();

    browser
        .start_authorization(&AuthorizationRequest::new(&client).with("prompt", "none"))
        .await
        .code();
}
