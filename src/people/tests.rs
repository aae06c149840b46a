//! Accounts and sign-in on a real database.

use serde_json::Map;

use super::account::{self, Changed, Current, NewAccount, NewPassword, Unfit};
use super::password::Place;
use super::sign_in::{Attempt, Outcome, sign_in};
use super::{Hasher, People, session};
use crate::config::{Config, Issuer};
use crate::record::{Context, Supervisor, Trace};
use crate::store::audit_events::{self, AuditRow, Filter};
use crate::store::test_database::TestDatabase;
use crate::store::{Store, users};
use crate::types::session::Session;
use crate::types::token::{DeviceSecret, SessionSecret};
use crate::types::{Failure, Result, Seconds, Secret, Subscriber, Timestamp, User};

const PASSWORD: &str = "correct horse battery staple";
const ANOTHER: &str = "purple monkey dishwasher";

/// The timeout of events that must happen.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// The dependencies of one test, with a hashing cost that suits debug builds.
struct Fixture {
    store: Store,
    hasher: Hasher,
    config: Config,
    trace: Trace,
    now: Timestamp,
    _database: TestDatabase,
}

impl Fixture {
    async fn build() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::make().await;
        let mut config = Config::with_defaults(Issuer::parse("https://id.example.org").unwrap());
        config.passwords.memory_kib = 64;
        config.passwords.iterations = 1;
        config.passwords.queue = 300;
        change(&mut config);
        let hasher = Hasher::start(&config.passwords, &Supervisor::default()).unwrap();
        let trace = Trace {
            request_id: "request".to_owned(),
            address: "192.0.2.1".parse().ok(),
            at_ms: 1_000_000_000,
        };
        let store = database.store.clone();
        Self { store, hasher, config, trace, now: Timestamp(1_000_000), _database: database }
    }

    fn people(&self) -> People<'_> {
        People {
            context: Context {
                now: self.now,
                ..Context::new(&self.store, &self.config, &self.trace)
            },
            hasher: &self.hasher,
        }
    }

    async fn account(&self, username: &str) -> User {
        let email = format!("{username}@example.org");
        let password = Secret::new(PASSWORD);
        let account = NewAccount { password: Some(&password), ..blank(username, Some(&email)) };
        account::create(&self.people(), account).await.unwrap()
    }

    async fn try_at(&self, identifier: &str, password: &str) -> Outcome {
        let password = Secret::new(password);
        sign_in(&self.people(), &attempt(identifier, &password)).await.unwrap()
    }

    async fn signed_in(&self, identifier: &str) -> (SessionSecret, Session) {
        into_session(self.try_at(identifier, PASSWORD).await)
    }

    async fn try_with(&self, device: &DeviceSecret, identifier: &str, password: &str) -> Outcome {
        let password = Secret::new(password);
        let attempt = Attempt { device: Some(device), ..attempt(identifier, &password) };
        sign_in(&self.people(), &attempt).await.unwrap()
    }

    /// The device cookie of a browser that has signed in to the account.
    async fn device_of(&self, identifier: &str) -> DeviceSecret {
        match self.try_at(identifier, PASSWORD).await {
            Outcome::SignedIn { device, .. } => device,
            other @ (Outcome::Wrong | Outcome::Withheld | Outcome::Throttled { .. }) => {
                panic!("not signed in: {other:?}")
            }
        }
    }

    /// Tries a wrong password once from each network.
    async fn fail_from_everywhere(&mut self, identifier: &str, networks: std::ops::Range<u8>) {
        let here = self.trace.address;
        for network in networks {
            self.come_from(&format!("203.0.113.{network}"));
            assert!(matches!(self.try_at(identifier, ANOTHER).await, Outcome::Wrong), "{network}");
        }
        self.trace.address = here;
    }

    /// Takes all turns to hash.
    async fn all_turns(&self) -> Vec<Place<'_>> {
        let mut held = Vec::new();
        for number in 1..=3 {
            held.push(self.hasher.place(from(&format!("192.0.2.{}", 100 + number))).await.unwrap());
        }
        held
    }

    async fn is_live(&self, secret: &SessionSecret) -> bool {
        let cookie = secret.0.expose();
        let live = session::live(&self.store, &self.config.sessions, cookie, None, self.now);
        live.await.unwrap().is_some()
    }

    async fn events(&self, kind: &str) -> Vec<AuditRow> {
        let filter = Filter { kind: kind.to_owned(), most: 1000, ..Filter::default() };
        audit_events::list(self.store.db(), &filter).await.unwrap()
    }

    fn wait(&mut self, length: Seconds) {
        self.now = self.now + length;
    }

    fn come_from(&mut self, address: &str) {
        self.trace.address = address.parse().ok();
    }
}

