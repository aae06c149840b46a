//! The consent page: its texts, in the language of the user. OIDC Core §3.1.2.4, RFC 7591 §2.2, THREATS
//! UI-11.

use serde_json::{Value, json};

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, Page};
use kit::server::{Client, Server};

const INVOICES: &str = "https://z.example/invoices";
const ALBUM: &str = "https://a.example/album";

fn invoices() -> Value {
    json!({
        "id": INVOICES,
        "name": "Invoices",
        "name#de": "Rechnungen",
        "scopes": [
            { "name": "invoices.read", "text": "See invoices", "text#de-AT": "Rechnungen sehen" },
            { "name": "invoices.list", "text": "List invoices" },
            { "name": "invoices.pay", "text": "Pay invoices", "text#de": "Rechnungen bezahlen", "sensitive": true },
        ],
    })
}

fn album() -> Value {
    json!({
        "id": ALBUM,
        "name": "Album",
        "scopes": [{ "name": "album.show", "text": "Show pictures" }],
    })
}

/// A client with names and links in several languages.
async fn register_client(server: &Server) -> Client {
    server
        .register(json!({
            "client_name": "Books",
            "client_name#DE": "Bücher",
            "client_name#ar": "كتب",
            "client_uri": "https://books.example/",
            "client_uri#de": "https://books.example/de",
            "policy_uri": "https://books.example/privacy",
            "policy_uri#de": "https://books.example/datenschutz",
            "tos_uri": "https://books.example/terms",
            "tos_uri#de": "https://books.example/bedingungen",
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid profile email phone album.show invoices.read invoices.list invoices.pay undeclared",
            "gw_allowed_resources": [INVOICES, ALBUM],
        }))
        .await
}

/// A server with two APIs, registered in an order that is not alphabetical, and a client of both.
async fn server_with_apis() -> (Server, Client) {
    let server = Server::start().await;
    server.user("ada").await;
    server.create_resource_from(invoices()).await;
    server.create_resource_from(album()).await;
    let client = register_client(&server).await;
    (server, client)
}

fn request(client: &Client, scope: &str) -> AuthorizationRequest {
    let request = AuthorizationRequest::new(client).with("scope", scope);
    request.append("resource", ALBUM).append("resource", INVOICES)
}

/// The consent page of a request.
async fn consent_page(browser: &mut Browser<'_>, request: &AuthorizationRequest) -> Page {
    let login = browser.start_authorization(request).await;
    let consent = browser.submit_credentials(&login, "ada").await;
    consent.assert_page("/consent");
    consent
}

/// Asserts that the texts appear in this order.
#[track_caller]
fn assert_in_order(page: &str, texts: &[&str]) {
    let mut rest = page;
    for text in texts {
        let found = rest.split_once(text);
        rest = found.unwrap_or_else(|| panic!("{text} is not where it should be: {page}")).1;
    }
}

#[tokio::test]
async fn scopes_about_the_user_are_collapsed_into_one_line() {
    let (server, client) = server_with_apis().await;
    let claims = json!({ "userinfo": { "address": null } }).to_string();
    let request = request(&client, "openid profile email phone").with("claims", &claims);

    let consent = consent_page(&mut Browser::new(&server), &request).await;

    let text = &consent.response.text;
    let (_, fold) = text.split_once("<details class=\"opens\">").unwrap();
    let (fold, rest) = fold.split_once("</details>").unwrap();
    assert_in_order(
        fold,
        &["<summary>", "Profile, e-mail address, phone number, postal address", "</summary>"],
    );
    assert_in_order(
        fold,
        &["</summary>", "Recognise you", "See your profile", "See your e-mail address"],
    );
    assert_in_order(fold, &["</summary>", "See these details: postal address"]);
    for inside in ["Recognise you", "See your profile", "See your e-mail address"] {
        assert!(!rest.contains(inside), "{inside}: {rest}");
    }
    assert!(
        !fold.contains("<script")
            && consent.hidden_fields().iter().any(|(name, _)| name == "shown")
    );
}

