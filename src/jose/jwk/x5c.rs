//! The certificate of a key: [RFC 7517 §4.7].
//!
//! [RFC 7517 §4.7]: https://www.rfc-editor.org/rfc/rfc7517#section-4.7

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{part, text};

/// As many certificates as one key may come with.
const MOST: usize = 9;

/// As large as each of them may be.
const LARGEST: usize = 16 * 1024;

/// The certificate of a key, if it has one.
///
/// # Errors
/// When it is none, or of another key.
pub(super) fn read(jwk: &Map<String, Value>) -> Result<Option<Vec<u8>>, &'static str> {
    let certificates = match jwk.get("x5c") {
        None => return Ok(None),
        Some(Value::Array(certificates)) => certificates,
        Some(_) => return Err("the x5c of a key is not an array"),
    };
    if certificates.len() > MOST {
        return Err("the x5c of a key has more than nine certificates");
    }
    // > Each string in the array is a base64-encoded (Section 4 of [RFC4648] -- not base64url-encoded)
    // > DER [ITU.X690.1994] PKIX certificate value.
    let decoded = |one: &Value| STANDARD.decode(one.as_str()?).ok();
    let ders: Option<Vec<Vec<u8>>> = certificates.iter().map(decoded).collect();
    let ders = ders.ok_or("the x5c of a key has what is not base64")?;
    let mut first = None;
    for der in &ders {
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|_| "the x5c of a key has what is not an X.509 certificate")?;
        if !rest.is_empty() || der.len() > LARGEST {
            return Err(
                "the x5c of a key has a certificate that is too large, or is followed by something",
            );
        }
        first.get_or_insert(parsed);
    }
    let first = first.ok_or("the x5c of a key is empty")?;
    // > The PKIX certificate containing the key value MUST be the first certificate. [...] the key in the
    // > first certificate MUST match the public key represented by other members of the JWK.
    if !is_of(first.public_key(), jwk)? {
        return Err("the first certificate of the x5c of a key is of another key");
    }
    Ok(ders.into_iter().next())
}

/// Whether this is the key of the JWK.
fn is_of(key: &SubjectPublicKeyInfo<'_>, jwk: &Map<String, Value>) -> Result<bool, &'static str> {
    let kind = &key.algorithm.algorithm;
    let curve = key.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
    let bytes = &key.subject_public_key.data;
    let kty = text(jwk, "kty", "the kty of a key is not a string")?;
    let crv = text(jwk, "crv", "the crv of a key is not a string")?;
    match (kty, crv) {
        (Some("RSA"), _) if *kind == OID_PKCS1_RSAENCRYPTION => {
            let Ok(PublicKey::RSA(rsa)) = key.parsed() else {
                return Ok(false);
            };
            let number = |bytes: &[u8]| bytes.strip_prefix(&[0]).unwrap_or(bytes).to_vec();
            Ok(number(rsa.modulus) == part(jwk, "n")? && number(rsa.exponent) == part(jwk, "e")?)
        }
        (Some("EC"), Some(crv)) if *kind == OID_KEY_TYPE_EC_PUBLIC_KEY => {
            let named = match crv {
                "P-256" => OID_EC_P256,
                "P-384" => OID_NIST_EC_P384,
                _ => return Ok(false),
            };
            let point = [vec![4], part(jwk, "x")?, part(jwk, "y")?].concat();
            Ok(curve == Some(named) && point == bytes.as_ref())
        }
        (Some("OKP"), Some("Ed25519")) if *kind == OID_SIG_ED25519 => {
            Ok(part(jwk, "x")? == bytes.as_ref())
        }
        (Some(_) | None, _) => Ok(false),
    }
}
