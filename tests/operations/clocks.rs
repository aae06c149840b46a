//! A clock that was ahead and has been corrected: anything issued meanwhile is invalid until its time
//! (decision 0039; THREATS CL-02). One test for each kind.

use gatewright::flow::clients::registration::Registrar;
use gatewright::people::session;
use gatewright::store::outbox::{self, Transport};
use gatewright::store::sign_in_tries::{self, Bucket, Room};
use gatewright::store::{device_cookies, enrolments, sql};
use gatewright::types::{ClientId, Digest, Seconds};
use serde_json::json;

use kit::browser::{Browser, authorize_target};
use kit::http::Response;
use kit::server::{Client, Server};
use kit::wait::wait_until;

/// Further ahead than the tolerance for clocks of replicas, and not so far that anything would have
/// expired.
const AHEAD: i64 = 301;

const SCOPE: &str = "openid offline_access";

async fn start_server() -> (Server, Client) {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    (server, client)
}

/// Refreshes at a future time, with a grant of the present.
async fn refreshed_ahead(server: &Server, client: &Client, by: i64) -> Response {
    let token = server.obtain_tokens("ada", client, SCOPE).await.token("refresh_token");
    server.advance_clock(by);
    let response = server.refresh(client, &token, "").await.ok();
    server.advance_clock(-by);
    response
}

#[tokio::test]
async fn an_access_token_from_the_future_is_invalid() {
    let (server, client) = start_server().await;
    let token = refreshed_ahead(&server, &client, AHEAD).await.token("access_token");
    assert!(!server.is_active(&client, &token).await);
    server.userinfo(&token).await.refused(401, "invalid_token");

    server.advance_clock(1);
    assert!(server.is_active(&client, &token).await, "within the tolerance for clocks of replicas");
    server.userinfo(&token).await.ok();
}

#[tokio::test]
async fn a_client_credentials_token_from_the_future_is_invalid() {
    let server = Server::start().await;
    for format in ["jwt", "opaque"] {
        let client = server
            .register(json!({
                "grant_types": ["client_credentials"],
                "scope": "read",
                "gw_access_token_format": format,
            }))
            .await;
        server.advance_clock(AHEAD);
        let token = server.client_credentials_token(&client).await;
        server.advance_clock(-AHEAD);
        assert!(!server.is_active(&client, &token).await, "{format}");

        server.advance_clock(1);
        assert!(server.is_active(&client, &token).await, "{format}");

        server.advance_clock(-1);
        server.post_as(&client, "/revoke", &format!("token={token}")).await.ok();
        server.advance_clock(AHEAD);
        assert!(!server.is_active(&client, &token).await, "{format}: the revocation applies");
        server.advance_clock(-AHEAD);
    }
}

#[tokio::test]
async fn an_opaque_token_from_the_future_is_invalid() {
    let server = Server::start().await;
    server.user("ada").await;
    let members = json!({ "scope": SCOPE, "gw_access_token_format": "opaque" });
    let client = server.web_app_with(members).await;
    let token = refreshed_ahead(&server, &client, AHEAD).await.token("access_token");
    assert!(!server.is_active(&client, &token).await);
    server.userinfo(&token).await.refused(401, "invalid_token");

    server.advance_clock(1);
    assert!(server.is_active(&client, &token).await);
}

#[tokio::test]
async fn an_id_token_from_the_future_is_refused_as_a_hint() {
    let (server, client) = start_server().await;
    let hint = refreshed_ahead(&server, &client, AHEAD).await.token("id_token");
    let target = authorize_target(&client, "openid") + "&prompt=none&id_token_hint=" + &hint;
    let request = async || Browser::new(&server).open(&target).await;

    assert_eq!(request().await.parameter("error"), "invalid_request");

    server.advance_clock(1);
    assert_eq!(request().await.parameter("error"), "login_required");
}

