//! Forms that are submitted twice, late, or after going back: users double-click and leave pages open
//! (DESIGN §4, decision 36); THREATS EX-21.

use std::collections::BTreeSet;

use serde_json::json;

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, Page};
use kit::server::{Client, PASSWORD, Server};

const ALLOW: [(&str, &str); 1] = [("answer", "allow")];
const CREDENTIALS: [(&str, &str); 2] = [("identifier", "ada"), ("password", PASSWORD)];

async fn server_with_client() -> (Server, Client) {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    let client = server.web_app().await;
    (server, client)
}

fn new_request(client: &Client) -> AuthorizationRequest {
    AuthorizationRequest::new(client).with("scope", "openid offline_access")
}

/// The page for a request that has ended: it explains that, and links back.
#[track_caller]
fn assert_links_back(page: &Page) {
    let page = page.response.assert_error_page(400);
    assert!(page.text.contains("href=\"https://app.example/\""), "{page:?}");
    assert!(page.text.contains("href=\"/account\""), "{page:?}");
}

/// A second click on *Allow* leads to the same code until it is redeemed, then to a new one from the
/// same decision. Two codes are never valid at once, and the first grant stays.
#[tokio::test]
async fn a_second_click_on_allow_returns_a_valid_code() {
    let (server, client) = server_with_client().await;
    let mut ada = Browser::new(&server);
    let login = ada.start_authorization(&new_request(&client)).await;
    let consent = ada.submit_credentials(&login, "ada").await;
    let first = ada.submit(&consent, &ALLOW).await.code();

    assert_eq!(ada.submit(&consent, &ALLOW).await.code(), first, "the code has not been redeemed");
    assert_eq!(
        ada.open(&consent.url).await.code(),
        first,
        "reopening the page leads to the code too"
    );
    let tokens = server.redeem(&client, &first).await.ok();
    server.advance_clock(30);
    let second = ada.submit(&consent, &ALLOW).await.code();
    assert_ne!(second, first);
    assert_eq!(
        ada.submit(&consent, &ALLOW).await.code(),
        second,
        "only one unredeemed code at a time"
    );
    let again = server.redeem(&client, &second).await.ok();

    for token_response in [&tokens, &again] {
        assert!(server.is_active(&client, &token_response.token("access_token")).await);
        server.refresh(&client, &token_response.token("refresh_token"), "").await.ok();
    }
    assert_eq!(server.audit_events("consent.decided").await.len(), 1, "decided once");
    server.advance_clock(30);
    ada.submit(&consent, &ALLOW).await.code();
    server.advance_clock(1);
    assert_links_back(&ada.submit(&consent, &ALLOW).await);
    assert_links_back(&ada.open(&consent.url).await);
    // A replay of the first code revokes what it granted, and nothing else.
    server.redeem(&client, &first).await.refused(400, "invalid_grant");
    assert!(!server.is_active(&client, &tokens.token("access_token")).await);
    assert!(server.is_active(&client, &again.token("access_token")).await);
}

/// A second click on *Sign in*, with the cookie of the first response or without it; and after *Back*.
#[tokio::test]
async fn a_second_click_on_sign_in_returns_a_valid_code() {
    let (server, client) = server_with_client().await;
    for prompt in ["", "login", "login select_account"] {
        let request = if prompt.is_empty() {
            new_request(&client)
        } else {
            new_request(&client).with("prompt", prompt)
        };
        let mut ada = Browser::new(&server);
        ada.complete_authorization(&new_request(&client), "ada").await.code();
        ada.cookies.retain(|name, _| !prompt.is_empty() || !name.contains("-session-"));
        let login = ada.start_authorization(&request).await;
        let before = ada.cookies.clone();
        let first = ada.submit(login.assert_page("/login"), &CREDENTIALS).await.code();

        let second = ada.submit(&login, &CREDENTIALS).await.code();
        assert_eq!(second, first, "{prompt}: the same session, authenticated again");

        // The first responses were lost: the second submission creates another session, and only its
        // code is valid.
        ada.cookies = before;
        ada.cookies.retain(|name, _| !name.contains("-session-"));
        let third = ada.submit(&login, &CREDENTIALS).await.code();
        assert_ne!(third, first);
        server.redeem(&client, &third).await.ok();
        server.redeem(&client, &first).await.refused(400, "invalid_grant");
    }
}

