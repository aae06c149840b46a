//! The list of the clients, as its template sees it.

use askama::Template;

use super::kind::Kind;
use super::words::{self, Words};
use crate::console::layout::Navigation;
use crate::types::client::AuthMethod;
use crate::types::{Client, Timestamp};

/// `templates/console/applications.html`.
#[derive(Debug, Template)]
#[template(path = "console/applications.html")]
pub(in crate::console) struct Applications<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The clients, by name.
    pub(in crate::console) rows: Vec<Row<'a>>,
    /// What was searched for.
    pub(in crate::console) text: &'a str,
    /// Whether this is the first page.
    pub(in crate::console) is_first: bool,
    /// The query of the next page.
    pub(in crate::console) next: Option<String>,
    /// Whether a client can be registered.
    pub(in crate::console) may_create: bool,
    /// The result of the last form.
    pub(in crate::console) notice: Option<Notice>,
}

/// A client.
#[derive(Clone, Copy, Debug)]
pub(in crate::console) struct Row<'a> {
    /// `client_id`
    pub(in crate::console) id: &'a str,
    /// Its name.
    pub(in crate::console) name: &'a str,
    /// Its kind.
    pub(in crate::console) kind: Kind,
    /// How it authenticates.
    pub(in crate::console) method: AuthMethod,
    /// When it was registered.
    pub(in crate::console) created_at: Timestamp,
    /// Whether it is disabled.
    pub(in crate::console) is_disabled: bool,
}

impl<'a> Row<'a> {
    pub(super) fn of(client: &'a Client) -> Self {
        Self {
            id: client.id.as_str(),
            name: client.name(),
            kind: Kind::of(&client.metadata),
            method: client.metadata.token_endpoint_auth_method,
            created_at: client.created_at,
            is_disabled: client.disabled_at.is_some(),
        }
    }
}

/// The result of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Notice {
    /// A client was deleted.
    Deleted,
    /// A form was sent twice.
    Repeated,
}

impl Notice {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "deleted" => Some(Self::Deleted),
            "repeated" => Some(Self::Repeated),
            _ => None,
        }
    }
}

impl Applications<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    /// Whether there is no client at all.
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.text.is_empty() && self.is_first
    }

    fn notice_text(&self) -> Option<&'static str> {
        self.notice.map(|notice| match notice {
            Notice::Deleted => self.words().deleted,
            Notice::Repeated => self.words().repeated,
        })
    }
}
