//! What happened to a client, as the templates see it.

use std::collections::BTreeMap;

use askama::Template;

use super::words::{self, Words};
use crate::console::applications::frame::Frame;
use crate::console::events::EventLine;
use crate::console::layout::Navigation;

/// `templates/console/application_refusals.html`.
#[derive(Debug, Template)]
#[template(path = "console/application_refusals.html")]
pub(super) struct Refusals<'a> {
    /// The frame of the console.
    pub(super) navigation: Navigation<'a>,
    /// The frame of the client.
    pub(super) frame: Frame<'a>,
    /// The refused requests, the newest first.
    pub(super) events: Vec<EventLine<'a>>,
    /// Whether this is the first page.
    pub(super) is_first: bool,
    /// The query of the next page.
    pub(super) next: Option<String>,
}

impl Refusals<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }
}

/// `templates/console/application_history.html`.
#[derive(Debug, Template)]
#[template(path = "console/application_history.html")]
pub(super) struct History<'a> {
    /// The frame of the console.
    pub(super) navigation: Navigation<'a>,
    /// The frame of the client.
    pub(super) frame: Frame<'a>,
    /// The changes, the newest first.
    pub(super) events: Vec<EventLine<'a>>,
    /// The names of users by their identifiers.
    pub(super) names: BTreeMap<String, String>,
    /// Whether this is the first page.
    pub(super) is_first: bool,
    /// The query of the next page.
    pub(super) next: Option<String>,
}

impl History<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    /// Who made a change.
    fn actor<'a>(&'a self, event: &'a EventLine<'_>) -> &'a str {
        match event.actor.unwrap_or_default() {
            "operator" => self.words().operator,
            actor => {
                let id = actor.strip_prefix("user:").unwrap_or(actor);
                self.names.get(id).map_or(actor, String::as_str)
            }
        }
    }

    /// What was done, in a sentence, if it is a change of the registration.
    fn what(&self, event: &EventLine<'_>) -> Option<&'static str> {
        let words = self.words();
        match event.kind {
            "client.created" => Some(words.created),
            "client.updated" => Some(words.updated),
            "client.secret_rotated" => Some(words.secret_rotated),
            "client.disabled" => Some(words.disabled),
            "client.enabled" => Some(words.enabled),
            _ => None,
        }
    }
}
