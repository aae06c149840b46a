//! The state of a browser before sign-in, carried by tower-sessions (decisions 3 and 35).
//!
//! The record has one secret, which binds waiting requests and form tokens to the browser. It is sealed into the
//! cookie: anonymous visitors cannot fill a table, and the record does not authenticate a user.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result as StoreResult};
use tower_sessions::{Expiry, Session, SessionStore};

use super::Head;
use super::cookies::Cookie;
use crate::app::App;
use crate::jose::base64url;
use crate::jose::mac::Mac;
use crate::jose::seal::{Kind, Owner};
use crate::types::secret::same;
use crate::types::{Digest, Error, Failure, Result, Seconds, Secret, Timestamp};

/// The idle lifetime of the record: how long a page may be left open.
const LIFETIME: Seconds = Seconds::days(1);

/// The age after which a visit prolongs the record.
const RENEW_AFTER: Seconds = Seconds::hours(1);

/// The members of a record.
const SECRET: &str = "secret";
const SINCE: &str = "since";
const PROCESSED: &str = "done";

/// The time in which a repeated form is recognized.
const REPEAT_WITHIN: Seconds = Seconds::minutes(1);

/// The browser state of one request.
#[derive(Debug)]
pub(super) struct BrowserState {
    session: Session,
    records: Arc<Records>,
}

/// A known browser.
#[derive(Debug)]
pub struct Browser(Secret);

impl BrowserState {
    /// The state in the cookie of a request.
    pub(super) fn of(head: &Head) -> Self {
        let app = head.app();
        let cookie = head.site.cookies.read(&head.headers, Cookie::Browser);
        let (id, sealed) = cookie.and_then(|text| text.split_once('.')).unzip();
        let id = id.and_then(|id| id.parse::<Id>().ok());
        let sealed = sealed.and_then(base64url::decode);
        let records = Arc::new(Records { app: app.clone(), sealed: Mutex::new(sealed) });
        let expiry = Expiry::OnInactivity(Duration::seconds(LIFETIME.0));
        Self { session: Session::new(id, records.clone(), Some(expiry)), records }
    }

    pub(super) async fn known(&self) -> Result<Option<Browser>> {
        let secret = self.session.get::<String>(SECRET).await.map_err(failed)?;
        Ok(secret.map(|secret| Browser(Secret::new(secret))))
    }

    pub(super) async fn known_or_new(&self, now: Timestamp) -> Result<Browser> {
        let since = self.session.get::<Timestamp>(SINCE).await.map_err(failed)?;
        if since.is_none_or(|since| now - since >= RENEW_AFTER) {
            self.session.insert(SINCE, now).await.map_err(failed)?;
        }
        if let Some(known) = self.known().await? {
            return Ok(known);
        }
        let secret = Secret::generate();
        self.session.insert(SECRET, secret.expose()).await.map_err(failed)?;
        Ok(Browser(secret))
    }

    /// Stores the identifier of a form that was just processed.
    pub(super) async fn set_processed(&self, form: &str, now: Timestamp) -> Result<()> {
        self.session.insert(PROCESSED, (form, now)).await.map_err(failed)
    }

    /// Whether this form was processed less than a minute ago.
    pub(super) async fn is_processed(&self, form: &str, now: Timestamp) -> Result<bool> {
        let done = self.session.get::<(String, Timestamp)>(PROCESSED).await.map_err(failed)?;
        Ok(done.is_some_and(|(done, at)| {
            same(done.as_bytes(), form.as_bytes()) && now - at <= REPEAT_WITHIN
        }))
    }

    /// The value of the cookie, if the state has changed.
    pub(super) async fn save(&self) -> Result<Option<Secret>> {
        if !self.session.is_modified() || self.session.is_empty().await {
            return Ok(None);
        }
        self.session.save().await.map_err(failed)?;
        let (id, sealed) = (self.session.id(), self.records.sealed());
        Ok(id
            .zip(sealed)
            .map(|(id, sealed)| Secret::new(format!("{id}.{}", base64url::encode(sealed)))))
    }
}

impl Browser {
    /// The digest that waiting requests are bound to.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// The CSRF token of a form.
    pub fn token(&self, purpose: &str) -> String {
        let mac = Mac::new(&self.0.digest().0, "form");
        base64url::encode(mac.sign(purpose.as_bytes()))
    }

    /// Whether `sent` is the CSRF token of that form.
    pub fn is_token(&self, sent: &str, purpose: &str) -> bool {
        same(self.token(purpose).as_bytes(), sent.as_bytes())
    }
}

/// The session store of tower-sessions: the cookie of the request.
struct Records {
    app: App,
    sealed: Mutex<Option<Vec<u8>>>,
}

/// The sealed content of a record, bound to its identifier.
#[derive(Serialize, Deserialize)]
struct Sealed {
    data: std::collections::HashMap<String, serde_json::Value>,
    expires_at: Timestamp,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}

impl Records {
    fn sealed(&self) -> Option<Vec<u8>> {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_sealed(&self, sealed: Option<Vec<u8>>) {
        *self.sealed.lock().unwrap_or_else(PoisonError::into_inner) = sealed;
    }
}

#[async_trait]
impl SessionStore for Records {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        let content =
            Sealed { data: record.data.clone(), expires_at: self.app.clock.now() + LIFETIME };
        let clear = serde_json::to_vec(&content);
        let clear = clear.map_err(|error| StoreError::Encode(error.to_string()))?;
        let id = record.id.to_string();
        let pages = &self.app.keyring.keys().pages;
        self.set_sealed(Some(pages.seal(Owner(Kind::Browser, &id), &clear)));
        Ok(())
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let Some(sealed) = self.sealed() else {
            return Ok(None);
        };
        let (text, app) = (id.to_string(), &self.app);
        let opened = app.keyring.open_page(&app.store, Owner(Kind::Browser, &text), &sealed).await;
        let Some(clear) = opened.map_err(|error| StoreError::Backend(error.to_string()))? else {
            return Ok(None);
        };
        let content: Sealed = serde_json::from_slice(&clear)
            .map_err(|error| StoreError::Decode(error.to_string()))?;
        if content.expires_at <= app.clock.now() {
            return Ok(None);
        }
        let expiry_date = OffsetDateTime::from_unix_timestamp(content.expires_at.0)
            .map_err(|error| StoreError::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data: content.data, expiry_date }))
    }

    async fn delete(&self, _: &Id) -> StoreResult<()> {
        self.set_sealed(None);
        Ok(())
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
