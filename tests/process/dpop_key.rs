//! A key and the DPoP proofs that it signs: RFC 9449 §4.2.

use gatewright::app::Clock;
use gatewright::jose::{SigningKey, base64url};
use gatewright::types::{Algorithm, Digest};
use jsonwebtoken::{Algorithm as Alg, EncodingKey, crypto};
use serde_json::{Value, json};

pub(crate) struct DpopKey {
    private: EncodingKey,
    jwk: Value,
}

impl DpopKey {
    pub(crate) fn new() -> Self {
        let (key, pkcs8) = SigningKey::generate(Algorithm::Es256).unwrap();
        let mut jwk = key.public_jwk();
        jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "crv", "x", "y"].contains(&&**name));
        Self { private: EncodingKey::from_ec_der(&pkcs8), jwk }
    }

    /// A proof for a request to this URL, with an access token or without.
    pub(crate) fn proof(&self, method: &str, url: &str, token: Option<&str>) -> String {
        self.proof_with(method, url, token, None)
    }

    /// The same with a nonce.
    pub(crate) fn proof_with(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        nonce: Option<&str>,
    ) -> String {
        let now = Clock::system().now().0;
        let jti = uuid::Uuid::now_v7().to_string();
        let mut claims = json!({ "jti": jti, "htm": method, "htu": url, "iat": now });
        if let Some(token) = token {
            claims["ath"] = base64url::encode(Digest::of(token.as_bytes()).0).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk });
        let message = [header, claims].map(|part| base64url::encode(part.to_string())).join(".");
        let signature = crypto::sign(message.as_bytes(), &self.private, Alg::ES256).unwrap();
        [message, signature].join(".")
    }
}
