//! THREATS M4: every one-time value × every way to use it again, elsewhere, late or changed.
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
enum Artefact {
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

impl Artefact {
    const ALL: [Self; 6] =
        [Self::Code, Self::RefreshToken, Self::Assertion, Self::Proof, Self::Handle, Self::Posted];

    /// The values that are accepted once; a posted request may be used repeatedly.
    const ONCE: [Self; 5] =
        [Self::Code, Self::RefreshToken, Self::Assertion, Self::Proof, Self::Handle];

    /// After this time no response is repeated, neither that to a refresh nor that to a form.
    const SETTLED: i64 = 61;

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
    const fn lives(self) -> i64 {
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
struct Made {
    artefact: Artefact,
    text: String,
    /// The page with the form.
    page: Option<Page>,
    cookies: BTreeMap<String, String>,
}

struct Fixture {
    photos: Client,
    other: Client,
    prover: Client,
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
        let prover = server.register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [signer.jwk()] },
        }));
        let (prover, photos, other) =
            (prover.await, server.web_app().await, server.web_app().await);
        let (service, key) = (server.service().await, DpopKey::new());
        (server, Self { photos, other, prover, signer, service, key })
    }

    async fn make(&self, server: &Server, artefact: Artefact) -> Made {
        let mut browser = Browser::new(server);
        browser.authorize("ada", &self.photos, Self::SCOPE, "").await;
        self.make_in(&mut browser, server, artefact).await
    }

    /// The same in a browser with a session.
    async fn make_in(
        &self,
        browser: &mut Browser<'_>,
        server: &Server,
        artefact: Artefact,
    ) -> Made {
        let scope = Self::SCOPE;
        let mut page = None;
        let text = match artefact {
            Artefact::Code => {
                browser.authorize("ada", &self.photos, scope, "").await.parameter("code")
            }
            Artefact::RefreshToken => {
                let redirect = browser.authorize("ada", &self.photos, scope, "").await;
                let code = redirect.parameter("code");
                server.redeem(&self.photos, &code).await.ok().token("refresh_token")
            }
            Artefact::Assertion => {
                let now = server.trace().now().0;
                let claims = json!({
                    "iss": self.prover.id, "sub": self.prover.id, "aud": ISSUER,
                    "jti": uuid::Uuid::now_v7().to_string(), "exp": now + 60,
                });
                self.signer.sign("JWT", &claims)
            }
            Artefact::Proof => self.key.proof(server),
            Artefact::Handle => {
                let target = authorize_target(&self.photos, scope) + "&prompt=consent";
                let certificate = browser.open(&target).await;
                let handle = certificate.url.split_once("request=").expect("a page").1.to_owned();
                page = Some(certificate);
                handle
            }
            Artefact::Posted => {
                let query = authorize_target(&self.photos, scope);
                let request =
                    server.request("POST", "/authorize").form(query.split_once('?').unwrap().1);
                let response = browser.send(request.header("sec-fetch-site", "cross-site")).await;
                let location = response.header("location");
                location.split_once("gw_posted=").expect("a handle").1.to_owned()
            }
        };
        Made { artefact, text, page, cookies: browser.cookies.clone() }
    }

    /// Uses the value at this server, and returns whether that succeeded.
    async fn spend(&self, server: &Server, made: &Made, client: &Client) -> bool {
        self.gain(server, made, client).await.is_some()
    }

    /// The same, and returns what was issued.
    async fn gain(&self, server: &Server, made: &Made, client: &Client) -> Option<String> {
        let text: String = form_urlencoded::byte_serialize(made.text.as_bytes()).collect();
        let mut browser = Browser::new(server);
        browser.cookies = made.cookies.clone();
        let response = match made.artefact {
            Artefact::Code => server.redeem(client, &made.text).await,
            Artefact::RefreshToken => server.refresh(client, &text, "").await,
            Artefact::Assertion => {
                let form = format!(
                    "grant_type=client_credentials&client_assertion={text}&client_assertion_type=\
                     urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                );
                server.post("/token", &form).await
            }
            Artefact::Proof => dpop::request_token(server, &self.service, &made.text).await,
            Artefact::Handle => {
                let page = match &made.page {
                    Some(page) => page.clone(),
                    None => browser.open(&format!("/consent?request={text}")).await,
                };
                if page.response.status != 200 {
                    return code_of(&page);
                }
                return code_of(&browser.submit(&page, &[("answer", "allow")]).await);
            }
            Artefact::Posted => {
                return code_of(&browser.open(&format!("/authorize?gw_posted={text}")).await);
            }
        };
        if response.status != 200 {
            let error = response.token("error");
            let right = match made.artefact {
                Artefact::Code | Artefact::RefreshToken => "invalid_grant",
                Artefact::Assertion => "invalid_client",
                Artefact::Proof => "invalid_dpop_proof",
                Artefact::Handle | Artefact::Posted => unreachable!(),
            };
            assert_eq!(error, right, "{response:?}");
            return None;
        }
        let is_refresh = made.artefact == Artefact::RefreshToken;
        Some(response.token(if is_refresh { "refresh_token" } else { "access_token" }))
    }

    async fn owner_spends(&self, server: &Server, made: &Made) -> bool {
        self.spend(server, made, &self.photos).await
    }
}

