//! The way from one page to the next: judged anew at each step, by the request that is kept and the
//! sign-in that stands, never by what a form says (THREATS M10).

use crate::flow::authorize::{self, Next, Unanswered};
use crate::flow::interaction::{self, Waiting};
use crate::render::visit::Visit;
use crate::render::{Answer, Response};
use crate::store::sessions::SignedIn;
use crate::types::Result;

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