#[tokio::test]
async fn a_single_scope_about_the_user_is_not_collapsed() {
    let (server, client) = server_with_apis().await;

    let consent = consent_page(&mut Browser::new(&server), &request(&client, "openid")).await;

    let text = &consent.response.text;
    assert!(text.contains("Recognise you") && !text.contains("class=\"opens\""), "{text}");
}

#[tokio::test]
async fn apis_are_listed_in_registration_order_with_their_scopes() {
    let (server, client) = server_with_apis().await;
    let scope = "openid undeclared album.show invoices.list invoices.read";

    let consent = consent_page(&mut Browser::new(&server), &request(&client, scope)).await;

    assert_in_order(
        &consent.response.text,
        &[
            "In Invoices",
            "See invoices",
            "List invoices",
            "In Album",
            "Show pictures",
            "undeclared",
        ],
    );
}

#[tokio::test]
async fn a_requested_api_without_scopes_is_shown() {
    let (server, client) = server_with_apis().await;

    let consent =
        consent_page(&mut Browser::new(&server), &request(&client, "openid album.show")).await;

    assert_in_order(
        &consent.response.text,
        &["In Invoices", INVOICES, "In Album", "Show pictures"],
    );
    assert!(!consent.response.text.contains(ALBUM), "{consent:?}");
}

#[tokio::test]
async fn a_scope_that_two_apis_declare_is_shown_in_both() {
    let (server, client) = server_with_apis().await;
    let mut both = album();
    both["scopes"] = json!([{ "name": "invoices.read", "text": "Show pictures of invoices" }]);
    server.update_resource(both).await;

    let consent =
        consent_page(&mut Browser::new(&server), &request(&client, "openid invoices.read")).await;

    assert_in_order(
        &consent.response.text,
        &["In Invoices", "See invoices", "In Album", "Show pictures of invoices"],
    );
}

#[tokio::test]
async fn sensitive_scopes_are_listed_first_and_marked_in_words() {
    let (server, client) = server_with_apis().await;
    let scope = "openid invoices.read invoices.pay";

    let consent = consent_page(&mut Browser::new(&server), &request(&client, scope)).await;

    let text = &consent.response.text;
    assert_in_order(
        text,
        &["In Invoices", "scope sensitive", "Pay invoices", "Sensitive", "See invoices"],
    );
    assert_eq!(text.matches("Sensitive").count(), 1, "{text}");
}

#[tokio::test]
async fn the_destination_has_a_line_of_its_own_above_the_buttons() {
    let (server, client) = server_with_apis().await;

    let consent = consent_page(&mut Browser::new(&server), &request(&client, "openid")).await;

    let (_, decide) = consent.response.text.split_once("<div class=\"decide\">").unwrap();
    let line = "<p class=\"destination\">Afterwards you return to app.example.</p>";
    assert_in_order(decide, &[line, "value=\"deny\"", "value=\"allow\""]);
    assert!(decide.split_once(line).unwrap().0.trim().is_empty(), "{decide}");
}

#[tokio::test]
async fn texts_are_shown_in_the_language_of_the_page() {
    let (server, client) = server_with_apis().await;
    let scope = "openid invoices.read invoices.list invoices.pay";
    let german = request(&client, scope).with("ui_locales", "de-CH");

    let consent = consent_page(&mut Browser::new(&server), &german).await;

    let text = &consent.response.text;
    assert_in_order(text, &["Darf Bücher", "In Rechnungen", "Rechnungen bezahlen", "Heikel"]);
    assert_in_order(text, &["Rechnungen bezahlen", "Rechnungen sehen", "List invoices"]);
    for link in ["https://books.example/de", "/datenschutz", "/bedingungen"] {
        assert!(text.contains(&format!("{link}\"")), "{link}: {text}");
    }
    let english = request(&client, scope).with("ui_locales", "en");
    let text = &consent_page(&mut Browser::new(&server), &english).await.response.text;
    assert_in_order(text, &["Allow Books", "In Invoices", "Pay invoices", "See invoices"]);
    assert!(!text.contains("Bücher") && !text.contains("datenschutz"), "{text}");
}

