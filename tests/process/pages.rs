//! The layout and the script of the pages in a real Chromium.

use serde_json::json;
use thirtyfour::Key;

use crate::chromium::Browser;
use crate::server::{PASSWORD, Server};

/// The narrowest supported screen, in CSS pixels (WCAG 2.2 §1.4.10).
const NARROW: u32 = 320;

/// A word of 63 letters without a place to break, and a right-to-left name.
const WORD: &str = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz";
const RIGHT_TO_LEFT: &str = "شركة الصور العربية";

/// An authorization request of a new client with this name.
async fn new_request(server: &Server, name: &str) -> String {
    let callback = "https://photos.example/cb";
    let metadata = json!({
        "client_name": name,
        "redirect_uris": [callback],
        "token_endpoint_auth_method": "none",
    });
    let client = server.register(metadata).await;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", client["client_id"].as_str().unwrap())
        .append_pair("redirect_uri", callback)
        .append_pair("scope", "openid profile")
        .append_pair("ui_locales", "de")
        .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        .append_pair("code_challenge_method", "S256")
        .finish();
    format!("{}/authorize?{query}", server.issuer)
}

/// Asserts that the page is not wider than the screen.
async fn assert_fits(browser: &Browser, page: &str, name: &str) {
    let width = browser.run("return document.documentElement.scrollWidth").await;
    let text = browser.text().await;
    assert_eq!(width, u64::from(NARROW), "{page} of {name}:\n{text}");
}

/// A regression: a long word in a client's name made sign-in and consent 601 pixels wider than a phone.
#[tokio::test]
async fn no_name_makes_a_page_wider_than_a_phone() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.resize(NARROW, 640).await;
    for (username, name) in [("ada", WORD), ("bob", RIGHT_TO_LEFT)] {
        server.create_user(username).await;
        let full_name = format!("name={name} {RIGHT_TO_LEFT}");
        server.installation.json(&["user", "update", username, "--claim", &full_name]).await;
        let target = new_request(&server, name).await;

        browser.open(&target).await;
        browser.wait_for_text("h1", "anmelden").await;
        assert_fits(&browser, "sign-in", name).await;
        browser.fill("identifier", username).await;
        browser.fill("password", "not the password").await;
        browser.press("button[value=sign-in]").await;
        browser.find("#problem").await;
        assert_fits(&browser, "sign-in after a wrong password", name).await;
        browser.fill("password", PASSWORD).await;
        browser.press("button[value=sign-in]").await;
        browser.find("button[value=allow]").await;
        assert_fits(&browser, "consent", name).await;
        browser.open(&format!("{target}&prompt=login")).await;
        browser.find("button[value=other]").await;
        assert_fits(&browser, "confirmation", name).await;
        browser.open(&format!("{target}&prompt=select_account")).await;
        browser.find("button[value=continue]").await;
        assert_fits(&browser, "choice of an account", name).await;
        browser.open(&format!("{}/account", server.issuer)).await;
        browser.find(".profile").await;
        assert_fits(&browser, "account", name).await;
        browser.open(&format!("{target}&redirect_uri=https://{WORD}.example/")).await;
        browser.find(".facts").await;
        assert_fits(&browser, "error", name).await;
        browser.open(&format!("{}/logout", server.issuer)).await;
        browser.find("button[value=yes]").await;
        assert_fits(&browser, "sign-out", name).await;
        browser.press("button[value=yes]").await;
        assert_fits(&browser, "signed-out", name).await;
    }
    browser.close().await;
}

/// A password is displayed while the user wants it, and submitted as a password field. A pressed button looks
/// busy until the user comes back to its page.
#[tokio::test]
async fn a_password_can_be_displayed_and_a_pressed_button_looks_busy() {
    let server = Server::start().await;
    server.create_user("ada").await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/login", server.issuer)).await;
    let kind = || browser.run("return document.getElementById('password').type");
    browser.fill("identifier", "ada").await;
    browser.fill("password", PASSWORD).await;

    assert_eq!(kind().await, "password");
    let reveal = browser.find("button[data-reveal=password]").await;
    assert_eq!(reveal.attr("aria-pressed").await.unwrap().as_deref(), Some("false"));
    reveal.click().await.unwrap();
    assert_eq!(kind().await, "text");
    assert_eq!(reveal.attr("aria-pressed").await.unwrap().as_deref(), Some("true"));
    reveal.click().await.unwrap();
    assert_eq!(kind().await, "password");
    reveal.click().await.unwrap();
    // When the page is left, the back/forward cache keeps no visible password.
    browser.run("dispatchEvent(new PageTransitionEvent('pagehide'))").await;
    assert_eq!(kind().await, "password");
    reveal.click().await.unwrap();
    // A form that is submitted but not sent, so that the page stays.
    let stay = "addEventListener('submit', (event) => event.preventDefault(), { once: true })";
    browser.run(stay).await;
    let button = browser.find("button[value=sign-in]").await;
    button.click().await.unwrap();
    assert_eq!(kind().await, "password");
    assert_eq!(button.attr("aria-busy").await.unwrap().as_deref(), Some("true"));
    let spinner =
        "return getComputedStyle(document.querySelector('[value=sign-in]'), '::before').content";
    assert_eq!(browser.run(spinner).await, "\"\"");
    browser.run("dispatchEvent(new PageTransitionEvent('pageshow'))").await;
    assert_eq!(button.attr("aria-busy").await.unwrap(), None);
    assert_eq!(browser.run(spinner).await, "none");

    browser.press("button[value=sign-in]").await;

    browser.find(".profile").await;
    browser.close().await;
}

