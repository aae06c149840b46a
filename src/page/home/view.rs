//! The page at `/`, as its template sees it.

use askama::Template;

use super::words::{self, Words};
use crate::render::layout::Layout;

/// `templates/home.html`: what is at `/`.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
}

impl Home<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }
}
