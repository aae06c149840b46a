//! Creates responses: [RFC 6960 §4.2.1].
//!
//! [RFC 6960 §4.2.1]: https://www.rfc-editor.org/rfc/rfc6960#section-4.2.1

use der::asn1::{Any, BitString, Null, ObjectIdentifier, OctetString};
use der::{Decode as _, Encode as _};
use rustls_pki_types::CertificateDer;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::asn1::{
    BasicOcspResponse, CertStatus, ID_PKIX_OCSP_BASIC, OcspResponse, ResponderId, ResponseBytes,
    ResponseData, ResponseStatus, RevokedInfo, SingleResponse, time,
};
use super::{CertId, CertificateStatus, Hash, Issuer, Nonce, Reason, Status};
use crate::types::{Failure, Timestamp};

/// `ecdsa-with-SHA256` (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// A response without a status; it is not signed (RFC 6960 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsuccessful {
    /// The request cannot be parsed.
    MalformedRequest,
    /// The responder has a fault.
    InternalError,
    /// The responder is busy.
    TryLater,
    /// The responder is not authoritative for the certificate.
    Unauthorized,
}

impl Unsuccessful {
    /// The response in DER.
    ///
    /// # Errors
    /// When it cannot be encoded, which does not happen.
    pub fn to_der(self) -> Result<Vec<u8>, Failure> {
        let response_status = match self {
            Self::MalformedRequest => ResponseStatus::MalformedRequest,
            Self::InternalError => ResponseStatus::InternalError,
            Self::TryLater => ResponseStatus::TryLater,
            Self::Unauthorized => ResponseStatus::Unauthorized,
        };
        let response = OcspResponse { response_status, response_bytes: None };
        response.to_der().map_err(Failure::internal)
    }
}

/// The contents of a successful response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status of each requested certificate.
    pub responses: Vec<(CertId, CertificateStatus)>,
    /// The nonce of the request.
    pub nonce: Option<Nonce>,
    /// When the response is signed.
    pub produced_at: Timestamp,
}

impl Response {
    /// Signs the response as `responder`: the issuing CA, or the holder of a certificate issued by
    /// it with `id-kp-OCSPSigning`, which must then be in `certificates`. `sign` signs with the
    /// responder's P-256 key: ECDSA with SHA-256, in ASN.1 form.
    ///
    /// # Errors
    /// When `sign` fails, or a time cannot be encoded.
    pub fn sign(
        &self,
        responder: &Issuer,
        certificates: &[CertificateDer<'_>],
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Failure>,
    ) -> Result<Vec<u8>, Failure> {
        let algorithm = AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA256, parameters: None };
        self.sign_with_algorithm(algorithm, responder, certificates, sign)
    }

    /// Signs the response with another signature algorithm.
    ///
    /// # Errors
    /// Those of [`Response::sign`].
    pub fn sign_with_algorithm(
        &self,
        algorithm: AlgorithmIdentifierOwned,
        responder: &Issuer,
        certificates: &[CertificateDer<'_>],
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Failure>,
    ) -> Result<Vec<u8>, Failure> {
        let internal = |error: der::Error| Failure::internal(error);
        let key_hash = Hash::Sha1.digest(responder.public_key_bits());
        let responses: Result<_, Failure> =
            self.responses.iter().map(|(id, status)| single(id, status)).collect();
        let data = ResponseData {
            version: 0,
            responder_id: ResponderId::ByKey(OctetString::new(key_hash).map_err(internal)?),
            produced_at: time(self.produced_at)?,
            responses: responses?,
            response_extensions: self.nonce.as_ref().map(Nonce::extension).transpose()?,
        };
        let signed = data.to_der().map_err(internal)?;
        let certs: Result<Vec<Any>, _> =
            certificates.iter().map(|certificate| Any::from_der(certificate)).collect();
        let basic = BasicOcspResponse {
            signature: sign(&signed).and_then(|s| BitString::from_bytes(&s).map_err(internal))?,
            tbs_response_data: Any::from_der(&signed).map_err(internal)?,
            signature_algorithm: Any::encode_from(&algorithm).map_err(internal)?,
            certs: Some(certs.map_err(internal)?).filter(|certs| !certs.is_empty()),
        };
        let response = basic.to_der().and_then(OctetString::new).map_err(internal)?;
        let response_bytes = ResponseBytes { response_type: ID_PKIX_OCSP_BASIC, response };
        let response = OcspResponse {
            response_status: ResponseStatus::Successful,
            response_bytes: Some(response_bytes),
        };
        response.to_der().map_err(internal)
    }
}

fn single(id: &CertId, status: &CertificateStatus) -> Result<SingleResponse, Failure> {
    let cert_status = match status.status {
        Status::Good => CertStatus::Good(Null),
        Status::Unknown => CertStatus::Unknown(Null),
        Status::Revoked { at, reason } => CertStatus::Revoked(RevokedInfo {
            revocation_time: time(at)?,
            // > the reason code CRL entry extension SHOULD be absent instead of using the unspecified (0)
            // > reasonCode value. (RFC 5280 §5.3.1)
            revocation_reason: Some(reason).filter(|reason| *reason != Reason::Unspecified),
        }),
    };
    Ok(SingleResponse {
        cert_id: id.clone(),
        cert_status,
        this_update: time(status.this_update)?,
        next_update: status.next_update.map(time).transpose()?,
        single_extensions: None,
    })
}
