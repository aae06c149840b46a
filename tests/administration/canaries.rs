//! THREATS AD-06: secrets are in no answer, except for a new one in the answer to the request that creates it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gatewright::api::endpoints;
use gatewright::store::sql;
use kit::server::{Client, PASSWORD, Server};
use serde_json::json;

use crate::administrators::Caller;

/// The texts that no answer contains: what is stored for secrets, and the secrets themselves.
async fn secrets(server: &Server, clients: &[&Client]) -> Vec<String> {
    let mut all = vec![PASSWORD.to_owned()];
    all.extend(clients.iter().map(|client| client.secret.clone()));
    let hashes: Vec<(String,)> =
        sql("SELECT secret FROM credentials").fetch_all(server.app().store.db()).await.unwrap();
    assert!(!hashes.is_empty());
    all.extend(hashes.into_iter().map(|(hash,)| hash));
    for client in clients {
        let stored = server.find_client(client).await;
        for secret in stored.secrets {
            let hex: String = secret.digest.0.iter().map(|byte| format!("{byte:02x}")).collect();
            all.push(hex);
            all.push(STANDARD.encode(secret.digest.0));
            all.push(URL_SAFE_NO_PAD.encode(secret.digest.0));
        }
    }
    all.retain(|text| !text.is_empty());
    all
}

#[tokio::test]
async fn no_answer_contains_a_secret() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let ada = server.user("ada").await;
    let app = server.web_app().await;
    let tokens = server.obtain_tokens("ada", &app, "openid profile offline_access").await;
    let hmac = server
        .register(json!({
            "token_endpoint_auth_method": "client_secret_jwt",
            "grant_types": ["client_credentials"],
        }))
        .await;
    let new = json!({ "client_name": "New", "grant_types": ["client_credentials"] });
    let made = owner.post(&server, "/api/v1/clients", &new).await;
    let made = Client { id: made.token("client_id"), secret: made.token("client_secret") };
    server.app().confirm().await.unwrap();
    let user = format!("/api/v1/users/{}", ada.id);
    let recovery = owner.post(&server, &format!("{user}/recovery"), &json!({})).await;
    let link = recovery.token("link").split('=').nth(1).unwrap().to_owned();
    let mut hidden = secrets(&server, &[&app, &hmac, &made, &owner.client]).await;
    hidden.extend([link, owner.token.clone()]);
    hidden.extend(["access_token", "refresh_token"].map(|name| tokens.token(name)));
    server.app().recorder.flush().await;

    let mut read = 0;
    for endpoint in endpoints().iter().filter(|endpoint| endpoint.method == "GET") {
        for client in [&app, &hmac, &made] {
            let id = if endpoint.path.starts_with("/api/v1/clients") {
                &client.id
            } else {
                ada.id.as_str()
            };
            let target = endpoint.path.replace("{id}", id).replace("{thumbprint}", "x");
            let response = owner.get(&server, &format!("{target}{}", limit(endpoint.path))).await;
            for secret in &hidden {
                assert!(!response.text.contains(secret.as_str()), "{target} has {secret}");
            }
            read += usize::from(response.status == 200);
        }
    }
    assert!(read > 25, "{read}");
    let disable = format!("/api/v1/clients/{}/disable", made.id);
    let disabled = owner.post(&server, &disable, &json!({})).await.ok();
    let changed =
        owner.change(&server, "PATCH", &user, &json!({ "claims": { "name": "A" } })).await;
    for response in [disabled, changed.ok()] {
        for secret in &hidden {
            assert!(!response.text.contains(secret.as_str()), "{response:?}");
        }
    }
}

/// As much as a listing returns at once.
fn limit(path: &str) -> &'static str {
    let paged =
        ["/api/v1/users", "/api/v1/clients", "/api/v1/certificates", "/api/v1/audit-events"];
    if paged.contains(&path) { "?limit=500" } else { "" }
}
