//! The pages of refused requests, as their templates see them.

use askama::Template;

use super::words::{self, Words};
use crate::admin::refusal::{Explanation, Remedy};
use crate::console::events::EventLine;
use crate::console::layout::Navigation;

/// `templates/console/refusals.html`.
#[derive(Debug, Template)]
#[template(path = "console/refusals.html")]
pub(in crate::console) struct Refusals<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The refusals, the newest first.
    pub(in crate::console) events: Vec<EventLine<'a>>,
    /// Where the next page begins.
    pub(in crate::console) next: Option<&'a str>,
    /// Whether it is the first page.
    pub(in crate::console) is_first: bool,
    /// The reference as pasted.
    pub(in crate::console) typed: &'a str,
    /// Whether no refusal has that reference.
    pub(in crate::console) is_unknown: bool,
}

impl Refusals<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }
}

/// `templates/console/refusal.html`.
#[derive(Debug, Template)]
#[template(path = "console/refusal.html")]
pub(in crate::console) struct Refusal<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The event.
    pub(in crate::console) event: EventLine<'a>,
    /// The explanation.
    pub(in crate::console) found: &'a Explanation,
    /// Whether the administrator may see the application.
    pub(in crate::console) may_open_client: bool,
}

impl Refusal<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn remedy(&self) -> &'static str {
        let words = &self.words().remedies;
        match self.found.remedy {
            Remedy::RedirectUri => words.redirect_uri,
            Remedy::Scope => words.scope,
            Remedy::Authentication => words.authentication,
            Remedy::EnableClient => words.enable_client,
            Remedy::RegisterClient => words.register_client,
            Remedy::BeginAgain => words.begin_again,
            Remedy::User => words.user,
            Remedy::Request => words.request,
            Remedy::Role => words.role,
        }
    }

    /// The page where it is mended, and the text of the link to it.
    fn mend(&self) -> Option<(String, &'static str)> {
        let words = self.words();
        let client = self.found.client.as_ref().filter(|_| self.may_open_client);
        match (self.found.remedy, client) {
            (
                Remedy::RedirectUri
                | Remedy::Scope
                | Remedy::Authentication
                | Remedy::EnableClient
                | Remedy::BeginAgain
                | Remedy::User
                | Remedy::Request,
                Some(client),
            ) => Some((format!("/admin/applications/{}", client.id), words.open_client)),
            (Remedy::RegisterClient, _) if self.may_open_client => {
                Some(("/admin/applications".to_owned(), words.open_clients))
            }
            (Remedy::Role, _) => Some(("/admin/administrators".to_owned(), words.open_roles)),
            (
                Remedy::RedirectUri
                | Remedy::Scope
                | Remedy::Authentication
                | Remedy::EnableClient
                | Remedy::RegisterClient
                | Remedy::BeginAgain
                | Remedy::User
                | Remedy::Request,
                _,
            ) => None,
        }
    }
}
