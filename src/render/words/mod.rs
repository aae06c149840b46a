//! The texts that several pages share, in each language, and the choice of the language.
//!
//! The texts of one page are in its folder, in the file `words.rs`, as [`Translations`]. A language that lacks a text
//! does not compile. Sentences are whole, because languages differ in their order of words; a value within a sentence
//! is an argument.

mod de;
mod en;
mod es;
mod fr;

use time::OffsetDateTime;

use crate::types::{Seconds, Timestamp};

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `en`
    English,
    /// `de`
    German,
    /// `fr`
    French,
    /// `es`
    Spanish,
}

/// The texts of a page in every language.
#[derive(Debug)]
pub struct Translations<T> {
    /// English.
    pub en: T,
    /// German.
    pub de: T,
    /// French.
    pub fr: T,
    /// Spanish.
    pub es: T,
}

impl<T> Translations<T> {
    /// The texts in this language.
    pub const fn in_language(&self, language: Language) -> &T {
        match language {
            Language::English => &self.en,
            Language::German => &self.de,
            Language::French => &self.fr,
            Language::Spanish => &self.es,
        }
    }
}

/// All languages. The first one is the default.
pub const LANGUAGES: [&Words; 4] = [&en::WORDS, &de::WORDS, &fr::WORDS, &es::WORDS];

/// Selects the language of a request: from `ui_locales` (OIDC Core §3.1.2.1: tags in order of preference, separated by
/// spaces), else from `Accept-Language` (RFC 9110 §12.5.4), else English.
///
/// Returns one of [`LANGUAGES`] for any number of tags (THREATS HD-10).
pub fn choose(ui_locales: Option<&str>, accept_language: Option<&str>) -> &'static Words {
    /// The maximum number of tags that are examined.
    const MOST: usize = 16;

    let requested = ui_locales.unwrap_or_default().split(' ').take(MOST).find_map(by_tag);
    requested
        .or_else(|| {
            let mut ranges: Vec<(&str, f32)> =
                accept_language.unwrap_or_default().split(',').take(MOST).map(weighted).collect();
            ranges.retain(|(_, weight)| *weight > 0.0);
            // Stable: equals stay in the order they were sent in.
            ranges.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            ranges.into_iter().find_map(|(tag, _)| by_tag(tag))
        })
        .unwrap_or(&en::WORDS)
}

/// The language of a tag, by its first subtag: `de-AT` is German.
pub fn by_tag(tag: &str) -> Option<&'static Words> {
    let language = tag.trim().split(['-', '_']).next().unwrap_or_default();
    LANGUAGES.into_iter().find(|words| words.lang.eq_ignore_ascii_case(language))
}

/// A language range with its quality value (RFC 9110 §12.4.2).
fn weighted(range: &str) -> (&str, f32) {
    let (tag, rest) = range.split_once(';').unwrap_or((range, ""));
    let quality = rest.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse);
    (tag, quality.unwrap_or(0.0))
}

/// A sentence with one argument.
pub type With = fn(&str) -> String;

/// The shared texts in one language.
#[derive(Debug)]
pub struct Words {
    /// The language tag (BCP 47).
    pub lang: &'static str,
    /// The language.
    pub language: Language,
    /// The name of the language in the language itself.
    pub endonym: &'static str,
    /// Texts of several pages.
    pub common: Common,
    /// Standard claims (OIDC Core §5.1).
    pub claims: Claims,
    /// The page that posts the authorization response to the application.
    pub form_post: FormPost,
    /// Standard scopes (OIDC Core §5.4).
    pub scopes: Scopes,
    /// The error page.
    pub error: ErrorPage,
    /// The kinds of errors.
    pub error_kinds: ErrorTexts,
    /// Durations and dates.
    pub times: Times,
}

/// Texts of several pages.
#[derive(Debug)]
pub struct Common {
    /// The link to help.
    pub support: &'static str,
    /// The link to the privacy policy.
    pub privacy: &'static str,
    /// The link to the imprint.
    pub imprint: &'static str,
    /// The title of a page; the arguments are its name and the organisation.
    pub title: fn(&str, &str) -> String,
    /// The prefix of the title of a page that shows an error.
    pub problem: &'static str,
    /// The accessible name of the footer.
    pub footer: &'static str,
    /// Label: the language of the page.
    pub language: &'static str,
    /// The hint at a link that opens another tab.
    pub new_tab: &'static str,
    /// The accessible name of the button that shows the password.
    pub show_password: &'static str,
    /// The hint while Caps Lock is on.
    pub caps_lock: &'static str,
    /// The button that copies a value.
    pub copy: &'static str,
    /// The label of that button after the copy.
    pub copied: &'static str,
    /// The button or link that leads back to an application.
    pub back_to: With,
    /// Label: password.
    pub password: &'static str,
    /// Label: the account.
    pub signed_in_as: &'static str,
    /// The button that leads to another account.
    pub not_you: &'static str,
    /// The name of the account page.
    pub your_account: &'static str,
    /// The button that ends a session.
    pub sign_out: &'static str,
    /// The line that names the application.
    pub to_continue_to: With,
}

/// Standard claims (OIDC Core §5.1).
#[derive(Debug)]
pub struct Claims {
    /// The label of a claim; `None` if it is not a standard claim.
    pub name: fn(&str) -> Option<&'static str>,
    /// The line with individually requested claims; the argument is their list.
    pub see: With,
}

