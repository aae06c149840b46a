//! What the pages say, in each language.
//!
//! A language is a constant of the type [`Words`]: one that lacks a sentence does not compile.
//! Sentences are whole, so that each language orders its words as it likes; a value that goes into
//! one is an argument.

mod de;
mod en;
mod es;
mod fr;

use time::OffsetDateTime;

use crate::types::{Seconds, Timestamp};

/// All languages; the first is spoken where nothing else was asked for.
pub const LANGUAGES: [&Words; 4] = [&en::WORDS, &de::WORDS, &fr::WORDS, &es::WORDS];

/// The language of a request: of `ui_locales` (OIDC Core §3.1.2.1: tags in order of preference,
/// parted by spaces), else of `Accept-Language` (RFC 9110 §12.5.4), else English.
///
/// The answer is one of [`LANGUAGES`], however many tags somebody sends (THREATS HD-10).
pub fn choose(ui_locales: Option<&str>, accept_language: Option<&str>) -> &'static Words {
    /// More preferences than this are not a person's.
    const MOST: usize = 16;

    let asked = ui_locales.unwrap_or_default().split(' ').take(MOST).find_map(named);
    asked
        .or_else(|| {
            let mut ranges: Vec<(&str, f32)> =
                accept_language.unwrap_or_default().split(',').take(MOST).map(weighted).collect();
            ranges.retain(|(_, weight)| *weight > 0.0);
            // Stable: equals stay in the order they were sent in.
            ranges.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            ranges.into_iter().find_map(|(tag, _)| named(tag))
        })
        .unwrap_or(&en::WORDS)
}

/// The language of a tag, by its first subtag: `de-AT` is German.
pub fn named(tag: &str) -> Option<&'static Words> {
    let language = tag.trim().split(['-', '_']).next().unwrap_or_default();
    LANGUAGES.into_iter().find(|words| words.lang.eq_ignore_ascii_case(language))
}

/// A language range with its quality value (RFC 9110 §12.4.2).
fn weighted(range: &str) -> (&str, f32) {
    let (tag, rest) = range.split_once(';').unwrap_or((range, ""));
    let quality = rest.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse);
    (tag, quality.unwrap_or(0.0))
}

/// A sentence with a name in it.
pub type With = fn(&str) -> String;

/// Everything that the pages say in one language.
#[derive(Debug)]
pub struct Words {
    /// The language (BCP 47).
    pub lang: &'static str,
    /// What the language calls itself.
    pub language: &'static str,
    /// What stands on many pages.
    pub common: Common,
    /// Sign-in.
    pub login: Login,
    /// Which account?
    pub select: Select,
    /// What may the application do?
    pub consent: Consent,
    /// The account page.
    pub account: Account,
    /// What is kept about a person.
    pub details: Details,
    /// How a person proves who they are.
    pub security: Security,
    /// What happened to an account.
    pub activity: Activity,
    /// Changing the password.
    pub password: Password,
    /// Signing out.
    pub logout: Logout,
    /// The page at `/`.
    pub home: Home,
    /// The page that brings the answer to the application.
    pub form_post: FormPost,
    /// Standard scopes (OIDC Core §5.4).
    pub scopes: Scopes,
    /// The words around an error.
    pub error: ErrorPage,
    /// Errors that people meet.
    pub troubles: Troubles,
    /// Lengths and points of time.
    pub times: Times,
}

/// What stands on many pages.
#[derive(Debug)]
pub struct Common {
    /// The link to help.
    pub support: &'static str,
    /// The link to the privacy policy.
    pub privacy: &'static str,
    /// The link to the imprint.
    pub imprint: &'static str,
    /// A page's title with the organisation's name: what, where.
    pub title: fn(&str, &str) -> String,
    /// What stands before the title of a page that shows an error.
    pub problem: &'static str,
    /// The accessible name of the links at the foot.
    pub footer: &'static str,
    /// Before the language that the page speaks, where another can be chosen.
    pub language: &'static str,
    /// Said of a link that opens another tab.
    pub new_tab: &'static str,
    /// The accessible name of the button that shows a password as it is typed.
    pub show_password: &'static str,
    /// Said while the Caps Lock key is on.
    pub caps_lock: &'static str,
    /// The button that copies what stands beside it.
    pub copy: &'static str,
    /// What that button says afterwards.
    pub copied: &'static str,
}

