//! Accounts and sign-ins on a real database.

use serde_json::Map;

use super::account::{self, Changed, Current, NewAccount, NewPassword, Unfit};
use super::password::Place;
use super::sign_in::{Attempt, Outcome, sign_in};
use super::{Hasher, People, session};
use crate::config::{Config, Issuer};
use crate::record::{Supervisor, Trace};
use crate::store::audit_events::{self, AuditRow, Filter};
use crate::store::test_database::TestDatabase;
use crate::store::{Store, users};
use crate::types::session::Session;
use crate::types::token::{DeviceSecret, SessionSecret};
use crate::types::{Failure, Result, Seconds, Secret, Subscriber, Timestamp, User};

const PASSWORD: &str = "correct horse battery staple";
const ANOTHER: &str = "purple monkey dishwasher";

/// How long a test waits for something that must come.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A house of its own for each test, at a cost of hashing that a debug build bears.
struct House {
    store: Store,
    hasher: Hasher,
    config: Config,
    trace: Trace,
    now: Timestamp,
    _database: TestDatabase,
}

impl House {
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
            store: &self.store,
            hasher: &self.hasher,
            config: &self.config,
            trace: &self.trace,
            now: self.now,
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

    /// By what the account knows a browser that has signed in to it.
    async fn device_of(&self, identifier: &str) -> DeviceSecret {
        match self.try_at(identifier, PASSWORD).await {
            Outcome::SignedIn { device, .. } => device,
            other @ (Outcome::Wrong | Outcome::Withheld | Outcome::Throttled { .. }) => {
                panic!("not signed in: {other:?}")
            }
        }
    }

    /// Tries a wrong password once from each of many networks.
    async fn fail_from_everywhere(&mut self, identifier: &str, networks: std::ops::Range<u8>) {
        let here = self.trace.address;
        for network in networks {
            self.come_from(&format!("203.0.113.{network}"));
            assert!(matches!(self.try_at(identifier, ANOTHER).await, Outcome::Wrong), "{network}");
        }
        self.trace.address = here;
    }

    /// Holds all the turns at hashing.
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
    Subscriber::of(address.parse().ok())
}

/// Whether it waits, for as long as a test waits for something that must not come.
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

async fn change(house: &House, session: &Session, current: &str, new: &str) -> Result<Changed> {
    let current = Secret::new(current);
    change_by(house, session, Current::Typed(&current), new).await
}

async fn change_by(
    house: &House,
    session: &Session,
    current: Current<'_>,
    new: &str,
) -> Result<Changed> {
    let new = NewPassword { typed: Secret::new(new), again: Secret::new(new) };
    account::change_password(&house.people(), session, None, current, &new).await
}

#[tokio::test]
async fn who_knows_the_password_is_signed_in_by_either_name() {
    let house = House::build().await;
    let user = house.account("alice").await;

    for name in ["alice", " ALICE ", "ａｌｉｃｅ", "Alice@Example.ORG"] {
        let (secret, session) = house.signed_in(name).await;

        assert_eq!(session.user_id, user.id);
        assert_eq!((session.acr.as_str(), session.amr.as_str()), ("pwd", "pwd"));
        assert_eq!((session.auth_time, session.address.as_str()), (house.now, "192.0.2.1"));
        assert!(house.is_live(&secret).await);
    }
    let events = house.events("sign_in").await;
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.outcome == "success" && event.session_id.is_some()));
}

