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
    /// The data of every page.
    pub layout: Layout<'a>,
    /// The application.
    pub client: Client<'a>,
    /// Its home page, shown by its host.
    pub home: Option<Link<'a>>,
    /// Its privacy policy.
    pub policy: Option<Link<'a>>,
    /// Its terms.
    pub terms: Option<Link<'a>>,
    /// The host of the redirect URI; `None` for an app on the device.
    pub destination: Option<&'a str>,
    /// The signed-in user (THREATS UI-02).
    pub person: Person<'a>,
    /// The requested access.
    pub access: RequestedAccess<'a>,
    /// The form token.
    pub csrf: &'a str,
    /// The handle of the waiting request.
    pub request: &'a str,
    /// The digest of the content: consent is given to what was displayed (THREATS UI-11).
    pub content_digest: &'a str,
    /// Whether the last decision was not accepted because the form had expired.
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

    /// Whether access to data about the user is requested.
    fn has_about(&self) -> bool {
        !self.access.about.is_empty() || !self.access.claims.is_empty()
    }

    /// Whether the access to data about the user has several lines, which are folded.
    fn folds(&self) -> bool {
        self.access.about.len() + usize::from(!self.access.claims.is_empty()) > 1
    }

    /// The summary of the folded lines. `openid` is implied.
    fn summary(&self) -> String {
        let words = self.layout.words;
        let short = self.access.about.iter().filter_map(|line| words.scope(line.scope)?.short);
        let claims = self.access.claims.iter();
        let claims = claims.map(|name| (words.claims.name)(name).unwrap_or(name));
        capitalised(&short.chain(claims).collect::<Vec<_>>().join(", "))
    }
}

/// The text with a capital first letter.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