/// Sign-in.
#[derive(Debug)]
pub struct Login {
    /// The heading without an application.
    pub title: &'static str,
    /// The heading with an application.
    pub title_to: With,
    /// The heading when whoever is signed in proves it again.
    pub confirm: &'static str,
    /// Whose account is asked for.
    pub subtitle: With,
    /// Label: username or e-mail.
    pub identifier: &'static str,
    /// Label: password.
    pub password: &'static str,
    /// Label: stay signed in.
    pub keep: &'static str,
    /// What that means.
    pub keep_detail: &'static str,
    /// The button.
    pub submit: &'static str,
    /// The button that goes back to an application.
    pub back: With,
    /// Unknown user or wrong password: the same words for both (THREATS UI-14).
    pub wrong: &'static str,
    /// The same where it is certain whose password it had to be.
    pub wrong_password: &'static str,
    /// Too many tries; the argument is how long to wait.
    pub throttled: With,
    /// The form was too old, or not ours.
    pub expired: &'static str,
    /// No hashing slot was free.
    pub busy: &'static str,
    /// Cookies seem to be off.
    pub cookies: &'static str,
}

/// Which account?
#[derive(Debug)]
pub struct Select {
    /// The heading.
    pub title: &'static str,
    /// For which application.
    pub subtitle: With,
    /// Sign in with another.
    pub other: &'static str,
}

/// What may the application do?
#[derive(Debug)]
pub struct Consent {
    /// The heading: may this application?
    pub title: With,
    /// Before the account.
    pub account: &'static str,
    /// Sign in as somebody else.
    pub not_you: &'static str,
    /// The heading of the list.
    pub asks: With,
    /// A group of scopes of an API.
    pub in_api: With,
    /// Said of what people should look twice at.
    pub sensitive: &'static str,
    /// What is about the person, in one line.
    pub about: &'static str,
    /// Single claims asked for; the argument is their list.
    pub claims: With,
    /// `offline_access`.
    pub offline: &'static str,
    /// What that means.
    pub offline_detail: &'static str,
    /// The button.
    pub allow: &'static str,
    /// The other button.
    pub deny: &'static str,
    /// Where the browser goes next.
    pub destination: With,
    /// It can be withdrawn.
    pub withdraw: &'static str,
    /// The application's privacy policy.
    pub policy: With,
    /// The application's terms.
    pub terms: With,
    /// What a claim is called (OIDC Core §5.1); `None` for one that is not a standard claim.
    pub claim: fn(&str) -> Option<&'static str>,
    /// The form was too old, or what it showed has changed.
    pub expired: &'static str,
}

/// The account page.
#[derive(Debug)]
pub struct Account {
    /// The page's title.
    pub title: &'static str,
    /// Sign out.
    pub sign_out: &'static str,
    /// The heading of the sessions.
    pub sessions: &'static str,
    /// What they are.
    pub sessions_detail: &'static str,
    /// This very browser.
    pub this_device: &'static str,
    /// A browser on a system.
    pub device: fn(&str, &str) -> String,
    /// Neither is known.
    pub unknown_device: &'static str,
    /// Signed in since; the argument is a time.
    pub since: With,
    /// Last seen; the argument is a time.
    pub active: With,
    /// End one; the button.
    pub end: &'static str,
    /// End all but this.
    pub end_others: &'static str,
    /// The heading of the applications.
    pub applications: &'static str,
    /// What they are.
    pub applications_detail: &'static str,
    /// There are none.
    pub no_applications: &'static str,
    /// Allowed since; the argument is a time.
    pub allowed: With,
    /// A trusted application was signed in to; the argument is a time.
    pub entered: With,
    /// When it was last used; the argument is a time.
    pub used: With,
    /// Its access outlives the sign-in.
    pub offline: &'static str,
    /// So many more of a list.
    pub more: fn(usize) -> String,
    /// The accessible name of the links to the sections.
    pub sections: &'static str,
    /// The link to the details.
    pub to_details: &'static str,
    /// The link to the applications.
    pub to_applications: &'static str,
    /// The link to what happened.
    pub to_activity: &'static str,
    /// The heading of what it may do.
    pub may: &'static str,
    /// Withdraw; the button.
    pub withdraw: &'static str,
    /// Said after a session was ended.
    pub ended: &'static str,
    /// Said after all others were ended.
    pub ended_others: &'static str,
    /// Said after access was withdrawn.
    pub withdrawn: &'static str,
    /// Said after the password was changed.
    pub password_changed: &'static str,
    /// Said when a form was too old, or not ours.
    pub expired: &'static str,
}

