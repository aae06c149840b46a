//! Accounts that are changed or deleted while tokens for them are valid.

use kit::browser::Browser;
use kit::server::{PASSWORD, Server};

/// Userinfo follows the account under the same `sub`; the old name no longer signs in.
#[tokio::test]
async fn a_renamed_account_keeps_its_subject() {
    let server = Server::start().await;
    let user = server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let page = browser.authorize("ada", &client, "openid profile offline_access", "").await;
    let tokens = server.redeem(&client, &page.parameter("code")).await.ok();
    let before = server.userinfo(&tokens.token("access_token")).await.ok();

    server.rename_user(&user, "countess").await;

    let after = server.userinfo(&tokens.token("access_token")).await.ok();
    assert_eq!(before.body["preferred_username"], "ada");
    assert_eq!(after.body["preferred_username"], "countess");
    assert_eq!(before.body["sub"], after.body["sub"]);
    server.refresh(&client, &tokens.token("refresh_token"), "").await.ok();
    let login = Browser::new(&server).open("/login").await;
    assert_eq!(login.response.status, 200);
    let mut other = Browser::new(&server);
    let login = other.open("/login").await;
    let old = other.submit(&login, &[("identifier", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(old.response.status, 422);
    other.sign_in("countess").await.assert_page("/account");
}

/// Everything that was granted is revoked with the account, at once. Its names become available, its
/// subject does not.
#[tokio::test]
async fn deleting_an_account_revokes_everything() {
    let server = Server::start().await;
    let user = server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let scope = "openid offline_access";
    let page = browser.authorize("ada", &client, scope, "").await;
    let tokens = server.redeem(&client, &page.parameter("code")).await.ok();
    let unredeemed = browser.authorize("ada", &client, scope, "").await.parameter("code");
    let (access, refresh) = (tokens.token("access_token"), tokens.token("refresh_token"));
    let subject = server.userinfo(&access).await.ok().body["sub"].clone();

    server.delete_user(&user).await;

    assert_eq!(server.userinfo(&access).await.status, 401);
    assert!(!server.is_active(&client, &access).await);
    assert!(!server.is_active(&client, &refresh).await);
    server.refresh(&client, &refresh, "").await.refused(400, "invalid_grant");
    server.redeem(&client, &unredeemed).await.refused(400, "invalid_grant");
    browser.open("/account").await.assert_page("/login");
    let events = server.audit_events("user.deleted").await;
    assert_eq!(events[0].user_id.as_deref(), Some(user.id.as_str()));
    assert!(events[0].facts.contains("sessions_ended"), "{}", events[0].facts);
    assert!(!events[0].facts.contains("ada"));

    server.user("ada").await;
    let page = Browser::new(&server).authorize("ada", &client, scope, "").await;
    let tokens = server.redeem(&client, &page.parameter("code")).await.ok();
    let another = server.userinfo(&tokens.token("access_token")).await.ok();
    assert_ne!(another.body["sub"], subject);
    assert!(!server.is_active(&client, &refresh).await);
}

/// THREATS X-05: whichever comes first, no token is valid afterwards, and the race causes no server
/// error.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_races_with_a_redemption_leaves_no_valid_token() {
    let server = Server::start().await;
    let client = server.web_app().await;
    for number in 0..8 {
        let name = format!("ada{number}");
        let user = server.user(&name).await;
        let mut browser = Browser::new(&server);
        let page = browser.authorize(&name, &client, "openid offline_access", "").await;
        let redeeming =
            tokio::spawn(server.redeem_request(&client, &page.parameter("code")).send());

        server.delete_user(&user).await;

        let response = redeeming.await.unwrap();
        assert!([200, 400].contains(&response.status), "{response:?}");
        if response.status == 200 {
            let refresh = response.token("refresh_token");
            server.refresh(&client, &refresh, "").await.refused(400, "invalid_grant");
        }
    }
}
