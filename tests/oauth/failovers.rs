//! A database that took over without the latest commits, and an operator who declares the failover
//! (decision 0029).

use gatewright::flow::grants::failover::{self, Revoked};
use gatewright::store::sql;
use gatewright::types::{ClientId, GrantId, Seconds, SessionId};

use kit::browser::{Browser, authorize_target};
use kit::http::Response;
use kit::server::{Client, Server};

const LAG: Seconds = Seconds(60);

/// A grant, and its refresh tokens from the first to the last; the database has only the first
/// generation.
struct RolledBackGrant {
    client: Client,
    tokens: Vec<String>,
}

impl RolledBackGrant {
    /// The number of rotations that are lost with the previous database.
    async fn new(server: &Server, rotations: usize) -> Self {
        let client = server.web_app().await;
        let token_response = server.obtain_tokens("ada", &client, "openid offline_access").await;
        let mut tokens = vec![token_response.token("refresh_token")];
        // The rotation that the database still has is hours old.
        server.advance_clock(3 * 60 * 60);
        for _ in 0..rotations {
            let last = tokens.last().unwrap();
            tokens.push(server.refresh(&client, last, "").await.ok().token("refresh_token"));
            server.advance_clock(20);
        }
        let restored = sql("UPDATE grants SET generation = 1, rotated_at = created_at
              WHERE client_id = $1")
        .bind(client.id.as_str())
        .execute(server.app().store.db())
        .await;
        assert_eq!(restored.unwrap(), 1);
        Self { client, tokens }
    }

    async fn refresh(&self, server: &Server, token: usize) -> String {
        let response = server.refresh(&self.client, &self.tokens[token], "").await;
        response.ok().token("refresh_token")
    }

    async fn assert_refused(&self, server: &Server, token: &str) {
        server.refresh(&self.client, token, "").await.refused(400, "invalid_grant");
    }
}

async fn start_server() -> Server {
    let server = Server::start().await;
    server.user("ada").await;
    server
}

/// The standby took over a second ago.
async fn declare_failover(server: &Server) {
    let at = server.trace().now() - Seconds(1);
    failover::declare(&server.app().store, at, LAG, &server.trace()).await.unwrap();
}

/// DESIGN §3, THREATS DB-07: a refresh token of the lost period is accepted, so its user does not have
/// to sign in again. All older tokens are replays from then on.
#[tokio::test]
async fn after_a_declared_failover_lost_refresh_tokens_are_accepted() {
    let server = start_server().await;
    for rotations in 1..=3 {
        let lost = RolledBackGrant::new(&server, rotations).await;
        declare_failover(&server).await;

        let next = lost.refresh(&server, rotations).await;
        assert_eq!(lost.refresh(&server, rotations).await, next, "a lost response is repeated");
        let last = server.refresh(&lost.client, &next, "").await.ok().token("refresh_token");

        lost.assert_refused(&server, &lost.tokens[rotations - 1]).await;
        lost.assert_refused(&server, &last).await;
    }
    let events = server.audit_events("refresh_token.recovered").await;
    assert_eq!(events.len(), 3);
    assert!(events[0].facts.contains(r#""stored_generation":1"#), "{}", events[0].facts);
    assert!(events[0].grant_id.is_some());
}

/// DESIGN §3: three lost generations are accepted, and no more.
#[tokio::test]
async fn a_refresh_token_four_generations_ahead_is_refused() {
    let server = start_server().await;
    let lost = RolledBackGrant::new(&server, 4).await;
    declare_failover(&server).await;

    lost.assert_refused(&server, &lost.tokens[4]).await;

    lost.assert_refused(&server, &lost.tokens[0]).await;
}

/// DESIGN §3: a failover is declared for an hour, and declaring it again does not extend it.
#[tokio::test]
async fn a_declared_failover_ends_after_an_hour() {
    let server = start_server().await;
    let (in_time, late) =
        (RolledBackGrant::new(&server, 1).await, RolledBackGrant::new(&server, 1).await);
    let at = server.trace().now() - Seconds(1);
    let declare_failover =
        async || failover::declare(&server.app().store, at, LAG, &server.trace()).await.unwrap();

    let first = declare_failover().await;
    server.advance_clock(60 * 60 - 1);
    assert_eq!(declare_failover().await.ends_at, first.ends_at);
    in_time.refresh(&server, 1).await;
    server.advance_clock(1);

    late.assert_refused(&server, &late.tokens[1]).await;
    assert_eq!(server.audit_events("database.failed_over").await.len(), 1);
}

/// A grant recovers once: an even newer token that is presented later is a replay.
#[tokio::test]
async fn each_grant_recovers_once() {
    let server = start_server().await;
    let lost = RolledBackGrant::new(&server, 3).await;
    declare_failover(&server).await;

    let next = lost.refresh(&server, 1).await;
    assert_eq!(next, lost.tokens[2], "a grant has one valid refresh token");
    lost.assert_refused(&server, &lost.tokens[3]).await;

    lost.assert_refused(&server, &next).await;
}

/// A client that has refreshed since the failover has a token of the current database. A token of a
/// generation that this database never issued is then a replay.
#[tokio::test]
async fn a_grant_refreshed_since_the_failover_does_not_recover() {
    let server = start_server().await;
    let lost = RolledBackGrant::new(&server, 3).await;
    declare_failover(&server).await;

    lost.refresh(&server, 0).await;

    lost.assert_refused(&server, &lost.tokens[3]).await;
}

/// THREATS RT-07: a token of another client is refused, and its own client can still use it.
#[tokio::test]
async fn a_lost_refresh_token_is_refused_to_another_client() {
    let server = start_server().await;
    let (lost, attacker) = (RolledBackGrant::new(&server, 1).await, server.web_app().await);
    declare_failover(&server).await;

    server.refresh(&attacker, &lost.tokens[1], "").await.refused(400, "invalid_grant");

    lost.refresh(&server, 1).await;
}

/// A failover does not restore a revoked grant.
#[tokio::test]
async fn a_revoked_grant_stays_revoked_after_a_declared_failover() {
    let server = start_server().await;
    let lost = RolledBackGrant::new(&server, 1).await;
    declare_failover(&server).await;

    let form = format!("token={}", lost.tokens[1]);
    server.post_as(&lost.client, "/revoke", &form).await.ok();

    lost.assert_refused(&server, &lost.tokens[1]).await;
}

/// THREATS RT-16: without a declaration nothing changes. A failover can be declared only for a time in
/// the past.
#[tokio::test]
async fn without_a_declared_failover_lost_refresh_tokens_are_replays() {
    let server = start_server().await;
    let lost = RolledBackGrant::new(&server, 1).await;
    for ahead in [0, 1, 3600] {
        let (store, at) = (&server.app().store, server.trace().now() + Seconds(ahead));
        failover::declare(store, at, LAG, &server.trace()).await.unwrap_err();
    }

    lost.assert_refused(&server, &lost.tokens[1]).await;

    lost.assert_refused(&server, &lost.tokens[0]).await;
}

/// THREATS DB-07: revocations of the lost period are repeated.
#[tokio::test]
async fn revocations_lost_in_a_failover_are_repeated_from_the_log() {
    let server = start_server().await;
    let client = server.web_app().await;
    let grace = server.user("grace").await;
    let tokens = server.obtain_tokens("ada", &client, "openid offline_access").await;
    let offline = server.obtain_tokens("grace", &client, "openid offline_access").await;
    let bound = server.obtain_tokens("grace", &client, "openid").await;
    let other = server.obtain_tokens("ada", &client, "openid offline_access").await;
    let withdrawn = server.web_app().await;
    let consented = server.obtain_tokens("grace", &withdrawn, "openid offline_access").await;
    let mut browser = Browser::new(&server);
    let code = browser.authorize("grace", &withdrawn, "openid", "").await.parameter("code");
    let created = server.audit_events("grant.created").await;
    // Newest first.
    let grant = created.last().unwrap().grant_id.clone().unwrap();
    let session = created[2].session_id.clone().unwrap();
    let access = server.obtain_tokens("ada", &client, "openid").await.token("access_token");
    let introspected =
        server.post_as(&client, "/introspect", &format!("token={access}")).await.ok();
    let jti = introspected.body["jti"].as_str().unwrap().to_owned();
    let revoked = [
        Revoked::Grant(GrantId::from_text(&grant)),
        Revoked::Session(grace.id.clone(), SessionId::from_text(&session)),
        Revoked::Token(jti),
        Revoked::Consent(grace.id.clone(), ClientId::from_text(&withdrawn.id)),
    ];

    let alive = failover::revoke_again(&server.app().store, &revoked, &server.trace()).await;

    assert_eq!(alive.unwrap(), 4);
    let is_refused = async |client: &Client, response: &Response| {
        let token = response.token("refresh_token");
        server.refresh(client, &token, "").await.refused(400, "invalid_grant");
    };
    is_refused(&client, &tokens).await;
    is_refused(&client, &bound).await;
    is_refused(&withdrawn, &consented).await;
    server.redeem(&withdrawn, &code).await.refused(400, "invalid_grant");
    browser.open(&authorize_target(&withdrawn, "openid")).await.assert_page("/consent");
    assert!(!server.is_active(&client, &access).await);
    for active in [&offline, &other] {
        server.refresh(&client, &active.token("refresh_token"), "").await.ok();
    }
    // Repeated once more, only the JWT counts, because its state is unknown.
    let again = failover::revoke_again(&server.app().store, &revoked, &server.trace()).await;
    assert_eq!(again.unwrap(), 1);
    let events = server.audit_events("database.revoked_again").await;
    assert_eq!(events.len(), 2);
    assert!(events[1].facts.contains(r#""found":4,"were_alive":4"#), "{}", events[1].facts);
}
