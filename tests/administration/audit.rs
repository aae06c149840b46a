//! THREATS AD-13: each change writes exactly one audit event, with who made it; a refused one writes none of success.

use gatewright::types::Role;
use kit::server::Server;
use serde_json::json;

use crate::administrators::{Caller, EVERYTHING};

#[tokio::test]
async fn each_change_writes_one_event_with_its_administrator() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let ada = server.user("ada").await.id.to_string();
    let user = format!("/api/v1/users/{ada}");
    let client = server.service().await.id;
    let client = format!("/api/v1/clients/{client}");
    let api = "/api/v1/resources/urn:example:api";
    let role = format!("/api/v1/administrators/user/{ada}/roles/support");
    let at = |base: &str, what: &str| format!("{base}/{what}");
    let changes = [
        ("PATCH", user.clone(), json!({ "claims": { "name": "Ada" } }), "user.updated"),
        ("POST", at(&user, "recovery"), json!({}), "recovery.started"),
        ("POST", at(&user, "unlock"), json!({}), "user.unlocked"),
        ("PUT", role.clone(), json!({}), "administrator.role_granted"),
        ("DELETE", role, json!({}), "administrator.role_revoked"),
        ("POST", at(&user, "disable"), json!({}), "user.disabled"),
        ("POST", at(&user, "enable"), json!({}), "user.enabled"),
        ("DELETE", user.clone(), json!({}), "user.deleted"),
        ("PATCH", client.clone(), json!({ "client_name": "x" }), "client.updated"),
        ("POST", at(&client, "secrets"), json!({}), "client.secret_rotated"),
        ("POST", at(&client, "disable"), json!({}), "client.disabled"),
        ("POST", at(&client, "enable"), json!({}), "client.enabled"),
        ("DELETE", client.clone(), json!({}), "client.deleted"),
        (
            "POST",
            "/api/v1/resources".to_owned(),
            json!({ "id": "urn:example:api", "name": "A" }),
            "resource.created",
        ),
        ("PATCH", api.to_owned(), json!({ "name": "B" }), "resource.updated"),
        ("DELETE", api.to_owned(), json!({}), "resource.deleted"),
        (
            "POST",
            "/api/v1/keys/rotate".to_owned(),
            json!({ "alg": "ES256", "force": true }),
            "key.activated",
        ),
    ];
    let lesser = Caller::client(&server, &[Role::Auditor], EVERYTHING).await;
    for (method, target, body, kind) in changes {
        let refused = lesser.with_json(&server, method, &target, &body).header("if-match", "*");
        let refused = refused.send().await;
        assert_eq!(refused.status, 403, "{method} {target}");
        let request = owner.with_json(&server, method, &target, &body).header("if-match", "*");
        let done = request.send().await;
        assert!(done.status < 300, "{method} {target}: {done:?}");

        let all = server.audit_events("").await;
        let of = |id: &str| -> Vec<_> {
            let own = all.iter().filter(|event| event.request_id.as_deref() == Some(id));
            own.map(|event| (event.kind.clone(), event.outcome.clone(), event.actor.clone()))
                .collect()
        };
        let events = of(done.header("x-request-id"));
        let actor = Some(format!("client:{}", owner.client.id));
        let about = events.iter().filter(|event| event.0 == kind).count();
        assert_eq!(about, 1, "{method} {target}: {events:?}");
        assert!(events.iter().all(|event| event.2 == actor), "{method} {target}: {events:?}");
        let refusals = of(refused.header("x-request-id"));
        assert!(refusals.iter().all(|event| event.1 != "success"), "{refusals:?}");
    }
}
