//! The consent page, as its template sees it.

use askama::Template;

use super::access::RequestedAccess;
use super::words::{self, Words};
use crate::page::view::{Client, Person};
use crate::render::layout::{Layout, Link};

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
    pub access: RequestedAccess<'a>,
    /// The form token.
    pub csrf: &'a str,
    /// The handle of the request that waits.
    pub request: &'a str,
    /// The digest of what is shown: what is granted is what was seen (THREATS UI-11).
    pub shown: &'a str,
    /// Whether the last answer came too late and was not taken.
    pub expired: bool,
}

impl Consent<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }

    fn claims_text(&self) -> Option<String> {
        let words = &self.layout.words.claims;
        let names: Vec<&str> =
            self.access.claims.iter().map(|name| (words.name)(name).unwrap_or(name)).collect();
        (!names.is_empty()).then(|| (words.see)(&names.join(", ")))
    }

    /// Whether anything is about the person.
    fn has_about(&self) -> bool {
        !self.access.about.is_empty() || !self.access.claims.is_empty()
    }

    /// Whether what is about the person is more than one line, which then opens.
    fn folds(&self) -> bool {
        self.access.about.len() + usize::from(!self.access.claims.is_empty()) > 1
    }

    /// What the line that opens holds: that somebody is recognised goes without saying there.
    fn covers(&self) -> String {
        let words = self.layout.words;
        let short = self.access.about.iter().filter_map(|line| words.scope(line.scope)?.short);
        let claims = self.access.claims.iter();
        let claims = claims.map(|name| (words.claims.name)(name).unwrap_or(name));
        capitalised(&short.chain(claims).collect::<Vec<_>>().join(", "))
    }
}

/// A text that begins with a capital letter.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