/// What is kept about a person.
#[derive(Debug)]
pub struct Details {
    /// The heading.
    pub title: &'static str,
    /// What it is, and who can change it; the argument is the organisation.
    pub detail: With,
    /// Somebody has made sure of it.
    pub verified: &'static str,
    /// Nobody has.
    pub unverified: &'static str,
    /// Label: the day on which the account was made.
    pub since: &'static str,
}

/// How a person proves who they are.
#[derive(Debug)]
pub struct Security {
    /// The heading.
    pub title: &'static str,
    /// When the password was last changed; the argument is a time.
    pub changed: With,
    /// There is none.
    pub no_password: &'static str,
    /// Label: how many browsers have signed in before.
    pub browsers: &'static str,
    /// What that is good for.
    pub browsers_detail: &'static str,
}

/// What happened to an account.
#[derive(Debug)]
pub struct Activity {
    /// The heading.
    pub title: &'static str,
    /// What it is.
    pub detail: &'static str,
    /// There is nothing.
    pub none: &'static str,
    /// How often in a row; `true`: at least.
    pub times: fn(usize, bool) -> String,
    /// An application that is gone.
    pub an_application: &'static str,
    /// A sign-in.
    pub signed_in: &'static str,
    /// One that failed.
    pub sign_in_failed: &'static str,
    /// A sign-out.
    pub signed_out: &'static str,
    /// A sign-in was ended from elsewhere.
    pub session_ended: &'static str,
    /// All sign-ins but one were ended.
    pub others_ended: &'static str,
    /// The argument is an application.
    pub allowed: With,
    /// The argument is an application.
    pub denied: With,
    /// The argument is an application.
    pub withdrawn: With,
    /// By the person.
    pub password_changed: &'static str,
    /// The present password was wrong.
    pub password_failed: &'static str,
    /// By an administrator.
    pub password_set: &'static str,
    /// The account was made.
    pub created: &'static str,
    /// Details were changed.
    pub updated: &'static str,
    /// What failed sign-ins had brought upon it was lifted.
    pub unlocked: &'static str,
    /// The account was disabled.
    pub disabled: &'static str,
    /// It was enabled again.
    pub enabled: &'static str,
}

/// Changing the password.
#[derive(Debug)]
pub struct Password {
    /// The heading.
    pub title: &'static str,
    /// What happens then.
    pub detail: &'static str,
    /// Label: the present one.
    pub current: &'static str,
    /// Label: the new one.
    pub new: &'static str,
    /// How long it must be.
    pub rule: fn(usize) -> String,
    /// Label: the new one again.
    pub again: &'static str,
    /// The button.
    pub submit: &'static str,
    /// The present one is wrong.
    pub wrong: &'static str,
    /// It was right too long ago.
    pub unproven: &'static str,
    /// It was right, and need not be typed again.
    pub proven: &'static str,
    /// The new one is too short.
    pub short: fn(usize) -> String,
    /// The new one is too long.
    pub long: &'static str,
    /// The new one is known to everybody, or is the username.
    pub weak: &'static str,
    /// The two differ.
    pub differ: &'static str,
    /// The new one is the present one.
    pub same: &'static str,
}

/// Signing out.
#[derive(Debug)]
pub struct Logout {
    /// The question; the argument is the organisation.
    pub title: With,
    /// An application asks for it.
    pub asked_by: With,
    /// What happens then.
    pub detail: &'static str,
    /// Yes.
    pub yes: &'static str,
    /// No.
    pub no: &'static str,
    /// The heading afterwards.
    pub done: &'static str,
    /// What has happened.
    pub done_detail: With,
    /// Sign in again.
    pub again: &'static str,
}

