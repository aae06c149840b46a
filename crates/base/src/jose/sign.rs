//! Our keys and their signatures: [RFC 7515 §7.1], [RFC 7518 §3].
//!
//! Implemented with aws-lc rather than `jsonwebtoken`, which parses an RSA key at every signature;
//! here a key is parsed once.
//!
//! [RFC 7515 §7.1]: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
//! [RFC 7518 §3]: https://www.rfc-editor.org/rfc/rfc7518#section-3

use aws_lc_rs::digest::{Algorithm as Hash, SHA256, SHA384, SHA512, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::traits::PublicKeyParts as _;
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::base64url;
use super::jwk::{self, PublicKey};
use crate::types::{Algorithm, Failure};

/// A parsed private key. It has no `Debug` and does not expose the key (THREATS KE-05).
pub struct SigningKey {
    pair: Pair,
    algorithm: Algorithm,
    jwk: Map<String, Value>,
    kid: String,
    /// The header up to the value of `typ`, its last member.
    header: String,
}

/// A key pair of aws-lc with its parameters.
enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

fn new_pkcs8(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(Failure::internal)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(Failure::internal)?;
            Ok(Zeroizing::new(der.as_ref().to_vec()))
        }
        Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().map_err(Failure::internal)?;
            let der = pair.to_pkcs8v1().map_err(Failure::internal)?;
            Ok(Zeroizing::new(der.as_ref().to_vec()))
        }
        Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Ps384
        | Algorithm::Ps512
        | Algorithm::Es512
        | Algorithm::Ed25519
        | Algorithm::Hs256 => Err(unsupported(algorithm)),
    }
}

impl SigningKey {
    /// Generates a key; also returns its PKCS #8 form, to be sealed. An RSA key takes most of a
    /// second.
    ///
    /// The kid never begins with a hyphen, which the command line would parse as an option (`key
    /// retire KID`).
    ///
    /// # Errors
    /// For an algorithm without signing keys, and when aws-lc fails.
    pub fn generate(algorithm: Algorithm) -> Result<(Self, Zeroizing<Vec<u8>>), Failure> {
        loop {
            let pkcs8 = new_pkcs8(algorithm)?;
            let key = Self::from_pkcs8(algorithm, &pkcs8)?;
            if !key.kid.starts_with('-') {
                return Ok((key, pkcs8));
            }
        }
    }

    /// Parses a PKCS #8 key.
    ///
    /// # Errors
    /// When the bytes are not a key for this algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, Failure> {
        let pair = match algorithm {
            Algorithm::Rs256 => Pair::Rsa(rsa(pkcs8)?, &RSA_PKCS1_SHA256),
            Algorithm::Ps256 => Pair::Rsa(rsa(pkcs8)?, &RSA_PSS_SHA256),
            Algorithm::Es256 => Pair::Ec(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .map_err(Failure::internal)?,
            ),
            Algorithm::Es384 => Pair::Ec(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8)
                    .map_err(Failure::internal)?,
            ),
            Algorithm::EdDsa => {
                Pair::Ed(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(Failure::internal)?)
            }
            Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps384
            | Algorithm::Ps512
            | Algorithm::Es512
            | Algorithm::Ed25519
            | Algorithm::Hs256 => return Err(unsupported(algorithm)),
        };
        let mut jwk = pair.jwk()?;
        let kid = jwk::thumbprint(&jwk).map_err(Failure::internal)?.to_string();
        jwk.insert("kid".to_owned(), json!(kid));
        jwk.insert("alg".to_owned(), json!(algorithm));
        jwk.insert("use".to_owned(), json!("sig"));
        let header = format!(r#"{{"alg":"{algorithm}","kid":"{kid}","typ":""#);
        Ok(Self { pair, algorithm, jwk, kid, header })
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its `kid`: the thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public half as published, with `kid`, `alg` and `use`.
    pub fn public_jwk(&self) -> Value {
        Value::Object(self.jwk.clone())
    }

    /// Its public half, parsed, to verify our own tokens.
    ///
    /// # Errors
    /// When aws-lc cannot parse it.
    pub fn public_key(&self) -> Result<PublicKey, Failure> {
        let bytes = match &self.pair {
            Pair::Rsa(pair, _) => pair.public_key().as_ref(),
            Pair::Ec(pair) => pair.public_key().as_ref(),
            Pair::Ed(pair) => pair.public_key().as_ref(),
        };
        PublicKey::from_own_key(self.algorithm, &self.kid, bytes).map_err(Failure::internal)
    }

    /// Signs `claims` as a JWT with this `typ`, in compact form.
    ///
    /// # Errors
    /// When the claims cannot be serialized, and when aws-lc fails.
    pub fn sign(&self, typ: &'static str, claims: &impl Serialize) -> Result<String, Failure> {
        let mut payload = Vec::with_capacity(512);
        serde_json::to_writer(&mut payload, claims).map_err(Failure::internal)?;
        self.compact([&self.header, typ, "\"}"].concat().as_bytes(), &payload)
    }

    /// RFC 7515 §7.1.
    pub(super) fn compact(&self, header: &[u8], payload: &[u8]) -> Result<String, Failure> {
        const SIGNATURE: usize = 512;
        let mut jwt = String::with_capacity((header.len() + payload.len()) * 4 / 3 + SIGNATURE);
        base64url::encode_onto(&mut jwt, header);
        jwt.push('.');
        base64url::encode_onto(&mut jwt, payload);
        self.pair.sign(&mut jwt).map_err(Failure::internal)?;
        Ok(jwt)
    }
}