fn from(address: &str) -> Subscriber {
    Subscriber::from_address(address.parse().ok())
}

/// Whether the turn still waits after a short time.
async fn is_waiting(turn: &mut (impl Future + Unpin)) -> bool {
    tokio::time::timeout(std::time::Duration::from_millis(100), turn).await.is_err()
}

fn blank<'a>(username: &'a str, email: Option<&'a str>) -> NewAccount<'a> {
    NewAccount { username, email, email_verified: false, claims: Map::new(), password: None }
}

fn attempt<'a>(identifier: &'a str, password: &'a Secret) -> Attempt<'a> {
    Attempt {
        identifier,
        password,
        remember: false,
        device: None,
        user_agent: "curl/8",
        replaces: None,
    }
}

fn into_session(outcome: Outcome) -> (SessionSecret, Session) {
    match outcome {
        Outcome::SignedIn { secret, session, .. } => (secret, *session),
        other @ (Outcome::Wrong | Outcome::Withheld | Outcome::Throttled { .. }) => {
            panic!("not signed in: {other:?}")
        }
    }
}

async fn change(fixture: &Fixture, session: &Session, current: &str, new: &str) -> Result<Changed> {
    let current = Secret::new(current);
    change_by(fixture, session, Current::Typed(&current), new).await
}

async fn change_by(
    fixture: &Fixture,
    session: &Session,
    current: Current<'_>,
    new: &str,
) -> Result<Changed> {
    let new = NewPassword { typed: Secret::new(new), again: Secret::new(new) };
    account::change_password(&fixture.people(), session, None, current, &new).await
}

#[tokio::test]
async fn a_user_signs_in_with_username_or_email() {
    let fixture = Fixture::build().await;
    let user = fixture.account("alice").await;

    for name in ["alice", " ALICE ", "ａｌｉｃｅ", "Alice@Example.ORG"] {
        let (secret, session) = fixture.signed_in(name).await;

        assert_eq!(session.user_id, user.id);
        assert_eq!((session.acr.as_str(), session.amr.as_str()), ("pwd", "pwd"));
        assert_eq!((session.auth_time, session.address.as_str()), (fixture.now, "192.0.2.1"));
        assert!(fixture.is_live(&secret).await);
    }
    let events = fixture.events("sign_in").await;
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.outcome == "success" && event.session_id.is_some()));
}

/// THREATS UI-14, UI-15: only the audit event has the reason, and every attempt computes one hash.
#[tokio::test]
async fn every_wrong_sign_in_has_the_same_result() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;
    let bob = fixture.account("bob").await;
    account::disable(&fixture.people(), &bob.id).await.unwrap();
    account::create(&fixture.people(), blank("carol", None)).await.unwrap();

    for (name, password) in [
        ("alice", ANOTHER),
        ("alice", ""),
        ("bob", PASSWORD),
        ("carol", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
        ("alice+tag@example.org", PASSWORD),
    ] {
        let before = fixture.hasher.computed();
        let outcome = fixture.try_at(name, password).await;
        assert!(matches!(outcome, Outcome::Wrong), "{name} {outcome:?}");
        assert_eq!(fixture.hasher.computed() - before, 1, "{name}");
    }

    let events = fixture.events("sign_in").await;
    let reasons: std::collections::BTreeSet<_> = events.iter().map(|event| &event.facts).collect();
    assert_eq!((events.len(), reasons.len()), (7, 4));
    assert!(!events.iter().any(|event| event.facts.contains("nobody@")));
}

/// THREATS PW-07.
#[tokio::test]
async fn a_password_that_is_too_long_is_neither_hashed_nor_counted() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;
    let long = Secret::new("x".repeat(1025));
    let before = fixture.hasher.computed();

    for _ in 0..20 {
        assert!(sign_in(&fixture.people(), &attempt("alice", &long)).await.is_err());
    }

    assert_eq!(fixture.hasher.computed(), before);
    fixture.signed_in("alice").await;
}

