//! `GET /jwks`: the public keys, [RFC 7517 §5].
//!
//! [RFC 7517 §5]: https://www.rfc-editor.org/rfc/rfc7517#section-5

use crate::render::document::document;
use crate::render::{Json, Request, Response};

/// The published keys. If they could not be confirmed, the response is 503, because it could contain a compromised key.
pub(super) async fn jwks(request: Request) -> Result<Response, Json> {
    let keys = request.call().keys()?;
    let max_age = request.head.app().config.keys.jwks_max_age;
    Ok(document(&request.head, &keys.jwks, max_age))
}
