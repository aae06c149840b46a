//! DESIGN §8, failed sign-ins: who guesses is slowed down, and nobody else.

use std::time::Duration;

use gatewright::config::Network;
use gatewright::people::account::{self, NewAccount};
use gatewright::types::{Secret, Subscriber, User};

use kit::browser::Browser;
use kit::http::Answer;
use kit::server::{PASSWORD, Server};

/// A server that believes what the tests say of their address.
async fn server() -> Server {
    Server::with(|config| {
        config.http.trusted_proxies = vec![Network::new("127.0.0.1".parse().unwrap(), 32).unwrap()];
    })
    .await
}

/// Somebody with two names.
async fn ada(server: &Server) -> User {
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
async fn tried(browser: &mut Browser<'_>, address: &str, name: &str, password: &str) -> Answer {
    let door = browser.open("/login").await;
    let form = browser.form(&door, &[("identifier", name), ("password", password)]);
    let answer = form.header("x-forwarded-for", address).send().await;
    for cookie in answer.headers("set-cookie") {
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        browser.cookies.insert(name.to_owned(), value.to_owned());
    }
    answer
}

/// What a page says, without what differs from page to page: tokens and the name that was typed.
fn without_tokens(answer: &Answer, name: &str) -> String {
    let mut text = String::new();
    for line in answer.text.split('<').filter(|line| !line.contains("name=\"csrf\"")) {
        text.push_str(&line.replace(name, "NAME"));
    }
    format!("{} {} {text}", answer.status, answer.header("retry-after"))
}

/// THREATS EX-14, UI-14: whoever has failed by one name learns nothing of another one.
#[tokio::test]
async fn nobody_learns_which_names_are_one_accounts() {
    let server = server().await;
    ada(&server).await;
    server.user("grace").await;
    let tried = async |name: &str, password: &str| {
        let answer = tried(&mut Browser::of(&server), "192.0.2.7", name, password).await;
        without_tokens(&answer, name)
    };
    for _ in 0..10 {
        assert!(tried("ada", "wrong").await.starts_with("422"));
    }
    assert!(tried("ada", PASSWORD).await.starts_with("429"));

    for number in 0..11 {
        let other_name = tried("ada@example.org", PASSWORD).await;
        let strangers_name = tried("eve@example.org", PASSWORD).await;
        let somebodys_name = tried("grace", "wrong").await;

        assert!(other_name.starts_with(if number < 10 { "422" } else { "429" }), "{number}");
        assert_eq!(other_name, strangers_name, "{number}");
        assert_eq!(other_name, somebodys_name, "{number}");
    }
}

/// THREATS EX-13, UI-19; NIST SP 800-63B-4 §3.2.2: guesses from everywhere are bounded, and whoever signs
/// in with a browser that did so before does not notice.
#[tokio::test]
async fn an_account_that_everybody_guesses_at_lets_its_owner_in() {
    let server = server().await;
    let ada = ada(&server).await;
    let mut home = Browser::of(&server);
    let first = tried(&mut home, "198.51.100.1", "ada", PASSWORD).await;
    let cookies = first.headers("set-cookie");
    let device = cookies.iter().find(|cookie| cookie.contains("-device")).unwrap();
    assert!(device.contains("; HttpOnly") && device.contains("; Max-Age=15552000"), "{device}");
    home.cookies.retain(|name, _| name.contains("-device"));
    assert_eq!(home.cookies.len(), 1, "the sign-in is over, the browser is known");

    let mut thief = Browser::of(&server);
    let before = server.app().hasher.computed();
    for number in 0..100 {
        let from = format!("203.0.113.{number}");
        assert_eq!(tried(&mut thief, &from, "ada", "wrong").await.status, 422);
    }
    assert_eq!(server.app().hasher.computed() - before, 100);

    // The one slow try of this network, and then the right password, which is not compared.
    for password in ["wrong", PASSWORD, PASSWORD] {
        let answer = tried(&mut thief, "203.0.113.200", "ada@example.org", password).await;
        assert_eq!(answer.status, 422);
    }
    let home_again = tried(&mut home, "198.51.100.1", "ada", PASSWORD).await;
    assert_eq!(home_again.status, 303, "{home_again:?}");
    let told = server.events("sign_in").await;
    let told: Vec<_> = told.iter().filter(|event| event.outcome == "throttled").collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|event| event.user_id.as_deref() == Some(ada.id.as_str())));

    server.unlock(&ada).await;
    let mut abroad = Browser::of(&server);
    assert_eq!(tried(&mut abroad, "203.0.113.200", "ada", PASSWORD).await.status, 303);
}

/// THREATS EX-12: a throttled address waits for nothing, and has nobody wait.
#[tokio::test]
async fn a_throttled_address_takes_no_place_in_the_queue() {
    let server = server().await;
    let mut browser = Browser::of(&server);
    for _ in 0..10 {
        tried(&mut browser, "192.0.2.7", "nobody", "wrong").await;
    }
    let mut held = Vec::new();
    for host in 100..103 {
        let from = Subscriber::of(format!("192.0.2.{host}").parse().ok());
        held.push(server.app().hasher.place(from).await.unwrap());
    }

    // Nothing is hashed: who had to wait for a turn would wait for ever.
    let answer = tried(&mut browser, "192.0.2.7", "nobody", "wrong");
    let answer = tokio::time::timeout(Duration::from_secs(20), answer).await;

    assert_eq!(answer.expect("it waits for a turn").status, 429);
}

/// DESIGN §8: more people than a network has failures sign in at one moment, and none has failed.
#[tokio::test(flavor = "multi_thread")]
async fn people_behind_one_address_sign_in_at_one_moment() {
    const PEOPLE: usize = 24;
    let server = Server::with(|config| {
        config.throttle.network_attempts = 12;
        config.throttle.account_attempts = 10;
    })
    .await;
    let mut forms = Vec::new();
    for number in 0..PEOPLE {
        let name = format!("p{number}");
        server.user(&name).await;
        let mut browser = Browser::of(&server);
        let door = browser.open("/login").await;
        forms.push(browser.form(&door, &[("identifier", &name), ("password", PASSWORD)]));
    }

    let coming: Vec<_> = forms.into_iter().map(|form| tokio::spawn(form.send())).collect();

    for answer in coming {
        assert_eq!(answer.await.unwrap().status, 303);
    }
}

/// THREATS PW-06, UI-18: the form that changes a password is no second door.
#[tokio::test]
async fn the_current_password_is_guessed_at_as_at_the_door() {
    let server = server().await;
    server.user("ada").await;
    let mut browser = Browser::of(&server);
    browser.sign_in("ada").await;
    let before = server.app().hasher.computed();
    let new = "another battery staple";
    let mut change = async |current: &str| {
        let fields = [("current", current), ("new", new), ("again", new)];
        browser.on_account("/account/password", &fields).await.answer.status
    };

    // Ten of this browser's own, and ten of its network.
    for _ in 0..30 {
        assert_eq!(change("wrong").await, 422);
    }
    assert_eq!(change(PASSWORD).await, 422);

    assert_eq!(server.app().hasher.computed() - before, 20);
    server.wait(601);
    assert_eq!(change(PASSWORD).await, 200);
}
