//! OpenID Connect RP-Initiated Logout 1.0; THREATS 1.R, LO-01 to LO-04.

use gatewright::store::sql;
use gatewright::types::Algorithm;
use serde_json::json;

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, Page};
use kit::http::Response;
use kit::jwt::{JwtSigner, unverified_claims};
use kit::server::{Client, Server};

const POST_LOGOUT_URI: &str = "https://app.example/bye";

async fn server_with_client() -> (Server, Client) {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    let client = server
        .register(json!({
            "client_name": "Photos",
            "redirect_uris": [Client::REDIRECT_URI],
            "post_logout_redirect_uris": [POST_LOGOUT_URI, "https://app.example/bye?from=us"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid offline_access",
        }))
        .await;
    (server, client)
}

/// Authenticates the user at the client, and returns the ID token.
async fn sign_in_at_client(
    browser: &mut Browser<'_>,
    server: &Server,
    client: &Client,
    username: &str,
) -> String {
    let code =
        browser.complete_authorization(&AuthorizationRequest::new(client), username).await.code();
    server.redeem(client, &code).await.ok().token("id_token")
}

fn logout_target(parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/logout?{query}")
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.open("/account").await.url == "/account"
}

/// > If included in the logout request, the OP passes this value back to the RP using the state parameter
/// > when redirecting the User Agent back to the RP. (§2)
#[tokio::test]
async fn a_client_with_a_hint_signs_out_its_user_and_gets_the_redirect() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    let hint = sign_in_at_client(&mut browser, &server, &client, "ada").await;
    let cookie = browser.cookie();

    let target = logout_target(&[
        ("id_token_hint", &hint),
        ("post_logout_redirect_uri", POST_LOGOUT_URI),
        ("state", "a b&c"),
    ]);
    let page = browser.open(&target).await;

    assert_eq!(page.url, format!("{POST_LOGOUT_URI}?state=a+b%26c"));
    assert_eq!(page.response.header("clear-site-data"), "\"cache\"", "THREATS UI-20");
    assert!(!is_signed_in(&mut browser).await);
    let replayed = server.request("GET", "/account").header("cookie", &cookie).send().await;
    assert!(replayed.header("location").contains("/login"), "THREATS LO-04: {replayed:?}");
    let query = logout_target(&[
        ("client_id", &client.id),
        ("post_logout_redirect_uri", "https://app.example/bye?from=us"),
        ("state", "s"),
    ]);
    assert_eq!(browser.open(&query).await.url, "https://app.example/bye?from=us&state=s");
}

/// > OpenID Providers MUST support the use of the HTTP GET and POST methods (§2)
#[tokio::test]
async fn logout_may_be_requested_by_post() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    let hint = sign_in_at_client(&mut browser, &server, &client, "ada").await;
    let form =
        logout_target(&[("id_token_hint", &hint), ("post_logout_redirect_uri", POST_LOGOUT_URI)]);

    let page = browser.post_cross_site("/logout", &form["/logout?".len()..]).await;

    assert_eq!(page.url, POST_LOGOUT_URI);
    assert!(!is_signed_in(&mut browser).await);
}

/// > the OP MUST ask the End-User this question if an id_token_hint was not provided or if the supplied
/// > ID Token does not belong to the current OP session with the RP and/or currently logged in End-User
/// > (§2); THREATS LO-01
#[tokio::test]
async fn logout_without_a_matching_hint_asks_for_confirmation() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    let old = sign_in_at_client(&mut browser, &server, &client, "ada").await;
    let confirm = browser.open("/logout").await;
    browser.submit(&confirm, &[("answer", "yes")]).await.assert_page("/signed-out");
    sign_in_at_client(&mut browser, &server, &client, "ada").await;
    let grace = sign_in_at_client(&mut Browser::new(&server), &server, &client, "grace").await;

    for parameters in [
        &[][..],
        &[("client_id", client.id.as_str()), ("post_logout_redirect_uri", POST_LOGOUT_URI)],
        &[("id_token_hint", old.as_str()), ("post_logout_redirect_uri", POST_LOGOUT_URI)],
        &[("id_token_hint", grace.as_str())],
        &[("logout_hint", "ada")],
    ] {
        let page = browser.open(&logout_target(parameters)).await;
        page.assert_page("/logout/confirm");
        assert!(page.response.text.contains("ada"), "the page names the user of the session");
        browser.submit(&page, &[("answer", "no")]).await.assert_page("/account");
        assert!(is_signed_in(&mut browser).await, "{parameters:?}");
    }

    let page = browser
        .open(&logout_target(&[
            ("id_token_hint", &old),
            ("post_logout_redirect_uri", POST_LOGOUT_URI),
            ("state", "s"),
        ]))
        .await;
    let signed_out = browser.submit(&page, &[("answer", "yes")]).await;
    assert_eq!(signed_out.url, format!("{POST_LOGOUT_URI}?state=s"));
    assert!(!is_signed_in(&mut browser).await);
}

