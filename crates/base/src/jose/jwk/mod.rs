//! Public keys: [RFC 7517], [RFC 7518 §6], [RFC 8037 §2]; thumbprints: [RFC 7638].
//!
//! Keys are checked when they are parsed: a [`PublicKey`] has an accepted size, curve and use
//! (THREATS JO-10). The key determines the algorithms that it may be used with, whatever a token's
//! header says (THREATS JO-02).
//!
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
//! [RFC 7518 §6]: https://www.rfc-editor.org/rfc/rfc7518#section-6
//! [RFC 8037 §2]: https://www.rfc-editor.org/rfc/rfc8037#section-2
//! [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638

mod x5c;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
};
use jsonwebtoken::DecodingKey;
use rsa::pkcs8::EncodePublicKey as _;
use serde_json::{Map, Value};

use super::{base64url, jws};
use crate::types::{Algorithm, Thumbprint};

/// The most keys kept of one set.
const MOST_KEYS: usize = 100;

/// The most keys of one set that are tried for a signature.
const MOST_TRIES: usize = 4;

/// A public key that has been checked.
#[derive(Debug)]
pub struct PublicKey {
    kid: Option<String>,
    algorithms: &'static [Algorithm],
    check: Check,
    /// The certificate of the key in DER: `x5c`.
    certificate: Option<Vec<u8>>,
    /// SHA-256 of its `SubjectPublicKeyInfo`; not computed for our own keys.
    public_key: Option<Thumbprint>,
}

/// The implementation that verifies signatures.
#[derive(Debug)]
enum Check {
    /// `jsonwebtoken`, which parses the key at each use.
    Parts(DecodingKey),
    /// aws-lc, which parses the key once: for our own keys, which verify a token at each userinfo
    /// and introspection request, and for P-521, which `jsonwebtoken` does not support.
    Parsed(ParsedPublicKey),
}

impl PublicKey {
    /// Parses a JWK.
    ///
    /// # Errors
    /// When it is not a public key for supported signatures.
    pub fn from_jwk(jwk: &Value) -> Result<Self, &'static str> {
        let jwk = jwk.as_object().ok_or("a key is not a JSON object")?;
        must_be_public(jwk)?;
        must_be_for_signatures(jwk)?;
        let kid = text(jwk, "kid", "the kid of a key is not a string")?;
        if kid.is_some_and(|kid| kid.len() > 256) {
            return Err("the kid of a key is longer than 256 bytes");
        }
        let (fitting, check, info) = match text(jwk, "kty", "the kty of a key is not a string")? {
            Some("RSA") => rsa(jwk)?,
            Some("EC") => ec(jwk)?,
            Some("OKP") => ed25519(jwk)?,
            Some(_) | None => return Err("the kty of a key is not RSA, EC or OKP"),
        };
        let algorithms = match text(jwk, "alg", "the alg of a key is not a string")? {
            None => fitting,
            Some(alg) => only(fitting, alg)?,
        };
        let certificate = x5c::read(jwk)?;
        let kid = kid.map(str::to_owned);
        Ok(Self { kid, algorithms, check, certificate, public_key: Some(info) })
    }

    /// The public half of one of our keys: RFC 8017 for RSA, else SEC 1 or RFC 8032.
    pub(super) fn from_own_key(
        algorithm: Algorithm,
        kid: &str,
        bytes: &[u8],
    ) -> Result<Self, &'static str> {
        let (algorithms, checked): (&'static [Algorithm], &'static dyn VerificationAlgorithm) =
            match algorithm {
                Algorithm::Rs256 => (&[Algorithm::Rs256], &RSA_PKCS1_2048_8192_SHA256),
                Algorithm::Ps256 => (&[Algorithm::Ps256], &RSA_PSS_2048_8192_SHA256),
                Algorithm::Es256 => (&[Algorithm::Es256], &ECDSA_P256_SHA256_FIXED),
                Algorithm::Es384 => (&[Algorithm::Es384], &ECDSA_P384_SHA384_FIXED),
                Algorithm::EdDsa => (&[Algorithm::EdDsa], &ED25519),
                Algorithm::Rs384
                | Algorithm::Rs512
                | Algorithm::Ps384
                | Algorithm::Ps512
                | Algorithm::Es512
                | Algorithm::Ed25519
                | Algorithm::Hs256 => {
                    return Err("not an algorithm of our signing keys");
                }
            };
        let parsed = ParsedPublicKey::new(checked, bytes).map_err(|_| "not a public key")?;
        let kid = Some(kid.to_owned());
        let check = Check::Parsed(parsed);
        Ok(Self { kid, algorithms, check, certificate: None, public_key: None })
    }

    /// Its `kid`.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithms it may be used with.
    pub fn algorithms(&self) -> &[Algorithm] {
        self.algorithms
    }

    /// The certificate of the key in DER (RFC 7517 §4.7). Nothing is implied about trust in it.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// SHA-256 of its `SubjectPublicKeyInfo`; `None` for our own keys.
    pub const fn public_key(&self) -> Option<Thumbprint> {
        self.public_key
    }

    /// Verifies `signature`, in base64url, over `message`.
    pub(super) fn checks(&self, algorithm: Algorithm, message: &[u8], signature: &str) -> bool {
        self.algorithms.contains(&algorithm)
            && match &self.check {
                Check::Parts(key) => jws::checks(key, algorithm, message, signature),
                Check::Parsed(key) => base64url::decode(signature)
                    .is_some_and(|bytes| key.verify_sig(message, &bytes).is_ok()),
            }
    }
}