/// The code that is sent to the client. Without one, the response must be an error page.
#[track_caller]
fn code_of(page: &Page) -> Option<String> {
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
    for artefact in Artefact::ONCE {
        let made = fixture.make(&server, artefact).await;
        assert!(fixture.owner_spends(&server, &made).await, "{artefact:?}");
        // For a while a refresh token gets the same response again, and so does a form.
        server.advance_clock(Artefact::SETTLED);

        assert!(!fixture.owner_spends(&server, &made).await, "{artefact:?}");
    }
}

/// THREATS M4: "on the other replica".
#[tokio::test]
async fn no_value_is_accepted_again_by_another_replica() {
    let (server, fixture) = Fixture::new().await;
    let replica = server.replica().await;
    for artefact in Artefact::ONCE {
        let made = fixture.make(&server, artefact).await;
        assert!(fixture.owner_spends(&server, &made).await, "{artefact:?}");
        server.advance_clock(Artefact::SETTLED);

        assert!(!fixture.owner_spends(&replica, &made).await, "{artefact:?}");
    }
}

/// THREATS CL-01: the same at a replica whose clock is a minute off. Tokens of either are accepted by
/// the other.
#[tokio::test]
async fn no_value_is_accepted_again_by_a_replica_whose_clock_differs() {
    let (server, fixture) = Fixture::new().await;
    for seconds in [-60, 60] {
        let replica = server.replica_ahead(seconds).await;
        for artefact in Artefact::ONCE {
            let made = fixture.make(&server, artefact).await;
            assert!(fixture.owner_spends(&server, &made).await, "{artefact:?}");
            if artefact == Artefact::RefreshToken {
                // The successor is used, which ends the grace period.
                let again = server.refresh(&fixture.photos, &made.text, "").await.ok();
                let next = again.token("refresh_token");
                let next = replica.refresh(&fixture.photos, &next, "").await.ok();
                assert!(server.is_active(&fixture.photos, &next.token("access_token")).await);
            }

            if artefact == Artefact::Handle {
                // The same form again: a minute by either clock.
                server.advance_clock(121);
                replica.advance_clock(121);
            }
            sweep::once(&replica.app().store, replica.trace().now()).await.unwrap();
            assert!(!fixture.owner_spends(&replica, &made).await, "{artefact:?}, {seconds}");
        }
    }
}

/// THREATS M4: "after restart"; unused values stay valid.
#[tokio::test]
async fn no_value_is_accepted_again_or_lost_after_a_restart() {
    let (server, fixture) = Fixture::new().await;
    let mut used = Vec::new();
    for artefact in Artefact::ONCE {
        let made = fixture.make(&server, artefact).await;
        assert!(fixture.owner_spends(&server, &made).await, "{artefact:?}");
        used.push(made);
    }
    server.advance_clock(Artefact::SETTLED);
    let mut unused = Vec::new();
    for artefact in Artefact::ONCE {
        unused.push(fixture.make(&server, artefact).await);
    }

    let server = server.restart().await;

    for made in unused {
        assert!(fixture.owner_spends(&server, &made).await, "{made:?}");
    }
    for made in used {
        assert!(!fixture.owner_spends(&server, &made).await, "{made:?}");
    }
}

/// THREATS CO-05, TE-11: valid until one second before its end, expired at its end.
#[tokio::test]
async fn no_value_is_accepted_after_it_expired() {
    let (server, fixture) = Fixture::new().await;
    for artefact in Artefact::ALL {
        let (early, late) =
            (fixture.make(&server, artefact).await, fixture.make(&server, artefact).await);

        server.advance_clock(artefact.lives() - 1);
        assert!(fixture.owner_spends(&server, &early).await, "{artefact:?}");
        server.advance_clock(1);
        assert!(!fixture.owner_spends(&server, &late).await, "{artefact:?}");
    }
}

/// THREATS CO-11, RT-14, JO-24: failed attempts do not consume the value.
#[tokio::test]
async fn no_changed_value_is_accepted() {
    let (server, fixture) = Fixture::new().await;
    for artefact in Artefact::ALL {
        let made = fixture.make(&server, artefact).await;
        let text = &made.text;
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
            let is_field = artefact == Artefact::Proof;
            if changed == *text || (is_field && changed.trim() == text) {
                continue;
            }
            let wrong = Made { text: changed, page: None, ..made.clone() };
            assert!(!fixture.owner_spends(&server, &wrong).await, "{wrong:?}");
        }
        assert!(fixture.owner_spends(&server, &made).await, "{artefact:?}");
    }
}

