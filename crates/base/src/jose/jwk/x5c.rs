//! The certificate of a key: [RFC 7517 §4.7].
//!
//! [RFC 7517 §4.7]: https://www.rfc-editor.org/rfc/rfc7517#section-4.7

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{part, text};

/// The most certificates of one key.
const MOST: usize = 9;

/// The largest certificate.
const LARGEST: usize = 16 * 1024;

/// The certificate of a key, if it has one.
///
/// # Errors
/// When it is not a certificate, or of another key.
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
    let ders = ders.ok_or("the x5c of a key is not base64")?;
    let mut first = None;
    for der in &ders {
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|_| "the x5c of a key is not an X.509 certificate")?;
        if !rest.is_empty() || der.len() > LARGEST {
            return Err(
                "the x5c of a key has a certificate that is too large or has trailing data",
            );
        }
        first.get_or_insert(parsed);
    }
    let first = first.ok_or("the x5c of a key is empty")?;
    // > The PKIX certificate containing the key value MUST be the first certificate. [...] the key in the
    // > first certificate MUST match the public key represented by other members of the JWK.
    if !is_of(first.public_key(), jwk)? {
        return Err("the first certificate of the x5c of a key has another key");
    }
    Ok(ders.into_iter().next())
}

/// Whether the certificate's key is that of the JWK.
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
                "P-521" => OID_NIST_EC_P521,
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

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
        PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256,
    };
    use rustls_pki_types::PrivatePkcs8KeyDer;
    use serde_json::json;

    use super::*;
    use crate::jose::{SigningKey, base64url};
    use crate::types::{Algorithm, Thumbprint};

    fn certificate(key: &KeyPair) -> String {
        let signed = CertificateParams::default().self_signed(key).unwrap();
        STANDARD.encode(signed.der())
    }

    fn of(jwk: &Value) -> Result<Option<Vec<u8>>, &'static str> {
        read(jwk.as_object().unwrap())
    }

    /// For each key type, a JWK and its certificate.
    fn pair(algorithm: &'static rcgen::SignatureAlgorithm) -> (Value, String) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let bytes = key.public_key_raw();
        let half = |n: usize| base64url::encode(bytes[1..].chunks(bytes.len() / 2).nth(n).unwrap());
        let jwk = if algorithm == &PKCS_ED25519 {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(bytes) })
        } else {
            let curve = match bytes.len() / 2 {
                32 => "P-256",
                48 => "P-384",
                _ => "P-521",
            };
            json!({ "kty": "EC", "crv": curve, "x": half(0), "y": half(1) })
        };
        (jwk, certificate(&key))
    }

    fn rsa_pair() -> (Value, String) {
        let (key, pkcs8) = SigningKey::generate(Algorithm::Rs256).unwrap();
        let pkcs8 = PrivatePkcs8KeyDer::from(pkcs8.to_vec());
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_RSA_SHA256).unwrap();
        (key.public_jwk(), certificate(&pair))
    }

    /// RFC 7517 §4.7: "the key in the first certificate MUST match".
    #[test]
    fn a_certificate_must_have_the_key() {
        let kinds = [
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P384_SHA384,
            &PKCS_ECDSA_P521_SHA512,
            &PKCS_ED25519,
        ];
        let pairs: Vec<_> = kinds.into_iter().map(pair).chain([rsa_pair()]).collect();
        let other = pair(&PKCS_ECDSA_P256_SHA256).1;
        for (n, (jwk, _)) in pairs.iter().enumerate() {
            for (m, (_, certificate)) in pairs.iter().enumerate() {
                let mut jwk = jwk.clone();
                jwk["x5c"] = json!([certificate, other]);
                assert_eq!(of(&jwk).is_ok_and(|x5c| x5c.is_some()), n == m, "{n} {m}");
            }
            let der = STANDARD.decode(&pairs[n].1).unwrap();
            let (_, parsed) = X509Certificate::from_der(&der).unwrap();
            let named = super::super::PublicKey::from_jwk(jwk).unwrap().public_key();
            assert_eq!(
                named,
                Some(Thumbprint::of(parsed.public_key().raw)),
                "as the certificate has it"
            );
            let mut jwk = jwk.clone();
            jwk["x5c"] = json!([other]);
            assert!(of(&jwk).is_err());
        }
    }

    #[test]
    fn an_invalid_certificate_is_refused() {
        let (jwk, certificate) = pair(&PKCS_ECDSA_P256_SHA256);
        let url = certificate.replace('+', "-").replace('/', "_").replace('=', "");
        let longer = STANDARD.encode([STANDARD.decode(&certificate).unwrap(), vec![0]].concat());
        for wrong in [
            json!([]),
            json!(certificate),
            json!({}),
            json!(null),
            json!([1]),
            json!([""]),
            json!(["AAAA"]),
            json!([format!("{certificate}\n")]),
            json!([url]),
            json!([longer]),
            json!([certificate, "AAAA"]),
            json!(vec![certificate.clone(); 10]),
        ] {
            let mut jwk = jwk.clone();
            jwk["x5c"] = wrong.clone();
            assert!(of(&jwk).is_err(), "{wrong}");
        }
        assert_eq!(of(&jwk), Ok(None));
    }
}
