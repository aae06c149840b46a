//! Public keys that others show us: [RFC 7517], [RFC 7518 §6], [RFC 8037 §2]; thumbprints:
//! [RFC 7638].
//!
//! A key is judged once, when it is read: what a [`PublicKey`] holds is of a size, on a curve and for
//! a use that we accept (THREATS JO-10). Which algorithms it may be used with is a property of the
//! key, whatever a token's header says (THREATS JO-02).
//!
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
//! [RFC 7518 §6]: https://www.rfc-editor.org/rfc/rfc7518#section-6
//! [RFC 8037 §2]: https://www.rfc-editor.org/rfc/rfc8037#section-2
//! [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
};
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::{base64url, jws};
use crate::types::Algorithm;

/// As many keys as we keep of one set.
const MOST_KEYS: usize = 100;

/// As many keys of one set as we try on one signature.
const MOST_TRIES: usize = 4;

/// A public key that we have judged.
#[derive(Debug)]
pub struct PublicKey {
    kid: Option<String>,
    algorithms: &'static [Algorithm],
    check: Check,
}

/// What checks a signature.
#[derive(Debug)]
enum Check {
    /// Somebody else's key: `jsonwebtoken` keeps its parts and parses them at each use.
    Theirs(DecodingKey),
    /// Our own, parsed once: one is checked with every request for userinfo or introspection.
    Ours(ParsedPublicKey),
}

impl PublicKey {
    /// Reads a JWK.
    ///
    /// # Errors
    /// When it is not a public key with which we verify signatures.
    pub fn from_jwk(jwk: &Value) -> Result<Self, &'static str> {
        let jwk = jwk.as_object().ok_or("a key is not a JSON object")?;
        must_be_public(jwk)?;
        must_be_for_signatures(jwk)?;
        let kid = text(jwk, "kid", "the kid of a key is not a string")?;
        if kid.is_some_and(|kid| kid.len() > 256) {
            return Err("the kid of a key is longer than 256 bytes");
        }
        let (fitting, check) = match text(jwk, "kty", "the kty of a key is not a string")? {
            Some("RSA") => rsa(jwk)?,
            Some("EC") => ec(jwk)?,
            Some("OKP") => ed25519(jwk)?,
            Some(_) | None => return Err("the kty of a key is not RSA, EC or OKP"),
        };
        let algorithms = match text(jwk, "alg", "the alg of a key is not a string")? {
            None => fitting,
            Some(alg) => only(fitting, alg)?,
        };
        Ok(Self { kid: kid.map(str::to_owned), algorithms, check: Check::Theirs(check) })
    }

    /// The public half of one of our own keys: RFC 8017 for RSA, else SEC 1 or RFC 8032.
    pub(super) fn ours(
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
                Algorithm::Hs256 => return Err("HS256 has no public key"),
            };
        let parsed = ParsedPublicKey::new(checked, bytes).map_err(|_| "not a public key")?;
        Ok(Self { kid: Some(kid.to_owned()), algorithms, check: Check::Ours(parsed) })
    }

    /// Its name in its set.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it may be used with.
    pub fn algorithms(&self) -> &[Algorithm] {
        self.algorithms
    }

    /// Whether `signature`, in base64url, is this key's over `message`.
    pub(super) fn checks(&self, algorithm: Algorithm, message: &[u8], signature: &str) -> bool {
        self.algorithms.contains(&algorithm)
            && match &self.check {
                Check::Theirs(key) => jws::checks(key, algorithm, message, signature),
                Check::Ours(key) => base64url::decode(signature)
                    .is_some_and(|bytes| key.verify_sig(message, &bytes).is_ok()),
            }
    }
}

/// A JWK Set: RFC 7517 §5.
#[derive(Debug, Default)]
pub struct Jwks(Vec<PublicKey>);

impl Jwks {
    /// Reads a set that is being registered: whoever registers it is there to be told what is wrong
    /// with it. Keys for encryption are passed over, for they are none of our business.
    ///
    /// # Errors
    /// When any key is not one that we accept, or when none is left.
    pub fn registered(set: &Value) -> Result<Self, &'static str> {
        let mut keys = Vec::new();
        for jwk in members(set)? {
            let encrypts = jwk.get("use").and_then(Value::as_str) == Some("enc");
            if encrypts {
                must_be_public(jwk.as_object().ok_or("a key is not a JSON object")?)?;
            } else {
                keys.push(PublicKey::from_jwk(jwk)?);
            }
        }
        if keys.is_empty() {
            return Err("the set has no key to verify signatures with");
        }
        Ok(Self(keys))
    }

    /// Reads a set that was fetched: what we do not accept is passed over.
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

    /// The keys that a signature may be of. Without a `kid` there must be exactly one that fits.
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

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }
}

impl FromIterator<PublicKey> for Jwks {
    fn from_iter<T: IntoIterator<Item = PublicKey>>(keys: T) -> Self {
        Self(keys.into_iter().collect())
    }
}

