//! Every route × every role: THREATS M3, AD-01, AD-02. The list of routes is that of the server.

use gatewright::api::{Access, Endpoint, endpoints};
use gatewright::types::Role;
use gatewright::types::administration::Level;
use kit::http::Response;
use kit::server::{ISSUER, Server};

use crate::administrators::{Caller, EVERYTHING, problem};
use crate::openapi::documented;

/// An identifier that nothing has.
const MISSING: &str = "0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f";

/// The address of an endpoint, for a user and a client, existing or not.
fn address(endpoint: &Endpoint, user: &str, client: &str) -> String {
    let id = if endpoint.path.starts_with("/api/v1/clients") { client } else { user };
    endpoint
        .path
        .replace("{kind}", "user")
        .replace("{role}", "auditor")
        .replace("{id}", id)
        .replace("{client}", client)
        .replace("{session}", MISSING)
        .replace("{kid}", MISSING)
        .replace("{thumbprint}", &"A".repeat(43))
}

async fn send(server: &Server, caller: &Caller, endpoint: &Endpoint, target: &str) -> Response {
    let mut request = caller.request(server, endpoint.method.as_str(), target);
    if let Some(body) = endpoint.body {
        // Members that a document must have.
        let text = match endpoint.path {
            "/api/v1/resources/{id}" => "{\"id\":\"urn:x:y\",\"name\":\"x\"}",
            _ => "{}",
        };
        request = request.header("content-type", body.media_type).body(text);
    }
    if endpoint.is_versioned {
        request = request.header("if-match", "*");
    }
    documented(endpoint.method.as_str(), target, request.send().await)
}

/// What an administrator who may do it hears of an endpoint about objects that do not exist.
fn expected_of_missing(endpoint: &Endpoint) -> u16 {
    if endpoint.path.contains('{') {
        404
    } else if endpoint.method == "GET" {
        200
    } else {
        // `{}` lacks what it must have: a username, a redirect URI, an algorithm.
        400
    }
}

/// Somebody with each role, a client and a user.
async fn everybody(server: &Server) -> Vec<(Vec<Role>, Caller)> {
    let mut all = Vec::new();
    for roles in [vec![]].into_iter().chain(Role::ALL.iter().map(|role| vec![*role])) {
        all.push((roles.clone(), Caller::client(server, &roles, EVERYTHING).await));
        let name = roles.first().map_or("nobody", |role| role.as_str());
        all.push((roles.clone(), Caller::user(server, name, &roles, EVERYTHING).await));
    }
    all
}

/// 401 without a token and for one of another audience, 403 without the permission, whether the object exists or not;
/// else the answer of the action.
#[tokio::test]
async fn every_route_admits_exactly_the_roles_with_its_permission() {
    let server = Server::start().await;
    let everybody = everybody(&server).await;
    let user = server.user("subject").await.id.to_string();
    let client = server.service().await;
    let form = format!("grant_type=client_credentials&resource={ISSUER}");
    let (_, owner) = &everybody[2];
    let elsewhere = server.post_as(&owner.client, "/token", &form).await.ok().token("access_token");
    let mut seen = 0;
    for endpoint in endpoints() {
        let (method, missing) = (endpoint.method.as_str(), address(&endpoint, MISSING, MISSING));
        let existing = address(&endpoint, &user, &client.id);
        problem(&server.request(method, &missing).send().await, 401, "");
        let foreign = server.request(method, &missing).bearer(&elsewhere).send().await;
        problem(&foreign, 401, "invalid_token");
        for (roles, caller) in &everybody {
            let is_allowed = match endpoint.access {
                Access::Administrators => !roles.is_empty(),
                Access::Action(action) => {
                    action.permission().is_some_and(|permission| permission.is_in(roles))
                }
            };
            let response = send(&server, caller, &endpoint, &missing).await;
            if is_allowed {
                let expected = expected_of_missing(&endpoint);
                assert_eq!(response.status, expected, "{endpoint:?} {roles:?} {response:?}");
            } else {
                problem(&response, 403, "access_denied");
                let response = send(&server, caller, &endpoint, &existing).await;
                problem(&response, 403, "access_denied");
            }
            seen += 1;
        }
    }
    assert!(seen > 400, "{seen}");
}

