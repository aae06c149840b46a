//! OpenID Connect Core 1.0 §3.1.2, §5.5 and §11: what a client may request about the authentication.
//! THREATS AZ-17 to AZ-20, AZ-25.

use serde_json::{Value, json};

use kit::application::{AuthorizationRequest, id_token_claims};
use kit::browser::{Browser, Page};
use kit::server::{Client, START_TIME, Server};

/// A server with two users and a client.
async fn server_with_client() -> (Server, Client) {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    let client = server.web_app().await;
    (server, client)
}

/// The ID token that a code is redeemed for, and its claims.
async fn redeem_id_token(server: &Server, client: &Client, code: &str) -> (String, Value) {
    let response = server.redeem(client, code).await.ok();
    (response.token("id_token"), id_token_claims(server, &response).await)
}

/// > none: The Authorization Server MUST NOT display any authentication or consent user interface pages.
/// > An error is returned if an End-User is not already Authenticated or the Client does not have
/// > pre-configured consent (§3.1.2.1); THREATS AZ-17
#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let (server, client) = server_with_client().await;
    let silent = AuthorizationRequest::new(&client).with("prompt", "none");
    let mut browser = Browser::new(&server);
    browser.start_authorization(&silent).await.refused("login_required");
    assert!(browser.cookies.is_empty(), "no state is stored: {:?}", browser.cookies);
    browser.sign_in("ada").await;
    browser.start_authorization(&silent).await.refused("consent_required");

    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();

    browser.start_authorization(&silent).await.code();
    browser
        .start_authorization(&silent.clone().with("scope", "openid email"))
        .await
        .refused("consent_required");
    server.advance_clock(100);
    browser
        .start_authorization(&silent.clone().with("max_age", "99"))
        .await
        .refused("login_required");
    browser.start_authorization(&silent.clone().with("max_age", "100")).await.code();
    let acr = json!({"id_token": {"acr": {"essential": true, "values": ["mfa"]}}});
    let acr = silent.with("claims", &acr.to_string());
    browser.start_authorization(&acr).await.refused("unmet_authentication_requirements");
}

/// DESIGN §8: a request that is answered with a code counts as activity of the session.
#[tokio::test]
async fn silent_requests_keep_a_session_active() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    let silent = AuthorizationRequest::new(&client).with("prompt", "none");

    for _ in 0..3 {
        server.advance_clock(29 * 60);
        browser.start_authorization(&silent).await.code();
    }
    server.advance_clock(30 * 60);

    browser.start_authorization(&silent).await.refused("login_required");
}

/// > If this parameter contains none with any other value, an error is returned. (§3.1.2.1); THREATS
/// > AZ-18
#[tokio::test]
async fn an_invalid_prompt_is_refused() {
    let (server, client) = server_with_client().await;

    for prompt in
        ["none login", "login none", "none none", "login login", "create", "Login", "login,consent"]
    {
        let page = AuthorizationRequest::new(&client)
            .with("prompt", prompt)
            .open_in_new_browser(&server)
            .await;
        page.refused("invalid_request");
    }
}

/// > login: The Authorization Server SHOULD prompt the End-User for reauthentication. (§3.1.2.1)
#[tokio::test]
async fn prompt_login_requires_reauthentication() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    server.advance_clock(10);
    let again = AuthorizationRequest::new(&client).with("prompt", "login");

    let login = browser.start_authorization(&again).await;
    login.assert_page("/login");
    browser.open(&login.url).await.assert_page("/login");
    browser.open(&login.url.replace("/login", "/consent")).await.assert_page("/login");
    let code = browser.submit_credentials(&login, "ada").await.code();

    let (_, claims) = redeem_id_token(&server, &client, &code).await;
    assert_eq!(claims["auth_time"], START_TIME + 10);
    browser.start_authorization(&again).await.assert_page("/login");
}

