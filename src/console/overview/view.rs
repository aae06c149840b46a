//! The overview, as its template sees it.

use askama::Template;

use super::words::{self, Words};
use crate::console::events::EventLine;
use crate::console::layout::Navigation;
use crate::types::Timestamp;

/// `templates/console/overview.html`.
#[derive(Debug, Template)]
#[template(path = "console/overview.html")]
pub(in crate::console) struct Overview<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// Certificates that expire soon.
    pub(in crate::console) expiring: Vec<Expiring<'a>>,
    /// The latest refused requests.
    pub(in crate::console) refusals: Vec<EventLine<'a>>,
    /// The latest administrative changes.
    pub(in crate::console) changes: Vec<EventLine<'a>>,
    /// Whether there is no application yet, and the administrator can register one.
    pub(in crate::console) may_create_client: bool,
    /// Whether there is no other user yet, and the administrator can create one.
    pub(in crate::console) may_create_user: bool,
}

/// A certificate that expires soon.
#[derive(Debug)]
pub(in crate::console) struct Expiring<'a> {
    /// Its SHA-256 thumbprint.
    pub(in crate::console) thumbprint: String,
    /// Its subject.
    pub(in crate::console) subject: &'a str,
    /// When it expires.
    pub(in crate::console) not_after: Timestamp,
}

impl Overview<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    /// The time until a certificate expires.
    fn remaining(&self, at: &Timestamp) -> String {
        self.navigation.layout.words.length(*at - self.navigation.layout.now)
    }
}
