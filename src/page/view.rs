//! The pages, one struct per template: what a page shows is what its struct has.
//!
//! Forms without `action` are posted to the address of the page itself.

use askama::Template;

use super::device::Device;
use crate::render::layout::{Layout, Link, initials};
pub use crate::render::view::{ErrorPage, FormPost};
use crate::types::{Seconds, Timestamp, User};

/// An application, as people see it.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Its name, as it stands in a sentence: see [`isolated`](crate::render::layout::isolated).
    pub name: &'a str,
    /// Where we serve its logo.
    pub logo: Option<&'a str>,
}

impl Client<'_> {
    fn initials(&self) -> String {
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

    fn initials(&self) -> String {
        initials(self.name)
    }

    /// The handle in two, where a long address may break: before its `@`.
    fn halves(&self) -> (&'a str, &'a str) {
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
/// Posts `csrf`, `request`, `shown`, `scope` (each ticked optional one), `answer` (`allow`, `deny`,
/// `other`).
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
    pub groups: Vec<ScopeGroup<'a>>,
    /// Single claims asked for, by their names (OIDC Core §5.5).
    pub claims: Vec<&'a str>,
    /// Whether `offline_access` is asked for.
    pub offline: bool,
    /// Whether some of what this client asks was agreed to before, and is not shown.
    pub more: bool,
    /// The form token.
    pub csrf: &'a str,
    /// The handle of the request that waits.
    pub request: &'a str,
    /// The digest of what is shown: what is granted is what was seen (THREATS UI-11).
    pub shown: &'a str,
    /// Whether the last answer came too late and was not taken.
    pub expired: bool,
}

/// Scopes that belong together.
#[derive(Clone, Debug)]
pub struct ScopeGroup<'a> {
    /// The API that they are scopes of; none for those about the person.
    pub api: Option<&'a str>,
    /// The scopes.
    pub scopes: Vec<ScopeLine<'a>>,
}

/// A scope in plain words.
#[derive(Clone, Debug)]
pub struct ScopeLine<'a> {
    /// The scope token, which the form posts.
    pub scope: &'a str,
    /// What it is: the words of [`Words::scope`], or of the resource, or the token itself.
    ///
    /// [`Words::scope`]: super::words::Words::scope
    pub name: &'a str,
    /// What it means.
    pub detail: Option<&'a str>,
    /// `Some(ticked)`: it can be left out. `None`: without it there is nothing to allow.
    pub choice: Option<bool>,
}

impl Consent<'_> {
    fn claims_text(&self) -> Option<String> {
        let words = &self.layout.words.consent;
        let names: Vec<&str> =
            self.claims.iter().map(|name| (words.claim)(name).unwrap_or(name)).collect();
        (!names.is_empty()).then(|| (words.claims)(&names.join(", ")))
    }

    fn heading(&self) -> String {
        let words = &self.layout.words.consent;
        if self.more { (words.also)(self.client.name) } else { (words.asks)(self.client.name) }
    }
}

/// `templates/account.html`.
///
/// Its forms post `csrf` and: `/account/sessions/end` (`session`), `/account/sessions/end-others`,
/// `/account/applications/withdraw` (`client_id`), `/account/password` (`current`, `new`, `again`).
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct Account<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
    /// Who this is.
    pub person: Person<'a>,
    /// The form token.
    pub csrf: &'a str,
    /// Tells the form of the password from all others.
    pub form: &'a str,
    /// What has just been done.
    pub notice: Option<Notice>,
    /// Where they are signed in; this session first.
    pub sessions: Vec<SessionLine<'a>>,
    /// What may use their account.
    pub applications: Vec<Application<'a>>,
    /// The fewest characters of a password.
    pub least: usize,
    /// Why the password was not changed.
    pub problem: Option<PasswordProblem>,
}

/// A sign-in that is alive.
#[derive(Clone, Debug)]
pub struct SessionLine<'a> {
    /// Its id, which the form posts.
    pub id: &'a str,
    /// What the browser called itself.
    pub device: Device,
    /// Where it came from.
    pub address: &'a str,
    /// When it began.
    pub since: Timestamp,
    /// When it was last used.
    pub active: Timestamp,
    /// Whether it is the one that looks at the page.
    pub here: bool,
}