/// The confirmation page names the user of the session, asks for the password only, and allows another
/// account.
#[tokio::test]
async fn the_confirmation_page_names_the_user_of_the_session() {
    let (server, client) = server_with_client().await;
    let request = AuthorizationRequest::new(&client);
    let mut browser = Browser::new(&server);
    assert!(
        !browser
            .start_authorization(&request)
            .await
            .response
            .text
            .contains("Confirm that it is you")
    );
    browser.complete_authorization(&request, "ada").await.code();
    let is_confirmation = |page: &Page| {
        let text = &page.assert_page("/login").response.text;
        let fixed = "name=\"identifier\" value=\"ada\" autocomplete=\"username\" readonly";
        let requests = text.contains("<h1>Confirm that it is you</h1>");
        assert_eq!(requests, text.contains(fixed), "{text}");
        assert_eq!(requests, text.contains("<bdi>ada</bdi>"), "{text}");
        assert_eq!(requests, !text.contains("id=\"identifier\""), "{text}");
        requests
    };

    for (name, value) in [("prompt", "login"), ("max_age", "0"), ("max_age", "9")] {
        server.advance_clock(10);
        let page = browser.start_authorization(&request.clone().with(name, value)).await;
        assert!(is_confirmation(&page), "{name}={value}");
        let wrong = [("identifier", "ada"), ("password", "wrong")];
        let again = browser.submit(&page, &wrong).await;
        assert!(is_confirmation(&again));
        assert!(again.response.text.contains("That password did not match. Try again."));
        let other = browser.submit(&again, &[("answer", "other")]).await;
        assert!(!is_confirmation(&other));
        let wrong = browser.submit(&other, &[("identifier", "grace"), ("password", "x")]).await;
        assert!(!is_confirmation(&wrong), "the form stays open for another account");
        assert!(wrong.response.text.contains("value=\"grace\""));
        browser.submit_credentials(&page, "ada").await.code();
    }
    let page = browser.start_authorization(&request.with("prompt", "login")).await;
    let other = browser.submit(&page, &[("answer", "other")]).await;
    let consent = browser.submit_credentials(&other, "grace").await;
    assert!(consent.assert_page("/consent").response.text.contains("<bdi>grace</bdi>"));
}

/// > consent: The Authorization Server SHOULD prompt the End-User for consent before returning
/// > information to the Client. (§3.1.2.1)
#[tokio::test]
async fn prompt_consent_asks_despite_a_stored_consent() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    browser.start_authorization(&AuthorizationRequest::new(&client)).await.code();

    let page = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("prompt", "consent"))
        .await;

    page.assert_page("/consent");
    browser.submit(&page, &[("answer", "allow")]).await.code();
    let both = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("prompt", "consent login"))
        .await;
    let consent = browser.submit_credentials(&both, "ada").await;
    browser.submit(consent.assert_page("/consent"), &[("answer", "allow")]).await.code();
}

/// > select_account: The Authorization Server SHOULD prompt the End-User to select a user account.
/// > (§3.1.2.1)
#[tokio::test]
async fn prompt_select_account_shows_the_account_selection() {
    let (server, client) = server_with_client().await;
    let request = AuthorizationRequest::new(&client).with("prompt", "select_account");
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&request, "ada").await.code();

    let choice = browser.start_authorization(&request).await;
    choice.assert_page("/select-account");
    assert!(choice.response.text.contains("ada"));
    browser.submit(&choice, &[("answer", "continue")]).await.code();

    let choice = browser.start_authorization(&request).await;
    let login = browser.submit(&choice, &[("answer", "other")]).await;
    let consent = browser.submit_credentials(&login, "grace").await;
    assert!(consent.assert_page("/consent").response.text.contains("grace"));

    let choice = browser.start_authorization(&request).await;
    browser.submit(&choice, &[("answer", "cancel")]).await.refused("access_denied");
    browser.submit(&choice, &[("answer", "continue")]).await.response.assert_error_page(400);
}

/// Selecting an account does not authenticate the user.
#[tokio::test]
async fn selecting_an_account_does_not_replace_reauthentication() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    server.advance_clock(10);
    let request = AuthorizationRequest::new(&client).with("prompt", "select_account login");

    browser.start_authorization(&request).await.assert_page("/login");
    let choice = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("prompt", "select_account"))
        .await;
    browser.submit(&choice, &[("answer", "continue")]).await.code();

    browser.start_authorization(&request).await.assert_page("/login");
}

