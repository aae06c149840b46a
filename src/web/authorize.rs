//! `GET` and `POST /authorize`: [RFC 6749 §3.1], [OIDC Core §3.1.2.1].
//!
//! [RFC 6749 §3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-3.1
//! [OIDC Core §3.1.2.1]: https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest

use crate::flow::authorize::{self, Next, Unanswered};
use crate::flow::interaction;
use crate::flow::metadata::path;
use crate::render::visit::Visit;
use crate::render::{Answer, Request, Response};
use crate::types::token::RequestHandle;
use crate::types::{Code, Result};

/// The parameter by which a request that came by POST goes on as a GET.
const POSTED: &str = "gw_posted";

/// A request that can be answered at once writes nothing but the code; one that needs a page is kept,
/// and the browser sent there.
pub(super) async fn get(request: Request) -> Result<Response, Unanswered> {
    let visit = Visit::of(&request);
    let call = visit.call();
    let query = visit.head.query()?;
    let params = match query.one(POSTED)? {
        None => query,
        Some(handle) => {
            let handle = RequestHandle::read(handle)
                .ok_or_else(|| Code::InvalidRequest.because("this request is not one of ours"))?;
            interaction::take_posted(&call, &handle).await?
        }
    };
    let request = authorize::read(&call, &params).await?;
    let signed_in = visit.signed_in(Some(&request.client.id)).await?;
    let next = authorize::decide(&call, &request, signed_in.as_ref(), None);
    let next = next.map_err(|error| request.told(error))?;
    if let (Next::Issue | Next::IssueTrusted, Some(signed_in)) = (next, &signed_in) {
        let answer = interaction::issue(&call, &request, signed_in, next, None).await?;
        return Ok(answer.answer(&visit.head));
    }
    let browser = visit.browser().await?.digest();
    let handle = interaction::wait(&call, &request, &params, browser).await;
    let handle = handle.map_err(|error| request.told(error))?;
    Ok(visit.step(next, &handle).await?)
}

/// Keeps the request and sends the browser on by GET: from another site's form it came without our Lax
/// cookies (DESIGN §4).
pub(super) async fn post(mut request: Request) -> Result<Response, Unanswered> {
    let params = request.form_beside_query().await?;
    let visit = Visit::of(&request);
    let call = visit.call();
    let request = authorize::read(&call, &params).await?;
    let handle = interaction::post(&call, &request, &params).await;
    let handle = handle.map_err(|error| request.told(error))?;
    Ok(visit.go(&format!("{}?{POSTED}={}", path::AUTHORIZE, handle.0.expose())).await?)
}