/// A JWK Set: RFC 7517 §5.
#[derive(Debug, Default)]
pub struct Jwks(Vec<PublicKey>);

impl Jwks {
    /// Parses a set that is being registered. Unsupported keys are skipped, as in a fetched set, if
    /// at least one remains; a private key is an error.
    ///
    /// # Errors
    /// When it contains a private or symmetric key, or no supported key; then with the problem of
    /// the first.
    pub fn registered(set: &Value) -> Result<Self, &'static str> {
        let (mut keys, mut first) = (Vec::new(), None);
        for jwk in members(set)? {
            must_be_public(jwk.as_object().ok_or("a key is not a JSON object")?)?;
            match PublicKey::from_jwk(jwk) {
                Ok(key) => keys.push(key),
                Err(why) => first = first.or(Some(why)),
            }
        }
        if keys.is_empty() {
            return Err(first.unwrap_or("the set has no key to verify signatures with"));
        }
        Ok(Self(keys))
    }

    /// Parses a fetched set; unsupported keys are skipped.
    ///
    /// > Implementations SHOULD ignore JWKs within a JWK Set that use "kty" (key type) values that
    /// > are not understood by them, that are missing required members, or for which values are
    /// > out of the supported ranges. (RFC 7517 §5)
    ///
    /// # Errors
    /// When it is not a set, or one of more than 100 keys.
    pub fn fetched(set: &Value) -> Result<Self, &'static str> {
        Ok(Self(members(set)?.iter().filter_map(|jwk| PublicKey::from_jwk(jwk).ok()).collect()))
    }

    /// The keys that may have created a signature. Without a `kid`, exactly one must match.
    ///
    /// > If there are multiple keys in the referenced JWK Set document, a kid value MUST be provided
    /// > in the JOSE Header. (OIDC Core §10.1)
    pub fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &PublicKey> {
        let fits = move |key: &&PublicKey| {
            key.algorithms.contains(&algorithm) && (kid.is_none() || key.kid() == kid)
        };
        let ambiguous = kid.is_none() && self.0.iter().filter(fits).count() > 1;
        self.0.iter().filter(fits).take(if ambiguous { 0 } else { MOST_TRIES })
    }

    /// Whether one of the keys has this certificate.
    pub fn has_certificate(&self, der: &[u8]) -> bool {
        self.0.iter().any(|key| key.certificate() == Some(der))
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }
}

impl FromIterator<PublicKey> for Jwks {
    fn from_iter<T: IntoIterator<Item = PublicKey>>(keys: T) -> Self {
        Self(keys.into_iter().collect())
    }
}

/// The SHA-256 thumbprint of a key: RFC 7638 §3.
///
/// # Errors
/// When a required member is missing or is not base64url.
pub fn thumbprint(jwk: &Map<String, Value>) -> Result<Thumbprint, &'static str> {
    let part = |name| {
        let text = jwk.get(name).and_then(Value::as_str).ok_or("a key lacks a part")?;
        base64url::decode(text).map(|_| text).ok_or("a part of a key is not base64url")
    };
    let curve = jwk.get("crv").and_then(Value::as_str);
    let canonical = match (jwk.get("kty").and_then(Value::as_str), curve) {
        (Some("RSA"), _) => {
            format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, part("e")?, part("n")?)
        }
        (Some("EC"), Some(crv @ ("P-256" | "P-384" | "P-521"))) => {
            format!(r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#, part("x")?, part("y")?)
        }
        (Some("OKP"), Some("Ed25519")) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, part("x")?)
        }
        (Some(_) | None, _) => return Err("the kty of the key is not supported"),
    };
    Ok(Thumbprint::of(canonical.as_bytes()))
}

