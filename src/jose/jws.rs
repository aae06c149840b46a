//! Checking a signature: [RFC 7515 §5.2], by the advice of [RFC 8725].
//!
//! The mathematics is `jsonwebtoken`'s for keys of others and aws-lc's for our own; the rules are
//! here, because `jsonwebtoken` enforces neither `crit` nor `typ`, ignores what a JWK says of
//! itself, and reads JSON in which a member stands twice.
//!
//! [RFC 7515 §5.2]: https://www.rfc-editor.org/rfc/rfc7515#section-5.2
//! [RFC 8725]: https://www.rfc-editor.org/rfc/rfc8725

use jsonwebtoken::{Algorithm as Theirs, DecodingKey, crypto};
use serde_json::{Map, Value};

use super::base64url;
use super::jwk::Jwks;
use crate::types::{Algorithm, Secret, json};

/// As long as a JWT may be (THREATS JO-12).
const LONGEST: usize = 16 * 1024;

/// What a signature is checked with. A secret is never tried where keys are published, nor the
/// other way round, whatever the header says (THREATS JO-02).
#[derive(Clone, Copy, Debug)]
pub enum Keys<'a> {
    /// The public keys of whoever signed.
    Published(&'a Jwks),
    /// The secret that we share with whoever signed.
    Shared(&'a Secret),
}

/// What the header must say the JWT is: RFC 8725 §3.11.
#[derive(Clone, Copy, Debug)]
pub enum Typ<'a> {
    /// Exactly this.
    Is(&'a str),
    /// Nothing, or one of these: for kinds of JWT that are older than the advice.
    AbsentOr(&'a [&'a str]),
}

