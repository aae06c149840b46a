//! `GET` and `POST /authorize`: [RFC 6749 §3.1], [OIDC Core §3.1.2.1].
//!
//! [RFC 6749 §3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-3.1
//! [OIDC Core §3.1.2.1]: https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest

use crate::flow::authorize::{self, AuthorizationError, Next, POSTED, Source, interaction};
use crate::flow::metadata::path;
use crate::render::destination::Destination;
use crate::render::visit::Visit;
use crate::render::{IntoResponse, Request, Response};
use crate::types::Result;

/// Parameters in the query.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    let visit = Visit::of(&request);
    let query = visit.head.query()?;
    authorize(&visit, Source::Query(query)).await
}

/// Parameters in the form.
pub(super) async fn post(mut request: Request) -> Result<Response, AuthorizationError> {
    let form = request.form_beside_query().await?;
    let visit = Visit::of(&request);
    authorize(&visit, Source::Form(form)).await
}

/// A request that needs no page writes nothing but the code. A request that needs one is sealed, and the browser is
/// sent to the page with it. A frame can show no page: the request is treated as `prompt=none`.
async fn authorize(visit: &Visit, source: Source) -> Result<Response, AuthorizationError> {
    let call = visit.call();
    let parameters = source.parameters(&call).await?;
    let mut request = authorize::parse(&call, &parameters.params).await?;
    if parameters.continues_as_get {
        let posted = parameters.seal(&call).map_err(|error| request.authorization_error(error))?;
        return Ok(visit.redirect_with(path::AUTHORIZE, &[(POSTED, posted.0.expose())]).await?);
    }
    request.prompt.none |= visit.head.destination() == Destination::Frame;
    let signed_in = visit.signed_in(Some(&request.client.id)).await;
    let signed_in = signed_in.map_err(|error| request.authorization_error(error))?;
    let next = authorize::decide(&call, &request, signed_in.as_ref(), None);
    let next = next.map_err(|error| request.authorization_error(error))?;
    if let (Next::Issue | Next::IssueTrusted, Some(signed_in)) = (next, &signed_in) {
        let outcome = interaction::issue(&call, &request, signed_in, next, None).await?;
        return Ok(outcome.into_response(&visit.head));
    }
    let browser = visit.browser().await?.digest();
    let waiting = interaction::suspend(&call, request.clone(), &parameters.params, browser);
    let waiting = waiting.map_err(|error| request.authorization_error(error))?;
    Ok(visit.redirect_to_step(next, &waiting).await?)
}
