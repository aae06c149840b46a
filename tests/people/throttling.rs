//! DESIGN §8, failed sign-ins: guessing is slowed down, and legitimate users are not affected.

use std::time::Duration;

use gatewright::config::Network;
use gatewright::people::account::{self, NewAccount};
use gatewright::types::{Secret, Subscriber, User};

use kit::browser::Browser;
use kit::http::Response;
use kit::server::{PASSWORD, Server};

/// A server that trusts the address that the tests send.
async fn start_server() -> Server {
    Server::with(|config| {
        config.http.trusted_proxies = vec![Network::new("127.0.0.1".parse().unwrap(), 32).unwrap()];
    })
    .await
}

/// A user with two identifiers.
async fn create_ada(server: &Server) -> User {
    let (app, trace, password) = (server.app(), server.trace(), Secret::new(PASSWORD));
    let new = NewAccount {
        username: "ada",
        email: Some("ada@example.org"),
        email_verified: true,
        claims: serde_json::Map::new(),
        password: Some(&password),
    };
    account::create(&app.people(&trace), new).await.unwrap()
}

/// Signs in with a browser, from an address.
async fn sign_in_from(
    browser: &mut Browser<'_>,
    address: &str,
    name: &str,
    password: &str,
) -> Response {
    let login = browser.open("/login").await;
    let form = browser.form_request(&login, &[("identifier", name), ("password", password)]);
    let response = form.header("x-forwarded-for", address).send().await;
    for cookie in response.headers("set-cookie") {
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        browser.cookies.insert(name.to_owned(), value.to_owned());
    }
    response
}

/// The text of a page without the parts that differ: tokens and the typed name.
fn without_tokens(response: &Response, name: &str) -> String {
    let mut text = String::new();
    for line in response.text.split('<').filter(|line| !line.contains("name=\"csrf\"")) {
        text.push_str(&line.replace(name, "NAME"));
    }
    format!("{} {} {text}", response.status, response.header("retry-after"))
}

/// THREATS EX-14, UI-14: failures with one identifier reveal nothing about another one.
#[tokio::test]
async fn throttling_does_not_reveal_which_identifiers_share_an_account() {
    let server = start_server().await;
    create_ada(&server).await;
    server.user("grace").await;
    let sign_in_from = async |name: &str, password: &str| {
        let response = sign_in_from(&mut Browser::new(&server), "192.0.2.7", name, password).await;
        without_tokens(&response, name)
    };
    for _ in 0..10 {
        assert!(sign_in_from("ada", "wrong").await.starts_with("422"));
    }
    assert!(sign_in_from("ada", PASSWORD).await.starts_with("429"));

    for number in 0..11 {
        let other_name = sign_in_from("ada@example.org", PASSWORD).await;
        let unknown_name = sign_in_from("eve@example.org", PASSWORD).await;
        let name_of_grace = sign_in_from("grace", "wrong").await;

        assert!(other_name.starts_with(if number < 10 { "422" } else { "429" }), "{number}");
        assert_eq!(other_name, unknown_name, "{number}");
        assert_eq!(other_name, name_of_grace, "{number}");
    }
}

