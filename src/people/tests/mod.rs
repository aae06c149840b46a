//! Accounts and sign-in on a real database.

mod accounts;
mod administrators;
mod known_browsers;
mod passwords;
mod sessions;
mod sign_in;
mod throttling;

use serde_json::Map;

use super::account::{self, Changed, Current, NewAccount, NewPassword};
use super::password::Place;
use super::sign_in::{Attempt, Outcome, sign_in};
use super::{Hasher, People, session};
use crate::config::{Config, Issuer};
use crate::record::{Context, Supervisor, Trace};
use crate::store::Store;
use crate::store::audit_events::{self, AuditRow, Filter};
use crate::store::test_database::TestDatabase;
use crate::types::session::Session;
use crate::types::token::{DeviceSecret, SessionSecret};
use crate::types::{Result, Seconds, Secret, Subscriber, Timestamp, User};

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
            actor: None,
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
        let mut turns = Vec::new();
        for number in 1..=3 {
            turns
                .push(self.hasher.place(from(&format!("192.0.2.{}", 100 + number))).await.unwrap());
        }
        turns
    }

    async fn touch(&self, session: &Session) {
        let (id, seen_at) = (&session.id, session.seen_at);
        session::touch(&self.store, &self.config.sessions, id, seen_at, self.now).await.unwrap();
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
