//! Users through the API.

use gatewright::types::Role;
use kit::server::Server;
use serde_json::{Value, json};

use crate::administrators::{Caller, EVERYTHING, pointers, problem};

const USERS: &str = "/api/v1/users";

#[tokio::test]
async fn a_user_is_created_read_changed_disabled_and_deleted() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let new = json!({
        "username": "ada",
        "email": "ada@example.org",
        "email_verified": true,
        "claims": { "name": "Ada", "locale": "en", "address": { "country": "GB", "locality": "London" } },
    });

    let created = owner.post(&server, USERS, &new).await;
    assert_eq!(created.status, 201, "{created:?}");
    let place = created.header("location").to_owned();
    assert_eq!(place, format!("{USERS}/{}", created.body["id"].as_str().unwrap()));
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(created.body[name], *value, "{name}");
    }
    let read = owner.get(&server, &place).await.ok();
    assert_eq!((&read.body, read.header("etag")), (&created.body, created.header("etag")));

    // RFC 7396: null removes, an object is merged, what is absent stays.
    let patch = json!({
        "email": null,
        "claims": { "locale": null, "nickname": null, "name": "Ada L.", "address": { "country": null, "region": "x" } },
    });
    let changed = owner.change(&server, "PATCH", &place, &patch).await.ok();
    assert_eq!(changed.body["email"], Value::Null);
    assert_eq!(changed.body["email_verified"], false);
    let claims = json!({ "name": "Ada L.", "address": { "locality": "London", "region": "x" } });
    assert_eq!(changed.body["claims"], claims);

    let at = |what: &str| format!("{place}/{what}");
    let disabled = owner.post(&server, &at("disable"), &json!({})).await.ok();
    assert!(disabled.body["disabled_at"].is_i64());
    problem(&owner.post(&server, &at("recovery"), &json!({})).await, 409, "conflict");
    let enabled = owner.post(&server, &at("enable"), &json!({})).await.ok();
    assert_eq!(enabled.body["disabled_at"], Value::Null);
    assert_eq!(owner.post(&server, &at("unlock"), &json!({})).await.status, 204);
    let recovery = owner.post(&server, &at("recovery"), &json!({})).await;
    assert_eq!(recovery.status, 201);
    let link = recovery.body["link"].as_str().unwrap();
    assert!(link.starts_with("https://id.example.org/recovery?link="), "{link}");

    assert_eq!(owner.delete(&server, &place).await.status, 204);
    problem(&owner.get(&server, &place).await, 404, "not_found");
    problem(&owner.delete(&server, &place).await, 404, "not_found");
}

/// Each change writes one event, with who made it.
#[tokio::test]
async fn the_audit_trail_names_the_administrator() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let created = owner.post(&server, USERS, &json!({ "username": "ada" })).await;

    let events = server.audit_events("user.created").await;
    let actor = format!("client:{}", owner.client.id);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].actor.as_deref(), Some(actor.as_str()));
    assert_eq!(events[0].request_id.as_deref(), Some(created.header("x-request-id")));
    assert_eq!(events[0].user_id.as_deref(), created.body["id"].as_str());
}

/// THREATS AD-03: unknown and privileged members are refused, all at once, and nothing is changed.
#[tokio::test]
async fn unknown_and_read_only_members_are_refused() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let place = owner.post(&server, USERS, &json!({ "username": "ada" })).await;
    let place = place.header("location").to_owned();

    for name in ["id", "created_at", "updated_at", "disabled_at"] {
        for (method, target) in [("POST", USERS), ("PATCH", place.as_str())] {
            let body = json!({ "username": "eve", name: "1" });
            let request = owner.with_json(&server, method, target, &body).header("if-match", "*");
            let response = request.send().await;
            problem(&response, 400, "invalid_request");
            assert_eq!(response.body["errors"][0]["detail"], "this member is read-only");
            assert_eq!(pointers(&response), [format!("/{name}")]);
        }
    }
    for name in ["is_admin", "roles", "password", "password_hash", "tenant", "mfa_enabled"] {
        let response = owner.change(&server, "PATCH", &place, &json!({ name: true })).await;
        problem(&response, 400, "invalid_request");
        assert_eq!(response.body["errors"][0]["detail"], "this member is unknown");
        assert_eq!(pointers(&response), [format!("/{name}")]);
    }
    let body = json!({
        "email": 1,
        "email_verified": "yes",
        "claims": [],
        "is_admin": true,
    });
    let response = owner.post(&server, USERS, &body).await;
    problem(&response, 400, "invalid_request");
    let mut all = pointers(&response);
    all.sort_unstable();
    assert_eq!(all, ["/claims", "/email", "/email_verified", "/is_admin", "/username"]);
    let claims = json!({ "username": "x", "claims": { "sub": "1", "locale": 7, "address": { "planet": "x" } } });
    let response = owner.post(&server, USERS, &claims).await;
    let mut all = pointers(&response);
    all.sort_unstable();
    assert_eq!(all, ["/claims/address/planet", "/claims/locale", "/claims/sub"]);
    assert_eq!(owner.get(&server, &place).await.ok().body["username"], "ada");
}