/// THREATS UI-14, UI-15: the operator alone learns which it was, and each costs one hash.
#[tokio::test]
async fn every_wrong_sign_in_is_answered_alike() {
    let house = House::build().await;
    house.account("alice").await;
    let bob = house.account("bob").await;
    account::disable(&house.people(), &bob.id).await.unwrap();
    account::create(&house.people(), blank("carol", None)).await.unwrap();

    for (name, password) in [
        ("alice", ANOTHER),
        ("alice", ""),
        ("bob", PASSWORD),
        ("carol", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
        ("alice+tag@example.org", PASSWORD),
    ] {
        let before = house.hasher.computed();
        let outcome = house.try_at(name, password).await;
        assert!(matches!(outcome, Outcome::Wrong), "{name} {outcome:?}");
        assert_eq!(house.hasher.computed() - before, 1, "{name}");
    }

    let events = house.events("sign_in").await;
    let reasons: std::collections::BTreeSet<_> = events.iter().map(|event| &event.facts).collect();
    assert_eq!((events.len(), reasons.len()), (7, 4));
    assert!(!events.iter().any(|event| event.facts.contains("nobody@")));
}

/// THREATS PW-07.
#[tokio::test]
async fn a_password_that_is_too_long_costs_neither_a_hash_nor_a_try() {
    let house = House::build().await;
    house.account("alice").await;
    let long = Secret::new("x".repeat(1025));
    let before = house.hasher.computed();

    for _ in 0..20 {
        assert!(sign_in(&house.people(), &attempt("alice", &long)).await.is_err());
    }

    assert_eq!(house.hasher.computed(), before);
    house.signed_in("alice").await;
}

/// THREATS UI-17, X-09.
#[tokio::test(flavor = "multi_thread")]
async fn of_256_racing_guesses_ten_are_looked_at() {
    let house = std::sync::Arc::new(House::build().await);
    house.account("alice").await;
    let before = house.hasher.computed();

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..256 {
        let house = std::sync::Arc::clone(&house);
        racing.spawn(async move { house.try_at("alice", ANOTHER).await });
    }
    let outcomes = racing.join_all().await;

    let wrong = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Wrong)).count();
    let throttled = outcomes
        .iter()
        .filter(|outcome| {
            matches!(outcome, Outcome::Throttled { until, .. } if *until == house.now + Seconds::minutes(10))
        })
        .count();
    assert_eq!((wrong, throttled), (10, 246));
    assert_eq!(house.hasher.computed() - before, 10);
}

/// THREATS UI-18.
#[tokio::test]
async fn all_names_of_an_account_share_its_tries() {
    let mut house = House::build().await;
    house.account("alice").await;

    for name in ["alice", "ALICE", " alice", "ａｌｉｃｅ", "alice@example.org"] {
        for _ in 0..2 {
            assert!(matches!(house.try_at(name, ANOTHER).await, Outcome::Wrong));
        }
    }

    for name in ["alice", "alice@EXAMPLE.org"] {
        assert!(matches!(house.try_at(name, PASSWORD).await, Outcome::Withheld));
    }
    house.wait(Seconds::minutes(10));
    house.signed_in("alice").await;
}

/// THREATS UI-19.
#[tokio::test]
async fn a_stranger_locks_nobody_out_elsewhere() {
    let mut house = House::build().await;
    house.account("alice").await;
    for _ in 0..12 {
        house.try_at("alice", ANOTHER).await;
    }

    assert!(matches!(house.try_at("alice", PASSWORD).await, Outcome::Throttled { .. }));
    house.come_from("192.0.2.2");
    house.signed_in("alice").await;
}

#[tokio::test]
async fn a_network_tries_a_hundred_times_whatever_the_names() {
    let mut house = House::build().await;
    house.account("alice").await;
    house.come_from("2001:db8::1");
    for number in 0..100 {
        assert!(matches!(house.try_at(&format!("u{number}"), ANOTHER).await, Outcome::Wrong));
    }

    house.come_from("2001:db8::2");
    assert!(matches!(house.try_at("alice", PASSWORD).await, Outcome::Throttled { .. }));
    house.come_from("2001:db8:0:1::1");
    house.signed_in("alice").await;
}

/// An office behind one address signs in at nine; and an account of one's own buys no tries at others.
#[tokio::test]
async fn a_success_gives_back_its_own_try_and_no_more() {
    let mut house = House::build().await;
    house.config.throttle.network_attempts = 12;
    house.account("alice").await;
    house.account("mallory").await;
    for _ in 0..20 {
        house.signed_in("mallory").await;
    }

    for number in 0..12 {
        let outcome = house.try_at("alice", ANOTHER).await;
        assert_eq!(matches!(outcome, Outcome::Wrong), number < 10);
        if number < 10 {
            house.config.throttle.network_attempts = 100;
            house.signed_in("mallory").await;
            house.config.throttle.network_attempts = 12;
        }
    }
    for number in 0..4 {
        let outcome = house.try_at("nobody", ANOTHER).await;
        assert_eq!(matches!(outcome, Outcome::Wrong), number < 2, "ten were alice's");
    }
}

