//! The templates of this layer: the error page, and the page that posts an authorization response to the client.

use std::borrow::Cow;

use askama::Template;

use super::layout::{Layout, Link};
use super::words::{ErrorKind, ErrorText};

/// `templates/error.html`.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
    /// The kind of error, for the text.
    pub kind: ErrorKind,
    /// The `error` parameter, for support.
    pub code: &'a str,
    /// The `error_description` parameter, for the developer of the application.
    pub why: Option<&'a str>,
    /// The request id, which the log line and the audit event have.
    pub reference: &'a str,
    /// The name and the home page of the application.
    pub home: Option<(Cow<'a, str>, Link<'a>)>,
    /// The link to support, with a report of the error.
    pub support: Option<String>,
    /// The URL of the account page.
    pub account: &'a str,
}

impl ErrorPage<'_> {
    fn error_text(&self) -> &'static ErrorText {
        self.layout.words.error_text(self.kind)
    }
}

/// `templates/form_post.html`: OAuth 2.0 Form Post Response Mode. A script sends the form; without
/// scripts, a button does.
#[derive(Debug, Template)]
#[template(path = "form_post.html")]
pub struct FormPost<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
    /// The application's name.
    pub client: &'a str,
    /// The verified redirect URI.
    pub action: &'a str,
    /// The parameters of the authorization response.
    pub fields: &'a [(&'a str, &'a str)],
}
