//! Verifies signatures: [RFC 7515 §5.2], following [RFC 8725].
//!
//! `jsonwebtoken` does the mathematics for keys of clients and issuers, and aws-lc for our own and for P-521.
//! The rules are enforced here, because `jsonwebtoken` enforces neither `crit` nor `typ`, ignores
//! restrictions in a JWK, and accepts duplicate JSON members.
//!
//! [RFC 7515 §5.2]: https://www.rfc-editor.org/rfc/rfc7515#section-5.2
//! [RFC 8725]: https://www.rfc-editor.org/rfc/rfc8725

use jsonwebtoken::{Algorithm as JwtAlgorithm, DecodingKey, crypto};
use serde_json::{Map, Value};

use super::jwk::{Jwks, PublicKey};
use super::{base64url, jwk};
use crate::types::{Algorithm, Secret, Thumbprint, json};

/// The longest accepted JWT (THREATS JO-12).
const LONGEST: usize = 16 * 1024;

/// The keys for a signature. Whatever the header says, a shared secret is never used as a public
/// key, or the reverse (THREATS JO-02).
#[derive(Clone, Copy, Debug)]
pub enum Keys<'a> {
    /// The public keys of the signer.
    Published(&'a Jwks),
    /// The secret shared with the signer.
    Shared(&'a Secret),
    /// The signature of this text was verified before, with keys that are still valid.
    CheckedBefore,
}

/// The required `typ` of a JWT: RFC 8725 §3.11.
#[derive(Clone, Copy, Debug)]
pub enum Typ<'a> {
    /// Exactly this type.
    Is(&'a str),
    /// No type, or one of these: for JWTs specified before RFC 8725.
    AbsentOr(&'a [&'a str]),
}

