//! The page of an invitation, as its template sees it.

use askama::Template;

use super::words::{self, Words};
use crate::page::new_password::PasswordProblem;
use crate::page::view::Person;
use crate::render::layout::Layout;

/// `templates/invitation.html`.
///
/// Posts `csrf` and `link` to become owner with the signed-in account; also `name`, `username`, `email`, `new`, `again` to
/// create one.
#[derive(Debug, Template)]
#[template(path = "invitation.html")]
pub struct Invitation<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
    /// What the page offers.
    pub state: InvitationState<'a>,
    /// The form token.
    pub csrf: &'a str,
    /// The secret of the link.
    pub link: &'a str,
    /// The fields as entered.
    pub typed: Typed<'a>,
    /// The minimum length of a password.
    pub least: usize,
    /// Why nothing was changed.
    pub problem: Option<Problem>,
}

/// What the page offers.
#[derive(Clone, Copy, Debug)]
pub enum InvitationState<'a> {
    /// The link is not valid.
    Invalid,
    /// The signed-in user can become owner.
    Accept(Person<'a>),
    /// A new user can become owner, or sign in.
    Create,
}

/// The fields as entered, without the passwords.
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed<'a> {
    /// The full name.
    pub name: &'a str,
    /// The username.
    pub username: &'a str,
    /// The e-mail address.
    pub email: &'a str,
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug)]
pub enum Problem {
    /// The form token has expired or is foreign.
    Expired,
    /// The username or the e-mail address is refused, for this reason.
    Account(&'static str),
    /// The password is refused.
    Password(PasswordProblem),
}

impl Invitation<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }

    fn heading(&self) -> String {
        match self.state {
            InvitationState::Invalid => self.words().invalid.to_owned(),
            InvitationState::Accept(_) | InvitationState::Create => {
                (self.words().title)(&self.layout.look.brand.name)
            }
        }
    }

    /// A problem that belongs to no password field.
    fn problem_text(&self) -> Option<&'static str> {
        match self.problem? {
            Problem::Expired => Some(self.words().expired),
            Problem::Account(why) => Some(match why {
                "another account has the username or the e-mail address" => self.words().taken,
                _ => self.words().account,
            }),
            Problem::Password(_) => None,
        }
    }

    fn new_password(&self) -> crate::page::new_password::Fields {
        let problem = match self.problem {
            Some(Problem::Password(problem)) => Some(problem),
            Some(Problem::Expired | Problem::Account(_)) | None => None,
        };
        crate::page::new_password::Fields::new(self.layout.words.language, self.least, problem)
    }
}
