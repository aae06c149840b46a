//! Our keys, and signing with them: [RFC 7515 §7.1], [RFC 7518 §3].
//!
//! Written over aws-lc rather than over `jsonwebtoken`, which parses an RSA key anew at every
//! signature: here a key is parsed once, and the signature itself is all that a token costs.
//!
//! [RFC 7515 §7.1]: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
//! [RFC 7518 §3]: https://www.rfc-editor.org/rfc/rfc7518#section-3

use aws_lc_rs::digest::{Algorithm as Hash, SHA256, SHA384, SHA512, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
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

/// A private key, parsed and ready. It has no `Debug` and no way to its private part
/// (THREATS KE-05).
pub struct SigningKey {
    pair: Pair,
    algorithm: Algorithm,
    jwk: Map<String, Value>,
    kid: String,
    /// The header up to the value of `typ`, its last member.
    header: String,
}

/// The key pair of aws-lc, with what it is used for.
enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// A new key, and its PKCS#8 form to be sealed. An RSA key takes a good part of a second.
    ///
    /// # Errors
    /// For a symmetric algorithm, and when aws-lc fails.
    pub fn generate(algorithm: Algorithm) -> Result<(Self, Zeroizing<Vec<u8>>), Failure> {
        let pkcs8 = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(Failure::internal)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(Failure::internal)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(Failure::internal)?;
                let der = pair.to_pkcs8v1().map_err(Failure::internal)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            Algorithm::Hs256 => return Err(symmetric()),
        };
        Ok((Self::from_pkcs8(algorithm, &pkcs8)?, pkcs8))
    }

    /// Parses a key that [`SigningKey::generate`] made, or one made elsewhere.
    ///
    /// # Errors
    /// When the bytes are not such a key for this algorithm.
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
            Algorithm::Hs256 => return Err(symmetric()),
        };
        let mut jwk = pair.jwk()?;
        let kid = jwk::thumbprint(&jwk).map_err(Failure::internal)?;
        jwk.insert("kid".to_owned(), json!(kid));
        jwk.insert("alg".to_owned(), json!(algorithm));
        jwk.insert("use".to_owned(), json!("sig"));
        let header = format!(r#"{{"alg":"{algorithm}","kid":"{kid}","typ":""#);
        Ok(Self { pair, algorithm, jwk, kid, header })
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its name in our JWKS: its thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public half as we publish it, with `kid`, `alg` and `use`.
    pub fn public_jwk(&self) -> Value {
        Value::Object(self.jwk.clone())
    }

    /// Its public half, parsed once, for the tokens that come back to us.
    ///
    /// # Errors
    /// When aws-lc does not read what it wrote itself.
    pub fn public_key(&self) -> Result<PublicKey, Failure> {
        let bytes = match &self.pair {
            Pair::Rsa(pair, _) => pair.public_key().as_ref(),
            Pair::Ec(pair) => pair.public_key().as_ref(),
            Pair::Ed(pair) => pair.public_key().as_ref(),
        };
        PublicKey::ours(self.algorithm, &self.kid, bytes).map_err(Failure::internal)
    }

    /// Signs `claims` as a JWT of the type `typ`, in the compact form.
    ///
    /// # Errors
    /// When the claims are not JSON, and when aws-lc fails.
    pub fn sign(&self, typ: &'static str, claims: &impl Serialize) -> Result<String, Failure> {
        let mut payload = Vec::with_capacity(512);
        serde_json::to_writer(&mut payload, claims).map_err(Failure::internal)?;
        let header = [&self.header, typ, "\"}"].concat();

        let mut jwt = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 512);
        base64url::encode_onto(&mut jwt, header);
        jwt.push('.');
        base64url::encode_onto(&mut jwt, payload);
        let signature = self.pair.sign(jwt.as_bytes())?;
        jwt.push('.');
        base64url::encode_onto(&mut jwt, signature);
        Ok(jwt)
    }
}

impl Pair {
    fn sign(&self, message: &[u8]) -> Result<Signature, Failure> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .map_err(Failure::internal)?;
                Ok(Signature::Rsa(signature))
            }
            Self::Ec(pair) => {
                pair.sign(&random, message).map(Signature::Fixed).map_err(Failure::internal)
            }
            Self::Ed(pair) => {
                pair.try_sign(message).map(Signature::Fixed).map_err(Failure::internal)
            }
        }
    }

    /// The members that make the public key: RFC 7518 §6, RFC 8037 §2.
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

/// The bytes of a signature, where the key leaves them.
enum Signature {
    Rsa(Vec<u8>),
    Fixed(aws_lc_rs::signature::Signature),
}

impl AsRef<[u8]> for Signature {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Rsa(bytes) => bytes,
            Self::Fixed(signature) => signature.as_ref(),
        }
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

fn symmetric() -> Failure {
    Failure::internal("HS256 has no private and public key")
}

/// The left half of the hash of `text`, for `at_hash` and `c_hash`.
///
/// > using the hash algorithm used in the alg Header Parameter of the ID Token's JOSE Header
/// > (OIDC Core §3.1.3.6)
///
/// For EdDSA that is SHA-512, which Ed25519 hashes with (RFC 8032 §5.1).
pub fn left_half(algorithm: Algorithm, text: &str) -> String {
    let hash: &Hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 | Algorithm::Hs256 => &SHA256,
        Algorithm::Es384 => &SHA384,
        Algorithm::EdDsa => &SHA512,
    };
    let whole = digest(hash, text.as_bytes());
    let (left, _) = whole.as_ref().split_at(hash.output_len() / 2);
    base64url::encode(left)
}
