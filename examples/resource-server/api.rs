//! The API. Each operation names its required scopes; all other checks of a token are the same.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use gatewright_verify::{Caller, Error, IssuerKeys, ResourceRequest, Verifier};
use serde_json::{Value, json};

use super::listener::Peer;

struct Api {
    verifier: Verifier,
    /// The public scheme and host of this API, which DPoP proofs must contain. Never taken from `Host`.
    origin: String,
}

/// The routes of the API.
pub(crate) fn routes(issuer: &str, audience: &str, origin: &str, keys: IssuerKeys) -> Router {
    let verifier = Verifier::new(issuer, audience, keys);
    let api = Arc::new(Api { verifier, origin: origin.to_owned() });
    Router::new().route("/invoices", get(list).post(create)).with_state(api)
}

async fn list(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Parts,
) -> Result<Response, Error> {
    let caller = api.caller(&request, &peer, &["invoices.read"]).await?;
    Ok(json(&json!({ "invoices": [], "for": caller.subject, "by": caller.client_id })))
}

async fn create(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Parts,
) -> Result<Response, Error> {
    let caller = api.caller(&request, &peer, &["invoices.read", "invoices.write"]).await?;
    Ok(json(&json!({ "created": 1, "for": caller.subject, "by": caller.client_id })))
}

impl Api {
    /// Returns the caller of a request, if its token has these scopes.
    async fn caller(&self, request: &Parts, peer: &Peer, needed: &[&str]) -> Result<Caller, Error> {
        let request = ResourceRequest {
            method: &request.method,
            url: &format!("{}{}", self.origin, request.uri.path()),
            headers: &request.headers,
            certificate: peer.certificate.as_deref(),
        };
        self.verifier.verify(&request, needed).await
    }
}

fn json(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