/// A second click on *Continue* of the account selection.
#[tokio::test]
async fn a_second_click_on_an_account_returns_a_valid_code() {
    let (server, client) = server_with_client().await;
    let mut ada = Browser::new(&server);
    ada.complete_authorization(&new_request(&client), "ada").await.code();
    let choice =
        ada.start_authorization(&new_request(&client).with("prompt", "select_account")).await;

    let first =
        ada.submit(choice.assert_page("/select-account"), &[("answer", "continue")]).await.code();
    assert_eq!(ada.submit(&choice, &[("answer", "continue")]).await.code(), first);
    server.redeem(&client, &first).await.ok();
    assert_ne!(ada.submit(&choice, &[("answer", "continue")]).await.code(), first);
}

/// The form is refused to another browser, another user, and after the session or the consent ended.
#[tokio::test]
async fn a_repeated_form_gives_nothing_to_other_browsers_and_users() {
    let (server, client) = server_with_client().await;
    let mut ada = Browser::new(&server);
    let login = ada.start_authorization(&new_request(&client)).await;
    let consent = ada.submit_credentials(&login, "ada").await;
    let code = ada.submit(&consent, &ALLOW).await.code();
    server.redeem(&client, &code).await.ok();
    let got_code = |page: &Page| page.url.contains("code=");

    let mut attacker = Browser::new(&server);
    attacker.complete_authorization(&new_request(&client), "grace").await.code();
    assert!(!got_code(&attacker.submit(&consent, &ALLOW).await), "another browser with a session");
    assert_links_back(&attacker.open(&consent.url).await);
    assert!(
        !got_code(&Browser::new(&server).submit(&consent, &ALLOW).await),
        "a browser without cookies"
    );
    // With the browser cookie, but another user's session.
    let cookies = ada.cookies.clone();
    let of_browser = cookies.iter().find(|(name, _)| name.contains("-browser-")).unwrap();
    attacker.cookies.insert(of_browser.0.clone(), of_browser.1.clone());
    assert!(!got_code(&attacker.submit(&consent, &ALLOW).await), "another person");
    assert!(!got_code(&attacker.open(&consent.url).await), "another person");
    attacker.cookies.retain(|name, _| !name.contains("-session-"));
    assert!(!got_code(&attacker.submit(&consent, &ALLOW).await), "no session");
    assert!(
        got_code(&ada.submit(&consent, &ALLOW).await),
        "the user's own browser still gets a code"
    );

    ada.submit_on_account_page("/account/applications/withdraw", &[("client_id", &client.id)])
        .await;
    assert!(!got_code(&ada.submit(&consent, &ALLOW).await), "the consent was withdrawn");
}

/// THREATS X-01, EX-21: concurrent repetitions of a form at two replicas all get the same new code.
#[tokio::test(flavor = "multi_thread")]
async fn of_32_racing_repetitions_of_a_form_all_get_the_same_new_code() {
    let (server, client) = server_with_client().await;
    let replica = server.replica().await;
    let mut ada = Browser::new(&server);
    let login = ada.start_authorization(&new_request(&client)).await;
    let consent = ada.submit_credentials(&login, "ada").await;
    let first = ada.submit(&consent, &ALLOW).await.code();
    server.redeem(&client, &first).await.ok();
    let mut there = Browser::new(&replica);
    there.cookies = ada.cookies.clone();

    let requests = (0..32).map(|n| {
        if n % 2 == 0 {
            ada.form_request(&consent, &ALLOW)
        } else {
            there.form_request(&consent, &ALLOW)
        }
    });
    let racing: Vec<_> = requests.map(|request| tokio::spawn(request.send())).collect();
    let mut responses = BTreeSet::new();
    for response in racing {
        let response = response.await.unwrap();
        assert!(response.header("location").contains("code="), "{response:?}");
        responses.insert(response.header("location").to_owned());
    }

    assert_eq!(responses.len(), 1);
    assert!(!responses.iter().any(|location| location.contains(&first)));
}

