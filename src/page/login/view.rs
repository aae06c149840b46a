//! The sign-in page, as its template sees it.

use askama::Template;

use super::words::{self, Words};
use crate::page::view::{Client, Person};
use crate::render::layout::Layout;
use crate::types::Seconds;

/// `templates/login.html`.
///
/// Posts `csrf`, `request`, `next`, `confirm`, `identifier`, `password`, `keep` (`on`), `other` (`1`), `answer` (`sign-in`,
/// `cancel`, `other`).
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub struct Login<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
    /// The application; `None` on the way to the account page.
    pub client: Option<Client<'a>>,
    /// The host of the redirect URI; `None` for an app on the device.
    pub destination: Option<&'a str>,
    /// The signed-in user who has to authenticate again; `None` if any user may sign in.
    pub person: Option<Person<'a>>,
    /// Whether the user wants another account than the signed-in one.
    pub other: bool,
    /// The entered identifier, or the `login_hint`.
    pub identifier: &'a str,
    /// Whether "keep me signed in" was ticked.
    pub keep: bool,
    /// The form token.
    pub csrf: &'a str,
    /// The handle of the waiting request.
    pub request: Option<&'a str>,
    /// The page of this server that the sign-in leads to.
    pub next: Option<&'a str>,
    /// Why the last attempt failed.
    pub problem: Option<LoginProblem>,
}

/// Why a sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginProblem {
    /// Unknown name, disabled account or wrong password: the page does not reveal which (THREATS UI-14).
    Wrong,
    /// Too many attempts; the time to wait.
    Throttled(Seconds),
    /// The form token has expired or is foreign.
    Expired,
    /// The hashing queue is full.
    Busy,
    /// The request had no cookie.
    Cookies,
}

impl Login<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }

    fn title(&self) -> String {
        let words = self.words();
        match (&self.person, &self.client) {
            (Some(_), _) => words.confirm.to_owned(),
            (None, Some(client)) => (words.title_to)(client.name),
            (None, None) => words.title.to_owned(),
        }
    }

    /// The line below the heading: the application, or the organisation.
    fn subtitle(&self) -> String {
        match (&self.person, &self.client) {
            (Some(_), Some(client)) => (self.layout.words.common.to_continue_to)(client.name),
            (_, _) => (self.words().subtitle)(&self.layout.look.brand.name),
        }
    }

    fn problem_text(&self) -> Option<String> {
        let words = self.words();
        Some(match self.problem? {
            LoginProblem::Wrong if self.person.is_some() => words.wrong_password.to_owned(),
            LoginProblem::Wrong => words.wrong.to_owned(),
            LoginProblem::Throttled(wait) => (words.throttled)(&self.layout.words.length(wait)),
            LoginProblem::Expired => words.expired.to_owned(),
            LoginProblem::Busy => words.busy.to_owned(),
            LoginProblem::Cookies => words.cookies.to_owned(),
        })
    }

    fn is_wrong(&self) -> bool {
        self.problem == Some(LoginProblem::Wrong)
    }
}
