//! RFC 8707, Resource Indicators; THREATS AZ-28, UI-10, UI-11.

use gatewright::flow::clients::resources;
use gatewright::types::{Resource, ResourceId};
use serde_json::json;

use kit::application::{AuthorizationRequest, verify_jwt};
use kit::browser::{Browser, VERIFIER};
use kit::http::Response;
use kit::server::{Client, ISSUER, Server};

const PHOTOS: &str = "https://photos.example/api";
const MAIL: &str = "https://mail.example/";

async fn server_with_client() -> (Server, Client) {
    let server = Server::start().await;
    server.user("ada").await;
    let scopes = |what| json!([{"name": "read", "text": format!("See your {what}")}]);
    for (id, name, what) in [(PHOTOS, "Photos", "pictures"), (MAIL, "Mail", "letters")] {
        let resource = json!({"id": id, "name": name, "scopes": scopes(what)});
        let resource: Resource = serde_json::from_value(resource).unwrap();
        let (app, trace) = (server.app(), server.trace());
        resources::create(&app.store, &app.config.issuer, &resource, &trace).await.unwrap();
        app.confirm().await.unwrap();
    }
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid read",
            "gw_allowed_resources": [PHOTOS, MAIL],
        }))
        .await;
    (server, client)
}

async fn redeem(server: &Server, client: &Client, code: &str, resources: &[&str]) -> Response {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code").append_pair("code", code);
    form.append_pair("redirect_uri", Client::REDIRECT_URI).append_pair("code_verifier", VERIFIER);
    for resource in resources {
        form.append_pair("resource", resource);
    }
    server.post_as(client, "/token", &form.finish()).await
}

async fn audience_of(server: &Server, response: &Response) -> serde_json::Value {
    verify_jwt(server, &response.token("access_token")).await.1["aud"].clone()
}

/// > the authorization server SHOULD audience-restrict issued access tokens to the resource(s) indicated
/// > by the resource parameter (§2)
#[tokio::test]
async fn the_audience_of_a_token_is_the_requested_resources() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    let request = AuthorizationRequest::new(&client).with("scope", "openid read");
    let both = request.clone().append("resource", PHOTOS).append("resource", MAIL);
    let code = browser.complete_authorization(&both, "ada").await.code();
    let all = redeem(&server, &client, &code, &[]).await.ok();
    let code = browser.complete_authorization(&both, "ada").await.code();
    let one = redeem(&server, &client, &code, &[MAIL]).await.ok();
    let code = browser.complete_authorization(&request, "ada").await.code();
    let none = redeem(&server, &client, &code, &[]).await.ok();

    assert_eq!(audience_of(&server, &all).await, json!([PHOTOS, MAIL]));
    assert_eq!(audience_of(&server, &one).await, json!(MAIL));
    assert_eq!(audience_of(&server, &none).await, json!(ISSUER));
    let other = format!("grant_type=refresh_token&refresh_token={}", one.token("refresh_token"));
    let other = server.post_as(&client, "/token", &format!("{other}&resource={PHOTOS}")).await.ok();
    assert_eq!(
        audience_of(&server, &other).await,
        json!(PHOTOS),
        "the grant includes both resources"
    );
}

/// > invalid_target: The requested resource is invalid, missing, unknown, or malformed. (§2); Its value
/// > MUST be an absolute URI […]. The URI MUST NOT include a fragment component. THREATS AZ-28
#[tokio::test]
async fn a_resource_that_the_client_is_not_allowed_is_refused() {
    let (server, client) = server_with_client().await;
    let other_client = server.web_app().await;

    for wrong in [
        "photos",
        "/api",
        "https://photos.example/api#x",
        "https://photos.example/API",
        "https://photos.example/api/",
        "https://unknown.example/",
        "urn:x",
        "javascript:x",
    ] {
        let page = AuthorizationRequest::new(&client)
            .with("resource", wrong)
            .open_in_new_browser(&server)
            .await;
        page.refused("invalid_target");
        let page =
            AuthorizationRequest::new(&client).with("resource", PHOTOS).append("resource", wrong);
        page.open_in_new_browser(&server).await.refused("invalid_target");
    }
    let page = AuthorizationRequest::new(&other_client)
        .with("resource", PHOTOS)
        .open_in_new_browser(&server)
        .await;
    page.refused("invalid_target");
    let many = (0..9).fold(AuthorizationRequest::new(&client), |request, n| {
        request.append("resource", &format!("https://{n}.example/"))
    });
    many.open_in_new_browser(&server).await.refused("invalid_target");
}

