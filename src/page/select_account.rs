//! `/select-account`: `prompt=select_account` (OIDC Core §3.1.2.1).

use axum::http::StatusCode;

use super::steps::{self, Form, Sent};
use super::view::{Client, Person, SelectAccount};
use crate::flow::authorize::{Next, Unanswered};
use crate::flow::interaction::Waiting;
use crate::render::layout::isolated;
use crate::render::page::Csp;
use crate::render::visit::{Visit, link};
use crate::render::{Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::Result;

/// What a form of this page names.
const PAGE: &str = "select-account";

/// Shows who is signed in.
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
    let (Next::SelectAccount, Some(signed_in)) = (next, signed_in) else {
        return steps::go_on(visit, waiting, signed_in).await;
    };
    Ok(page(visit, waiting, signed_in).await?)
}

async fn page(visit: &Visit, waiting: &Waiting, signed_in: &SignedIn) -> Result<Response> {
    let client = &waiting.request.client;
    let sealed = waiting.kept.seal(&visit.call())?;
    let logo = visit.logo_of(client);
    let name = isolated(client.name());
    let destination = link(Some(&waiting.request.return_to.redirect_uri));
    let csrf = visit.csrf(&steps::purpose(PAGE, &waiting.kept.id, Some(signed_in))).await?;
    let layout = visit.layout(waiting.request.ui_locales.as_deref());
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

/// Takes the choice.
pub(super) async fn post(request: Request) -> Result<Response, Unanswered> {
    let Sent { visit, params, mut waiting, signed_in, form } = steps::sent(request, PAGE).await?;
    match form {
        Form::Good => {}
        Form::Asked => return show(&visit, &waiting, signed_in.as_ref()).await,
        Form::Stale => return again(&visit, &waiting, signed_in.as_ref()).await,
    }
    match (params.one("answer")?, &signed_in) {
        (Some("continue"), Some(chosen)) => {
            // That is what satisfies `prompt=select_account`.
            waiting.kept.session_id = Some(chosen.session.id.clone());
            steps::go_on(&visit, &waiting, signed_in.as_ref()).await
        }
        (Some("cancel"), signed_in) => steps::deny(&visit, &waiting, signed_in.as_ref()).await,
        (_, _) => Ok(steps::other_account(&visit, &waiting).await?),
    }
}

/// Shows the page again, for a form that is stale.
async fn again(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Response, Unanswered> {
    let next = steps::next(visit, waiting, signed_in)?;
    let (Next::SelectAccount, Some(signed_in)) = (next, signed_in) else {
        return steps::show_due(visit, waiting, signed_in).await;
    };
    let mut response = page(visit, waiting, signed_in).await?;
    *response.status_mut() = StatusCode::FORBIDDEN;
    Ok(response)
}
