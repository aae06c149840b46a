//! The pages of the sign-out, as their templates see them.

use std::borrow::Cow;

use askama::Template;

use super::words::{self, Words};
use crate::page::view::{Client, Person};
use crate::render::layout::{Layout, Link};

/// `templates/logout.html`: the confirmation (OIDC RP-Initiated Logout 1.0 §2).
///
/// Posts `csrf`, `answer` (`yes`, `no`).
#[derive(Debug, Template)]
#[template(path = "logout.html")]
pub struct Logout<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
    /// The application that requests the sign-out; `None` if the user does.
    pub client: Option<Client<'a>>,
    /// The signed-in user.
    pub person: Person<'a>,
    /// The form token.
    pub csrf: &'a str,
}

/// `templates/signed_out.html`.
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    /// The data of every page.
    pub layout: Layout<'a>,
    /// The name and the home page of the application that requested it, if it is verified.
    pub home: Option<(Cow<'a, str>, Link<'a>)>,
}

impl Logout<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }
}

impl SignedOut<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }
}
