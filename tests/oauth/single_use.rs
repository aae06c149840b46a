//! THREATS M4: every one-time value × every invalid use: again, at another replica, late or changed.
//!
//! Races of each value are in `races`; rules of one value alone are in the file of its RFC.
//!
//! | variable | meaning |
//! |---|---|
//! | `GATEWRIGHT_TEST_RACES` | races of each kind on three replicas; 6 if it is not set |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gatewright::store::sweep;
use serde_json::json;

use kit::browser::{Browser, Page, authorize_target};
use kit::dpop;
use kit::jwt::{DpopKey, JwtSigner};
use kit::server::{Client, ISSUER, Server};

/// A one-time value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OneTimeValue {
    /// RFC 6749 §4.1.2.
    Code,
    /// RFC 9700 §4.14.2.
    RefreshToken,
    /// RFC 7523 §3, by its `jti`.
    Assertion,
    /// RFC 9449 §11.1, by its `jti`.
    Proof,
    /// The identifier of a pending authorization request, and the form that decides it.
    Handle,
    /// The identifier of an authorization request that was sent by POST. It is worth no more than the
    /// URL of a GET request, so it may be used repeatedly, but neither late nor changed.
    Posted,
}

impl OneTimeValue {
    const ALL: [Self; 6] =
        [Self::Code, Self::RefreshToken, Self::Assertion, Self::Proof, Self::Handle, Self::Posted];

    /// The values that are accepted once; a posted request may be used repeatedly.
    const ONCE: [Self; 5] =
        [Self::Code, Self::RefreshToken, Self::Assertion, Self::Proof, Self::Handle];

    /// After this time no response is repeated, neither that to a refresh nor that to a form.
    const REPEAT_LIMIT: i64 = 61;

    const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::RefreshToken => "refresh token",
            Self::Assertion => "client assertion",
            Self::Proof => "DPoP proof",
            Self::Handle => "decision",
            Self::Posted => "posted request",
        }
    }

    /// How long it is valid, unused.
    const fn lifetime(self) -> i64 {
        match self {
            Self::Code => 60,
            Self::RefreshToken => 14 * 24 * 60 * 60,
            // Its `exp`, and ten seconds of tolerance for clocks.
            Self::Assertion => 70,
            // Sixty seconds, including the last one.
            Self::Proof => 61,
            Self::Handle | Self::Posted => 10 * 60,
        }
    }
}

/// An issued value, with the state that belongs to it.
#[derive(Clone, Debug)]
struct IssuedValue {
    kind: OneTimeValue,
    text: String,
    /// The page with the form.
    page: Option<Page>,
    cookies: BTreeMap<String, String>,
}

struct Fixture {
    web_app: Client,
    other: Client,
    private_key_client: Client,
    signer: JwtSigner,
    service: Client,
    key: DpopKey,
}

impl Fixture {
    const SCOPE: &str = "openid offline_access";

