//! RFC 7662, Token Introspection.

use gatewright::jose::base64url;
use serde_json::{Value, json};

use kit::application::AuthorizationRequest;
use kit::browser::Browser;
use kit::server::{Client, ISSUER, START_TIME, Server};

async fn introspect(server: &Server, caller: &Client, token: &str) -> Value {
    server.post_as(caller, "/introspect", &format!("token={token}")).await.ok().body
}

/// A client whose tokens are opaque.
async fn register_opaque_client(server: &Server) -> Client {
    server
        .register(json!({
            "grant_types": ["client_credentials"],
            "scope": "read",
            "gw_access_token_format": "opaque",
        }))
        .await
}

/// > active REQUIRED. Boolean indicator of whether or not the presented token is currently active.
/// > (§2.2)
#[tokio::test]
async fn a_valid_token_is_described_to_the_client_it_was_issued_to() {
    let server = Server::start().await;
    for client in [server.service().await, register_opaque_client(&server).await] {
        let token = server.client_credentials_token(&client).await;

        let introspected = introspect(&server, &client, &token).await;

        assert_eq!(introspected["active"], true);
        assert_eq!(introspected["client_id"], json!(client.id));
        assert_eq!(introspected["sub"], json!(client.id));
        assert_eq!(introspected["token_type"], "Bearer");
        assert_eq!(introspected["exp"], START_TIME + 300);
        assert_eq!(introspected["iat"], START_TIME);
        assert_eq!(introspected["iss"], ISSUER);
        assert_eq!(introspected["aud"], ISSUER);
        assert!(introspected["jti"].is_string() && introspected["scope"].is_string());
    }
}

/// A verified token skips signature verification the next time; this applies to the identical token
/// only.
#[tokio::test]
async fn only_an_identical_token_skips_signature_verification() {
    let server = Server::start().await;
    let client = server.service().await;
    let (one, other) = (
        server.client_credentials_token(&client).await,
        server.client_credentials_token(&client).await,
    );
    let (signed, signature) = one.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let (others, foreign) = other.rsplit_once('.').unwrap();
    let unsigned = base64url::encode(br#"{"alg":"none","typ":"at+jwt"}"#);

    for _ in 0..2 {
        for token in [&one, &other] {
            assert_eq!(introspect(&server, &client, token).await["active"], true);
        }
        for forged in [
            format!("{signed}.{foreign}"),
            format!("{others}.{signature}"),
            format!("{unsigned}.{payload}."),
            format!("{unsigned}.{payload}.{signature}"),
            format!("{header}.{payload}."),
        ] {
            let introspected = introspect(&server, &client, &forged).await;
            assert_eq!(introspected, json!({ "active": false }), "{forged}");
        }
    }
}

/// > If the introspection call is properly authorized but the token is not active, does not exist on
/// > this server, or the protected resource is not allowed to introspect this particular token, then the
/// > authorization server MUST return an introspection response with the "active" field set to "false".
/// > […] the authorization server SHOULD NOT include any additional information (§2.2); THREATS JO-17
#[tokio::test]
async fn invalid_expired_and_other_clients_tokens_are_inactive() {
    let server = Server::start().await;
    let (owner, other_client) = (server.service().await, server.service().await);
    let opaque = register_opaque_client(&server).await;
    let (token, opaque_token) = (
        server.client_credentials_token(&owner).await,
        server.client_credentials_token(&opaque).await,
    );
    let inactive = json!({ "active": false });

    assert_eq!(introspect(&server, &other_client, &token).await, inactive, "issued to another");
    assert_eq!(
        introspect(&server, &other_client, &opaque_token).await,
        inactive,
        "issued to another"
    );
    for junk in ["x", "gw_at_x", "gw_rt_x", "a.b.c", &owner.secret, &format!("{token}A")] {
        assert_eq!(introspect(&server, &owner, junk).await, inactive, "{junk}");
    }
    server.advance_clock(300);
    assert_eq!(introspect(&server, &owner, &token).await, inactive, "expired");
    assert_eq!(introspect(&server, &opaque, &opaque_token).await, inactive, "expired");
}

/// THREATS JO-24: every changed byte.
#[tokio::test]
async fn a_changed_opaque_token_is_inactive() {
    let server = Server::start().await;
    let client = register_opaque_client(&server).await;
    let token = server.client_credentials_token(&client).await;

    for at in 0..token.len() {
        let flipped = if &token[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{flipped}{}", &token[..at], &token[at + 1..]);
        assert_eq!(introspect(&server, &client, &changed).await["active"], false, "byte {at}");
    }
    assert_eq!(introspect(&server, &client, &token).await["active"], true);
}

/// DESIGN §3: an API may introspect tokens that have its resource as audience.
#[tokio::test]
async fn an_api_may_introspect_tokens_for_its_resource() {
    let server = Server::start().await;
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "scope": "read",
            "gw_default_audience": "https://api.example",
        }))
        .await;
    let api = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "gw_resources": ["https://api.example"],
        }))
        .await;
    let token = server.client_credentials_token(&client).await;

    let introspected = introspect(&server, &api, &token).await;

    assert_eq!(
        (&introspected["active"], &introspected["aud"]),
        (&json!(true), &json!("https://api.example"))
    );
    assert_eq!(introspected["client_id"], json!(client.id));
}

