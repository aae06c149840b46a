//! The access that an application requests, in plain words: the list of the consent page.
//!
//! What is granted is what is shown (THREATS UI-11). A scope that nobody declared appears by its own name
//! (DESIGN §8), an API that is asked for without a scope of its own by its address.

use std::borrow::Cow;

use crate::render::layout::isolated;
use crate::render::words::Words;
use crate::store::cache::Resources;
use crate::store::consents::Consent as Asked;
use crate::types::resource::DeclaredScope;
use crate::types::{Resource, ResourceId};

/// The order in which people read about themselves: who they are first, where they live last.
const ABOUT: [&str; 5] = ["openid", "profile", "email", "phone", "address"];

/// What an application asks for.
#[derive(Clone, Debug)]
pub struct RequestedAccess<'a> {
    /// The scopes about the person (OIDC Core §5.4), which fold into one line.
    pub about: Vec<ScopeLine<'a>>,
    /// Single claims about the person, by their names (OIDC Core §5.5).
    pub claims: Vec<&'a str>,
    /// APIs, and what the application may do there.
    pub apis: Vec<Api<'a>>,
    /// Scopes that nobody declared.
    pub others: Vec<ScopeLine<'a>>,
    /// Whether `offline_access` is asked for.
    pub offline: bool,
}

impl<'a> RequestedAccess<'a> {
    /// What is asked, first what is about the person, then each API in the order in which they were registered, with
    /// its scopes in the order in which it declares them, the sensitive ones first.
    pub fn of(asked: &'a Asked, known: &'a Resources, words: &'a Words, issuer: &str) -> Self {
        let own = |token| Some((words.scope(token)?, token));
        let mut about: Vec<_> = asked.scope.iter().filter_map(own).collect();
        about.retain(|(_, token)| *token != "offline_access");
        about.sort_by_key(|(_, token)| ABOUT.iter().position(|known| known == token));
        let about = about.into_iter().map(|(words, token)| ScopeLine {
            name: words.name,
            detail: Some(words.detail),
            ..ScopeLine::of(token)
        });
        let is_asked = |id: &ResourceId| asked.resources.contains(id) && id.as_str() != issuer;
        let apis = known.iter().filter_map(|(id, resource)| {
            let is_in = |scope: &&DeclaredScope| {
                asked.scope.has(&scope.name) && declares(id, &scope.name, &asked.resources, known)
            };
            let mut scopes: Vec<_> = resource.scopes.iter().filter(is_in).collect();
            scopes.sort_by_key(|scope| !scope.sensitive);
            let lines = scopes.into_iter().map(|scope| ScopeLine {
                name: scope.text_in(words.lang),
                sensitive: scope.sensitive,
                ..ScopeLine::of(&scope.name)
            });
            let mut scopes: Vec<_> = lines.collect();
            if scopes.is_empty() && is_asked(id) {
                scopes.push(ScopeLine::of(id.as_str()));
            }
            (!scopes.is_empty()).then(|| Api { name: resource.name_in(words.lang), scopes })
        });
        let unknown = asked.resources.iter().filter(|id| !known.contains_key(*id) && is_asked(id));
        let unknown =
            unknown.map(|id| Api { name: id.as_str(), scopes: vec![ScopeLine::of(id.as_str())] });
        let is_declared = |token: &&str| {
            words.scope(token).is_some() || known.values().any(|resource| has(resource, token))
        };
        Self {
            about: about.collect(),
            claims: asked.claims.iter().map(String::as_str).collect(),
            apis: apis.chain(unknown).collect(),
            others: asked
                .scope
                .iter()
                .filter(|token| !is_declared(token))
                .map(ScopeLine::of)
                .collect(),
            offline: asked.scope.has("offline_access"),
        }
    }

    /// The texts that administrators can change, in the order in which they are shown.
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
    /// What people call it.
    pub name: &'a str,
    /// What is asked for there.
    pub scopes: Vec<ScopeLine<'a>>,
}

impl<'a> Api<'a> {
    /// The name, for use inside a sentence.
    pub(super) fn shown_name(&self) -> Cow<'a, str> {
        isolated(self.name)
    }
}

/// A scope in plain words.
#[derive(Clone, Debug)]
pub struct ScopeLine<'a> {
    /// The scope token.
    pub scope: &'a str,
    /// What it is: the words of [`Words::scope`], or of the resource, or the token itself.
    ///
    /// [`Words::scope`]: crate::render::words::Words::scope
    pub name: &'a str,
    /// What it means.
    pub detail: Option<&'a str>,
    /// Whether people should look twice: it is marked.
    pub sensitive: bool,
}

impl<'a> ScopeLine<'a> {
    /// A scope by its own name.
    pub fn of(scope: &'a str) -> Self {
        Self { scope, name: scope, detail: None, sensitive: false }
    }
}

/// Whether a scope is shown as one of this API: of each that is asked for and declares it; if none does, of the
/// first that declares it.
fn declares(id: &ResourceId, token: &str, asked: &[ResourceId], known: &Resources) -> bool {
    let mut all = known.values().filter(|resource| has(resource, token));
    if all.clone().any(|resource| asked.contains(&resource.id)) {
        asked.contains(id) && all.any(|resource| resource.id == *id)
    } else {
        all.next().is_some_and(|resource| resource.id == *id)
    }
}

fn has(resource: &Resource, token: &str) -> bool {
    resource.scopes.iter().any(|scope| scope.name == token)
}
