//! The page of the audit trail, as its template sees it.

use askama::Template;

use super::words::{self, Words};
use crate::console::events::EventLine;
use crate::console::layout::Navigation;
use crate::record::Kind;

/// `templates/console/audit.html`.
#[derive(Debug, Template)]
#[template(path = "console/audit.html")]
pub(in crate::console) struct Audit<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The filter as entered.
    pub(in crate::console) typed: Typed<'a>,
    /// Why the filter selects nothing.
    pub(in crate::console) problem: Option<&'a str>,
    /// The events, the newest first.
    pub(in crate::console) events: Vec<EventLine<'a>>,
    /// The query of the next page.
    pub(in crate::console) next: Option<String>,
    /// The query of the first page, if this is another one.
    pub(in crate::console) first: Option<String>,
}

/// The filter as entered; without any of these, administrative changes are shown.
#[derive(Clone, Copy, Debug)]
pub(in crate::console) struct Typed<'a> {
    /// The kind of the events.
    pub(in crate::console) kind: &'a str,
    /// A client.
    pub(in crate::console) client: &'a str,
    /// A user.
    pub(in crate::console) user: &'a str,
    /// A request.
    pub(in crate::console) request: &'a str,
}

impl Typed<'_> {
    /// Whether anything is selected.
    pub(super) fn is_filter(self) -> bool {
        [self.kind, self.client, self.user, self.request].iter().any(|text| !text.is_empty())
    }

    /// The query of a page with this filter.
    pub(super) fn link(self, after: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new("?".to_owned());
        for (name, value) in [
            ("kind", self.kind),
            ("client", self.client),
            ("user", self.user),
            ("request", self.request),
            ("after", after.unwrap_or_default()),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

impl Audit<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    const fn kinds(&self) -> &'static [Kind] {
        Kind::ALL
    }
}