    async fn new() -> (Server, Self) {
        let server = Server::start().await;
        server.user("ada").await;
        let signer = JwtSigner::new();
        let private_key_client = server.register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [signer.jwk()] },
        }));
        let (private_key_client, web_app, other) =
            (private_key_client.await, server.web_app().await, server.web_app().await);
        let (service, key) = (server.service().await, DpopKey::new());
        (server, Self { web_app, other, private_key_client, signer, service, key })
    }

    async fn issue(&self, server: &Server, kind: OneTimeValue) -> IssuedValue {
        let mut browser = Browser::new(server);
        browser.authorize("ada", &self.web_app, Self::SCOPE, "").await;
        self.issue_in(&mut browser, server, kind).await
    }

    /// The same in a browser with a session.
    async fn issue_in(
        &self,
        browser: &mut Browser<'_>,
        server: &Server,
        kind: OneTimeValue,
    ) -> IssuedValue {
        let scope = Self::SCOPE;
        let mut page = None;
        let text = match kind {
            OneTimeValue::Code => {
                browser.authorize("ada", &self.web_app, scope, "").await.parameter("code")
            }
            OneTimeValue::RefreshToken => {
                let redirect = browser.authorize("ada", &self.web_app, scope, "").await;
                let code = redirect.parameter("code");
                server.redeem(&self.web_app, &code).await.ok().token("refresh_token")
            }
            OneTimeValue::Assertion => {
                let now = server.trace().now().0;
                let claims = json!({
                    "iss": self.private_key_client.id, "sub": self.private_key_client.id, "aud": ISSUER,
                    "jti": uuid::Uuid::now_v7().to_string(), "exp": now + 60,
                });
                self.signer.sign("JWT", &claims)
            }
            OneTimeValue::Proof => self.key.proof(server),
            OneTimeValue::Handle => {
                let target = authorize_target(&self.web_app, scope) + "&prompt=consent";
                let certificate = browser.open(&target).await;
                let handle = certificate.url.split_once("request=").expect("a page").1.to_owned();
                page = Some(certificate);
                handle
            }
            OneTimeValue::Posted => {
                let query = authorize_target(&self.web_app, scope);
                let request =
                    server.request("POST", "/authorize").form(query.split_once('?').unwrap().1);
                let response = browser.send(request.header("sec-fetch-site", "cross-site")).await;
                let location = response.header("location");
                location.split_once("gw_posted=").expect("a handle").1.to_owned()
            }
        };
        IssuedValue { kind, text, page, cookies: browser.cookies.clone() }
    }

    /// Uses the value at this server, and returns whether that succeeded.
    async fn is_accepted(&self, server: &Server, value: &IssuedValue, client: &Client) -> bool {
        self.redeem_value(server, value, client).await.is_some()
    }

    /// The same, and returns what was issued.
    async fn redeem_value(
        &self,
        server: &Server,
        value: &IssuedValue,
        client: &Client,
    ) -> Option<String> {
        let text: String = form_urlencoded::byte_serialize(value.text.as_bytes()).collect();
        let mut browser = Browser::new(server);
        browser.cookies = value.cookies.clone();
        let response = match value.kind {
            OneTimeValue::Code => server.redeem(client, &value.text).await,
            OneTimeValue::RefreshToken => server.refresh(client, &text, "").await,
            OneTimeValue::Assertion => {
                let form = format!(
                    "grant_type=client_credentials&client_assertion={text}&client_assertion_type=\
                     urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                );
                server.post("/token", &form).await
            }
            OneTimeValue::Proof => dpop::request_token(server, &self.service, &value.text).await,
            OneTimeValue::Handle => {
                let page = match &value.page {
                    Some(page) => page.clone(),
                    None => browser.open(&format!("/consent?request={text}")).await,
                };
                if page.response.status != 200 {
                    return code_of_page(&page);
                }
                return code_of_page(&browser.submit(&page, &[("answer", "allow")]).await);
            }
            OneTimeValue::Posted => {
                return code_of_page(&browser.open(&format!("/authorize?gw_posted={text}")).await);
            }
        };
        if response.status != 200 {
            let error = response.token("error");
            let right = match value.kind {
                OneTimeValue::Code | OneTimeValue::RefreshToken => "invalid_grant",
                OneTimeValue::Assertion => "invalid_client",
                OneTimeValue::Proof => "invalid_dpop_proof",
                OneTimeValue::Handle | OneTimeValue::Posted => unreachable!(),
            };
            assert_eq!(error, right, "{response:?}");
            return None;
        }
        let is_refresh = value.kind == OneTimeValue::RefreshToken;
        Some(response.token(if is_refresh { "refresh_token" } else { "access_token" }))
    }

    async fn owner_is_accepted(&self, server: &Server, value: &IssuedValue) -> bool {
        self.is_accepted(server, value, &self.web_app).await
    }
}

/// The code that is sent to the client. Without one, the response must be an error page.
#[track_caller]
fn code_of_page(page: &Page) -> Option<String> {
    if page.url.contains("code=") {
        return Some(page.parameter("code"));
    }
    assert!(page.url.starts_with('/'), "{page:?}");
    assert!(matches!(page.response.status, 400 | 403), "{page:?}");
    None
}

