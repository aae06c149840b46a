//! `/consent`: obtains the user's authorization (RFC 6749 §4.1.1, OIDC Core §3.1.2.4).

pub mod access;
pub mod view;
pub mod words;

use self::access::RequestedAccess;
use self::view::Consent;
use super::steps::{self, Form, Step, Submission};
use super::view::{Client, Person};
use crate::flow::authorize::interaction::{self, Waiting};
use crate::flow::authorize::{self, AuthorizationError};
use crate::render::page::Csp;
use crate::render::visit::{Visit, link, name_of};
use crate::render::{IntoResponse, Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::Result;

/// Shows the page.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    steps::get(request, Step::Consent).await
}

/// Renders the page. `expired`: the last decision was not accepted.
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
    let sealed = waiting.pending.seal(&visit.call())?;
    let layout = visit.layout(request.ui_locales.as_deref());
    let layout = layout.at("/consent").about(Some(sealed.0.expose()));
    let (name, logo) = (name_of(&request.client, layout.words), visit.logo_of(&request.client));
    let resources = visit.app().cache.resources().await?;
    let requested = authorize::required_consent(request);
    let issuer = visit.app().config.issuer.as_str();
    let access = RequestedAccess::of(&requested, &resources, layout.words, issuer);
    let csrf = visit.csrf(&Step::Consent.purpose(&waiting.pending.id, Some(signed_in))).await?;
    let page = Consent {
        layout,
        client: Client { name: &name, logo: logo.as_deref() },
        home: link(metadata.client_uri_in(layout.words.lang)),
        policy: link(metadata.policy_uri_in(layout.words.lang)),
        terms: link(metadata.tos_uri_in(layout.words.lang)),
        destination: link(Some(&request.return_to.redirect_uri)).map(|link| link.host()),
        person: Person::of(&signed_in.user),
        content_digest: &interaction::consent_digest(waiting, signed_in, &access.texts()),
        access,

        csrf: &csrf,
        request: sealed.0.expose(),
        expired,
    };
    visit.page(&page, Csp::Leaving).await
}

/// Processes the decision, by POST only, for the sealed request, of the user who saw the page.
pub(super) async fn post(request: Request) -> Result<Response, AuthorizationError> {
    let step = Step::Consent;
    let submission = steps::parse(request, step).await?;
    let Submission { visit, params, waiting, signed_in, form } = submission;
    if form != Form::Valid {
        return steps::show(&visit, &waiting, signed_in.as_ref(), step, form).await;
    }
    match params.one("answer")? {
        Some("allow") => {}
        Some("other") => return Ok(steps::other_account(&visit, &waiting).await?),
        // Any other value is a denial.
        Some(_) | None => return steps::deny(&visit, &waiting, signed_in.as_ref()).await,
    }
    let next = steps::next(&visit, &waiting, signed_in.as_ref())?;
    let (authorize::Next::Consent, Some(signed_in)) = (next, &signed_in) else {
        return steps::proceed(&visit, &waiting, signed_in.as_ref()).await;
    };
    let current = content_digest(&visit, &waiting, signed_in).await?;
    if params.one("shown")? != Some(current.as_str()) {
        return Ok(page(&visit, &waiting, signed_in, true).await?);
    }
    let response = interaction::allow(&visit.call(), &waiting, signed_in).await;
    Ok(response.map_err(|error| waiting.authorization_error(error))?.into_response(&visit.head))
}

/// The digest of the content that the page would show now.
async fn content_digest(visit: &Visit, waiting: &Waiting, signed_in: &SignedIn) -> Result<String> {
    let words = visit.words(waiting.request.ui_locales.as_deref());
    let resources = visit.app().cache.resources().await?;
    let requested = authorize::required_consent(&waiting.request);
    let access =
        RequestedAccess::of(&requested, &resources, words, visit.app().config.issuer.as_str());
    Ok(interaction::consent_digest(waiting, signed_in, &access.texts()))
}
