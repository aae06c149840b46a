//! The pages of the APIs, as their templates see them.

use askama::Template;

use super::form::Form;
use super::words::{self, Words};
use crate::console::desk::Problem;
use crate::console::layout::Navigation;
use crate::types::client::TokenFormat;
use crate::types::{Resource, Seconds};

/// `templates/console/apis.html`.
#[derive(Debug, Template)]
#[template(path = "console/apis.html")]
pub(super) struct Apis<'a> {
    /// The frame.
    pub(super) navigation: Navigation<'a>,
    /// The APIs, in the order of their registration.
    pub(super) apis: Vec<Line<'a>>,
    /// Whether one can be registered.
    pub(super) may_create: bool,
    /// Whether one was just deleted.
    pub(super) is_deleted: bool,
}

/// An API.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The path of its page.
    pub(super) path: String,
    /// Its identifier.
    pub(super) id: &'a str,
    /// Its name.
    pub(super) name: &'a str,
    /// The number of its scopes.
    pub(super) scopes: usize,
    /// The format of its tokens.
    pub(super) format: TokenFormat,
    /// The lifetime of its tokens.
    pub(super) lifetime: Option<Seconds>,
}

impl<'a> Line<'a> {
    pub(super) fn of(api: &'a Resource) -> Self {
        Self {
            path: super::path(&api.id),
            id: api.id.as_str(),
            name: &api.name,
            scopes: api.scopes.len(),
            format: api.access_token_format.unwrap_or(TokenFormat::Jwt),
            lifetime: api.access_token_lifetime,
        }
    }
}

impl Apis<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn notice_text(&self) -> Option<&'static str> {
        self.is_deleted.then(|| self.words().deleted)
    }

    fn length(&self, length: &Seconds) -> String {
        self.navigation.layout.words.length(*length)
    }
}

/// `templates/console/api_new.html`.
#[derive(Debug, Template)]
#[template(path = "console/api_new.html")]
pub(super) struct NewApi<'a> {
    /// The frame.
    pub(super) navigation: Navigation<'a>,
    /// The form token.
    pub(super) csrf: &'a str,
    /// What was typed.
    pub(super) form: &'a Form,
    /// Why it was refused.
    pub(super) problem: Option<&'a Problem>,
}

impl NewApi<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }
}

/// `templates/console/api.html`.
#[derive(Debug, Template)]
#[template(path = "console/api.html")]
pub(super) struct Api<'a> {
    /// The frame.
    pub(super) navigation: Navigation<'a>,
    /// The form token.
    pub(super) csrf: &'a str,
    /// The API.
    pub(super) api: &'a Resource,
    /// What was typed.
    pub(super) form: &'a Form,
    /// The fingerprint of the API that is shown.
    pub(super) seen: &'a str,
    /// The path of its page.
    pub(super) path: &'a str,
    /// Whether it can be changed.
    pub(super) may_update: bool,
    /// Whether it can be deleted.
    pub(super) may_delete: bool,
    /// Whether it was changed since the form was shown.
    pub(super) is_stale: bool,
    /// The result of the last form.
    pub(super) notice: Option<Notice>,
    /// Why it was refused.
    pub(super) problem: Option<&'a Problem>,
}

impl Api<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn notice_text(&self) -> Option<&'static str> {
        self.notice.map(|notice| match notice {
            Notice::Created => self.words().created,
            Notice::Saved => self.words().saved,
        })
    }

    fn length(&self, length: &Seconds) -> String {
        self.navigation.layout.words.length(*length)
    }
}

/// The result of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// It was registered.
    Created,
    /// It was changed.
    Saved,
}

impl Notice {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "created" => Some(Self::Created),
            "saved" => Some(Self::Saved),
            _ => None,
        }
    }
}
