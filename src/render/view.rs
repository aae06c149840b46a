//! The pages that answer where no page was asked for: an error, and the way back by a form.
//!
//! A page is a struct: what it shows is what it has.

use std::borrow::Cow;

use askama::Template;

use super::layout::{Layout, Link};
use super::words::{Plain, Trouble};

/// `templates/error.html`.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
    /// What happened, for people.
    pub trouble: Trouble,
    /// The `error` parameter, for whoever looks into it.
    pub code: &'a str,
    /// The `error_description` parameter: what the developer of the application should know.
    pub why: Option<&'a str>,
    /// The refusal's id: it leads to the log line and the audit event.
    pub reference: &'a str,
    /// The name and the home of the application that one came from.
    pub home: Option<(Cow<'a, str>, Link<'a>)>,
    /// Where people get help, with what helps to look into it.
    pub support: Option<String>,
    /// One's own account.
    pub account: &'a str,
}

impl ErrorPage<'_> {
    fn plain(&self) -> &'static Plain {
        self.layout.words.trouble(self.trouble)
    }
}

/// `templates/form_post.html`: OAuth 2.0 Form Post Response Mode. A script sends the form; without
/// scripts, a button does.
#[derive(Debug, Template)]
#[template(path = "form_post.html")]
pub struct FormPost<'a> {
    /// What every page carries.
    pub layout: Layout<'a>,
    /// The application's name.
    pub client: &'a str,
    /// The redirect URI, proven to be the client's.
    pub action: &'a str,
    /// The parameters of the answer.
    pub fields: &'a [(&'a str, &'a str)],
}