/// THREATS LO-01: a request that is embedded in another site's page has no cookie, and deletes none.
#[tokio::test]
async fn a_cross_site_request_without_cookies_deletes_no_cookie() {
    let (server, client) = server_with_client().await;
    let uri =
        logout_target(&[("client_id", &client.id), ("post_logout_redirect_uri", POST_LOGOUT_URI)]);

    for target in ["/logout", "/logout/confirm", &uri] {
        let response =
            server.request("GET", target).header("sec-fetch-site", "cross-site").send().await;
        assert_eq!(response.status, 303);
        assert_eq!(response.headers("set-cookie"), [""; 0], "{target}");
    }
}

/// > the OP MUST NOT perform post-logout redirection if the value of the post_logout_redirect_uri
/// > parameter […] does not exactly match one of the previously registered values (§3); THREATS LO-02
#[tokio::test]
async fn an_unregistered_post_logout_redirect_uri_is_refused() {
    let (server, client) = server_with_client().await;
    let other = server.web_app().await;
    let mut browser = Browser::new(&server);
    let hint = sign_in_at_client(&mut browser, &server, &client, "ada").await;

    for wrong in [
        "https://app.example/bye/",
        "https://app.example/BYE",
        "https://app.example/bye?x",
        "https://app.example/bye#x",
        "https://app.example/bye\\",
        "https://app.example/bye/..",
        "https://app.example.evil.example/bye",
        "https://app.example@evil.example/bye",
        "https://app.example:443/bye",
        "http://app.example/bye",
        "//app.example/bye",
        "/account",
        "javascript:alert(1)",
        Client::REDIRECT_URI,
    ] {
        for parameters in [
            &[("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", wrong)][..],
            &[("client_id", client.id.as_str()), ("post_logout_redirect_uri", wrong)],
        ] {
            for page in ["/logout", "/logout/confirm"] {
                let target = logout_target(parameters).replace("/logout", page);
                browser.open(&target).await.response.assert_error_page(400);
            }
        }
    }
    for parameters in [
        &[("post_logout_redirect_uri", POST_LOGOUT_URI)][..],
        &[("client_id", other.id.as_str()), ("post_logout_redirect_uri", POST_LOGOUT_URI)],
        &[("client_id", "unknown"), ("post_logout_redirect_uri", POST_LOGOUT_URI)],
        &[("client_id", other.id.as_str()), ("id_token_hint", &hint)],
    ] {
        browser.open(&logout_target(parameters)).await.response.assert_error_page(400);
    }
    assert!(is_signed_in(&mut browser).await);
}

/// > When an id_token_hint parameter is present, the OP MUST validate that it was the issuer of the ID
/// > Token. (§2); THREATS LO-03: a modified one is an error, an expired one is not.
#[tokio::test]
async fn an_expired_hint_is_accepted_and_a_modified_one_refused() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);
    let hint = sign_in_at_client(&mut browser, &server, &client, "ada").await;
    let (body, signature) = hint.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();

    for wrong in ["x", body, &format!("{body}."), &format!("{body}.{turned}"), &format!("{hint}A")]
    {
        browser
            .open(&logout_target(&[("id_token_hint", wrong)]))
            .await
            .response
            .assert_error_page(400);
    }
    assert!(is_signed_in(&mut browser).await);

    server.advance_clock(1_000);
    let target =
        logout_target(&[("id_token_hint", &hint), ("post_logout_redirect_uri", POST_LOGOUT_URI)]);
    assert_eq!(browser.open(&target).await.url, POST_LOGOUT_URI);
}

/// THREATS LO-04: sign-out ends the session at once on every replica, with every grant that is bound to
/// it.
#[tokio::test]
async fn sign_out_ends_everything_bound_to_the_session_on_every_replica() {
    let (server, client) = server_with_client().await;
    let replica = server.replica().await;
    let mut browser = Browser::new(&server);
    let page = browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await;
    let tokens = server.redeem(&client, &page.code()).await.ok();
    let cookie = browser.cookie();
    let pending = browser.start_authorization(&AuthorizationRequest::new(&client)).await.code();

    let confirm = browser.open("/logout").await;
    browser.submit(&confirm, &[("answer", "yes")]).await.assert_page("/signed-out");

    for server in [&server, &replica] {
        let silent = AuthorizationRequest::new(&client).with("prompt", "none").target();
        let response = server.request("GET", &silent).header("cookie", &cookie).send().await;
        assert!(response.header("location").contains("error=login_required"), "{response:?}");
        let request = server.request("GET", "/userinfo").bearer(&tokens.token("access_token"));
        request.send().await.refused(401, "invalid_token");
        let refresh =
            format!("grant_type=refresh_token&refresh_token={}", tokens.token("refresh_token"));
        server.post_as(&client, "/token", &refresh).await.refused(400, "invalid_grant");
    }
    server.redeem(&client, &pending).await.refused(400, "invalid_grant");
}

