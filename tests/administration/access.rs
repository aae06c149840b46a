//! Who may call the API: THREATS AD-02, AD-14; RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3.

use gatewright::flow::clients::resources;
use gatewright::roles;
use gatewright::types::{ClientId, Holder, ResourceId, Role};
use kit::client_certificates::server_behind_proxy;
use kit::server::{ISSUER, Server};
use serde_json::json;

use crate::administrators::{Caller, api, grant, problem};

/// RFC 6750 §3.1: "If the request lacks any authentication information […], the resource server SHOULD NOT include an
/// error code or other error information."
#[tokio::test]
async fn without_a_token_the_answer_is_a_challenge() {
    let server = Server::start().await;

    let response = server.get("/api/v1/users/nobody").await;

    problem(&response, 401, "");
    let challenges = response.headers("www-authenticate");
    assert_eq!(challenges[0], "Bearer realm=\"gatewright\"");
    assert!(challenges[1].starts_with("DPoP realm=\"gatewright\", algs=\""), "{challenges:?}");
}

/// A user and a client with a role read a user, with a bearer token and with one bound to a key.
#[tokio::test]
async fn an_administrator_reads_a_user() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let target = format!("/api/v1/users/{}", ada.id);
    let scope = "users:read";
    for caller in [
        Caller::client(&server, &[Role::Auditor], scope).await,
        Caller::unbound_client(&server, &[Role::Support], scope).await,
        Caller::user(&server, "grace", &[Role::Administrator], scope).await,
    ] {
        let response = caller.get(&server, &target).await.ok();
        assert_eq!(response.body["username"], "ada");
        assert_eq!(response.header("cache-control"), "no-store");
        problem(&caller.get(&server, "/api/v1/users/ada").await, 404, "not_found");
    }
}

/// THREATS AD-02: tokens of ordinary applications and ID tokens are not accepted, whatever their scope.
#[tokio::test]
async fn a_token_for_another_audience_is_invalid() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let target = "/api/v1/users/nobody";
    problem(&owner.get(&server, target).await, 404, "not_found");

    let form = format!("grant_type=client_credentials&resource={ISSUER}");
    let elsewhere = server.post_as(&owner.client, "/token", &form).await.ok().token("access_token");
    let response = server.request("GET", target).bearer(&elsewhere).send().await;
    problem(&response, 401, "invalid_token");
    assert!(response.headers("www-authenticate")[0].contains("error=\"invalid_token\""));

    let ada = server.user("ada").await;
    let caller = Caller::existing_user(&server, &ada, &[Role::Owner], "users:read").await;
    let tokens = server.obtain_tokens("ada", &caller.client, "openid users:read").await;
    let id_token = tokens.token("id_token");
    let response = server.request("GET", target).bearer(&id_token).send().await;
    problem(&response, 401, "invalid_token");
    for junk in ["x", "a.b.c", "gwat_x"] {
        let response = server.request("GET", target).bearer(junk).send().await;
        problem(&response, 401, "invalid_token");
    }
    let response = server.get(&format!("{target}?access_token={}", caller.token)).await;
    problem(&response, 400, "invalid_request");
}

/// A bound token without its proof is refused, and a proof for another address too.
#[tokio::test]
async fn a_bound_token_needs_its_proof_for_this_address() {
    let server = Server::start().await;
    let owner = Caller::owner(&server).await;
    let target = "/api/v1/users/nobody";

    let response = server.request("GET", target).bearer(&owner.token).send().await;
    problem(&response, 401, "invalid_token");
    let dpop = format!("DPoP {}", owner.token);
    let response = server.request("GET", target).header("authorization", &dpop).send().await;
    problem(&response, 401, "invalid_dpop_proof");
    for path in ["/api/v1/users/other", "/userinfo", "/api/v1/users"] {
        let moved = owner.request_with_proof_for(&server, "GET", target, path);
        problem(&moved.send().await, 401, "invalid_dpop_proof");
    }
}