/// THREATS UI-17, X-09.
#[tokio::test(flavor = "multi_thread")]
async fn of_256_racing_guesses_ten_are_compared() {
    let fixture = std::sync::Arc::new(Fixture::build().await);
    fixture.account("alice").await;
    let before = fixture.hasher.computed();

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..256 {
        let fixture = std::sync::Arc::clone(&fixture);
        racing.spawn(async move { fixture.try_at("alice", ANOTHER).await });
    }
    let outcomes = racing.join_all().await;

    let wrong = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Wrong)).count();
    let throttled = outcomes
        .iter()
        .filter(|outcome| {
            matches!(outcome, Outcome::Throttled { until, .. } if *until == fixture.now + Seconds::minutes(10))
        })
        .count();
    assert_eq!((wrong, throttled), (10, 246));
    assert_eq!(fixture.hasher.computed() - before, 10);
}

/// THREATS UI-18.
#[tokio::test]
async fn all_names_of_an_account_share_its_limit() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;

    for name in ["alice", "ALICE", " alice", "ａｌｉｃｅ", "alice@example.org"] {
        for _ in 0..2 {
            assert!(matches!(fixture.try_at(name, ANOTHER).await, Outcome::Wrong));
        }
    }

    for name in ["alice", "alice@EXAMPLE.org"] {
        assert!(matches!(fixture.try_at(name, PASSWORD).await, Outcome::Withheld));
    }
    fixture.wait(Seconds::minutes(10));
    fixture.signed_in("alice").await;
}

/// THREATS UI-19.
#[tokio::test]
async fn failures_from_one_network_do_not_lock_out_another() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    for _ in 0..12 {
        fixture.try_at("alice", ANOTHER).await;
    }

    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Throttled { .. }));
    fixture.come_from("192.0.2.2");
    fixture.signed_in("alice").await;
}

#[tokio::test]
async fn a_network_has_a_hundred_attempts_over_all_names() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    fixture.come_from("2001:db8::1");
    for number in 0..100 {
        assert!(matches!(fixture.try_at(&format!("u{number}"), ANOTHER).await, Outcome::Wrong));
    }

    fixture.come_from("2001:db8::2");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Throttled { .. }));
    fixture.come_from("2001:db8:0:1::1");
    fixture.signed_in("alice").await;
}

/// Users behind one address do not throttle each other, and an attacker with an account of their own gains no
/// attempts at others.
#[tokio::test]
async fn a_success_releases_its_own_attempt_only() {
    let mut fixture = Fixture::build().await;
    fixture.config.throttle.network_attempts = 12;
    fixture.account("alice").await;
    fixture.account("mallory").await;
    for _ in 0..20 {
        fixture.signed_in("mallory").await;
    }

    for number in 0..12 {
        let outcome = fixture.try_at("alice", ANOTHER).await;
        assert_eq!(matches!(outcome, Outcome::Wrong), number < 10);
        if number < 10 {
            fixture.config.throttle.network_attempts = 100;
            fixture.signed_in("mallory").await;
            fixture.config.throttle.network_attempts = 12;
        }
    }
    for number in 0..4 {
        let outcome = fixture.try_at("nobody", ANOTHER).await;
        assert_eq!(matches!(outcome, Outcome::Wrong), number < 2, "ten were alice's");
    }
}

#[tokio::test]
async fn a_full_queue_counts_no_attempt() {
    let fixture = Fixture::with(|config| config.passwords.queue = 1).await;
    fixture.account("alice").await;
    let held = fixture.all_turns().await;
    let password = Secret::new(PASSWORD);
    let mut waiting = Box::pin(fixture.hasher.place(from("192.0.2.200")));
    assert!(is_waiting(&mut waiting).await);

    for _ in 0..20 {
        let turned_away = sign_in(&fixture.people(), &attempt("alice", &password)).await;
        assert!(matches!(turned_away, Err(crate::types::Error::Failed(Failure::Busy(_)))));
    }

    drop((held, waiting));
    fixture.signed_in("alice").await;
}