/// The grant is not revoked, because this clock may be the wrong one.
#[tokio::test]
async fn a_grant_from_the_future_is_invalid_until_then() {
    let (server, client) = start_server().await;
    let code = Browser::new(&server).authorize("ada", &client, SCOPE, "").await.parameter("code");
    server.advance_clock(50);
    let tokens = server.redeem(&client, &code).await.ok();
    let token = tokens.token("refresh_token");
    server.advance_clock(-AHEAD);
    let refused = server.refresh(&client, &token, "").await;
    refused.refused(400, "invalid_grant");
    assert!(!server.is_active(&client, &token).await);

    server.advance_clock(1);
    assert!(server.is_active(&client, &token).await);
    server.refresh(&client, &token, "").await.ok();
}

#[tokio::test]
async fn a_code_from_the_future_is_refused() {
    let (server, client) = start_server().await;
    let mut browser = Browser::new(&server);
    let first = browser.authorize("ada", &client, SCOPE, "").await.parameter("code");
    server.redeem(&client, &first).await.ok();
    for (ahead, status) in [(AHEAD, 400), (AHEAD - 1, 200)] {
        server.advance_clock(ahead);
        let page = browser.open(&authorize_target(&client, SCOPE)).await;
        server.advance_clock(-ahead);

        let response = server.redeem(&client, &page.parameter("code")).await;

        assert_eq!(response.status, status, "{}", response.body);
    }
}

#[tokio::test]
async fn a_session_from_the_future_is_invalid() {
    let (server, client) = start_server().await;
    let ada = server.user("grace").await;
    server.advance_clock(AHEAD);
    let mut browser = Browser::new(&server);
    let page = browser.authorize("grace", &client, "openid", "").await;
    let bound = server.redeem(&client, &page.parameter("code")).await.ok();
    server.advance_clock(-AHEAD);
    let silent = authorize_target(&client, "openid") + "&prompt=none";
    let sessions =
        async || session::of_user(&server.app().store, &ada.id, server.trace().now()).await;
    assert_eq!(browser.open(&silent).await.parameter("error"), "login_required");
    assert!(sessions().await.unwrap().is_empty());
    // Now only the session is in the future.
    let restored = sql("UPDATE grants SET created_at = 1").execute(server.app().store.db()).await;
    restored.unwrap();
    let refresh = bound.token("refresh_token");
    server.refresh(&client, &refresh, "").await.refused(400, "invalid_grant");

    server.advance_clock(1);
    assert!(!browser.open(&silent).await.parameter("code").is_empty());
    assert_eq!(sessions().await.unwrap().len(), 1);
    server.refresh(&client, &refresh, "").await.ok();
}

#[tokio::test]
async fn an_enrolment_token_from_the_future_is_invalid() {
    let (server, client) = start_server().await;
    let (store, id) = (&server.app().store, ClientId::from_text(&client.id));
    let (digest, now) = (Digest::of(b"enrolment"), server.trace().now());
    let (then, end) = (now + Seconds(AHEAD), now + Seconds(7200));
    assert!(enrolments::insert(store, &digest, &id, then, end).await.unwrap());
    for (at, live) in [(now, false), (now + Seconds(1), true)] {
        assert_eq!(enrolments::is_live(store, &digest, &id, at).await.unwrap(), live);
        let mut tx = store.write().await.unwrap();
        assert_eq!(enrolments::spend(&mut tx, &digest, &id, at).await.unwrap(), live);
        tx.commit().await.unwrap();
    }
}

/// Otherwise a secret that was rotated while the clock was ahead would stay valid until then.
#[tokio::test]
async fn an_old_client_secret_does_not_outlive_its_overlap() {
    let server = Server::start().await;
    let client = server.service().await;
    let year = 365 * 24 * 60 * 60;
    server.advance_clock(year);
    let found = server.find_client(&client).await;
    let rotate = async |registrar: Registrar<'_>| {
        registrar.rotate_secret(&found, Seconds(60)).await.unwrap();
    };
    server.administer_clients(rotate).await;
    let request = async || server.post_as(&client, "/token", "grant_type=client_credentials").await;
    request().await.ok();

    server.advance_clock(-year);

    request().await.refused(401, "invalid_client");
}

