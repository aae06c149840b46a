//! APIs through the API.

use gatewright::types::Role;
use kit::server::Server;
use serde_json::json;

use crate::administrators::{Caller, EVERYTHING, api, pointers, problem};

const RESOURCES: &str = "/api/v1/resources";

#[tokio::test]
async fn an_api_is_registered_changed_and_deleted() {
    let server = Server::start().await;
    let caller = Caller::client(&server, &[Role::Administrator], EVERYTHING).await;
    let new = json!({
        "id": "https://api.example.org/a+b",
        "name": "Invoices",
        "name#de": "Rechnungen",
        "scopes": [{ "name": "read", "text": "Read", "text#de": "Lesen", "sensitive": true }],
        "access_token_lifetime": 60,
    });

    let created = caller.post(&server, RESOURCES, &new).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.body, new);
    let place = created.header("location").to_owned();
    assert_eq!(place, format!("{RESOURCES}/https%3A%2F%2Fapi.example.org%2Fa%2Bb"));
    assert_eq!(caller.get(&server, &place).await.ok().body, new);
    // In a path, + is itself.
    let same = format!("{RESOURCES}/https:%2f%2fapi.example.org%2fa+b");
    assert_eq!(caller.get(&server, &same).await.ok().body, new);
    problem(&caller.post(&server, RESOURCES, &new).await, 400, "invalid_request");

    let patch = json!({ "name#de": null, "access_token_lifetime": null, "name": "Bills" });
    let changed = caller.change(&server, "PATCH", &place, &patch).await.ok();
    let scopes = new["scopes"].clone();
    assert_eq!(changed.body, json!({ "id": new["id"], "name": "Bills", "scopes": scopes }));
    let replaced = caller.change(&server, "PUT", &place, &new).await.ok();
    assert_eq!(replaced.body, new);

    let stale = || caller.with_json(&server, "PATCH", &place, &json!({ "name": "x" }));
    problem(&stale().send().await, 428, "precondition_required");
    let stale = stale().header("if-match", changed.header("etag")).send().await;
    problem(&stale, 412, "precondition_failed");

    assert_eq!(caller.delete(&server, &place).await.status, 204);
    problem(&caller.get(&server, &place).await, 404, "not_found");
}

#[tokio::test]
async fn every_invalid_member_is_named() {
    let server = Server::start().await;
    let caller = Caller::client(&server, &[Role::Administrator], EVERYTHING).await;
    let body =
        json!({ "name": 1, "scopes": [{ "name": "read" }], "is_admin": true, "text#de": "x" });
    let response = caller.post(&server, RESOURCES, &body).await;
    problem(&response, 400, "invalid_request");
    let mut all = pointers(&response);
    all.sort_unstable();
    assert_eq!(all, ["/id", "/is_admin", "/name", "/scopes", "/text#de"]);

    let new = json!({ "id": "https://api.example.org", "name": "A" });
    let place = caller.post(&server, RESOURCES, &new).await.header("location").to_owned();
    let moved = json!({ "id": "https://other.example.org", "name": "A" });
    for method in ["PUT", "PATCH"] {
        let response = caller.change(&server, method, &place, &moved).await;
        problem(&response, 400, "invalid_request");
        assert_eq!(pointers(&response), ["/id"], "{method}");
    }
}

/// The administration API itself stays as it is, whoever asks.
#[tokio::test]
async fn the_built_in_resource_is_not_changed_or_deleted() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let place = format!("{RESOURCES}/{}", api().replace('/', "%2F"));
    let before = owner.get(&server, &place).await.ok();

    let response = owner.change(&server, "PATCH", &place, &json!({ "name": "Harmless" })).await;
    problem(&response, 409, "conflict");
    problem(&owner.delete(&server, &place).await, 409, "conflict");
    let again = json!({ "id": api(), "name": "Harmless" });
    problem(&owner.post(&server, RESOURCES, &again).await, 409, "conflict");

    assert_eq!(owner.get(&server, &place).await.ok().body, before.body);
    let all = owner.get(&server, RESOURCES).await.ok();
    assert_eq!(all.body["items"], json!([before.body]));
}

/// Of many changes of one version exactly one succeeds: the transaction compares, not the request.
#[tokio::test]
async fn of_racing_changes_one_succeeds() {
    let server = Server::start().await;
    let caller = Caller::client(&server, &[Role::Administrator], EVERYTHING).await;
    let new = json!({ "id": "urn:example:api", "name": "A" });
    let created = caller.post(&server, RESOURCES, &new).await;
    let place = created.header("location").to_owned();

    let mut racing = tokio::task::JoinSet::new();
    for number in 0..8 {
        let patch = json!({ "name": format!("n{number}") });
        let request = caller.with_json(&server, "PATCH", &place, &patch);
        racing.spawn(request.header("if-match", created.header("etag")).send());
    }
    let mut statuses = Vec::new();
    while let Some(response) = racing.join_next().await {
        statuses.push(response.unwrap().status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200], vec![412; 7]].concat());
}
