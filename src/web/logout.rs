//! `GET` and `POST /logout`: [OIDC RP-Initiated Logout 1.0 §2].
//!
//! [OIDC RP-Initiated Logout 1.0 §2]: https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout

use crate::flow::authorize::AuthorizationError;
use crate::flow::logout;
use crate::flow::metadata::path;
use crate::render::visit::Visit;
use crate::render::{Request, Response};
use crate::types::Result;

/// Signs out at once where only the user's own application can have asked; else asks the user.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    let visit = Visit::of(&request);
    let call = visit.call();
    let params = visit.head.query()?;
    let asked = logout::read(&call, &params).await?;
    let Some(signed_in) = visit.signed_in(None).await? else {
        return Ok(visit.signed_out(&asked).await?);
    };
    if logout::must_ask(&call, &asked, &signed_in)? {
        return Ok(visit.redirect(&format!("/logout/confirm?{}", params.encode())).await?);
    }
    Ok(visit.sign_out(&asked, &signed_in).await?)
}

/// Sends the browser on by GET: from another site's form it came without our Lax cookies (DESIGN §4).
pub(super) async fn post(mut request: Request) -> Result<Response, AuthorizationError> {
    let params = request.form_beside_query().await?;
    let visit = Visit::of(&request);
    Ok(visit.redirect(&format!("{}?{}", path::LOGOUT, params.encode())).await?)
}
