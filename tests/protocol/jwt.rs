//! Makes JWTs, right and wrong: with any header, any payload, under any key.

use gatewright::jose::{SigningKey, base64url};
use gatewright::store::signing_keys::{self, State};
use gatewright::types::Algorithm;
use jsonwebtoken::{Algorithm as Alg, EncodingKey, crypto};
use serde_json::Value;

use crate::server::Server;

/// Somebody with an ES256 key.
pub(crate) struct Signer {
    pub(crate) key: SigningKey,
    private: EncodingKey,
}

impl Signer {
    pub(crate) fn new() -> Self {
        Self::of(&SigningKey::generate(Algorithm::Es256).unwrap().1)
    }

    fn of(pkcs8: &[u8]) -> Self {
        let key = SigningKey::from_pkcs8(Algorithm::Es256, pkcs8).unwrap();
        Self { key, private: EncodingKey::from_ec_der(pkcs8) }
    }

    /// The server itself: what whoever broke into it could sign.
    pub(crate) async fn of_server(server: &Server) -> Self {
        let app = server.app();
        let keys = signing_keys::all(app.store.db()).await.unwrap();
        let is_active = |key: &&signing_keys::SigningKeyRow| {
            key.alg == Algorithm::Es256 && key.state() == State::Active
        };
        let active = keys.iter().find(is_active).unwrap();
        Self::of(&app.keyring.kek().open(&active.id, &active.sealed).unwrap())
    }

    pub(crate) fn jwk(&self) -> Value {
        self.key.public_jwk()
    }

    /// A JWT with this header and this payload, as they are.
    pub(crate) fn compact(&self, header: &str, payload: impl AsRef<[u8]>) -> String {
        let message = [base64url::encode(header), base64url::encode(payload)].join(".");
        let signature = crypto::sign(message.as_bytes(), &self.private, Alg::ES256).unwrap();
        [message, signature].join(".")
    }

    /// A header in order, with these members more.
    pub(crate) fn header(&self, more: &str) -> String {
        format!(r#"{{"alg":"ES256","kid":"{}"{more}}}"#, self.key.kid())
    }

    /// A JWT in order.
    pub(crate) fn sign(&self, typ: &str, payload: &Value) -> String {
        self.compact(&self.header(&format!(r#","typ":"{typ}""#)), payload.to_string())
    }
}

/// A JWT under a secret.
pub(crate) fn mac(secret: &[u8], header: &str, payload: impl AsRef<[u8]>) -> String {
    let message = [base64url::encode(header), base64url::encode(payload)].join(".");
    let tag = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), Alg::HS256);
    [message, tag.unwrap()].join(".")
}

/// The claims of a JWT, whoever signed it.
pub(crate) fn claims(jwt: &str) -> Value {
    let payload = base64url::decode(jwt.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}