/// THREATS CO-01, TE-13, UI-11, RT-01.
#[tokio::test]
async fn no_value_is_accepted_twice() {
    let (server, fixture) = Fixture::new().await;
    for kind in OneTimeValue::ONCE {
        let value = fixture.issue(&server, kind).await;
        assert!(fixture.owner_is_accepted(&server, &value).await, "{kind:?}");
        // For a while a refresh token gets the same response again, and so does a form.
        server.advance_clock(OneTimeValue::REPEAT_LIMIT);

        assert!(!fixture.owner_is_accepted(&server, &value).await, "{kind:?}");
    }
}

/// THREATS M4: "on the other replica".
#[tokio::test]
async fn no_value_is_accepted_again_by_another_replica() {
    let (server, fixture) = Fixture::new().await;
    let replica = server.replica().await;
    for kind in OneTimeValue::ONCE {
        let value = fixture.issue(&server, kind).await;
        assert!(fixture.owner_is_accepted(&server, &value).await, "{kind:?}");
        server.advance_clock(OneTimeValue::REPEAT_LIMIT);

        assert!(!fixture.owner_is_accepted(&replica, &value).await, "{kind:?}");
    }
}

/// THREATS CL-01: the same at a replica whose clock is a minute off. Tokens of either are accepted by
/// the other.
#[tokio::test]
async fn no_value_is_accepted_again_by_a_replica_whose_clock_differs() {
    let (server, fixture) = Fixture::new().await;
    for seconds in [-60, 60] {
        let replica = server.replica_ahead(seconds).await;
        for kind in OneTimeValue::ONCE {
            let value = fixture.issue(&server, kind).await;
            assert!(fixture.owner_is_accepted(&server, &value).await, "{kind:?}");
            if kind == OneTimeValue::RefreshToken {
                // The successor is used, which ends the grace period.
                let again = server.refresh(&fixture.web_app, &value.text, "").await.ok();
                let next = again.token("refresh_token");
                let next = replica.refresh(&fixture.web_app, &next, "").await.ok();
                assert!(server.is_active(&fixture.web_app, &next.token("access_token")).await);
            }

            if kind == OneTimeValue::Handle {
                // The same form again: a minute by either clock.
                server.advance_clock(121);
                replica.advance_clock(121);
            }
            sweep::once(&replica.app().store, replica.trace().now()).await.unwrap();
            assert!(!fixture.owner_is_accepted(&replica, &value).await, "{kind:?}, {seconds}");
        }
    }
}

/// THREATS M4: "after restart"; unused values stay valid.
#[tokio::test]
async fn no_value_is_accepted_again_or_lost_after_a_restart() {
    let (server, fixture) = Fixture::new().await;
    let mut used = Vec::new();
    for kind in OneTimeValue::ONCE {
        let value = fixture.issue(&server, kind).await;
        assert!(fixture.owner_is_accepted(&server, &value).await, "{kind:?}");
        used.push(value);
    }
    server.advance_clock(OneTimeValue::REPEAT_LIMIT);
    let mut unused = Vec::new();
    for kind in OneTimeValue::ONCE {
        unused.push(fixture.issue(&server, kind).await);
    }

    let server = server.restart().await;

    for value in unused {
        assert!(fixture.owner_is_accepted(&server, &value).await, "{value:?}");
    }
    for value in used {
        assert!(!fixture.owner_is_accepted(&server, &value).await, "{value:?}");
    }
}

/// THREATS CO-05, TE-11: valid until one second before its end, expired at its end.
#[tokio::test]
async fn no_value_is_accepted_after_it_expired() {
    let (server, fixture) = Fixture::new().await;
    for kind in OneTimeValue::ALL {
        let (early, late) =
            (fixture.issue(&server, kind).await, fixture.issue(&server, kind).await);

        server.advance_clock(kind.lifetime() - 1);
        assert!(fixture.owner_is_accepted(&server, &early).await, "{kind:?}");
        server.advance_clock(1);
        assert!(!fixture.owner_is_accepted(&server, &late).await, "{kind:?}");
    }
}