impl Pair {
    /// Appends the signature of the text.
    fn sign(&self, jwt: &mut String) -> Result<(), Unspecified> {
        let append = |message: &mut String, signature: &[u8]| {
            message.push('.');
            base64url::encode_onto(message, signature);
        };
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, jwt.as_bytes(), &mut signature)?;
                append(jwt, &signature);
            }
            Self::Ec(pair) => {
                let signature = pair.sign(&random, jwt.as_bytes())?;
                append(jwt, signature.as_ref());
            }
            Self::Ed(pair) => {
                let signature = pair.try_sign(jwt.as_bytes())?;
                append(jwt, signature.as_ref());
            }
        }
        Ok(())
    }

    /// The members of the public key: RFC 7518 §6, RFC 8037 §2.
    fn jwk(&self) -> Result<Map<String, Value>, Failure> {
        let members = match self {
            Self::Rsa(pair, _) => {
                let key = rsa::RsaPublicKey::from_pkcs1_der(pair.public_key().as_ref())
                    .map_err(Failure::internal)?;
                vec![
                    ("kty", "RSA".to_owned()),
                    ("n", base64url::encode(key.n_bytes())),
                    ("e", base64url::encode(key.e_bytes())),
                ]
            }
            Self::Ec(pair) => {
                // SEC 1 §2.3.3: 04, x, y.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                vec![
                    ("kty", "EC".to_owned()),
                    ("crv", crv.to_owned()),
                    ("x", base64url::encode(x)),
                    ("y", base64url::encode(y)),
                ]
            }
            Self::Ed(pair) => vec![
                ("kty", "OKP".to_owned()),
                ("crv", "Ed25519".to_owned()),
                ("x", base64url::encode(pair.public_key())),
            ],
        };
        Ok(members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }
}

fn ec(curve: &'static EcdsaSigningAlgorithm) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let pair = EcdsaKeyPair::generate(curve).map_err(Failure::internal)?;
    let der = pair.to_pkcs8v1().map_err(Failure::internal)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

fn rsa(pkcs8: &[u8]) -> Result<RsaKeyPair, Failure> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(Failure::internal)?;
    match pair.public_modulus_len() {
        256..=1024 => Ok(pair),
        _ => Err(Failure::internal("an RSA key has 2048 to 8192 bits")),
    }
}

fn unsupported(algorithm: Algorithm) -> Failure {
    Failure::internal(format!("{algorithm} is not an algorithm of our signing keys"))
}

