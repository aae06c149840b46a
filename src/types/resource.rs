//! APIs, which RFC 8707 calls resources.

use serde::{Deserialize, Serialize};

use super::client::TokenFormat;
use super::{ResourceId, Scope, Seconds};

/// An API that tokens are made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
}

/// A scope and what it means, in the words of the consent page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredScope {
    /// The scope token.
    pub name: String,
    /// What the person allows: "Read your invoices".
    pub text: String,
}

impl Resource {
    /// The scopes it knows, as a set.
    pub fn scope(&self) -> Scope {
        Scope::of(self.scopes.iter().map(|scope| scope.name.as_str()))
    }
}
