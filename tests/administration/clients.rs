//! Clients through the API: RFC 7591, RFC 7396; THREATS AD-03, AD-05, AD-10.

use gatewright::types::Role;
use kit::server::Server;
use serde_json::{Value, json};

use crate::administrators::{Caller, EVERYTHING, api, pointers, problem};

const CLIENTS: &str = "/api/v1/clients";

fn service(name: &str) -> Value {
    json!({ "client_name": name, "grant_types": ["client_credentials"], "scope": "read" })
}

#[tokio::test]
async fn a_client_is_registered_changed_disabled_and_deleted() {
    let server = Server::start().await;
    let caller = Caller::client(&server, &[Role::Administrator], EVERYTHING).await;

    let created = caller.post(&server, CLIENTS, &service("Backup")).await;
    assert_eq!(created.status, 201, "{created:?}");
    let place = created.header("location").to_owned();
    let secret = created.token("client_secret");
    let client = kit::server::Client { id: created.token("client_id"), secret };
    assert_eq!(place, format!("{CLIENTS}/{}", client.id));
    server.app().confirm().await.unwrap();
    server.client_credentials_token(&client).await;

    let read = caller.get(&server, &place).await.ok();
    assert_eq!(read.body["client_secret"], Value::Null);
    assert_eq!(read.header("etag"), created.header("etag"));

    let patch = json!({ "client_name": "Nightly", "client_name#de": "Nachts", "contacts": ["a@example.org"] });
    let changed = caller.change(&server, "PATCH", &place, &patch).await.ok();
    assert_eq!(changed.body["client_name#de"], "Nachts");
    let patch = json!({ "client_name#de": null, "contacts": null });
    let changed = caller.change(&server, "PATCH", &place, &patch).await.ok();
    assert_eq!(changed.body["client_name#de"], Value::Null);
    assert_eq!(changed.body["contacts"], Value::Null);
    assert_eq!(changed.body["client_name"], "Nightly");

    // A document as it was read can be sent back, with its read-only members.
    let mut whole = caller.get(&server, &place).await.ok().body;
    whole["client_name"] = "Hourly".into();
    let replaced = caller.change(&server, "PUT", &place, &whole).await.ok();
    assert_eq!(replaced.body["client_name"], "Hourly");
    whole["client_id_issued_at"] = 1.into();
    let response = caller.change(&server, "PUT", &place, &whole).await;
    problem(&response, 400, "invalid_request");
    assert_eq!(pointers(&response), ["/client_id_issued_at"]);

    let issued = caller.post(&server, &format!("{place}/secrets"), &json!({ "overlap": 60 })).await;
    assert_eq!(issued.status, 201);
    assert_ne!(issued.token("client_secret"), client.secret);
    assert_eq!(issued.body["gw_secrets"].as_array().unwrap().len(), 2);
    let wrong = caller.post(&server, &format!("{place}/secrets"), &json!({ "overlap": -1 })).await;
    problem(&wrong, 400, "invalid_request");

    let disabled = caller.post(&server, &format!("{place}/disable"), &json!({})).await.ok();
    assert!(disabled.body["gw_disabled_at"].is_i64());
    caller.post(&server, &format!("{place}/enable"), &json!({})).await.ok();
    assert_eq!(caller.delete(&server, &place).await.status, 204);
    problem(&caller.get(&server, &place).await, 404, "not_found");
}

/// THREATS AD-03.
#[tokio::test]
async fn every_invalid_member_is_named() {
    let server = Server::start().await;
    let caller = Caller::client(&server, &[Role::Administrator], EVERYTHING).await;
    let body = json!({
        "client_name": 1,
        "redirect_uris": "https://app.example/cb",
        "grant_types": ["password"],
        "is_admin": true,
        "client_id": "mine",
        "client_secret": "hunter2",
        "gw_disabled_at": 0,
    });

    let response = caller.post(&server, CLIENTS, &body).await;

    problem(&response, 400, "invalid_request");
    let mut all = pointers(&response);
    all.sort_unstable();
    assert_eq!(
        all,
        [
            "/client_id",
            "/client_name",
            "/client_secret",
            "/grant_types",
            "/gw_disabled_at",
            "/is_admin",
            "/redirect_uris"
        ]
    );
    assert!(!response.text.contains("hunter2") && !response.text.contains("password"));

    // A rule that refuses a value names the member too.
    let mut body = service("Backup");
    body["contacts"] = json!(["nobody"]);
    let response = caller.post(&server, CLIENTS, &body).await;
    problem(&response, 400, "invalid_client_metadata");
    let body = json!({ "redirect_uris": ["https://app.example/cb#x"] });
    let response = caller.post(&server, CLIENTS, &body).await;
    problem(&response, 400, "invalid_redirect_uri");
    let mut body = service("Backup");
    body["grant_types"] = json!(["client_credentials", "refresh_token"]);
    let response = caller.post(&server, CLIENTS, &body).await;
    assert_eq!(pointers(&response), ["/grant_types"]);
}

