//! `GET` and `POST /logout`: [OIDC RP-Initiated Logout 1.0 §2].
//!
//! [OIDC RP-Initiated Logout 1.0 §2]: https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout

use crate::flow::authorize::AuthorizationError;
use crate::flow::logout;
use crate::flow::metadata::path;
use crate::render::visit::Visit;
use crate::render::{Request, Response};
use crate::types::Result;

/// Signs the user out at once if only their own application can have sent the request; otherwise asks for confirmation.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    let visit = Visit::of(&request);
    let call = visit.call();
    let params = visit.head.query()?;
    let logout = logout::parse(&call, &params).await?;
    let Some(signed_in) = visit.signed_in(None).await? else {
        return Ok(visit.signed_out(&logout).await?);
    };
    if logout::needs_confirmation(&call, &logout, &signed_in)? {
        return Ok(visit.redirect(&format!("/logout/confirm?{}", params.encode())).await?);
    }
    Ok(visit.sign_out(&logout, &signed_in).await?)
}

/// Continues as a GET: a form of another site comes without the Lax cookies (DESIGN §4).
pub(super) async fn post(mut request: Request) -> Result<Response, AuthorizationError> {
    let params = request.form_beside_query().await?;
    let visit = Visit::of(&request);
    Ok(visit.redirect(&format!("{}?{}", path::LOGOUT, params.encode())).await?)
}
