//! The pages, one struct per template: what a page shows is what its struct has.
//!
//! Forms without `action` are posted to the address of the page itself.

use std::borrow::Cow;

use askama::Template;

pub use super::account::view::{
    Account, Activity, Application, Detail, Notice, PasswordForm, PasswordProblem, SessionLine,
};
use crate::render::layout::{Layout, Link, initials, isolated};
pub use crate::render::view::{ErrorPage, FormPost};
use crate::types::{Seconds, User};

/// An application, as people see it.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Its name, as it stands in a sentence: see [`isolated`].
    pub name: &'a str,
    /// Where we serve its logo.
    pub logo: Option<&'a str>,
}

impl Client<'_> {
    pub(super) fn initials(&self) -> String {
        initials(self.name)
    }
}

/// A person, as shown to themselves.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The display name, else the username.
    pub name: &'a str,
    /// What they sign in with: e-mail address or username.
    pub handle: &'a str,
}

impl<'a> Person<'a> {
    /// An account, as its owner sees it.
    pub fn of(user: &'a User) -> Self {
        Self { name: user.display_name(), handle: user.email.as_deref().unwrap_or(&user.username) }
    }

    pub(super) fn initials(&self) -> String {
        initials(self.name)
    }

    /// The handle in two, where a long address may break: before its `@`.
    pub(super) fn halves(&self) -> (&'a str, &'a str) {
        self.handle.split_at(self.handle.rfind('@').unwrap_or(self.handle.len()))
    }
}

/// `templates/login.html`.
///
/// Posts `csrf`, `request`, `identifier`, `password`, `keep` (`on`), `other` (`1`), `answer` (`sign-in`,
/// `cancel`, `other`).
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub struct Login<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
    /// What one signs in to; none on the way to the account page.
    pub client: Option<Client<'a>>,
    /// The host that the browser goes to afterwards; none for an app on the device.
    pub destination: Option<&'a str>,
    /// Who is signed in and has to prove it again; none where anybody may sign in.
    pub person: Option<Person<'a>>,
    /// Whether another account is wanted than the one that is signed in.
    pub other: bool,
    /// What was typed, or the `login_hint`.
    pub identifier: &'a str,
    /// Whether "keep me signed in" was ticked.
    pub keep: bool,
    /// The form token.
    pub csrf: &'a str,
    /// The handle of the request that waits.
    pub request: Option<&'a str>,
    /// Why the last try failed.
    pub problem: Option<LoginProblem>,
}

/// Why a sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginProblem {
    /// Unknown, disabled or wrong: nobody learns which (THREATS UI-14).
    Wrong,
    /// Too many tries; how long to wait.
    Throttled(Seconds),
    /// The form's token was too old or foreign.
    Expired,
    /// No hashing slot was free in time.
    Busy,
    /// The form came without any cookie.
    Cookies,
}

impl Login<'_> {
    fn title(&self) -> String {
        let words = &self.layout.words.login;
        match (&self.person, &self.client) {
            (Some(_), _) => words.confirm.to_owned(),
            (None, Some(client)) => (words.title_to)(client.name),
            (None, None) => words.title.to_owned(),
        }
    }

    /// Below the heading: what for, or with which account.
    fn subtitle(&self) -> String {
        let words = self.layout.words;
        match (&self.person, &self.client) {
            (Some(_), Some(client)) => (words.select.subtitle)(client.name),
            (_, _) => (words.login.subtitle)(&self.layout.look.brand.name),
        }
    }

    fn problem_text(&self) -> Option<String> {
        let words = &self.layout.words.login;
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

/// `templates/select_account.html`: `prompt=select_account` (OIDC Core §3.1.2.1).
///
/// Posts `csrf`, `request`, `answer` (`continue`, `other`, `cancel`).
#[derive(Debug, Template)]
#[template(path = "select_account.html")]
pub struct SelectAccount<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
    /// What one continues to.
    pub client: Client<'a>,
    /// The host that the browser goes to; none for an app on the device.
    pub destination: Option<&'a str>,
    /// Who is signed in.
    pub person: Person<'a>,
    /// The form token.
    pub csrf: &'a str,
    /// The handle of the request that waits.
    pub request: &'a str,
}