/// THREATS AD-10.
#[tokio::test]
async fn a_lost_update_is_refused() {
    let server = Server::start().await;
    let caller = Caller::client(&server, &[Role::Administrator], EVERYTHING).await;
    let created = caller.post(&server, CLIENTS, &service("Backup")).await;
    let (place, tag) = (created.header("location").to_owned(), created.header("etag").to_owned());
    let send = async |method: &str, body: &Value, tag: Option<&str>| {
        let request = caller.with_json(&server, method, &place, body);
        match tag {
            Some(tag) => request.header("if-match", tag).send().await,
            None => request.send().await,
        }
    };

    for method in ["PUT", "PATCH"] {
        problem(&send(method, &service("x"), None).await, 428, "precondition_required");
    }
    send("PATCH", &json!({ "client_name": "First" }), Some(&tag)).await.ok();
    for method in ["PUT", "PATCH"] {
        problem(&send(method, &service("Second"), Some(&tag)).await, 412, "precondition_failed");
    }
    // A new secret is a new version, although the document is the same.
    let read = caller.get(&server, &place).await.ok();
    caller.post(&server, &format!("{place}/secrets"), &json!({})).await;
    let again = caller.get(&server, &place).await.ok();
    assert_eq!(read.body, again.body);
    assert_ne!(read.header("etag"), again.header("etag"));

    let mut racing = tokio::task::JoinSet::new();
    for number in 0..8 {
        let patch = json!({ "client_name": format!("n{number}") });
        let request = caller.with_json(&server, "PATCH", &place, &patch);
        racing.spawn(request.header("if-match", again.header("etag")).send());
    }
    let mut statuses = Vec::new();
    while let Some(response) = racing.join_next().await {
        statuses.push(response.unwrap().status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200], vec![412; 7]].concat());
}

/// A repeated registration returns the client without its secret, and says how to get one.
#[tokio::test]
async fn a_repeated_registration_does_not_show_the_secret_again() {
    let server = Server::start().await;
    let caller = Caller::client(&server, &[Role::Administrator], EVERYTHING).await;
    let send = async || {
        let request = caller.with_json(&server, "POST", CLIENTS, &service("Backup"));
        request.header("idempotency-key", "k1").send().await
    };

    let (first, second) = (send().await, send().await);

    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.token("client_id"), second.token("client_id"));
    let secret = first.token("client_secret");
    assert_eq!(second.body["client_secret"], Value::Null);
    assert!(second.token("gw_note").contains("secrets"));
    // Not even the database has it.
    let rows: Vec<(String, Option<String>)> =
        gatewright::store::sql("SELECT actor, target FROM idempotency_keys")
            .fetch_all(server.app().store.db())
            .await
            .unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!format!("{rows:?}").contains(&secret));
}

/// THREATS AD-05: whoever controls a client for the API controls the tokens of the owners who use it.
#[tokio::test]
async fn only_an_owner_decides_on_a_client_for_the_api() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let lesser = Caller::client(&server, &[Role::Administrator], EVERYTHING).await;
    let plain = lesser.post(&server, CLIENTS, &service("Backup")).await;
    let plain = plain.header("location").to_owned();

    for member in ["gw_allowed_resources", "gw_default_audience", "gw_resources"] {
        let mut body = service("Console");
        body[member] = json!([api()]);
        problem(&lesser.post(&server, CLIENTS, &body).await, 403, "access_denied");
        let patch = json!({ member: [api()] });
        let response = lesser.change(&server, "PATCH", &plain, &patch).await;
        problem(&response, 403, "access_denied");

        let made = owner.post(&server, CLIENTS, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let place = made.header("location").to_owned();
        for patch in [json!({ "scope": EVERYTHING }), json!({ member: null })] {
            let response = lesser.change(&server, "PATCH", &place, &patch).await;
            problem(&response, 403, "access_denied");
        }
        let response = lesser.post(&server, &format!("{place}/secrets"), &json!({})).await;
        problem(&response, 403, "access_denied");
        owner.change(&server, "PATCH", &place, &json!({ member: null })).await.ok();
        lesser.change(&server, "PATCH", &place, &json!({ "client_name": "x" })).await.ok();
    }
}