/// The scope of the declared permission suffices, and no smaller one does.
#[tokio::test]
async fn every_route_needs_the_scope_of_its_permission_and_no_more() {
    let server = Server::start().await;
    for endpoint in endpoints() {
        let Access::Action(action) = endpoint.access else { continue };
        let permission = action.permission().unwrap();
        let target = address(&endpoint, MISSING, MISSING);
        let exact = Caller::client(&server, &[Role::Owner], &permission.scope()).await;
        let response = send(&server, &exact, &endpoint, &target).await;
        assert_eq!(response.status, expected_of_missing(&endpoint), "{endpoint:?} {response:?}");
        let area = permission.area;
        let scope = match permission.level {
            Level::Read => "unrelated".to_owned(),
            Level::Write => format!("{area}:read"),
            Level::Sensitive => format!("{area}:write"),
        };
        let smaller = Caller::client(&server, &[Role::Owner], &scope).await;
        let response = send(&server, &smaller, &endpoint, &target).await;
        problem(&response, 403, "insufficient_scope");
    }
}

/// A client needs a sender-constrained token for what is sensitive, a user a sign-in of the last five minutes.
#[tokio::test]
async fn a_sensitive_route_needs_a_recent_sign_in_or_a_bound_token() {
    let server = Server::start().await;
    let user = Caller::user(&server, "ada", &[Role::Owner], EVERYTHING).await;
    let bearer = Caller::unbound_client(&server, &[Role::Owner], EVERYTHING).await;
    // The token is still valid.
    server.advance_clock(299);
    let sensitive: Vec<_> = endpoints().into_iter().filter(is_sensitive).collect();
    assert!(sensitive.len() >= 6, "{}", sensitive.len());
    for endpoint in &sensitive {
        let target = address(endpoint, MISSING, MISSING);
        let response = send(&server, &user, endpoint, &target).await;
        assert_eq!(response.status, expected_of_missing(endpoint), "{endpoint:?} {response:?}");
        problem(&send(&server, &bearer, endpoint, &target).await, 401, "invalid_token");
    }
}

fn is_sensitive(endpoint: &Endpoint) -> bool {
    match endpoint.access {
        Access::Administrators => false,
        Access::Action(action) => {
            action.permission().is_some_and(|permission| permission.level == Level::Sensitive)
        }
    }
}

/// RFC 9470 §3: `insufficient_user_authentication` with `max_age`. The sign-in counts, not the age of the token.
#[tokio::test]
async fn a_refreshed_token_is_no_newer_than_the_sign_in() {
    let server = Server::start().await;
    let user = server.user("ada").await;
    let scope = format!("{EVERYTHING} offline_access");
    let caller = Caller::existing_user(&server, &user, &[Role::Owner], &scope).await;
    let more = format!("openid {scope}");
    let tokens = server.obtain_tokens("ada", &caller.client, &more).await;
    server.advance_clock(301);
    let refreshed = server.refresh(&caller.client, &tokens.token("refresh_token"), "").await.ok();
    let caller = Caller { token: refreshed.token("access_token"), ..caller };

    for endpoint in endpoints() {
        let target = address(&endpoint, MISSING, MISSING);
        let response = send(&server, &caller, &endpoint, &target).await;
        if is_sensitive(&endpoint) {
            problem(&response, 401, "insufficient_user_authentication");
            let challenge = response.header("www-authenticate");
            assert!(challenge.contains("error=\"insufficient_user_authentication\""));
            assert!(challenge.contains("max_age=\"300\""), "{challenge}");
        } else {
            assert_eq!(response.status, expected_of_missing(&endpoint), "{endpoint:?}");
        }
    }
}