/// A JWT whose signature was checked.
#[derive(Debug)]
pub struct Verified {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`.
    pub kid: Option<String>,
    /// `typ`, as it was written.
    pub typ: Option<String>,
    /// The payload.
    pub claims: Map<String, Value>,
}

/// Reads a JWT and checks it. To look at it first, take [`Jws::read`].
///
/// # Errors
/// When it is not what is expected, in words for whoever sent it.
pub fn verify(
    compact: &str,
    keys: Keys<'_>,
    allowed: &[Algorithm],
    typ: Typ<'_>,
) -> Result<Verified, &'static str> {
    Jws::read(compact)?.verify(keys, allowed, typ)
}

/// A JWT in the compact form, whose header was read and whose signature was not checked.
#[derive(Debug)]
pub struct Jws<'a> {
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
}

impl<'a> Jws<'a> {
    /// Takes a JWT apart.
    ///
    /// Of the header only `alg`, `kid` and `typ` are taken: `jwk`, `jku`, `x5u` and `x5c` bring keys
    /// of the sender's own choice (THREATS JO-03).
    ///
    /// # Errors
    /// When it is not a signed JWT, or one of an algorithm or with an extension that we do not know.
    pub fn read(compact: &'a str) -> Result<Self, &'static str> {
        if compact.len() > LONGEST {
            return Err("the JWT is longer than 16 KiB");
        }
        let mut parts = compact.rsplitn(2, '.');
        let (Some(signature), Some(message)) = (parts.next(), parts.next()) else {
            return Err("a signed JWT has three parts");
        };
        let Some((header, payload)) = message.split_once('.') else {
            return Err("a signed JWT has three parts");
        };
        if payload.contains('.') {
            return Err("a signed JWT has three parts");
        }
        if signature.is_empty() {
            return Err("the JWT is not signed");
        }
        if base64url::decode(signature).is_none() {
            return Err("the signature of the JWT is not base64url");
        }
        let header = base64url::decode(header).ok_or("the header of the JWT is not base64url")?;
        let header = json::read_object(&header)
            .map_err(|_| "the header of the JWT is not a JSON object with each member once")?;
        // > If any of the listed extension Header Parameters are not understood and supported by
        // > the recipient, then the JWS is invalid. (RFC 7515 §4.1.11)
        // We support none. `b64` without `crit` is a violation of RFC 7797 §6.
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err("the header of the JWT demands an extension that we do not know");
        }
        let text = |name| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_),
            ) => Err("alg, kid and typ in the header of the JWT are strings"),
        };
        let algorithm = match text("alg")?.as_deref() {
            // RFC 9864 §2.2 names the curve.
            Some("Ed25519") => Some(Algorithm::EdDsa),
            Some(alg) => Algorithm::parse(alg),
            None => None,
        };
        Ok(Self {
            message,
            payload,
            signature,
            algorithm: algorithm.ok_or("the alg of the JWT is not one that we know")?,
            kid: text("kid")?,
            typ: text("typ")?,
        })
    }

    /// What it claims, before anything was checked: only to find out whose keys to check it with.
    ///
    /// # Errors
    /// When the payload is not a JSON object, or one in which a member stands twice.
    pub fn unverified_claims(&self) -> Result<Map<String, Value>, &'static str> {
        let payload =
            base64url::decode(self.payload).ok_or("the payload of the JWT is not base64url")?;
        json::read_object(&payload)
            .map_err(|_| "the payload of the JWT is not a JSON object with each member once")
    }

    /// Whether the set has a key that may have signed it. If not, the set may be out of date.
    pub fn is_of(&self, keys: &Jwks) -> bool {
        keys.candidates(self.kid.as_deref(), self.algorithm).next().is_some()
    }

    /// Checks it.
    ///
    /// # Errors
    /// When it is not what is expected, in words for whoever sent it.
    pub fn verify(
        self,
        keys: Keys<'_>,
        allowed: &[Algorithm],
        typ: Typ<'_>,
    ) -> Result<Verified, &'static str> {
        if !allowed.contains(&self.algorithm) {
            return Err("the alg of the JWT is not allowed here");
        }
        if !typ.admits(self.typ.as_deref()) {
            return Err("the typ of the JWT is not the one expected here");
        }
        let message = self.message.as_bytes();
        let signed = match keys {
            Keys::Published(set) => {
                let mut candidates = set.candidates(self.kid.as_deref(), self.algorithm).peekable();
                if candidates.peek().is_none() {
                    return Err("no key, or none that is named unambiguously, fits the JWT");
                }
                candidates.any(|key| key.checks(self.algorithm, message, self.signature))
            }
            Keys::Shared(secret) => {
                if !self.algorithm.is_symmetric() {
                    return Err("the alg of the JWT does not go with a shared secret");
                }
                let secret = secret.expose().as_bytes();
                // > A key of the same size as the hash output (for instance, 256 bits for "HS256")
                // > or larger MUST be used with this algorithm. (RFC 7518 §3.2)
                if secret.len() < 32 {
                    return Err("the shared secret is shorter than 256 bits");
                }
                checks(&DecodingKey::from_secret(secret), self.algorithm, message, self.signature)
            }
        };
        if !signed {
            return Err("the signature of the JWT does not fit");
        }
        let claims = self.unverified_claims()?;
        Ok(Verified { algorithm: self.algorithm, kid: self.kid, typ: self.typ, claims })
    }
}

impl Typ<'_> {
    /// > it is RECOMMENDED that "typ" values … omit an "application/" prefix (RFC 7515 §4.1.9)
    ///
    /// Media types do not depend on case (RFC 2045 §5.1).
    fn admits(self, typ: Option<&str>) -> bool {
        let same = |typ: &str, wanted: &str| {
            const PREFIX: &str = "application/";
            let short = match typ.split_at_checked(PREFIX.len()) {
                Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
                Some(_) | None => typ,
            };
            short.eq_ignore_ascii_case(wanted)
        };
        match (self, typ) {
            (Self::Is(wanted), Some(typ)) => same(typ, wanted),
            (Self::Is(_), None) => false,
            (Self::AbsentOr(_), None) => true,
            (Self::AbsentOr(wanted), Some(typ)) => wanted.iter().any(|one| same(typ, one)),
        }
    }
}

/// Whether `signature` is one over `message`, by `jsonwebtoken`: it checks that the key is of the
/// algorithm's family, aws-lc checks the rest; an HMAC is compared in constant time.
pub(super) fn checks(
    key: &DecodingKey,
    algorithm: Algorithm,
    message: &[u8],
    signature: &str,
) -> bool {
    let theirs = match algorithm {
        Algorithm::Rs256 => Theirs::RS256,
        Algorithm::Ps256 => Theirs::PS256,
        Algorithm::Es256 => Theirs::ES256,
        Algorithm::Es384 => Theirs::ES384,
        Algorithm::EdDsa => Theirs::EdDSA,
        Algorithm::Hs256 => Theirs::HS256,
    };
    crypto::verify(signature, message, key, theirs).unwrap_or(false)
}