/// THREATS EX-12: they are refused at once while others wait.
#[tokio::test]
async fn throttled_attempts_take_no_place_in_the_queue() {
    let fixture = Fixture::build().await;
    for _ in 0..10 {
        assert!(matches!(fixture.try_at("nobody", ANOTHER).await, Outcome::Wrong));
    }
    let _held = fixture.all_turns().await;

    let throttled = tokio::time::timeout(PATIENCE, fixture.try_at("nobody", ANOTHER)).await;
    assert!(matches!(throttled, Ok(Outcome::Throttled { .. })));
    let mut other = Box::pin(fixture.try_at("somebody", ANOTHER));
    assert!(is_waiting(&mut other).await);
}

/// DESIGN §8: attempts that are being compared are no failures.
#[tokio::test(flavor = "multi_thread")]
async fn many_correct_sign_ins_at_once_succeed() {
    const PEOPLE: usize = 150;
    let fixture = std::sync::Arc::new(Fixture::build().await);
    for number in 0..PEOPLE {
        fixture.account(&format!("u{number}")).await;
    }

    let mut coming = tokio::task::JoinSet::new();
    for number in 0..PEOPLE {
        let fixture = std::sync::Arc::clone(&fixture);
        coming.spawn(async move { fixture.try_at(&format!("u{number}"), PASSWORD).await });
    }

    let came = coming.join_all().await;
    let welcome = came.iter().filter(|outcome| matches!(outcome, Outcome::SignedIn { .. }));
    assert_eq!(welcome.count(), PEOPLE);
}

/// THREATS EX-13: 40 guesses at one account, and 400 in all, from a site with a /48.
#[tokio::test]
async fn the_subnets_of_an_ipv6_site_share_limits() {
    let mut fixture = Fixture::build().await;
    let alice = fixture.account("alice").await;
    let (mut compared, mut throttled) = (0, 0);
    for subnet in 0..16 {
        fixture.come_from(&format!("2001:db8:0:{subnet:x}00::1"));
        for _ in 0..8 {
            match fixture.try_at("alice", ANOTHER).await {
                Outcome::Wrong => compared += 1,
                Outcome::Throttled { user, .. } => {
                    assert_eq!(user.as_ref(), Some(&alice.id));
                    throttled += 1;
                }
                other @ (Outcome::SignedIn { .. } | Outcome::Withheld) => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((compared, throttled), (40, 88));

    for number in 0..400 {
        fixture.come_from(&format!("2001:db8:0:{:x}00::1", number % 8));
        fixture.try_at(&format!("u{number}"), ANOTHER).await;
    }
    fixture.come_from("2001:db8:0:ff00::1");
    assert!(matches!(fixture.try_at("bob", ANOTHER).await, Outcome::Throttled { .. }));
    fixture.come_from("2001:db8:1::1");
    fixture.signed_in("alice").await;
}

/// THREATS EX-13: NIST SP 800-63B-4 §3.2.2.
#[tokio::test]
async fn after_a_hundred_failures_in_a_row_attempts_are_slow() {
    let mut fixture = Fixture::build().await;
    let alice = fixture.account("alice").await;
    let known = fixture.device_of("alice").await;
    fixture.fail_from_everywhere("alice", 0..100).await;

    fixture.come_from("198.51.100.1");
    assert!(matches!(fixture.try_at("alice", ANOTHER).await, Outcome::Wrong), "one is compared");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld), "and no more");
    assert!(matches!(fixture.try_at("alice@example.org", PASSWORD).await, Outcome::Withheld));
    fixture.wait(Seconds::minutes(1));
    fixture.fail_from_everywhere("alice", 101..160).await;
    fixture.come_from("198.51.100.2");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld), "sixty an hour");

    let outcome = fixture.try_with(&known, "alice", PASSWORD).await;
    assert!(matches!(outcome, Outcome::SignedIn { .. }), "a known browser signs in");
    fixture.come_from("198.51.100.3");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld));
    fixture.wait(Seconds::hours(1));
    fixture.signed_in("alice").await;

    // A success ends the row of failures.
    fixture.fail_from_everywhere("alice", 0..160).await;
    fixture.come_from("198.51.100.4");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld));
    account::unlock(&fixture.people(), &alice.id).await.unwrap();
    fixture.signed_in("alice").await;
    assert_eq!(fixture.events("user.unlocked").await.len(), 1);
}

