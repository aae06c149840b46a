//! Enrolment over Secure Transport: [RFC 7030 §4.2].
//!
//! Who asks is proven in one of three ways, and each gets a certificate of their own name and no other:
//! a token that enrols once, the client's secret, or the certificate that is to be renewed.
//!
//! [RFC 7030 §4.2]: https://www.rfc-editor.org/rfc/rfc7030#section-4.2

use super::authentication::{self, Presented};
use crate::flow::Call;
use crate::pki::ca::BuiltInCa;
use crate::pki::issue::{IssuedCertificate, Right};
use crate::pki::request::CertificationRequest;
use crate::types::token::EnrolmentToken;
use crate::types::{ClientId, Code, Refusal, Result, Secret};

/// What the rules about our authority may reach in this call.
pub fn authority<'a>(call: &'a Call<'_>) -> BuiltInCa<'a> {
    BuiltInCa {
        store: call.store,
        kek: call.keyring.kek(),
        config: call.config,
        trace: &call.trace,
    }
}

/// A client's first certificate: RFC 7030 §4.2.1. `secret` is a token that enrols once, or the client's
/// own; `path` is that of the endpoint which was called.
///
/// # Errors
/// `invalid_client`, before the request is read; `invalid_request` for what is no request; `not_found` where
/// there is no authority.
pub async fn enrol(
    call: &Call<'_>,
    id: ClientId,
    secret: Secret,
    path: &str,
    request: &[u8],
) -> Result<IssuedCertificate> {
    let authority = authority(call);
    if let Some(token) = EnrolmentToken::read(secret.expose()) {
        let right = Right::Token(&token);
        authority.check_right(Some(&id), right).await?;
        return authority.issue(Some(&id), &read(request)?, right).await;
    }
    let client = authentication::authenticate(call, &Presented::Basic { id, secret }, path).await?;
    let request = read(request)?;
    authority.issue(Some(&client.id), &request, Right::Proven).await
}

/// The next certificate, for the same key or another one: RFC 7030 §4.2.2. The present one goes on working.
///
/// # Errors
/// Those of [`enrol`].
pub async fn renew(call: &Call<'_>, request: &[u8]) -> Result<IssuedCertificate> {
    let Some(certificate) = &call.held.certificate else {
        return Err(Code::InvalidClient
            .because("a certificate is renewed over a connection that was made with it")
            .into());
    };
    let (authority, right) = (authority(call), Right::Certificate(certificate.thumbprint));
    authority.check_right(None, right).await?;
    authority.issue(None, &read(request)?, right).await
}

fn read(request: &[u8]) -> Result<CertificationRequest, Refusal> {
    CertificationRequest::parse(request).map_err(|why| Code::InvalidRequest.because(why))
}
