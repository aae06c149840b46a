//! Clients with a DPoP key, and their requests: RFC 9449.

use gatewright::store::sql;
use serde_json::json;

use crate::browser::{Browser, VERIFIER};
use crate::http::{RequestBuilder, Response};
use crate::jwt::DpopKey;
use crate::server::{Client, Server};

/// A token request with `grant_type=client_credentials` and this proof, not yet sent.
pub fn token_request(server: &Server, client: &Client, proof: &str) -> RequestBuilder {
    let request = server.request("POST", "/token").basic(&client.id, &client.secret).dpop(proof);
    request.form("grant_type=client_credentials")
}

pub async fn request_token(server: &Server, client: &Client, proof: &str) -> Response {
    token_request(server, client, proof).send().await
}

/// Whether this proof is accepted; asserts `invalid_dpop_proof` if it is not.
pub async fn accepts_proof(server: &Server, client: &Client, proof: &str) -> bool {
    let response = request_token(server, client, proof).await;
    if response.status != 200 {
        response.clone().refused(400, "invalid_dpop_proof");
    }
    response.status == 200
}

/// An access token for UserInfo bound to this key, and the client that it was issued to.
pub async fn bound_token(server: &Server, key: &DpopKey) -> (Client, String) {
    server.user("ada").await;
    let client = server.web_app().await;
    let code = Browser::new(server).authorize("ada", &client, "openid", "").await.parameter("code");
    let request = server.redeem_request(&client, &code).dpop(&key.proof(server));
    let token = request.send().await.ok().token("access_token");
    (client, token)
}

/// A UserInfo request with the `DPoP` scheme (§7.1).
pub async fn userinfo_with_dpop(server: &Server, token: &str, proof: &str) -> Response {
    let request =
        server.request("GET", "/userinfo").header("authorization", &format!("DPoP {token}"));
    request.dpop(proof).send().await
}

/// A public client.
pub async fn register_public_client(server: &Server) -> Client {
    server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid offline_access",
            "token_endpoint_auth_method": "none",
        }))
        .await
}

/// A public client's token request, with a proof if there is one.
pub fn public_token_request(
    server: &Server,
    client: &Client,
    form: &[(&str, &str)],
    proof: Option<&str>,
) -> RequestBuilder {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &client.id)
        .extend_pairs(form)
        .finish();
    let request = server.request("POST", "/token").form(&form);
    match proof {
        Some(proof) => request.dpop(proof),
        None => request,
    }
}

pub fn code_grant_form(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", Client::REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ]
}

pub async fn authorization_code(server: &Server, client: &Client, more: &str) -> String {
    Browser::new(server).authorize("ada", client, "openid", more).await.parameter("code")
}

/// The number of proofs stored in the database.
pub async fn stored_proofs(server: &Server) -> i64 {
    #[derive(sqlx_macros::FromRow)]
    struct Row {
        count: i64,
    }
    let row: Row = sql("SELECT COUNT(*) AS count FROM replays WHERE kind = 'dpop_proof'")
        .fetch_one(server.app().store.db())
        .await
        .unwrap();
    row.count
}
