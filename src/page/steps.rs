//! The way from one page to the next: judged anew at each step, by the request that is kept and the
//! sign-in that stands, never by what a form says (THREATS M10).

use crate::flow::authorize::{self, Next, Unanswered};
use crate::flow::interaction::{self, Waiting};
use crate::render::visit::Visit;
use crate::render::{Answer, Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::{Params, Result};

/// The token of a step's form is for one page, one request and one sign-in.
pub(super) fn purpose(page: &str, handle: &str, signed_in: Option<&SignedIn>) -> String {
    let session = signed_in.map_or("", |signed_in| signed_in.session.id.as_str());
    format!("{page} {handle} {session}")
}

/// A step's form that came from our own page, and what it is about.
pub(super) struct Sent {
    pub(super) visit: Visit,
    pub(super) params: Params,
    pub(super) waiting: Waiting,
    /// Who is signed in, with their consent for the client that waits.
    pub(super) signed_in: Option<SignedIn>,
}

/// Reads the form of a step. What it decides is for its page.
///
/// # Errors
/// 403 for a form that is not ours; a page when the request is gone.
pub(super) async fn sent(mut request: Request, page: &str) -> Result<Sent, Unanswered> {
    let params = request.form_beside_query().await?;
    let visit = Visit::of(&request);
    let signed_in = visit.signed_in(None).await?;
    let handle = params.one("request")?.unwrap_or_default();
    visit.must_be_ours(&params, &purpose(page, handle, signed_in.as_ref())).await?;
    let handle = visit.handle(&params).await?;
    let waiting = interaction::resume(&visit.call(), handle).await?;
    let signed_in = visit.signed_in(Some(&waiting.request.client.id)).await?;
    Ok(Sent { visit, params, waiting, signed_in })
}

/// The sign-in page, although somebody is signed in: they want another account.
///
/// # Errors
/// When the store fails.
pub(super) async fn other_account(visit: &Visit, waiting: &Waiting) -> Result<Response> {
    let handle = waiting.handle.handle.0.expose();
    visit.go(&format!("/login?request={handle}&other=1")).await
}

/// What has to happen next.
///
/// # Errors
/// What the client is told instead.
pub(super) fn next(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Next, Unanswered> {
    authorize::decide(&visit.call(), &waiting.request, signed_in, Some(&waiting.row))
        .map_err(|error| waiting.request.told(error))
}

/// Goes on: to the page that comes next, or to the client.
///
/// # Errors
/// What the client is told instead.
pub(super) async fn go_on(
    visit: &Visit,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Response, Unanswered> {
    let next = next(visit, waiting, signed_in)?;
    if let (Next::Issue | Next::IssueTrusted, Some(signed_in)) = (next, signed_in) {
        let (call, request) = (visit.call(), &waiting.request);
        let handle = Some(&waiting.handle);
        let answer = interaction::issue(&call, request, signed_in, next, handle).await?;
        return Ok(answer.answer(&visit.head));
    }
    Ok(visit.step(next, &waiting.handle.handle).await?)
}