fn members(set: &Value) -> Result<&[Value], &'static str> {
    match set.get("keys").and_then(Value::as_array) {
        None => Err("a JWK Set is an object with an array of keys"),
        Some(keys) if keys.len() > MOST_KEYS => Err("a JWK Set has more than 100 keys"),
        Some(keys) => Ok(keys),
    }
}

/// A published private key is no longer private, and a symmetric key is never public: RFC 7517
/// §9.2.
fn must_be_public(jwk: &Map<String, Value>) -> Result<(), &'static str> {
    const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    if jwk.get("kty").and_then(Value::as_str) == Some("oct") {
        return Err("a symmetric key is present where a public key is required");
    }
    if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
        return Err("the key has its private part, so it is compromised: generate a new one");
    }
    Ok(())
}

/// RFC 7517 §4.2, §4.3.
fn must_be_for_signatures(jwk: &Map<String, Value>) -> Result<(), &'static str> {
    match text(jwk, "use", "the use of a key is not a string")? {
        None | Some("sig") => {}
        Some(_) => return Err("the use of a key is not sig"),
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(ops)) if ops.iter().any(|op| op == "verify") => Ok(()),
        Some(_) => Err("the key_ops of a key do not have verify"),
    }
}

/// The algorithms of a key of this type, given its `alg`. `EdDSA` and `Ed25519` are two names of
/// one algorithm (RFC 9864 §2.2): a key with either accepts both.
fn only(fitting: &'static [Algorithm], alg: &str) -> Result<&'static [Algorithm], &'static str> {
    let names = if fitting == EDWARDS { EDWARDS.len() } else { 1 };
    fitting
        .chunks(names)
        .find(|some| some.iter().any(|algorithm| algorithm.as_str() == alg))
        .ok_or("the alg of a key is not supported for its kty")
}

/// The algorithms of a key, its implementation, and SHA-256 of its `SubjectPublicKeyInfo`.
type KeyParts = (&'static [Algorithm], Check, Thumbprint);

/// The bytes before the point in a `SubjectPublicKeyInfo`: RFC 5480 §2, RFC 8410 §4. Their length
/// is fixed for each curve.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P384: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
];
const P521: [u8; 25] = [
    0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
    0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00,
];
const ED25519_HEAD: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// RFC 7518 §6.3.1. aws-lc accepts any exponent (THREATS JO-10: with e = 1 every message is its own
/// signature), so the `rsa` crate checks it.
fn rsa(jwk: &Map<String, Value>) -> Result<KeyParts, &'static str> {
    const LARGEST: usize = 8192 / 8;
    const ALGORITHMS: &[Algorithm] = &[
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
    ];
    let (modulus, exponent) = (part(jwk, "n")?, part(jwk, "e")?);
    if modulus.len() > LARGEST || exponent.len() > LARGEST {
        return Err("an RSA key has more than 8192 bits");
    }
    // > The octet sequence MUST utilize the minimum number of octets (RFC 7518 §2, Base64urlUInt)
    if modulus.first() == Some(&0) || exponent.first() == Some(&0) {
        return Err("a number of an RSA key begins with a zero byte");
    }
    let n = rsa::BoxedUint::from_be_slice_vartime(&modulus);
    let e = rsa::BoxedUint::from_be_slice_vartime(&exponent);
    if n.bits_vartime() < 2048 {
        return Err("an RSA key has fewer than 2048 bits");
    }
    let key = rsa::RsaPublicKey::new(n, e).map_err(
        |_| "an RSA key has an even modulus, or an exponent that is not odd and from 3 to 2^33",
    )?;
    let info = key.to_public_key_der().map_err(|_| "an RSA key cannot be written")?;
    let check = Check::Parts(DecodingKey::from_rsa_raw_components(&modulus, &exponent));
    Ok((ALGORITHMS, check, Thumbprint::of(info.as_bytes())))
}