/// A JWT with a valid signature.
#[derive(Debug)]
pub struct Verified {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`.
    pub kid: Option<String>,
    /// The payload.
    pub claims: Map<String, Value>,
}

/// Parses and verifies a JWT. Use [`Jws::parse`] to inspect it first.
///
/// # Errors
/// Why it is invalid, for its sender.
pub fn verify(
    compact: &str,
    keys: Keys<'_>,
    allowed: &[Algorithm],
    typ: Typ<'_>,
) -> Result<Verified, &'static str> {
    Jws::parse(compact)?.verify(keys, allowed, typ)
}

/// A JWT in compact form with a parsed header and an unverified signature.
#[derive(Debug)]
pub struct Jws<'a> {
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    /// The key in the header; only [`Jws::verify_embedded`] uses it.
    jwk: Option<Value>,
}

impl<'a> Jws<'a> {
    /// Parses a JWT.
    ///
    /// Of the header, only `alg`, `kid` and `typ` are used: `jwk`, `jku`, `x5u` and `x5c` contain
    /// or name keys that the sender chooses (THREATS JO-03).
    ///
    /// # Errors
    /// When it is not a signed JWT, or has an unknown algorithm or extension.
    pub fn parse(compact: &'a str) -> Result<Self, &'static str> {
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
        let mut header = json::parse_object(&header)
            .map_err(|_| "the header of the JWT is not a JSON object with each member once")?;
        // > If any of the listed extension Header Parameters are not understood and supported by
        // > the recipient, then the JWS is invalid. (RFC 7515 §4.1.11)
        // No extensions are supported. `b64` without `crit` violates RFC 7797 §6.
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err("the header of the JWT has an unsupported extension (crit, b64)");
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
        let algorithm = text("alg")?.as_deref().and_then(Algorithm::parse);
        let (kid, typ) = (text("kid")?, text("typ")?);
        Ok(Self {
            message,
            payload,
            signature,
            algorithm: algorithm.ok_or("the alg of the JWT is not supported")?,
            kid,
            typ,
            jwk: header.remove("jwk"),
        })
    }

    /// The unverified claims, only to select the keys for verification.
    ///
    /// # Errors
    /// When the payload is not a JSON object, or has duplicate members.
    pub fn unverified_claims(&self) -> Result<Map<String, Value>, &'static str> {
        let payload =
            base64url::decode(self.payload).ok_or("the payload of the JWT is not base64url")?;
        json::parse_object(&payload)
            .map_err(|_| "the payload of the JWT is not a JSON object with each member once")
    }

    /// Whether the set has a key that may have signed it. If not, the set may be out of date.
    pub fn may_be_signed_by(&self, keys: &Jwks) -> bool {
        keys.candidates(self.kid.as_deref(), self.algorithm).next().is_some()
    }

    /// Verifies it.
    ///
    /// # Errors
    /// Why it is invalid, for its sender.
    pub fn verify(
        self,
        keys: Keys<'_>,
        allowed: &[Algorithm],
        typ: Typ<'_>,
    ) -> Result<Verified, &'static str> {
        self.must_be(allowed, typ)?;
        let signed = match keys {
            Keys::Published(set) => {
                self.signer(set)?;
                true
            }
            Keys::Shared(secret) => {
                if !self.algorithm.is_symmetric() {
                    return Err("the alg of the JWT does not match a shared secret");
                }
                let secret = secret.expose().as_bytes();
                // > A key of the same size as the hash output (for instance, 256 bits for "HS256")
                // > or larger MUST be used with this algorithm. (RFC 7518 §3.2)
                if secret.len() < 32 {
                    return Err("the shared secret is shorter than 256 bits");
                }
                let (key, message) = (DecodingKey::from_secret(secret), self.message.as_bytes());
                checks(&key, self.algorithm, message, self.signature)
            }
            Keys::CheckedBefore => true,
        };
        if !signed {
            return Err("the signature of the JWT is not valid");
        }
        let claims = self.unverified_claims()?;
        Ok(Verified { algorithm: self.algorithm, kid: self.kid, claims })
    }

    /// Verifies it with the signer's public keys; also returns the matching one.
    ///
    /// # Errors
    /// Why it is invalid, for its sender.
    pub fn verify_by<'k>(
        self,
        set: &'k Jwks,
        allowed: &[Algorithm],
        typ: Typ<'_>,
    ) -> Result<(&'k PublicKey, Verified), &'static str> {
        self.must_be(allowed, typ)?;
        let signer = self.signer(set)?;
        let claims = self.unverified_claims()?;
        Ok((signer, Verified { algorithm: self.algorithm, kid: self.kid, claims }))
    }

    /// Verifies a JWT that contains its key, such as a DPoP proof (RFC 9449 §4.2); also returns
    /// that key. This proves possession of the key, not the sender's identity.
    ///
    /// # Errors
    /// When it is invalid, or the key is not acceptable.
    pub fn verify_embedded(
        self,
        allowed: &[Algorithm],
        typ: Typ<'_>,
    ) -> Result<(Thumbprint, Verified), &'static str> {
        self.must_be(allowed, typ)?;
        let jwk = self.jwk.as_ref().ok_or("the header of the JWT has no jwk")?;
        let members = jwk.as_object().ok_or("the jwk in the header of the JWT is not an object")?;
        let key = PublicKey::from_jwk(jwk)?;
        let thumbprint = jwk::thumbprint(members)?;
        if !key.algorithms().contains(&self.algorithm) {
            return Err("the alg of the JWT does not match its jwk");
        }
        if !key.checks(self.algorithm, self.message.as_bytes(), self.signature) {
            return Err("the signature of the JWT is not valid");
        }
        let claims = self.unverified_claims()?;
        Ok((thumbprint, Verified { algorithm: self.algorithm, kid: self.kid, claims }))
    }

    fn signer<'k>(&self, set: &'k Jwks) -> Result<&'k PublicKey, &'static str> {
        let mut candidates = set.candidates(self.kid.as_deref(), self.algorithm).peekable();
        if candidates.peek().is_none() {
            return Err("no key, or more than one without a kid, matches the JWT");
        }
        let message = self.message.as_bytes();
        let signer = candidates.find(|key| key.checks(self.algorithm, message, self.signature));
        signer.ok_or("the signature of the JWT is not valid")
    }

    fn must_be(&self, allowed: &[Algorithm], typ: Typ<'_>) -> Result<(), &'static str> {
        if !allowed.contains(&self.algorithm) {
            return Err("the alg of the JWT is not allowed here");
        }
        if !typ.matches(self.typ.as_deref()) {
            return Err("the typ of the JWT is not the one expected here");
        }
        Ok(())
    }
}

impl Typ<'_> {
    /// > it is RECOMMENDED that "typ" values … omit an "application/" prefix (RFC 7515 §4.1.9)
    ///
    /// Media types do not depend on case (RFC 2045 §5.1).
    fn matches(self, typ: Option<&str>) -> bool {
        let same = |typ: &str, expected: &str| {
            const PREFIX: &str = "application/";
            let short = match typ.split_at_checked(PREFIX.len()) {
                Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
                Some(_) | None => typ,
            };
            short.eq_ignore_ascii_case(expected)
        };
        match (self, typ) {
            (Self::Is(expected), Some(typ)) => same(typ, expected),
            (Self::Is(_), None) => false,
            (Self::AbsentOr(_), None) => true,
            (Self::AbsentOr(expected), Some(typ)) => expected.iter().any(|one| same(typ, one)),
        }
    }
}

/// Verifies `signature` over `message` with `jsonwebtoken`, which checks that key and algorithm
/// match; aws-lc does the rest. HMACs are compared in constant time.
pub(super) fn checks(
    key: &DecodingKey,
    algorithm: Algorithm,
    message: &[u8],
    signature: &str,
) -> bool {
    let algorithm = match algorithm {
        Algorithm::Rs256 => JwtAlgorithm::RS256,
        Algorithm::Rs384 => JwtAlgorithm::RS384,
        Algorithm::Rs512 => JwtAlgorithm::RS512,
        Algorithm::Ps256 => JwtAlgorithm::PS256,
        Algorithm::Ps384 => JwtAlgorithm::PS384,
        Algorithm::Ps512 => JwtAlgorithm::PS512,
        Algorithm::Es256 => JwtAlgorithm::ES256,
        Algorithm::Es384 => JwtAlgorithm::ES384,
        // Not supported by `jsonwebtoken`, so aws-lc verifies these.
        Algorithm::Es512 => return false,
        Algorithm::EdDsa | Algorithm::Ed25519 => JwtAlgorithm::EdDSA,
        Algorithm::Hs256 => JwtAlgorithm::HS256,
    };
    crypto::verify(signature, message, key, algorithm).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::{PublicKey, SigningKey};

    const SECRET: &str = "gw_cs_0123456789abcdefghijklmnopqrstuvwxyz-_ABCDEFG";
    const PAYLOAD: &str = r#"{"iss":"https://client.example","sub":"?>?>?>"}"#;

    /// A signer, and the matching key.
    enum Signer {
        OwnKey(SigningKey),
        ClientKey(SigningKey),
        Shared,
    }

    impl Signer {
        fn all() -> Vec<Self> {
            let key = |algorithm: &Algorithm| SigningKey::generate(*algorithm).unwrap().0;
            let asymmetric = Algorithm::SIGNING.iter();
            let mut all: Vec<_> = asymmetric.clone().map(|a| Self::OwnKey(key(a))).collect();
            all.extend(asymmetric.map(|a| Self::ClientKey(key(a))));
            all.push(Self::Shared);
            all
        }

        fn algorithm(&self) -> Algorithm {
            match self {
                Self::OwnKey(key) | Self::ClientKey(key) => key.algorithm(),
                Self::Shared => Algorithm::Hs256,
            }
        }

        fn sign(&self, header: &[u8], payload: &[u8]) -> String {
            match self {
                Self::OwnKey(key) | Self::ClientKey(key) => key.compact(header, payload).unwrap(),
                Self::Shared => mac(SECRET.as_bytes(), header, payload),
            }
        }

        /// A header with these members and `alg`.
        fn header(&self, more: &str) -> String {
            format!(r#"{{"alg":"{}"{more}}}"#, self.algorithm())
        }

        fn good(&self) -> String {
            self.sign(self.header(r#","typ":"JWT""#).as_bytes(), PAYLOAD.as_bytes())
        }

        /// Everything is allowed, so that only the mutation is refused.
        fn verify(&self, jwt: &str) -> Result<Verified, &'static str> {
            let every = [Algorithm::ACCEPTED, &[Algorithm::Hs256]].concat();
            let set: Jwks = match self {
                Self::OwnKey(key) => [key.public_key().unwrap()].into_iter().collect(),
                Self::ClientKey(key) => {
                    let mut jwk = key.public_jwk();
                    jwk.as_object_mut().unwrap().remove("alg");
                    [PublicKey::from_jwk(&jwk).unwrap()].into_iter().collect()
                }
                Self::Shared => {
                    let secret = Secret::new(SECRET);
                    return verify(jwt, Keys::Shared(&secret), &every, Typ::AbsentOr(&["JWT"]));
                }
            };
            verify(jwt, Keys::Published(&set), &every, Typ::AbsentOr(&["JWT"]))
        }
    }

    fn mac(secret: &[u8], header: &[u8], payload: &[u8]) -> String {
        let message = [base64url::encode(header), base64url::encode(payload)].join(".");
        let key = EncodingKey::from_secret(secret);
        let tag = crypto::sign(message.as_bytes(), &key, JwtAlgorithm::HS256).unwrap();
        [message, tag].join(".")
    }

    /// The three parts of a JWT.
    fn parts(jwt: &str) -> [&str; 3] {
        jwt.split('.').collect::<Vec<_>>().try_into().unwrap()
    }

    /// The corpus of THREATS §1.F: JO-01 to JO-06, JO-12, JO-13. Where possible the right key
    /// signs, so that the mutation is the only fault.
    fn mutations(signer: &Signer) -> Vec<(&'static str, String)> {
        let good = signer.good();
        let [header, payload, signature] = parts(&good);
        let alg = signer.algorithm();
        let signed = |header: &str| signer.sign(header.as_bytes(), PAYLOAD.as_bytes());
        let more = |members: &str| signed(&signer.header(members));
        let paid = |payload: &[u8]| signer.sign(signer.header("").as_bytes(), payload);
        let other_signer = Signer::ClientKey(SigningKey::generate(Algorithm::Es256).unwrap().0);
        let Signer::ClientKey(other_key) = &other_signer else { unreachable!() };
        let strange_jwk = other_key.public_jwk();

        let mut all = vec![
            ("JO-01 none", signed(r#"{"alg":"none"}"#)),
            ("JO-01 None", signed(r#"{"alg":"None"}"#)),
            ("JO-01 nOnE", signed(r#"{"alg":"nOnE"}"#)),
            ("JO-01 alg missing", signed(r#"{"typ":"JWT"}"#)),
            ("JO-01 alg null", signed(r#"{"alg":null}"#)),
            ("JO-01 alg empty", signed(r#"{"alg":""}"#)),
            ("JO-01 alg in an array", signed(&format!(r#"{{"alg":["{alg}"]}}"#))),
            ("JO-01 alg with a space", signed(&format!(r#"{{"alg":"{alg} "}}"#))),
            ("JO-01 alg in lower case", signed(&format!(r#"{{"alg":"{alg}"}}"#).to_lowercase())),
            ("JO-01 empty signature", format!("{header}.{payload}.")),
            (
                "JO-01 none and an empty signature",
                format!("{}.{payload}.", base64url::encode(r#"{"alg":"none"}"#)),
            ),
            (
                "JO-03 jwk of the sender",
                other_signer.sign(
                    format!(r#"{{"alg":"ES256","jwk":{strange_jwk}}}"#).as_bytes(),
                    PAYLOAD.as_bytes(),
                ),
            ),
            (
                "JO-03 jku of the sender",
                other_signer.sign(
                    br#"{"alg":"ES256","jku":"https://evil.example/jwks"}"#,
                    PAYLOAD.as_bytes(),
                ),
            ),
            ("JO-04 crit, unknown", more(r#","crit":["exp"],"exp":1"#)),
            ("JO-04 crit, empty", more(r#","crit":[]"#)),
            ("JO-04 crit, null", more(r#","crit":null"#)),
            ("JO-04 crit names alg", more(r#","crit":["alg"]"#)),
            ("JO-04 b64 false", more(r#","b64":false,"crit":["b64"]"#)),
            ("JO-04 b64 without crit", more(r#","b64":false"#)),
            ("JO-06 alg twice", more(&format!(r#","alg":"{alg}""#))),
            ("JO-06 kid twice", more(r#","kid":"a","kid":"b""#)),
            ("JO-06 typ twice, deeper", more(r#","x":{"a":1,"a":2}"#)),
            ("JO-06 sub twice", paid(br#"{"sub":"a","sub":"b"}"#)),
            ("JO-06 sub twice, escaped", paid(br#"{"sub":"a","\u0073ub":"b"}"#)),
            ("JO-12 one part", header.to_owned()),
            ("JO-12 two parts", format!("{header}.{payload}")),
            ("JO-12 four parts", format!("{good}.{signature}")),
            ("JO-12 five parts", format!("{good}.{signature}.{signature}")),
            ("JO-12 no part", String::new()),
            ("JO-12 only dots", "..".to_owned()),
            ("JO-12 no header", format!(".{payload}.{signature}")),
            ("JO-12 no payload", format!("{header}..{signature}")),
            ("JO-12 padding", format!("{good}=")),
            ("JO-12 more padding", format!("{good}==")),
            ("JO-12 padded payload", format!("{header}.{payload}=.{signature}")),
            ("JO-12 padded header", format!("{header}=.{payload}.{signature}")),
            ("JO-12 space before", format!(" {good}")),
            ("JO-12 space behind", format!("{good} ")),
            ("JO-12 line end", format!("{good}\n")),
            ("JO-12 line end within", format!("{header}.\n{payload}.{signature}")),
            ("JO-12 NUL", format!("{good}\0")),
            (
                "JO-12 the other alphabet",
                format!("{header}.{}.{signature}", payload.replace('-', "+").replace('_', "/")),
            ),
            (
                "JO-12 longer than 16 KiB",
                paid(format!(r#"{{"x":"{}"}}"#, "x".repeat(16 << 10)).as_bytes()),
            ),
            ("JO-12 1 MiB", "a.".repeat(1 << 19)),
            ("JO-13 kid is a number", more(r#","kid":1"#)),
            ("typ is a number", more(r#","typ":1"#)),
            ("another typ", more(r#","typ":"at+jwt""#)),
            ("the header is an array", signed("[]")),
            ("the header has a tail", signed(&format!("{} x", signer.header("")))),
            ("the header is deep", more(&format!(r#","x":{}{}"#, "[".repeat(99), "]".repeat(99)))),
            ("the payload is a string", paid(br#""sub""#)),
            ("the payload is deep", paid(["[".repeat(5000), "]".repeat(5000)].concat().as_bytes())),
            ("the payload is not UTF-8", paid(b"{\"sub\":\"\xff\"}")),
            ("the payload is empty", paid(b"")),
            ("another payload", format!("{header}.{}.{signature}", base64url::encode("{}"))),
            (
                "another header",
                format!("{}.{payload}.{signature}", base64url::encode(signer.header(""))),
            ),
        ];
        for other in Algorithm::ACCEPTED.iter().chain(&[Algorithm::Hs256]) {
            // A key without `alg` is for all RSA algorithms; the signatures differ. The two names
            // of Ed25519 produce the same signatures.
            let is_same = alg == Algorithm::EdDsa && *other == Algorithm::Ed25519;
            if *other != alg && !(is_same && matches!(signer, Signer::ClientKey(_))) {
                all.push(("JO-02 another alg", signed(&format!(r#"{{"alg":"{other}"}}"#))));
            }
        }
        if let Signer::OwnKey(key) | Signer::ClientKey(key) = signer {
            all.push(("JO-13 unknown kid", more(r#","kid":"../../keys/1""#)));
            let jwk = key.public_jwk();
            for name in ["x", "n", "kid"] {
                if let Some(text) = jwk[name].as_str() {
                    let public = base64url::decode(text).unwrap();
                    let by = |secret: &[u8]| mac(secret, br#"{"alg":"HS256"}"#, PAYLOAD.as_bytes());
                    all.push(("JO-02 the public key as a secret", by(&public)));
                    all.push(("JO-02 its text as a secret", by(text.as_bytes())));
                }
            }
            let text = jwk.to_string();
            all.push((
                "JO-02 the JWK as a secret",
                mac(text.as_bytes(), br#"{"alg":"HS256"}"#, PAYLOAD.as_bytes()),
            ));
        }
        // The last character of a signature of 32, 64 or 256 bytes has unused bits.
        if let Some(last) = signature.chars().last() {
            const ALPHABET: &str =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let start = &good[..good.len() - 1];
            all.extend(
                ALPHABET
                    .chars()
                    .filter(|other| *other != last)
                    .map(|other| ("JO-12 trailing bits", format!("{start}{other}"))),
            );
        }
        all
    }

    /// Invalid signatures: JO-09.
    fn forgeries(signer: &Signer) -> Vec<(&'static str, Vec<u8>)> {
        const ORDER_P256: &str = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
        /// The order of Ed25519's group, little-endian: RFC 8032 §5.1.
        const ORDER_ED25519: &str = "7dP1XBpjEljWnPei3vneFAAAAAAAAAAAAAAAAAAAABA";
        let good = signer.good();
        let [_, _, signature] = parts(&good);
        let bytes = base64url::decode(signature).unwrap();
        let (r, s) = bytes.split_at(bytes.len() / 2);
        let zero = vec![0; r.len()];
        let der = |number: &[u8]| {
            let sign = number.first().is_some_and(|byte| *byte >= 0x80);
            let number = [if sign { [0].as_slice() } else { &[] }, number].concat();
            [&[2, number.len() as u8], number.as_slice()].concat()
        };
        let body = [der(r), der(s)].concat();

        let mut all = vec![
            ("all zero", vec![0; bytes.len()]),
            ("all ones", vec![0xff; bytes.len()]),
            ("one byte", vec![0]),
            ("r = 0", [zero.as_slice(), s].concat()),
            ("s = 0", [r, zero.as_slice()].concat()),
            ("r and s exchanged", [s, r].concat()),
            ("cut", bytes[..bytes.len() - 1].to_vec()),
            ("half", r.to_vec()),
            ("a zero before", [&[0], bytes.as_slice()].concat()),
            ("a zero behind", [bytes.as_slice(), &[0]].concat()),
            ("twice", [bytes.as_slice(), &bytes].concat()),
            ("DER", [&[0x30, body.len() as u8], body.as_slice()].concat()),
        ];
        if signer.algorithm() == Algorithm::Es256 {
            let order = base64url::decode(ORDER_P256).unwrap();
            all.push(("r = n", [order.as_slice(), s].concat()));
            all.push(("s = n", [r, order.as_slice()].concat()));
            all.push(("r = s = n", [order.as_slice(), &order].concat()));
        }
        if signer.algorithm() == Algorithm::EdDsa {
            let order = base64url::decode(ORDER_ED25519).unwrap();
            let mut carry = 0;
            let beyond: Vec<u8> = s
                .iter()
                .zip(&order)
                .map(|(a, b)| {
                    let sum = u16::from(*a) + u16::from(*b) + carry;
                    carry = sum >> 8;
                    (sum & 0xff) as u8
                })
                .collect();
            all.push(("S beyond the order", [r, &beyond].concat()));
        }
        all.extend((0..bytes.len()).map(|at| {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            ("a flipped bit", flipped)
        }));
        all
    }

    /// THREATS JO-01 to JO-06, JO-12, JO-13.
    #[test]
    fn no_mutation_of_a_jwt_is_accepted_for_any_key() {
        for signer in Signer::all() {
            let good = signer.good();
            let alg = signer.algorithm();

            assert_eq!(signer.verify(&good).unwrap().claims["sub"], "?>?>?>", "{alg}");
            for (what, jwt) in mutations(&signer) {
                assert_ne!(jwt, good, "{alg}: {what} is no mutation");
                assert!(signer.verify(&jwt).is_err(), "{alg}: {what}: {jwt:.200}");
            }
        }
    }

    /// THREATS JO-09. A high S is not refused: half of all honest signatures have one.
    #[test]
    fn only_the_right_signature_is_accepted() {
        for signer in Signer::all() {
            let good = signer.good();
            let (message, _) = good.rsplit_once('.').unwrap();
            for (what, bytes) in forgeries(&signer) {
                let jwt = [message, &base64url::encode(bytes)].join(".");
                assert!(signer.verify(&jwt).is_err(), "{}: {what}", signer.algorithm());
            }
        }
    }

    /// THREATS JO-03: keys in a header are ignored, and do not cause an error.
    #[test]
    fn keys_in_the_header_are_ignored() {
        let signer = Signer::ClientKey(SigningKey::generate(Algorithm::Es256).unwrap().0);
        let header = signer.header(
            r#","jwk":{"kty":"oct"},"jku":"https://evil.example","x5u":"x","x5c":["AA"],"cty":"a""#,
        );

        assert!(signer.verify(&signer.sign(header.as_bytes(), PAYLOAD.as_bytes())).is_ok());
    }

    /// THREATS JO-02: the verifier determines the allowed algorithms, the key the possible ones.
    #[test]
    fn an_algorithm_must_be_allowed_and_match_the_key() {
        let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
        let jwt = key.sign("JWT", &json!({})).unwrap();
        let set: Jwks = [key.public_key().unwrap()].into_iter().collect();
        let secret = Secret::new(SECRET);
        let short = Secret::new(&SECRET[..31]);
        let mine = mac(SECRET.as_bytes(), br#"{"alg":"HS256"}"#, b"{}");
        let weak = mac(&SECRET.as_bytes()[..31], br#"{"alg":"HS256"}"#, b"{}");
        let any = Typ::AbsentOr(&["JWT"]);
        let check = |jwt: &str, keys, allowed: &[_]| verify(jwt, keys, allowed, any).map(|_| ());

        assert!(check(&jwt, Keys::Published(&set), &[Algorithm::Es256]).is_ok());
        assert!(check(&jwt, Keys::Published(&set), &[Algorithm::Rs256]).is_err());
        assert!(check(&jwt, Keys::Published(&set), &[]).is_err());
        assert!(check(&jwt, Keys::Shared(&secret), &[Algorithm::Es256]).is_err());
        assert!(check(&mine, Keys::Shared(&secret), &[Algorithm::Hs256]).is_ok());
        assert!(check(&mine, Keys::Published(&set), &[Algorithm::Hs256]).is_err());
        assert!(check(&mine, Keys::Shared(&secret), &[Algorithm::Es256]).is_err());
        assert!(check(&weak, Keys::Shared(&short), &[Algorithm::Hs256]).is_err(), "31 bytes");
    }

    /// RFC 9449 §4.3: also for an embedded key. THREATS DP-05.
    #[test]
    fn an_embedded_key_verifies_only_allowed_algorithms_and_types() {
        let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
        let mut jwk = key.public_jwk();
        jwk.as_object_mut().unwrap().remove("alg");
        let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": jwk }).to_string();
        let jwt = key.compact(header.as_bytes(), b"{}").unwrap();
        let check = |jwt: &str, allowed: &[_], typ| {
            Jws::parse(jwt)?.verify_embedded(allowed, Typ::Is(typ)).map(|(key, _)| key.to_string())
        };

        assert_eq!(check(&jwt, &[Algorithm::Es256], "dpop+jwt").as_deref(), Ok(key.kid()));
        assert!(check(&jwt, &[Algorithm::Es384, Algorithm::Rs256], "dpop+jwt").is_err());
        assert!(check(&jwt, &[], "dpop+jwt").is_err());
        assert!(check(&jwt, &[Algorithm::Es256], "at+jwt").is_err());
    }

    /// aws-lc verifies P-521, which `jsonwebtoken` does not support. THREATS JO-09, JO-02.
    #[test]
    fn signatures_on_p521_are_verified() {
        use aws_lc_rs::rand::SystemRandom;
        use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
        let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(66);
        let (x, y) = (base64url::encode(x), base64url::encode(y));
        let jwk = json!({ "kty": "EC", "crv": "P-521", "x": x, "y": y });
        let set: Jwks = [PublicKey::from_jwk(&jwk).unwrap()].into_iter().collect();
        let message = [r#"{"alg":"ES512"}"#, PAYLOAD].map(base64url::encode).join(".");
        let good = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        let good = good.as_ref();
        let check = |signature: &[u8]| {
            let jwt = [message.as_str(), &base64url::encode(signature)].join(".");
            verify(&jwt, Keys::Published(&set), Algorithm::ACCEPTED, Typ::AbsentOr(&[])).map(drop)
        };
        let (r, s) = good.split_at(66);

        assert_eq!(check(good), Ok(()));
        let zero = [0; 66];
        let mut forgeries = vec![
            vec![0; 132],
            vec![0xff; 132],
            [&zero, s].concat(),
            [r, &zero].concat(),
            [s, r].concat(),
            good[..131].to_vec(),
            [good, &[0]].concat(),
            [good, good].concat(),
        ];
        forgeries.extend((0..good.len()).map(|at| {
            let mut flipped = good.to_vec();
            flipped[at] ^= 1;
            flipped
        }));
        for forgery in forgeries {
            assert!(check(&forgery).is_err(), "{forgery:02x?}");
        }
        for (alg, crv) in [("ES384", "P-521"), ("ES512", "P-384")] {
            let mut other = jwk.clone();
            (other["alg"], other["crv"]) = (json!(alg), json!(crv));
            assert!(PublicKey::from_jwk(&other).is_err(), "{alg} {crv}");
        }
    }

    /// THREATS JO-07.
    #[test]
    fn the_typ_must_be_the_expected_one() {
        let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let set: Jwks = [key.public_key().unwrap()].into_iter().collect();
        let typed = |header: &str, typ| {
            let jwt =
                key.compact(format!(r#"{{"alg":"EdDSA"{header}}}"#).as_bytes(), b"{}").unwrap();
            verify(&jwt, Keys::Published(&set), &[Algorithm::EdDsa], typ).is_ok()
        };

        for same in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
            assert!(typed(&format!(r#","typ":"{same}""#), Typ::Is("at+jwt")), "{same}");
        }
        for other in ["", "jwt", "at+jwt ", "application/application/at+jwt", "text/at+jwt", "at"] {
            assert!(!typed(&format!(r#","typ":"{other}""#), Typ::Is("at+jwt")), "{other}");
        }
        assert!(!typed("", Typ::Is("at+jwt")));
        assert!(typed("", Typ::AbsentOr(&["JWT"])));
        assert!(typed(r#","typ":"jwt""#, Typ::AbsentOr(&["client-authentication+jwt", "JWT"])));
        assert!(!typed(r#","typ":"at+jwt""#, Typ::AbsentOr(&["JWT"])));
        assert!(!typed(r#","typ":"JWT""#, Typ::AbsentOr(&[])));
    }

    /// The key ID and the issuer are readable before verification.
    #[test]
    fn kid_and_claims_are_readable_before_verification() {
        let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
        let (other, _) = SigningKey::generate(Algorithm::Es256).unwrap();
        let set = |key: &SigningKey| [key.public_key().unwrap()].into_iter().collect::<Jwks>();
        let jwt = key.sign("JWT", &json!({ "iss": "photos" })).unwrap();
        let jws = Jws::parse(&jwt).unwrap();

        assert_eq!(jws.unverified_claims().unwrap()["iss"], "photos");
        assert!(jws.may_be_signed_by(&set(&key)));
        assert!(!jws.may_be_signed_by(&set(&other)));
    }

    /// RFC 7515 appendix A.1, A.2, A.3; RFC 8037 appendix A.4, by the name of RFC 9864 too.
    #[test]
    fn the_examples_of_the_rfcs() {
        const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl\
             LmNvbS9pc19yb290Ijp0cnVlfQ";
        let hs256 = format!(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}.\
             dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
        let rs256 = format!(
            "eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.\
             cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O\
             8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNP\
             vkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1p\
             hCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        );
        let es256 = format!(
            "eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.\
             DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        );
        let set = Jwks::registered(&json!({ "keys": [
            {
                "kty": "RSA", "e": "AQAB",
                "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2\
                      mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7\
                      OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTB\
                      QY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs\
                      91kzk2PAcDTW9gb54h4FRWyuXpoQ",
            },
            {
                "kty": "EC", "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            },
            {
                "kty": "OKP", "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            },
        ] }))
        .unwrap();

        for (jwt, algorithm) in [(&rs256, Algorithm::Rs256), (&es256, Algorithm::Es256)] {
            let verified =
                verify(jwt, Keys::Published(&set), &[algorithm], Typ::AbsentOr(&[])).unwrap();
            assert_eq!(verified.claims["iss"], "joe");
        }
        // A.1's secret is not text and A.4's payload is not JSON, so only the signature is
        // verified.
        let secret = base64url::decode(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        );
        let (message, tag) = hs256.rsplit_once('.').unwrap();
        let secret = DecodingKey::from_secret(&secret.unwrap());
        assert!(checks(&secret, Algorithm::Hs256, message.as_bytes(), tag));

        let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVv\
             pAr_MuM0KAg";
        let mut keys = set.candidates(None, Algorithm::EdDsa);
        assert!(keys.all(|key| key.checks(Algorithm::EdDsa, message.as_bytes(), signature)));

        let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let own: Jwks = [PublicKey::from_jwk(&key.public_jwk()).unwrap()].into_iter().collect();
        let jwt = key.compact(br#"{"alg":"Ed25519"}"#, b"{}").unwrap();
        let takes =
            |allowed| verify(&jwt, Keys::Published(&own), &[allowed], Typ::AbsentOr(&[])).is_ok();
        assert!(takes(Algorithm::Ed25519));
        assert!(!takes(Algorithm::EdDsa), "an algorithm is allowed by its name");
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic_or_is_accepted(text in "\\PC{0,80}|[A-Za-z0-9_.-]{0,80}") {
            let secret = Secret::new(SECRET);
            let any = Typ::AbsentOr(&["JWT"]);
            prop_assert!(verify(&text, Keys::Shared(&secret), &[Algorithm::Hs256], any).is_err());
        }

        #[test]
        fn no_header_or_payload_causes_a_panic(
            header in prop::collection::vec(any::<u8>(), 0..64),
            payload in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let _ = Signer::Shared.verify(&mac(SECRET.as_bytes(), &header, &payload));
        }

        /// THREATS JO-24.
        #[test]
        fn no_changed_byte_is_accepted(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let good = Signer::Shared.good();
            let mut bytes = good.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(changed) = String::from_utf8(bytes) {
                prop_assert_eq!(Signer::Shared.verify(&changed).is_ok(), changed == good);
            }
        }
    }
}
