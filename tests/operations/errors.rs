//! Refusals can be looked up, and a failure of the server is never a refusal (DESIGN §7, THREATS DB-01,
//! DB-03).

use gatewright::store::audit_events::{self, Filter};
use serde_json::{Value, json};

use kit::http::Response;
use kit::server::{Client, Server};

/// The audit event of the request with this response.
async fn event_of(server: &Server, response: &Response) -> Value {
    let app = server.app();
    app.recorder.flush().await;
    let request_id = response.header("x-request-id").to_owned();
    let filter = Filter { request_id, most: 10, ..Filter::default() };
    let rows = audit_events::list(app.store.db(), &filter).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    let facts: Value = serde_json::from_str(&rows[0].facts).unwrap();
    json!({ "kind": rows[0].kind, "outcome": rows[0].outcome, "client": rows[0].client_id,
        "address": rows[0].address, "facts": facts })
}

/// DESIGN §7: "Every refusal has an id that the user sees and the operator can look up, with what was
/// compared".
#[tokio::test]
async fn the_request_id_of_a_refusal_finds_its_audit_event() {
    let server = Server::start().await;
    let client = server.service().await;
    let wrong = Client { secret: "wrong".to_owned(), ..client.clone() };

    let response = server.post_as(&wrong, "/token", "grant_type=client_credentials").await;

    let event = event_of(&server, &response).await;
    assert_eq!(event["kind"], "request.refused");
    assert_eq!(event["outcome"], "invalid_client");
    assert_eq!(event["address"], "127.0.0.1");
    assert_eq!(event["client"], json!(client.id));
    assert_eq!(event["facts"]["reason"], "wrong secret");
    assert!(!response.text.contains("wrong secret"), "the reason is for the operator only");
}

/// DB-03: "client must be able to tell 'retry' from 're-login'".
#[tokio::test]
async fn a_database_failure_is_always_503() {
    let server = Server::start().await;
    let client = server.service().await;
    let token = server.client_credentials_token(&client).await;
    let unknown = Client { id: "unknown".to_owned(), ..client.clone() };
    server.app().store.close().await;

    for (requester, path, form) in [
        (&client, "/introspect", format!("token={token}")),
        (&client, "/revoke", format!("token={token}")),
        (&unknown, "/token", "grant_type=client_credentials".to_owned()),
        (&unknown, "/introspect", "token=x".to_owned()),
    ] {
        let response = server.post_as(requester, path, &form).await;
        let response = response.refused(503, "temporarily_unavailable");
        assert_eq!(response.header("retry-after"), "1", "{path}");
        assert!(!response.text.to_lowercase().contains("pool"), "THREATS LG-03");
    }
    let page = server.get("/authorize?client_id=unknown").await;
    assert_eq!((page.status, page.header("content-type")), (503, "text/html; charset=utf-8"));
    assert_eq!(page.header("retry-after"), "1");
    assert_eq!(
        server.get("/healthz").await.status,
        200,
        "a database failure is no reason for a restart"
    );
}
