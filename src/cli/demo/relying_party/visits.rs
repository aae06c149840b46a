//! Who is here: what the application knows of a browser, by the cookie that it brings.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::http::header::{COOKIE, InvalidHeaderValue};
use axum::http::{HeaderMap, HeaderValue};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::provider::{SignIn, Tokens};
use super::trouble::Trouble;
use crate::types::Secret;

/// Cookies ignore ports, so the server on the other port is sent this one too, and we are sent its:
/// no name may stand for both.
const COOKIE_NAME: &str = "gw_demo_client";

/// As many browsers as are remembered.
const MOST_VISITS: usize = 1000;

/// As many sign-ins as one browser may have begun and not finished: a tab each.
const MOST_BEGUN: usize = 8;

/// What we know of one browser. Its requests are done one after the other, so that a button pressed
/// twice does not spend one refresh token twice.
#[derive(Debug, Default)]
pub(super) struct Visit {
    begun: VecDeque<SignIn>,
    /// Who signed in.
    pub(super) signed_in: Option<SignedIn>,
    /// The `state` of a sign-out that is under way.
    pub(super) leaving: Option<String>,
    /// What to say on the next page.
    pub(super) notice: Option<Notice>,
}

/// Somebody who signed in.
#[derive(Debug)]
pub(super) struct SignedIn {
    /// What we hold for them.
    pub(super) tokens: Tokens,
    /// How often the tokens were refreshed.
    pub(super) refreshed: u32,
    /// Whether we gave them back.
    pub(super) revoked: bool,
    /// What userinfo said when it was last asked.
    pub(super) userinfo: Option<Map<String, Value>>,
}

/// What came of what was asked for last.
#[derive(Debug)]
pub(super) enum Notice {
    /// It was done.
    Done(&'static str),
    /// It was not.
    Trouble(Trouble),
}

impl Visit {
    /// Remembers a sign-in, and forgets the oldest of too many.
    pub(super) fn begin(&mut self, sign_in: SignIn) {
        self.begun.truncate(MOST_BEGUN - 1);
        self.begun.push_front(sign_in);
    }

    /// Takes out the sign-in that a `state` belongs to: it is answered once.
    pub(super) fn take(&mut self, state: &str) -> Option<SignIn> {
        let place = self.begun.iter().position(|one| one.state.secret() == state)?;
        self.begun.remove(place)
    }
}

/// All of them, in memory: a demonstration forgets who was there when it ends.
#[derive(Debug)]
pub(super) struct Visits(Cache<String, Arc<Mutex<Visit>>>);

impl Visits {
    /// Nobody was here yet.
    pub(super) fn new() -> Self {
        Self(Cache::new(MOST_VISITS))
    }

    /// The visit of this browser, if it has been here before.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Arc<Mutex<Visit>>> {
        self.0.get(name(headers)?)
    }

    /// Keeps a visit under a new name. Whoever signs in gets one, so that a cookie that somebody else
    /// put there is worth nothing.
    ///
    /// # Errors
    /// Never: the name is made of letters.
    pub(super) fn keep(
        &self,
        headers: &HeaderMap,
        visit: Arc<Mutex<Visit>>,
    ) -> Result<HeaderValue, InvalidHeaderValue> {
        if let Some(old) = name(headers) {
            self.0.remove(old);
        }
        let new = Secret::generate();
        self.0.insert(new.expose().to_owned(), visit);
        let mut cookie = HeaderValue::try_from(format!(
            "{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Lax",
            new.expose()
        ))?;
        cookie.set_sensitive(true);
        Ok(cookie)
    }
}

fn name(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|field| field.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|cookie| std::str::from_utf8(cookie.trim_ascii()).ok()?.split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}
