//! What the log contains, and what it must not contain: THREATS 1.X, LG-01, LG-02, LG-05.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use gatewright::config::{CertificateHeader, GatewayRoute, OriginalRequest};
use gatewright::types::Scope;
use serde_json::json;
use tracing::subscriber::DefaultGuard;

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, VERIFIER};
use kit::client_certificates::trust_proxy;
use kit::dpop;
use kit::jwt::{DpopKey, JwtSigner};
use kit::log::enable_callsites;
use kit::outbox::add_webhook_url;
use kit::receivers::WebhookServer;
use kit::server::{Client, ISSUER, PASSWORD, Server};
use kit::wait::wait_until;

/// Everything that the thread of this test logs, at every level; the server runs on it too.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn capture() -> (Self, DefaultGuard) {
        enable_callsites();
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

/// THREATS LG-01, LG-05: through all steps of a sign-in, with the errors that can occur, no secret that
/// was issued or sent is in the log or the audit trail.
#[tokio::test]
async fn no_secret_is_in_the_log_or_the_audit_trail() {
    let (log, _guard) = Log::capture();
    let server = Server::with(|config| {
        trust_proxy(config, CertificateHeader::None);
        config.verify.routes = vec![GatewayRoute {
            name: "ours".to_owned(),
            audience: ISSUER.to_owned(),
            scope: Scope::default(),
            origin: Some(ISSUER.to_owned()),
            original: OriginalRequest::XOriginal,
        }];
    })
    .await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut secrets = vec![PASSWORD.to_owned(), client.secret.clone(), VERIFIER.to_owned()];
    let mut browser = Browser::new(&server);
    let request = AuthorizationRequest::new(&client)
        .with("scope", "openid offline_access")
        .with("nonce", "canary-n");

    let login = browser.start_authorization(&request).await;
    secrets.push(login.url.split_once("request=").unwrap().1.to_owned());
    let mistyped =
        [("identifier", "canary-typed-in-the-wrong-field"), ("password", "canary-wrong")];
    browser.submit(&login, &mistyped).await;
    let consent = browser.submit_credentials(&login, "ada").await;
    secrets.extend(consent.hidden_fields().into_iter().map(|(_, value)| value));
    secrets.extend(browser.cookies.values().cloned());
    let code = browser.submit(&consent, &[("answer", "allow")]).await.code();
    let tokens = server.redeem(&client, &code).await.ok();
    let next = server.refresh(&client, &tokens.token("refresh_token"), "").await.ok();
    for response in [&tokens, &next] {
        secrets
            .extend(["access_token", "refresh_token", "id_token"].map(|name| response.token(name)));
    }
    server.userinfo(&next.token("access_token")).await.ok();
    server.is_active(&client, &next.token("refresh_token")).await;
    // The error cases.
    server.redeem(&client, &code).await.refused(400, "invalid_grant");
    server.refresh(&client, &tokens.token("refresh_token"), "").await.refused(400, "invalid_grant");
    server.userinfo(&next.token("access_token")).await.refused(401, "invalid_token");
    let other = Client { id: client.id.clone(), secret: format!("{}x", client.secret) };
    server.redeem(&other, &code).await.refused(401, "invalid_client");
    let hint = next.token("id_token");
    browser.open(&format!("/logout?id_token_hint={hint}x")).await.response.assert_error_page(400);
    browser
        .open(&format!("/authorize?code={code}&access_token={hint}"))
        .await
        .response
        .assert_error_page(400);
    browser.open(&format!("/logout?id_token_hint={hint}")).await;
    secrets.push(code);
    secrets.extend(assertions(&server).await);
    secrets.extend(proofs(&server).await);
    secrets
        .extend(["canary-typed-in-the-wrong-field", "canary-wrong", "canary-n"].map(str::to_owned));

    let log = log.text();
    let events = format!("{:?}", server.audit_events("").await);
    assert!(log.contains("answered") && log.contains("refused"), "the log was captured");
    assert!(events.contains("code.replayed"));
    for secret in secrets.iter().filter(|secret| secret.len() > 7) {
        assert!(!log.contains(secret.as_str()), "{secret} is logged");
        assert!(!events.contains(secret.as_str()), "{secret} is in the audit trail");
    }
}

/// The assertions of a client, valid and invalid; none of them may be logged.
async fn assertions(server: &Server) -> Vec<String> {
    let signer = JwtSigner::new();
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [signer.jwk()] },
        }))
        .await;
    let sign = |signer: &JwtSigner, audience: &str| {
        let now = server.trace().now().0;
        let jti = uuid::Uuid::now_v7().to_string();
        let claims = json!({
            "iss": client.id, "sub": client.id, "aud": audience, "jti": jti, "exp": now + 60,
        });
        signer.sign("JWT", &claims)
    };
    let request_token = async |jwt: &str| {
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let form = format!("client_assertion_type={kind}&client_assertion={jwt}");
        server.post("/token", &format!("grant_type=client_credentials&{form}")).await
    };
    let (good, other_audience) = (sign(&signer, ISSUER), sign(&signer, "https://a.example"));
    let forged = sign(&JwtSigner::new(), ISSUER);
    let token = request_token(&good).await.ok().token("access_token");
    for refused in [&good, &other_audience, &forged] {
        request_token(refused).await.refused(401, "invalid_client");
    }
    let mut secrets = vec![good, other_audience, forged, token];
    // A signature alone would complete a JWT whose other parts are known.
    secrets.extend(signatures(&secrets));
    secrets
}