/// RFC 7518 §6.2.1. The point must be on its curve.
fn ec(jwk: &Map<String, Value>) -> Result<KeyParts, &'static str> {
    let (algorithms, curve, size, head): (&'static [Algorithm], _, _, &[u8]) =
        match text(jwk, "crv", "the crv of a key is not a string")? {
            Some("P-256") => (&[Algorithm::Es256], &ECDSA_P256_SHA256_FIXED, 32, &P256),
            Some("P-384") => (&[Algorithm::Es384], &ECDSA_P384_SHA384_FIXED, 48, &P384),
            Some("P-521") => (&[Algorithm::Es512], &ECDSA_P521_SHA512_FIXED, 66, &P521),
            Some(_) | None => return Err("the crv of an EC key is not P-256, P-384 or P-521"),
        };
    let (x, y) = (part(jwk, "x")?, part(jwk, "y")?);
    if x.len() != size || y.len() != size {
        return Err("a coordinate of an EC key is not of the length of its curve");
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let parsed = ParsedPublicKey::new(curve, &point);
    let parsed = parsed.map_err(|_| "an EC key is not a point of its curve")?;
    let check = if algorithms == [Algorithm::Es512] {
        Check::Parsed(parsed)
    } else {
        Check::Parts(DecodingKey::from_ec_der(&point))
    };
    Ok((algorithms, check, Thumbprint::of(&[head, &point].concat())))
}

/// The parts of an Ed25519 key.
const EDWARDS: &[Algorithm] = &[Algorithm::EdDsa, Algorithm::Ed25519];

/// RFC 8037 §2.
fn ed25519(jwk: &Map<String, Value>) -> Result<KeyParts, &'static str> {
    match text(jwk, "crv", "the crv of a key is not a string")? {
        Some("Ed25519") => {}
        Some(_) | None => return Err("the crv of an OKP key is not Ed25519"),
    }
    let point = part(jwk, "x")?;
    if point.len() != 32 {
        return Err("an Ed25519 key is not 32 bytes long");
    }
    if is_weak(&point) {
        return Err("an Ed25519 key is a point of small order");
    }
    ParsedPublicKey::new(&ED25519, &point).map_err(|_| "an Ed25519 key is malformed")?;
    let info = Thumbprint::of(&[&ED25519_HEAD, point.as_slice()].concat());
    Ok((EDWARDS, Check::Parts(DecodingKey::from_ed_der(&point)), info))
}

/// Whether a point is of small order or not canonically encoded. With such a key one signature is
/// valid for many messages, which RFC 8032 does not forbid (THREATS JO-09).
fn is_weak(point: &[u8]) -> bool {
    /// y of the points of order 8; the others of small order have y = 0, 1 and −1.
    const ORDER_8: [[u8; 32]; 2] = [
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
    ];
    let [lowest, middle @ .., highest] = point else { return true };
    let highest = highest & 0x7f;
    let small = *lowest <= 1 && middle.iter().all(|byte| *byte == 0) && highest == 0;
    // p is 2^255 − 19, which ends in 0xed: from p − 1 upwards.
    let beyond = *lowest >= 0xec && middle.iter().all(|byte| *byte == 0xff) && highest == 0x7f;
    small
        || beyond
        || ORDER_8.iter().any(|y| {
            y.split_last().is_some_and(|(last, rest)| {
                *last == highest && rest.first() == Some(lowest) && rest.get(1..) == Some(middle)
            })
        })
}

fn text<'a>(
    jwk: &'a Map<String, Value>,
    name: &str,
    wrong: &'static str,
) -> Result<Option<&'a str>, &'static str> {
    jwk.get(name).map(|value| value.as_str().ok_or(wrong)).transpose()
}