#[tokio::test]
async fn who_finds_the_queue_full_loses_no_try() {
    let house = House::with(|config| config.passwords.queue = 1).await;
    house.account("alice").await;
    let held = house.all_turns().await;
    let password = Secret::new(PASSWORD);
    let mut waiting = Box::pin(house.hasher.place(from("192.0.2.200")));
    assert!(is_waiting(&mut waiting).await);

    for _ in 0..20 {
        let turned_away = sign_in(&house.people(), &attempt("alice", &password)).await;
        assert!(matches!(turned_away, Err(crate::types::Error::Failed(Failure::Busy(_)))));
    }

    drop((held, waiting));
    house.signed_in("alice").await;
}

/// THREATS EX-12: it is told so at once, while everybody else waits.
#[tokio::test]
async fn who_is_throttled_takes_no_place_in_the_queue() {
    let house = House::build().await;
    for _ in 0..10 {
        assert!(matches!(house.try_at("nobody", ANOTHER).await, Outcome::Wrong));
    }
    let _held = house.all_turns().await;

    let throttled = tokio::time::timeout(PATIENCE, house.try_at("nobody", ANOTHER)).await;
    assert!(matches!(throttled, Ok(Outcome::Throttled { .. })));
    let mut other = Box::pin(house.try_at("somebody", ANOTHER));
    assert!(is_waiting(&mut other).await);
}

/// DESIGN §8: tries that are being compared are no failures.
#[tokio::test(flavor = "multi_thread")]
async fn an_office_that_signs_in_at_nine_gets_in() {
    const PEOPLE: usize = 150;
    let house = std::sync::Arc::new(House::build().await);
    for number in 0..PEOPLE {
        house.account(&format!("u{number}")).await;
    }

    let mut coming = tokio::task::JoinSet::new();
    for number in 0..PEOPLE {
        let house = std::sync::Arc::clone(&house);
        coming.spawn(async move { house.try_at(&format!("u{number}"), PASSWORD).await });
    }

    let came = coming.join_all().await;
    let welcome = came.iter().filter(|outcome| matches!(outcome, Outcome::SignedIn { .. }));
    assert_eq!(welcome.count(), PEOPLE);
}