/// Nothing of a request is repeated, except a short word that names an unknown member.
#[tokio::test]
async fn nothing_of_a_request_is_reflected() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let canary = "<script>canary</script>";
    for body in [
        json!({ "username": canary, "email": canary, "claims": { canary: canary } }),
        json!({ canary: canary }),
        json!({ "username": { canary: canary } }),
        json!({ "username": "x".repeat(9000) + "canary" }),
    ] {
        let response = owner.post(&server, USERS, &body).await;
        assert_eq!(response.status, 400, "{response:?}");
        assert!(!response.text.contains("canary"), "{response:?}");
    }
    for target in ["?canary=1", "?limit=canary", "?cursor=canary", "/canary", "/%zz"] {
        let response = owner.get(&server, &format!("{USERS}{target}")).await;
        assert!([400, 404].contains(&response.status), "{response:?}");
        assert!(!response.text.contains("canary"), "{response:?}");
    }
    for text in ["", "{", "[]", "{\"username\":\"a\",\"username\":\"b\"}", "\u{0}"] {
        let request = owner.request(&server, "POST", USERS);
        let request = request.header("content-type", "application/json").body(text);
        problem(&request.send().await, 400, "invalid_request");
    }
    let request = owner.request(&server, "POST", USERS).header("content-type", "text/plain");
    problem(&request.body("{}").send().await, 415, "invalid_request");
    problem(&owner.request(&server, "PUT", USERS).send().await, 405, "invalid_request");
}

/// THREATS AD-10: of two administrators who read the same version, the second does not undo the change of the first.
#[tokio::test]
async fn a_lost_update_is_refused() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let created = owner.post(&server, USERS, &json!({ "username": "ada" })).await;
    let (place, tag) = (created.header("location").to_owned(), created.header("etag").to_owned());
    let patch = |username: &str| json!({ "username": username });

    let without = owner.with_json(&server, "PATCH", &place, &patch("eve")).send().await;
    problem(&without, 428, "precondition_required");
    let send = async |username: &str, tag: &str| {
        let request = owner.with_json(&server, "PATCH", &place, &patch(username));
        request.header("if-match", tag).send().await
    };
    let first = send("grace", &tag).await.ok();
    problem(&send("eve", &tag).await, 412, "precondition_failed");
    problem(&send("eve", &format!("W/{}", first.header("etag"))).await, 412, "precondition_failed");
    let list = format!("\"other\", {}", first.header("etag"));
    send("hopper", &list).await.ok();
    assert_eq!(owner.get(&server, &place).await.ok().body["username"], "hopper");
}

/// Of many changes of one version exactly one succeeds, whichever it is.
#[tokio::test]
async fn of_racing_changes_one_succeeds() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let created = owner.post(&server, USERS, &json!({ "username": "ada" })).await;
    let (place, tag) = (created.header("location").to_owned(), created.header("etag").to_owned());

    let mut racing = tokio::task::JoinSet::new();
    for number in 0..8 {
        let patch = json!({ "claims": { "nickname": format!("n{number}") } });
        let request = owner.with_json(&server, "PATCH", &place, &patch).header("if-match", &tag);
        racing.spawn(request.send());
    }
    let mut statuses = Vec::new();
    while let Some(response) = racing.join_next().await {
        statuses.push(response.unwrap().status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200], vec![412; 7]].concat());
}