/// > To prevent token scanning attacks, the endpoint MUST also require some form of authorization to
/// > access this endpoint (§2.1)
#[tokio::test]
async fn a_public_client_may_not_introspect() {
    let server = Server::start().await;
    let public = server
        .register(json!({
            "token_endpoint_auth_method": "none",
            "redirect_uris": ["https://app.example/cb"],
        }))
        .await;

    let response = server.post("/introspect", &format!("token=x&client_id={}", public.id)).await;

    response.refused(401, "invalid_client");
}

/// > token REQUIRED. (§2.1)
#[tokio::test]
async fn a_request_without_a_token_is_invalid() {
    let server = Server::start().await;
    let client = server.service().await;

    for form in ["token=", "token_type_hint=access_token"] {
        server.post_as(&client, "/introspect", form).await.refused(400, "invalid_request");
    }
}

/// > If the server is unable to locate the token using the given hint, it MUST extend its search across
/// > all of its supported token types. (§2.1)
#[tokio::test]
async fn a_token_is_found_despite_a_wrong_token_type_hint() {
    let server = Server::start().await;
    let client = server.service().await;
    let token = server.client_credentials_token(&client).await;

    let form = format!("token={token}&token_type_hint=refresh_token");
    let introspected = server.post_as(&client, "/introspect", &form).await.ok().body;

    assert_eq!(introspected["active"], true);
}

/// THREATS JO-20: tokens of a disabled client are inactive on every replica.
#[tokio::test]
async fn the_tokens_of_a_disabled_client_are_inactive() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "gw_default_audience": "https://api.example",
        }))
        .await;
    let api = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "gw_resources": ["https://api.example"],
        }))
        .await;
    let token = server.client_credentials_token(&client).await;
    assert_eq!(introspect(&replica, &api, &token).await["active"], true);

    server
        .administer_clients(async |registrar| {
            let id = gatewright::types::ClientId::from_text(&client.id);
            registrar.disable(&id).await.unwrap();
        })
        .await;
    replica.app().confirm().await.unwrap();

    for server in [server, replica] {
        assert_eq!(introspect(&server, &api, &token).await, json!({ "active": false }));
    }
}

/// > username OPTIONAL. Human-readable identifier for the resource owner who authorized this token. (§2.2)
///
/// The username is included if the user consented to it, through a scope or the claims parameter, and
/// not otherwise: neither for the client nor for an API in the audience. THREATS EX-18
#[tokio::test]
async fn the_username_is_included_only_with_the_consent_of_the_user() {
    let server = Server::start().await;
    server.user("ada").await;
    let api = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "gw_resources": ["https://api.example"],
        }))
        .await;
    let claims_parameter = json!({ "userinfo": { "preferred_username": null } }).to_string();
    let for_id_token = json!({ "id_token": { "preferred_username": null } }).to_string();
    for format in ["jwt", "opaque"] {
        let client = server
            .register(json!({
                "redirect_uris": [Client::REDIRECT_URI],
                "scope": "openid profile email",
                "gw_default_audience": "https://api.example",
                "gw_access_token_format": format,
            }))
            .await;
        for (scope, claims, name) in [
            ("openid", "", Value::Null),
            ("openid email", "", Value::Null),
            ("openid", for_id_token.as_str(), Value::Null),
            ("openid profile", "", json!("ada")),
            ("openid", claims_parameter.as_str(), json!("ada")),
        ] {
            let mut request = AuthorizationRequest::new(&client).with("scope", scope);
            if !claims.is_empty() {
                request = request.with("claims", claims);
            }
            let code = Browser::new(&server).complete_authorization(&request, "ada").await.code();
            let token = server.redeem(&client, &code).await.ok().token("access_token");

            for caller in [&client, &api] {
                let introspected = introspect(&server, caller, &token).await;
                assert_eq!(introspected["active"], true);
                assert_eq!(introspected["username"], name, "{format} {scope} {claims}");
                for private in ["sid", "email", "name", "preferred_username"] {
                    assert_eq!(introspected.get(private), None, "{private}");
                }
            }
        }
    }
}

/// RFC 6749 §6: a token with a narrower scope reveals less. THREATS EX-18
#[tokio::test]
async fn a_token_without_the_profile_scope_has_no_username() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let tokens = server.obtain_tokens("ada", &client, "openid profile").await;
    let refresh = tokens.token("refresh_token");
    let narrow = server.refresh(&client, &refresh, "&scope=openid").await.ok();

    let wide = introspect(&server, &client, &tokens.token("access_token")).await;
    let narrow = introspect(&server, &client, &narrow.token("access_token")).await;

    assert_eq!(wide["username"], "ada");
    assert_eq!(narrow.get("username"), None);
}