/// The SHA-256 thumbprint of a key (RFC 7638 §3), in base64url.
///
/// # Errors
/// When a member that makes the key is missing, or is not base64url.
pub fn thumbprint(jwk: &Map<String, Value>) -> Result<String, &'static str> {
    let part = |name| {
        let text = jwk.get(name).and_then(Value::as_str).ok_or("a key lacks a part")?;
        base64url::decode(text).map(|_| text).ok_or("a part of a key is not base64url")
    };
    let curve = jwk.get("crv").and_then(Value::as_str);
    let canonical = match (jwk.get("kty").and_then(Value::as_str), curve) {
        (Some("RSA"), _) => {
            format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, part("e")?, part("n")?)
        }
        (Some("EC"), Some(crv @ ("P-256" | "P-384"))) => {
            format!(r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#, part("x")?, part("y")?)
        }
        (Some("OKP"), Some("Ed25519")) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, part("x")?)
        }
        (Some(_) | None, _) => return Err("the key is of a kind that we do not know"),
    };
    Ok(base64url::encode(digest(&SHA256, canonical.as_bytes())))
}

fn members(set: &Value) -> Result<&[Value], &'static str> {
    match set.get("keys").and_then(Value::as_array) {
        None => Err("a JWK Set is an object with an array of keys"),
        Some(keys) if keys.len() > MOST_KEYS => Err("a JWK Set has more than 100 keys"),
        Some(keys) => Ok(keys),
    }
}

/// A private key that its owner shows around is no longer private, and a symmetric one never was
/// public: RFC 7517 §9.2.
fn must_be_public(jwk: &Map<String, Value>) -> Result<(), &'static str> {
    const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    if jwk.get("kty").and_then(Value::as_str) == Some("oct") {
        return Err("a symmetric key is in the set");
    }
    if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
        return Err("the private part of a key is in the set: that key is spent, make a new one");
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

/// What a key of this kind may be used with, once its `alg` is known. RFC 9864 names the curve.
fn only(fitting: &'static [Algorithm], alg: &str) -> Result<&'static [Algorithm], &'static str> {
    let alg = if alg == "Ed25519" { "EdDSA" } else { alg };
    fitting
        .chunks(1)
        .find(|one| one.iter().any(|algorithm| algorithm.as_str() == alg))
        .ok_or("the alg of a key is not one that we verify with a key of its kind")
}

/// RFC 7518 §6.3.1. aws-lc takes an exponent as it comes (THREATS JO-10: e = 1 makes every message
/// its own signature), hence the check by the `rsa` crate.
fn rsa(jwk: &Map<String, Value>) -> Result<(&'static [Algorithm], DecodingKey), &'static str> {
    const LARGEST: usize = 8192 / 8;
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
    rsa::RsaPublicKey::new(n, e).map_err(
        |_| "an RSA key has an even modulus, or an exponent that is not odd and from 3 to 2^33",
    )?;
    Ok((
        &[Algorithm::Rs256, Algorithm::Ps256],
        DecodingKey::from_rsa_raw_components(&modulus, &exponent),
    ))
}

/// RFC 7518 §6.2.1. The point is checked to lie on its curve.
fn ec(jwk: &Map<String, Value>) -> Result<(&'static [Algorithm], DecodingKey), &'static str> {
    let (algorithms, curve, size): (&'static [Algorithm], _, _) =
        match text(jwk, "crv", "the crv of a key is not a string")? {
            Some("P-256") => (&[Algorithm::Es256], &ECDSA_P256_SHA256_FIXED, 32),
            Some("P-384") => (&[Algorithm::Es384], &ECDSA_P384_SHA384_FIXED, 48),
            Some(_) | None => return Err("the crv of an EC key is not P-256 or P-384"),
        };
    let (x, y) = (part(jwk, "x")?, part(jwk, "y")?);
    if x.len() != size || y.len() != size {
        return Err("a coordinate of an EC key is not of the length of its curve");
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    ParsedPublicKey::new(curve, &point).map_err(|_| "an EC key is not a point of its curve")?;
    Ok((algorithms, DecodingKey::from_ec_der(&point)))
}

/// RFC 8037 §2.
fn ed25519(jwk: &Map<String, Value>) -> Result<(&'static [Algorithm], DecodingKey), &'static str> {
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
    Ok((&[Algorithm::EdDsa], DecodingKey::from_ed_der(&point)))
}

/// Whether a point is of small order, or not written in the one canonical way. With such a key one
/// signature fits many messages, and RFC 8032 does not forbid it (THREATS JO-09).
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

/// The bytes of a number, or of a point, that makes the key.
fn part(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, &'static str> {
    let text = text(jwk, name, "a part of a key is not a string")?.ok_or("a key lacks a part")?;
    base64url::decode(text).ok_or("a part of a key is not base64url")
}
