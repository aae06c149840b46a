//! The job `sweep`: it deletes expired rows, keeps all others, and delays no requests (THREATS EX-25,
//! DO-16).

use gatewright::store::{sql, sweep};

use kit::browser::Browser;
use kit::server::{Client, Server};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

#[derive(sqlx_macros::FromRow)]
struct Counted {
    sessions: i64,
    grants: i64,
}

/// The numbers of sessions and grants.
async fn count_rows(server: &Server) -> (i64, i64) {
    let count = "SELECT (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM grants) AS grants";
    let Counted { sessions, grants } = sql(count).fetch_one(server.app().store.db()).await.unwrap();
    (sessions, grants)
}

/// Runs as many batches as needed.
async fn sweep(server: &Server) -> (i64, i64) {
    sweep::once(&server.app().store, server.trace().now()).await.unwrap();
    count_rows(server).await
}

/// The refresh tokens of a session-bound grant and of an offline grant.
async fn obtain_refresh_tokens(server: &Server, client: &Client) -> (String, String) {
    let mut browser = Browser::new(server);
    let mut tokens = Vec::new();
    for scope in ["openid", "openid offline_access"] {
        let page = browser.authorize("ada", client, scope, "").await;
        let response = server.redeem(client, &page.parameter("code")).await.ok();
        tokens.push(response.token("refresh_token"));
    }
    (tokens.remove(0), tokens.remove(0))
}

/// THREATS EX-25: rows that are due for a check but still in use are kept.
#[tokio::test]
async fn rows_in_use_are_kept() {
    let server = Server::start().await;
    let client = server.web_app().await;
    server.user("ada").await;
    let (mut bound, mut offline) = obtain_refresh_tokens(&server, &client).await;

    // Sessions end after half an hour without use, and after twelve hours in any case.
    for _ in 0..22 {
        server.advance_clock(HOUR / 2 - 60);
        bound = server.refresh(&client, &bound, "").await.ok().token("refresh_token");
        offline = server.refresh(&client, &offline, "").await.ok().token("refresh_token");
        assert_eq!(sweep(&server).await, (1, 2));
    }
    // The session ends, and is kept for another hour.
    server.advance_clock(2 * HOUR);
    assert_eq!(sweep(&server).await, (0, 1), "its bound grant is deleted with it");
    for _ in 0..8 {
        server.advance_clock(10 * DAY);
        offline = server.refresh(&client, &offline, "").await.ok().token("refresh_token");
        assert_eq!(sweep(&server).await, (0, 1));
    }
    server.advance_clock(14 * DAY + HOUR);
    assert_eq!(sweep(&server).await, (0, 0));
}

/// A row that ended early is deleted an hour later, not at its regular expiry.
#[tokio::test]
async fn rows_that_ended_early_are_deleted_early() {
    let server = Server::start().await;
    let client = server.web_app().await;
    server.user("ada").await;
    let (_, offline) = obtain_refresh_tokens(&server, &client).await;

    server.post_as(&client, "/revoke", &format!("token={offline}")).await;
    server.advance_clock(HOUR + 1);
    assert_eq!(sweep(&server).await, (1, 1));
    let end = "UPDATE sessions SET ended_at = $1, sweep_at = $1";
    sql(end).bind(server.trace().now()).execute(server.app().store.db()).await.unwrap();
    assert_eq!(sweep(&server).await, (1, 1));
    server.advance_clock(HOUR + 1);
    assert_eq!(sweep(&server).await, (0, 0));
}

/// Rows from before `sweep_at` existed are checked once.
#[tokio::test]
async fn rows_of_an_older_version_are_checked_once() {
    let server = Server::start().await;
    let client = server.web_app().await;
    server.user("ada").await;
    obtain_refresh_tokens(&server, &client).await;
    for forget in ["UPDATE sessions SET sweep_at = 0", "UPDATE grants SET sweep_at = 0"] {
        sql(forget).execute(server.app().store.db()).await.unwrap();
    }

    assert_eq!(sweep(&server).await, (1, 2));
    let due = "SELECT (SELECT count(*) FROM sessions WHERE sweep_at = 0) AS sessions,
                      (SELECT count(*) FROM grants WHERE sweep_at = 0) AS grants";
    let Counted { sessions, grants } = sql(due).fetch_one(server.app().store.db()).await.unwrap();
    assert_eq!((sessions, grants), (0, 0), "not due again before they may expire");
}

/// THREATS DO-16: a table that cannot be cleaned up does not block the others.
#[tokio::test]
async fn a_table_that_fails_does_not_block_the_others() {
    let server = Server::start().await;
    let client = server.web_app().await;
    server.user("ada").await;
    obtain_refresh_tokens(&server, &client).await;
    sql("DROP TABLE opaque_tokens").execute(server.app().store.db()).await.unwrap();
    server.advance_clock(DAY);

    let (mut run, mut failed) = (sweep::Run::default(), Vec::new());
    while let Some(batch) = run.next(&server.app().store, server.trace().now()).await {
        failed.extend(batch.rows.is_err().then_some(batch.table));
    }

    assert_eq!(failed, ["opaque_tokens"]);
    assert_eq!(count_rows(&server).await, (0, 1));
}
