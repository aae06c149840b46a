//! The documents that the built-in CA publishes: [RFC 5280 §4.2.1.13], [RFC 5280 §4.2.2.1], [RFC 6960 §A.1].
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

/// `GET /ca/crl/{authority}`: the CRL.
pub(super) async fn crl(request: Request) -> Result<Response, Json> {
    let call = request.call();
    let list = authority(&call).crl(request.head.parameter("authority")).await?;
    Ok(cacheable("application/pkix-crl", list))
}

/// `GET /ca/certificate/{authority}`: the certificate of the issuing CA.
pub(super) async fn certificate(request: Request) -> Result<Response, Json> {
    let call = request.call();
    let certificate = authority(&call).certificate(request.head.parameter("authority")).await?;
    Ok(cacheable("application/pkix-cert", certificate))
}

/// `POST /ca/ocsp`: the revocation status of a certificate.
pub(super) async fn ocsp(mut request: Request) -> Result<Response, Json> {
    let body = request.body_of(ocsp::REQUEST_MEDIA_TYPE).await?;
    let call = request.call();
    Ok(json::typed(ocsp::RESPONSE_MEDIA_TYPE, authority(&call).ocsp(&body).await?))
}

/// `GET /ca/ocsp/{*request}`: the same, for requests whose responses can be cached.
///
/// > GET {url}/{url-encoding of base-64 encoding of the DER encoding of the OCSPRequest} (RFC 6960 §A.1)
///
/// Proxies decode paths, and some merge two slashes into one (nginx with `proxy_pass http://…/;`): the base64 may have
/// its slashes decoded, or too few of them.
pub(super) async fn ocsp_in_path(request: Request) -> Result<Response, Json> {
    let wrong =
        || Code::InvalidRequest.because("the path does not end with an OCSP request in base64");
    let (_, text) = request.head.uri.path().split_once(IN_PATH).ok_or_else(wrong)?;
    // In base64 a plus sign is not a space.
    let text = text.replace('+', "%2B");
    let text = params::decode(&text).map_err(|_| wrong())?;
    let requests = ocsp::requests_from_path(&text);
    if requests.is_empty() {
        return Err(wrong().into());
    }
    let call = request.call();
    Ok(cacheable(ocsp::RESPONSE_MEDIA_TYPE, authority(&call).ocsp_for_any(&requests).await?))
}

/// The path before the OCSP request.
const IN_PATH: &str = "/ca/ocsp/";

/// A response that may be cached for a minute, so that a revocation is seen soon.
fn cacheable(media_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = json::typed(media_type, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    response
}