/// A hint is displayed while a password is typed with Caps Lock on.
#[tokio::test]
async fn a_hint_about_caps_lock_is_displayed_while_typing_a_password() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/login?gw_language=de", server.issuer)).await;
    let hint = async |event: &str| {
        let script = format!(
            "document.getElementById('password').dispatchEvent({event}); \
             return document.querySelector('[data-for=password]').textContent"
        );
        browser.run(&script).await
    };
    let event = |kind: &str, on: bool| format!("new {kind}, {{ modifierCapsLock: {on} }})");

    for kind in ["KeyboardEvent('keydown'", "KeyboardEvent('keyup'", "MouseEvent('mousedown'"] {
        assert_eq!(hint(&event(kind, false)).await, "", "{kind}");
        assert_eq!(hint(&event(kind, true)).await, "Die Feststelltaste ist aktiv.", "{kind}");
        assert_eq!(hint(&event(kind, false)).await, "", "{kind}");
    }
    hint(&event("KeyboardEvent('keydown'", true)).await;
    assert_eq!(hint("new FocusEvent('blur')").await, "");
    browser.close().await;
}

/// The languages are a list that opens, and closes on a click elsewhere and on Escape. A choice applies at once,
/// and works without the script.
#[tokio::test]
async fn a_language_is_chosen_at_the_foot_of_the_page() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/login", server.issuer)).await;

    browser.find(".languages summary").await.click().await.unwrap();
    browser.find(".languages[open]").await;
    browser.find("h1").await.click().await.unwrap();
    browser.find(".languages:not([open])").await;
    browser.find(".languages summary").await.click().await.unwrap();
    browser.find(".languages a[lang=fr]").await.send_keys(Key::Escape).await.unwrap();
    browser.find(".languages:not([open])").await;
    let focused = browser.run("return document.activeElement.matches('.languages summary')").await;
    assert_eq!(focused, true);
    browser.find(".languages summary").await.click().await.unwrap();
    browser.press(".languages a[lang=fr]").await;

    browser.wait_for_text("h1", "Se connecter").await;
    browser.open(&format!("{}/", server.issuer)).await;
    browser.find("html[lang=fr]").await;
    browser.close().await;
}

/// WCAG 2.2 §3.3.1: a wrong field stays marked while it has the focus, and the focus is visible.
#[tokio::test]
async fn a_wrong_field_stays_marked_while_it_has_the_focus() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/login", server.issuer)).await;
    browser.fill("identifier", "ada").await;
    browser.fill("password", "not the password").await;
    browser.press("button[value=sign-in]").await;

    let colours = browser
        .run(
            "const field = document.getElementById('password'); \
             const of = (name) => getComputedStyle(field)[name]; \
             const message = getComputedStyle(document.getElementById('problem')).color; \
             return [document.activeElement === field, of('outlineStyle'), \
                     of('outlineColor') === message, of('borderColor') === message].join()",
        )
        .await;

    assert_eq!(colours, "true,solid,true,true");
    browser.close().await;
}

/// A button with `data-copy` copies and confirms; without the script it is hidden.
#[tokio::test]
async fn a_copy_button_copies_its_text() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/login", server.issuer)).await;
    // A page with such a button, and a clipboard that the test can read.
    browser
        .run(
            "const button = document.createElement('button'); \
             Object.assign(button, { id: 'copy', textContent: 'Copy', hidden: true }); \
             Object.assign(button.dataset, { copy: 'the reference', copied: 'Copied' }); \
             document.querySelector('main').append(button); \
             navigator.clipboard.writeText = async (text) => { window.copied = text; }; \
             const script = document.createElement('script'); \
             script.src = document.querySelector('script[src]').src; document.head.append(script)",
        )
        .await;

    browser.wait_for_text("#copy", "Copy").await;
    browser.find("#copy:not([hidden])").await.click().await.unwrap();

    browser.wait_for_text("#copy", "Copied").await;
    assert_eq!(browser.run("return window.copied").await, "the reference");
    browser.close().await;
}
