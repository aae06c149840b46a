//! What the log holds, and what it must not: THREATS 1.X, LG-01, LG-02, LG-05.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;

use crate::application::Request;
use crate::browser::{Browser, VERIFIER};
use crate::server::{Client, PASSWORD, Server};

/// Everything that this test's thread logs, down to the last detail; the server runs on it, too.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn begin() -> (Self, DefaultGuard) {
        let log = Self::default();
        let lines = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || lines.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// THREATS LG-01, LG-05: through a whole life of a sign-in, with everything that can go wrong in it, no
/// secret that was issued or sent stands in the log, nor in the audit trail.
#[tokio::test]
async fn no_secret_is_ever_told() {
    let (log, _guard) = Log::begin();
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut secrets = vec![PASSWORD.to_owned(), client.secret.clone(), VERIFIER.to_owned()];
    let mut browser = Browser::of(&server);
    let request =
        Request::of(&client).with("scope", "openid offline_access").with("nonce", "canary-n");

    let login = browser.ask(&request).await;
    secrets.push(login.at.split_once("request=").unwrap().1.to_owned());
    let mistyped =
        [("identifier", "canary-typed-in-the-wrong-field"), ("password", "canary-wrong")];
    browser.submit(&login, &mistyped).await;
    let consent = browser.prove(&login, "ada").await;
    secrets.extend(consent.fields().into_iter().map(|(_, value)| value));
    secrets.extend(browser.cookies.values().cloned());
    let code = browser.submit(&consent, &[("answer", "allow")]).await.code();
    let bought = server.redeem(&client, &code).await.ok();
    let next = server.refresh(&client, &bought.token("refresh_token"), "").await.ok();
    for answer in [&bought, &next] {
        secrets
            .extend(["access_token", "refresh_token", "id_token"].map(|name| answer.token(name)));
    }
    server.userinfo(&next.token("access_token")).await.ok();
    server.is_active(&client, &next.token("refresh_token")).await;
    // And what goes wrong.
    server.redeem(&client, &code).await.refused(400, "invalid_grant");
    server.refresh(&client, &bought.token("refresh_token"), "").await.refused(400, "invalid_grant");
    server.userinfo(&next.token("access_token")).await.refused(401, "invalid_token");
    let other = Client { id: client.id.clone(), secret: format!("{}x", client.secret) };
    server.redeem(&other, &code).await.refused(401, "invalid_client");
    let hint = next.token("id_token");
    browser.open(&format!("/logout?id_token_hint={hint}x")).await.answer.on_page(400);
    browser.open(&format!("/authorize?code={code}&access_token={hint}")).await.answer.on_page(400);
    browser.open(&format!("/logout?id_token_hint={hint}")).await;
    secrets.push(code);
    secrets
        .extend(["canary-typed-in-the-wrong-field", "canary-wrong", "canary-n"].map(str::to_owned));

    let log = log.text();
    let events = format!("{:?}", server.events("").await);
    assert!(log.contains("answered") && log.contains("refused"), "it was listened to");
    assert!(events.contains("code.replayed"));
    for secret in secrets.iter().filter(|secret| secret.len() > 7) {
        assert!(!log.contains(secret.as_str()), "{secret} is logged");
        assert!(!events.contains(secret.as_str()), "{secret} is in the audit trail");
    }
}

/// THREATS LG-02: what a request says begins no line and paints nothing.
#[tokio::test]
async fn nobody_writes_lines_into_the_log() {
    let (log, _guard) = Log::begin();
    let server = Server::start().await;
    let client = server.web_app().await;
    let forged = "x\r\n2026-01-01T00:00:00Z  INFO forged\u{1b}[31m\u{8}\u{85}\u{2028}";

    for name in ["redirect_uri", "client_id", "scope", "response_type", "resource"] {
        let request = Request::of(&client).with("prompt", "none").with(name, forged);
        request.by_a_stranger(&server).await;
    }
    let long = "u".repeat(20_000);
    server.ask("GET", "/authorize").header("user-agent", &long).send().await;

    let log = log.text();
    assert!(log.contains("forged"), "it is told, as text");
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01")), "{log}");
    assert!(!log.contains(['\u{1b}', '\u{8}', '\r']), "{log}");
    assert!(!log.contains(&long[..1_000]));
}