/// The page at `/`.
#[derive(Debug)]
pub struct Home {
    /// The heading; the argument is the organisation.
    pub title: With,
    /// What this is; the argument is the organisation.
    pub detail: With,
    /// The link to the account page.
    pub account: &'static str,
}

/// The page that brings the answer to the application.
#[derive(Debug)]
pub struct FormPost {
    /// The heading; the argument is the application.
    pub title: With,
    /// What to do if nothing happens.
    pub detail: &'static str,
    /// The button.
    pub submit: &'static str,
}

/// A scope in plain words.
#[derive(Debug)]
pub struct ScopeWords {
    /// What it is about, in a list; none for one that is not about what is known of a person.
    pub short: Option<&'static str>,
    /// What it is.
    pub name: &'static str,
    /// What it means.
    pub detail: &'static str,
}

/// Standard scopes (OIDC Core §5.4, §11).
#[derive(Debug)]
pub struct Scopes {
    /// `openid`
    pub openid: ScopeWords,
    /// `profile`
    pub profile: ScopeWords,
    /// `email`
    pub email: ScopeWords,
    /// `address`
    pub address: ScopeWords,
    /// `phone`
    pub phone: ScopeWords,
    /// `offline_access`
    pub offline_access: ScopeWords,
}

impl Words {
    /// A standard scope in plain words; `None` for one that is not.
    pub fn scope(&self, name: &str) -> Option<&ScopeWords> {
        match name {
            "openid" => Some(&self.scopes.openid),
            "profile" => Some(&self.scopes.profile),
            "email" => Some(&self.scopes.email),
            "address" => Some(&self.scopes.address),
            "phone" => Some(&self.scopes.phone),
            "offline_access" => Some(&self.scopes.offline_access),
            _ => None,
        }
    }
}

/// The words around an error.
#[derive(Debug)]
pub struct ErrorPage {
    /// What to do.
    pub next: &'static str,
    /// The heading of the facts.
    pub facts: &'static str,
    /// Label: the error code.
    pub code: &'static str,
    /// Label: what the application's developer should know.
    pub why: &'static str,
    /// Label: the refusal's id.
    pub reference: &'static str,
    /// The link to help.
    pub help: &'static str,
    /// The subject of a mail to those who help; the argument is the refusal's id.
    pub subject: With,
    /// Label: when.
    pub time: &'static str,
}

/// An error as people meet it.
#[derive(Debug)]
pub struct Plain {
    /// What happened, in a few words.
    pub title: &'static str,
    /// What happened, in a sentence or two.
    pub text: &'static str,
    /// What to do now.
    pub next: &'static str,
}

