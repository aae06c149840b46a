//! Builds JWTs, valid and invalid, with any header, payload and key.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use gatewright::jose::seal::{Kind, Owner};
use gatewright::jose::{SigningKey, base64url};
use gatewright::store::signing_keys::{self, State};
use gatewright::types::{Algorithm, Digest};
use jsonwebtoken::{Algorithm as Alg, EncodingKey, crypto};
use rcgen::KeyPair;
use serde_json::Value;

use crate::server::{ISSUER, Server};

/// An ES256 key that signs JWTs.
pub struct JwtSigner {
    pub key: SigningKey,
    private: EncodingKey,
    pkcs8: Vec<u8>,
}

impl JwtSigner {
    pub fn new() -> Self {
        Self::from_pkcs8(&SigningKey::generate(Algorithm::Es256).unwrap().1)
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Self {
        let key = SigningKey::from_pkcs8(Algorithm::Es256, pkcs8).unwrap();
        Self { key, private: EncodingKey::from_ec_der(pkcs8), pkcs8: pkcs8.to_vec() }
    }

    /// The server's own signing key, as an attacker would use it after a break-in.
    pub async fn from_server(server: &Server) -> Self {
        let app = server.app();
        let keys = signing_keys::all(app.store.db()).await.unwrap();
        let is_active = |key: &&signing_keys::SigningKeyRow| {
            key.alg == Algorithm::Es256 && key.state() == State::Active
        };
        let active = keys.iter().find(is_active).unwrap();
        Self::from_pkcs8(
            &app.keyring.kek().open(Owner(Kind::SigningKey, &active.id), &active.sealed).unwrap(),
        )
    }

    pub fn jwk(&self) -> Value {
        self.key.public_jwk()
    }

    /// The key pair, for a certificate.
    pub fn key_pair(&self) -> KeyPair {
        KeyPair::try_from(self.pkcs8.as_slice()).unwrap()
    }

    /// A JWT with exactly this header and payload.
    pub fn compact(&self, header: &str, payload: impl AsRef<[u8]>) -> String {
        let message = [base64url::encode(header), base64url::encode(payload)].join(".");
        let signature = crypto::sign(message.as_bytes(), &self.private, Alg::ES256).unwrap();
        [message, signature].join(".")
    }

    /// A valid header with these members appended.
    pub fn header(&self, more: &str) -> String {
        format!(r#"{{"alg":"ES256","kid":"{}"{more}}}"#, self.key.kid())
    }

    /// A valid JWT.
    pub fn sign(&self, typ: &str, payload: &Value) -> String {
        self.compact(&self.header(&format!(r#","typ":"{typ}""#)), payload.to_string())
    }
}

/// A JWT with an HS256 MAC.
pub fn hs256_jwt(secret: &[u8], header: &str, payload: impl AsRef<[u8]>) -> String {
    let message = [base64url::encode(header), base64url::encode(payload)].join(".");
    let tag = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), Alg::HS256);
    [message, tag.unwrap()].join(".")
}

/// The claims of a JWT; the signature is not verified.
pub fn unverified_claims(jwt: &str) -> Value {
    let payload = base64url::decode(jwt.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

enum PrivateKey {
    Known(Alg, EncodingKey),
    P521(EcdsaKeyPair),
}

/// A client's DPoP key: RFC 9449 §4.2.
pub struct DpopKey {
    alg: Algorithm,
    private: PrivateKey,
    /// The public key.
    pub jwk: Value,
    /// The JWK thumbprint.
    pub jkt: String,
}

impl DpopKey {
    pub fn new() -> Self {
        Self::with_algorithm(Algorithm::Es256)
    }

    pub fn with_algorithm(alg: Algorithm) -> Self {
        // The algorithm that the key is generated for: `SigningKey` ties a key to one hash.
        let (jwt_alg, key_alg) = match alg {
            Algorithm::Rs256 => (Alg::RS256, Algorithm::Rs256),
            Algorithm::Rs384 => (Alg::RS384, Algorithm::Rs256),
            Algorithm::Rs512 => (Alg::RS512, Algorithm::Rs256),
            Algorithm::Ps256 => (Alg::PS256, Algorithm::Rs256),
            Algorithm::Ps384 => (Alg::PS384, Algorithm::Rs256),
            Algorithm::Ps512 => (Alg::PS512, Algorithm::Rs256),
            Algorithm::Es256 => (Alg::ES256, Algorithm::Es256),
            Algorithm::Es384 => (Alg::ES384, Algorithm::Es384),
            Algorithm::EdDsa | Algorithm::Ed25519 => (Alg::EdDSA, Algorithm::EdDsa),
            Algorithm::Es512 => return Self::p521(),
            Algorithm::Hs256 => panic!("a shared secret proves nothing"),
        };
        let (key, pkcs8) = SigningKey::generate(key_alg).unwrap();
        let private = if key_alg == Algorithm::Rs256 {
            let text = base64::engine::general_purpose::STANDARD.encode(&pkcs8);
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
            EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
        } else if key_alg == Algorithm::EdDsa {
            EncodingKey::from_ed_der(&pkcs8)
        } else {
            EncodingKey::from_ec_der(&pkcs8)
        };
        let mut jwk = key.public_jwk();
        for member in ["kid", "alg", "use"] {
            jwk.as_object_mut().unwrap().remove(member);
        }
        let private = PrivateKey::Known(jwt_alg, private);
        Self { alg, private, jwk, jkt: key.kid().to_owned() }
    }

    /// A key on P-521, which `jsonwebtoken` does not support.
    fn p521() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(66);
        let (x, y) = (base64url::encode(x), base64url::encode(y));
        // RFC 7638 §3.2.
        let canonical = format!(r#"{{"crv":"P-521","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let jkt = base64url::encode(Digest::of(canonical.as_bytes()).0);
        let jwk = serde_json::from_str(&canonical).unwrap();
        Self { alg: Algorithm::Es512, private: PrivateKey::P521(pair), jwk, jkt }
    }

    /// A valid header.
    pub fn header(&self) -> Value {
        serde_json::json!({ "typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk })
    }

    /// Valid claims for a request to this path at the current time, with a new `jti` each time.
    pub fn claims(&self, server: &Server, method: &str, path: &str) -> Value {
        serde_json::json!({
            "jti": uuid::Uuid::now_v7().to_string(),
            "htm": method,
            "htu": format!("{ISSUER}{path}"),
            "iat": server.trace().now().0,
        })
    }

    /// Signs exactly this header and payload.
    pub fn compact(&self, header: &str, payload: impl AsRef<[u8]>) -> String {
        let message = [base64url::encode(header), base64url::encode(payload)].join(".");
        let signature = match &self.private {
            PrivateKey::Known(alg, key) => crypto::sign(message.as_bytes(), key, *alg).unwrap(),
            PrivateKey::P521(pair) => {
                base64url::encode(pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap())
            }
        };
        [message, signature].join(".")
    }

    /// A proof with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.compact(&self.header().to_string(), claims.to_string())
    }

    /// A valid proof for the token endpoint.
    pub fn proof(&self, server: &Server) -> String {
        self.sign(&self.claims(server, "POST", "/token"))
    }

    /// A valid proof for the UserInfo endpoint with this token.
    pub fn proof_with_token(&self, server: &Server, method: &str, token: &str) -> String {
        let mut claims = self.claims(server, method, "/userinfo");
        claims["ath"] = base64url::encode(Digest::of(token.as_bytes()).0).into();
        self.sign(&claims)
    }
}
