//! The account page, as its template sees it.

use std::borrow::Cow;

use askama::Template;

use super::words::Words;
use crate::page::login;
use crate::page::view::{Client, Person};
use crate::people::activity::ActivityKind;
use crate::render::layout::{Layout, Link};
use crate::render::user_agent::Device;
use crate::types::{Seconds, Timestamp};

/// `templates/account.html`.
///
/// Its forms post `csrf` and: `/account/sessions/end` (`session`), `/account/sessions/end-others`,
/// `/account/applications/withdraw` (`client_id`), `/account/password` (`current`, `new`, `again`).
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct Account<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
    /// The user.
    pub person: Person<'a>,
    /// The stored details.
    pub details: Vec<Detail<'a>>,
    /// The form token.
    pub csrf: &'a str,
    /// The unique id of the password form.
    pub form: &'a str,
    /// The result of the last form.
    pub notice: Option<Notice>,
    /// The sessions, this one first.
    pub sessions: Vec<SessionLine<'a>>,
    /// The time of the last change of the password.
    pub password_set_at: Option<Timestamp>,
    /// The number of known browsers.
    pub browsers: i64,
    /// The applications with access.
    pub applications: Vec<Application<'a>>,
    /// The recent events, the newest first.
    pub activity: Vec<ActivityLine<'a>>,
    /// The minimum length of a password.
    pub least: usize,
    /// The form that changes the password.
    pub password: PasswordForm<'a>,
}

/// The form that changes the password.
#[derive(Clone, Copy, Debug, Default)]
pub struct PasswordForm<'a> {
    /// Why the password was not changed.
    pub problem: Option<PasswordProblem>,
    /// The sealed proof of the current password.
    pub proof: Option<&'a str>,
}

/// A valid session.
#[derive(Clone, Debug)]
pub struct SessionLine<'a> {
    /// Its id, which the form posts.
    pub id: &'a str,
    /// The device of the browser.
    pub device: Device,
    /// The address of the sign-in.
    pub address: &'a str,
    /// The time of the sign-in.
    pub since: Timestamp,
    /// The time of the last use.
    pub active: Timestamp,
    /// Whether it is the session of this request.
    pub is_current: bool,
}

/// A stored detail of a user.
#[derive(Clone, Debug)]
pub struct Detail<'a> {
    /// Its label.
    pub name: &'a str,
    /// Its value, possibly with several lines.
    pub value: Cow<'a, str>,
    /// Whether it is verified, for details that can be.
    pub verified: Option<bool>,
}

/// An application that may use the account.
#[derive(Clone, Debug)]
pub struct Application<'a> {
    /// Its `client_id`, which the form posts.
    pub id: &'a str,
    /// Its name and logo.
    pub client: Client<'a>,
    /// Its home page, shown by its host.
    pub home: Option<Link<'a>>,
    /// The host of its redirect URI, if that differs from the home page's or is the only one known.
    pub host: Option<&'a str>,
    /// The time of the consent, or of the first sign-in to a trusted application.
    pub since: Timestamp,
    /// Whether the access needed consent: trusted applications need none.
    pub needed_consent: bool,
    /// The time when it was last issued tokens, if known.
    pub used: Option<Timestamp>,
    /// Whether its access outlives the session.
    pub offline: bool,
    /// The texts of its access.
    pub may: Vec<Cow<'a, str>>,
}

/// A recent event, or several failures in a row.
#[derive(Clone, Debug)]
pub struct ActivityLine<'a> {
    /// The kind.
    pub kind: ActivityKind,
    /// The name of the application, for use within a sentence.
    pub client: Option<Cow<'a, str>>,
    /// The device of the browser, if known.
    pub device: Option<Device>,
    /// The address, if known.
    pub address: Option<&'a str>,
    /// The time of the latest event.
    pub at: Timestamp,
    /// The number of events in a row.
    pub count: usize,
    /// Whether it came from the session of this request.
    pub is_current: bool,
}

/// The result of a form.
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
    /// Nothing was changed: the form token has expired or is foreign.
    Expired,
}

impl Notice {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Ended, Self::EndedOthers, Self::Withdrawn, Self::PasswordChanged, Self::Expired];

    /// The value in the query of the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::EndedOthers => "ended-others",
            Self::Withdrawn => "withdrawn",
            Self::PasswordChanged => "password-changed",
            Self::Expired => "expired",
        }
    }

    /// Parses the value in the query.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }
}

/// Why a password was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordProblem {
    /// The current one is wrong.
    Wrong,
    /// The proof of the current one has expired.
    Unproven,
    /// The new one is shorter than this minimum.
    Short(usize),
    /// The new one is too long.
    Long,
    /// The new one is easy to guess, or made of the username.
    Weak,
    /// The two entries of the new one differ.
    Differ,
    /// The new one is the current one.
    Same,
    /// Too many attempts; the time to wait.
    Throttled(Seconds),
    /// The hashing queue is full.
    Busy,
}

/// The number of sessions and applications shown before the rest is folded.
const UNFOLDED: usize = 5;

impl Account<'_> {
    fn words(&self) -> Words {
        Words::in_language(self.layout.words.language)
    }

    fn device(&self, device: &Device) -> String {
        device.name(self.layout.words.language)
    }

    fn since(&self, application: &Application<'_>) -> String {
        let words = self.words().page;
        let when = self.layout.ago(&application.since);
        if application.needed_consent { (words.allowed)(&when) } else { (words.entered)(&when) }
    }

    /// The text of an event.
    fn describe(&self, line: &ActivityLine<'_>) -> String {
        self.words().activity.describe(line.kind, line.client.as_deref())
    }

    fn times(&self, count: usize) -> String {
        self.words().activity.times(count)
    }

    fn first<'b, T>(&self, all: &'b [T]) -> &'b [T] {
        all.get(..UNFOLDED).unwrap_or(all)
    }

    fn rest<'b, T>(&self, all: &'b [T]) -> &'b [T] {
        all.get(UNFOLDED..).unwrap_or_default()
    }

    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_current)
    }

    fn notice_text(&self) -> Option<&'static str> {
        let words = self.words().page;
        Some(match self.notice? {
            Notice::Ended => words.ended,
            Notice::EndedOthers => words.ended_others,
            Notice::Withdrawn => words.withdrawn,
            Notice::PasswordChanged => words.password_changed,
            Notice::Expired => words.expired,
        })
    }

    fn is_error_notice(&self) -> bool {
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

    /// Whether the field has the focus after a problem: the first empty one, because passwords are not shown again.
    fn has_focus(&self, field: &str) -> bool {
        let first = if self.password.proof.is_some() { "new" } else { "current" };
        self.password.problem.is_some() && field == first
    }

    /// The problem of the field with this name.
    fn problem_of(&self, field: &str) -> Option<String> {
        self.problem_text().filter(|_| self.is_wrong(field))
    }

    /// A problem that belongs to no field.
    fn problem_apart(&self) -> Option<String> {
        let fields = ["current", "new", "again"];
        self.problem_text().filter(|_| !fields.into_iter().any(|field| self.is_wrong(field)))
    }

    /// Whether the problem belongs to the field with this name.
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
