//! `GET` and `POST /authorize`: [RFC 6749 §3.1], [OIDC Core §3.1.2.1].
//!
//! [RFC 6749 §3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-3.1
//! [OIDC Core §3.1.2.1]: https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest

use crate::flow::authorize::interaction;
use crate::flow::authorize::{self, AuthorizationError, Next};
use crate::flow::metadata::path;
use crate::render::destination::Destination;
use crate::render::visit::Visit;
use crate::render::{IntoResponse, Request, Response};
use crate::types::{Params, Result};

/// The parameter by which a request that came by POST goes on.
const POSTED: &str = "gw_posted";

/// A request that can be answered at once writes nothing but the code; one that needs a page is sealed,
/// and the browser sent there with it. A frame can be shown no page: it is answered as `prompt=none`.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    let visit = Visit::of(&request);
    let query = visit.head.query()?;
    authorize(&visit, query).await
}

async fn authorize(visit: &Visit, params: Params) -> Result<Response, AuthorizationError> {
    let call = visit.call();
    let params = match params.one(POSTED)? {
        None => params,
        Some(text) => interaction::take_posted(&call, text).await?,
    };
    let mut request = authorize::read(&call, &params).await?;
    request.prompt.none |= visit.head.destination() == Destination::Frame;
    let signed_in = visit.signed_in(Some(&request.client.id)).await;
    let signed_in = signed_in.map_err(|error| request.authorization_error(error))?;
    let next = authorize::decide(&call, &request, signed_in.as_ref(), None);
    let next = next.map_err(|error| request.authorization_error(error))?;
    if let (Next::Issue | Next::IssueTrusted, Some(signed_in)) = (next, &signed_in) {
        let response = interaction::issue(&call, &request, signed_in, next, None).await?;
        return Ok(response.into_response(&visit.head));
    }
    let browser = visit.browser().await?.digest();
    let waiting = interaction::wait(&call, request.clone(), &params, browser);
    let waiting = waiting.map_err(|error| request.authorization_error(error))?;
    Ok(visit.redirect_to_step(next, &waiting).await?)
}

/// Seals the request and sends the browser on by GET: from another site's form it came without our Lax
/// cookies (DESIGN §4). What is too long for an address goes on by a form of our own, which has them.
pub(super) async fn post(mut request: Request) -> Result<Response, AuthorizationError> {
    let params = request.form_beside_query().await?;
    let visit = Visit::of(&request);
    if params.one(POSTED)?.is_some() {
        return authorize(&visit, params).await;
    }
    let call = visit.call();
    let request = authorize::read(&call, &params).await?;
    let posted =
        interaction::post(&call, &params).map_err(|error| request.authorization_error(error))?;
    Ok(visit.redirect_with(path::AUTHORIZE, &[(POSTED, posted.0.expose())]).await?)
}