/// An application that may use the account.
#[derive(Clone, Debug)]
pub struct Application<'a> {
    /// Its `client_id`, which the form posts.
    pub id: &'a str,
    /// What people know it by.
    pub client: Client<'a>,
    /// When it was allowed, or signed in to where nobody is asked.
    pub since: Timestamp,
    /// Whether the person was asked: a trusted application is let in without.
    pub asked: bool,
    /// What it may do, in words.
    pub may: Vec<&'a str>,
}

/// What has just been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// One session was ended.
    Ended,
    /// All others were ended.
    EndedOthers,
    /// An application's access was withdrawn.
    Withdrawn,
    /// The password was changed.
    PasswordChanged,
    /// Nothing: the form's token was too old or foreign.
    Expired,
}

impl Notice {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Ended, Self::EndedOthers, Self::Withdrawn, Self::PasswordChanged, Self::Expired];

    /// As it stands in the address that a form redirects to.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::EndedOthers => "ended-others",
            Self::Withdrawn => "withdrawn",
            Self::PasswordChanged => "password-changed",
            Self::Expired => "expired",
        }
    }

    /// Reads it from there.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }
}

/// Why a password was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordProblem {
    /// The present one is wrong.
    Wrong,
    /// Shorter than this.
    Short(usize),
    /// Longer than is worth hashing.
    Long,
    /// Known to everybody, or made of the username.
    Weak,
    /// The two new ones differ.
    Differ,
    /// The new one is the present one.
    Same,
    /// Too many tries; how long to wait.
    Throttled(Seconds),
    /// No hashing slot was free in time.
    Busy,
}

impl Account<'_> {
    fn device(&self, session: &SessionLine<'_>) -> String {
        let words = &self.layout.words.account;
        match (session.device.browser, session.device.system) {
            (Some(browser), Some(system)) => (words.device)(browser, system),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            (None, None) => words.unknown_device.to_owned(),
        }
    }

    fn since(&self, application: &Application<'_>) -> String {
        let words = &self.layout.words.account;
        let when = self.layout.ago(&application.since);
        if application.asked { (words.allowed)(&when) } else { (words.entered)(&when) }
    }

    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.here)
    }

    fn news(&self) -> Option<&'static str> {
        let words = &self.layout.words.account;
        Some(match self.notice? {
            Notice::Ended => words.ended,
            Notice::EndedOthers => words.ended_others,
            Notice::Withdrawn => words.withdrawn,
            Notice::PasswordChanged => words.password_changed,
            Notice::Expired => words.expired,
        })
    }

    fn is_bad_news(&self) -> bool {
        self.notice == Some(Notice::Expired)
    }

    fn problem_text(&self) -> Option<String> {
        let words = &self.layout.words.password;
        let login = &self.layout.words.login;
        Some(match self.problem? {
            PasswordProblem::Wrong => words.wrong.to_owned(),
            PasswordProblem::Short(least) => (words.short)(least),
            PasswordProblem::Long => words.long.to_owned(),
            PasswordProblem::Weak => words.weak.to_owned(),
            PasswordProblem::Differ => words.differ.to_owned(),
            PasswordProblem::Same => words.same.to_owned(),
            PasswordProblem::Throttled(wait) => (login.throttled)(&self.layout.words.length(wait)),
            PasswordProblem::Busy => login.busy.to_owned(),
        })
    }

    /// Whether the problem lies in the field of this name.
    fn is_wrong(&self, field: &str) -> bool {
        let at = self.problem.and_then(|problem| match problem {
            PasswordProblem::Wrong => Some("current"),
            PasswordProblem::Short(_)
            | PasswordProblem::Long
            | PasswordProblem::Weak
            | PasswordProblem::Same => Some("new"),
            PasswordProblem::Differ => Some("again"),
            PasswordProblem::Throttled(_) | PasswordProblem::Busy => None,
        });
        at == Some(field)
    }
}

/// `templates/logout.html`: sign out? (OIDC RP-Initiated Logout 1.0 §2.)
///
/// Posts `csrf`, `request`, `answer` (`yes`, `no`).
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
    /// The handle of the request that waits.
    pub request: Option<&'a str>,
}

/// `templates/signed_out.html`.
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
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
