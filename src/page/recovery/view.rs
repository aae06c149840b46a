//! The page of a recovery, as its template sees it.

use askama::Template;

use super::words::{self, Words};
use crate::page::new_password::{Fields, PasswordProblem};
use crate::page::view::Person;
use crate::render::layout::Layout;

/// `templates/recovery.html`.
///
/// Posts `csrf`, `link`, `new`, `again`.
#[derive(Debug, Template)]
#[template(path = "recovery.html")]
pub struct Recovery<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
    /// What the page shows.
    pub state: RecoveryState<'a>,
    /// The form token.
    pub csrf: &'a str,
    /// The secret of the link.
    pub link: &'a str,
    /// The minimum length of a password.
    pub least: usize,
    /// Why nothing was changed.
    pub problem: Option<Problem>,
}

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub enum RecoveryState<'a> {
    /// The link is not valid.
    Invalid,
    /// The form, for this user.
    Form(Person<'a>),
    /// The password is set.
    Done(Person<'a>),
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug)]
pub enum Problem {
    /// The form token has expired or is foreign.
    Expired,
    /// The password is refused.
    Password(PasswordProblem),
}

impl Recovery<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }

    fn heading(&self) -> &'static str {
        match self.state {
            RecoveryState::Invalid => self.words().invalid,
            RecoveryState::Form(_) => self.words().title,
            RecoveryState::Done(_) => self.words().done,
        }
    }

    fn is_expired(&self) -> bool {
        matches!(self.problem, Some(Problem::Expired))
    }

    fn new_password(&self) -> Fields {
        let problem = match self.problem {
            Some(Problem::Password(problem)) => Some(problem),
            Some(Problem::Expired) | None => None,
        };
        Fields::new(self.layout.words.language, self.least, problem)
    }
}
