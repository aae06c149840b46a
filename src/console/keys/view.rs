//! The page of the signing keys, as its template sees it.

use askama::Template;

use super::words::{self, Words};
use crate::console::layout::Navigation;
use crate::store::signing_keys::{SigningKeyRow, State};
use crate::types::{Algorithm, Timestamp};

/// `templates/console/keys.html`.
#[derive(Debug, Template)]
#[template(path = "console/keys.html")]
pub(in crate::console) struct Keys<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The keys, by algorithm and time.
    pub(in crate::console) keys: Vec<KeyLine<'a>>,
    /// Whether keys can be rotated.
    pub(in crate::console) may_rotate: bool,
    /// Whether keys can be declared compromised.
    pub(in crate::console) may_retire: bool,
    /// The result of the last form.
    pub(in crate::console) notice: Option<Notice>,
}

/// A signing key.
#[derive(Clone, Copy, Debug)]
pub(in crate::console) struct KeyLine<'a> {
    /// `kid`
    pub(in crate::console) id: &'a str,
    /// `alg`
    pub(in crate::console) algorithm: Algorithm,
    /// Its state.
    pub(in crate::console) state: State,
    /// When it was published.
    pub(in crate::console) published_at: Timestamp,
    /// When it began to sign.
    pub(in crate::console) activated_at: Option<Timestamp>,
}

impl<'a> KeyLine<'a> {
    pub(super) fn of(row: &'a SigningKeyRow) -> Self {
        Self {
            id: &row.id,
            algorithm: row.alg,
            state: row.state(),
            published_at: row.published_at,
            activated_at: row.activated_at,
        }
    }

    /// The class of the state.
    const fn class(&self) -> &'static str {
        match self.state {
            State::Active => "state state-good",
            State::Pending | State::Retired => "state",
            State::Retiring => "state state-care",
            State::Compromised => "state state-bad",
        }
    }

    /// Whether it can be declared compromised.
    const fn is_in_use(&self) -> bool {
        match self.state {
            State::Pending | State::Active | State::Retiring => true,
            State::Retired | State::Compromised => false,
        }
    }

    const fn is_pending(&self) -> bool {
        matches!(self.state, State::Pending)
    }
}

/// The result of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Notice {
    /// A key was rotated.
    Rotated,
    /// A key was declared compromised.
    Compromised,
}

impl Notice {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "rotated" => Some(Self::Rotated),
            "compromised" => Some(Self::Compromised),
            _ => None,
        }
    }
}

impl Keys<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn state(&self, key: &KeyLine<'_>) -> &'static str {
        let words = self.words();
        match key.state {
            State::Pending => words.pending,
            State::Active => words.active,
            State::Retiring => words.retiring,
            State::Retired => words.retired,
            State::Compromised => words.compromised,
        }
    }

    fn notice_text(&self) -> Option<&'static str> {
        self.notice.map(|notice| match notice {
            Notice::Rotated => self.words().rotated,
            Notice::Compromised => self.words().retired_now,
        })
    }
}
