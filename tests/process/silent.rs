//! The link to PostgreSQL goes silent without a reset: every wait is bounded.

use std::process::Stdio;
use std::time::{Duration, Instant};

use gatewright::cli::Exit;
use sqlx::{Connection as _, Executor as _, PgConnection};
use url::Url;

use crate::application::{Application, RequestError};
use crate::browser::Browser;
use crate::installation::{Installation, is_postgres};
use crate::link::Link;
use crate::load::retry_while_unavailable;
use crate::server::Server;

/// An installation whose database is behind a [`Link`]; none with SQLite, which has no network.
async fn installation_behind_link(from: &str) -> Option<(Installation, Link)> {
    if !is_postgres() {
        return None;
    }
    let mut installation = Installation::new().await;
    let mut url = Url::parse(&installation.database).unwrap();
    let to = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let link = Link::new(from, to).await;
    url.set_ip_host(link.address.ip()).unwrap();
    url.set_port(Some(link.address.port())).unwrap();
    installation.set("DATABASE__URL", url.as_str());
    installation.set("DATABASE__ACQUIRE_TIMEOUT", "1");
    installation.set("DATABASE__STATEMENT_TIMEOUT", "2");
    installation.set("HTTP__SHUTDOWN_TIMEOUT", "10");
    Some((installation, link))
}

/// The duration of an operation.
async fn timed<T>(what: impl Future<Output = T>) -> (T, Duration) {
    let started_at = Instant::now();
    (what.await, started_at.elapsed())
}

async fn refresh(application: &Application, token: &str) -> String {
    let http = crate::http();
    let response =
        retry_while_unavailable(async || application.refresh(&http, token).await).await.unwrap();
    response.tokens().refresh
}

/// THREATS EX-02: 503 during the silence, and soon after it everything works, so no connection slot is
/// lost. During another silence, SIGTERM ends the server in time.
#[tokio::test]
async fn a_silent_link_times_out_and_a_restored_one_is_used_at_once() {
    let Some((mut installation, link)) = installation_behind_link("127.0.0.1:0").await else {
        return;
    };
    // A retry is within the grace period however long the silence was.
    installation.set("TOKENS__REFRESH_GRACE", "60");
    let mut server = Server::start_in(installation).await;
    let photos = server.application("Photos").await;
    let mut browser = Browser::new(&server.create_user("ada").await);
    let http = crate::http();
    let code = photos.authorize(&mut browser).await.unwrap();
    let mut token = photos.redeem(&http, &code).await.unwrap().tokens().refresh;

    for _ in 0..2 {
        link.drop_packets();
        // More than there are connections, so that all of them are used.
        let requests = (0..40).map(|_| timed(photos.refresh(&http, &token)));
        for (response, duration) in join_all(requests).await {
            assert!(matches!(response, Err(RequestError::Unavailable)), "{response:?}");
            assert!(duration < Duration::from_secs(15), "{duration:?}");
        }
        crate::wait_until("it is not ready", async || server.status("/readyz").await == 503).await;
        assert_eq!(server.status("/healthz").await, 200);

        link.restore();
        let (next, duration) = timed(refresh(&photos, &token)).await;
        eprintln!("recovered after {duration:?}");
        assert!(duration < Duration::from_secs(10), "{duration:?}");
        token = next;
        crate::wait_until("it is ready", async || server.status("/readyz").await == 200).await;
    }

    link.drop_packets();
    let (_, _) = tokio::join!(photos.refresh(&http, &token), server.signal("TERM"));
    let (status, duration) = timed(server.wait_for_exit()).await;
    eprintln!("ended after {duration:?}");
    assert_eq!(status.code(), Some(0));
    assert!(duration < Duration::from_secs(25), "{duration:?}");
}

