//! Client credentials with DPoP proofs (RFC 9449): each request brings one of its own.

use std::fmt;
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use gatewright::app::Clock;
use gatewright::jose::{SigningKey, base64url};
use gatewright::types::Algorithm;
use jsonwebtoken::{Algorithm as JwtAlgorithm, EncodingKey, crypto};
use uuid::Uuid;

use crate::jobs::request;
use crate::load::{Answer, Step, Work, Worker};
use crate::seed::Seeded;

/// A key, and the header of its proofs in base64url: the same in all of them.
#[derive(Clone)]
pub(crate) struct Key {
    private: EncodingKey,
    header: Rc<str>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A new one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn generate() -> Result<Self> {
        let (key, pkcs8) = SigningKey::generate(Algorithm::Es256)?;
        let jwk = key.public_jwk();
        let header = serde_json::json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let header = base64url::encode(header.to_string()).into();
        Ok(Self { private: EncodingKey::from_ec_der(&pkcs8), header })
    }
}

/// A service that holds a key, as each of its requests proves.
struct Proving {
    clock: Clock,
    htu: Rc<str>,
    /// The `Authorization` of the services, which take turns.
    services: Rc<Vec<String>>,
    next: usize,
    key: Key,
}

/// So many of them.
pub(crate) fn all(seeded: &Seeded, services: Vec<String>, count: usize) -> Vec<Worker> {
    let htu: Rc<str> = format!("{}/token", seeded.issuer).into();
    let services = Rc::new(services);
    let keys = seeded.proof_keys.iter().cycle().take(count).enumerate();
    keys.map(|(number, key)| {
        Box::new(Proving {
            clock: Clock::system(),
            htu: htu.clone(),
            next: services.len() * number / count,
            services: services.clone(),
            key: key.clone(),
        }) as Worker
    })
    .collect()
}

impl Proving {
    fn proof(&self) -> Option<String> {
        let (jti, iat) = (Uuid::now_v7(), self.clock.now().0);
        let claims = format!(r#"{{"jti":"{jti}","htm":"POST","htu":"{}","iat":{iat}}}"#, self.htu);
        let message = format!("{}.{}", self.key.header, base64url::encode(claims));
        let signature =
            crypto::sign(message.as_bytes(), &self.key.private, JwtAlgorithm::ES256).ok()?;
        Some(format!("{message}.{signature}"))
    }
}

impl Work for Proving {
    fn ask(&mut self, bytes: &mut Vec<u8>) {
        let basic = self.services.get(self.next).map_or("", String::as_str);
        self.next = (self.next + 1) % self.services.len();
        // Without one it is refused as a bearer token would be, and `hear` says so.
        let proof = self.proof().unwrap_or_default();
        let headers = format!("{basic}dpop: {proof}\r\n");
        let form = "grant_type=client_credentials&scope=read";
        bytes.extend(request("POST", "/token", &headers, form));
    }

    fn hear(&mut self, answer: &Answer<'_>) -> Result<Step> {
        answer.must_be(200).context("a proof is refused")?;
        let is_bound = answer.body.contains("\"token_type\":\"DPoP\"");
        ensure!(is_bound, "the token is not bound: {}", answer.body);
        Ok(Step::Done)
    }
}
