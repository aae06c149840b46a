//! Certification requests: PKCS #10, [RFC 2986].
//!
//! Only the public key is used. Names come from the client's registration, so a request cannot
//! obtain a certificate for another client.
//!
//! [RFC 2986]: https://www.rfc-editor.org/rfc/rfc2986

use rcgen::{PublicKeyData as _, SubjectPublicKeyInfo};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::OID_PKCS1_RSASSAPSS;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use super::signature::{self, SignatureError};
use crate::types::pem;

/// The largest request; large keys and many attributes fit in.
const MAX_BYTES: usize = 16 * 1024;

/// The smallest accepted RSA key, in bits.
const MIN_RSA_BITS: usize = 2048;

/// The largest accepted RSA key, in bits: verification takes acceptable time.
const MAX_RSA_BITS: usize = 8192;

/// A request whose sender has proved possession of the private key.
#[derive(Debug)]
pub struct CertificationRequest {
    /// The public key to be certified.
    pub key: SubjectPublicKeyInfo,
}

impl CertificationRequest {
    /// Parses a request and verifies its signature. Accepts PEM, with surrounding text and the
    /// label that keytool and Windows use; base64 DER, as in RFC 7030 §4.2.1; and DER.
    ///
    /// # Errors
    /// When it is not a request, its key is not supported (RSA from 2048 bits, P-256, P-384,
    /// Ed25519), or the signature was not made with that key.
    pub fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > MAX_BYTES {
            return Err("the request is larger than 16 KiB");
        }
        let objects = pem::objects(bytes, pem::Kind::Request).map_err(|_| NOT_A_REQUEST)?;
        let [der] = objects.as_slice() else {
            return Err("there is more than one request, or trailing data");
        };
        let (rest, request) = X509CertificationRequest::from_der(der)
            .map_err(|_| "this is not a certification request (PKCS #10)")?;
        if !rest.is_empty() {
            return Err("there is data after the request");
        }
        let info = &request.certification_request_info;
        let public = &info.subject_pki;
        if public.algorithm.algorithm == OID_PKCS1_RSASSAPSS {
            return Err(PSS_ONLY_KEY);
        }
        let key = SubjectPublicKeyInfo::from_der(public.raw).map_err(|_| UNSUPPORTED_KEY)?;
        must_be_supported(public, &key)?;
        // Proof of possession (RFC 2986 §3): no certificate is issued for another party's key.
        let (algorithm, signature) = (&request.signature_algorithm, &request.signature_value.data);
        signature::verify(public.raw, algorithm, info.raw, signature).map_err(|why| match why {
            SignatureError::Algorithm => UNSUPPORTED_ALGORITHM,
            SignatureError::Salt => UNSUPPORTED_SALT,
            SignatureError::Signature => "the request is not signed with the key that it is for",
        })?;
        Ok(Self { key })
    }
}

const NOT_A_REQUEST: &str = "this is not a certification request: it is neither PEM (CERTIFICATE REQUEST), nor its \
                          base64, nor DER";

const PSS_ONLY_KEY: &str = "a key that is for RSASSA-PSS alone (id-RSASSA-PSS) is not certified, because TLS 1.2 does not \
                       support it: generate an ordinary RSA key (openssl genpkey -algorithm RSA), which may sign by RSASSA-PSS too";

const UNSUPPORTED_ALGORITHM: &str = "the request is signed with an unsupported algorithm: supported are RSA and RSASSA-PSS with \
                          SHA-256, SHA-384 or SHA-512, ECDSA with these, and Ed25519";

const UNSUPPORTED_SALT: &str = "the request is signed by RSASSA-PSS with a salt that is not as long as the hash, or with two \
                    hashes: sign with one as long (openssl req -sigopt rsa_pss_saltlen:digest)";

const UNSUPPORTED_KEY: &str =
    "only these keys are certified: RSA from 2048 to 8192 bits, P-256, P-384, Ed25519";

fn must_be_supported(
    public: &x509_parser::x509::SubjectPublicKeyInfo<'_>,
    key: &SubjectPublicKeyInfo,
) -> Result<(), &'static str> {
    if key.algorithm() == &rcgen::PKCS_ED25519 {
        return Ok(());
    }
    match public.parsed() {
        Ok(PublicKey::RSA(key)) => match key.key_size() {
            0..MIN_RSA_BITS => Err("the RSA key has fewer than 2048 bits"),
            MIN_RSA_BITS..=MAX_RSA_BITS => Ok(()),
            _ => Err(UNSUPPORTED_KEY),
        },
        Ok(PublicKey::EC(point)) if point.data().first() == Some(&4) => match point.key_size() {
            256 | 384 => Ok(()),
            _ => Err(UNSUPPORTED_KEY),
        },
        Ok(PublicKey::EC(_)) => Err("the point of the key is compressed"),
        Ok(
            PublicKey::DSA(_)
            | PublicKey::GostR3410(_)
            | PublicKey::GostR3410_2012(_)
            | PublicKey::Unknown(_),
        )
        | Err(_) => Err(UNSUPPORTED_KEY),
    }
}

#[cfg(test)]
mod tests;