#[tokio::test]
async fn a_device_cookie_from_the_future_is_invalid() {
    let (server, _) = start_server().await;
    let (store, ada) = (&server.app().store, server.user("grace").await);
    let (digest, now) = (Digest::of(b"cookie"), server.trace().now());
    let (then, end) = (now + Seconds(AHEAD), now + Seconds(7200));
    let mut tx = store.write().await.unwrap();
    device_cookies::store(&mut tx, &digest, &ada.id, end, then).await.unwrap();
    for (at, known) in [(now, false), (now + Seconds(1), true)] {
        assert_eq!(device_cookies::reserve(&mut tx, &digest, &ada.id, at).await.unwrap(), known);
    }
    tx.commit().await.unwrap();
    for (at, known) in [(now, false), (now + Seconds(1), true)] {
        assert_eq!(device_cookies::is_known(store, &digest, &ada.id, at).await.unwrap(), known);
        assert_eq!(device_cookies::is_ours(store, &digest, at).await.unwrap(), known);
    }
}

/// Otherwise an account that was attacked while the clock was ahead would stay throttled until then.
#[tokio::test]
async fn attempts_from_the_future_throttle_no_account() {
    let server = Server::start().await;
    let (store, now) = (&server.app().store, server.trace().now());
    for is_sliding in [false, true] {
        let key = Digest::of(&[u8::from(is_sliding)]);
        let bucket = Bucket { key, subject: None, most: 2, window: Seconds(60), is_sliding };
        let year = now + Seconds::days(365);
        let reserve = async |at| sign_in_tries::reserve(store, &bucket, at).await.unwrap();
        assert_eq!([reserve(year).await, reserve(year).await], [true; 2]);
        assert!(!reserve(year).await);

        assert_eq!(sign_in_tries::room(store, &bucket, now).await.unwrap(), Room::Left);
        assert_eq!([reserve(now).await, reserve(now).await], [true; 2]);
        assert!(!reserve(now).await, "the window of now has begun");
    }
}

/// A notice with a due time in the future is sent, whether it was never tried or is between two
/// attempts.
#[tokio::test]
async fn a_notice_dated_in_the_future_is_sent() {
    #[derive(sqlx_macros::FromRow)]
    struct Row {
        target: String,
    }
    let server = Server::start().await;
    let (store, now) = (&server.app().store, server.trace().now());
    let rows = [
        ("fresh", 301, 0, true),
        ("a little ahead", 300, 0, false),
        ("tried", 9 * 3600, 3, true),
        ("between two tries", 7 * 3600, 3, false),
    ];
    // In one transaction: the job, which runs meanwhile, must not see a row without its attempts.
    let mut tx = store.write().await.unwrap();
    for (target, ahead, attempts, _) in rows {
        outbox::insert(&mut tx, Transport::Mail, target, "{}", now + Seconds(ahead)).await.unwrap();
        let attempted = sql("UPDATE outbox SET attempts = $1 WHERE target = $2");
        attempted.bind(attempts).bind(target).execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let leased_targets = async || -> Vec<String> {
        // An attempted row has a lease.
        let rows = sql("SELECT target FROM outbox WHERE holder IS NOT NULL ORDER BY target");
        let rows: Vec<Row> = rows.fetch_all(store.db()).await.unwrap();
        rows.into_iter().map(|row| row.target).collect()
    };

    wait_until("the job takes what is due", async || leased_targets().await.len() >= 2).await;

    assert_eq!(leased_targets().await, ["fresh", "tried"]);
}

/// A start logs what is dated in the future.
#[tokio::test]
async fn a_start_warns_of_rows_dated_in_the_future() {
    let (server, client) = start_server().await;
    server.advance_clock(AHEAD);
    server.obtain_tokens("ada", &client, SCOPE).await;
    server.advance_clock(-AHEAD);
    let (log, _guard) = kit::log::CapturedLog::json();

    let server = server.restart().await;
    let warned = log.text();
    for kind in ["sign-ins", "grants"] {
        assert!(warned.contains(&format!(r#""kind":"{kind}","count":1"#)), "{kind}: {warned}");
    }
    assert!(!warned.contains("opaque"), "{warned}");
    server.advance_clock(1);
    let before = log.text().len();
    server.restart().await;
    assert!(!log.text()[before..].contains("issued in the future"));
}
