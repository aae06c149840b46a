//! The layout of the consent page in a real Chromium.

use serde_json::json;

use crate::chromium::Browser;
use crate::server::{PASSWORD, Server};

const API: &str = "https://photos.example/album";

/// Opens a consent page with more scopes than a phone displays at once.
async fn open_long_consent_page(server: &Server, browser: &Browser) {
    server.create_user("ada").await;
    let scopes: Vec<_> = (0..20).map(|number| format!("album.{number}")).collect();
    let declared: Vec<_> =
        scopes.iter().map(|scope| format!("--scope={scope}=Do {scope}")).collect();
    let mut create = vec!["resource", "create", API, "--name", "Album"];
    create.extend(declared.iter().map(String::as_str));
    server.installation.json(&create).await;
    let scope = format!("openid profile email {}", scopes.join(" "));
    let callback = "https://photos.example/cb";
    let metadata = json!({
        "client_name": "Photos",
        "redirect_uris": [callback],
        "token_endpoint_auth_method": "none",
        "scope": scope,
        "gw_allowed_resources": [API],
    });
    let client = server.register(metadata).await;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", client["client_id"].as_str().unwrap())
        .append_pair("redirect_uri", callback)
        .append_pair("scope", &scope)
        .append_pair("resource", API)
        .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        .append_pair("code_challenge_method", "S256")
        .finish();
    browser.open(&format!("{}/authorize?{query}", server.issuer)).await;
    browser.fill("identifier", "ada").await;
    browser.fill("password", PASSWORD).await;
    browser.press("button[value=sign-in]").await;
    browser.find("button[value=allow]").await;
}

/// The buttons stay visible, and cover no element with the focus (WCAG 2.2 §2.4.11). On a low screen,
/// as with an enlarged page, they do not take its space (§1.4.10).
#[tokio::test]
async fn the_buttons_of_a_long_list_stay_visible_and_cover_no_focus() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.resize(390, 520).await;
    open_long_consent_page(&server, &browser).await;
    let at = |script: &'static str| browser.run(script);

    let reach = "scrollTo(0, 0); const of = (css) => document.querySelector(css).getBoundingClientRect(); \
                 const buttons = ['[value=deny]', '[value=allow]', '.destination'].map(of); \
                 return document.documentElement.scrollHeight > 2 * innerHeight \
                        && buttons.every((one) => one.top >= 0 && one.bottom <= innerHeight)";
    assert_eq!(at(reach).await, true);
    let hidden = "const decide = document.querySelector('.decide'); const hidden = []; \
                  for (const one of document.querySelectorAll('a, button, summary')) { \
                    if (decide.contains(one) || !one.checkVisibility()) continue; \
                    scrollTo(0, 0); one.focus(); \
                    const top = decide.getBoundingClientRect().top, rim = decide.getBoundingClientRect().bottom; \
                    const own = one.getBoundingClientRect(); \
                    if (own.bottom > top && own.top < rim) hidden.push(one.outerHTML); \
                  } \
                  return hidden.join()";
    assert_eq!(at(hidden).await, "");
    let placed = "return getComputedStyle(document.querySelector('.decide')).position";
    assert_eq!(at(placed).await, "sticky");
    browser.resize(320, 256).await;
    assert_eq!(at(placed).await, "static");
    browser.close().await;
}

/// The collapsed line about the user opens by a click or a key, without a script of the page.
#[tokio::test]
async fn the_collapsed_line_about_the_user_opens() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.resize(390, 760).await;
    open_long_consent_page(&server, &browser).await;
    let visible = || {
        browser.run(
            "return [...document.querySelectorAll('.opens li')].filter((one) => one.checkVisibility()).length",
        )
    };

    assert_eq!(visible().await, 0);
    browser.find(".opens summary").await.click().await.unwrap();
    assert_eq!(visible().await, 3);
    browser.find(".opens summary").await.send_keys(" ").await.unwrap();
    assert_eq!(visible().await, 0);
    browser.close().await;
}
