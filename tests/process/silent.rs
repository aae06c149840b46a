//! The link to PostgreSQL goes silent without a reset: every wait is bounded.

use std::process::Stdio;
use std::time::{Duration, Instant};

use gatewright::cli::Exit;
use sqlx::{Connection as _, Executor as _, PgConnection};
use url::Url;

use crate::application::{Application, Trouble};
use crate::browser::Browser;
use crate::link::Link;
use crate::load::patiently;
use crate::place::{Place, is_postgres};
use crate::server::Server;

/// A place whose database is behind a link of its own; none with SQLite, which has no network.
async fn place_behind_a_link(from: &str) -> Option<(Place, Link)> {
    if !is_postgres() {
        return None;
    }
    let mut place = Place::make().await;
    let mut url = Url::parse(&place.database).unwrap();
    let to = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let link = Link::new(from, to).await;
    url.set_ip_host(link.at.ip()).unwrap();
    url.set_port(Some(link.at.port())).unwrap();
    place.set("DATABASE__URL", url.as_str());
    place.set("DATABASE__ACQUIRE_TIMEOUT", "1");
    place.set("DATABASE__STATEMENT_TIMEOUT", "2");
    place.set("HTTP__SHUTDOWN_TIMEOUT", "10");
    Some((place, link))
}

/// The duration of an operation.
async fn timed<T>(what: impl Future<Output = T>) -> (T, Duration) {
    let started_at = Instant::now();
    (what.await, started_at.elapsed())
}

async fn refreshed(application: &Application, token: &str) -> String {
    let http = crate::http();
    let response = patiently(async || application.refresh(&http, token).await).await.unwrap();
    response.tokens().refresh
}

/// THREATS EX-02: 503 during the silence, and soon after it everything works, so no connection slot is
/// lost. During another silence, SIGTERM ends the server in time.
#[tokio::test]
async fn a_silent_link_times_out_and_a_restored_one_is_used_at_once() {
    let Some((mut place, link)) = place_behind_a_link("127.0.0.1:0").await else { return };
    // A retry is within the grace period however long the silence was.
    place.set("TOKENS__REFRESH_GRACE", "60");
    let mut server = Server::at(place).await;
    let photos = server.application("Photos").await;
    let mut browser = Browser::of(&server.person("ada").await);
    let http = crate::http();
    let code = photos.authorize(&mut browser).await.unwrap();
    let mut token = photos.redeem(&http, &code).await.unwrap().tokens().refresh;

    for _ in 0..2 {
        link.go_silent();
        // More than there are connections, so that all of them are used.
        let asked = (0..40).map(|_| timed(photos.refresh(&http, &token)));
        for (response, took) in futures(asked).await {
            assert!(matches!(response, Err(Trouble::Busy)), "{response:?}");
            assert!(took < Duration::from_secs(15), "{took:?}");
        }
        crate::wait_until("it is not ready", async || server.status("/readyz").await == 503).await;
        assert_eq!(server.status("/healthz").await, 200);

        link.speak();
        let (next, took) = timed(refreshed(&photos, &token)).await;
        eprintln!("recovered after {took:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
        token = next;
        crate::wait_until("it is ready", async || server.status("/readyz").await == 200).await;
    }

    link.go_silent();
    let (_, _) = tokio::join!(photos.refresh(&http, &token), server.signal("TERM"));
    let (status, took) = timed(server.ended()).await;
    eprintln!("ended after {took:?}");
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(25), "{took:?}");
}

/// THREATS EX-04, RT-06: the database has rotated the tokens, and the responses are lost in a silence
/// longer than the ordinary grace period. A client that retries continues.
#[tokio::test]
async fn a_rotation_before_a_silence_is_repeated_after_it() {
    const CLIENTS: i64 = 6;
    let Some((place, link)) = place_behind_a_link("127.0.0.1:0").await else { return };
    let mut database = PgConnection::connect(&place.database).await.unwrap();
    let mut server = Server::at(place).await;
    let photos = server.application("Photos").await;
    let http = crate::http();
    let mut held = Vec::new();
    for number in 0..CLIENTS {
        let mut browser = Browser::of(&server.person(&format!("person{number}")).await);
        let code = photos.authorize(&mut browser).await.unwrap();
        held.push(photos.redeem(&http, &code).await.unwrap().tokens().refresh);
    }
    let mut count = async |of: &'static str| -> i64 {
        sqlx::query_scalar(of).fetch_one(&mut database).await.unwrap()
    };

    // The rotations wait for a lock; the link goes silent, and they are committed.
    let mut blocker = PgConnection::connect(&server.place.database).await.unwrap();
    blocker.execute("BEGIN; SELECT id FROM grants FOR UPDATE").await.unwrap();
    let asked = held.iter().map(|token| photos.refresh(&http, token));
    let silence = async {
        crate::wait_until("all of them wait", async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock'";
            count(waiting).await == CLIENTS
        })
        .await;
        link.go_silent();
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
    let (responses, ()) = tokio::join!(futures(asked), silence);
    for response in responses {
        assert!(matches!(response, Err(Trouble::Busy)), "{response:?}");
    }

    link.speak();
    for token in &held {
        refreshed(&photos, &refreshed(&photos, token).await).await;
    }
    server.stop().await;
}

/// Runs all of them concurrently.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
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
    let Some((place, link)) = place_behind_a_link("127.0.0.1:0").await else { return };
    let mut server = Server::planned(place);
    link.go_silent();

    for signal in ["TERM", "INT"] {
        server.begin();
        let health = format!("{}/healthz", server.issuer);
        crate::wait_until("it is alive", async || {
            crate::http().get(&health).send().await.is_ok_and(|response| response.status() == 200)
        })
        .await;
        for path in ["/readyz", "/token", "/.well-known/openid-configuration"] {
            assert_eq!(server.status(path).await, 503, "{path}");
        }
        server.signal(signal).await;
        let (status, took) = timed(server.ended()).await;
        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert!(server.has_logged("opening the database"));
    }

    // The database becomes available later.
    server.begin();
    crate::wait_until("it says what it waits for", async || {
        server.has_logged("waiting for the database")
    })
    .await;
    link.speak();
    server.ready().await;
    server.stop().await;
}

/// THREATS EX-03: a command reports it too.
#[tokio::test]
async fn a_command_reports_a_silent_database() {
    let Some((place, link)) = place_behind_a_link("127.0.0.1:0").await else { return };
    place.json(&["migrate"]).await;
    link.go_silent();

    let (said, took) = timed(place.run(&["user", "list"])).await;

    said.refused(Exit::Unavailable, "has not answered within");
    assert!(took < Duration::from_secs(20), "{took:?}");
    // It also ends on a signal.
    let mut command = place.command(&["user", "list"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let id = child.id().unwrap().to_string();
    let kill = tokio::process::Command::new("kill").args(["-TERM", &id]).status();
    assert!(kill.await.unwrap().success());
    assert!(!child.wait().await.unwrap().success());
}

/// RFC 3986 §3.2.2: an IPv6 address in a URL is in brackets.
#[tokio::test]
async fn a_database_at_an_ipv6_address_is_reached() {
    let Some((place, link)) = place_behind_a_link("[::1]:0").await else { return };
    assert!(link.at.is_ipv6());

    let mut server = Server::at(place).await;
    server.person("ada").await;
    server.stop().await;
}