macro_rules! troubles {
    ($($(#[$meta:meta])* $name:ident $field:ident;)*) => {
        /// What people can run into.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Trouble {
            $($(#[$meta])* $name,)*
        }

        impl Trouble {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }

        /// Errors that people meet.
        #[derive(Debug)]
        pub struct Troubles {
            $($(#[$meta])* pub $field: Plain,)*
        }

        impl Words {
            /// A trouble in plain words.
            pub const fn trouble(&self, trouble: Trouble) -> &Plain {
                match trouble {
                    $(Trouble::$name => &self.troubles.$field,)*
                }
            }
        }
    };
}

troubles! {
    /// No such client, or it is disabled.
    UnknownClient unknown_client;
    /// The redirect URI is not one of the client's.
    RedirectUri redirect_uri;
    /// The application asked for something that makes no sense.
    BadRequest bad_request;
    /// The authorization request is too old, was answered already, or never was.
    Expired expired;
    /// A form that did not come from our own page (THREATS UI-01).
    ForeignForm foreign_form;
    /// Too many requests.
    TooMany too_many;
    /// We are overloaded, or the database is away: 503.
    Busy busy;
    /// We broke: 500.
    Broken broken;
    /// No such page: 404.
    NotFound not_found;
    /// A sign-out request that cannot be believed (THREATS LO-03).
    BadLogout bad_logout;
}

/// Lengths and points of time.
#[derive(Debug)]
pub struct Times {
    /// Less than a minute ago.
    pub just_now: &'static str,
    /// A length that lies in the past.
    pub ago: With,
    /// On a day.
    pub on: With,
    /// So many seconds.
    pub seconds: fn(i64) -> String,
    /// So many minutes.
    pub minutes: fn(i64) -> String,
    /// So many hours.
    pub hours: fn(i64) -> String,
    /// So many days.
    pub days: fn(i64) -> String,
    /// Day of the month, name of the month, year.
    pub date: fn(u8, &str, i32) -> String,
    /// The months' names.
    pub months: [&'static str; 12],
}

impl Words {
    /// How long ago, up to a month; before that, the day (in UTC: nobody tells us the reader's
    /// time zone, and for a day a month ago it matters little).
    pub fn ago(&self, then: Timestamp, now: Timestamp) -> String {
        let Seconds(age) = now - then;
        let length = match age {
            ..60 => return self.times.just_now.to_owned(),
            60..3600 => (self.times.minutes)(age / 60),
            3600..86_400 => (self.times.hours)(age / 3600),
            86_400..2_592_000 => (self.times.days)(age / 86_400),
            2_592_000.. => return (self.times.on)(&self.date(then)),
        };
        (self.times.ago)(&length)
    }

    /// A length of time to wait, rounded up so that nobody comes too early.
    pub fn length(&self, Seconds(length): Seconds) -> String {
        let up = |unit: i64| length.saturating_add(unit - 1) / unit;
        match length {
            ..=90 => (self.times.seconds)(length.max(1)),
            91..=5400 => (self.times.minutes)(up(60)),
            5401.. => (self.times.hours)(up(3600)),
        }
    }

    /// The day, in UTC.
    pub fn date(&self, at: Timestamp) -> String {
        let Ok(day) = OffsetDateTime::from_unix_timestamp(at.0).map(OffsetDateTime::date) else {
            return at.to_string();
        };
        let month = usize::from(u8::from(day.month()) - 1);
        let month = self.times.months.get(month).copied().unwrap_or_default();
        (self.times.date)(day.day(), month, day.year())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_is_heard_before_the_browser() {
        let lang = |ui, accept| choose(ui, accept).lang;

        assert_eq!(lang(Some("de-AT fr"), Some("es")), "de");
        assert_eq!(lang(Some("ja fr-CA"), Some("es")), "fr");
        assert_eq!(lang(Some("ja"), Some("es-MX,es;q=0.9,en;q=0.8")), "es");
        assert_eq!(lang(None, Some("en;q=0.5, de;q=0.7")), "de");
        assert_eq!(lang(None, Some("de;q=0, fr;q=nonsense, en")), "en");
        assert_eq!(lang(None, None), "en");
    }

    /// THREATS HD-10.
    #[test]
    fn nobody_can_make_us_read_for_ever() {
        let late = format!("{}de", "xx ".repeat(1000));

        assert_eq!(choose(Some(&late), None).lang, "en");
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        let now = Timestamp(1_795_000_000);
        let ago = |words: &Words, seconds| words.ago(now - Seconds(seconds), now);

        assert_eq!(ago(&en::WORDS, 5), "just now");
        assert_eq!(ago(&en::WORDS, -5), "just now");
        assert_eq!(ago(&en::WORDS, 60), "1 minute ago");
        assert_eq!(ago(&de::WORDS, 7200), "vor 2 Stunden");
        assert_eq!(ago(&fr::WORDS, 86_400), "il y a 1 jour");
        assert_eq!(ago(&es::WORDS, 259_200), "hace 3 días");
        assert_eq!(ago(&en::WORDS, 2_592_000), "on 19 October 2026");
        assert_eq!(fr::WORDS.date(Timestamp(1_790_812_800)), "1er octobre 2026");
        assert_eq!(en::WORDS.length(Seconds(0)), "1 second");
        assert_eq!(de::WORDS.length(Seconds(301)), "6 Minuten");
        assert_eq!(en::WORDS.length(Seconds(7200)), "2 hours");
    }
}
