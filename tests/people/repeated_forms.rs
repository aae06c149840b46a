//! A form that is sent twice, late, or from where one went back to: people double-click, and leave pages
//! open (DESIGN §4, decision 36); THREATS EX-21.

use std::collections::BTreeSet;

use serde_json::json;

use kit::application::Request;
use kit::browser::{Browser, Place};
use kit::server::{Client, PASSWORD, Server};

const ALLOW: [(&str, &str); 1] = [("answer", "allow")];
const TYPED: [(&str, &str); 2] = [("identifier", "ada"), ("password", PASSWORD)];

async fn prepared() -> (Server, Client) {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    let client = server.web_app().await;
    (server, client)
}

fn asked(client: &Client) -> Request {
    Request::of(client).with("scope", "openid offline_access")
}

/// The page of what is over: it says so, and leads back.
#[track_caller]
fn leads_back(place: &Place) {
    let page = place.answer.on_page(400);
    assert!(page.text.contains("href=\"https://app.example/\""), "{page:?}");
    assert!(page.text.contains("href=\"/account\""), "{page:?}");
}

/// A second click on *Allow*: the same code while it is unspent, then a fresh one of the same decision;
/// never two, and the first grant stays.
#[tokio::test]
async fn a_second_click_on_allow_leads_to_the_application_too() {
    let (server, client) = prepared().await;
    let mut ada = Browser::of(&server);
    let login = ada.ask(&asked(&client)).await;
    let consent = ada.prove(&login, "ada").await;
    let first = ada.submit(&consent, &ALLOW).await.code();

    assert_eq!(ada.submit(&consent, &ALLOW).await.code(), first, "it is unspent");
    assert_eq!(
        ada.open(&consent.at).await.code(),
        first,
        "the way back to the page leads on as well"
    );
    let tokens = server.redeem(&client, &first).await.ok();
    server.wait(30);
    let second = ada.submit(&consent, &ALLOW).await.code();
    assert_ne!(second, first);
    assert_eq!(ada.submit(&consent, &ALLOW).await.code(), second, "never two that are unspent");
    let again = server.redeem(&client, &second).await.ok();

    for granted in [&tokens, &again] {
        assert!(server.is_active(&client, &granted.token("access_token")).await);
        server.refresh(&client, &granted.token("refresh_token"), "").await.ok();
    }
    assert_eq!(server.events("consent.decided").await.len(), 1, "decided once");
    server.wait(30);
    ada.submit(&consent, &ALLOW).await.code();
    server.wait(1);
    leads_back(&ada.submit(&consent, &ALLOW).await);
    leads_back(&ada.open(&consent.at).await);
    // What the code of before has granted dies where somebody has it too, and nothing else.
    server.redeem(&client, &first).await.refused(400, "invalid_grant");
    assert!(!server.is_active(&client, &tokens.token("access_token")).await);
    assert!(server.is_active(&client, &again.token("access_token")).await);
}

/// A second click on *Sign in*, whether the browser has the cookie of the first answer or has thrown it
/// away with it; and *Back*, and sign in again.
#[tokio::test]
async fn a_second_click_on_sign_in_leads_to_the_application_too() {
    let (server, client) = prepared().await;
    for prompt in ["", "login", "login select_account"] {
        let request =
            if prompt.is_empty() { asked(&client) } else { asked(&client).with("prompt", prompt) };
        let mut ada = Browser::of(&server);
        ada.obtain(&asked(&client), "ada").await.code();
        ada.cookies.retain(|name, _| !prompt.is_empty() || !name.contains("-session-"));
        let login = ada.ask(&request).await;
        let before = ada.cookies.clone();
        let first = ada.submit(login.is_page("/login"), &TYPED).await.code();

        let second = ada.submit(&login, &TYPED).await.code();
        assert_eq!(second, first, "{prompt}: the same sign-in, proven again");

        // The first answers were lost: it is another sign-in, and only its code is good.
        ada.cookies = before;
        ada.cookies.retain(|name, _| !name.contains("-session-"));
        let third = ada.submit(&login, &TYPED).await.code();
        assert_ne!(third, first);
        server.redeem(&client, &third).await.ok();
        server.redeem(&client, &first).await.refused(400, "invalid_grant");
    }
}

/// A second click on *Continue*, for whoever chooses an account.
#[tokio::test]
async fn a_second_click_on_an_account_leads_on_too() {
    let (server, client) = prepared().await;
    let mut ada = Browser::of(&server);
    ada.obtain(&asked(&client), "ada").await.code();
    let choice = ada.ask(&asked(&client).with("prompt", "select_account")).await;

    let first =
        ada.submit(choice.is_page("/select-account"), &[("answer", "continue")]).await.code();
    assert_eq!(ada.submit(&choice, &[("answer", "continue")]).await.code(), first);
    server.redeem(&client, &first).await.ok();
    assert_ne!(ada.submit(&choice, &[("answer", "continue")]).await.code(), first);
}

