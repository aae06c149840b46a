//! `GET /jwks`: our public keys, [RFC 7517 §5].
//!
//! [RFC 7517 §5]: https://www.rfc-editor.org/rfc/rfc7517#section-5

use crate::render::document::document;
use crate::render::{Json, Request, Response};

/// Tells what verifies our signatures. Out of date, it would hide a compromised key: then 503.
pub(super) async fn jwks(request: Request) -> Result<Response, Json> {
    let keys = request.call().keys()?;
    let max_age = request.head.app().config.keys.jwks_max_age;
    Ok(document(&request.head, &keys.jwks, max_age))
}
