//! Responses to the HTTP challenges of an ACME server: [RFC 8555 §8.3].
//!
//! [RFC 8555 §8.3]: https://www.rfc-editor.org/rfc/rfc8555#section-8.3

use crate::render::{Json, Request, Response, json};
use crate::store::acme;
use crate::types::{Code, Result};

/// `GET /.well-known/acme-challenge/TOKEN`
pub(super) async fn challenge(request: Request) -> Result<Response, Json> {
    let app = request.head.app();
    let response = match app.config.acme.directory {
        Some(_) => {
            let (token, now) = (request.head.parameter("token"), request.head.trace.now());
            acme::response(app.store.db(), token, now).await.map_err(crate::types::Error::from)?
        }
        None => None,
    };
    match response {
        Some(response) => Ok(json::typed("application/octet-stream", response)),
        None => Err(Code::NotFound.because("there is no such challenge").into()),
    }
}
