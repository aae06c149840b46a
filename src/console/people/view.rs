//! The list of users and the form for a new one, as their templates see them.

use askama::Template;

use super::words::{self, Words};
use crate::console::desk::Problem;
use crate::console::layout::Navigation;
use crate::types::{Timestamp, User};

/// `templates/console/people.html`.
#[derive(Debug, Template)]
#[template(path = "console/people.html")]
pub(in crate::console) struct People<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// What was typed into the search field.
    pub(in crate::console) typed: &'a str,
    /// The users of this page.
    pub(in crate::console) people: Vec<PersonLine<'a>>,
    /// Whether there is one user only.
    pub(in crate::console) is_alone: bool,
    /// Whether it is the first page.
    pub(in crate::console) is_first: bool,
    /// The query of the next page.
    pub(in crate::console) next: Option<String>,
    /// Whether users can be created.
    pub(in crate::console) may_create: bool,
    /// The result of the last form.
    pub(in crate::console) notice: Option<Notice>,
}

/// A user of the list.
#[derive(Clone, Copy, Debug)]
pub(in crate::console) struct PersonLine<'a> {
    /// The identifier.
    pub(in crate::console) id: &'a str,
    /// The name, else the username.
    pub(in crate::console) name: &'a str,
    /// The username.
    pub(in crate::console) username: &'a str,
    /// The e-mail address.
    pub(in crate::console) email: Option<&'a str>,
    /// Whether the address is verified.
    pub(in crate::console) email_verified: bool,
    /// When the account was created.
    pub(in crate::console) created_at: Timestamp,
    /// Whether the account is disabled.
    pub(in crate::console) is_disabled: bool,
}

impl<'a> PersonLine<'a> {
    pub(in crate::console) fn of(user: &'a User) -> Self {
        Self {
            id: user.id.as_str(),
            name: user.display_name(),
            username: &user.username,
            email: user.email.as_deref(),
            email_verified: user.email_verified,
            created_at: user.created_at,
            is_disabled: user.disabled_at.is_some(),
        }
    }
}

/// The result of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Notice {
    /// A user was deleted.
    Deleted,
}

impl Notice {
    pub(super) fn parse(text: &str) -> Option<Self> {
        (text == "deleted").then_some(Self::Deleted)
    }
}

impl People<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn notice_text(&self) -> Option<&'static str> {
        self.notice.map(|notice| match notice {
            Notice::Deleted => self.words().deleted,
        })
    }
}

/// `templates/console/people_new.html`.
#[derive(Debug, Template)]
#[template(path = "console/people_new.html")]
pub(in crate::console) struct NewPerson<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The form token.
    pub(in crate::console) csrf: &'a str,
    /// The identifier of the account that the form creates.
    pub(in crate::console) id: &'a str,
    /// The proof that this page made the identifier.
    pub(in crate::console) proof: &'a str,
    /// What was typed.
    pub(in crate::console) typed: TypedPerson<'a>,
    /// Why it was refused.
    pub(in crate::console) problem: Option<&'a Problem>,
}

/// What was typed into the form for a new user.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::console) struct TypedPerson<'a> {
    /// The full name.
    pub(in crate::console) name: &'a str,
    /// The username.
    pub(in crate::console) username: &'a str,
    /// The e-mail address.
    pub(in crate::console) email: &'a str,
}

impl NewPerson<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }
}
