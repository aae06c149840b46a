//! Parses and verifies responses: [RFC 6960 §3.2], [RFC 6960 §4.2].
//!
//! [RFC 6960 §3.2]: https://www.rfc-editor.org/rfc/rfc6960#section-3.2
//! [RFC 6960 §4.2]: https://www.rfc-editor.org/rfc/rfc6960#section-4.2

use std::time::Duration;

use der::asn1::Any;
use der::{Decode as _, Encode as _};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

use super::asn1::{
    BasicOcspResponse, CertStatus, ID_PKIX_OCSP_BASIC, OcspResponse, ResponderId, ResponseData,
    ResponseStatus, SingleResponse, timestamp,
};
use super::{CertId, CertificateStatus, Hash, Issuer, Nonce, Status, find_nonce};
use crate::types::{Seconds, Timestamp};

/// The largest response; a chain of large certificates fits in.
pub const MAX_BYTES: usize = 64 * 1024;

/// Tolerated difference to the responder's clock.
const LEEWAY: Seconds = Seconds::minutes(5);

/// How long a response without `nextUpdate` is valid.
const DEFAULT_LIFETIME: Seconds = Seconds::hours(1);

/// At most this many certificates of a response are considered.
const MAX_CERTIFICATES: usize = 8;

/// `id-kp-OCSPSigning`: 1.3.6.1.5.5.7.3.9.
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];

/// The request that a response must match.
#[derive(Clone, Copy, Debug)]
pub struct ResponseVerifier<'a> {
    /// The requested certificate.
    pub id: &'a CertId,
    /// Its issuer.
    pub issuer: &'a Issuer,
    /// The nonce that was sent. A response without a nonce was created in advance, which is
    /// accepted; one with a different nonce is rejected (RFC 9654 §2.1). `None` for a cached
    /// response, whose nonce was compared when it arrived.
    pub nonce: Option<&'a Nonce>,
    /// The time of verification.
    pub now: Timestamp,
}

impl ResponseVerifier<'_> {
    /// Parses a response and accepts it only under the conditions of §3.2.
    ///
    /// # Errors
    /// Why the response is rejected. The status of the certificate is then unknown.
    pub fn verify(&self, der: &[u8]) -> Result<CertificateStatus, &'static str> {
        let basic = parse_basic(der)?;
        let signed = basic.tbs_response_data.to_der().map_err(|_| "the response is too long")?;
        let data = ResponseData::from_der(&signed).map_err(|_| "this is not a ResponseData")?;
        if data.version != 0 {
            return Err("the version of the response is not v1");
        }
        // > 2. The signature on the response is valid;
        // > 3. The identity of the signer matches the intended recipient of the request;
        // > 4. The signer is currently authorized to provide a response for the certificate in question;
        let signer =
            self.find_signer(&data.responder_id, basic.certs.as_deref().unwrap_or_default())?;
        let algorithm = basic.signature_algorithm.value();
        let signature = basic.signature.as_bytes().ok_or("the signature is not of whole bytes")?;
        if !signer.has_signed(&signed, algorithm, signature) {
            return Err("the signature of the response is invalid");
        }
        let repeated = find_nonce(data.response_extensions.as_ref())?;
        if let (Some(sent), Some(repeated)) = (self.nonce, &repeated)
            && sent != repeated
        {
            return Err("the nonce is not the one that was sent");
        }
        // > 1. The certificate identified in a received response corresponds to the certificate that was
        // > identified in the corresponding request;
        let single = data.responses.iter().find(|single| single.cert_id.matches(self.id));
        let status = single.ok_or("the response is about another certificate")?.to_status()?;
        status.must_be_current(self.now)?;
        Ok(status)
    }

    /// The signer: the issuing CA, or a responder that it has delegated to.
    fn find_signer(&self, id: &ResponderId, certificates: &[Any]) -> Result<Issuer, &'static str> {
        if is_responder(id, self.issuer) {
            return Ok(self.issuer.clone());
        }
        let delegate = certificates
            .iter()
            .take(MAX_CERTIFICATES)
            .filter_map(|any| any.to_der().ok())
            .filter_map(|der| Issuer::from_der(&CertificateDer::from(der)).ok())
            .find(|candidate| is_responder(id, candidate))
            .ok_or("neither the issuer of the certificate nor a certificate in the response is the responder")?;
        self.must_be_delegated(delegate.certificate())?;
        Ok(delegate)
    }

    /// > OCSP signing delegation SHALL be designated by the inclusion of id-kp-OCSPSigning in an extended
    /// > key usage certificate extension included in the OCSP response signer's certificate. This
    /// > certificate MUST be issued directly by the CA that is identified in the request. (§4.2.2.2)
    ///
    /// The delegate's own revocation is not checked (§4.2.2.2.1 leaves this to the client): its key
    /// could also sign a response about itself, and such certificates are short-lived.
    fn must_be_delegated(&self, certificate: &CertificateDer<'_>) -> Result<(), &'static str> {
        let wrong = "the responder's certificate is not an OCSP certificate of the issuer";
        let seconds = u64::try_from(self.now.0).map_err(|_| wrong)?;
        let anchor = webpki::anchor_from_trusted_cert(self.issuer.certificate());
        EndEntityCert::try_from(certificate)
            .map_err(|_| wrong)?
            .verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &[anchor.map_err(|_| wrong)?],
                // No intermediates: the CA must have issued it directly.
                &[],
                UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
                KeyUsage::required(OCSP_SIGNING),
                None,
                None,
            )
            .map(drop)
            .map_err(|_| wrong)
    }
}

