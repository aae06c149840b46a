//! A single-page application.

use serde_json::json;

use crate::application::Application;
use crate::chromium::Browser;
use crate::server::{PASSWORD, Server};

use super::program::{Program, node};

/// Tokens are in memory: after a reload, silent renewal in a frame and the stored consent keep the user
/// signed in.
#[tokio::test]
async fn oidc_client_ts_for_browsers() {
    let mut server = Server::start().await;
    server.create_user("ada").await;
    let port = crate::free_port();
    let origin = format!("http://localhost:{port}");
    let metadata = json!({
        "client_name": "Recipe",
        "token_endpoint_auth_method": "none",
        "redirect_uris": [format!("{origin}/")],
        "post_logout_redirect_uris": [format!("{origin}/")],
        "gw_allowed_origins": [origin],
    });
    let client = Application::from_registration(&server.issuer, &server.register(metadata).await);
    let settings = [("ISSUER", &*server.issuer), ("CLIENT_ID", &client.id)];
    let directory = &server.installation.directory;
    let application = Program::start(node("node/spa.mjs"), port, directory, &settings).await;
    let browser = Browser::start().await;

    browser.open(&origin).await;
    browser.wait_for_text("#status", "login_required").await;
    browser.press("#sign-in").await;
    browser.fill("identifier", "ada").await;
    browser.fill("password", PASSWORD).await;
    browser.press("button[value=sign-in]").await;
    browser.press("button[value=allow]").await;
    browser.wait_for_text("#status", "Signed in by a page.").await;
    assert!(browser.read("#claims").await.contains("ada@example.org"));

    browser.open(&origin).await;
    browser.wait_for_text("#status", "Signed in silently.").await;
    assert!(browser.read("#claims").await.contains("ada@example.org"));

    browser.press("#sign-out").await;
    browser.wait_for_text("#status", "login_required").await;

    browser.close().await;
    application.stop().await;
    server.stop().await;
}