/// THREATS EX-13, UI-19; NIST SP 800-63B-4 §3.2.2: guesses from many addresses are limited, and a
/// sign-in from a browser that has signed in before is not affected.
#[tokio::test]
async fn a_known_browser_can_sign_in_to_an_account_under_attack() {
    let server = start_server().await;
    let ada = create_ada(&server).await;
    let mut known_browser = Browser::new(&server);
    let first = sign_in_from(&mut known_browser, "198.51.100.1", "ada", PASSWORD).await;
    let cookies = first.headers("set-cookie");
    let device = cookies.iter().find(|cookie| cookie.contains("-device")).unwrap();
    assert!(device.contains("; HttpOnly") && device.contains("; Max-Age=15552000"), "{device}");
    known_browser.cookies.retain(|name, _| name.contains("-device"));
    assert_eq!(known_browser.cookies.len(), 1, "the session has ended, the browser is known");

    let mut attacker = Browser::new(&server);
    let before = server.app().hasher.computed();
    for number in 0..100 {
        let from = format!("203.0.113.{number}");
        assert_eq!(sign_in_from(&mut attacker, &from, "ada", "wrong").await.status, 422);
    }
    assert_eq!(server.app().hasher.computed() - before, 100);

    // The one slow attempt of this network, and then the right password, which is not compared.
    for password in ["wrong", PASSWORD, PASSWORD] {
        let response =
            sign_in_from(&mut attacker, "203.0.113.200", "ada@example.org", password).await;
        assert_eq!(response.status, 422);
    }
    let again = sign_in_from(&mut known_browser, "198.51.100.1", "ada", PASSWORD).await;
    assert_eq!(again.status, 303, "{again:?}");
    let events = server.audit_events("sign_in").await;
    let events: Vec<_> = events.iter().filter(|event| event.outcome == "throttled").collect();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.user_id.as_deref() == Some(ada.id.as_str())));

    server.unlock_user(&ada).await;
    let mut other_browser = Browser::new(&server);
    assert_eq!(
        sign_in_from(&mut other_browser, "203.0.113.200", "ada", PASSWORD).await.status,
        303
    );
}

/// THREATS EX-12: a throttled address does not wait for the hasher, and delays no others.
#[tokio::test]
async fn a_throttled_request_does_not_wait_for_the_hasher() {
    let server = start_server().await;
    let mut browser = Browser::new(&server);
    for _ in 0..10 {
        sign_in_from(&mut browser, "192.0.2.7", "nobody", "wrong").await;
    }
    let mut permits = Vec::new();
    for host in 100..103 {
        let from = Subscriber::from_address(format!("192.0.2.{host}").parse().ok());
        permits.push(server.app().hasher.place(from).await.unwrap());
    }

    // Nothing is hashed, so a request that waited for its turn would never complete.
    let response = sign_in_from(&mut browser, "192.0.2.7", "nobody", "wrong");
    let response = tokio::time::timeout(Duration::from_secs(20), response).await;

    assert_eq!(response.expect("the request waits for its turn").status, 429);
}

/// DESIGN §8: more users than a network may have failures sign in at once, and all succeed.
#[tokio::test(flavor = "multi_thread")]
async fn users_behind_one_address_can_sign_in_at_once() {
    const USERS: usize = 24;
    let server = Server::with(|config| {
        config.throttle.network_attempts = 12;
        config.throttle.account_attempts = 10;
    })
    .await;
    let mut forms = Vec::new();
    for number in 0..USERS {
        let name = format!("p{number}");
        server.user(&name).await;
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        forms.push(browser.form_request(&login, &[("identifier", &name), ("password", PASSWORD)]));
    }

    let coming: Vec<_> = forms.into_iter().map(|form| tokio::spawn(form.send())).collect();

    for response in coming {
        assert_eq!(response.await.unwrap().status, 303);
    }
}

/// THREATS PW-06, UI-18: the form that changes a password has the limits of the sign-in.
#[tokio::test]
async fn attempts_at_the_current_password_are_limited() {
    let server = start_server().await;
    server.user("ada").await;
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;
    let before = server.app().hasher.computed();
    let new = "another battery staple";
    let mut change = async |current: &str| {
        let fields = [("current", current), ("new", new), ("again", new)];
        browser.submit_on_account_page("/account/password", &fields).await.response.status
    };

    // Ten attempts of this browser, and ten of its network.
    for _ in 0..30 {
        assert_eq!(change("wrong").await, 422);
    }
    assert_eq!(change(PASSWORD).await, 422);

    assert_eq!(server.app().hasher.computed() - before, 20);
    server.advance_clock(601);
    assert_eq!(change(PASSWORD).await, 200);
}