fn parse_basic(der: &[u8]) -> Result<BasicOcspResponse, &'static str> {
    if der.len() > MAX_BYTES {
        return Err("the response is larger than 64 KiB");
    }
    let response = OcspResponse::from_der(der).map_err(|_| "this is not an OCSP response")?;
    match response.response_status {
        ResponseStatus::Successful => {}
        ResponseStatus::MalformedRequest => {
            return Err("the responder rejected the request as malformed");
        }
        ResponseStatus::InternalError => return Err("the responder has an internal error"),
        ResponseStatus::TryLater => return Err("the responder is busy"),
        ResponseStatus::SigRequired => return Err("the responder requires signed requests"),
        ResponseStatus::Unauthorized => {
            return Err("the responder is not authorized for this certificate");
        }
    }
    let bytes = response.response_bytes.ok_or("the response is empty")?;
    if bytes.response_type != ID_PKIX_OCSP_BASIC {
        return Err("the response is not a basic OCSP response");
    }
    BasicOcspResponse::from_der(bytes.response.as_bytes())
        .map_err(|_| "this is not a basic OCSP response")
}

fn is_responder(id: &ResponderId, issuer: &Issuer) -> bool {
    match id {
        ResponderId::ByName(name) => name.to_der().is_ok_and(|name| name == issuer.name()),
        ResponderId::ByKey(hash) => hash.as_bytes() == Hash::Sha1.digest(issuer.public_key_bits()),
    }
}

impl SingleResponse {
    fn to_status(&self) -> Result<CertificateStatus, &'static str> {
        if self.single_extensions.iter().flatten().any(|extension| extension.critical) {
            return Err("a critical extension is not supported");
        }
        let status = match &self.cert_status {
            CertStatus::Good(_) => Status::Good,
            CertStatus::Unknown(_) => Status::Unknown,
            CertStatus::Revoked(revoked) => Status::Revoked {
                at: timestamp(revoked.revocation_time),
                reason: revoked.revocation_reason.unwrap_or_default(),
            },
        };
        Ok(CertificateStatus {
            status,
            this_update: timestamp(self.this_update),
            next_update: self.next_update.map(timestamp),
        })
    }
}

impl CertificateStatus {
    /// > 5. The time at which the status being indicated is known to be correct (thisUpdate) is
    /// > sufficiently recent;
    /// > 6. When available, the time at or before which newer information will be available about the
    /// > status of the certificate (nextUpdate) is greater than the current time.
    fn must_be_current(&self, now: Timestamp) -> Result<(), &'static str> {
        if self.this_update > now + LEEWAY {
            return Err("thisUpdate of the response is in the future");
        }
        if self.expires_at() + LEEWAY <= now {
            return Err("the response has expired");
        }
        Ok(())
    }

    /// When it expires.
    pub fn expires_at(&self) -> Timestamp {
        self.next_update.unwrap_or(self.this_update + DEFAULT_LIFETIME)
    }
}