/// THREATS EX-13: 40 guesses at one account, and 400 in all, from a site that has a /48.
#[tokio::test]
async fn a_site_of_ipv6_is_not_a_stranger_in_each_of_its_subnets() {
    let mut house = House::build().await;
    let alice = house.account("alice").await;
    let (mut compared, mut told) = (0, 0);
    for subnet in 0..16 {
        house.come_from(&format!("2001:db8:0:{subnet:x}00::1"));
        for _ in 0..8 {
            match house.try_at("alice", ANOTHER).await {
                Outcome::Wrong => compared += 1,
                Outcome::Throttled { user, .. } => {
                    assert_eq!(user.as_ref(), Some(&alice.id));
                    told += 1;
                }
                other @ (Outcome::SignedIn { .. } | Outcome::Withheld) => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((compared, told), (40, 88));

    for number in 0..400 {
        house.come_from(&format!("2001:db8:0:{:x}00::1", number % 8));
        house.try_at(&format!("u{number}"), ANOTHER).await;
    }
    house.come_from("2001:db8:0:ff00::1");
    assert!(matches!(house.try_at("bob", ANOTHER).await, Outcome::Throttled { .. }));
    house.come_from("2001:db8:1::1");
    house.signed_in("alice").await;
}

/// THREATS EX-13: NIST SP 800-63B-4 §3.2.2.
#[tokio::test]
async fn an_account_is_guessed_at_a_hundred_times_in_a_row_then_slowly() {
    let mut house = House::build().await;
    let alice = house.account("alice").await;
    let known = house.device_of("alice").await;
    house.fail_from_everywhere("alice", 0..100).await;

    house.come_from("198.51.100.1");
    assert!(matches!(house.try_at("alice", ANOTHER).await, Outcome::Wrong), "one is compared");
    assert!(matches!(house.try_at("alice", PASSWORD).await, Outcome::Withheld), "and no more");
    assert!(matches!(house.try_at("alice@example.org", PASSWORD).await, Outcome::Withheld));
    house.wait(Seconds::minutes(1));
    house.fail_from_everywhere("alice", 101..160).await;
    house.come_from("198.51.100.2");
    assert!(matches!(house.try_at("alice", PASSWORD).await, Outcome::Withheld), "sixty an hour");

    let outcome = house.try_with(&known, "alice", PASSWORD).await;
    assert!(matches!(outcome, Outcome::SignedIn { .. }), "a browser that was here gets in");
    house.come_from("198.51.100.3");
    assert!(matches!(house.try_at("alice", PASSWORD).await, Outcome::Withheld));
    house.wait(Seconds::hours(1));
    house.signed_in("alice").await;

    // A success ends the row: what follows is a new one.
    house.fail_from_everywhere("alice", 0..160).await;
    house.come_from("198.51.100.4");
    assert!(matches!(house.try_at("alice", PASSWORD).await, Outcome::Withheld));
    account::unlock(&house.people(), &alice.id).await.unwrap();
    house.signed_in("alice").await;
    assert_eq!(house.events("user.unlocked").await.len(), 1);
}

/// THREATS EX-14: what a name tells of itself it tells whether or not it is an account's.
#[tokio::test]
async fn names_of_one_account_answer_as_names_of_two_do() {
    let house = House::build().await;
    house.account("alice").await;
    house.account("bob").await;
    for _ in 0..10 {
        house.try_at("alice", ANOTHER).await;
    }

    for number in 0..12 {
        let before = house.hasher.computed();
        let other_name = house.try_at("alice@example.org", PASSWORD).await;
        let hashed = house.hasher.computed() - before;
        let stranger = house.try_at("bob", ANOTHER).await;
        let nobody = house.try_at("nobody", PASSWORD).await;
        let seen = |outcome: &Outcome| matches!(outcome, Outcome::Throttled { .. });
        assert_eq!(seen(&other_name), number >= 10, "{number} {other_name:?}");
        assert_eq!(hashed, u64::from(number < 10));
        assert_eq!(seen(&stranger), seen(&other_name), "{number}");
        assert_eq!(seen(&nobody), seen(&other_name), "{number}");
    }
    let events = house.events("sign_in").await;
    let told = events.iter().filter(|event| event.outcome == "throttled");
    assert_eq!(told.count(), 10, "the operator learns it");
}

/// THREATS EX-13, UI-19.
#[tokio::test]
async fn a_browser_that_was_here_has_ten_failures_of_its_own() {
    let house = House::build().await;
    let alice = house.account("alice").await;
    house.account("bob").await;
    let device = house.device_of("alice").await;
    for _ in 0..20 {
        house.try_at("alice", ANOTHER).await;
        house.try_at("bob", ANOTHER).await;
    }

    let of_another = house.try_with(&device, "bob", PASSWORD).await;
    assert!(matches!(of_another, Outcome::Throttled { .. }), "it is bound to the account");
    let chosen = house.try_with(&DeviceSecret::generate(), "alice", PASSWORD).await;
    assert!(matches!(chosen, Outcome::Throttled { .. }), "and to the browser");
    for _ in 0..9 {
        assert!(matches!(house.try_with(&device, "alice", ANOTHER).await, Outcome::Wrong));
    }
    let Outcome::SignedIn { device: kept, session, .. } =
        house.try_with(&device, "alice", PASSWORD).await
    else {
        panic!("it gets in");
    };
    assert_eq!(kept.0.expose(), device.0.expose(), "several people share a browser");
    for _ in 0..10 {
        assert!(matches!(house.try_with(&device, "alice", ANOTHER).await, Outcome::Wrong));
    }
    for _ in 0..20 {
        house.try_at("alice", ANOTHER).await;
    }
    let voided = house.try_with(&device, "alice", PASSWORD).await;
    assert!(matches!(voided, Outcome::Throttled { .. }), "after ten failures it is void");

    account::unlock(&house.people(), &alice.id).await.unwrap();
    let device = house.device_of("alice").await;
    let Ok(Changed::Done { device: new, .. }) = change(&house, &session, PASSWORD, ANOTHER).await
    else {
        panic!("not changed");
    };
    for _ in 0..20 {
        house.try_at("alice", PASSWORD).await;
    }
    let old = house.try_with(&device, "alice", ANOTHER).await;
    assert!(matches!(old, Outcome::Throttled { .. }), "it ends with the password");
    let outcome = house.try_with(&new, "alice", ANOTHER).await;
    assert!(matches!(outcome, Outcome::SignedIn { .. }), "except where that was changed");
    account::set_password(&house.people(), &alice.id, &Secret::new(PASSWORD)).await.unwrap();
    assert!(matches!(house.try_with(&new, "alice", PASSWORD).await, Outcome::Throttled { .. }));
}

/// THREATS EX-13: of many guesses at once by a browser that was here, ten are compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_does_not_race_its_own_limit() {
    let house = std::sync::Arc::new(House::build().await);
    house.account("alice").await;
    let device = house.device_of("alice").await;
    for _ in 0..10 {
        house.try_at("alice", ANOTHER).await;
    }
    let before = house.hasher.computed();

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (house, device) = (std::sync::Arc::clone(&house), device.clone());
        racing.spawn(async move { house.try_with(&device, "alice", ANOTHER).await });
    }
    let outcomes = racing.join_all().await;

    let wrong = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Wrong)).count();
    assert_eq!((wrong, house.hasher.computed() - before), (10, 10));
}

