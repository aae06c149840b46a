//! `/select-account`: `prompt=select_account` (OIDC Core §3.1.2.1).

pub mod view;
pub mod words;

use self::view::SelectAccount;
use super::steps::{self, Form, Step, Submission};
use super::view::{Client, Person};
use crate::flow::authorize::AuthorizationError;
use crate::flow::authorize::interaction::Waiting;
use crate::render::page::Csp;
use crate::render::visit::{Visit, link, name_of};
use crate::render::{Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::Result;

/// Shows the page.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    steps::get(request, Step::SelectAccount).await
}

/// Renders the page.
///
/// # Errors
/// When the store fails.
pub(super) async fn page(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: &SignedIn,
) -> Result<Response> {
    let client = &waiting.request.client;
    let sealed = waiting.pending.seal(&visit.call())?;
    let layout = visit.layout(waiting.request.ui_locales.as_deref());
    let (name, logo) = (name_of(client, layout.words), visit.logo_of(client));
    let destination = link(Some(&waiting.request.return_to.redirect_uri));
    let csrf =
        visit.csrf(&Step::SelectAccount.purpose(&waiting.pending.id, Some(signed_in))).await?;
    let page = SelectAccount {
        layout: layout.at("/select-account").about(Some(sealed.0.expose())),
        client: Client { name: &name, logo: logo.as_deref() },
        destination: destination.map(|link| link.host()),
        person: Person::of(&signed_in.user),
        csrf: &csrf,
        request: sealed.0.expose(),
    };
    visit.page(&page, Csp::Leaving).await
}

/// Processes the form.
pub(super) async fn post(request: Request) -> Result<Response, AuthorizationError> {
    let step = Step::SelectAccount;
    let submission = steps::parse(request, step).await?;
    let Submission { visit, params, mut waiting, signed_in, form } = submission;
    if form != Form::Valid {
        return steps::show(&visit, &waiting, signed_in.as_ref(), step, form).await;
    }
    match (params.one("answer")?, &signed_in) {
        (Some("continue"), Some(chosen)) => {
            // This satisfies `prompt=select_account`.
            waiting.pending.session_id = Some(chosen.session.id.clone());
            steps::proceed(&visit, &waiting, signed_in.as_ref()).await
        }
        (Some("cancel"), signed_in) => steps::deny(&visit, &waiting, signed_in.as_ref()).await,
        (_, _) => Ok(steps::other_account(&visit, &waiting).await?),
    }
}
