//! The language of the pages: the user's choice takes precedence over the client's request
//! (`ui_locales`, OIDC Core §3.1.2.1), and that over the browser's setting (`Accept-Language`).
//! Decision 46.

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, Page};
use kit::server::{PASSWORD, Server};

/// The URL of the page in another language, from the language links.
#[track_caller]
fn language_link(page: &Page, language: &str) -> String {
    let text = &page.response.text;
    let end = format!("gw_language={language}\"");
    let before = text.split_once(&end).unwrap_or_else(|| panic!("no {language} in {text}")).0;
    let href = before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&");
    let link = format!("{href}gw_language={language}");
    match link.strip_prefix('?') {
        Some(query) => format!("{}?{query}", page.url.split('?').next().unwrap()),
        None => link,
    }
}

/// Follows a language link, as a browser does: from a page of the server.
async fn choose_language(browser: &mut Browser<'_>, page: &Page, language: &str) -> Page {
    let target = language_link(page, language);
    let request = browser.server().request("GET", &target).header("sec-fetch-site", "same-origin");
    Page { url: target, response: browser.send(request).await }
}

#[track_caller]
fn assert_language(page: &Page, language: &str) {
    let text = &page.response.text;
    assert!(text.contains(&format!("<html lang=\"{language}\">")), "{language}: {page:?}");
    let current = format!(
        "lang=\"{language}\" hreflang=\"{language}\" rel=\"nofollow\" aria-current=\"true\""
    );
    assert!(text.contains(&current), "{text}");
}

/// The cookie that stores the choice.
fn language_cookie(browser: &Browser<'_>) -> Option<String> {
    let mut cookies = browser.cookies.iter();
    cookies.find(|(name, _)| name.contains("-language-")).map(|(_, value)| value.clone())
}

#[tokio::test]
async fn a_chosen_language_is_stored_and_used_from_then_on() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let first = browser.open("/login").await;
    assert_language(&first, "en");
    assert_eq!(language_cookie(&browser), None);

    let chosen = choose_language(&mut browser, &first, "de").await;

    assert_language(chosen.assert_page("/login"), "de");
    let cookie = chosen.response.headers("set-cookie");
    let cookie = cookie.iter().find(|cookie| cookie.contains("-language-")).expect("a cookie");
    assert!(cookie.contains("=de; ") && cookie.contains("Max-Age=31536000"), "{cookie}");
    let wrong = browser.submit(&chosen, &[("identifier", "ada"), ("password", "x")]).await;
    assert_language(&wrong, "de");
    let mut account =
        browser.submit(&wrong, &[("identifier", "ada"), ("password", PASSWORD)]).await;
    for path in ["/account", "/", "/signed-out", "/nothing", "/logout/confirm"] {
        account = browser.open(path).await;
        assert_language(&account, "de");
    }
    let unknown = AuthorizationRequest::new(&client).with("client_id", "unknown");
    assert_language(&browser.start_authorization(&unknown).await, "de");
    let again = choose_language(&mut browser, &account, "en").await;
    assert_language(again.assert_page("/logout/confirm"), "en");
    assert_eq!(language_cookie(&browser).as_deref(), Some("en"));
    browser.submit(&again, &[("answer", "yes")]).await.assert_page("/signed-out");
    assert_language(&browser.open("/").await, "en");
}

#[tokio::test]
async fn the_choice_of_the_user_precedes_ui_locales_and_accept_language() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let request = AuthorizationRequest::new(&client).with("ui_locales", "de");
    let mut browser = Browser::new(&server);
    let french = server.request("GET", "/login").header("accept-language", "fr");
    assert!(browser.send(french).await.text.contains("<html lang=\"fr\">"));
    let login = browser.start_authorization(&request).await;
    assert_language(&login, "de");

    let chosen = choose_language(&mut browser, &login, "es").await;

    assert_language(chosen.assert_page("/login"), "es");
    let consent = browser.submit_credentials(&chosen, "ada").await;
    assert_language(consent.assert_page("/consent"), "es");
    let consent = choose_language(&mut browser, &consent, "fr").await;
    assert_language(consent.assert_page("/consent"), "fr");
    browser.submit(&consent, &[("answer", "allow")]).await.code();
    let choice = browser.start_authorization(&request.with("prompt", "select_account")).await;
    assert_language(choice.assert_page("/select-account"), "fr");
    let choice = choose_language(&mut browser, &choice, "de").await;
    assert_language(choice.assert_page("/select-account"), "de");
    browser.submit(&choice, &[("answer", "continue")]).await.code();
}

