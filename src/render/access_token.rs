//! The access token in the `Authorization` header: [RFC 6750 §2.1], [RFC 9449 §7.1].
//!
//! [RFC 6750 §2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
//! [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1

use axum::http::header::AUTHORIZATION;

use super::Head;
use crate::types::{Code, Refusal, Scheme, Secret};

/// The token and how it is presented; `None` without a header.
///
/// # Errors
/// `invalid_request` for two headers, another scheme or no token.
pub fn in_header(head: &Head) -> Result<Option<(Scheme, Secret)>, Refusal> {
    let mut fields = head.headers.get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else {
        return Ok(None);
    };
    if fields.next().is_some() {
        return Err(Code::InvalidRequest.because("there are two Authorization headers"));
    }
    match field.to_str().ok().and_then(Scheme::of_authorization) {
        Some((scheme, token)) => Ok(Some((scheme, Secret::new(token)))),
        None => Err(Code::InvalidRequest
            .because("the Authorization header is not Bearer or DPoP with an access token")),
    }
}
