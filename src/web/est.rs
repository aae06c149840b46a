//! Enrolment over Secure Transport: [RFC 7030 §4], with the clarifications of [RFC 8951].
//!
//! [RFC 7030 §4]: https://www.rfc-editor.org/rfc/rfc7030#section-4
//! [RFC 8951]: https://www.rfc-editor.org/rfc/rfc8951

use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use rustls_pki_types::CertificateDer;

use super::client;
use crate::flow::clients::enrolment;
use crate::pki::ca::published_certificates;
use crate::pki::{cms, pem};
use crate::render::{Head, IntoResponse, Json, Request, Response, json};
use crate::types::{Code, Failure};

/// The media type of a request (RFC 5967).
const PKCS10: &str = "application/pkcs10";

/// `GET /.well-known/est/cacerts`: the trust anchors for client certificates (RFC 7030 §4.1).
pub(super) async fn cacerts(request: Request) -> Result<Response, Json> {
    let call = request.call();
    let (authorities, revoked) = (call.cache.authorities().await?, call.cache.revoked().await?);
    let published = published_certificates(&authorities, &revoked, call.now);
    if published.is_empty() {
        return Err(Code::NotFound.because("there is no built-in CA").into());
    }
    let mut response = certificates(&published)?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    Ok(response)
}

/// `POST /.well-known/est/simpleenroll` (RFC 7030 §4.2.1): a client's first certificate, for an enrolment token
/// or the client secret.
pub(super) async fn simpleenroll(mut request: Request) -> Result<Response, Challenge> {
    let body = request.body_of(PKCS10).await?;
    let call = request.call();
    let Some((id, secret)) = client::basic(&request.head)? else {
        return Err(Code::InvalidClient.because("the request does not identify the client").into());
    };
    let path = request.head.uri.path();
    let issued = enrolment::enrol(&call, id, secret, path, &body).await?;
    Ok(certificates(&[issued.certificate])?)
}

/// `POST /.well-known/est/simplereenroll` (RFC 7030 §4.2.2): the next certificate; the connection
/// presents the current one.
pub(super) async fn simplereenroll(mut request: Request) -> Result<Response, Json> {
    let body = request.body_of(PKCS10).await?;
    let call = request.call();
    let issued = enrolment::renew(&call, &body).await?;
    Ok(certificates(&[issued.certificate])?)
}

/// > The server MUST answer with a simple PKI response: a certs-only CMC Simple PKI Response [...]
/// > containing only the certificate that was issued (RFC 7030 §4.2.3)
fn certificates(certificates: &[CertificateDer<'_>]) -> Result<Response, Failure> {
    let text = pem::lines(&cms::certs_only(certificates)?);
    let mut response = json::typed("application/pkcs7-mime; smime-type=certs-only", text);
    let name = HeaderName::from_static("content-transfer-encoding");
    response.headers_mut().insert(name, HeaderValue::from_static("base64"));
    Ok(response)
}

/// An error with a challenge if the credentials are missing or wrong.
///
/// > HTTP-based client authentication [...] the EST server [...] responds with an HTTP 401 (RFC 7030
/// > §3.2.3): a client of the HTTP kind sends its credentials when it is asked.
#[derive(Debug)]
pub(super) struct Challenge(Json);

impl<E: Into<Json>> From<E> for Challenge {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Challenge {
    fn into_response(self, head: &Head) -> Response {
        let mut response = self.0.into_response(head);
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"gatewright\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
