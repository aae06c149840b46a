//! The account page, as its template sees it.

use std::borrow::Cow;

use askama::Template;

use super::words::Words;
use crate::page::login;
use crate::page::user_agent::Device;
use crate::page::view::{Client, Person};
use crate::people::activity::{self, What};
use crate::render::layout::{Layout, Link};
use crate::types::{Seconds, Timestamp};

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
    /// What is kept about them.
    pub details: Vec<Detail<'a>>,
    /// The form token.
    pub csrf: &'a str,
    /// Tells the form of the password from all others.
    pub form: &'a str,
    /// What has just been done.
    pub notice: Option<Notice>,
    /// Where they are signed in; this session first.
    pub sessions: Vec<SessionLine<'a>>,
    /// When the password was last set.
    pub password_set_at: Option<Timestamp>,
    /// How many browsers have signed in to the account before.
    pub browsers: i64,
    /// What may use their account.
    pub applications: Vec<Application<'a>>,
    /// What happened of late, the newest first.
    pub activity: Vec<Activity<'a>>,
    /// The fewest characters of a password.
    pub least: usize,
    /// The form that changes the password.
    pub password: PasswordForm<'a>,
}

/// The form that changes the password.
#[derive(Clone, Copy, Debug, Default)]
pub struct PasswordForm<'a> {
    /// Why it was not changed.
    pub problem: Option<PasswordProblem>,
    /// What stands for the current one, which was right.
    pub proof: Option<&'a str>,
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

/// Something that is kept about a person.
#[derive(Clone, Debug)]
pub struct Detail<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What it says; lines are parted by line breaks.
    pub value: Cow<'a, str>,
    /// Whether somebody has made sure of it, where that is asked.
    pub verified: Option<bool>,
}

/// An application that may use the account.
#[derive(Clone, Debug)]
pub struct Application<'a> {
    /// Its `client_id`, which the form posts.
    pub id: &'a str,
    /// What people know it by.
    pub client: Client<'a>,
    /// Its home page, of which the host is shown.
    pub home: Option<Link<'a>>,
    /// Where answers to it go, if that is another host, or the only one that is known.
    pub host: Option<&'a str>,
    /// When it was allowed, or signed in to where nobody is asked.
    pub since: Timestamp,
    /// Whether the person was asked: a trusted application is let in without.
    pub asked: bool,
    /// When it was last issued tokens, if that is known.
    pub used: Option<Timestamp>,
    /// Whether its access outlives their sign-in.
    pub offline: bool,
    /// What it may do, in words.
    pub may: Vec<Cow<'a, str>>,
}

/// A line of what happened of late.
#[derive(Clone, Debug)]
pub struct Activity<'a> {
    /// What.
    pub what: What,
    /// The application that it was about, as it stands in a sentence.
    pub client: Option<Cow<'a, str>>,
    /// What the browser called itself, if that is known.
    pub device: Option<Device>,
    /// Where it came from, if that is known.
    pub address: Option<&'a str>,
    /// When, at last.
    pub at: Timestamp,
    /// How often in a row.
    pub count: usize,
    /// Whether it came from the sign-in that looks at the page.
    pub here: bool,
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
    /// It was right, but that is too long ago.
    Unproven,
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

/// As many sign-ins and applications as are shown before the others are folded away.
const SHOWN: usize = 5;

impl Account<'_> {
    fn words(&self) -> Words {
        Words::in_language(self.layout.words.language)
    }

    fn device(&self, device: &Device) -> String {
        let words = self.words().page;
        match (device.browser, device.system) {
            (Some(browser), Some(system)) => (words.device)(browser, system),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            (None, None) => words.unknown_device.to_owned(),
        }
    }

    fn since(&self, application: &Application<'_>) -> String {
        let words = self.words().page;
        let when = self.layout.ago(&application.since);
        if application.asked { (words.allowed)(&when) } else { (words.entered)(&when) }
    }

    /// What happened, in words.
    fn happened(&self, line: &Activity<'_>) -> String {
        let words = self.words().activity;
        let client = line.client.as_deref().unwrap_or(words.an_application);
        match line.what {
            What::SignedIn => words.signed_in.to_owned(),
            What::SignInFailed => words.sign_in_failed.to_owned(),
            What::SignedOut => words.signed_out.to_owned(),
            What::SessionEnded => words.session_ended.to_owned(),
            What::OthersEnded => words.others_ended.to_owned(),
            What::Allowed => (words.allowed)(client),
            What::Denied => (words.denied)(client),
            What::Withdrawn => (words.withdrawn)(client),
            What::PasswordChanged => words.password_changed.to_owned(),
            What::PasswordFailed => words.password_failed.to_owned(),
            What::PasswordSet => words.password_set.to_owned(),
            What::Created => words.created.to_owned(),
            What::Updated => words.updated.to_owned(),
            What::Unlocked => words.unlocked.to_owned(),
            What::Disabled => words.disabled.to_owned(),
            What::Enabled => words.enabled.to_owned(),
        }
    }

    fn times(&self, count: usize) -> String {
        (self.words().activity.times)(count, count >= activity::MANY)
    }

    fn first<'b, T>(&self, all: &'b [T]) -> &'b [T] {
        all.get(..SHOWN).unwrap_or(all)
    }

    fn rest<'b, T>(&self, all: &'b [T]) -> &'b [T] {
        all.get(SHOWN..).unwrap_or_default()
    }

    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.here)
    }

    fn news(&self) -> Option<&'static str> {
        let words = self.words().page;
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
        let words = self.words().password;
        let login = login::words::WORDS.in_language(self.layout.words.language);
        Some(match self.password.problem? {
            PasswordProblem::Wrong => words.wrong.to_owned(),
            PasswordProblem::Unproven => words.unproven.to_owned(),
            PasswordProblem::Short(least) => (words.short)(least),
            PasswordProblem::Long => words.long.to_owned(),
            PasswordProblem::Weak => words.weak.to_owned(),
            PasswordProblem::Differ => words.differ.to_owned(),
            PasswordProblem::Same => words.same.to_owned(),
            PasswordProblem::Throttled(wait) => (login.throttled)(&self.layout.words.length(wait)),
            PasswordProblem::Busy => login.busy.to_owned(),
        })
    }

    /// The first field that is empty, which has the focus when something was wrong: no password stands in a page.
    fn has_focus(&self, field: &str) -> bool {
        let first = if self.password.proof.is_some() { "new" } else { "current" };
        self.password.problem.is_some() && field == first
    }

    /// What is wrong with the field of this name.
    fn problem_of(&self, field: &str) -> Option<String> {
        self.problem_text().filter(|_| self.is_wrong(field))
    }

    /// What is wrong with none of them.
    fn problem_apart(&self) -> Option<String> {
        let fields = ["current", "new", "again"];
        self.problem_text().filter(|_| !fields.into_iter().any(|field| self.is_wrong(field)))
    }

    /// Whether the problem lies in the field of this name.
    fn is_wrong(&self, field: &str) -> bool {
        let at = self.password.problem.and_then(|problem| match problem {
            PasswordProblem::Wrong | PasswordProblem::Unproven => Some("current"),
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
