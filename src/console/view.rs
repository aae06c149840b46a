//! Pages of the whole console, as their templates see them.

use askama::Template;

use super::desk::Problem;
use super::error::Denied;
use super::layout::Navigation;
use super::words::{self, Words};
use crate::render::layout::Layout;

/// `templates/console/denied.html`: the user may not see a page.
#[derive(Debug, Template)]
#[template(path = "console/denied.html")]
pub(super) struct DeniedPage<'a> {
    /// The data of every page.
    pub(super) layout: Layout<'a>,
    /// What is missing.
    pub(super) denied: Denied,
}

impl DeniedPage<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }
}

/// `templates/console/confirm.html`: says what an action will do, before it is done.
#[derive(Debug, Template)]
#[template(path = "console/confirm.html")]
pub(super) struct Confirm<'a> {
    /// The frame.
    pub(super) navigation: Navigation<'a>,
    /// The form token.
    pub(super) csrf: &'a str,
    /// The heading: a question.
    pub(super) title: &'a str,
    /// What will happen, one sentence each.
    pub(super) consequences: &'a [String],
    /// The button.
    pub(super) submit: &'a str,
    /// Whether the action takes something away.
    pub(super) is_danger: bool,
    /// The page to go back to.
    pub(super) back: &'a str,
    /// Why it was refused.
    pub(super) problem: Option<&'a Problem>,
}

/// `templates/console/secret.html`: a secret that is shown once.
#[derive(Debug, Template)]
#[template(path = "console/secret.html")]
pub(super) struct Secret<'a> {
    /// The frame.
    pub(super) navigation: Navigation<'a>,
    /// The heading.
    pub(super) title: &'a str,
    /// What it is for and how long it is valid.
    pub(super) detail: &'a str,
    /// Values to copy: a label, the value, and whether it is the secret.
    pub(super) values: &'a [(&'a str, &'a str, bool)],
    /// The page to go on to.
    pub(super) next: &'a str,
    /// The link to it.
    pub(super) submit: &'a str,
}