/// `templates/consent.html`.
///
/// Posts `csrf`, `request`, `shown`, `answer` (`allow`, `deny`, `other`).
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
    /// Who asks.
    pub client: Client<'a>,
    /// Its home page, of which the host is shown.
    pub home: Option<Link<'a>>,
    /// Its privacy policy.
    pub policy: Option<Link<'a>>,
    /// Its terms.
    pub terms: Option<Link<'a>>,
    /// The host that the browser goes to afterwards; none for an app on the device.
    pub destination: Option<&'a str>,
    /// Whose account it is about (THREATS UI-02).
    pub person: Person<'a>,
    /// What is asked for.
    pub asks: Asks<'a>,
    /// The form token.
    pub csrf: &'a str,
    /// The handle of the request that waits.
    pub request: &'a str,
    /// The digest of what is shown: what is granted is what was seen (THREATS UI-11).
    pub shown: &'a str,
    /// Whether the last answer came too late and was not taken.
    pub expired: bool,
}

/// What an application asks for.
#[derive(Clone, Debug)]
pub struct Asks<'a> {
    /// The scopes about the person (OIDC Core §5.4), which fold into one line.
    pub about: Vec<ScopeLine<'a>>,
    /// Single claims about the person, by their names (OIDC Core §5.5).
    pub claims: Vec<&'a str>,
    /// APIs, and what the application may do there.
    pub apis: Vec<Api<'a>>,
    /// Scopes that nobody declared.
    pub others: Vec<ScopeLine<'a>>,
    /// Whether `offline_access` is asked for.
    pub offline: bool,
}

impl<'a> Asks<'a> {
    /// The texts that administrators can change, in the order in which they are shown.
    pub fn texts(&self) -> Vec<&'a str> {
        let mut texts = Vec::new();
        for api in &self.apis {
            texts.push(api.name);
            for line in &api.scopes {
                let mark = if line.sensitive { "sensitive" } else { "" };
                texts.extend([line.scope, line.name, mark]);
            }
        }
        texts
    }
}

/// An API.
#[derive(Clone, Debug)]
pub struct Api<'a> {
    /// What people call it.
    pub name: &'a str,
    /// What is asked for there.
    pub scopes: Vec<ScopeLine<'a>>,
}

impl<'a> Api<'a> {
    /// The name, for use inside a sentence.
    fn shown_name(&self) -> Cow<'a, str> {
        isolated(self.name)
    }
}

/// A scope in plain words.
#[derive(Clone, Debug)]
pub struct ScopeLine<'a> {
    /// The scope token.
    pub scope: &'a str,
    /// What it is: the words of [`Words::scope`], or of the resource, or the token itself.
    ///
    /// [`Words::scope`]: super::words::Words::scope
    pub name: &'a str,
    /// What it means.
    pub detail: Option<&'a str>,
    /// Whether people should look twice: it is marked.
    pub sensitive: bool,
}

impl<'a> ScopeLine<'a> {
    /// A scope by its own name.
    pub fn of(scope: &'a str) -> Self {
        Self { scope, name: scope, detail: None, sensitive: false }
    }
}

impl Consent<'_> {
    fn claims_text(&self) -> Option<String> {
        let words = &self.layout.words.consent;
        let names: Vec<&str> =
            self.asks.claims.iter().map(|name| (words.claim)(name).unwrap_or(name)).collect();
        (!names.is_empty()).then(|| (words.claims)(&names.join(", ")))
    }

    /// Whether anything is about the person.
    fn has_about(&self) -> bool {
        !self.asks.about.is_empty() || !self.asks.claims.is_empty()
    }

    /// Whether what is about the person is more than one line, which then opens.
    fn folds(&self) -> bool {
        self.asks.about.len() + usize::from(!self.asks.claims.is_empty()) > 1
    }

    /// What the line that opens holds: that somebody is recognised goes without saying there.
    fn covers(&self) -> String {
        let words = self.layout.words;
        let short = self.asks.about.iter().filter_map(|line| words.scope(line.scope)?.short);
        let claims = self.asks.claims.iter();
        let claims = claims.map(|name| (words.consent.claim)(name).unwrap_or(name));
        capitalised(&short.chain(claims).collect::<Vec<_>>().join(", "))
    }
}

/// A text that begins with a capital letter.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// `templates/logout.html`: sign out? (OIDC RP-Initiated Logout 1.0 §2.)
///
/// Posts `csrf`, `answer` (`yes`, `no`).
#[derive(Debug, Template)]
#[template(path = "logout.html")]
pub struct Logout<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
    /// Who asks for it; none when the person does.
    pub client: Option<Client<'a>>,
    /// Who is signed in.
    pub person: Person<'a>,
    /// The form token.
    pub csrf: &'a str,
}

/// `templates/signed_out.html`.
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
    /// The name and the home page of the application that asked for it, if that is proven.
    pub home: Option<(Cow<'a, str>, Link<'a>)>,
}

/// `templates/home.html`: what is at `/`.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
