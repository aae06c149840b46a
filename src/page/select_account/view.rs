//! The page that selects the account: the data of its template.

use askama::Template;

use super::words::{self, Words};
use crate::page::view::{Client, Person};
use crate::render::layout::Layout;

/// `templates/select_account.html`: `prompt=select_account` (OIDC Core §3.1.2.1).
///
/// Posts `csrf`, `request`, `answer` (`continue`, `other`, `cancel`).
#[derive(Debug, Template)]
#[template(path = "select_account.html")]
pub struct SelectAccount<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
    /// The application.
    pub client: Client<'a>,
    /// The host of the redirect URI; `None` for an app on the device.
    pub destination: Option<&'a str>,
    /// The signed-in user.
    pub person: Person<'a>,
    /// The form token.
    pub csrf: &'a str,
    /// The handle of the waiting request.
    pub request: &'a str,
}

impl SelectAccount<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }
}