/// What a token may do is the intersection of scope and roles.
#[tokio::test]
async fn scope_and_roles_must_both_include_the_action() {
    let server = Server::start().await;
    let target = "/api/v1/users/nobody";

    let none = Caller::client(&server, &[], "users:read").await;
    problem(&none.get(&server, target).await, 403, "access_denied");
    let narrow = Caller::client(&server, &[Role::Owner], "clients:sensitive").await;
    let response = narrow.get(&server, target).await;
    problem(&response, 403, "insufficient_scope");
    let challenge = response.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
}

/// THREATS AD-14: with the next request, whatever the token says.
#[tokio::test]
async fn a_demotion_counts_at_once() {
    let server = Server::start().await;
    let caller = Caller::client(&server, &[Role::Auditor], "users:read").await;
    let target = "/api/v1/users/nobody";
    problem(&caller.get(&server, target).await, 404, "not_found");

    let trace = server.trace();
    let context = server.app().context(&trace);
    assert!(roles::revoke(&context, &caller.holder, Role::Auditor).await.unwrap());

    problem(&caller.get(&server, target).await, 403, "access_denied");
}

/// The resource exists without anybody's doing, with a scope for each area and level, and stays as it is.
#[tokio::test]
async fn the_api_is_a_resource_that_cannot_be_changed() {
    let server = Server::start().await;
    let known = server.app().cache.resources().await.unwrap();
    let id = ResourceId::from_text(api());
    let resource = known.get(&id).unwrap();
    assert_eq!(resource.scopes.len(), 27);
    let sensitive = resource.scopes.iter().filter(|scope| scope.sensitive).count();
    assert_eq!(sensitive, 18);
    for scope in &resource.scopes {
        for language in ["de", "fr", "es"] {
            assert_ne!(scope.text_in(language), scope.text, "{} {language}", scope.name);
        }
    }

    let (app, trace) = (server.app(), server.trace());
    let issuer = &app.config.issuer;
    assert!(resources::update(&app.store, issuer, resource, &trace).await.is_err());
    assert!(resources::delete(&app.store, issuer, &id, &trace).await.is_err());
    let server = server.restart().await;
    assert_eq!(server.app().cache.resources().await.unwrap()[&id].scopes.len(), 27);
}

/// RFC 8705 §3: a token that is bound to a certificate is accepted with it and no other, and is sender-constrained.
#[tokio::test]
async fn a_certificate_bound_token_needs_its_certificate() {
    let (server, ca) = server_behind_proxy().await;
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=Pipeline,O=Example",
            "tls_client_certificate_bound_access_tokens": true,
            "scope": "users:sensitive",
            "gw_default_audience": [api()],
        }))
        .await;
    let holder = Holder::Client(ClientId::from_text(&client.id));
    grant(&server, &holder, &[Role::Owner]).await;
    let (own, other) = (ca.issue("Pipeline", |_| {}), ca.issue("Pipeline", |_| {}));
    let form = format!("grant_type=client_credentials&client_id={}", client.id);
    let request = server.request("POST", "/token").form(&form).client_cert(&own);
    let token = request.send().await.ok().token("access_token");

    let request = || server.request("DELETE", "/api/v1/users/nobody").bearer(&token);
    problem(&request().client_cert(&own).send().await, 404, "not_found");
    problem(&request().client_cert(&other).send().await, 401, "invalid_token");
    problem(&request().send().await, 401, "invalid_token");
}

/// An opaque token is accepted like a JWT, and not after it was revoked.
#[tokio::test]
async fn an_opaque_token_is_accepted_until_it_is_revoked() {
    let server = Server::start().await;
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "scope": "users:read",
            "gw_default_audience": [api()],
            "gw_access_token_format": "opaque",
        }))
        .await;
    let holder = Holder::Client(ClientId::from_text(&client.id));
    grant(&server, &holder, &[Role::Auditor]).await;
    let token = server.client_credentials_token(&client).await;
    let request = || server.request("GET", "/api/v1/users").bearer(&token);
    request().send().await.ok();

    server.post_as(&client, "/revoke", &format!("token={token}")).await.ok();

    problem(&request().send().await, 401, "invalid_token");
}