/// RFC 7591 §2.2: including the links of error pages and the account page.
#[tokio::test]
async fn the_client_has_its_localized_name_on_every_page() {
    let (server, client) = server_with_apis().await;
    let mut browser = Browser::new(&server);
    let german = AuthorizationRequest::new(&client).with("ui_locales", "de");
    let header = ("accept-language", "de");
    let open = async |browser: &mut Browser<'_>, target: &str| {
        browser.send(server.request("GET", target).header(header.0, header.1)).await.text
    };

    let login = browser.start_authorization(&german).await;
    let consent = browser.submit_credentials(&login, "ada").await;
    let done = browser.submit(&consent, &[("answer", "allow")]).await;
    done.code();
    let choice = browser.start_authorization(&german.with("prompt", "select_account")).await;
    let account = open(&mut browser, "/account").await;
    let logout = format!("/logout/confirm?client_id={}&ui_locales=de", client.id);
    let logout = open(&mut browser, &logout).await;
    server.advance_clock(120);
    let over = open(&mut browser, &consent.url).await;

    for (page, text) in [
        ("login", &login.response.text),
        ("consent", &consent.response.text),
        ("select-account", &choice.response.text),
        ("account", &account),
        ("logout", &logout),
        ("error", &over),
    ] {
        assert!(text.contains("Bücher") && !text.contains("Books"), "{page}: {text}");
    }
    assert!(over.contains("href=\"https://books.example/de\""), "{over}");
}

/// THREATS UI-11: a decision covers the texts that were displayed.
#[tokio::test]
async fn consent_is_asked_again_if_the_texts_changed() {
    type Change = fn(&mut Value);
    let changes: [Change; 4] = [
        |api| api["scopes"][0]["text"] = json!("Pay every invoice"),
        |api| api["scopes"][0]["sensitive"] = json!(true),
        |api| api["name"] = json!("Other invoices"),
        |api| api["scopes"][0]["name"] = json!("invoices.other"),
    ];
    let (server, client) = server_with_apis().await;
    let request = request(&client, "openid invoices.read");
    for change in changes {
        server.update_resource(invoices()).await;
        let mut browser = Browser::new(&server);
        let consent = consent_page(&mut browser, &request.clone().with("prompt", "consent")).await;
        let mut changed = invoices();
        change(&mut changed);
        server.update_resource(changed).await;

        let again = browser.submit(&consent, &[("answer", "allow")]).await;

        let text = &again.assert_page("/consent").response.text;
        assert!(text.contains("Something changed"), "{text}");
        browser.submit(&again, &[("answer", "allow")]).await.code();
    }
    server.update_resource(invoices()).await;
    let mut browser = Browser::new(&server);
    let consent = consent_page(&mut browser, &request.with("prompt", "consent")).await;
    let mut same_in_english = invoices();
    same_in_english["scopes"][0]["text#fr"] = json!("Voir les factures");
    server.update_resource(same_in_english).await;
    browser.submit(&consent, &[("answer", "allow")]).await.code();
}

/// Unicode UAX #9: a right-to-left name does not affect the order of the text around it.
#[tokio::test]
async fn right_to_left_names_are_isolated_in_sentences() {
    let (server, client) = server_with_apis().await;
    let name = "كتب 2";
    server.update_client(&client, |metadata| metadata.client_name = name.to_owned()).await;
    let mut api = invoices();
    api["name"] = json!("فواتير");
    server.update_resource(api).await;

    let consent =
        consent_page(&mut Browser::new(&server), &request(&client, "openid invoices.read")).await;

    let text = &consent.response.text;
    assert!(text.contains("Allow \u{2068}كتب 2\u{2069} to use your account?"), "{text}");
    assert!(text.contains("In \u{2068}فواتير\u{2069}<"), "{text}");
}
