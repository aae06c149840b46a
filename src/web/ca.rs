//! What our authority tells everybody: [RFC 5280 §4.2.1.13], [RFC 5280 §4.2.2.1], [RFC 6960 §A.1].
//!
//! [RFC 5280 §4.2.1.13]: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.13
//! [RFC 5280 §4.2.2.1]: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.2.1
//! [RFC 6960 §A.1]: https://www.rfc-editor.org/rfc/rfc6960#appendix-A.1

use crate::flow::clients::enrolment::authority;
use crate::pki::ocsp;
use crate::render::{Json, Request, Response, json};
use crate::types::{Code, params};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;

/// `GET /ca/crl/{authority}`: what was revoked.
pub(super) async fn crl(request: Request) -> Result<Response, Json> {
    let call = request.call();
    let list = authority(&call).crl(request.head.segment()).await?;
    Ok(kept("application/pkix-crl", list))
}

/// `GET /ca/certificate/{authority}`: who issued a certificate.
pub(super) async fn certificate(request: Request) -> Result<Response, Json> {
    let call = request.call();
    let found = authority(&call).certificate(request.head.segment()).await?;
    Ok(kept("application/pkix-cert", found))
}

/// `POST /ca/ocsp`: whether a certificate was revoked.
pub(super) async fn ask(mut request: Request) -> Result<Response, Json> {
    let question = request.body_of(ocsp::REQUEST_MEDIA_TYPE).await?;
    let call = request.call();
    Ok(json::typed(ocsp::RESPONSE_MEDIA_TYPE, authority(&call).ocsp(&question).await?))
}

/// `GET /ca/ocsp/{*request}`: the same, for questions that caches may answer.
///
/// > GET {url}/{url-encoding of base-64 encoding of the DER encoding of the OCSPRequest} (RFC 6960 §A.1)
///
/// Proxies decode paths, and some make one slash of two (nginx with `proxy_pass http://…/;`): the base64 may stand
/// there with its slashes, or with too few of them.
pub(super) async fn ask_in_path(request: Request) -> Result<Response, Json> {
    let wrong = || Code::InvalidRequest.because("the path does not end with a question in base64");
    let (_, text) = request.head.uri.path().split_once(IN_PATH).ok_or_else(wrong)?;
    // A plus sign is one in base64, not a space.
    let text = text.replace('+', "%2B");
    let text = params::decode(&text).map_err(|_| wrong())?;
    let questions = ocsp::requests_from_path(&text);
    if questions.is_empty() {
        return Err(wrong().into());
    }
    let call = request.call();
    Ok(kept(ocsp::RESPONSE_MEDIA_TYPE, authority(&call).ocsp_for_any(&questions).await?))
}

/// What the address of a question begins with.
const IN_PATH: &str = "/ca/ocsp/";

/// An answer that may be kept for a minute: what is revoked is known soon.
fn kept(media_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = json::typed(media_type, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    response
}