/// The left half of the hash of `text`, for `at_hash` and `c_hash`.
///
/// > using the hash algorithm used in the alg Header Parameter of the ID Token's JOSE Header
/// > (OIDC Core §3.1.3.6)
///
/// For EdDSA this is SHA-512, the hash of Ed25519 (RFC 8032 §5.1).
pub fn left_half(algorithm: Algorithm, text: &str) -> String {
    let hash: &Hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 | Algorithm::Hs256 => &SHA256,
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &SHA384,
        Algorithm::Rs512
        | Algorithm::Ps512
        | Algorithm::Es512
        | Algorithm::EdDsa
        | Algorithm::Ed25519 => &SHA512,
    };
    let whole = digest(hash, text.as_bytes());
    let (left, _) = whole.as_ref().split_at(hash.output_len() / 2);
    base64url::encode(left)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
    use jsonwebtoken::{DecodingKey, Validation};
    use rsa::{Pkcs1v15Sign, Pss};
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// RFC 8037 appendix A.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const POINT: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn of_rfc8037() -> SigningKey {
        let part = |text| base64url::decode(text).unwrap();
        let pair = Ed25519KeyPair::from_seed_and_public_key(&part(SEED), &part(POINT)).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        SigningKey::from_pkcs8(Algorithm::EdDsa, pkcs8.as_ref()).unwrap()
    }

    /// RFC 8037 appendix A.3, A.4.
    #[test]
    fn ed25519_names_and_signs_as_in_the_rfc() {
        let key = of_rfc8037();
        let jwt = key.compact(br#"{"alg":"EdDSA"}"#, b"Example of Ed25519 signing").unwrap();

        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key.public_jwk()["x"], POINT);
        assert_eq!(
            jwt,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-\
             09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    /// One in 64 thumbprints begins with a hyphen, which the command line would parse as an option.
    #[test]
    fn no_kid_begins_with_a_hyphen() {
        for _ in 0..640 {
            let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
            assert!(!key.kid().starts_with('-'), "{}", key.kid());
        }
    }

    #[test]
    fn signatures_are_verified_by_a_library_from_the_jwk_alone() {
        for algorithm in Algorithm::SIGNING {
            let (key, _) = SigningKey::generate(*algorithm).unwrap();
            let jwk: Jwk = serde_json::from_value(key.public_jwk()).unwrap();
            let claims = json!({ "iss": "https://id.example", "exp": 1_700_000_300 });
            let jwt = key.sign("at+jwt", &claims).unwrap();

            let mut rules = Validation::new(algorithm.as_str().parse().unwrap());
            rules.validate_exp = false;
            let read =
                jsonwebtoken::decode::<Value>(&jwt, &DecodingKey::from_jwk(&jwk).unwrap(), &rules)
                    .unwrap();

            assert_eq!(read.claims, claims);
            assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
            assert_eq!(read.header.kid.as_deref(), Some(key.kid()));
            assert_eq!(jwk.thumbprint(ThumbprintHash::SHA256).unwrap(), key.kid());
        }
    }

    /// The `rsa` crate is independent of aws-lc.
    #[test]
    fn rsa_signatures_are_verified_by_another_implementation() {
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
            let (key, _) = SigningKey::generate(algorithm).unwrap();
            let jwk = key.public_jwk();
            let number = |name: &str| {
                let bytes = base64url::decode(jwk[name].as_str().unwrap()).unwrap();
                rsa::BoxedUint::from_be_slice_vartime(&bytes)
            };
            let public = rsa::RsaPublicKey::new(number("n"), number("e")).unwrap();

            let jwt = key.sign("JWT", &json!({ "sub": "a" })).unwrap();
            let (message, signature) = jwt.rsplit_once('.').unwrap();
            let hash = Sha256::digest(message.as_bytes());
            let signature = base64url::decode(signature).unwrap();

            if algorithm == Algorithm::Rs256 {
                public.verify(Pkcs1v15Sign::new::<Sha256>(), &hash, &signature).unwrap();
            } else {
                // RFC 7518 §3.5: the salt is as long as the hash.
                let scheme = Pss::<Sha256>::new_with_salt(32);
                public.verify(scheme, &hash, &signature).unwrap();
            }
        }
    }

    /// THREATS KE-05.
    #[test]
    fn its_jwk_has_only_public_members() {
        for algorithm in Algorithm::SIGNING {
            let (key, pkcs8) = SigningKey::generate(*algorithm).unwrap();
            let again = SigningKey::from_pkcs8(*algorithm, &pkcs8).unwrap();
            let jwk = key.public_jwk();

            assert_eq!(again.public_jwk(), jwk, "it survives PKCS #8");
            assert_eq!(jwk["alg"], algorithm.as_str());
            assert_eq!(jwk["use"], "sig");
            for name in jwk.as_object().unwrap().keys() {
                let public = ["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"];
                assert!(public.contains(&name.as_str()), "{name}");
            }
        }
    }

    #[test]
    fn a_key_has_one_algorithm() {
        let (_, pkcs8) = SigningKey::generate(Algorithm::Es256).unwrap();

        for other in [Algorithm::Rs256, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Hs256] {
            assert!(SigningKey::from_pkcs8(other, &pkcs8).is_err(), "{other}");
        }
        assert!(SigningKey::generate(Algorithm::Hs256).is_err());
        assert!(SigningKey::from_pkcs8(Algorithm::Es256, &pkcs8[..pkcs8.len() - 1]).is_err());
    }

    /// THREATS JO-16. OIDC Core, appendix A.3 and A.6: the tokens of the examples and their hashes.
    #[test]
    fn the_left_half_is_that_of_the_hash_of_the_algorithm() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";

        assert_eq!(left_half(Algorithm::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(
            left_half(
                Algorithm::Rs256,
                "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
            ),
            "LDktKdoQak3Pk0cnXxCltA"
        );
        assert_eq!(base64url::decode(left_half(Algorithm::Es384, token)).unwrap().len(), 24);
        assert_eq!(base64url::decode(left_half(Algorithm::EdDsa, token)).unwrap().len(), 32);
    }
}