/// THREATS EX-15, UI-15: by what is computed, and not by the time, which a loaded machine blurs.
#[tokio::test]
async fn after_a_change_of_cost_every_name_costs_the_same() {
    let mut house = House::build().await;
    house.account("alice").await;
    house.config.passwords.iterations = 5;
    house.hasher = Hasher::start(&house.config.passwords, &Supervisor::default()).unwrap();
    house.account("bob").await;
    let session = house.signed_in("bob").await.1;

    for name in ["alice", "bob", "nobody", "alice@example.org"] {
        let before = house.hasher.work();
        assert!(matches!(house.try_at(name, ANOTHER).await, Outcome::Wrong));
        assert_eq!(house.hasher.work() - before, 64 * (1 + 5), "{name}");
    }
    let before = house.hasher.work();
    assert!(matches!(
        change(&house, &session, ANOTHER, "a new password of bob").await,
        Ok(Changed::Wrong)
    ));
    assert_eq!(house.hasher.work() - before, 64 * (1 + 5));

    house.signed_in("alice").await;
    let before = house.hasher.work();
    house.try_at("nobody", ANOTHER).await;
    assert_eq!(house.hasher.work() - before, 64 * 5, "no hash is old any more");
}

/// THREATS PW-14.
#[tokio::test]
async fn a_weaker_hash_is_made_anew_at_the_next_sign_in() {
    let mut house = House::build().await;
    let user = house.account("alice").await;
    house.config.passwords.iterations = 2;
    house.hasher = Hasher::start(&house.config.passwords, &Supervisor::default()).unwrap();

    house.try_at("alice", ANOTHER).await;
    let before = users::with_password(house.store.db(), &user.id).await.unwrap().unwrap();
    house.signed_in("alice").await;
    let after = users::with_password(house.store.db(), &user.id).await.unwrap().unwrap();

    assert!(before.password.unwrap().contains("t=1"));
    assert!(after.password.unwrap().contains("t=2"));
    house.signed_in("alice").await;
}

/// THREATS UI-04.
#[tokio::test]
async fn a_new_proof_in_the_same_browser_leaves_the_old_cookie_dead() {
    let mut house = House::build().await;
    house.account("alice").await;
    house.account("bob").await;
    let (first, session) = house.signed_in("alice").await;
    house.wait(Seconds::minutes(5));

    let password = Secret::new(PASSWORD);
    let again = Attempt { replaces: Some(&session), ..attempt("alice", &password) };
    let (second, renewed) = into_session(sign_in(&house.people(), &again).await.unwrap());
    assert_eq!((&renewed.id, renewed.auth_time), (&session.id, house.now), "the sid stays");
    assert!(!house.is_live(&first).await && house.is_live(&second).await);

    let another = Attempt { replaces: Some(&renewed), ..attempt("bob", &password) };
    let (third, other) = into_session(sign_in(&house.people(), &another).await.unwrap());
    assert_ne!(other.id, session.id);
    assert!(!house.is_live(&second).await && house.is_live(&third).await);
    assert_eq!(house.events("session.ended").await.len(), 1);
}

/// THREATS UI-24, PW-08.
#[tokio::test]
async fn names_are_taken_once_and_passwords_are_judged() {
    let house = House::build().await;
    house.account("alice").await;

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
        let made = account::create(&house.people(), blank(username, email)).await;
        assert!(made.is_err(), "{username} {email:?}");
    }
    for password in ["short", "123456789012345678", "dave@example.org", "Dave-1234567890!"] {
        let password = Secret::new(password);
        let account =
            NewAccount { password: Some(&password), ..blank("dave", Some("dave@example.org")) };
        assert!(account::create(&house.people(), account).await.is_err());
    }
    let own = blank("carol@example.org", Some("Carol@example.org"));
    account::create(&house.people(), own).await.unwrap();
    assert_eq!(house.events("user.created").await.len(), 2);
}