/// Decodes a number or a coordinate of the key.
fn part(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, &'static str> {
    let text = text(jwk, name, "a part of a key is not a string")?.ok_or("a key lacks a part")?;
    base64url::decode(text).ok_or("a part of a key is not base64url")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::UnparsedPublicKey;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;

    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6\
         tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_F\
         DW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6\
         WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn rsa_jwk() -> Value {
        json!({ "kty": "RSA", "n": N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" })
    }

    fn ec_jwk() -> Value {
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        })
    }

    fn okp_jwk() -> Value {
        json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        })
    }

    fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
        jwk[name] = value.into();
        jwk
    }

    /// RFC 7638 §3.1; RFC 8037 appendix A.3.
    #[test]
    fn the_thumbprints_of_the_rfcs() {
        let of = |jwk: Value| thumbprint(jwk.as_object().unwrap()).map(String::from);

        assert_eq!(of(rsa_jwk()).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(of(okp_jwk()).unwrap(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert!(of(with(okp_jwk(), "x", "\",\"y\":\"")).is_err(), "nothing is injected");
        assert!(of(json!({ "kty": "oct", "k": "AA" })).is_err());
    }

    #[test]
    fn a_key_has_the_algorithms_of_its_type() {
        let of = |jwk| PublicKey::from_jwk(&jwk).unwrap().algorithms;

        assert_eq!(of(rsa_jwk()), [Algorithm::Rs256]);
        assert_eq!(of(with(rsa_jwk(), "alg", "PS256")), [Algorithm::Ps256]);
        assert_eq!(of(ec_jwk()), [Algorithm::Es256]);
        for alg in ["EdDSA", "Ed25519"] {
            let either = [Algorithm::EdDsa, Algorithm::Ed25519];
            assert_eq!(of(with(okp_jwk(), "alg", alg)), either, "two names of one algorithm");
        }
        assert_eq!(of(with(ec_jwk(), "key_ops", json!(["sign", "verify"]))), [Algorithm::Es256]);

        let mut any = rsa_jwk();
        any.as_object_mut().unwrap().remove("alg");
        let every = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map(Algorithm::parse);
        assert_eq!(of(any), every.map(Option::unwrap));
    }

    /// THREATS JO-10.
    #[test]
    fn an_invalid_key_is_refused() {
        let number = |bytes: &[u8]| base64url::encode(bytes);
        let modulus = base64url::decode(N).unwrap();
        let even = [&modulus[..255], &[0x82]].concat();
        let of_2047_bits = [&[modulus[0] & 0x7f], &modulus[1..]].concat();
        let of_8200_bits = vec![0xff; 1025];
        let padded = [&[0], modulus.as_slice()].concat();
        let large = SigningKey::generate(Algorithm::Es384).unwrap().0.public_jwk();
        let rsa = |name, value: &[u8]| with(rsa_jwk(), name, number(value));
        let [x, y] =
            ["x", "y"].map(|name| base64url::decode(ec_jwk()[name].as_str().unwrap()).unwrap());
        let shifted =
            with(with(ec_jwk(), "x", number(&x[..31])), "y", number(&[&x[31..], &y].concat()));

        let table = [
            ("RSA of 1024 bits", rsa("n", &modulus[..128])),
            ("RSA of 2047 bits", rsa("n", &of_2047_bits)),
            ("RSA of 8200 bits", rsa("n", &of_8200_bits)),
            ("RSA, even modulus", rsa("n", &even)),
            ("RSA, modulus with a leading zero", rsa("n", &padded)),
            ("RSA, e = 0", rsa("e", &[0])),
            ("RSA, e is empty", rsa("e", &[])),
            ("RSA, e = 1", rsa("e", &[1])),
            ("RSA, e = 1 with a leading zero", rsa("e", &[0, 1])),
            ("RSA, e = 2", rsa("e", &[2])),
            ("RSA, e = 65536", rsa("e", &[1, 0, 0])),
            ("RSA, e = 2^33 + 1", rsa("e", &[2, 0, 0, 0, 1])),
            ("RSA, e = n", rsa("e", &modulus)),
            ("RSA, e as a number", with(rsa_jwk(), "e", 65537)),
            ("RSA, n padded", with(rsa_jwk(), "n", format!("{N}=="))),
            ("EC, off the curve", with(ec_jwk(), "x", ec_jwk()["y"].clone())),
            (
                "EC, the point at infinity",
                with(with(ec_jwk(), "x", number(&[0; 32])), "y", number(&[0; 32])),
            ),
            ("EC, x beyond the field", with(ec_jwk(), "x", number(&[0xff; 32]))),
            ("EC, x of 31 bytes", with(ec_jwk(), "x", number(&[1; 31]))),
            ("EC, x of 33 bytes", with(ec_jwk(), "x", number(&[0; 33]))),
            ("EC, a byte of x moved to y", shifted),
            ("EC, a point of another curve", with(large, "crv", "P-256")),
            ("EC, a point of P-256 as one of P-521", with(ec_jwk(), "crv", "P-521")),
            (
                "EC, off the curve P-521",
                with(
                    with(with(ec_jwk(), "crv", "P-521"), "x", number(&[1; 66])),
                    "y",
                    number(&[1; 66]),
                ),
            ),
            ("EC, secp256k1", with(ec_jwk(), "crv", "secp256k1")),
            ("OKP of 31 bytes", with(okp_jwk(), "x", number(&[9; 31]))),
            ("OKP of 33 bytes", with(okp_jwk(), "x", number(&[9; 33]))),
            ("OKP, X25519", with(okp_jwk(), "crv", "X25519")),
            ("OKP, Ed448", with(okp_jwk(), "crv", "Ed448")),
            (
                "OKP, the neutral point",
                with(okp_jwk(), "x", number(&[[1].as_slice(), &[0; 31]].concat())),
            ),
            ("symmetric", json!({ "kty": "oct", "k": number(&[7; 32]) })),
            ("symmetric, without k", json!({ "kty": "oct" })),
            ("symmetric in disguise", with(ec_jwk(), "k", "AA")),
            ("private EC", with(ec_jwk(), "d", "AA")),
            ("private OKP", with(okp_jwk(), "d", "AA")),
            ("private RSA", with(rsa_jwk(), "d", "AA")),
            ("private RSA, by a factor", with(rsa_jwk(), "p", "AA")),
            ("private RSA, by a part that is null", with(rsa_jwk(), "qi", Value::Null)),
            ("use is not a string", with(ec_jwk(), "use", json!(["sig"]))),
            ("key_ops without verify", with(ec_jwk(), "key_ops", json!(["sign"]))),
            ("key_ops is not an array", with(ec_jwk(), "key_ops", "verify")),
            ("alg of another kind", with(ec_jwk(), "alg", "RS256")),
            ("alg of another curve", with(ec_jwk(), "alg", "ES384")),
            ("alg symmetric", with(rsa_jwk(), "alg", "HS256")),
            ("alg none", with(rsa_jwk(), "alg", "none")),
            ("alg for encryption", with(rsa_jwk(), "alg", "RSA-OAEP-256")),
            ("kid is not a string", with(ec_jwk(), "kid", 1)),
            ("kid of 257 bytes", with(ec_jwk(), "kid", "k".repeat(257))),
            ("kty unknown", with(ec_jwk(), "kty", "AKP")),
            ("kty in lower case", with(rsa_jwk(), "kty", "rsa")),
            ("kty of another kind", with(ec_jwk(), "kty", "RSA")),
            ("nothing", json!({})),
            ("not an object", json!("EC")),
        ];

        for (what, jwk) in table {
            assert!(PublicKey::from_jwk(&jwk).is_err(), "{what}");
            let alone = Jwks::registered(&json!({ "keys": [jwk] }));
            assert!(alone.is_err(), "{what}");
            // RFC 7517 §5: ignored beside a valid one, unless it exposes a secret.
            let beside = Jwks::registered(&json!({ "keys": [ec_jwk(), jwk] }));
            let gives_away = jwk.as_object().is_none_or(|jwk| must_be_public(jwk).is_err());
            assert_eq!(beside.map_or(0, |set| set.0.len()), usize::from(!gives_away), "{what}");
            assert_eq!(
                Jwks::fetched(&json!({ "keys": [jwk, ec_jwk()] })).unwrap().0.len(),
                1,
                "{what}"
            );
        }
    }

    /// THREATS JO-02: an RSA key supports both; `alg` restricts it.
    #[test]
    fn a_key_does_not_verify_other_algorithms() {
        let (signer, _) = SigningKey::generate(Algorithm::Ps256).unwrap();
        let jwt = signer.sign("JWT", &json!({})).unwrap();
        let (message, signature) = jwt.rsplit_once('.').unwrap();
        let of = |alg: &str| PublicKey::from_jwk(&with(signer.public_jwk(), "alg", alg)).unwrap();
        let checks = |alg| of(alg).checks(Algorithm::Ps256, message.as_bytes(), signature);

        assert!(checks("PS256"));
        assert!(!checks("RS256"));
    }

    /// THREATS JO-09: aws-lc accepts such a key, so the risk is real.
    #[test]
    fn an_ed25519_key_of_small_order_is_refused() {
        const ORDER_8: &str = "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o";
        let point = base64url::decode(ORDER_8).unwrap();
        let neutral = [[1].as_slice(), &[0; 31], &[0; 32]].concat();
        let is_accepted = (0..100_u8).any(|message| {
            UnparsedPublicKey::new(&ED25519, &point).verify(&[message], &neutral).is_ok()
        });
        assert!(is_accepted, "a forged signature is valid for one message in eight");

        let p_minus_1 = [[0xec].as_slice(), &[0xff; 30], &[0x7f]].concat();
        let negated = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[31] ^= 0x80;
            bytes
        };
        let other_order_8 =
            base64url::decode("JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU").unwrap();
        for weak in [
            point.clone(),
            other_order_8,
            vec![0; 32],
            neutral[..32].to_vec(),
            p_minus_1.clone(),
            [[0xed].as_slice(), &p_minus_1[1..]].concat(),
            [[0xee].as_slice(), &p_minus_1[1..]].concat(),
            [[0xff].as_slice(), &p_minus_1[1..]].concat(),
        ] {
            for bytes in [weak.clone(), negated(&weak)] {
                let jwk = with(okp_jwk(), "x", base64url::encode(&bytes));
                assert!(PublicKey::from_jwk(&jwk).is_err(), "{bytes:02x?}");
            }
        }
    }

    #[test]
    fn the_error_of_a_registered_set_names_the_problem() {
        let of = |keys: Value| Jwks::registered(&json!({ "keys": keys })).map(|set| set.0.len());

        assert_eq!(of(json!([rsa_jwk(), ec_jwk(), okp_jwk()])), Ok(3));
        assert_eq!(of(json!([ec_jwk(), with(rsa_jwk(), "use", "enc")])), Ok(1));
        assert!(PublicKey::from_jwk(&with(rsa_jwk(), "use", "enc")).is_err());
        assert_eq!(of(json!([])), Err("the set has no key to verify signatures with"));
        assert_eq!(
            of(json!([ec_jwk(), with(with(ec_jwk(), "use", "enc"), "d", "AA")])),
            Err("the key has its private part, so it is compromised: generate a new one")
        );
        assert_eq!(of(json!(vec![ec_jwk(); 101])), Err("a JWK Set has more than 100 keys"));
        for set in [json!([]), json!({}), json!({ "keys": {} }), json!(null)] {
            assert!(Jwks::registered(&set).is_err() && Jwks::fetched(&set).is_err(), "{set}");
        }
    }

    /// THREATS JO-13: a kid identifies a key within its set and is compared byte by byte.
    #[test]
    fn the_kid_selects_the_key() {
        let kids = ["a", "A", "../../etc/passwd", "' OR 1=1 --", ""];
        let keys: Vec<_> = kids.iter().map(|kid| with(ec_jwk(), "kid", *kid)).collect();
        let set = Jwks::registered(&json!({ "keys": keys })).unwrap();
        let count = |kid, algorithm| set.candidates(kid, algorithm).count();

        for kid in kids {
            assert_eq!(count(Some(kid), Algorithm::Es256), 1, "{kid}");
            assert_eq!(count(Some(kid), Algorithm::Rs256), 0, "{kid}");
        }
        assert_eq!(count(Some("b"), Algorithm::Es256), 0);
        assert_eq!(count(None, Algorithm::Es256), 0, "five keys match, and there is no kid");

        let alone = Jwks::fetched(&json!({ "keys": [rsa_jwk(), ec_jwk()] })).unwrap();
        assert_eq!(alone.candidates(None, Algorithm::Es256).count(), 1);
        assert_eq!(alone.candidates(Some("x"), Algorithm::Es256).count(), 0);

        let same =
            Jwks::fetched(&json!({ "keys": vec![with(ec_jwk(), "kid", "k"); 100] })).unwrap();
        assert_eq!(same.candidates(Some("k"), Algorithm::Es256).count(), MOST_TRIES);
    }

    proptest! {
        #[test]
        fn no_key_bytes_cause_a_panic(
            kty in prop::sample::select(vec!["RSA", "EC", "OKP"]),
            crv in prop::sample::select(vec!["P-256", "P-384", "P-521", "Ed25519"]),
            a in prop::collection::vec(any::<u8>(), 0..300),
            b in prop::collection::vec(any::<u8>(), 0..70),
        ) {
            let (a, b) = (base64url::encode(a), base64url::encode(b));
            let jwk = json!({ "kty": kty, "crv": crv, "n": a, "e": b, "x": b, "y": b });
            let _ = PublicKey::from_jwk(&jwk);
        }
    }
}