/// > If the elapsed time is greater than this value, the OP MUST attempt to actively re-authenticate the
/// > End-User. […] When max_age is used, the ID Token returned MUST include an auth_time Claim Value.
/// > (§3.1.2.1); THREATS AZ-19, DO-18
#[tokio::test]
async fn max_age_requires_a_recent_authentication() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    let request_with_max_age = |age: &str| AuthorizationRequest::new(&client).with("max_age", age);
    let fresh = browser.start_authorization(&request_with_max_age("0")).await;
    browser.submit_credentials(&fresh, "ada").await.code();

    server.advance_clock(61);

    browser.start_authorization(&request_with_max_age("61")).await.code();
    let login = browser.start_authorization(&request_with_max_age("60")).await;
    let code = browser.submit_credentials(login.assert_page("/login"), "ada").await.code();
    let (_, claims) = redeem_id_token(&server, &client, &code).await;
    assert_eq!(claims["auth_time"], START_TIME + 61);
    for wrong in ["-1", "+1", "1e9", "1.5", "x", "0x10", "99999999999999999999", " 1", "\u{664}"] {
        browser.start_authorization(&request_with_max_age(wrong)).await.refused("invalid_request");
    }
    browser.start_authorization(&request_with_max_age("9223372036854775807")).await.code();
}

/// OIDC Registration §2: `default_max_age`; "The max_age request parameter overrides this default value."
#[tokio::test]
async fn default_max_age_applies_unless_the_request_overrides_it() {
    let server = Server::start().await;
    server.user("ada").await;
    let uris = [Client::REDIRECT_URI];
    let client = server.register(json!({"redirect_uris": uris, "default_max_age": 60})).await;
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();

    server.advance_clock(61);

    browser.start_authorization(&AuthorizationRequest::new(&client)).await.assert_page("/login");
    browser
        .start_authorization(&AuthorizationRequest::new(&client).with("max_age", "100"))
        .await
        .code();
}

/// > If the End-User identified by the ID Token is already logged in or is logged in as a result of the
/// > request […], then the Authorization Server returns a positive response; otherwise, it MUST return
/// > an error, such as login_required. (§3.1.2.1); THREATS AZ-20
#[tokio::test]
async fn an_id_token_hint_requires_its_user() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    let code =
        browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    let (ada, _) = redeem_id_token(&server, &client, &code).await;
    let hinted = AuthorizationRequest::new(&client).with("id_token_hint", &ada);
    let silent = hinted.clone().with("prompt", "none");
    browser.start_authorization(&silent).await.code();
    server.advance_clock(86_400);
    browser.start_authorization(&silent).await.refused("login_required");
    let mut other = Browser::new(&server);
    other.complete_authorization(&AuthorizationRequest::new(&client), "grace").await.code();

    other.start_authorization(&silent).await.refused("login_required");
    let login = other.start_authorization(&hinted).await;
    other.submit_credentials(login.assert_page("/login"), "grace").await.refused("login_required");
    let login = other.start_authorization(&hinted).await;
    other.submit_credentials(&login, "ada").await.code();
}

/// THREATS AZ-20, M5, JO-01, JO-07: a hint is an ID token issued by this server to this client, and
/// nothing else.
#[tokio::test]
async fn a_hint_that_is_not_a_valid_id_token_for_the_client_is_refused() {
    let server = Server::start().await;
    server.user("ada").await;
    let signed = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "userinfo_signed_response_alg": "RS256",
        }))
        .await;
    let other = server.web_app().await;
    let tokens = server.obtain_tokens("ada", &signed, "openid").await;
    let id_token = tokens.token("id_token");
    let access = tokens.token("access_token");
    let userinfo = server.request("GET", "/userinfo").bearer(&access).send().await.ok().text;
    let foreign = server.obtain_tokens("ada", &other, "openid").await.token("id_token");
    let parts: Vec<&str> = id_token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{id_token}") };
    let changed = |at: usize, text: &str| {
        let mut text = text.to_owned();
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        text.replace_range(at..=at, other);
        text
    };
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";

    for wrong in [
        "x",
        "x.y.z",
        &access,
        &userinfo,
        &foreign,
        &tokens.token("refresh_token"),
        &format!("{none}.{payload}."),
        &format!("{none}.{payload}.{signature}"),
        &format!("{header}.{payload}."),
        &format!("{header}.{payload}"),
        &format!("{header}.{}.{signature}", changed(20, payload)),
        &format!("{header}.{payload}.{}", changed(3, signature)),
        &format!("{id_token}.{signature}"),
        &format!("{id_token}="),
    ] {
        let request = AuthorizationRequest::new(&signed).with("id_token_hint", wrong);
        request.open_in_new_browser(&server).await.refused("invalid_request");
    }
    AuthorizationRequest::new(&signed)
        .with("id_token_hint", &id_token)
        .open_in_new_browser(&server)
        .await
        .assert_page("/login");
}