/// §2.2: a token request may name a subset of the granted resources, and no others.
#[tokio::test]
async fn a_token_request_cannot_add_resources() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    let request =
        AuthorizationRequest::new(&client).with("scope", "openid read").with("resource", PHOTOS);

    for wrong in [MAIL, ISSUER] {
        let code = browser.complete_authorization(&request, "ada").await.code();
        redeem(&server, &client, &code, &[wrong]).await.refused(400, "invalid_target");
    }
    let code = browser.complete_authorization(&request, "ada").await.code();
    redeem(&server, &client, &code, &["x"]).await.refused(400, "invalid_target");
    redeem(&server, &client, &code, &[PHOTOS]).await.ok();
}

/// M1: a resource that was removed from the client is not granted.
#[tokio::test]
async fn a_resource_removed_from_the_client_before_redemption_is_refused() {
    let (server, client) = server_with_client().await;
    let request = AuthorizationRequest::new(&client).with("resource", PHOTOS);
    let code = Browser::new(&server).complete_authorization(&request, "ada").await.code();
    server.update_client(&client, |metadata| metadata.gw_allowed_resources.clear()).await;

    redeem(&server, &client, &code, &[]).await.refused(400, "invalid_target");
}

/// THREATS UI-10, UI-11: the consent page shows every requested API with its own texts, and consent is
/// stored per API.
#[tokio::test]
async fn consent_covers_only_the_apis_that_were_shown() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;
    let read = AuthorizationRequest::new(&client).with("scope", "openid read");

    let mail = browser.start_authorization(&read.clone().with("resource", MAIL)).await;
    assert!(mail.assert_page("/consent").response.text.contains("See your letters"), "{mail:?}");
    assert!(!mail.response.text.contains("See your pictures"));
    let photos = browser.start_authorization(&read.clone().with("resource", PHOTOS)).await;
    assert!(photos.response.text.contains("See your pictures"), "{photos:?}");
    assert!(!photos.response.text.contains("See your letters"));
    let claims = json!({"id_token": {"birthdate": null}}).to_string();
    let claim = read.clone().with("scope", "read").with("resource", MAIL).with("claims", &claims);
    assert!(
        browser.start_authorization(&claim).await.response.text.contains("date of birth"),
        "claims are shown together with an API"
    );
    let bare = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("resource", PHOTOS))
        .await;
    assert!(
        bare.assert_page("/consent").response.text.contains(PHOTOS),
        "an API without scopes is shown"
    );

    browser.submit(&mail, &[("answer", "allow")]).await.code();
    browser.start_authorization(&read.clone().with("resource", MAIL)).await.code();
    browser.start_authorization(&read.with("resource", PHOTOS)).await.assert_page("/consent");
}

/// THREATS EX-18, UI-11: an API from `gw_default_audience` is shown like a requested one, and another
/// API needs a new consent.
#[tokio::test]
async fn consent_shows_the_api_of_the_default_audience() {
    let (server, _) = server_with_client().await;
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid read",
            "gw_default_audience": [PHOTOS, ISSUER],
        }))
        .await;
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;
    let request = AuthorizationRequest::new(&client).with("scope", "openid read");

    let page = browser.start_authorization(&request).await;
    assert!(page.assert_page("/consent").response.text.contains("See your pictures"), "{page:?}");
    assert!(
        !page.response.text.contains(ISSUER),
        "the issuer stands for userinfo and is not shown"
    );
    browser.submit(&page, &[("answer", "allow")]).await.code();
    let code = browser.start_authorization(&request).await.code();
    let tokens = redeem(&server, &client, &code, &[]).await.ok();
    assert_eq!(audience_of(&server, &tokens).await, json!([PHOTOS, ISSUER]));

    let bare = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("prompt", "consent"))
        .await;
    assert!(
        bare.assert_page("/consent").response.text.contains("Photos"),
        "an API without scopes is shown"
    );

    // The stored consent does not include the other API: a new sign-in asks for it, and the existing
    // grant does not get it.
    server
        .update_client(&client, |metadata| {
            metadata.gw_default_audience = vec![ResourceId::from_text(MAIL)];
        })
        .await;
    let page = browser.start_authorization(&request).await;
    assert!(page.assert_page("/consent").response.text.contains("See your letters"), "{page:?}");
    let refresh = tokens.token("refresh_token");
    server.refresh(&client, &refresh, "").await.refused(400, "invalid_target");
}