/// Without a session the page says that the user is signed out, and a registered redirect is followed.
#[tokio::test]
async fn logout_without_a_session_shows_the_signed_out_page() {
    let (server, client) = server_with_client().await;
    let mut browser = Browser::new(&server);

    let page: Page = browser.open("/logout").await;
    page.assert_page("/signed-out");

    let target =
        logout_target(&[("client_id", &client.id), ("post_logout_redirect_uri", POST_LOGOUT_URI)]);
    assert_eq!(browser.open(&target).await.url, POST_LOGOUT_URI);
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: String,
}

/// The identifiers of all sessions, oldest first.
async fn sessions(server: &Server) -> Vec<String> {
    let all =
        sql("SELECT id FROM sessions ORDER BY created_at, id").fetch_all(server.app().store.db());
    let rows: Vec<Row> = all.await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

/// > Different sid values are used to identify distinct sessions at an OP. (Front-Channel Logout §3)
///
/// A client sees one value for the life of the session, even when keys are replaced. Each client sees
/// another value, so that pairwise subjects cannot be linked by it. THREATS EX-18
#[tokio::test]
async fn the_sid_of_a_session_is_stable_and_differs_for_each_client() {
    let (server, client) = server_with_client().await;
    let other = server
        .register(json!({ "redirect_uris": [Client::REDIRECT_URI], "subject_type": "pairwise" }))
        .await;
    let mut browser = Browser::new(&server);
    let sid = |response: &Response| unverified_claims(&response.token("id_token"))["sid"].clone();
    let code =
        browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    let first = server.redeem(&client, &code).await.ok();
    let code =
        browser.complete_authorization(&AuthorizationRequest::new(&other), "ada").await.code();
    let of_other = server.redeem(&other, &code).await.ok();
    let session = sessions(&server).await;

    assert_eq!(session.len(), 1);
    assert_ne!(sid(&first), sid(&of_other));
    for sid_claim in [sid(&first), sid(&of_other)] {
        assert_ne!(sid_claim, session[0].as_str(), "the sid is not the identifier in the database");
        assert_eq!(sid_claim.as_str().unwrap().len(), 43);
    }
    // The user reauthenticates, the keys are replaced, and the server is restarted.
    let again = AuthorizationRequest::new(&client).with("prompt", "login");
    let code = browser.complete_authorization(&again, "ada").await.code();
    assert_eq!(sid(&server.redeem(&client, &code).await.ok()), sid(&first));
    let app = server.app();
    app.keyring.rotate(&app.store, Algorithm::Rs256, true, &server.trace()).await.unwrap();
    app.confirm().await.unwrap();
    let server = server.restart().await;
    let refreshed = server.refresh(&client, &first.token("refresh_token"), "").await.ok();
    assert_eq!(sid(&refreshed), sid(&first));

    // A second sign-in of the same user is another session.
    let code = Browser::new(&server)
        .complete_authorization(&AuthorizationRequest::new(&client), "ada")
        .await
        .code();
    assert_ne!(sid(&server.redeem(&client, &code).await.ok()), sid(&first));
}

/// In `id_token_hint` values from older versions, `sid` is the identifier of the session. They still
/// sign out their own user without a confirmation, and no other user; the `sid` of another client's token
/// does not.
#[tokio::test]
async fn a_hint_with_the_former_kind_of_sid_matches_only_its_session() {
    let (server, client) = server_with_client().await;
    let other = server.web_app().await;
    let mut grace = Browser::new(&server);
    sign_in_at_client(&mut grace, &server, &client, "grace").await;
    let grace = sessions(&server).await.remove(0);
    let mut browser = Browser::new(&server);
    let own_claims =
        unverified_claims(&sign_in_at_client(&mut browser, &server, &client, "ada").await);
    let of_other =
        unverified_claims(&sign_in_at_client(&mut browser, &server, &other, "ada").await);
    let ada = sessions(&server).await.into_iter().find(|id| *id != grace).unwrap();
    let signer = JwtSigner::from_server(&server).await;
    let hint = |sid: &str| {
        let mut claims = own_claims.clone();
        claims["sid"] = sid.into();
        logout_target(&[
            ("id_token_hint", &signer.sign("JWT", &claims)),
            ("post_logout_redirect_uri", POST_LOGOUT_URI),
        ])
    };

    for foreign in [&grace, of_other["sid"].as_str().unwrap(), "x", ""] {
        browser.open(&hint(foreign)).await.assert_page("/logout/confirm");
    }
    assert!(is_signed_in(&mut browser).await);
    assert_eq!(browser.open(&hint(&ada)).await.url, POST_LOGOUT_URI);
    assert!(!is_signed_in(&mut browser).await);
}
