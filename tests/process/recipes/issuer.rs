//! Gatewright with an additional key in its JWKS, with which the test signs tokens that Gatewright
//! would never issue.

use axum::Router;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use gatewright::app::Clock;
use gatewright::jose::{SigningKey, base64url};
use gatewright::types::Algorithm;
use jsonwebtoken::{Algorithm as Alg, EncodingKey, crypto};
use serde_json::{Value, json};

use crate::application::Application;
use crate::installation::Installation;
use crate::server::Server;

/// The API that tokens are requested for.
pub(super) const AUDIENCE: &str = "https://api.example.org/invoices";

pub(super) struct Issuer {
    pub(super) server: Server,
    /// The issuer identifier: a URL at which the test serves Gatewright's documents.
    pub(super) url: String,
    key: Key,
}

/// A signing key, and its published JWK.
struct Key {
    private: EncodingKey,
    public: Value,
}

impl Key {
    fn new() -> Self {
        let (key, pkcs8) = SigningKey::generate(Algorithm::Es256).unwrap();
        Self { private: EncodingKey::from_ec_der(&pkcs8), public: key.public_jwk() }
    }
}

impl Issuer {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let mut server = Server::new(Installation::new().await);
        server.installation.set("ISSUER", &url);
        server.launch().await;
        let create = ["resource", "create", AUDIENCE, "--name", "Invoices"];
        server
            .installation
            .json(&[&create[..], &["--scope", "invoices.read=See your invoices"]].concat())
            .await;

        let key = Key::new();
        let (behind, added) = (server.issuer.clone(), key.public.clone());
        let pass_on = async move |uri: Uri| {
            let response = crate::http().get(format!("{behind}{uri}")).send().await.unwrap();
            let mut document: Value =
                serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
            if let Some(keys) = document.get_mut("keys") {
                keys.as_array_mut().unwrap().push(added.clone());
            }
            ([(CONTENT_TYPE, "application/json")], document.to_string())
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(pass_on)).await });
        Self { server, url, key }
    }

    /// A genuine token, for a client that may use the API.
    pub(super) async fn token(&self, resource: Option<&str>) -> String {
        let metadata = json!({
            "client_name": "Billing",
            "grant_types": ["client_credentials"],
            "scope": "invoices.read",
            "gw_allowed_resources": [AUDIENCE],
        });
        let client =
            Application::from_registration(&self.url, &self.server.register(metadata).await);
        let mut form = vec![("grant_type", "client_credentials"), ("scope", "invoices.read")];
        form.extend(resource.map(|resource| ("resource", resource)));
        let request = crate::http().post(format!("{}/token", self.server.issuer)).form(&form);
        let response = request.basic_auth(&client.id, Some(&client.secret)).send().await.unwrap();
        let response: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        response["access_token"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned()
    }

    /// The header and the claims of a valid access token (RFC 9068 §2).
    pub(super) fn valid_token(&self) -> (Value, Value) {
        let now = Clock::system().now().0;
        let head = json!({ "typ": "at+jwt", "alg": "ES256", "kid": self.key.public["kid"] });
        let claims = json!({
            "iss": self.url,
            "aud": AUDIENCE,
            "exp": now + 300,
            "iat": now,
            "jti": "a3f1",
            "sub": "ada",
            "client_id": "photos",
            "scope": "openid invoices.read",
        });
        (head, claims)
    }

    /// Signs with the published key.
    pub(super) fn sign(&self, head: &Value, claims: &Value) -> String {
        sign(&self.key.private, head, claims)
    }
}

/// Signs with a key that is not published.
pub(super) fn forge(head: &Value, claims: &Value) -> String {
    sign(&Key::new().private, head, claims)
}

fn sign(key: &EncodingKey, head: &Value, claims: &Value) -> String {
    let message = [head, claims].map(|part| base64url::encode(part.to_string())).join(".");
    let signature = crypto::sign(message.as_bytes(), key, Alg::ES256).unwrap();
    [message, signature].join(".")
}

/// The document with another value of this member.
pub(super) fn with(document: &Value, name: &str, value: Value) -> Value {
    let mut changed = document.clone();
    changed[name] = value;
    changed
}

/// The document without this member.
pub(super) fn without(document: &Value, name: &str) -> Value {
    let mut changed = document.clone();
    changed.as_object_mut().unwrap().remove(name);
    changed
}
