//! `/consent`: what may the application do? (RFC 6749 §4.1.1, OIDC Core §3.1.2.4)

pub mod access;
pub mod view;
pub mod words;

use self::access::RequestedAccess;
use self::view::Consent;
use super::steps::{self, Form, Sent, Step};
use super::view::{Client, Person};
use crate::flow::authorize::interaction::{self, Waiting};
use crate::flow::authorize::{self, AuthorizationError};
use crate::render::page::Csp;
use crate::render::visit::{Visit, link, name_of};
use crate::render::{IntoResponse, Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::Result;

/// Shows what is asked.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    steps::get(request, Step::Consent).await
}

/// The page. `expired`: the last answer was not taken.
///
/// # Errors
/// When the store fails.
pub(super) async fn page(
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
    let (name, logo) = (name_of(&request.client, layout.words), visit.logo_of(&request.client));
    let resources = visit.app().cache.resources().await?;
    let asked = authorize::asked(request);
    let issuer = visit.app().config.issuer.as_str();
    let access = RequestedAccess::of(&asked, &resources, layout.words, issuer);
    let csrf = visit.csrf(&Step::Consent.purpose(&waiting.kept.id, Some(signed_in))).await?;
    let page = Consent {
        layout,
        client: Client { name: &name, logo: logo.as_deref() },
        home: link(metadata.client_uri_in(layout.words.lang)),
        policy: link(metadata.policy_uri_in(layout.words.lang)),
        terms: link(metadata.tos_uri_in(layout.words.lang)),
        destination: link(Some(&request.return_to.redirect_uri)).map(|link| link.host()),
        person: Person::of(&signed_in.user),
        shown: &interaction::shown(waiting, signed_in, &access.texts()),
        access,

        csrf: &csrf,
        request: sealed.0.expose(),
        expired,
    };
    visit.page(&page, Csp::Leaving).await
}

/// Takes the decision: by POST alone, for the request that is kept, of the person who saw it.
pub(super) async fn post(request: Request) -> Result<Response, AuthorizationError> {
    let step = Step::Consent;
    let Sent { visit, params, waiting, signed_in, form } = steps::sent(request, step).await?;
    if form != Form::Good {
        return steps::show(&visit, &waiting, signed_in.as_ref(), step, form).await;
    }
    match params.one("answer")? {
        Some("allow") => {}
        Some("other") => return Ok(steps::other_account(&visit, &waiting).await?),
        // Whatever else was sent is no permission.
        Some(_) | None => return steps::deny(&visit, &waiting, signed_in.as_ref()).await,
    }
    let next = steps::next(&visit, &waiting, signed_in.as_ref())?;
    let (authorize::Next::Consent, Some(signed_in)) = (next, &signed_in) else {
        return steps::go_on(&visit, &waiting, signed_in.as_ref()).await;
    };
    if params.one("shown")? != Some(shown(&visit, &waiting, signed_in).await?.as_str()) {
        return Ok(page(&visit, &waiting, signed_in, true).await?);
    }
    let response = interaction::allow(&visit.call(), &waiting, signed_in).await;
    Ok(response.map_err(|error| waiting.authorization_error(error))?.into_response(&visit.head))
}

/// The digest of what the page would show now.
async fn shown(visit: &Visit, waiting: &Waiting, signed_in: &SignedIn) -> Result<String> {
    let words = visit.words(waiting.request.ui_locales.as_deref());
    let resources = visit.app().cache.resources().await?;
    let asked = authorize::asked(&waiting.request);
    let access = RequestedAccess::of(&asked, &resources, words, visit.app().config.issuer.as_str());
    Ok(interaction::shown(waiting, signed_in, &access.texts()))
}