/// THREATS EX-14: the result for a name does not depend on whether an account has it.
#[tokio::test]
async fn responses_do_not_reveal_that_two_names_are_one_account() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;
    fixture.account("bob").await;
    for _ in 0..10 {
        fixture.try_at("alice", ANOTHER).await;
    }

    for number in 0..12 {
        let before = fixture.hasher.computed();
        let other_name = fixture.try_at("alice@example.org", PASSWORD).await;
        let hashed = fixture.hasher.computed() - before;
        let stranger = fixture.try_at("bob", ANOTHER).await;
        let nobody = fixture.try_at("nobody", PASSWORD).await;
        let seen = |outcome: &Outcome| matches!(outcome, Outcome::Throttled { .. });
        assert_eq!(seen(&other_name), number >= 10, "{number} {other_name:?}");
        assert_eq!(hashed, u64::from(number < 10));
        assert_eq!(seen(&stranger), seen(&other_name), "{number}");
        assert_eq!(seen(&nobody), seen(&other_name), "{number}");
    }
    let events = fixture.events("sign_in").await;
    let throttled = events.iter().filter(|event| event.outcome == "throttled");
    assert_eq!(throttled.count(), 10, "the audit trail has them");
}

/// THREATS EX-13, UI-19.
#[tokio::test]
async fn a_known_browser_has_ten_failures_of_its_own() {
    let fixture = Fixture::build().await;
    let alice = fixture.account("alice").await;
    fixture.account("bob").await;
    let device = fixture.device_of("alice").await;
    for _ in 0..20 {
        fixture.try_at("alice", ANOTHER).await;
        fixture.try_at("bob", ANOTHER).await;
    }

    let of_another = fixture.try_with(&device, "bob", PASSWORD).await;
    assert!(matches!(of_another, Outcome::Throttled { .. }), "it is bound to the account");
    let chosen = fixture.try_with(&DeviceSecret::generate(), "alice", PASSWORD).await;
    assert!(matches!(chosen, Outcome::Throttled { .. }), "and to the browser");
    for _ in 0..9 {
        assert!(matches!(fixture.try_with(&device, "alice", ANOTHER).await, Outcome::Wrong));
    }
    let Outcome::SignedIn { device: kept, session, .. } =
        fixture.try_with(&device, "alice", PASSWORD).await
    else {
        panic!("it gets in");
    };
    assert_eq!(kept.0.expose(), device.0.expose(), "several users can share a browser");
    for _ in 0..10 {
        assert!(matches!(fixture.try_with(&device, "alice", ANOTHER).await, Outcome::Wrong));
    }
    for _ in 0..20 {
        fixture.try_at("alice", ANOTHER).await;
    }
    let voided = fixture.try_with(&device, "alice", PASSWORD).await;
    assert!(matches!(voided, Outcome::Throttled { .. }), "after ten failures it is invalid");

    account::unlock(&fixture.people(), &alice.id).await.unwrap();
    let device = fixture.device_of("alice").await;
    let Ok(Changed::Done { device: new, .. }) = change(&fixture, &session, PASSWORD, ANOTHER).await
    else {
        panic!("not changed");
    };
    for _ in 0..20 {
        fixture.try_at("alice", PASSWORD).await;
    }
    let old = fixture.try_with(&device, "alice", ANOTHER).await;
    assert!(matches!(old, Outcome::Throttled { .. }), "it ends with the password");
    let outcome = fixture.try_with(&new, "alice", ANOTHER).await;
    assert!(matches!(outcome, Outcome::SignedIn { .. }), "except in the browser that changed it");
    account::set_password(&fixture.people(), &alice.id, &Secret::new(PASSWORD)).await.unwrap();
    assert!(matches!(fixture.try_with(&new, "alice", PASSWORD).await, Outcome::Throttled { .. }));
}

/// THREATS EX-13: of many concurrent guesses by a known browser, ten are compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_browser_cannot_race_its_own_limit() {
    let fixture = std::sync::Arc::new(Fixture::build().await);
    fixture.account("alice").await;
    let device = fixture.device_of("alice").await;
    for _ in 0..10 {
        fixture.try_at("alice", ANOTHER).await;
    }
    let before = fixture.hasher.computed();

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (fixture, device) = (std::sync::Arc::clone(&fixture), device.clone());
        racing.spawn(async move { fixture.try_with(&device, "alice", ANOTHER).await });
    }
    let outcomes = racing.join_all().await;

    let wrong = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Wrong)).count();
    assert_eq!((wrong, fixture.hasher.computed() - before), (10, 10));
}

