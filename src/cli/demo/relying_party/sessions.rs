//! The sessions of browsers at the application, identified by a cookie.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::http::header::{COOKIE, InvalidHeaderValue};
use axum::http::{HeaderMap, HeaderValue};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::error::Error;
use super::provider::{SignIn, Tokens};
use crate::types::Secret;

/// Browsers send cookies to all ports of a host, so the application and the server receive the cookies of both: their
/// names must differ.
const COOKIE_NAME: &str = "gw_demo_client";

/// The most sessions.
const MOST_SESSIONS: usize = 1000;

/// The most pending sign-ins of one browser, one per tab.
const MOST_PENDING: usize = 8;

/// The session of one browser. Its requests run one after another, so that a double click does not use a refresh token
/// twice.
#[derive(Debug, Default)]
pub(super) struct Session {
    pending: VecDeque<SignIn>,
    /// The signed-in user.
    pub(super) signed_in: Option<SignedIn>,
    /// The `state` of a pending logout.
    pub(super) logout_state: Option<String>,
    /// The notice on the next page.
    pub(super) notice: Option<Notice>,
}

/// A signed-in user.
#[derive(Debug)]
pub(super) struct SignedIn {
    /// The tokens of the user.
    pub(super) tokens: Tokens,
    /// How often the tokens were refreshed.
    pub(super) refreshed: u32,
    /// Whether the application has revoked them.
    pub(super) revoked: bool,
    /// The claims of the last request to userinfo.
    pub(super) userinfo: Option<Map<String, Value>>,
}

/// The result of the last action.
#[derive(Debug)]
pub(super) enum Notice {
    /// It succeeded.
    Done(&'static str),
    /// It failed.
    Failed(Error),
}

impl Session {
    /// Adds a pending sign-in; too many replace the oldest.
    pub(super) fn begin(&mut self, sign_in: SignIn) {
        self.pending.truncate(MOST_PENDING - 1);
        self.pending.push_front(sign_in);
    }

    /// Removes and returns the pending sign-in with this `state`, which can be used once.
    pub(super) fn take(&mut self, state: &str) -> Option<SignIn> {
        let index = self.pending.iter().position(|one| one.state.secret() == state)?;
        self.pending.remove(index)
    }
}

/// All sessions, in memory: they end with the demo.
#[derive(Debug)]
pub(super) struct Sessions(Cache<String, Arc<Mutex<Session>>>);

impl Sessions {
    /// No sessions.
    pub(super) fn new() -> Self {
        Self(Cache::new(MOST_SESSIONS))
    }

    /// The session of this browser.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Arc<Mutex<Session>>> {
        self.0.get(session_id(headers)?)
    }

    /// Stores a session under a new identifier. Every sign-in gets a new one, against session fixation.
    ///
    /// # Errors
    /// Never: the identifier is ASCII.
    pub(super) fn insert(
        &self,
        headers: &HeaderMap,
        session: Arc<Mutex<Session>>,
    ) -> Result<HeaderValue, InvalidHeaderValue> {
        if let Some(old) = session_id(headers) {
            self.0.remove(old);
        }
        let new = Secret::generate();
        self.0.insert(new.expose().to_owned(), session);
        let mut cookie = HeaderValue::try_from(format!(
            "{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Lax",
            new.expose()
        ))?;
        cookie.set_sensitive(true);
        Ok(cookie)
    }
}

fn session_id(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|field| field.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|cookie| std::str::from_utf8(cookie.trim_ascii()).ok()?.split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}