/// THREATS CO-06: a value is valid only as its own kind, and presenting it as another does not consume
/// it.
#[tokio::test]
async fn no_value_is_accepted_as_another_kind() {
    let (server, fixture) = Fixture::new().await;
    for artefact in Artefact::ALL {
        let made = fixture.make(&server, artefact).await;
        for other in Artefact::ALL.into_iter().filter(|other| *other != artefact) {
            // Both identify an authorization request; the row determines which one.
            let wrong = Made { artefact: other, page: None, ..made.clone() };
            assert!(!fixture.owner_spends(&server, &wrong).await, "{artefact:?} as {other:?}");
        }
        assert!(fixture.owner_spends(&server, &made).await, "{artefact:?}");
    }
}

/// THREATS CO-03, RT-07: a code that another client presents has leaked and is consumed; a refresh
/// token, which is valid for months, is not.
#[tokio::test]
async fn no_value_is_accepted_from_another_client() {
    let (server, fixture) = Fixture::new().await;
    for (artefact, is_burnt) in [(Artefact::Code, true), (Artefact::RefreshToken, false)] {
        let made = fixture.make(&server, artefact).await;

        assert!(!fixture.spend(&server, &made, &fixture.other).await, "{artefact:?}");

        assert_eq!(fixture.owner_spends(&server, &made).await, !is_burnt, "{artefact:?}");
    }
}

/// THREATS AZ-26: a page is bound to its browser.
#[tokio::test]
async fn no_request_is_decided_by_another_browser() {
    let (server, fixture) = Fixture::new().await;
    let made = fixture.make(&server, Artefact::Handle).await;
    let attacker = fixture.make(&server, Artefact::Handle).await;

    let stolen = Made { page: None, cookies: attacker.cookies.clone(), ..made.clone() };
    assert!(!fixture.owner_spends(&server, &stolen).await);
    let stolen = Made { cookies: BTreeMap::new(), ..made.clone() };
    let mut nobody = Browser::new(&server);
    let page = made.page.as_ref().unwrap();
    assert!(!nobody.submit(page, &[("answer", "allow")]).await.url.contains("code="));
    drop(stolen);

    assert!(fixture.owner_spends(&server, &made).await, "the request of the victim continues");
}

/// THREATS X-01, EX-21: of 64 submissions of one form, one decides.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_decisions_one_is_recorded() {
    let (server, fixture) = Fixture::new().await;
    let server = std::sync::Arc::new(server);
    let made = fixture.make(&server, Artefact::Handle).await;

    let mut deciding = Vec::new();
    for _ in 0..64 {
        let (server, made) = (server.clone(), made.clone());
        deciding.push(tokio::spawn(async move {
            let mut browser = Browser::new(&server);
            browser.cookies = made.cookies.clone();
            let page = browser.submit(made.page.as_ref().unwrap(), &[("answer", "allow")]).await;
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
const IN_A_ROW: usize = 500;

/// THREATS, EX-21: of concurrent uses of one value at three replicas one succeeds, or
/// all get the same response.
#[tokio::test(flavor = "multi_thread")]
async fn in_many_races_on_three_replicas_no_value_is_accepted_twice() {
    let races = std::env::var("GATEWRIGHT_TEST_RACES").map_or(6, |text| text.parse().unwrap());
    let mut violations = 0;
    for artefact in Artefact::ONCE {
        let (server, fixture) = Fixture::new().await;
        let replicas = [server.replica().await, server.replica().await];
        let [second, third] = replicas;
        let (servers, fixture) = (Arc::new([server, second, third]), Arc::new(fixture));
        let started_at = std::time::Instant::now();
        let mut wrong = 0;
        for done in (0..races).step_by(IN_A_ROW) {
            let first = &servers[0];
            let mut browser = Browser::new(first);
            browser.authorize("ada", &fixture.photos, Fixture::SCOPE, "").await;
            for _ in done..races.min(done + IN_A_ROW) {
                let made = fixture.make_in(&mut browser, first, artefact).await;
                wrong += usize::from(!is_taken_once(&fixture, &servers, &made).await);
            }
            // Longer than proofs and assertions are stored.
            first.advance_clock(Artefact::SETTLED * 3);
            sweep::once(&first.app().store, first.trace().now()).await.unwrap();
        }
        let seconds = started_at.elapsed().as_secs();
        eprintln!("chaos: races for one {} | {races} | {wrong} | {seconds}", artefact.name());
        violations += wrong;
    }
    assert_eq!(violations, 0);
}

/// Presents the value to all three at once.
async fn is_taken_once(fixture: &Arc<Fixture>, servers: &Arc<[Server; 3]>, made: &Made) -> bool {
    let racing: Vec<_> = (0..RACERS * servers.len())
        .map(|racer| {
            let (fixture, servers, made) = (fixture.clone(), servers.clone(), made.clone());
            tokio::spawn(async move {
                fixture.gain(&servers[racer % servers.len()], &made, &fixture.photos).await
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
    match made.artefact {
        Artefact::RefreshToken | Artefact::Handle => {
            gained.len() == racers && gained.iter().collect::<BTreeSet<_>>().len() == 1
        }
        Artefact::Code | Artefact::Assertion | Artefact::Proof | Artefact::Posted => {
            gained.len() == 1
        }
    }
}