/// THREATS CO-11, RT-14, JO-24: failed attempts do not consume the value.
#[tokio::test]
async fn no_changed_value_is_accepted() {
    let (server, fixture) = Fixture::new().await;
    for kind in OneTimeValue::ALL {
        let value = fixture.issue(&server, kind).await;
        let text = &value.text;
        let (start, last) = text.split_at(text.len() - 1);
        for changed in [
            start.to_owned(),
            text[1..].to_owned(),
            format!("{text}x"),
            format!("{text} "),
            format!("{text}="),
            format!("{start}{}", if last == "A" { "B" } else { "A" }),
            text.to_uppercase(),
            text.to_lowercase(),
            text.replacen('_', "\u{ff3f}", 1),
            String::from("x"),
        ] {
            // Whitespace around the value of a header field is not part of it (RFC 9110 §5.5).
            let is_field = kind == OneTimeValue::Proof;
            if changed == *text || (is_field && changed.trim() == text) {
                continue;
            }
            let wrong = IssuedValue { text: changed, page: None, ..value.clone() };
            assert!(!fixture.owner_is_accepted(&server, &wrong).await, "{wrong:?}");
        }
        assert!(fixture.owner_is_accepted(&server, &value).await, "{kind:?}");
    }
}

/// THREATS CO-06: a value is valid only as its own kind, and presenting it as another does not consume
/// it.
#[tokio::test]
async fn no_value_is_accepted_as_another_kind() {
    let (server, fixture) = Fixture::new().await;
    for kind in OneTimeValue::ALL {
        let value = fixture.issue(&server, kind).await;
        for other in OneTimeValue::ALL.into_iter().filter(|other| *other != kind) {
            // Both identify an authorization request; the row determines which one.
            let wrong = IssuedValue { kind: other, page: None, ..value.clone() };
            assert!(!fixture.owner_is_accepted(&server, &wrong).await, "{kind:?} as {other:?}");
        }
        assert!(fixture.owner_is_accepted(&server, &value).await, "{kind:?}");
    }
}

/// THREATS CO-03, RT-07: a code that another client presents has leaked and is consumed; a refresh
/// token, which is valid for months, is not.
#[tokio::test]
async fn no_value_is_accepted_from_another_client() {
    let (server, fixture) = Fixture::new().await;
    for (kind, is_consumed) in [(OneTimeValue::Code, true), (OneTimeValue::RefreshToken, false)] {
        let value = fixture.issue(&server, kind).await;

        assert!(!fixture.is_accepted(&server, &value, &fixture.other).await, "{kind:?}");

        assert_eq!(fixture.owner_is_accepted(&server, &value).await, !is_consumed, "{kind:?}");
    }
}

/// THREATS AZ-26: a page is bound to its browser.
#[tokio::test]
async fn no_request_is_decided_by_another_browser() {
    let (server, fixture) = Fixture::new().await;
    let value = fixture.issue(&server, OneTimeValue::Handle).await;
    let attacker = fixture.issue(&server, OneTimeValue::Handle).await;

    let stolen = IssuedValue { page: None, cookies: attacker.cookies.clone(), ..value.clone() };
    assert!(!fixture.owner_is_accepted(&server, &stolen).await);
    let stolen = IssuedValue { cookies: BTreeMap::new(), ..value.clone() };
    let mut empty_browser = Browser::new(&server);
    let page = value.page.as_ref().unwrap();
    assert!(!empty_browser.submit(page, &[("answer", "allow")]).await.url.contains("code="));
    drop(stolen);

    assert!(
        fixture.owner_is_accepted(&server, &value).await,
        "the request of the victim continues"
    );
}