#[tokio::test]
async fn an_account_that_is_opened_again_gives_nothing_back() {
    let house = House::build().await;
    let user = house.account("alice").await;
    let (secret, _) = house.signed_in("alice").await;

    assert!(account::disable(&house.people(), &user.id).await.unwrap());
    assert!(!house.is_live(&secret).await);
    assert!(matches!(house.try_at("alice", PASSWORD).await, Outcome::Wrong));

    assert!(account::enable(&house.people(), &user.id).await.unwrap());
    assert!(!house.is_live(&secret).await);
    house.signed_in("alice").await;
    assert!(!account::disable(&house.people(), &crate::types::UserId::new()).await.unwrap());
}

/// THREATS PW-05, PW-06.
#[tokio::test]
async fn a_new_password_ends_what_the_old_one_began() {
    let house = House::build().await;
    let user = house.account("alice").await;
    let (mine, session) = house.signed_in("alice").await;
    let (other, _) = house.signed_in("alice").await;

    assert!(matches!(change(&house, &session, ANOTHER, ANOTHER).await, Ok(Changed::Wrong)));
    for _ in 0..20 {
        let refused = change(&house, &session, PASSWORD, "short").await;
        assert!(matches!(refused, Ok(Changed::Unfit(..))), "and it costs no try");
    }
    assert!(house.is_live(&mine).await && house.is_live(&other).await, "nothing has changed");

    let Ok(Changed::Done { secret, session, .. }) =
        change(&house, &session, PASSWORD, ANOTHER).await
    else {
        panic!("not changed");
    };
    assert!(house.is_live(&secret).await);
    assert!(!house.is_live(&mine).await && !house.is_live(&other).await);
    assert!(matches!(house.try_at("alice", PASSWORD).await, Outcome::Wrong));

    account::set_password(&house.people(), &user.id, &Secret::new(PASSWORD)).await.unwrap();
    assert!(!house.is_live(&secret).await);
    assert!(change(&house, &session, PASSWORD, ANOTHER).await.is_err(), "the session has ended");
    house.signed_in("alice").await;
}

/// Who has stolen a session guesses no faster than who has not.
#[tokio::test]
async fn the_current_password_is_guessed_at_no_faster_than_at_the_door() {
    let house = House::build().await;
    house.account("alice").await;
    let (_, session) = house.signed_in("alice").await;
    for _ in 0..5 {
        assert!(matches!(house.try_at("alice", ANOTHER).await, Outcome::Wrong));
        assert!(matches!(change(&house, &session, ANOTHER, ANOTHER).await, Ok(Changed::Wrong)));
    }

    let throttled = change(&house, &session, PASSWORD, ANOTHER).await;
    assert!(matches!(throttled, Ok(Changed::Throttled { .. })));
    assert!(matches!(house.try_at("alice", PASSWORD).await, Outcome::Withheld));
}

/// THREATS PW-06: what stands for the current password is void once that is another one, and after five minutes,
/// however often it was shown.
#[tokio::test]
async fn a_proof_of_the_password_is_good_for_one_change_and_five_minutes() {
    const NEVER: &str = "a password that is never set";
    let mut house = House::build().await;
    house.account("alice").await;
    let (_, session) = house.signed_in("alice").await;
    let unfit = async |house: &House, current: Current<'_>, new: &str| match change_by(
        house, &session, current, new,
    )
    .await
    {
        Ok(Changed::Unfit(unfit, proof)) => (unfit, proof),
        other => panic!("{other:?}"),
    };
    let password = Secret::new(PASSWORD);
    let typed = Current::Typed(&password);

    let (_, first) = unfit(&house, typed, "short").await;
    let (is, _) = unfit(&house, Current::Proven(first), PASSWORD).await;
    assert!(matches!(is, Unfit::Same), "{is:?}");
    house.now = house.now + Seconds::minutes(4);
    let (_, shown) = unfit(&house, Current::Proven(first), "short").await;
    house.now = house.now + Seconds::minutes(1);
    let over = change_by(&house, &session, Current::Proven(shown), NEVER).await;
    assert!(matches!(over, Ok(Changed::Unproven)), "{over:?}");

    let (_, proof) = unfit(&house, typed, "short").await;
    let done = change_by(&house, &session, Current::Proven(proof), ANOTHER).await;
    assert!(matches!(done, Ok(Changed::Done { .. })), "{done:?}");
    let spent = change_by(&house, &session, Current::Proven(proof), NEVER).await;
    assert!(matches!(spent, Ok(Changed::Unproven)), "{spent:?}");
    into_session(house.try_at("alice", ANOTHER).await);
}