/// A sign-in page that was left open for ten minutes or for hours: a fresh form with the typed values
/// except the password, and then the client.
#[tokio::test]
async fn a_sign_in_page_left_open_continues_the_request() {
    let (server, client) = server_with_client().await;
    for open_for in [600, 3_600, 20 * 3_600] {
        let mut ada = Browser::new(&server);
        let login =
            ada.start_authorization(&new_request(&client).with("prompt", "login consent")).await;
        server.advance_clock(open_for);

        let fresh = ada.submit(login.assert_page("/login"), &CREDENTIALS).await;

        assert_eq!(fresh.response.status, 403, "{open_for}: {fresh:?}");
        let page = &fresh.assert_page("/login").response.text;
        assert!(page.contains("had been open for too long"), "{page}");
        assert!(page.contains("value=\"ada\"") && !page.contains(PASSWORD), "{page}");
        let consent = ada.submit(&fresh, &CREDENTIALS).await;
        server.advance_clock(599);
        ada.submit(consent.assert_page("/consent"), &ALLOW).await.code();
        // Reopening the page starts over.
        server.advance_clock(600);
        ada.open(&login.url).await.assert_page("/login");
    }
}

/// A consent page that was left open, and one whose session has ended meanwhile.
#[tokio::test]
async fn a_consent_page_left_open_continues_the_request() {
    let (server, client) = server_with_client().await;
    let mut ada = Browser::new(&server);
    let login = ada.start_authorization(&new_request(&client)).await;
    let consent = ada.submit_credentials(&login, "ada").await;
    server.advance_clock(600);
    let fresh = ada.submit(consent.assert_page("/consent"), &ALLOW).await;
    assert_eq!(fresh.assert_page("/consent").response.status, 403, "nothing was decided");
    ada.submit(&fresh, &ALLOW).await.code();

    let more = new_request(&client).with("scope", "openid email");
    let consent = ada.start_authorization(&more).await;
    server.advance_clock(1_800);
    let login = ada.submit(consent.assert_page("/consent"), &ALLOW).await;
    let consent = ada.submit(login.assert_page("/login"), &CREDENTIALS).await;
    ada.submit(consent.assert_page("/consent"), &ALLOW).await.code();
    let choice =
        ada.start_authorization(&new_request(&client).with("prompt", "select_account")).await;
    server.advance_clock(600);
    let fresh = ada.submit(&choice, &[("answer", "continue")]).await;
    ada.submit(fresh.assert_page("/select-account"), &[("answer", "continue")]).await.code();
}

/// After a denial, the page says that the request has ended, and links back.
#[tokio::test]
async fn a_denied_request_has_ended() {
    let (server, client) = server_with_client().await;
    let mut ada = Browser::new(&server);
    let login = ada.start_authorization(&new_request(&client)).await;
    let consent = ada.submit_credentials(&login, "ada").await;
    ada.submit(&consent, &[("answer", "deny")]).await.refused("access_denied");

    assert_links_back(&ada.submit(&consent, &ALLOW).await);
    assert_links_back(&ada.open(&consent.url).await);
    // Cancelling before sign-in decides nothing.
    let mut ada = Browser::new(&server);
    let login = ada.start_authorization(&new_request(&client)).await;
    ada.submit(&login, &[("answer", "cancel")]).await.refused("access_denied");
    ada.submit_credentials(&login, "ada").await.assert_page("/consent");
}

