//! `/select-account`: `prompt=select_account` (OIDC Core §3.1.2.1).

use super::steps;
use super::view::{Client, Person, SelectAccount};
use crate::flow::authorize::{Next, Unanswered};
use crate::flow::interaction;
use crate::render::page::Csp;
use crate::render::visit::Visit;
use crate::render::{Answer, Request, Response};
use crate::types::Result;

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
    let csrf = visit.csrf(&purpose(handle, signed_in.session.id.as_str())).await?;
    let page = SelectAccount {
        layout: visit.layout(waiting.request.ui_locales.as_deref()),
        client: Client { name: client.name(), logo: logo.as_deref() },
        person: Person::of(&signed_in.user),
        csrf: &csrf,
        request: handle,
    };
    Ok(visit.page(&page, Csp::Leaving).await?)
}

/// For one request and one sign-in.
fn purpose(handle: &str, session: &str) -> String {
    format!("select-account {handle} {session}")
}

/// Takes the choice.
pub(super) async fn post(mut request: Request) -> Result<Response, Unanswered> {
    let params = request.form_beside_query().await?;
    let visit = &Visit::of(&request);
    let signed_in = visit.signed_in(None).await?;
    let session = signed_in.as_ref().map_or("", |signed_in| signed_in.session.id.as_str());
    let handle = params.one("request")?.unwrap_or_default();
    visit.must_be_ours(&params, &purpose(handle, session)).await?;
    let call = visit.call();
    let waiting = interaction::resume(&call, visit.handle(&params).await?).await?;
    match (params.one("answer")?, &signed_in) {
        (Some("continue"), Some(signed_in)) => {
            interaction::choose_account(&call, &waiting, signed_in).await?;
            let waiting = interaction::resume(&call, waiting.handle).await?;
            let signed_in = visit.signed_in(Some(&waiting.request.client.id)).await?;
            steps::go_on(visit, &waiting, signed_in.as_ref()).await
        }
        (Some("cancel"), signed_in) => {
            let answer = interaction::deny(&call, &waiting, signed_in.as_ref()).await?;
            Ok(answer.answer(&visit.head))
        }
        (_, _) => {
            let handle = waiting.handle.handle.0.expose();
            Ok(visit.go(&format!("/login?request={handle}&other=1")).await?)
        }
    }
}
