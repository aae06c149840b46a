//! What to configure in an application, as the template sees it.

use askama::Template;

use super::snippets::Snippet;
use super::words::{self, Words};
use crate::console::applications::frame::Frame;
use crate::console::layout::Navigation;
use crate::types::client::AuthMethod;

/// `templates/console/application_integrate.html`.
#[derive(Debug, Template)]
#[template(path = "console/application_integrate.html")]
pub(super) struct Integrate<'a> {
    /// The frame of the console.
    pub(super) navigation: Navigation<'a>,
    /// The frame of the client.
    pub(super) frame: Frame<'a>,
    /// The issuer.
    pub(super) issuer: &'a str,
    /// The address of the server's metadata.
    pub(super) discovery: String,
    /// The settings of libraries.
    pub(super) snippets: Vec<Snippet>,
}

impl Integrate<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    /// The values that every library needs.
    fn values(&self) -> Vec<(&'static str, &str)> {
        let words = self.words();
        let metadata = &self.frame.client.metadata;
        let mut values = vec![
            (words.discovery, self.discovery.as_str()),
            (words.issuer, self.issuer),
            ("client_id", self.frame.client.id.as_str()),
        ];
        values.extend(metadata.redirect_uris.iter().map(|uri| ("redirect_uri", uri.as_str())));
        if !metadata.scope.is_empty() {
            values.push(("scope", &metadata.scope));
        }
        values
    }

    const fn method(&self) -> AuthMethod {
        self.frame.client.metadata.token_endpoint_auth_method
    }

    /// What the authentication method needs.
    fn authentication(&self) -> &'static str {
        let words = self.words();
        match self.method() {
            AuthMethod::ClientSecretBasic
            | AuthMethod::ClientSecretPost
            | AuthMethod::ClientSecretJwt => words.with_secret,
            AuthMethod::PrivateKeyJwt => words.with_key,
            AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => {
                words.with_certificate
            }
            AuthMethod::None => words.public,
        }
    }
}