/// THREATS EX-04, RT-06: the database has rotated the tokens, and the responses are lost in a silence
/// longer than the ordinary grace period. A client that retries continues.
#[tokio::test]
async fn a_rotation_before_a_silence_is_repeated_after_it() {
    const CLIENTS: i64 = 6;
    let Some((installation, link)) = installation_behind_link("127.0.0.1:0").await else { return };
    let mut database = PgConnection::connect(&installation.database).await.unwrap();
    let mut server = Server::start_in(installation).await;
    let photos = server.application("Photos").await;
    let http = crate::http();
    let mut tokens = Vec::new();
    for number in 0..CLIENTS {
        let mut browser = Browser::new(&server.create_user(&format!("person{number}")).await);
        let code = photos.authorize(&mut browser).await.unwrap();
        tokens.push(photos.redeem(&http, &code).await.unwrap().tokens().refresh);
    }
    let mut count = async |of: &'static str| -> i64 {
        sqlx::query_scalar(of).fetch_one(&mut database).await.unwrap()
    };

    // The rotations wait for a lock; the link goes silent, and they are committed.
    let mut blocker = PgConnection::connect(&server.installation.database).await.unwrap();
    blocker.execute("BEGIN; SELECT id FROM grants FOR UPDATE").await.unwrap();
    let requests = tokens.iter().map(|token| photos.refresh(&http, token));
    let silence = async {
        crate::wait_until("all of them wait", async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock'";
            count(waiting).await == CLIENTS
        })
        .await;
        link.drop_packets();
        blocker.execute("COMMIT").await.unwrap();
        crate::wait_until("all of them are rotated", async || {
            count("SELECT count(*) FROM grants WHERE generation = 2").await == CLIENTS
        })
        .await;
        crate::wait_until("the ordinary grace of ten seconds is over", async || {
            let over =
                "SELECT count(*) FROM grants WHERE rotated_at < extract(epoch FROM now()) - 12";
            count(over).await == CLIENTS
        })
        .await;
    };
    let (responses, ()) = tokio::join!(join_all(requests), silence);
    for response in responses {
        assert!(matches!(response, Err(RequestError::Unavailable)), "{response:?}");
    }

    link.restore();
    for token in &tokens {
        refresh(&photos, &refresh(&photos, token).await).await;
    }
    server.stop().await;
}

/// Runs all of them concurrently.
async fn join_all<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(move |cx| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *done = Some(value);
            }
        }
        if done.iter().any(Option::is_none) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(done.iter_mut().filter_map(Option::take).collect())
    })
    .await
}

/// THREATS EX-03: the process is alive, logs what it waits for, and ends on a signal.
#[tokio::test]
async fn a_server_that_waits_for_its_database_is_alive_and_can_be_stopped() {
    let Some((installation, link)) = installation_behind_link("127.0.0.1:0").await else { return };
    let mut server = Server::new(installation);
    link.drop_packets();

    for signal in ["TERM", "INT"] {
        server.launch_without_waiting();
        let health = format!("{}/healthz", server.issuer);
        crate::wait_until("it is alive", async || {
            crate::http().get(&health).send().await.is_ok_and(|response| response.status() == 200)
        })
        .await;
        for path in ["/readyz", "/token", "/.well-known/openid-configuration"] {
            assert_eq!(server.status(path).await, 503, "{path}");
        }
        server.signal(signal).await;
        let (status, duration) = timed(server.wait_for_exit()).await;
        assert_eq!(status.code(), Some(0));
        assert!(duration < Duration::from_secs(10), "{duration:?}");
        assert!(server.has_logged("opening the database"));
    }

    // The database becomes available later.
    server.launch_without_waiting();
    crate::wait_until("it says what it waits for", async || {
        server.has_logged("waiting for the database")
    })
    .await;
    link.restore();
    server.wait_until_ready().await;
    server.stop().await;
}

/// THREATS EX-03: a command reports it too.
#[tokio::test]
async fn a_command_reports_a_silent_database() {
    let Some((installation, link)) = installation_behind_link("127.0.0.1:0").await else { return };
    installation.json(&["migrate"]).await;
    link.drop_packets();

    let (output, duration) = timed(installation.run(&["user", "list"])).await;

    output.assert_failed(Exit::Unavailable, "has not answered within");
    assert!(duration < Duration::from_secs(20), "{duration:?}");
    // It also ends on a signal.
    let mut command = installation.command(&["user", "list"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let id = child.id().unwrap().to_string();
    let kill = tokio::process::Command::new("kill").args(["-TERM", &id]).status();
    assert!(kill.await.unwrap().success());
    assert!(!child.wait().await.unwrap().success());
}

/// RFC 3986 §3.2.2: an IPv6 address in a URL is in brackets.
#[tokio::test]
async fn a_database_at_an_ipv6_address_is_reached() {
    let Some((installation, link)) = installation_behind_link("[::1]:0").await else { return };
    assert!(link.address.is_ipv6());

    let mut server = Server::start_in(installation).await;
    server.create_user("ada").await;
    server.stop().await;
}
