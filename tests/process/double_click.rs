//! Double-clicks, the back button and repeated forms: real Chromium, and a client of the test's own.

use axum::Router;
use axum::response::Html;
use serde_json::json;

use crate::chromium::Browser;
use crate::server::{PASSWORD, Server};

/// A `code_verifier`, and its S256 challenge (RFC 7636 appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A client that accepts every request; returns its URL.
async fn start_application() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(|| async { Html("<h1>Here are your photos</h1>") });
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// THREATS EX-21.
#[tokio::test]
async fn a_double_click_returns_a_valid_code() {
    let server = Server::start().await;
    server.create_user("ada").await;
    let application = start_application().await;
    let callback = format!("{application}/cb");
    let client =
        server.register(json!({ "client_name": "Photos", "redirect_uris": [callback] })).await;
    let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str());
    let target = form_urlencoded::Serializer::new(format!("{}/authorize?", server.issuer))
        .append_pair("response_type", "code")
        .append_pair("client_id", id)
        .append_pair("redirect_uri", &callback)
        .append_pair("scope", "openid")
        .append_pair("state", "s")
        .append_pair("prompt", "login consent")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let redeem = async |address: String| {
        assert!(address.starts_with(&callback), "{address}");
        let url = url::Url::parse(&address).unwrap();
        let code = url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &callback),
            ("code_verifier", VERIFIER),
        ];
        let request = crate::http().post(format!("{}/token", server.issuer)).basic_auth(id, secret);
        request.form(&form).send().await.unwrap().status()
    };
    let browser = Browser::start().await;
    let assert_at_client = async || {
        let is_there = async || browser.address().await.starts_with(&callback);
        crate::wait_until("the application is reached", is_there).await;
    };

    for _ in 0..6 {
        browser.open(&target).await;
        browser.fill("identifier", "ada").await;
        browser.fill("password", PASSWORD).await;
        browser.double_click("button[value=sign-in]").await;
        crate::wait_until("the consent page is displayed", async || {
            browser.address().await.contains("/consent")
        })
        .await;
        browser.double_click("button[value=allow]").await;
        assert_at_client().await;
        assert_eq!(redeem(browser.address().await).await, 200);
    }
    // Back, to the page from the cache or loaded again: it leads to the client, with a new code.
    browser.back().await;
    browser.press("button[value=allow]").await;
    assert_at_client().await;
    assert_eq!(redeem(browser.address().await).await, 200);
    browser.close().await;
}