/// Nothing for a stranger, whatever of it he has: another browser, another person, a sign-in or a consent
/// that is over.
#[tokio::test]
async fn a_repeated_form_gives_nothing_to_anybody_else() {
    let (server, client) = prepared().await;
    let mut ada = Browser::of(&server);
    let login = ada.ask(&asked(&client)).await;
    let consent = ada.prove(&login, "ada").await;
    let code = ada.submit(&consent, &ALLOW).await.code();
    server.redeem(&client, &code).await.ok();
    let got = |place: &Place| place.at.contains("code=");

    let mut thief = Browser::of(&server);
    thief.obtain(&asked(&client), "grace").await.code();
    assert!(!got(&thief.submit(&consent, &ALLOW).await), "another browser, signed in");
    leads_back(&thief.open(&consent.at).await);
    assert!(!got(&Browser::of(&server).submit(&consent, &ALLOW).await), "no browser at all");
    // With the browser's own cookie, but another person's sign-in.
    let own = ada.cookies.clone();
    let of_browser = own.iter().find(|(name, _)| name.contains("-browser-")).unwrap();
    thief.cookies.insert(of_browser.0.clone(), of_browser.1.clone());
    assert!(!got(&thief.submit(&consent, &ALLOW).await), "another person");
    assert!(!got(&thief.open(&consent.at).await), "another person");
    thief.cookies.retain(|name, _| !name.contains("-session-"));
    assert!(!got(&thief.submit(&consent, &ALLOW).await), "nobody is signed in");
    assert!(got(&ada.submit(&consent, &ALLOW).await), "hers still leads on");

    ada.on_account("/account/applications/withdraw", &[("client_id", &client.id)]).await;
    assert!(!got(&ada.submit(&consent, &ALLOW).await), "the consent was withdrawn");
}

/// THREATS X-01, EX-21: of many who repeat a form at once, on two replicas, all get the one fresh code.
#[tokio::test(flavor = "multi_thread")]
async fn of_32_who_repeat_a_form_at_once_all_get_one_fresh_code() {
    let (server, client) = prepared().await;
    let replica = server.replica().await;
    let mut ada = Browser::of(&server);
    let login = ada.ask(&asked(&client)).await;
    let consent = ada.prove(&login, "ada").await;
    let first = ada.submit(&consent, &ALLOW).await.code();
    server.redeem(&client, &first).await.ok();
    let mut there = Browser::of(&replica);
    there.cookies = ada.cookies.clone();

    let asks = (0..32).map(|n| {
        if n % 2 == 0 { ada.form(&consent, &ALLOW) } else { there.form(&consent, &ALLOW) }
    });
    let racing: Vec<_> = asks.map(|ask| tokio::spawn(ask.send())).collect();
    let mut answers = BTreeSet::new();
    for answer in racing {
        let answer = answer.await.unwrap();
        assert!(answer.header("location").contains("code="), "{answer:?}");
        answers.insert(answer.header("location").to_owned());
    }

    assert_eq!(answers.len(), 1);
    assert!(!answers.iter().any(|location| location.contains(&first)));
}

/// A sign-in page that was left open: a fresh form, with what was typed, but for the password; an hour
/// later as well as after ten minutes. It leads to the application.
#[tokio::test]
async fn a_sign_in_page_that_was_left_open_leads_on() {
    let (server, client) = prepared().await;
    for open_for in [600, 3_600, 20 * 3_600] {
        let mut ada = Browser::of(&server);
        let login = ada.ask(&asked(&client).with("prompt", "login consent")).await;
        server.wait(open_for);

        let fresh = ada.submit(login.is_page("/login"), &TYPED).await;

        assert_eq!(fresh.answer.status, 403, "{open_for}: {fresh:?}");
        let page = &fresh.is_page("/login").answer.text;
        assert!(page.contains("had been open for too long"), "{page}");
        assert!(page.contains("value=\"ada\"") && !page.contains(PASSWORD), "{page}");
        let consent = ada.submit(&fresh, &TYPED).await;
        server.wait(599);
        ada.submit(consent.is_page("/consent"), &ALLOW).await.code();
        // To open the page again is to begin again.
        server.wait(600);
        ada.open(&login.at).await.is_page("/login");
    }
}

/// A consent page that was left open, and one whose sign-in has ended meanwhile.
#[tokio::test]
async fn a_consent_page_that_was_left_open_leads_on() {
    let (server, client) = prepared().await;
    let mut ada = Browser::of(&server);
    let login = ada.ask(&asked(&client)).await;
    let consent = ada.prove(&login, "ada").await;
    server.wait(600);
    let fresh = ada.submit(consent.is_page("/consent"), &ALLOW).await;
    assert_eq!(fresh.is_page("/consent").answer.status, 403, "nothing was decided");
    ada.submit(&fresh, &ALLOW).await.code();

    let more = asked(&client).with("scope", "openid email");
    let consent = ada.ask(&more).await;
    server.wait(1_800);
    let login = ada.submit(consent.is_page("/consent"), &ALLOW).await;
    let consent = ada.submit(login.is_page("/login"), &TYPED).await;
    ada.submit(consent.is_page("/consent"), &ALLOW).await.code();
    let choice = ada.ask(&asked(&client).with("prompt", "select_account")).await;
    server.wait(600);
    let fresh = ada.submit(&choice, &[("answer", "continue")]).await;
    ada.submit(fresh.is_page("/select-account"), &[("answer", "continue")]).await.code();
}

