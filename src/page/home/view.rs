//! The page at `/`, as its template sees it.

use askama::Template;

use super::words::{self, Words};
use crate::render::layout::Layout;

/// `templates/home.html`.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
}

impl Home<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }
}
