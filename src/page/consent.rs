//! `/consent`: what may the application do? (RFC 6749 §4.1.1, OIDC Core §3.1.2.4)

use axum::http::StatusCode;

use super::steps::{self, Form, Sent};
use super::view::{Client, Consent, Person, ScopeGroup, ScopeLine};
use crate::flow::authorize::{self, Next, Unanswered};
use crate::flow::interaction::{self, Waiting};
use crate::render::page::Csp;
use crate::render::visit::{Visit, link};
use crate::render::words::Words;
use crate::render::{Answer, Request, Response};
use crate::store::cache::Resources;
use crate::store::consents::Consent as Asked;
use crate::store::sessions::SignedIn;
use crate::types::{Resource, ResourceId, Result};

/// What a form of this page names.
const PAGE: &str = "consent";

/// Shows what is asked.
pub(super) async fn get(request: Request) -> Result<Response, Unanswered> {
    let visit = &Visit::of(&request);
    let waiting = visit.waiting(&visit.head.query()?).await?;
    let signed_in = visit.signed_in(Some(&waiting.request.client.id)).await?;
    show(visit, &waiting, signed_in.as_ref()).await
}

async fn show(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Response, Unanswered> {
    let next = steps::next(visit, waiting, signed_in)?;
    let (Next::Consent, Some(signed_in)) = (next, signed_in) else {
        return steps::go_on(visit, waiting, signed_in).await;
    };
    Ok(page(visit, waiting, signed_in, false).await?)
}

/// Shows the page again, for a form that is stale.
async fn again(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Response, Unanswered> {
    let next = steps::next(visit, waiting, signed_in)?;
    let (Next::Consent, Some(signed_in)) = (next, signed_in) else {
        return steps::show_due(visit, waiting, signed_in).await;
    };
    let mut response = page(visit, waiting, signed_in, true).await?;
    *response.status_mut() = StatusCode::FORBIDDEN;
    Ok(response)
}

async fn page(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: &SignedIn,
    expired: bool,
) -> Result<Response> {
    let request = &waiting.request;
    let metadata = &request.client.metadata;
    let sealed = waiting.kept.seal(&visit.call())?;
    let layout = visit.layout(request.ui_locales.as_deref());
    let layout = layout.at("/consent").about(Some(sealed.0.expose()));
    let resources = visit.app().cache.resources().await?;
    let asked = authorize::asked(request);
    let logo = visit.logo_of(&request.client);
    let csrf = visit.csrf(&steps::purpose(PAGE, &waiting.kept.id, Some(signed_in))).await?;
    let shown = interaction::shown(waiting, signed_in);
    let page = Consent {
        layout,
        client: Client { name: request.client.name(), logo: logo.as_deref() },
        home: link(metadata.client_uri.as_ref()),
        policy: link(metadata.policy_uri.as_ref()),
        terms: link(metadata.tos_uri.as_ref()),
        destination: link(Some(&request.return_to.redirect_uri)).map(|link| link.host()),
        person: Person::of(&signed_in.user),
        groups: groups(&asked, &resources, layout.words, visit.app().config.issuer.as_str()),
        claims: asked.claims.iter().map(String::as_str).collect(),
        offline: asked.scope.has("offline_access"),
        more: false,
        csrf: &csrf,
        request: sealed.0.expose(),
        shown: &shown,
        expired,
    };
    visit.page(&page, Csp::Leaving).await
}

/// The order in which people read about themselves: who they are first, where they live last.
const ABOUT: [&str; 5] = ["openid", "profile", "email", "phone", "address"];

/// What is asked in plain words: first what is about the person, then each API by its name. A scope that
/// nobody declared appears by its own name (DESIGN §8), an API that is asked for without a scope of its
/// own by its address: what is granted is what is shown (THREATS UI-11).
fn groups<'a>(
    asked: &'a Asked,
    known: &'a Resources,
    words: &'a Words,
    issuer: &str,
) -> Vec<ScopeGroup<'a>> {
    let line = |name, detail| ScopeLine { scope: name, name, detail, choice: None };
    let mut own = ScopeGroup { api: None, scopes: Vec::new() };
    let mut apis: Vec<ScopeGroup<'a>> = Vec::new();
    for token in asked.scope.iter().filter(|token| *token != "offline_access") {
        if let Some(words) = words.scope(token) {
            own.scopes.push(ScopeLine { name: words.name, ..line(token, Some(words.detail)) });
            continue;
        }
        let Some((resource, text)) = declared(token, &asked.resources, known) else {
            own.scopes.push(line(token, None));
            continue;
        };
        let line = ScopeLine { name: text, ..line(token, None) };
        let api = Some(resource.name.as_str());
        match apis.iter_mut().find(|group| group.api == api) {
            Some(group) => group.scopes.push(line),
            None => apis.push(ScopeGroup { api, scopes: vec![line] }),
        }
    }
    let place = |line: &ScopeLine<'_>| ABOUT.iter().position(|name| *name == line.scope);
    own.scopes.sort_by_key(|line| place(line).unwrap_or(ABOUT.len()));
    for id in asked.resources.iter().filter(|id| id.as_str() != issuer) {
        let api = Some(known.get(id).map_or(id.as_str(), |resource| resource.name.as_str()));
        if !apis.iter().any(|group| group.api == api) {
            apis.push(ScopeGroup { api, scopes: vec![line(id.as_str(), None)] });
        }
    }
    let has_own = !own.scopes.is_empty() || !asked.claims.is_empty();
    has_own.then_some(own).into_iter().chain(apis).collect()
}

/// Who declared a scope, and with which text: one of the APIs that are asked for, if one of them did.
fn declared<'a>(
    token: &str,
    asked: &[ResourceId],
    known: &'a Resources,
) -> Option<(&'a Resource, &'a str)> {
    let text = |resource: &'a Resource| {
        let scope = resource.scopes.iter().find(|scope| scope.name == token)?;
        Some((resource, scope.text.as_str()))
    };
    let mut named = asked.iter().filter_map(|id| known.get(id));
    named.find_map(text).or_else(|| known.values().find_map(text))
}

/// Takes the decision: by POST alone, for the request that is kept, of the person who saw it.
pub(super) async fn post(request: Request) -> Result<Response, Unanswered> {
    let Sent { visit, params, waiting, signed_in, form } = steps::sent(request, PAGE).await?;
    match form {
        Form::Good => {}
        Form::Asked => return show(&visit, &waiting, signed_in.as_ref()).await,
        Form::Stale => return again(&visit, &waiting, signed_in.as_ref()).await,
    }
    match params.one("answer")? {
        Some("allow") => {}
        Some("other") => return Ok(steps::other_account(&visit, &waiting).await?),
        // Whatever else was sent is no permission.
        Some(_) | None => return steps::deny(&visit, &waiting, signed_in.as_ref()).await,
    }
    let next = steps::next(&visit, &waiting, signed_in.as_ref())?;
    let (Next::Consent, Some(signed_in)) = (next, &signed_in) else {
        return steps::go_on(&visit, &waiting, signed_in.as_ref()).await;
    };
    if params.one("shown")? != Some(interaction::shown(&waiting, signed_in).as_str()) {
        return Ok(page(&visit, &waiting, signed_in, true).await?);
    }
    let scope = waiting.request.scope.clone();
    let answer = interaction::allow(&visit.call(), &waiting, signed_in, scope).await;
    Ok(answer.map_err(|error| waiting.told(error))?.answer(&visit.head))
}
