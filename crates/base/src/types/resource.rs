//! APIs, which RFC 8707 calls resources.

use serde::{Deserialize, Deserializer, Serialize};

use super::client::TokenFormat;
use super::language::Translations;
use super::{ResourceId, Scope, Seconds};

/// An API that tokens are made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The `resource` value, and the `aud` of its tokens: an absolute URI without a fragment.
    pub id: ResourceId,
    /// What people call it.
    pub name: String,
    /// The scopes it knows.
    #[serde(default)]
    pub scopes: Vec<DeclaredScope>,
    /// How its tokens look; absent: JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_format: Option<TokenFormat>,
    /// How long they live; absent: as the server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<Seconds>,
    /// What people call it in further languages: `name#de`.
    #[serde(flatten, deserialize_with = "Resource::read_translations")]
    pub translations: Translations,
}

/// A scope and what it means, in the words of the consent page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredScope {
    /// The scope token.
    pub name: String,
    /// What the person allows: "Read your invoices".
    pub text: String,
    /// Whether people should look twice before they allow it: it is shown first, and marked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// The text in further languages: `text#de`.
    #[serde(flatten, deserialize_with = "DeclaredScope::read_translations")]
    pub translations: Translations,
}

impl DeclaredScope {
    fn read_translations<'de, D: Deserializer<'de>>(rest: D) -> Result<Translations, D::Error> {
        Translations::read(rest, &["text"])
    }

    /// The text for a page in this language.
    pub fn text_in(&self, language: &str) -> &str {
        self.translations.find("text", language).unwrap_or(&self.text)
    }
}

impl Resource {
    fn read_translations<'de, D: Deserializer<'de>>(rest: D) -> Result<Translations, D::Error> {
        Translations::read(rest, &["name"])
    }

    /// What people call it who read pages in this language.
    pub fn name_in(&self, language: &str) -> &str {
        self.translations.find("name", language).unwrap_or(&self.name)
    }

    /// The scopes it knows, as a set.
    pub fn scope(&self) -> Scope {
        Scope::of(self.scopes.iter().map(|scope| scope.name.as_str()))
    }
}