/// A repeated request with the same key creates nothing: it returns the same object.
#[tokio::test]
async fn a_repeated_creation_returns_the_first_object() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let send = async |caller: &Caller, body: &Value| {
        let request = caller.with_json(&server, "POST", USERS, body);
        request.header("idempotency-key", "8e03978e-40d5-43dd-bc93-6894a57f9324").send().await
    };
    let ada = json!({ "username": "ada" });

    // A refused request creates nothing, and the key is free.
    problem(&send(&owner, &json!({ "username": "a@b" })).await, 400, "invalid_request");
    let first = send(&owner, &ada).await;
    let second = send(&owner, &ada).await;
    assert_eq!((first.status, second.status), (201, 201), "{second:?}");
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("location"), second.header("location"));
    let marks = (first.header("idempotency-replayed"), second.header("idempotency-replayed"));
    assert_eq!(marks, ("", "true"));
    problem(&send(&owner, &json!({ "username": "eve" })).await, 409, "conflict");
    // The key of another administrator is another key.
    let other = Caller::client(&server, &[Role::Administrator], EVERYTHING).await;
    assert_eq!(send(&other, &json!({ "username": "eve" })).await.status, 201);
    // After a day it is forgotten.
    server.advance_clock(24 * 3600 + 1);
    let later = Caller::client(&server, &[Role::Owner], EVERYTHING).await;
    assert_eq!(send(&later, &json!({ "username": "grace" })).await.status, 201);
    for wrong in ["", &"x".repeat(256), "a b"] {
        let request = later.with_json(&server, "POST", USERS, &json!({ "username": "x" }));
        problem(&request.header("idempotency-key", wrong).send().await, 400, "invalid_request");
    }
}

/// Concurrent requests with one key create one object.
#[tokio::test]
async fn of_racing_creations_with_one_key_one_succeeds() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let body = json!({ "client_name": "One", "grant_types": ["client_credentials"] });
        let request = owner.with_json(&server, "POST", "/api/v1/clients", &body);
        racing.spawn(request.header("idempotency-key", "one").send());
    }
    let (mut ids, mut secrets) = (std::collections::BTreeSet::new(), 0);
    while let Some(response) = racing.join_next().await {
        let response = response.unwrap();
        match response.status {
            201 => {
                ids.insert(response.token("client_id"));
                secrets += usize::from(response.body["client_secret"].is_string());
            }
            _ => problem(&response, 409, "conflict"),
        }
    }
    assert_eq!((ids.len(), secrets), (1, 1));
    assert_eq!(server.audit_events("client.created").await.len(), 2, "the owner and this one");
}

/// THREATS AD-08, AD-09: pages have bounds, and cursors are valid only where they are from.
#[tokio::test]
async fn pages_are_bounded_and_cursors_are_bound() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    for number in 0..5 {
        let body = json!({ "username": format!("user{number}"), "email": format!("{number}@example.org") });
        assert_eq!(owner.post(&server, USERS, &body).await.status, 201);
    }
    let names = |response: &kit::http::Response| -> Vec<String> {
        let items = response.body["items"].as_array().unwrap();
        items.iter().map(|item| item["username"].as_str().unwrap().to_owned()).collect()
    };

    for (limit, size) in [
        ("0", 1),
        ("-1", 1),
        ("-99999999999999999999999", 1),
        ("2", 2),
        ("4294967296", 5),
        ("99999999999999999999999", 5),
    ] {
        let page = owner.get(&server, &format!("{USERS}?limit={limit}")).await.ok();
        assert_eq!(names(&page).len(), size, "{limit}");
    }
    for limit in ["x", "1.5", "+1", "0x10", "-"] {
        let response = owner.get(&server, &format!("{USERS}?limit={limit}")).await;
        problem(&response, 400, "invalid_request");
    }

    let (mut found, mut target) = (Vec::new(), format!("{USERS}?limit=2"));
    let mut cursors = Vec::new();
    loop {
        let page = owner.get(&server, &target).await.ok();
        found.extend(names(&page));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        cursors.push(cursor.to_owned());
        target = format!("{USERS}?limit=2&cursor={cursor}");
    }
    assert_eq!(found, ["user0", "user1", "user2", "user3", "user4"]);

    let cursor = &cursors[0];
    let clients = owner.get(&server, &format!("/api/v1/clients?cursor={cursor}")).await;
    problem(&clients, 400, "invalid_request");
    let other = Caller::client(&server, &[Role::Owner], EVERYTHING).await;
    problem(&other.get(&server, &format!("{USERS}?cursor={cursor}")).await, 400, "invalid_request");
    let mut changed = cursor.clone();
    changed.pop();
    for wrong in [changed.as_str(), "AAAA", "%27%20OR%201=1"] {
        let response = owner.get(&server, &format!("{USERS}?cursor={wrong}")).await;
        problem(&response, 400, "invalid_request");
    }

    let one =
        async |query: &str| names(&owner.get(&server, &format!("{USERS}?{query}")).await.ok());
    assert_eq!(one("username=USER3").await, ["user3"]);
    assert_eq!(one("email=3@example.org").await, ["user3"]);
    assert_eq!(one("username=user3&email=3@example.org").await, ["user3"]);
    // A filter is for its own member.
    assert!(one("username=3@example.org").await.is_empty());
    assert!(one("username=user3&email=4@example.org").await.is_empty());
    assert!(one("username=nobody").await.is_empty());
}