/// > sub […] requested […] with a specific value (§5.5.1)
///
/// This has the effect of a hint. Where both are present, they must name the same user.
#[tokio::test]
async fn a_sub_in_the_claims_parameter_requires_its_user() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    let code =
        browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    let (hint, ada) = redeem_id_token(&server, &client, &code).await;
    let sub = ada["sub"].as_str().unwrap();
    let request_with_claims = |claims: Value| {
        let request = AuthorizationRequest::new(&client).with("prompt", "none");
        request.with("claims", &claims.to_string())
    };

    browser
        .start_authorization(&request_with_claims(json!({"id_token": {"sub": {"value": sub}}})))
        .await
        .code();
    for other in [
        json!({"id_token": {"sub": {"value": "another"}}}),
        json!({"userinfo": {"sub": {"value": "another"}}, "id_token": {"sub": null}}),
    ] {
        browser.start_authorization(&request_with_claims(other)).await.refused("login_required");
    }
    for unclear in [
        json!({"id_token": {"sub": {"value": 7}}}),
        json!({"userinfo": {"sub": {"value": sub}}, "id_token": {"sub": {"value": "another"}}}),
    ] {
        browser.start_authorization(&request_with_claims(unclear)).await.refused("invalid_request");
    }
    let both = request_with_claims(json!({"id_token": {"sub": {"value": "another"}}}));
    browser
        .start_authorization(&both.with("id_token_hint", &hint))
        .await
        .refused("invalid_request");
}

/// A client without the user's consent cannot test guesses: right and wrong guesses get the same
/// response, in the `claims` parameter and in a hint that it obtained earlier.
#[tokio::test]
async fn a_client_without_consent_cannot_test_who_the_user_is() {
    let (server, client) = server_with_client().await;
    let (mut ada, mut grace) = (Browser::new(&server), Browser::new(&server));
    let code = ada.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    let (hint, claims) = redeem_id_token(&server, &client, &code).await;
    grace.complete_authorization(&AuthorizationRequest::new(&client), "grace").await.code();
    let sub = claims["sub"].as_str().unwrap();
    // Public subjects are the same for every client, so another client can have it.
    let untrusted = server.web_app().await;
    let guess = json!({"id_token": {"sub": {"value": sub}}}).to_string();
    let guess = AuthorizationRequest::new(&untrusted).with("prompt", "none").with("claims", &guess);
    let hinted =
        AuthorizationRequest::new(&client).with("prompt", "none").with("id_token_hint", &hint);

    let (right, wrong) =
        (ada.start_authorization(&guess).await, grace.start_authorization(&guess).await);
    assert_eq!(right.refused("login_required").url, wrong.refused("login_required").url);
    ada.submit_on_account_page("/account/applications/withdraw", &[("client_id", &client.id)])
        .await;
    grace
        .submit_on_account_page("/account/applications/withdraw", &[("client_id", &client.id)])
        .await;
    let (right, wrong) =
        (ada.start_authorization(&hinted).await, grace.start_authorization(&hinted).await);
    assert_eq!(right.refused("login_required").url, wrong.refused("login_required").url);
    ada.complete_authorization(&AuthorizationRequest::new(&untrusted), "ada").await.code();
    ada.start_authorization(&guess).await.code();
}

/// > If this is an Essential Claim and the requirement cannot be met, then the Authorization Server MUST
/// > treat that outcome as a failed authentication attempt. (§5.5.1.1); THREATS AZ-25
#[tokio::test]
async fn an_unsupported_essential_acr_is_refused_before_sign_in() {
    let (server, client) = server_with_client().await;
    let authorize = async |acr: Value| {
        let claims = json!({"id_token": {"acr": acr}}).to_string();
        AuthorizationRequest::new(&client)
            .with("claims", &claims)
            .open_in_new_browser(&server)
            .await
    };

    for unmet in [
        json!({"essential": true, "values": ["mfa", "phr"]}),
        json!({"essential": true, "value": "mfa"}),
        json!({"essential": true, "values": []}),
        json!({"essential": true, "values": [7]}),
    ] {
        authorize(unmet).await.refused("unmet_authentication_requirements");
    }
    for met in [
        json!({"essential": true, "values": ["mfa", "pwd"]}),
        json!({"essential": true}),
        json!({"values": ["mfa"]}),
        Value::Null,
    ] {
        authorize(met).await.assert_page("/login");
    }
    let voluntary = AuthorizationRequest::new(&client).with("acr_values", "mfa phr");
    voluntary.open_in_new_browser(&server).await.assert_page("/login");
}

