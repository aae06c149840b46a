//! Roles of administrators through the API: THREATS AD-05, AD-12, AD-14.

use gatewright::types::Role;
use kit::server::Server;
use serde_json::json;

use crate::administrators::{Caller, EVERYTHING, problem};

const ADMINISTRATORS: &str = "/api/v1/administrators";

#[tokio::test]
async fn a_role_is_given_listed_and_taken_away() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let ada = Caller::user(&server, "ada", &[], EVERYTHING).await;
    problem(&ada.get(&server, "/api/v1/me").await, 403, "access_denied");
    let place = format!("{ADMINISTRATORS}/user/{}/roles/support", ada.holder.id());

    for _ in 0..2 {
        assert_eq!(owner.request(&server, "PUT", &place).send().await.status, 204);
    }
    let me = ada.get(&server, "/api/v1/me").await.ok();
    assert_eq!(me.body["kind"], "user");
    assert_eq!(me.body["id"], ada.holder.id());
    assert_eq!(me.body["roles"], json!(["support"]));
    let permissions: Vec<_> = me.body["permissions"].as_array().unwrap().clone();
    assert!(permissions.contains(&json!("sessions:write")), "{permissions:?}");
    assert!(!permissions.contains(&json!("users:write")), "{permissions:?}");
    let all = owner.get(&server, ADMINISTRATORS).await.ok();
    assert_eq!(all.body["items"].as_array().unwrap().len(), 2, "{all:?}");

    assert_eq!(owner.delete(&server, &place).await.status, 204);
    problem(&owner.delete(&server, &place).await, 404, "not_found");
    problem(&ada.get(&server, "/api/v1/me").await, 403, "access_denied");
    assert_eq!(
        server.audit_events("administrator.role_granted").await.len(),
        2,
        "the owner's and this one"
    );
    for wrong in ["user/nobody/roles/support", "group/x/roles/support", "user/x/roles/king"] {
        let response = owner.request(&server, "PUT", &format!("{ADMINISTRATORS}/{wrong}"));
        problem(&response.send().await, 404, "not_found");
    }
}

/// THREATS AD-12: also if the last two demote each other at once.
#[tokio::test]
async fn the_last_owner_stays() {
    let server = Server::start().await;
    let owner = Caller::user(&server, "ada", &[Role::Owner], EVERYTHING).await;
    let role = |id: &str| format!("{ADMINISTRATORS}/user/{id}/roles/owner");
    let own = role(owner.holder.id());
    problem(&owner.delete(&server, &own).await, 409, "conflict");
    let user = format!("/api/v1/users/{}", owner.holder.id());
    problem(&owner.delete(&server, &user).await, 409, "conflict");
    let response = owner.post(&server, &format!("{user}/disable"), &json!({})).await;
    problem(&response, 409, "conflict");

    let other = Caller::user(&server, "grace", &[Role::Owner], EVERYTHING).await;
    let (one, two) = (role(other.holder.id()), own);
    let (one, two) = tokio::join!(owner.delete(&server, &one), other.delete(&server, &two));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert!(matches!(statuses, [204, 403 | 409]), "{statuses:?}");
}

/// THREATS AD-14: on another replica too, with its next request.
#[tokio::test]
async fn a_demotion_counts_on_every_replica() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let owner = Caller::owner(&server).await;
    let caller = Caller::client(&server, &[Role::Auditor], EVERYTHING).await;
    replica.app().confirm().await.unwrap();
    caller.get(&replica, "/api/v1/users").await.ok();

    let place = format!("{ADMINISTRATORS}/client/{}/roles/auditor", caller.client.id);
    assert_eq!(owner.delete(&server, &place).await.status, 204);

    problem(&caller.get(&replica, "/api/v1/users").await, 403, "access_denied");
}

/// THREATS AD-05: an administrator without the permission gives nobody a role, themselves included.
#[tokio::test]
async fn nobody_promotes_themselves() {
    let server = Server::start().await;
    for role in Role::ALL.iter().filter(|role| **role != Role::Owner) {
        let caller = Caller::client(&server, &[*role], EVERYTHING).await;
        let place = format!("{ADMINISTRATORS}/client/{}/roles/owner", caller.client.id);
        let response = caller.request(&server, "PUT", &place).send().await;
        problem(&response, 403, "access_denied");
    }
}
