//! The language that a person has chosen at the foot of a page: decision 46.

use axum::http::{HeaderValue, Method};

use super::Head;
use super::cookies::Cookie;
use super::layout::Layout;
use super::words::{self, LANGUAGES, Words};
use crate::types::{Seconds, Secret};

/// The parameter of an address of ours that holds the choice.
const PARAMETER: &str = "gw_language";

/// How long a browser keeps the choice: browsers keep no cookie for longer than 400 days.
const KEPT: Seconds = Seconds::days(365);

/// Where a page is found again, in whichever language.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// Its path below the issuer; none where it was asked for under its own address.
    path: Option<&'static str>,
    /// Its query.
    query: &'a str,
    /// The handle of the request that waits, where it came in a form because it is too long for an address.
    pub request: Option<&'a str>,
}

/// A language to choose.
#[derive(Debug)]
pub struct Choice {
    /// What speaks it.
    pub words: &'static Words,
    /// The address of the page in this language.
    pub href: String,
    /// Whether it is the one that the page speaks.
    pub is_current: bool,
}

impl<'a> Layout<'a> {
    /// The same for the page at this path, whatever the address that a form was sent to.
    #[must_use]
    pub fn at(mut self, path: &'static str) -> Self {
        if let Some(place) = &mut self.place {
            place.path = Some(path);
        }
        self
    }

    /// The same for a page about a request that waits.
    #[must_use]
    pub fn about(mut self, request: Option<&'a str>) -> Self {
        if let Some(place) = &mut self.place {
            let is_in_address = pairs(place.query).any(|(name, _)| name == "request");
            place.request = request.filter(|_| !is_in_address);
        }
        self
    }

    /// The languages that the page can be read in; none where it has only one.
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
            // A reference without a path: the browser stays where it is, whatever that is called.
            href: format!("{start}{PARAMETER}={}", words.lang),
            is_current: words.lang == self.words.lang,
        };
        LANGUAGES.into_iter().map(choice).collect()
    }
}

/// The parameters of a query as they stand there, with their names.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| (pair.split('=').next().unwrap_or(pair), pair))
}

impl Head {
    /// Where the page is found that answers this request. A form without a query went to an address that
    /// shows nothing by itself: from there, one comes home.
    pub(super) fn place(&self) -> Place<'_> {
        match (&self.method, self.uri.query()) {
            (_, Some(query)) => Place { path: None, query, request: None },
            (&Method::GET, None) => Place { path: None, query: "", request: None },
            (_, None) => Place { path: Some("/"), query: "", request: None },
        }
    }

    /// The words of the language that the person has chosen: with this address, or before in this browser.
    pub(super) fn chosen_words(&self) -> Option<&'static Words> {
        let kept = || self.site.cookies.read(&self.headers, Cookie::Language);
        self.words_in_address().or_else(|| words::named(kept()?))
    }

    fn words_in_address(&self) -> Option<&'static Words> {
        let query = self.query().ok()?;
        words::named(query.one(PARAMETER).ok()??)
    }

    /// The `Set-Cookie` that keeps what was chosen with this address. Another site may link to a page in any
    /// language; it does not choose for the time after.
    pub(super) fn kept_words(&self) -> Option<HeaderValue> {
        let words = self.words_in_address()?;
        let is_ours = matches!(self.text("sec-fetch-site"), None | Some("same-origin" | "none"));
        let value = Secret::new(words.lang);
        is_ours.then(|| self.site.cookies.keep(Cookie::Language, &value, Some(KEPT)))?
    }
}