/// THREATS X-01, EX-21: of 64 submissions of one form, one decides.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_decisions_one_is_recorded() {
    let (server, fixture) = Fixture::new().await;
    let server = std::sync::Arc::new(server);
    let value = fixture.issue(&server, OneTimeValue::Handle).await;

    let mut deciding = Vec::new();
    for _ in 0..64 {
        let (server, value) = (server.clone(), value.clone());
        deciding.push(tokio::spawn(async move {
            let mut browser = Browser::new(&server);
            browser.cookies = value.cookies.clone();
            let page = browser.submit(value.page.as_ref().unwrap(), &[("answer", "allow")]).await;
            assert!(page.response.status < 500, "{page:?}");
            page.parameter("code")
        }));
    }
    let mut codes = std::collections::BTreeSet::new();
    for one in deciding {
        codes.insert(one.await.unwrap());
    }

    assert_eq!(codes.len(), 1, "all are redirected to the client with the same code");
    assert_eq!(
        server.audit_events("consent.decided").await.len(),
        2,
        "one for this request and one for the first sign-in"
    );
}

/// Concurrent requests at each of the three replicas.
const RACERS: usize = 2;

/// Races in one browser before time passes, as on a server that runs for long.
const RACES_PER_BROWSER: usize = 500;

/// THREATS, EX-21: of concurrent uses of one value at three replicas one succeeds, or
/// all get the same response.
#[tokio::test(flavor = "multi_thread")]
async fn in_many_races_on_three_replicas_no_value_is_accepted_twice() {
    let races = std::env::var("GATEWRIGHT_TEST_RACES").map_or(6, |text| text.parse().unwrap());
    let mut violations = 0;
    for kind in OneTimeValue::ONCE {
        let (server, fixture) = Fixture::new().await;
        let replicas = [server.replica().await, server.replica().await];
        let [second, third] = replicas;
        let (servers, fixture) = (Arc::new([server, second, third]), Arc::new(fixture));
        let started_at = std::time::Instant::now();
        let mut wrong = 0;
        for done in (0..races).step_by(RACES_PER_BROWSER) {
            let first = &servers[0];
            let mut browser = Browser::new(first);
            browser.authorize("ada", &fixture.web_app, Fixture::SCOPE, "").await;
            for _ in done..races.min(done + RACES_PER_BROWSER) {
                let value = fixture.issue_in(&mut browser, first, kind).await;
                wrong += usize::from(!is_accepted_once(&fixture, &servers, &value).await);
            }
            // Longer than proofs and assertions are stored.
            first.advance_clock(OneTimeValue::REPEAT_LIMIT * 3);
            sweep::once(&first.app().store, first.trace().now()).await.unwrap();
        }
        let seconds = started_at.elapsed().as_secs();
        eprintln!("chaos: races for one {} | {races} | {wrong} | {seconds}", kind.name());
        violations += wrong;
    }
    assert_eq!(violations, 0);
}

/// Presents the value to all three at once.
async fn is_accepted_once(
    fixture: &Arc<Fixture>,
    servers: &Arc<[Server; 3]>,
    value: &IssuedValue,
) -> bool {
    let racing: Vec<_> = (0..RACERS * servers.len())
        .map(|racer| {
            let (fixture, servers, value) = (fixture.clone(), servers.clone(), value.clone());
            tokio::spawn(async move {
                fixture
                    .redeem_value(&servers[racer % servers.len()], &value, &fixture.web_app)
                    .await
            })
        })
        .collect();
    let racers = racing.len();
    let mut gained = Vec::new();
    for one in racing {
        match one.await {
            Ok(gain) => gained.extend(gain),
            // The response was invalid, and the panic has reported it.
            Err(_) => return false,
        }
    }
    match value.kind {
        OneTimeValue::RefreshToken | OneTimeValue::Handle => {
            gained.len() == racers && gained.iter().collect::<BTreeSet<_>>().len() == 1
        }
        OneTimeValue::Code
        | OneTimeValue::Assertion
        | OneTimeValue::Proof
        | OneTimeValue::Posted => gained.len() == 1,
    }
}
