//! Client credentials with DPoP proofs (RFC 9449): each request has a new one.

use std::fmt;
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use gatewright::app::Clock;
use gatewright::jose::{SigningKey, base64url};
use gatewright::types::Algorithm;
use jsonwebtoken::{Algorithm as JwtAlgorithm, EncodingKey, crypto};
use uuid::Uuid;

use crate::jobs::request;
use crate::load::{Response, Step, Work, Worker};
use crate::seed::Seeded;

/// A key, and the header of its proofs in base64url, which is constant.
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
    /// When it cannot be generated.
    pub(crate) fn generate() -> Result<Self> {
        let (key, pkcs8) = SigningKey::generate(Algorithm::Es256)?;
        let jwk = key.public_jwk();
        let header = serde_json::json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let header = base64url::encode(header.to_string()).into();
        Ok(Self { private: EncodingKey::from_ec_der(&pkcs8), header })
    }
}

/// A service whose requests have DPoP proofs.
struct DpopWorker {
    clock: Clock,
    htu: Rc<str>,
    /// The `Authorization` fields of the services, used in turn.
    services: Rc<Vec<String>>,
    next: usize,
    key: Key,
}

/// This many workers.
pub(crate) fn all(seeded: &Seeded, services: Vec<String>, count: usize) -> Vec<Worker> {
    let htu: Rc<str> = format!("{}/token", seeded.issuer.issuer).into();
    let services = Rc::new(services);
    let keys = seeded.proof_keys.iter().cycle().take(count).enumerate();
    keys.map(|(number, key)| {
        Box::new(DpopWorker {
            clock: Clock::system(),
            htu: htu.clone(),
            next: services.len() * number / count,
            services: services.clone(),
            key: key.clone(),
        }) as Worker
    })
    .collect()
}

impl DpopWorker {
    fn proof(&self) -> Option<String> {
        let (jti, iat) = (Uuid::now_v7(), self.clock.now().0);
        let claims = format!(r#"{{"jti":"{jti}","htm":"POST","htu":"{}","iat":{iat}}}"#, self.htu);
        let message = format!("{}.{}", self.key.header, base64url::encode(claims));
        let signature =
            crypto::sign(message.as_bytes(), &self.key.private, JwtAlgorithm::ES256).ok()?;
        Some(format!("{message}.{signature}"))
    }
}

impl Work for DpopWorker {
    fn write_request(&mut self, bytes: &mut Vec<u8>) {
        let basic = self.services.get(self.next).map_or("", String::as_str);
        self.next = (self.next + 1) % self.services.len();
        // Without a proof the token is not bound, which `read_response` reports.
        let proof = self.proof().unwrap_or_default();
        let headers = format!("{basic}dpop: {proof}\r\n");
        let form = "grant_type=client_credentials&scope=read";
        bytes.extend(request("POST", "/token", &headers, form));
    }

    fn read_response(&mut self, response: &Response<'_>) -> Result<Step> {
        response.must_be(200).context("a proof is refused")?;
        let is_bound = response.body.contains("\"token_type\":\"DPoP\"");
        ensure!(is_bound, "the token is not bound: {}", response.body);
        Ok(Step::Done)
    }
}
