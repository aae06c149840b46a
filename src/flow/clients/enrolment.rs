//! Enrolment over Secure Transport: [RFC 7030 §4.2].
//!
//! The client authenticates with a one-time enrolment token, its secret, or the certificate to be renewed. It gets a
//! certificate with its own name only.
//!
//! [RFC 7030 §4.2]: https://www.rfc-editor.org/rfc/rfc7030#section-4.2

use super::authentication::{self, Presented};
use crate::flow::Call;
use crate::pki::ca::BuiltInCa;
use crate::pki::issue::{IssuedCertificate, Right};
use crate::pki::request::CertificationRequest;
use crate::types::token::EnrolmentToken;
use crate::types::{ClientId, Code, Refusal, Result, Secret};

/// The built-in CA, for this request.
pub fn authority<'a>(call: &'a Call<'_>) -> BuiltInCa<'a> {
    BuiltInCa { context: call.context, kek: call.keyring.kek() }
}

/// A client's first certificate: RFC 7030 §4.2.1. `secret` is an enrolment token or the client secret, `path` that of
/// the endpoint.
///
/// # Errors
/// `invalid_client`, before the request is parsed; `invalid_request` for an invalid one; `not_found` without a
/// built-in CA.
pub async fn enrol(
    call: &Call<'_>,
    id: ClientId,
    secret: Secret,
    path: &str,
    request: &[u8],
) -> Result<IssuedCertificate> {
    let authority = authority(call);
    if let Some(token) = EnrolmentToken::parse(secret.expose()) {
        let right = Right::Token(&token);
        authority.check_right(Some(&id), right).await?;
        return authority.issue(Some(&id), &parse(request)?, right).await;
    }
    let client = authentication::authenticate(call, &Presented::Basic { id, secret }, path).await?;
    let request = parse(request)?;
    authority.issue(Some(&client.id), &request, Right::Proven).await
}

/// The next certificate, for the same key or another one: RFC 7030 §4.2.2. The current one stays valid.
///
/// # Errors
/// Those of [`enrol`].
pub async fn renew(call: &Call<'_>, request: &[u8]) -> Result<IssuedCertificate> {
    let Some(certificate) = &call.possession.certificate else {
        return Err(Code::InvalidClient
            .because("renewal needs a connection with the current certificate")
            .into());
    };
    let (authority, right) = (authority(call), Right::Certificate(certificate.thumbprint));
    authority.check_right(None, right).await?;
    authority.issue(None, &parse(request)?, right).await
}

fn parse(request: &[u8]) -> Result<CertificationRequest, Refusal> {
    CertificationRequest::parse(request).map_err(|why| Code::InvalidRequest.because(why))
}
