//! Keys, certificates and the audit trail through the API.

use gatewright::pki::Certificate;
use gatewright::pki::inventory::seen_row;
use gatewright::store::certificates;
use gatewright::types::{Role, Seconds, Thumbprint};
use kit::server::Server;
use serde_json::{Value, json};

use crate::administrators::{Caller, EVERYTHING, pointers, problem};

#[tokio::test]
async fn keys_are_listed_rotated_and_retired() {
    let server = Server::start().await;
    let operator = Caller::client(&server, &[Role::Operator], EVERYTHING).await;
    let keys = async || {
        let listed = operator.get(&server, "/api/v1/keys").await.ok();
        let keys = listed.body["items"].as_array().unwrap().clone();
        keys.into_iter().filter(|key| key["alg"] == "ES256").collect::<Vec<Value>>()
    };
    let state = |keys: &[Value], kid: &Value| -> Value {
        keys.iter().find(|key| key["kid"] == *kid).unwrap()["state"].clone()
    };
    let before = keys().await;
    let active = before.iter().find(|key| key["state"] == "active").unwrap()["kid"].clone();

    let response = operator.post(&server, "/api/v1/keys/rotate", &json!({ "alg": "none" })).await;
    assert_eq!(pointers(&response), ["/alg"]);
    let rotation = json!({ "alg": "ES256", "force": true });
    assert_eq!(operator.post(&server, "/api/v1/keys/rotate", &rotation).await.status, 204);
    assert_eq!(state(&keys().await, &active), "retiring");

    let retire = format!("/api/v1/keys/{}/retire", active.as_str().unwrap());
    let wrong = operator.post(&server, &retire, &json!({ "compromised": "yes" })).await;
    assert_eq!(pointers(&wrong), ["/compromised"]);
    assert_eq!(operator.post(&server, &retire, &json!({})).await.status, 204);
    assert_eq!(state(&keys().await, &active), "retired");
}

#[tokio::test]
async fn certificates_are_listed_shown_and_revoked() {
    let server = Server::start().await;
    let operator = Caller::client(&server, &[Role::Operator], EVERYTHING).await;
    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let made = Certificate::parse(made.der(), &[]).unwrap();
    let now = server.trace().now();
    for number in 0..5_u8 {
        let mut row = seen_row(&made, now);
        row.thumbprint = Thumbprint::of(&[number]);
        row.not_after = now + Seconds(1000 + i64::from(number / 2));
        certificates::record(server.app().store.db(), &row).await.unwrap();
    }

    let (mut found, mut target) = (Vec::new(), "/api/v1/certificates?limit=2".to_owned());
    loop {
        let page = operator.get(&server, &target).await.ok();
        let items = page.body["items"].as_array().unwrap().clone();
        found.extend(items.into_iter().map(|item| item["thumbprint"].clone()));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        target = format!("/api/v1/certificates?limit=2&cursor={cursor}");
    }
    let unique: std::collections::BTreeSet<_> = found.iter().map(Value::to_string).collect();
    assert_eq!((found.len(), unique.len()), (5, 5));

    let place = format!("/api/v1/certificates/{}", found[0].as_str().unwrap());
    assert_eq!(operator.get(&server, &place).await.ok().body["revoked_at"], Value::Null);
    let revoke = format!("{place}/revoke");
    let wrong = operator.post(&server, &revoke, &json!({ "reason": "because" })).await;
    assert_eq!(pointers(&wrong), ["/reason"]);
    let revoked = operator.post(&server, &revoke, &json!({ "reason": "superseded" })).await.ok();
    assert_eq!(
        (&revoked.body["state"], &revoked.body["reason"]),
        (&json!("revoked"), &json!("superseded"))
    );
    let again = operator.post(&server, &revoke, &json!({})).await;
    assert!(again.status == 400 || again.status == 409, "{again:?}");

    let query =
        async |query: &str| operator.get(&server, &format!("/api/v1/certificates?{query}")).await;
    let listed = query("state=revoked").await.ok();
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(query("expires_in=10").await.ok().body["items"], json!([]));
    assert_eq!(query("client_id=nobody").await.ok().body["items"], json!([]));
    for (wrong, pointer) in [("state=x", "?state"), ("expires_in=-1", "?expires_in")] {
        assert_eq!(pointers(&query(wrong).await), [pointer]);
    }
}

#[tokio::test]
async fn audit_events_are_filtered_and_paged() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let auditor = Caller::client(&server, &[Role::Auditor], EVERYTHING).await;
    let mut requests = Vec::new();
    for name in ["a1", "b2", "c3"] {
        let created = owner.post(&server, "/api/v1/users", &json!({ "username": name })).await;
        requests.push((created.header("x-request-id").to_owned(), created.token("id")));
    }
    let query =
        async |query: &str| auditor.get(&server, &format!("/api/v1/audit-events?{query}")).await;
    let ids = |response: &kit::http::Response| -> Vec<String> {
        let items = response.body["items"].as_array().unwrap();
        items.iter().map(|item| item["user_id"].as_str().unwrap_or_default().to_owned()).collect()
    };

    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = query(&format!("kind=user.created&limit=2{cursor}")).await.ok();
        found.extend(ids(&page));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, [&*requests[2].1, &*requests[1].1, &*requests[0].1]);
    let (request, user) = &requests[1];
    let one = query(&format!("request_id={request}")).await.ok();
    assert_eq!(ids(&one), [user.as_str()]);
    assert_eq!(one.body["items"][0]["actor"], format!("client:{}", owner.client.id));
    assert!(one.body["items"][0]["facts"].is_object());
    assert_eq!(ids(&query(&format!("user_id={user}")).await.ok()), [user.as_str()]);
    assert!(ids(&query("since=99999999999").await.ok()).is_empty());
    problem(&query("kind=nonsense").await, 400, "invalid_request");
    assert_eq!(pointers(&query("since=yesterday").await), ["?since"]);
}