/// THREATS EX-15, UI-15: compares the computed work; the time would depend on the load of the machine.
#[tokio::test]
async fn after_a_change_of_cost_every_name_costs_the_same() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    fixture.config.passwords.iterations = 5;
    fixture.hasher = Hasher::start(&fixture.config.passwords, &Supervisor::default()).unwrap();
    fixture.account("bob").await;
    let session = fixture.signed_in("bob").await.1;

    for name in ["alice", "bob", "nobody", "alice@example.org"] {
        let before = fixture.hasher.work();
        assert!(matches!(fixture.try_at(name, ANOTHER).await, Outcome::Wrong));
        assert_eq!(fixture.hasher.work() - before, 64 * (1 + 5), "{name}");
    }
    let before = fixture.hasher.work();
    assert!(matches!(
        change(&fixture, &session, ANOTHER, "a new password of bob").await,
        Ok(Changed::Wrong)
    ));
    assert_eq!(fixture.hasher.work() - before, 64 * (1 + 5));

    fixture.signed_in("alice").await;
    let before = fixture.hasher.work();
    fixture.try_at("nobody", ANOTHER).await;
    assert_eq!(fixture.hasher.work() - before, 64 * 5, "all hashes have the current cost");
}

/// THREATS PW-14.
#[tokio::test]
async fn a_weaker_hash_is_replaced_at_the_next_sign_in() {
    let mut fixture = Fixture::build().await;
    let user = fixture.account("alice").await;
    fixture.config.passwords.iterations = 2;
    fixture.hasher = Hasher::start(&fixture.config.passwords, &Supervisor::default()).unwrap();

    fixture.try_at("alice", ANOTHER).await;
    let before = users::with_password(fixture.store.db(), &user.id).await.unwrap().unwrap();
    fixture.signed_in("alice").await;
    let after = users::with_password(fixture.store.db(), &user.id).await.unwrap().unwrap();

    assert!(before.password.unwrap().contains("t=1"));
    assert!(after.password.unwrap().contains("t=2"));
    fixture.signed_in("alice").await;
}

/// THREATS UI-04.
#[tokio::test]
async fn signing_in_again_invalidates_the_old_cookie() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    fixture.account("bob").await;
    let (first, session) = fixture.signed_in("alice").await;
    fixture.wait(Seconds::minutes(5));

    let password = Secret::new(PASSWORD);
    let again = Attempt { replaces: Some(&session), ..attempt("alice", &password) };
    let (second, renewed) = into_session(sign_in(&fixture.people(), &again).await.unwrap());
    assert_eq!((&renewed.id, renewed.auth_time), (&session.id, fixture.now), "the sid stays");
    assert!(!fixture.is_live(&first).await && fixture.is_live(&second).await);

    let another = Attempt { replaces: Some(&renewed), ..attempt("bob", &password) };
    let (third, other) = into_session(sign_in(&fixture.people(), &another).await.unwrap());
    assert_ne!(other.id, session.id);
    assert!(!fixture.is_live(&second).await && fixture.is_live(&third).await);
    assert_eq!(fixture.events("session.ended").await.len(), 1);
}

/// THREATS UI-24, PW-08.
#[tokio::test]
async fn names_are_unique_and_passwords_are_checked() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;

    for (username, email) in [
        ("ALICE", None),
        ("ａｌｉｃｅ", None),
        ("bob", Some("ALICE@example.org")),
        ("alice@example.org", Some("alice@example.org")),
        ("carol@example.org", None),
        ("carol@example.org", Some("carol@example.com")),
        ("", None),
        ("bob", Some("not an address")),
    ] {
        let made = account::create(&fixture.people(), blank(username, email)).await;
        assert!(made.is_err(), "{username} {email:?}");
    }
    for password in ["short", "123456789012345678", "dave@example.org", "Dave-1234567890!"] {
        let password = Secret::new(password);
        let account =
            NewAccount { password: Some(&password), ..blank("dave", Some("dave@example.org")) };
        assert!(account::create(&fixture.people(), account).await.is_err());
    }
    let own = blank("carol@example.org", Some("Carol@example.org"));
    account::create(&fixture.people(), own).await.unwrap();
    assert_eq!(fixture.events("user.created").await.len(), 2);
}