/// THREATS AD-05: nobody acts on somebody who may do more.
#[tokio::test]
async fn a_lesser_administrator_does_not_act_on_an_owner() {
    let server = Server::start().await;
    let owner = Caller::user(&server, "ada", &[Role::Owner], EVERYTHING).await;
    let place = format!("{USERS}/{}", owner.holder.id());
    for role in [Role::Administrator, Role::Support, Role::Operator] {
        let lesser = Caller::client(&server, &[role], EVERYTHING).await;
        let mut refused = 0;
        for (method, what) in [
            ("POST", "/disable"),
            ("POST", "/enable"),
            ("POST", "/unlock"),
            ("POST", "/recovery"),
            ("DELETE", ""),
            ("DELETE", "/sessions"),
        ] {
            let response = lesser.request(&server, method, &format!("{place}{what}")).send().await;
            problem(&response, 403, "access_denied");
            refused += 1;
        }
        let patch = json!({ "email": "eve@example.org" });
        let request = lesser.with_json(&server, "PATCH", &place, &patch).header("if-match", "*");
        problem(&request.send().await, 403, "access_denied");
        assert_eq!(refused, 6);
    }
    assert_eq!(owner.get(&server, &place).await.ok().body["disabled_at"], Value::Null);
}

/// Sessions and applications of a user.
#[tokio::test]
async fn sessions_end_and_access_is_withdrawn() {
    let server = Server::start().await;
    let support = Caller::client(&server, &[Role::Support], EVERYTHING).await;
    let ada = server.user("ada").await;
    let app = server.web_app().await;
    let tokens = server.obtain_tokens("ada", &app, "openid profile").await;
    let place = format!("{USERS}/{}", ada.id);

    let sessions = support.get(&server, &format!("{place}/sessions")).await.ok();
    let items = sessions.body["items"].as_array().unwrap().clone();
    assert_eq!((items.len(), items[0]["amr"].as_str()), (1, Some("pwd")));
    let applications = support.get(&server, &format!("{place}/applications")).await.ok();
    assert_eq!(applications.body["items"][0]["client_id"], app.id);
    assert_eq!(applications.body["items"][0]["scope"], "openid profile");

    let access = format!("{place}/applications/{}", app.id);
    assert_eq!(support.delete(&server, &access).await.status, 204);
    problem(&support.delete(&server, &access).await, 404, "not_found");
    assert_eq!(server.userinfo(&tokens.token("access_token")).await.status, 401);

    let session = format!("{place}/sessions/{}", items[0]["id"].as_str().unwrap());
    // Not through the address of somebody else.
    let eve = server.user("eve").await;
    let foreign = session.replace(&ada.id.to_string(), &eve.id.to_string());
    problem(&support.delete(&server, &foreign).await, 404, "not_found");
    assert_eq!(support.delete(&server, &session).await.status, 204);
    problem(&support.delete(&server, &session).await, 404, "not_found");
    server.obtain_tokens("ada", &app, "openid").await;
    assert_eq!(support.delete(&server, &format!("{place}/sessions")).await.status, 204);
    let sessions = support.get(&server, &format!("{place}/sessions")).await.ok();
    assert_eq!(sessions.body["items"], json!([]));
}
