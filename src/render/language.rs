//! The choice of the language at the foot of a page: decision 46.

use axum::http::{HeaderValue, Method};

use super::Head;
use super::cookies::Cookie;
use super::layout::Layout;
use super::words::{self, LANGUAGES, Words};
use crate::types::{Seconds, Secret};

/// The query parameter with the chosen language.
const PARAMETER: &str = "gw_language";

/// The lifetime of the language cookie. Browsers limit lifetimes to 400 days.
const LIFETIME: Seconds = Seconds::days(365);

/// The URL of a page without its language.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The path below the issuer; `None` if the page was requested at its own path.
    path: Option<&'static str>,
    /// The query.
    query: &'a str,
    /// The handle of the waiting request, if it came in a form because it is too long for a URL.
    pub request: Option<&'a str>,
}

/// A language to choose from.
#[derive(Debug)]
pub struct Choice {
    /// Its shared texts.
    pub words: &'static Words,
    /// The URL of the page in this language.
    pub href: String,
    /// Whether it is the language of the page.
    pub is_current: bool,
}

impl<'a> Layout<'a> {
    /// Sets the path of the page, for responses to a form that was posted to another path.
    #[must_use]
    pub fn at(mut self, path: &'static str) -> Self {
        if let Some(place) = &mut self.place {
            place.path = Some(path);
        }
        self
    }

    /// Sets the waiting request that the page is about.
    #[must_use]
    pub fn about(mut self, request: Option<&'a str>) -> Self {
        if let Some(place) = &mut self.place {
            let is_in_query = pairs(place.query).any(|(name, _)| name == "request");
            place.request = request.filter(|_| !is_in_query);
        }
        self
    }

    /// The languages of the page; none if it has only one.
    pub fn languages(&self) -> Vec<Choice> {
        let Some(place) = &self.place else { return Vec::new() };
        let mut start =
            place.path.map(|path| format!("{}{path}", self.look.base)).unwrap_or_default();
        start.push('?');
        for (_, pair) in pairs(place.query).filter(|(name, _)| *name != PARAMETER) {
            start.push_str(pair);
            start.push('&');
        }
        let choice = |words: &'static Words| Choice {
            words,
            // A relative reference without a path keeps the current path.
            href: format!("{start}{PARAMETER}={}", words.lang),
            is_current: words.lang == self.words.lang,
        };
        LANGUAGES.into_iter().map(choice).collect()
    }
}

/// The undecoded parameters of a query, with their names.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| (pair.split('=').next().unwrap_or(pair), pair))
}

impl Head {
    /// The place of the page that responds to this request. A form without a query was posted to a path that has no
    /// page of its own: its place is `/`.
    pub(super) fn place(&self) -> Place<'_> {
        match (&self.method, self.uri.query()) {
            (_, Some(query)) => Place { path: None, query, request: None },
            (&Method::GET, None) => Place { path: None, query: "", request: None },
            (_, None) => Place { path: Some("/"), query: "", request: None },
        }
    }

    /// The texts in the language that the user has chosen, in the query of this request or earlier in this browser.
    pub(super) fn chosen_words(&self) -> Option<&'static Words> {
        let stored = || self.site.cookies.read(&self.headers, Cookie::Language);
        self.words_in_query().or_else(|| words::by_tag(stored()?))
    }

    fn words_in_query(&self) -> Option<&'static Words> {
        let query = self.query().ok()?;
        words::by_tag(query.one(PARAMETER).ok()??)
    }

    /// The `Set-Cookie` field that stores the language in the query of this request. A link on another site selects
    /// the language of that page only.
    pub(super) fn language_cookie(&self) -> Option<HeaderValue> {
        let words = self.words_in_query()?;
        let is_same_origin =
            matches!(self.text("sec-fetch-site"), None | Some("same-origin" | "none"));
        let value = Secret::new(words.lang);
        is_same_origin.then(|| self.site.cookies.set(Cookie::Language, &value, Some(LIFETIME)))?
    }
}
