//! The real binary under a clock that is wrong and then corrected (THREATS CL-02): `libfaketime`
//! changes the system clock, and not the monotonic one, as the kernel does.

use std::path::PathBuf;
use std::time::Duration;

use gatewright::app::Clock;
use gatewright::store::{ConnectionLimits, OpenMode, Store, sql};
use gatewright::types::Secret;
use sqlx_macros::FromRow;

use crate::application::Application;
use crate::browser::Browser;
use crate::installation::Installation;
use crate::server::Server;
use crate::wait_until;

const DAY: i64 = 24 * 60 * 60;

/// Its paths on Debian and Fedora.
fn library() -> PathBuf {
    let places =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let found = places.iter().map(|at| PathBuf::from(at).join("faketime/libfaketimeMT.so.1"));
    found.into_iter().find(|file| file.exists()).expect("there is no libfaketime: scripts/setup")
}

/// A server whose clock the test controls.
struct ServerWithClock {
    server: Server,
    store: Store,
}

impl ServerWithClock {
    /// The clock has this offset from the beginning: `+0`, `-1h`, `+3y`.
    async fn start(offset: &str) -> Self {
        let mut installation = Installation::new().await;
        set(&installation, offset);
        let file = installation.directory.join("clock").display().to_string();
        for (name, value) in [
            ("LD_PRELOAD", library().display().to_string().as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ] {
            installation.settings.push((name.to_owned(), value.to_owned()));
        }
        // Access tokens do not expire within a test.
        installation.set("TOKENS__ACCESS_TOKEN_LIFETIME", "3600");
        let server = Server::start_in(installation).await;
        let timeout = Duration::from_secs(30);
        let limits = ConnectionLimits {
            connections: 1,
            acquire: timeout,
            statement: timeout,
            has_pooler: false,
        };
        let url = Secret::new(server.installation.database.clone());
        let store = Store::open(&url, &limits, OpenMode::Command).await.unwrap();
        Self { server, store }
    }

    fn set(&self, offset: &str) {
        set(&self.server.installation, offset);
    }

    /// Waits until every job that runs on one replica has run at this offset from the true time.
    async fn wait_for_jobs(&self, offset: i64) {
        #[derive(FromRow)]
        struct Job {
            ran_at: Option<i64>,
        }
        let started_at = now() + offset;
        wait_until("the jobs run", async || {
            let jobs = sql("SELECT ran_at FROM jobs WHERE name IN ('sweep', 'keys')");
            let jobs: Vec<Job> = jobs.fetch_all(self.store.db()).await.unwrap();
            let ran = |job: &Job| {
                job.ran_at.is_some_and(|at| (started_at..started_at + DAY / 2).contains(&at))
            };
            jobs.len() == 2 && jobs.iter().all(ran)
        })
        .await;
    }

    /// A user's tokens at a client, and the browser.
    async fn sign_in(&self, name: &str) -> (Application, Browser, crate::application::Tokens) {
        let (user, app) =
            (self.server.create_user(name).await, self.server.application("Photos").await);
        let mut browser = Browser::new(&user);
        let code = app.authorize(&mut browser).await.unwrap();
        let tokens = app.redeem(&crate::http(), &code).await.unwrap().tokens();
        (app, browser, tokens)
    }
}

fn set(installation: &Installation, offset: &str) {
    installation.write("clock.new", offset);
    let (new, clock) =
        (installation.directory.join("clock.new"), installation.directory.join("clock"));
    std::fs::rename(new, clock).unwrap();
}

fn now() -> i64 {
    Clock::system().now().0
}

/// A day ahead and back: the jobs run, nothing is lost, and revocations stay, although everything would
/// have expired on that day. Then an hour back: the jobs run, and no response to a used token is
/// repeated.
#[tokio::test]
async fn a_clock_that_jumps_and_returns_undoes_nothing() {
    let clocked = ServerWithClock::start("+0").await;
    let http = crate::http();
    let (app, _, tokens) = clocked.sign_in("ada").await;
    let next = app.refresh(&http, &tokens.refresh).await.unwrap().tokens();
    app.revoke(&http, &next.access).await.unwrap();

    clocked.set("+1d");
    clocked.wait_for_jobs(DAY).await;
    assert!(
        !app.is_active(&http, &tokens.access).await.unwrap(),
        "a day later the token has expired"
    );
    clocked.set("+0");
    clocked.wait_for_jobs(0).await;

    assert!(!app.is_active(&http, &next.access).await.unwrap(), "it is revoked");
    assert!(app.is_active(&http, &tokens.access).await.unwrap(), "the other token is still valid");
    let last = app.refresh(&http, &next.refresh).await.unwrap().tokens();

    clocked.set("-1h");
    clocked.wait_for_jobs(-3600).await;
    let again = app.refresh(&http, &next.refresh).await.unwrap();
    assert!(again.is_refusal("invalid_grant"), "{again:?}");
    clocked.set("+0");
    app.refresh(&http, &last.refresh).await.unwrap().tokens();
    let is_error = |line: &serde_json::Value| line["level"] == "ERROR";
    let log = clocked.server.log();
    assert!(!log.iter().any(is_error), "{log:?}");
}

/// Three years ahead at the first start, then corrected: anything issued meanwhile is invalid, keys and
/// jobs work, and users can sign in.
#[tokio::test]
async fn a_clock_that_was_years_ahead_leaves_nothing_valid() {
    let mut clocked = ServerWithClock::start("+3y").await;
    let http = crate::http();
    let (app, mut browser, tokens) = clocked.sign_in("ada").await;
    assert!(app.is_active(&http, &tokens.access).await.unwrap());

    clocked.set("+0");
    clocked.wait_for_jobs(0).await;

    assert!(!app.is_active(&http, &tokens.access).await.unwrap());
    let refreshed = app.refresh(&http, &tokens.refresh).await.unwrap();
    assert!(refreshed.is_refusal("invalid_grant"), "{refreshed:?}");
    // The session is invalid, so the browser signs in again.
    let code = app.authorize(&mut browser).await.unwrap();
    let anew = app.redeem(&http, &code).await.unwrap().tokens();
    assert!(app.is_active(&http, &anew.access).await.unwrap());
    app.refresh(&http, &anew.refresh).await.unwrap().tokens();

    clocked.server.stop().await;
    clocked.server.launch().await;
    assert!(clocked.server.has_logged("issued in the future"));
    assert!(app.is_active(&http, &anew.access).await.unwrap());
}
