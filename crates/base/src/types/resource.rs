//! APIs: the resources of RFC 8707.

use serde::{Deserialize, Deserializer, Serialize};

use super::client::TokenFormat;
use super::language::Translations;
use super::{ResourceId, Scope, Seconds};

/// An API that access tokens are issued for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The `resource` value, and the `aud` of its tokens: an absolute URI without a fragment.
    pub id: ResourceId,
    /// The name for users.
    pub name: String,
    /// The scopes it declares.
    #[serde(default)]
    pub scopes: Vec<DeclaredScope>,
    /// The format of its tokens; `None`: JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_format: Option<TokenFormat>,
    /// The lifetime of its tokens; `None`: the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<Seconds>,
    /// The name in other languages: `name#de`.
    #[serde(flatten, deserialize_with = "Resource::read_translations")]
    pub translations: Translations,
}

/// A scope with its description for the consent page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredScope {
    /// The scope token.
    pub name: String,
    /// What the user permits: "Read your invoices".
    pub text: String,
    /// Whether users should take a second look: the consent page lists it first and marks it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// The text in other languages: `text#de`.
    #[serde(flatten, deserialize_with = "DeclaredScope::read_translations")]
    pub translations: Translations,
}

impl DeclaredScope {
    fn read_translations<'de, D: Deserializer<'de>>(rest: D) -> Result<Translations, D::Error> {
        Translations::read(rest, &["text"])
    }

    /// The text in this language.
    pub fn text_in(&self, language: &str) -> &str {
        self.translations.find("text", language).unwrap_or(&self.text)
    }
}

impl Resource {
    fn read_translations<'de, D: Deserializer<'de>>(rest: D) -> Result<Translations, D::Error> {
        Translations::read(rest, &["name"])
    }

    /// The name in this language.
    pub fn name_in(&self, language: &str) -> &str {
        self.translations.find("name", language).unwrap_or(&self.name)
    }

    /// The scopes it declares, as a set.
    pub fn scope(&self) -> Scope {
        Scope::from_tokens(self.scopes.iter().map(|scope| scope.name.as_str()))
    }
}