/// The page that posts the authorization response to the application.
#[derive(Debug)]
pub struct FormPost {
    /// The heading; the argument is the application.
    pub title: With,
    /// What to do if nothing happens.
    pub detail: &'static str,
    /// The button.
    pub submit: &'static str,
}

/// The text of a standard scope.
#[derive(Debug)]
pub struct ScopeWords {
    /// The short form for a list of data; `None` for a scope that is not about data of the user.
    pub short: Option<&'static str>,
    /// The text.
    pub name: &'static str,
    /// The explanation.
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
    /// The text of a scope; `None` if it is not a standard scope.
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

/// The error page.
#[derive(Debug)]
pub struct ErrorPage {
    /// The heading of the advice.
    pub next: &'static str,
    /// The heading of the facts.
    pub facts: &'static str,
    /// Label: the error code.
    pub code: &'static str,
    /// Label: the description for the developer of the application.
    pub why: &'static str,
    /// Label: the request id.
    pub reference: &'static str,
    /// The link to help.
    pub help: &'static str,
    /// The subject of a mail to support; the argument is the request id.
    pub subject: With,
    /// Label: the time.
    pub time: &'static str,
}

/// The text of an error.
#[derive(Debug)]
pub struct ErrorText {
    /// What happened, in a few words.
    pub title: &'static str,
    /// What happened, in a sentence or two.
    pub text: &'static str,
    /// What to do next.
    pub next: &'static str,
}

macro_rules! error_kinds {
    ($($(#[$meta:meta])* $name:ident $field:ident;)*) => {
        /// A kind of error, as explained to users.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorKind {
            $($(#[$meta])* $name,)*
        }

        impl ErrorKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }

        /// The texts of all kinds of errors.
        #[derive(Debug)]
        pub struct ErrorTexts {
            $($(#[$meta])* pub $field: ErrorText,)*
        }

        impl Words {
            /// The text of a kind of error.
            pub const fn error_text(&self, kind: ErrorKind) -> &ErrorText {
                match kind {
                    $(ErrorKind::$name => &self.error_kinds.$field,)*
                }
            }
        }
    };
}

error_kinds! {
    /// No such client, or it is disabled.
    UnknownClient unknown_client;
    /// The redirect URI is not one of the client's.
    RedirectUri redirect_uri;
    /// The request of the application is invalid.
    BadRequest bad_request;
    /// The authorization request has expired, was completed already, or does not exist.
    Expired expired;
    /// A form that did not come from a page of this server (THREATS UI-01).
    ForeignForm foreign_form;
    /// Too many requests.
    TooMany too_many;
    /// The server is overloaded, or the database is unavailable: 503.
    Busy busy;
    /// The server failed: 500.
    Broken broken;
    /// No such page: 404.
    NotFound not_found;
    /// A sign-out request that cannot be verified (THREATS LO-03).
    BadLogout bad_logout;
}

/// Durations and dates.
#[derive(Debug)]
pub struct Times {
    /// Less than a minute ago.
    pub just_now: &'static str,
    /// A duration ago.
    pub ago: With,
    /// On a date.
    pub on: With,
    /// A number of seconds.
    pub seconds: fn(i64) -> String,
    /// A number of minutes.
    pub minutes: fn(i64) -> String,
    /// A number of hours.
    pub hours: fn(i64) -> String,
    /// A number of days.
    pub days: fn(i64) -> String,
    /// A date; the arguments are the day, the name of the month and the year.
    pub date: fn(u8, &str, i32) -> String,
    /// The names of the months.
    pub months: [&'static str; 12],
}

impl Words {
    /// The time since `then`, up to a month; after that, the date. The date is in UTC, because the time zone of the
    /// user is unknown.
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

    /// A duration to wait, rounded up so that it is not too short.
    pub fn length(&self, Seconds(length): Seconds) -> String {
        let up = |unit: i64| length.saturating_add(unit - 1) / unit;
        match length {
            ..=90 => (self.times.seconds)(length.max(1)),
            91..=5400 => (self.times.minutes)(up(60)),
            5401.. => (self.times.hours)(up(3600)),
        }
    }

    /// The date, in UTC.
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
    fn ui_locales_come_before_accept_language() {
        let lang = |ui, accept| choose(ui, accept).lang;

        assert_eq!(lang(Some("de-AT fr"), Some("es")), "de");
        assert_eq!(lang(Some("ja fr-CA"), Some("es")), "fr");
        assert_eq!(lang(Some("ja"), Some("es-MX,es;q=0.9,en;q=0.8")), "es");
        assert_eq!(lang(None, Some("en;q=0.5, de;q=0.7")), "de");
        assert_eq!(lang(None, Some("de;q=0, fr;q=nonsense, ja")), "en");
        assert_eq!(lang(None, None), "en");
    }

    /// THREATS HD-10.
    #[test]
    fn the_number_of_examined_tags_is_limited() {
        let late = format!("{}de", "xx ".repeat(1000));

        assert_eq!(choose(Some(&late), None).lang, "en");
        assert_eq!(choose(None, Some(&late.replace(' ', ","))).lang, "en");
    }

    #[test]
    fn times_are_worded_in_every_language() {
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
