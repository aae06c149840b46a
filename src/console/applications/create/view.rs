//! The pages that register a client, as their templates see them.

use askama::Template;

use super::words::{self, Words};
use crate::console::applications::fields::view::{Control, Field};
use crate::console::applications::kind::Kind;
use crate::console::applications::words::{KindText, WORDS};
use crate::console::desk::Problem;
use crate::console::layout::Navigation;

/// `templates/console/application_kinds.html`.
#[derive(Debug, Template)]
#[template(path = "console/application_kinds.html")]
pub(super) struct ChooseKind<'a> {
    /// The frame.
    pub(super) navigation: Navigation<'a>,
}

impl ChooseKind<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn kinds(&self) -> impl Iterator<Item = (Kind, &'static KindText)> {
        let words = WORDS.in_language(self.navigation.layout.words.language);
        Kind::ALL.iter().map(|kind| (*kind, words.kind(*kind)))
    }
}

/// `templates/console/application_new.html`.
#[derive(Debug, Template)]
#[template(path = "console/application_new.html")]
pub(super) struct Create<'a> {
    /// The frame.
    pub(super) navigation: Navigation<'a>,
    /// The form token.
    pub(super) csrf: &'a str,
    /// Recognizes the form if it is sent twice.
    pub(super) form_id: &'a str,
    /// The kind.
    pub(super) kind: Kind,
    /// What it needs.
    pub(super) fields: Vec<Field>,
    /// Why it was refused.
    pub(super) problem: Option<&'a Problem>,
}

impl Create<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn kind(&self) -> &'static KindText {
        WORDS.in_language(self.navigation.layout.words.language).kind(self.kind)
    }

    /// What is set without a field.
    fn defaults(&self) -> &'static str {
        let words = self.words();
        match self.kind {
            Kind::WebServer => words.web_server_defaults,
            Kind::SinglePage => words.single_page_defaults,
            Kind::Native => words.native_defaults,
            Kind::Service => words.service_defaults,
        }
    }
}
