//! Users and clients that are deleted while requests for them are running. Those requests are refused,
//! and the log reports no error.

use gatewright::types::ClientId;
use serde_json::{Value, json};
use tokio::join;

use kit::browser::{Browser, authorize_target};
use kit::log::CapturedLog;
use kit::server::{Client, Server};

const SCOPE: &str = "openid offline_access";

/// Deletes a client like a command in another process; the server has not reloaded its clients yet.
async fn delete_unnoticed(server: &Server, client: &Client) {
    let id = ClientId::from_text(&client.id);
    server
        .administer_clients_without_reload(async move |registrar| {
            registrar.delete(&id).await.unwrap()
        })
        .await;
}

#[track_caller]
fn assert_no_errors_logged(log: &CapturedLog) {
    let log = log.text();
    let bad: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["level"] == "ERROR" || line["message"] == "failed")
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// DESIGN §2: the statement that issues a token checks that the client exists. A client that another
/// process has just deleted is refused, and the log reports no error.
#[tokio::test]
async fn a_deleted_client_is_issued_no_opaque_token() {
    let (log, _guard) = CapturedLog::json();
    let server = Server::start().await;
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "scope": "read",
            "gw_access_token_format": "opaque",
        }))
        .await;
    server.client_credentials_token(&client).await;
    delete_unnoticed(&server, &client).await;

    let response = server.post_as(&client, "/token", "grant_type=client_credentials").await;

    response.refused(401, "invalid_client");
    assert_no_errors_logged(&log);
}

/// A user and a client send all kinds of requests at once, and one of the two is deleted after a
/// moment.
async fn delete_during_requests(
    log: &CapturedLog,
    server: &Server,
    name: &str,
    moment: usize,
    is_client: bool,
) {
    let user = server.user(name).await;
    let members = json!({ "scope": SCOPE, "gw_access_token_format": "opaque" });
    let client = server.web_app_with(members.clone()).await;
    let mut browser = Browser::new(server);
    let code = browser.authorize(name, &client, SCOPE, "").await.parameter("code");
    let tokens = server.obtain_tokens(name, &client, SCOPE).await;
    let (access, refresh) = (tokens.token("access_token"), tokens.token("refresh_token"));
    let mut new = Browser::new(server);
    let target = authorize_target(&client, SCOPE);
    // The user has not consented to this client yet.
    let other = server.web_app_with(members).await;
    let mut deciding = Browser::new(server);
    let login = deciding.open(&authorize_target(&other, SCOPE)).await;
    let consent = deciding.submit_credentials(&login, name).await;
    consent.assert_page("/consent");
    let mut signing_in = Browser::new(server);
    let login = signing_in.open("/login").await;
    let form = format!("token={access}");
    let delete = async {
        for _ in 0..moment {
            tokio::task::yield_now().await;
        }
        if is_client {
            join!(delete_unnoticed(server, &client), delete_unnoticed(server, &other));
        } else {
            server.delete_user(&user).await;
        }
    };

    let (redeemed, refreshed, userinfo, introspected, silent, started, decided, signed_in, ()) = join!(
        server.redeem(&client, &code),
        server.refresh(&client, &refresh, ""),
        server.userinfo(&access),
        server.post_as(&client, "/introspect", &form),
        browser.open(&target),
        new.open(&target),
        deciding.submit(&consent, &[("answer", "allow")]),
        signing_in.submit_credentials(&login, name),
        delete,
    );

    assert_no_errors_logged(log);
    let pages = [&silent, &started, &decided, &signed_in].map(|page| &page.response);
    for response in [&redeemed, &refreshed, &userinfo, &introspected].into_iter().chain(pages) {
        // 503: a retry gets the final response.
        assert!(response.status < 500 || response.status == 503, "{name}: {}", response.status);
    }
}

#[tokio::test]
async fn deleting_users_and_clients_in_use_causes_no_server_errors() {
    let (log, _guard) = CapturedLog::json();
    let server = Server::start().await;
    for round in 0..12 {
        for is_client in [false, true] {
            delete_during_requests(
                &log,
                &server,
                &format!("ada-{round}-{is_client}"),
                round * 5,
                is_client,
            )
            .await;
        }
    }
}