#[tokio::test]
async fn enabling_an_account_restores_no_session_and_no_grant() {
    let fixture = Fixture::build().await;
    let user = fixture.account("alice").await;
    let (secret, _) = fixture.signed_in("alice").await;

    assert!(account::disable(&fixture.people(), &user.id).await.unwrap());
    assert!(!fixture.is_live(&secret).await);
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Wrong));

    assert!(account::enable(&fixture.people(), &user.id).await.unwrap());
    assert!(!fixture.is_live(&secret).await);
    fixture.signed_in("alice").await;
    assert!(!account::disable(&fixture.people(), &crate::types::UserId::new()).await.unwrap());
}

/// THREATS PW-05, PW-06.
#[tokio::test]
async fn a_new_password_ends_other_sessions_and_grants() {
    let fixture = Fixture::build().await;
    let user = fixture.account("alice").await;
    let (mine, session) = fixture.signed_in("alice").await;
    let (other, _) = fixture.signed_in("alice").await;

    assert!(matches!(change(&fixture, &session, ANOTHER, ANOTHER).await, Ok(Changed::Wrong)));
    for _ in 0..20 {
        let refused = change(&fixture, &session, PASSWORD, "short").await;
        assert!(matches!(refused, Ok(Changed::Unfit(..))), "and it counts no attempt");
    }
    assert!(fixture.is_live(&mine).await && fixture.is_live(&other).await, "nothing has changed");

    let Ok(Changed::Done { secret, session, .. }) =
        change(&fixture, &session, PASSWORD, ANOTHER).await
    else {
        panic!("not changed");
    };
    assert!(fixture.is_live(&secret).await);
    assert!(!fixture.is_live(&mine).await && !fixture.is_live(&other).await);
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Wrong));

    account::set_password(&fixture.people(), &user.id, &Secret::new(PASSWORD)).await.unwrap();
    assert!(!fixture.is_live(&secret).await);
    assert!(change(&fixture, &session, PASSWORD, ANOTHER).await.is_err(), "the session has ended");
    fixture.signed_in("alice").await;
}

#[tokio::test]
async fn guesses_of_the_current_password_are_throttled_as_at_sign_in() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;
    let (_, session) = fixture.signed_in("alice").await;
    for _ in 0..5 {
        assert!(matches!(fixture.try_at("alice", ANOTHER).await, Outcome::Wrong));
        assert!(matches!(change(&fixture, &session, ANOTHER, ANOTHER).await, Ok(Changed::Wrong)));
    }

    let throttled = change(&fixture, &session, PASSWORD, ANOTHER).await;
    assert!(matches!(throttled, Ok(Changed::Throttled { .. })));
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld));
}

/// THREATS PW-06: a proof expires with a change of the password, and five minutes after the password was typed,
/// however often it is used.
#[tokio::test]
async fn a_proof_of_the_password_is_valid_for_one_change_and_five_minutes() {
    const NEVER: &str = "a password that is never set";
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    let (_, session) = fixture.signed_in("alice").await;
    let unfit = async |fixture: &Fixture, current: Current<'_>, new: &str| match change_by(
        fixture, &session, current, new,
    )
    .await
    {
        Ok(Changed::Unfit(unfit, proof)) => (unfit, proof),
        other => panic!("{other:?}"),
    };
    let password = Secret::new(PASSWORD);
    let typed = Current::Typed(&password);

    let (_, first) = unfit(&fixture, typed, "short").await;
    let (is, _) = unfit(&fixture, Current::Proven(first), PASSWORD).await;
    assert!(matches!(is, Unfit::Same), "{is:?}");
    fixture.now = fixture.now + Seconds::minutes(4);
    let (_, shown) = unfit(&fixture, Current::Proven(first), "short").await;
    fixture.now = fixture.now + Seconds::minutes(1);
    let over = change_by(&fixture, &session, Current::Proven(shown), NEVER).await;
    assert!(matches!(over, Ok(Changed::Unproven)), "{over:?}");

    let (_, proof) = unfit(&fixture, typed, "short").await;
    let done = change_by(&fixture, &session, Current::Proven(proof), ANOTHER).await;
    assert!(matches!(done, Ok(Changed::Done { .. })), "{done:?}");
    let spent = change_by(&fixture, &session, Current::Proven(proof), NEVER).await;
    assert!(matches!(spent, Ok(Changed::Unproven)), "{spent:?}");
    into_session(fixture.try_at("alice", ANOTHER).await);
}