/// An application without a web site gets only a link to the account page.
#[tokio::test]
async fn every_error_page_links_to_the_account_page() {
    let (server, _) = server_with_client().await;
    let native = server
        .register(json!({
            "redirect_uris": ["com.example.app:/cb"],
            "application_type": "native",
            "token_endpoint_auth_method": "none",
        }))
        .await;
    let request = AuthorizationRequest::new(&native).with("redirect_uri", "com.example.app:/cb");
    let login = request.open_in_new_browser(&server).await;
    let other_browser = Browser::new(&server).open(&login.url).await;
    let unknown = Browser::new(&server).open("/authorize?client_id=x").await;
    let broken = Browser::new(&server).open("/consent?request=x").await;

    for page in [other_browser, unknown, broken] {
        assert_eq!(page.response.status, 400, "{page:?}");
        assert!(page.response.text.contains("href=\"/account\""), "{page:?}");
        assert!(!page.response.text.contains("href=\"com."), "{page:?}");
    }
}

/// The forms of the account page, submitted twice: the second one succeeds without an effect.
#[tokio::test]
async fn a_second_click_on_the_account_page_succeeds() {
    const NEW: &str = "another battery staple";
    let (server, client) = server_with_client().await;
    let (mut ada, mut other_browser) = (Browser::new(&server), Browser::new(&server));
    other_browser.sign_in("ada").await;
    ada.complete_authorization(&new_request(&client), "ada").await.code();
    let page = ada.open("/account").await;

    for path in
        ["/account/sessions/end", "/account/sessions/end-others", "/account/applications/withdraw"]
    {
        for _ in 0..2 {
            let done = ada.submit_to(path, &page, &[]).await;
            assert_eq!(done.assert_page("/account").response.status, 200, "{path}");
        }
    }
    let change = [("current", PASSWORD), ("new", NEW), ("again", NEW)];
    for _ in 0..2 {
        let done = ada.submit_to("/account/password", &page, &change).await;
        assert!(done.url.ends_with("notice=password-changed"), "{done:?}");
    }
    let other = [
        ("current", PASSWORD),
        ("new", "a third battery staple"),
        ("again", "a third battery staple"),
    ];
    let wrong = ada.submit_to("/account/password", &page, &other).await;
    assert_eq!(wrong.response.status, 422, "another new password than the one that was set");
    let elsewhere_shown = ada.open("/account").await;
    let fresh = ada.submit_to("/account/password", &elsewhere_shown, &change).await;
    assert_eq!(fresh.response.status, 422, "the same values in another form");
    server.advance_clock(61);
    let late = ada.submit_to("/account/password", &page, &change).await;
    assert_eq!(late.response.status, 422, "after a minute it is an ordinary attempt");
    assert!(other_browser.open("/account").await.url.starts_with("/login"));
}

/// Signing out twice, and from a page that was left open.
#[tokio::test]
async fn a_second_click_on_sign_out_succeeds() {
    let (server, _) = server_with_client().await;
    let mut ada = Browser::new(&server);
    ada.sign_in("ada").await;
    let confirm = ada.open("/logout").await;
    let forgotten =
        ada.cookies.iter().find(|(name, _)| name.contains("-browser-")).unwrap().0.clone();
    let mut late = Browser::new(&server);
    late.cookies = ada.cookies.clone();
    late.cookies.remove(&forgotten);
    let again = late.submit(&confirm, &[("answer", "yes")]).await;
    assert_eq!(
        again.assert_page("/logout/confirm").response.status,
        403,
        "confirmation is asked again"
    );
    late.submit(&again, &[("answer", "yes")]).await.assert_page("/signed-out");

    ada.sign_in("ada").await;
    let confirm = ada.open("/logout").await;
    let cookies = ada.cookies.clone();
    for _ in 0..2 {
        ada.cookies = cookies.clone();
        ada.submit(&confirm, &[("answer", "yes")]).await.assert_page("/signed-out");
    }
}
