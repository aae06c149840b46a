//! What an application asks for, in plain words: what the consent page lists.
//!
//! What is granted is what is shown (THREATS UI-11). A scope that nobody declared appears by its own name
//! (DESIGN §8), an API that is asked for without a scope of its own by its address.

use super::view::{Api, Asks, ScopeLine};
use crate::render::words::Words;
use crate::store::cache::Resources;
use crate::store::consents::Consent as Asked;
use crate::types::resource::DeclaredScope;
use crate::types::{Resource, ResourceId};

/// The order in which people read about themselves: who they are first, where they live last.
const ABOUT: [&str; 5] = ["openid", "profile", "email", "phone", "address"];

/// What is asked, first what is about the person, then each API in the order in which they were registered, with
/// its scopes in the order in which it declares them, the sensitive ones first.
pub(super) fn of<'a>(
    asked: &'a Asked,
    known: &'a Resources,
    words: &'a Words,
    issuer: &str,
) -> Asks<'a> {
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
    Asks {
        about: about.collect(),
        claims: asked.claims.iter().map(String::as_str).collect(),
        apis: apis.chain(unknown).collect(),
        others: asked.scope.iter().filter(|token| !is_declared(token)).map(ScopeLine::of).collect(),
        offline: asked.scope.has("offline_access"),
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