/// Whichever comes first, no session begun with the old password stays valid.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_survives_a_sign_in_that_races_a_change_of_the_password() {
    let fixture = Fixture::build().await;
    let user = fixture.account("alice").await;
    let (mut old, mut new) = (PASSWORD, ANOTHER);
    for _ in 0..8 {
        let (_, mine) = into_session(fixture.try_at("alice", old).await);

        let (changed, _) =
            tokio::join!(change(&fixture, &mine, old, new), fixture.try_at("alice", old));

        assert!(matches!(changed, Ok(Changed::Done { .. })));
        let live = session::of_user(&fixture.store, &user.id, fixture.now).await.unwrap();
        assert_eq!(live.len(), 1, "the one that changed it");
        (old, new) = (new, old);
    }
}

/// THREATS UI-21.
#[tokio::test]
async fn a_session_ends_when_idle_or_old_and_when_it_is_ended() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    let (secret, mut session) = fixture.signed_in("alice").await;
    for _ in 0..25 {
        fixture.wait(Seconds::minutes(28));
        assert!(fixture.is_live(&secret).await);
        session::touch(
            &fixture.store,
            &fixture.config.sessions,
            &session.id,
            session.seen_at,
            fixture.now,
        )
        .await
        .unwrap();
        session.seen_at = fixture.now;
    }
    fixture.wait(Seconds::minutes(20));
    assert!(!fixture.is_live(&secret).await, "twelve hours are over");

    let (secret, session) = fixture.signed_in("alice").await;
    fixture.wait(Seconds(59));
    session::touch(
        &fixture.store,
        &fixture.config.sessions,
        &session.id,
        session.seen_at,
        fixture.now,
    )
    .await
    .unwrap();
    fixture.wait(Seconds(30 * 60 - 59));
    assert!(!fixture.is_live(&secret).await, "a use within the minute is not written");
    session::touch(
        &fixture.store,
        &fixture.config.sessions,
        &session.id,
        session.seen_at,
        fixture.now,
    )
    .await
    .unwrap();
    assert!(!fixture.is_live(&secret).await, "and a late one does not revive it");

    let password = Secret::new(PASSWORD);
    let remembered = Attempt { remember: true, ..attempt("alice", &password) };
    let (secret, _) = into_session(sign_in(&fixture.people(), &remembered).await.unwrap());
    fixture.wait(Seconds::days(13));
    assert!(fixture.is_live(&secret).await);
    fixture.config.sessions.remember_idle = Seconds::days(2);
    assert!(!fixture.is_live(&secret).await, "new lifetimes apply to existing sessions");
}

/// THREATS UI-22.
#[tokio::test]
async fn users_see_and_end_their_own_sessions_only() {
    let fixture = Fixture::build().await;
    let alice = fixture.account("alice").await;
    let bob = fixture.account("bob").await;
    let (first, session) = fixture.signed_in("alice").await;
    let (second, _) = fixture.signed_in("alice").await;
    let (third, here) = fixture.signed_in("alice").await;
    let (of_bob, _) = fixture.signed_in("bob").await;

    assert!(!session::end(&fixture.people(), &bob.id, &session.id).await.unwrap());
    assert!(fixture.is_live(&first).await);
    assert!(session::end(&fixture.people(), &alice.id, &session.id).await.unwrap());
    assert!(!fixture.is_live(&first).await);

    let ended = session::end_others(&fixture.people(), &alice.id, Some(&here.id)).await.unwrap();
    assert_eq!(ended, 1);
    assert!(!fixture.is_live(&second).await && fixture.is_live(&third).await);
    session::sign_out(&fixture.store, fixture.people().trace, &here, None).await.unwrap();
    assert!(!fixture.is_live(&third).await && fixture.is_live(&of_bob).await);
    assert_eq!(session::of_user(&fixture.store, &alice.id, fixture.now).await.unwrap().len(), 0);
    assert_eq!(fixture.events("session.ended").await.len(), 2);
    assert_eq!(fixture.events("sign_out").await.len(), 1);
}