/// THREATS AZ-25: JSON of the wrong structure is refused, and unknown members are ignored.
#[tokio::test]
async fn a_malformed_claims_parameter_is_refused() {
    let (server, client) = server_with_client().await;
    let authorize = async |text: &str| {
        AuthorizationRequest::new(&client).with("claims", text).open_in_new_browser(&server).await
    };

    for wrong in [
        "x",
        "[]",
        "null",
        "{",
        "{}{}",
        r#"{"userinfo":[]}"#,
        r#"{"userinfo":"email"}"#,
        r#"{"id_token":{"email":true}}"#,
        r#"{"id_token":{"email":[]}}"#,
        r#"{"id_token":{"email":null,"email":null}}"#,
        r#"{"id_token":{"sub":{"value":"a\u0000"}}}"#,
        &format!("{}1{}", r#"{"userinfo":"#.repeat(40), "}".repeat(40)),
        &"[".repeat(8000),
    ] {
        authorize(wrong).await.refused("invalid_request");
    }
    for right in ["{}", r#"{"userinfo":{"x":{"a":[1,{"b":2}]},"email":{"essential":"?"}},"y":7}"#] {
        authorize(right).await.assert_page("/login");
    }
}

/// > offline_access: […] requests that an OAuth 2.0 Refresh Token be issued that can be used to obtain
/// > an Access Token that grants access […] even when the End-User is not present (not logged in). (§11)
#[tokio::test]
async fn only_offline_access_outlives_the_session() {
    let (server, client) = server_with_client().await;
    let refresh = async |token: &str| {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        server.post_as(&client, "/token", &form).await
    };
    let refresh_token_for = async |scope: &str| {
        let mut browser = Browser::new(&server);
        let page = browser
            .complete_authorization(&AuthorizationRequest::new(&client).with("scope", scope), "ada")
            .await;
        let tokens = server.redeem(&client, &page.code()).await.ok();
        let confirm = browser.open("/logout").await;
        browser.submit(&confirm, &[("answer", "yes")]).await.assert_page("/signed-out");
        tokens.token("refresh_token")
    };

    let (with, without) =
        (refresh_token_for("openid offline_access").await, refresh_token_for("openid").await);

    refresh(&with).await.ok();
    refresh(&without).await.refused(400, "invalid_grant");
}

/// > The Authorization Server MUST ignore the offline_access request unless […] (§11)
///
/// It has no effect for a client that may not refresh.
#[tokio::test]
async fn offline_access_is_ignored_for_a_client_without_refresh_tokens() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid offline_access",
        }))
        .await;

    let response = server.obtain_tokens("ada", &client, "openid offline_access").await;

    assert_eq!(response.body["scope"], "openid");
    assert_eq!(response.body["refresh_token"], Value::Null);
}

/// > login_hint: Hint to the Authorization Server about the login identifier the End-User might use;
/// > ui_locales: End-User's preferred languages […], ordered by preference (§3.1.2.1); THREATS HD-10
#[tokio::test]
async fn login_hint_and_ui_locales_are_only_hints() {
    let (server, client) = server_with_client().await;
    let request = AuthorizationRequest::new(&client)
        .with("login_hint", "\"><b>ada")
        .with("ui_locales", "xx fr de");
    let mut browser = Browser::new(&server);

    let login = browser.start_authorization(&request).await;

    assert!(login.response.text.contains("value=\"&#34;&#62;&#60;b&#62;ada\""), "{login:?}");
    assert!(login.response.text.contains("<html lang=\"fr\""));
    let consent = browser.submit_credentials(&login, "grace").await;
    assert!(consent.assert_page("/consent").response.text.contains("<html lang=\"fr\""));
    for odd in ["", "x", "../../etc", "<script>", &"de ".repeat(2000)] {
        let request = AuthorizationRequest::new(&client).with("ui_locales", odd);
        request.open_in_new_browser(&server).await.assert_page("/login");
    }
}
