//! The access that an application requests, in plain words: the list of the consent page.
//!
//! All that is granted is shown (THREATS UI-11). A scope that no API declares is listed by its name (DESIGN §8), an API
//! without a requested scope by its identifier.

use std::borrow::Cow;

use crate::render::layout::isolated;
use crate::render::words::Words;
use crate::store::cache::Resources;
use crate::store::consents::Consent as RequestedConsent;
use crate::types::resource::DeclaredScope;
use crate::types::{Resource, ResourceId};

/// The order of the standard scopes: the identity first, the address last.
const ORDER: [&str; 5] = ["openid", "profile", "email", "phone", "address"];

/// The access that an application requests.
#[derive(Clone, Debug)]
pub struct RequestedAccess<'a> {
    /// The standard scopes about the user (OIDC Core §5.4), which fold into one line.
    pub about: Vec<ScopeLine<'a>>,
    /// Individual claims about the user, by their names (OIDC Core §5.5).
    pub claims: Vec<&'a str>,
    /// APIs, with the scopes requested there.
    pub apis: Vec<Api<'a>>,
    /// Scopes that no API declares.
    pub others: Vec<ScopeLine<'a>>,
    /// Whether `offline_access` is requested.
    pub offline: bool,
}

impl<'a> RequestedAccess<'a> {
    /// The requested access. APIs are in the order of their registration, their scopes in the order of their
    /// declaration, the sensitive ones first.
    pub fn of(
        requested: &'a RequestedConsent,
        known: &'a Resources,
        words: &'a Words,
        issuer: &str,
    ) -> Self {
        let own = |token| Some((words.scope(token)?, token));
        let mut about: Vec<_> = requested.scope.iter().filter_map(own).collect();
        about.retain(|(_, token)| *token != "offline_access");
        about.sort_by_key(|(_, token)| ORDER.iter().position(|known| known == token));
        let about = about.into_iter().map(|(words, token)| ScopeLine {
            name: words.name,
            detail: Some(words.detail),
            ..ScopeLine::of(token)
        });
        let is_requested =
            |id: &ResourceId| requested.resources.contains(id) && id.as_str() != issuer;
        let apis = known.iter().filter_map(|(id, resource)| {
            let is_in = |scope: &&DeclaredScope| {
                requested.scope.has(&scope.name)
                    && declares(id, &scope.name, &requested.resources, known)
            };
            let mut scopes: Vec<_> = resource.scopes.iter().filter(is_in).collect();
            scopes.sort_by_key(|scope| !scope.sensitive);
            let lines = scopes.into_iter().map(|scope| ScopeLine {
                name: scope.text_in(words.lang),
                sensitive: scope.sensitive,
                ..ScopeLine::of(&scope.name)
            });
            let mut scopes: Vec<_> = lines.collect();
            if scopes.is_empty() && is_requested(id) {
                scopes.push(ScopeLine::of(id.as_str()));
            }
            (!scopes.is_empty()).then(|| Api { name: resource.name_in(words.lang), scopes })
        });
        let unknown =
            requested.resources.iter().filter(|id| !known.contains_key(*id) && is_requested(id));
        let unknown =
            unknown.map(|id| Api { name: id.as_str(), scopes: vec![ScopeLine::of(id.as_str())] });
        let is_declared = |token: &&str| {
            words.scope(token).is_some() || known.values().any(|resource| has(resource, token))
        };
        Self {
            about: about.collect(),
            claims: requested.claims.iter().map(String::as_str).collect(),
            apis: apis.chain(unknown).collect(),
            others: requested
                .scope
                .iter()
                .filter(|token| !is_declared(token))
                .map(ScopeLine::of)
                .collect(),
            offline: requested.scope.has("offline_access"),
        }
    }

    /// The texts that administrators can change, in the order of the page.
    pub fn texts(&self) -> Vec<&'a str> {
        let mut texts = Vec::new();
        for api in &self.apis {
            texts.push(api.name);
            for line in &api.scopes {
                let mark = if line.sensitive { "sensitive" } else { "" };
                texts.extend([line.scope, line.name, mark]);
            }
        }
        texts
    }
}

/// An API.
#[derive(Clone, Debug)]
pub struct Api<'a> {
    /// Its display name.
    pub name: &'a str,
    /// The scopes requested there.
    pub scopes: Vec<ScopeLine<'a>>,
}

impl<'a> Api<'a> {
    /// The name for use within a sentence.
    pub(super) fn display_name(&self) -> Cow<'a, str> {
        isolated(self.name)
    }
}

/// A scope in plain words.
#[derive(Clone, Debug)]
pub struct ScopeLine<'a> {
    /// The scope token.
    pub scope: &'a str,
    /// Its text: that of [`Words::scope`], or of the resource, or the token itself.
    ///
    /// [`Words::scope`]: crate::render::words::Words::scope
    pub name: &'a str,
    /// An explanation.
    pub detail: Option<&'a str>,
    /// Whether it is marked as sensitive.
    pub sensitive: bool,
}

impl<'a> ScopeLine<'a> {
    /// A scope without a text, shown by its token.
    pub fn of(scope: &'a str) -> Self {
        Self { scope, name: scope, detail: None, sensitive: false }
    }
}

/// Whether a scope is listed under this API: under each requested API that declares it; if there is none, under the
/// first that declares it.
fn declares(id: &ResourceId, token: &str, requested: &[ResourceId], known: &Resources) -> bool {
    let mut all = known.values().filter(|resource| has(resource, token));
    if all.clone().any(|resource| requested.contains(&resource.id)) {
        requested.contains(id) && all.any(|resource| resource.id == *id)
    } else {
        all.next().is_some_and(|resource| resource.id == *id)
    }
}

fn has(resource: &Resource, token: &str) -> bool {
    resource.scopes.iter().any(|scope| scope.name == token)
}