/// Whoever has said no is told that it is over, and where to begin again.
#[tokio::test]
async fn what_was_denied_is_over() {
    let (server, client) = prepared().await;
    let mut ada = Browser::of(&server);
    let login = ada.ask(&asked(&client)).await;
    let consent = ada.prove(&login, "ada").await;
    ada.submit(&consent, &[("answer", "deny")]).await.refused("access_denied");

    leads_back(&ada.submit(&consent, &ALLOW).await);
    leads_back(&ada.open(&consent.at).await);
    // Whoever leaves before they sign in has decided nothing.
    let mut ada = Browser::of(&server);
    let login = ada.ask(&asked(&client)).await;
    ada.submit(&login, &[("answer", "cancel")]).await.refused("access_denied");
    ada.prove(&login, "ada").await.is_page("/consent");
}

/// An application without a place on the web has no way back but one's account.
#[tokio::test]
async fn every_dead_end_has_a_way_out() {
    let (server, _) = prepared().await;
    let native = server
        .register(json!({
            "redirect_uris": ["com.example.app:/cb"],
            "application_type": "native",
            "token_endpoint_auth_method": "none",
        }))
        .await;
    let asked = Request::of(&native).with("redirect_uri", "com.example.app:/cb");
    let login = asked.by_a_stranger(&server).await;
    let elsewhere = Browser::of(&server).open(&login.at).await;
    let unknown = Browser::of(&server).open("/authorize?client_id=x").await;
    let broken = Browser::of(&server).open("/consent?request=x").await;

    for place in [elsewhere, unknown, broken] {
        assert_eq!(place.answer.status, 400, "{place:?}");
        assert!(place.answer.text.contains("href=\"/account\""), "{place:?}");
        assert!(!place.answer.text.contains("href=\"com."), "{place:?}");
    }
}

/// The forms of the account page, twice: what has been done is done.
#[tokio::test]
async fn a_second_click_on_the_account_page_is_as_good_as_the_first() {
    const NEW: &str = "another battery staple";
    let (server, client) = prepared().await;
    let (mut ada, mut elsewhere) = (Browser::of(&server), Browser::of(&server));
    elsewhere.sign_in("ada").await;
    ada.obtain(&asked(&client), "ada").await.code();
    let page = ada.open("/account").await;

    for path in
        ["/account/sessions/end", "/account/sessions/end-others", "/account/applications/withdraw"]
    {
        for _ in 0..2 {
            let done = ada.submit_to(path, &page, &[]).await;
            assert_eq!(done.is_page("/account").answer.status, 200, "{path}");
        }
    }
    let change = [("current", PASSWORD), ("new", NEW), ("again", NEW)];
    for _ in 0..2 {
        let done = ada.submit_to("/account/password", &page, &change).await;
        assert!(done.at.ends_with("notice=password-changed"), "{done:?}");
    }
    let other = [
        ("current", PASSWORD),
        ("new", "a third battery staple"),
        ("again", "a third battery staple"),
    ];
    let wrong = ada.submit_to("/account/password", &page, &other).await;
    assert_eq!(wrong.answer.status, 422, "it was not changed to this");
    let elsewhere_shown = ada.open("/account").await;
    let fresh = ada.submit_to("/account/password", &elsewhere_shown, &change).await;
    assert_eq!(fresh.answer.status, 422, "another form, though it says the same");
    server.wait(61);
    let late = ada.submit_to("/account/password", &page, &change).await;
    assert_eq!(late.answer.status, 422, "and after a minute it is a try like any other");
    assert!(elsewhere.open("/account").await.at.starts_with("/login"));
}

/// Signing out twice, and from a page that was left open.
#[tokio::test]
async fn a_second_click_on_sign_out_is_as_good_as_the_first() {
    let (server, _) = prepared().await;
    let mut ada = Browser::of(&server);
    ada.sign_in("ada").await;
    let confirm = ada.open("/logout").await;
    let forgotten =
        ada.cookies.iter().find(|(name, _)| name.contains("-browser-")).unwrap().0.clone();
    let mut late = Browser::of(&server);
    late.cookies = ada.cookies.clone();
    late.cookies.remove(&forgotten);
    let again = late.submit(&confirm, &[("answer", "yes")]).await;
    assert_eq!(again.is_page("/logout/confirm").answer.status, 403, "asked again");
    late.submit(&again, &[("answer", "yes")]).await.is_page("/signed-out");

    ada.sign_in("ada").await;
    let confirm = ada.open("/logout").await;
    let cookies = ada.cookies.clone();
    for _ in 0..2 {
        ada.cookies = cookies.clone();
        ada.submit(&confirm, &[("answer", "yes")]).await.is_page("/signed-out");
    }
}
