//! Administrators with tokens for the API, and their requests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright::roles;
use gatewright::types::{ClientId, Digest, Holder, Role, User};
use kit::http::{RequestBuilder, Response};
use kit::jwt::DpopKey;
use kit::server::{Client, ISSUER, Server};
use serde_json::{Value, json};

use crate::openapi::{documented, prepared};

/// Every scope of the API.
pub(crate) const EVERYTHING: &str = "clients:sensitive resources:sensitive users:sensitive \
    recoveries:sensitive sessions:sensitive keys:sensitive certificates:sensitive audit:sensitive \
    administrators:sensitive";

/// The identifier of the API.
pub(crate) fn api() -> String {
    format!("{ISSUER}/api/v1")
}

/// An administrator with an access token.
pub(crate) struct Caller {
    pub(crate) holder: Holder,
    pub(crate) client: Client,
    pub(crate) token: String,
    pub(crate) key: Option<DpopKey>,
}

/// Gives roles.
pub(crate) async fn grant(server: &Server, holder: &Holder, given: &[Role]) {
    let trace = server.trace();
    for role in given {
        assert!(roles::grant(&server.app().context(&trace), holder, *role).await.unwrap());
    }
}

/// A client for the client credentials grant that may have tokens for the API.
pub(crate) async fn register_client(server: &Server, scope: &str) -> Client {
    server
        .register(json!({
            "client_name": "Pipeline",
            "grant_types": ["client_credentials"],
            "scope": scope,
            "gw_default_audience": [api()],
        }))
        .await
}

impl Caller {
    /// A client with these roles, whose token is bound to a DPoP key.
    pub(crate) async fn client(server: &Server, given: &[Role], scope: &str) -> Self {
        let client = register_client(server, scope).await;
        Self::client_with(server, client, given, Some(DpopKey::new())).await
    }

    /// The same with a bearer token.
    pub(crate) async fn unbound_client(server: &Server, given: &[Role], scope: &str) -> Self {
        let client = register_client(server, scope).await;
        Self::client_with(server, client, given, None).await
    }

    async fn client_with(
        server: &Server,
        client: Client,
        given: &[Role],
        key: Option<DpopKey>,
    ) -> Self {
        prepared().await;
        let holder = Holder::Client(ClientId::from_text(&client.id));
        grant(server, &holder, given).await;
        let mut request = server.request("POST", "/token").basic(&client.id, &client.secret);
        if let Some(key) = &key {
            request = request.dpop(&key.proof(server));
        }
        let response = request.form("grant_type=client_credentials").send().await.ok();
        Self { holder, client, token: response.token("access_token"), key }
    }

    /// An owner that is a client, with every scope.
    pub(crate) async fn owner(server: &Server) -> Self {
        Self::client(server, &[Role::Owner], EVERYTHING).await
    }

    /// A user with these roles, who has just signed in.
    pub(crate) async fn user(server: &Server, username: &str, given: &[Role], scope: &str) -> Self {
        let user = server.user(username).await;
        Self::existing_user(server, &user, given, scope).await
    }

    pub(crate) async fn existing_user(
        server: &Server,
        user: &User,
        given: &[Role],
        scope: &str,
    ) -> Self {
        let holder = Holder::User(user.id.clone());
        grant(server, &holder, given).await;
        let client = server
            .web_app_with(json!({
                "scope": format!("openid {scope}"),
                "gw_default_audience": [api()],
            }))
            .await;
        let scope = format!("openid {scope}");
        let tokens = server.obtain_tokens(&user.username, &client, &scope).await;
        Self { holder, client, token: tokens.token("access_token"), key: None }
    }

    /// A request with the token, not yet sent.
    pub(crate) fn request(&self, server: &Server, method: &str, target: &str) -> RequestBuilder {
        self.request_with_proof_for(server, method, target, target)
    }

    /// The same, with a proof for another address.
    pub(crate) fn request_with_proof_for(
        &self,
        server: &Server,
        method: &str,
        target: &str,
        proven: &str,
    ) -> RequestBuilder {
        let request = server.request(method, target);
        let Some(key) = &self.key else {
            return request.bearer(&self.token);
        };
        let path = proven.split('?').next().unwrap();
        let mut claims = key.claims(server, method, path);
        claims["ath"] = URL_SAFE_NO_PAD.encode(Digest::of(self.token.as_bytes()).0).into();
        request.header("authorization", &format!("DPoP {}", self.token)).dpop(&key.sign(&claims))
    }

    pub(crate) async fn get(&self, server: &Server, target: &str) -> Response {
        documented("GET", target, self.request(server, "GET", target).send().await)
    }
}

/// Asserts a problem of RFC 9457 with this status and code.
#[track_caller]
pub(crate) fn problem(response: &Response, status: u16, code: &str) {
    let is = (response.status, response.body["code"].as_str().unwrap_or_default());
    assert_eq!(is, (status, code), "{response:?}");
    assert_eq!(response.header("content-type"), "application/problem+json");
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.body["status"], json!(status));
    assert_eq!(response.body["request_id"], json!(response.header("x-request-id")));
    assert!(response.body["title"].is_string() && response.body["detail"].is_string());
    assert_ne!(response.body["type"], Value::Null);
}

impl Caller {
    /// A request with a JSON body.
    pub(crate) fn with_json(
        &self,
        server: &Server,
        method: &str,
        target: &str,
        body: &Value,
    ) -> RequestBuilder {
        let media_type =
            if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let request = self.request(server, method, target).header("content-type", media_type);
        request.body(body.to_string())
    }

    pub(crate) async fn post(&self, server: &Server, target: &str, body: &Value) -> Response {
        documented("POST", target, self.with_json(server, "POST", target, body).send().await)
    }

    /// A change of the object as it is now.
    pub(crate) async fn change(
        &self,
        server: &Server,
        method: &str,
        target: &str,
        body: &Value,
    ) -> Response {
        let tag = self.get(server, target).await.ok().header("etag").to_owned();
        let request = self.with_json(server, method, target, body).header("if-match", &tag);
        documented(method, target, request.send().await)
    }

    pub(crate) async fn delete(&self, server: &Server, target: &str) -> Response {
        documented("DELETE", target, self.request(server, "DELETE", target).send().await)
    }
}

/// The pointers of a problem.
pub(crate) fn pointers(response: &Response) -> Vec<&str> {
    let errors = response.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}
