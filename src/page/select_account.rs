//! `/select-account`: `prompt=select_account` (OIDC Core §3.1.2.1).

use super::steps::{self, Sent};
use super::view::{Client, Person, SelectAccount};
use crate::flow::authorize::{Next, Unanswered};
use crate::flow::interaction;
use crate::render::page::Csp;
use crate::render::visit::Visit;
use crate::render::{Answer, Request, Response};
use crate::types::Result;

/// What a form of this page names.
const PAGE: &str = "select-account";

/// Shows who is signed in.
pub(super) async fn get(request: Request) -> Result<Response, Unanswered> {
    let visit = &Visit::of(&request);
    let params = visit.head.query()?;
    let waiting = interaction::resume(&visit.call(), visit.handle(&params).await?).await?;
    let client = &waiting.request.client;
    let signed_in = visit.signed_in(Some(&client.id)).await?;
    let next = steps::next(visit, &waiting, signed_in.as_ref())?;
    let (Next::SelectAccount, Some(signed_in)) = (next, &signed_in) else {
        return steps::go_on(visit, &waiting, signed_in.as_ref()).await;
    };
    let handle = waiting.handle.handle.0.expose();
    let logo = visit.logo_of(client);
    let csrf = visit.csrf(&steps::purpose(PAGE, handle, Some(signed_in))).await?;
    let page = SelectAccount {
        layout: visit.layout(waiting.request.ui_locales.as_deref()),
        client: Client { name: client.name(), logo: logo.as_deref() },
        person: Person::of(&signed_in.user),
        csrf: &csrf,
        request: handle,
    };
    Ok(visit.page(&page, Csp::Leaving).await?)
}

/// Takes the choice.
pub(super) async fn post(request: Request) -> Result<Response, Unanswered> {
    let Sent { visit, params, waiting, signed_in } = steps::sent(request, PAGE).await?;
    let call = visit.call();
    match (params.one("answer")?, &signed_in) {
        (Some("continue"), Some(chosen)) => {
            interaction::choose_account(&call, &waiting, chosen).await?;
            let waiting = interaction::resume(&call, waiting.handle).await?;
            steps::go_on(&visit, &waiting, signed_in.as_ref()).await
        }
        (Some("cancel"), signed_in) => {
            let answer = interaction::deny(&call, &waiting, signed_in.as_ref()).await?;
            Ok(answer.answer(&visit.head))
        }
        (_, _) => Ok(steps::other_account(&visit, &waiting).await?),
    }
}