/// Whoever wins: no session lives that was begun with a password of before.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_races_a_change_of_the_password_leaves_nothing_behind() {
    let house = House::build().await;
    let user = house.account("alice").await;
    let (mut old, mut new) = (PASSWORD, ANOTHER);
    for _ in 0..8 {
        let (_, mine) = into_session(house.try_at("alice", old).await);

        let (changed, _) =
            tokio::join!(change(&house, &mine, old, new), house.try_at("alice", old));

        assert!(matches!(changed, Ok(Changed::Done { .. })));
        let live = session::of_user(&house.store, &user.id, house.now).await.unwrap();
        assert_eq!(live.len(), 1, "the one that changed it");
        (old, new) = (new, old);
    }
}

/// THREATS UI-21.
#[tokio::test]
async fn a_session_ends_by_disuse_by_age_and_by_decision() {
    let mut house = House::build().await;
    house.account("alice").await;
    let (secret, mut session) = house.signed_in("alice").await;
    for _ in 0..25 {
        house.wait(Seconds::minutes(28));
        assert!(house.is_live(&secret).await);
        session::touch(
            &house.store,
            &house.config.sessions,
            &session.id,
            session.seen_at,
            house.now,
        )
        .await
        .unwrap();
        session.seen_at = house.now;
    }
    house.wait(Seconds::minutes(20));
    assert!(!house.is_live(&secret).await, "twelve hours are over");

    let (secret, session) = house.signed_in("alice").await;
    house.wait(Seconds(59));
    session::touch(&house.store, &house.config.sessions, &session.id, session.seen_at, house.now)
        .await
        .unwrap();
    house.wait(Seconds(30 * 60 - 59));
    assert!(!house.is_live(&secret).await, "a use within the minute is not written down");
    session::touch(&house.store, &house.config.sessions, &session.id, session.seen_at, house.now)
        .await
        .unwrap();
    assert!(!house.is_live(&secret).await, "and a late one brings nothing back");

    let password = Secret::new(PASSWORD);
    let remembered = Attempt { remember: true, ..attempt("alice", &password) };
    let (secret, _) = into_session(sign_in(&house.people(), &remembered).await.unwrap());
    house.wait(Seconds::days(13));
    assert!(house.is_live(&secret).await);
    house.config.sessions.remember_idle = Seconds::days(2);
    assert!(!house.is_live(&secret).await, "what is decided now holds for it too");
}

/// THREATS UI-22.
#[tokio::test]
async fn people_see_and_end_their_own_sessions() {
    let house = House::build().await;
    let alice = house.account("alice").await;
    let bob = house.account("bob").await;
    let (first, session) = house.signed_in("alice").await;
    let (second, _) = house.signed_in("alice").await;
    let (third, here) = house.signed_in("alice").await;
    let (of_bob, _) = house.signed_in("bob").await;

    assert!(!session::end(&house.people(), &bob.id, &session.id).await.unwrap());
    assert!(house.is_live(&first).await);
    assert!(session::end(&house.people(), &alice.id, &session.id).await.unwrap());
    assert!(!house.is_live(&first).await);

    let ended = session::end_others(&house.people(), &alice.id, Some(&here.id)).await.unwrap();
    assert_eq!(ended, 1);
    assert!(!house.is_live(&second).await && house.is_live(&third).await);
    session::sign_out(&house.store, house.people().trace, &here, None).await.unwrap();
    assert!(!house.is_live(&third).await && house.is_live(&of_bob).await);
    assert_eq!(session::of_user(&house.store, &alice.id, house.now).await.unwrap().len(), 0);
    assert_eq!(house.events("session.ended").await.len(), 2);
    assert_eq!(house.events("sign_out").await.len(), 1);
}
