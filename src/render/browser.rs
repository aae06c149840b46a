//! The browser before sign-in: short-lived state that tower-sessions carries (decision 3).
//!
//! Its record holds one secret, which binds requests that wait and form tokens to the browser. Nothing
//! is written before a page needs it, and nothing of it says who is signed in.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result as StoreResult};
use tower_sessions::{Expiry, Session, SessionStore};

use super::Head;
use super::cookies::Cookie;
use crate::app::Clock;
use crate::jose::base64url;
use crate::jose::mac::Mac;
use crate::store::{Store, browsers};
use crate::types::secret::same;
use crate::types::{Digest, Error, Failure, Result, Seconds, Secret, Timestamp};

/// How long a browser is known that does not come again.
const KEPT: Seconds = Seconds::hours(1);

/// How old a record is when a visit makes it live longer.
const RENEWED: Seconds = Seconds::minutes(20);

/// The members of a record.
const SECRET: &str = "secret";
const SINCE: &str = "since";

/// The browser of one request, as far as it is known.
#[derive(Debug)]
pub(super) struct Browsers(Session);

/// A browser that is known.
#[derive(Debug)]
pub struct Browser(Secret);

impl Browsers {
    /// That of a request.
    pub(super) fn of(head: &Head) -> Self {
        let app = head.app();
        let cookie = head.site.cookies.read(&head.headers, Cookie::Browser);
        let id = cookie.and_then(|text| text.parse::<Id>().ok());
        let records = Records { store: app.store.clone(), clock: app.clock.clone() };
        let expiry = Expiry::OnInactivity(Duration::seconds(KEPT.0));
        Self(Session::new(id, Arc::new(records), Some(expiry)))
    }

    pub(super) async fn known(&self) -> Result<Option<Browser>> {
        let secret = self.0.get::<String>(SECRET).await.map_err(failed)?;
        Ok(secret.map(|secret| Browser(Secret::new(secret))))
    }

    pub(super) async fn known_or_new(&self, now: Timestamp) -> Result<Browser> {
        let since = self.0.get::<Timestamp>(SINCE).await.map_err(failed)?;
        if since.is_none_or(|since| now - since >= RENEWED) {
            self.0.insert(SINCE, now).await.map_err(failed)?;
        }
        if let Some(known) = self.known().await? {
            return Ok(known);
        }
        let secret = Secret::generate();
        self.0.insert(SECRET, secret.expose()).await.map_err(failed)?;
        Ok(Browser(secret))
    }

    /// Writes down what has changed; the identifier for the cookie, if something has.
    pub(super) async fn save(&self) -> Result<Option<Secret>> {
        if !self.0.is_modified() || self.0.is_empty().await {
            return Ok(None);
        }
        self.0.save().await.map_err(failed)?;
        Ok(self.0.id().map(|id| Secret::new(id.to_string())))
    }
}

impl Browser {
    /// What the store keeps of it, beside a request that waits.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// The token of a form.
    pub fn token(&self, purpose: &str) -> String {
        let mac = Mac::new(&self.0.digest().0, "form");
        base64url::encode(mac.sign(purpose.as_bytes()))
    }

    /// Whether this is the token of that form.
    pub fn is_token(&self, sent: &str, purpose: &str) -> bool {
        same(self.token(purpose).as_bytes(), sent.as_bytes())
    }
}

/// The store of tower-sessions on our own table. Of an identifier only the digest is kept; a record is
/// inserted once and then changed only while it lives.
#[derive(Clone)]
struct Records {
    store: Store,
    clock: Clock,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}

fn digest(id: &Id) -> Digest {
    Digest::of(&id.0.to_be_bytes())
}

fn broken(error: &dyn std::error::Error) -> StoreError {
    StoreError::Backend(error.to_string())
}

fn written(record: &Record) -> StoreResult<String> {
    serde_json::to_string(&record.data).map_err(|error| StoreError::Encode(error.to_string()))
}

#[async_trait]
impl SessionStore for Records {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        let data = written(record)?;
        let expires_at = self.clock.now() + KEPT;
        let digest = digest(&record.id);
        let inserted = browsers::insert(self.store.db(), &digest, &data, expires_at).await;
        if inserted.map_err(|error| broken(&error))? {
            return Ok(());
        }
        // 128 random bits do not come twice.
        Err(StoreError::Backend("the identifier of a browser is taken".to_owned()))
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        let data = written(record)?;
        let (now, digest) = (self.clock.now(), digest(&record.id));
        let updated = browsers::update(self.store.db(), &digest, &data, now + KEPT, now).await;
        updated.map(drop).map_err(|error| broken(&error))
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let found = browsers::find(self.store.db(), &digest(id), self.clock.now()).await;
        let Some(row) = found.map_err(|error| broken(&error))? else {
            return Ok(None);
        };
        let data = serde_json::from_str(&row.data);
        let expiry_date = OffsetDateTime::from_unix_timestamp(row.expires_at.0);
        Ok(Some(Record {
            id: *id,
            data: data.map_err(|error| StoreError::Decode(error.to_string()))?,
            expiry_date: expiry_date.map_err(|error| StoreError::Decode(error.to_string()))?,
        }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        browsers::delete(self.store.db(), &digest(id)).await.map_err(|error| broken(&error))
    }
}

fn failed(error: tower_sessions::session::Error) -> Error {
    match error {
        tower_sessions::session::Error::Store(error) => {
            Failure::Store(sqlx::Error::Protocol(error.to_string())).into()
        }
        tower_sessions::session::Error::SerdeJson(error) => Failure::internal(error).into(),
    }
}
