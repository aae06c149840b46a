//! A request for a certificate: PKCS #10, [RFC 2986].
//!
//! Nothing of it is used but the public key: what the certificate says comes from the registration of
//! the client, so nobody enrols as somebody else, whatever the request asks for.
//!
//! [RFC 2986]: https://www.rfc-editor.org/rfc/rfc2986

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{PublicKeyData as _, SubjectPublicKeyInfo};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::{
    OID_PKCS1_RSASSAPSS, OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
    OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ED25519, Oid,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

/// As large as a request may be: large keys and many attributes fit in.
const LARGEST: usize = 16 * 1024;

/// The smallest RSA key that is good enough, in bits.
const SMALLEST_RSA: usize = 2048;

/// The largest one that is verified in a reasonable time.
const LARGEST_RSA: usize = 8192;

/// What may sign a request. SHA-1 is not among them.
const SIGNATURES: [Oid<'static>; 7] = [
    OID_PKCS1_SHA256WITHRSA,
    OID_PKCS1_SHA384WITHRSA,
    OID_PKCS1_SHA512WITHRSA,
    OID_PKCS1_RSASSAPSS,
    OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384,
    OID_SIG_ED25519,
];

/// A request whose sender has the private key.
#[derive(Debug)]
pub struct CertificationRequest {
    pub(super) key: SubjectPublicKeyInfo,
}

impl CertificationRequest {
    /// Reads a request and checks its signature: PEM, DER in base64 as RFC 7030 §4.2.1 has it, or DER.
    ///
    /// # Errors
    /// When it is not a request, has a key of a kind that we do not certify (RSA of 2048 bits and more,
    /// P-256, P-384, Ed25519), or was not signed with it.
    pub fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > LARGEST {
            return Err("the request is larger than 16 KiB");
        }
        let der = decoded(bytes)?;
        let (rest, request) = X509CertificationRequest::from_der(&der)
            .map_err(|_| "this is not a PKCS #10 request for a certificate")?;
        if !rest.is_empty() {
            return Err("something follows the request");
        }
        let public = &request.certification_request_info.subject_pki;
        let key = SubjectPublicKeyInfo::from_der(public.raw).map_err(|_| KEYS)?;
        must_be_certified(public, &key)?;
        if !SIGNATURES.contains(&request.signature_algorithm.algorithm) {
            return Err("the request is signed with an algorithm that we do not accept");
        }
        // Proof of possession (RFC 2986 §3): nobody gets a certificate for somebody else's key.
        request
            .verify_signature()
            .map_err(|_| "the request is not signed with the key that it is for")?;
        Ok(Self { key })
    }
}

/// What is said of another key.
const KEYS: &str =
    "only keys of these kinds are certified: RSA from 2048 to 8192 bits, P-256, P-384, Ed25519";

fn must_be_certified(
    public: &x509_parser::x509::SubjectPublicKeyInfo<'_>,
    key: &SubjectPublicKeyInfo,
) -> Result<(), &'static str> {
    if key.algorithm() == &rcgen::PKCS_ED25519 {
        return Ok(());
    }
    match public.parsed() {
        Ok(PublicKey::RSA(key)) => match key.key_size() {
            0..SMALLEST_RSA => Err("the RSA key has fewer than 2048 bits"),
            SMALLEST_RSA..=LARGEST_RSA => Ok(()),
            _ => Err(KEYS),
        },
        Ok(PublicKey::EC(point)) if point.data().first() == Some(&4) => match point.key_size() {
            256 | 384 => Ok(()),
            _ => Err(KEYS),
        },
        Ok(PublicKey::EC(_)) => Err("the point of the key is compressed"),
        Ok(
            PublicKey::DSA(_)
            | PublicKey::GostR3410(_)
            | PublicKey::GostR3410_2012(_)
            | PublicKey::Unknown(_),
        )
        | Err(_) => Err(KEYS),
    }
}

/// From whatever tools write.
fn decoded(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    const SEQUENCE: u8 = 0x30;
    if bytes.first() == Some(&SEQUENCE) && !bytes.is_ascii() {
        return Ok(bytes.to_vec());
    }
    if bytes.trim_ascii_start().starts_with(b"-----") {
        return CertificateSigningRequestDer::from_pem_slice(bytes)
            .map(|der| der.to_vec())
            .map_err(|_| "the PEM holds no CERTIFICATE REQUEST");
    }
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(text).map_err(|_| "the request is neither PEM nor base64 nor DER")
}

#[cfg(test)]
mod tests;