/// Opaque tokens bound to a key, and proofs, valid and invalid.
async fn proofs(server: &Server) -> Vec<String> {
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid",
            "gw_access_token_format": "opaque",
        }))
        .await;
    let (key, attacker) = (DpopKey::new(), DpopKey::new());
    let code = dpop::authorization_code(server, &client, "").await;
    let tokens = key.proof(server);
    let token = server.redeem_request(&client, &code).dpop(&tokens).send().await.ok();
    let token = token.token("access_token");
    let other_url = key.sign(&key.claims(server, "POST", "/elsewhere"));
    let mut secrets = vec![code, tokens.clone(), other_url.clone(), format!("{tokens}x")];
    for proof in &secrets[1..] {
        dpop::request_token(server, &server.service().await, proof)
            .await
            .refused(400, "invalid_dpop_proof");
    }
    let (used, stolen) = (
        key.proof_with_token(server, "GET", &token),
        attacker.proof_with_token(server, "GET", &token),
    );
    dpop::userinfo_with_dpop(server, &token, &used).await.ok();
    dpop::userinfo_with_dpop(server, &token, &used).await.refused(401, "invalid_dpop_proof");
    dpop::userinfo_with_dpop(server, &token, &stolen).await.refused(401, "invalid_token");
    let gateway_proof = key.proof_with_token(server, "GET", &token);
    let verify = async || {
        let request = server.request("GET", "/verify/ours").dpop(&gateway_proof);
        let request = request.header("authorization", &format!("DPoP {token}"));
        let request =
            request.header("x-original-method", "GET").header("x-original-uri", "/userinfo");
        request.send().await
    };
    assert_eq!(verify().await.status, 200);
    verify().await.refused(401, "invalid_dpop_proof");
    let form = format!("token={token}");
    server.post_as(&client, "/introspect", &form).await.ok();
    server.post_as(&client, "/revoke", &form).await.ok();
    let again = key.proof_with_token(server, "GET", &token);
    dpop::userinfo_with_dpop(server, &token, &again).await.refused(401, "invalid_token");
    secrets.extend([used, stolen, gateway_proof, again, token]);
    secrets.extend(signatures(&secrets));
    secrets
}

/// The signature of each JWT.
fn signatures(jwts: &[String]) -> Vec<String> {
    let parts = |jwt: &String| Some(jwt.split_once('.')?.1.split_once('.')?.1.to_owned());
    jwts.iter().filter_map(parts).collect()
}

/// THREATS LG-02: request values start no line and contain no control sequences.
#[tokio::test]
async fn request_values_cannot_start_a_log_line() {
    let (log, _guard) = Log::capture();
    let server = Server::start().await;
    let client = server.web_app().await;
    let forged = "x\r\n2026-01-01T00:00:00Z  INFO forged\u{1b}[31m\u{8}\u{85}\u{2028}";

    for name in ["redirect_uri", "client_id", "scope", "response_type", "resource"] {
        let request = AuthorizationRequest::new(&client).with("prompt", "none").with(name, forged);
        request.open_in_new_browser(&server).await;
    }
    let long = "u".repeat(20_000);
    server.request("GET", "/authorize").header("user-agent", &long).send().await;

    let log = log.text();
    assert!(log.contains("forged"), "the value is logged, escaped");
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01")), "{log}");
    assert!(!log.contains(['\u{1b}', '\u{8}', '\r']), "{log}");
    assert!(!log.contains(&long[..1_000]));
}

/// Anyone with the URL of a webhook can often write there, so the log and the audit trail contain only
/// its host, during retries and after the last one.
#[tokio::test]
async fn only_the_host_of_a_webhook_url_is_logged() {
    // With a single subscriber, the first thread that reaches a log statement decides for all whether
    // it is enabled, and that may be a thread of another test without a subscriber.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let (log, _guard) = Log::capture();
    let mut webhook = WebhookServer::start(vec![500; 20]).await;
    let server = Server::with(|config| {
        let url = format!("http://{}/services/canary-in-the-path", webhook.address);
        add_webhook_url(config, &url);
    })
    .await;
    let url = server.app().config.webhooks.endpoints[0].url.to_string();

    server.queue_after_attempts(&url, 12).await;
    webhook.next().await;
    server.wait_for_retries(1).await;
    server.advance_clock(8 * 3600);
    server.wait_until_abandoned().await;
    // The log is written after the database.
    wait_until("the log contains it", async || log.text().contains("a notice is given up")).await;

    let text = log.text();
    for line in ["a webhook did not accept its message", "a notice waits", "a notice is given up"] {
        let found = text.lines().find(|found| found.contains(line)).expect(line);
        assert!(found.contains("127.0.0.1"), "{found}");
    }
    let events = server.audit_events("notice.undelivered").await;
    assert_eq!(events.len(), 1);
    assert!(!text.contains("canary-in-the-path"), "the log contains the path");
    assert!(!events[0].facts.contains("canary-in-the-path"), "{}", events[0].facts);
}

/// THREATS EX-16: an operator may have omitted a proxy, and a client may pretend to be one.
#[tokio::test]
async fn an_untrusted_proxy_is_logged_once() {
    let (log, _guard) = Log::capture();
    let server = Server::start().await;

    for address in ["192.0.2.1", "192.0.2.2"] {
        server.request("GET", "/jwks").header("x-forwarded-for", address).send().await;
    }

    let text = log.text();
    let found: Vec<_> =
        text.lines().filter(|line| line.contains("X-Forwarded-For is ignored")).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("peer=127.0.0.1"), "{}", found[0]);
}