/// An error page has no waiting request; its language comes from `ui_locales` in its own query.
#[tokio::test]
async fn the_choice_of_the_user_precedes_ui_locales_in_the_query_of_an_error_page() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let request = AuthorizationRequest::new(&client).with("client_id", "unknown");
    let request = request.with("ui_locales", "de");
    let mut browser = Browser::new(&server);
    let error = browser.start_authorization(&request).await;
    assert_language(&error, "de");

    let chosen = choose_language(&mut browser, &error, "es").await;

    assert_language(&chosen, "es");
    assert_eq!(chosen.response.status, 400);
    assert_language(&browser.start_authorization(&request).await, "es");
}

/// The language of a response to a form can be changed too, at the URL of its page.
#[tokio::test]
async fn the_language_of_a_form_response_can_be_changed() {
    let server = Server::start().await;
    server.user("ada").await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let wrong = browser.submit(&login, &[("identifier", "ada"), ("password", "x")]).await;
    assert_eq!(language_link(&wrong, "de"), "/login?gw_language=de");
    browser.submit_credentials(&wrong, "ada").await;
    let account = browser.open("/account").await;
    let typed = [("current", "x"), ("new", "a new password"), ("again", "another one")];

    let problem = browser.submit_to("/account/password", &account, &typed).await;

    assert_eq!(problem.response.status, 422);
    let chosen = choose_language(&mut browser, &problem, "fr").await;
    assert_language(chosen.assert_page("/account"), "fr");
    let stale = browser.submit_on_account_page("/account/sessions/end", &[]).await;
    assert_eq!(stale.response.status, 400, "the session is missing");
    assert_eq!(language_link(&stale, "es"), "/?gw_language=es");
}

/// A request too long for a URL is kept while the language changes.
#[tokio::test]
async fn a_request_too_long_for_a_url_survives_a_change_of_language() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let request = AuthorizationRequest::new(&client).with("nonce", &"x".repeat(7_000));
    let mut browser = Browser::new(&server);
    let login = browser.start_authorization(&request).await;
    assert!(!login.assert_page("/login").url.contains("request="), "{}", login.url);

    let chosen = browser.submit_to("/login?gw_language=de", &login, &[]).await;

    assert!(chosen.assert_page("/login").response.text.contains("<html lang=\"de\">"));
    assert_eq!(language_cookie(&browser).as_deref(), Some("de"));
    let consent = browser.submit_credentials(&chosen, "ada").await;
    let consent = browser.submit_to("/consent?gw_language=fr", &consent, &[]).await;
    assert!(consent.assert_page("/consent").response.text.contains("<html lang=\"fr\">"));
    browser.submit(&consent, &[("answer", "allow")]).await.code();
}

/// Malformed values in the URL or in the cookie select no language, and are escaped and never become a
/// link (THREATS UI-08, HD-10). A link from another site does not store its choice.
#[tokio::test]
async fn an_invalid_choice_of_language_is_ignored() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    for odd in ["xx", "", "%22%3E%3Cscript%3E", "de&gw_language=fr", "%ff", "%0d%0aset-cookie:x=y"]
    {
        assert_language(&browser.open(&format!("/login?gw_language={odd}")).await, "en");
        assert_eq!(language_cookie(&browser), None, "{odd}");
    }
    let name = {
        let page = browser.open("/login").await;
        choose_language(&mut browser, &page, "de").await;
        browser.cookies.keys().find(|name| name.contains("-language-")).unwrap().clone()
    };
    for odd in ["xx", "\"><script>", "../de"] {
        browser.cookies.insert(name.clone(), odd.to_owned());
        assert_language(&browser.open("/login").await, "en");
    }
    browser.cookies.remove(&name);

    let page = browser.open("/login?x=%22%3E<script>alert(1)</script>&y='").await;
    assert!(!page.response.text.contains("<script>"), "{page:?}");
    let page = browser.open("//evil.example/%5c?gw_language=de").await;
    assert_eq!(page.response.status, 404);
    assert!(
        page.response.text.contains("href=\"?gw_language=fr\""),
        "no link to another site: {page:?}"
    );
    browser.cookies.remove(&name);
    for site in ["cross-site", "same-site"] {
        let request = server.request("GET", "/login?gw_language=de").header("sec-fetch-site", site);
        let response = browser.send(request).await;
        assert!(response.text.contains("<html lang=\"de\">"));
        assert_eq!(language_cookie(&browser), None, "{site}");
    }
}
