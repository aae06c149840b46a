//! Races that are normal where several processes share a database: the log must not call them errors or
//! failures, because operators would stop reading those lines.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::application::Application;
use crate::browser::Browser;
use crate::installation::{Installation, is_postgres};
use crate::server::Server;
use crate::wait_until;

/// Another replica: its process, and its URL.
struct Replica {
    child: Child,
    issuer: String,
    log: std::path::PathBuf,
}

impl Replica {
    /// Starts a replica with a log file of its own.
    fn start(installation: &Installation, number: usize) -> Self {
        let port = crate::free_port();
        let log = installation.directory.join(format!("log-{number}"));
        let mut command = installation.command(&["serve"]);
        command.env("GATEWRIGHT_HTTP__LISTEN", format!("127.0.0.1:{port}"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(std::fs::File::create(&log).unwrap());
        let issuer = format!("http://localhost:{port}");
        Self { child: command.spawn().unwrap(), issuer, log }
    }

    async fn wait_until_ready(&mut self) {
        let (http, ready) = (crate::http(), format!("{}/readyz", self.issuer));
        wait_until("the replica is ready", async || {
            let ended = self.child.try_wait().unwrap();
            assert_eq!(ended, None, "it did not start: {}", self.log_text());
            http.get(&ready).send().await.is_ok_and(|response| response.status() == 200)
        })
        .await;
    }

    fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    async fn stop(mut self) {
        let id = self.child.id().unwrap().to_string();
        let kill = tokio::process::Command::new("kill").arg(&id).status().await.unwrap();
        assert!(kill.success());
        assert!(self.child.wait().await.unwrap().success());
        assert_no_errors_logged(&self.log_text());
    }
}

#[track_caller]
fn assert_no_errors_logged(log: &str) {
    let bad: Vec<_> = log
        .lines()
        .filter(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
            let message = line["message"].as_str().unwrap_or_default();
            // How long replicas wait for the one that migrates depends on the machine.
            let is_slow = message.starts_with("slow statement");
            let is_bad = line["level"] == "ERROR" || line["level"] == "WARN";
            (is_bad && !is_slow) || message.contains("failed")
        })
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// Replicas that start at once on an empty database; with SQLite, a single server.
#[tokio::test]
async fn a_concurrent_first_start_logs_no_error() {
    let mut installation = Installation::new().await;
    installation.set("ISSUER", "http://localhost:9");
    let count = if is_postgres() { 3 } else { 1 };
    let mut replicas: Vec<_> =
        (0..count).map(|number| Replica::start(&installation, number)).collect();
    for replica in &mut replicas {
        replica.wait_until_ready().await;
    }
    for replica in replicas {
        replica.stop().await;
    }
}

/// Commands during operation, keys rotated by another process, concurrent uses of one-time values,
/// conflicting names, and clients that disconnect.
#[tokio::test]
async fn concurrent_commands_and_requests_log_no_error() {
    let installation = Installation::new().await;
    let mut server = Server::start_in(installation).await;
    let mut others = Vec::new();
    if is_postgres() {
        others.push(Replica::start(&server.installation, 1));
        others[0].wait_until_ready().await;
    }
    let http = crate::http();
    let user = server.create_user("ada").await;
    let app = server.application("Photos").await;
    let service = server.service("Nightly").await;
    let issuers: Vec<_> = std::iter::once(server.issuer.clone())
        .chain(others.iter().map(|one| one.issuer.clone()))
        .collect();

    for round in 0..3 {
        let mut browser = Browser::new(&user);
        let code = app.authorize(&mut browser).await.unwrap();
        let tokens = app.redeem(&http, &code).await.unwrap().tokens();
        let mut racing = JoinSet::new();
        for n in 0..24 {
            let at = issuers[n % issuers.len()].clone();
            let (app, service) = (app.at_replica(&at), service.at_replica(&at));
            let (http, code, refresh) = (http.clone(), code.clone(), tokens.refresh.clone());
            racing.spawn(async move {
                match n % 4 {
                    0 => drop(app.refresh(&http, &refresh).await),
                    1 => drop(service.client_credentials(&http).await),
                    2 => disconnect(&at, &service).await,
                    _ if n > 20 => drop(app.redeem(&http, &code).await),
                    _ => drop(app.is_active(&http, &refresh).await),
                }
            });
        }
        let installation = &server.installation;
        let (name, same) = (format!("eve-{round}"), ["user", "create", "--username"]);
        let create = [&same[..], &[&name]].concat();
        let service_of = ["client", "disable", &service.id];
        let nightly = ["client", "create", "--name", "x", "--grant-type", "client_credentials"];
        let (force, secrets) = (["key", "rotate", "--force"], ["key", "rotate", "--secrets"]);
        let commands = tokio::join!(
            installation.run(&create),
            installation.run(&create),
            installation.run(&nightly),
            installation.run(&force),
            installation.run(&force),
            installation.run(&secrets),
            installation.run(&service_of),
        );
        let (one, other) = (commands.0.code, commands.1.code);
        assert_eq!(one + other, 65, "one of two gets the name: {commands:?}");
        while racing.join_next().await.is_some() {}
        let enabled = server.installation.run(&["client", "enable", &service.id]).await;
        assert_eq!(enabled.code, 0, "{enabled:?}");
    }

    for other in others {
        other.stop().await;
    }
    server.stop().await;
    let log = std::fs::read_to_string(server.installation.directory.join("log")).unwrap();
    assert_no_errors_logged(&log);
}

/// Requests a token and disconnects: in the middle of the head, before the body, before the response.
async fn disconnect(issuer: &str, service: &Application) {
    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD
        .encode(format!("{}:{}", service.id, service.secret));
    let body = "grant_type=client_credentials";
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {basic}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let whole = format!("{head}{body}");
    for end in [0, 1, head.len() / 2, head.len(), head.len() + 5, whole.len()] {
        let mut stream = TcpStream::connect(issuer.trim_start_matches("http://")).await.unwrap();
        stream.write_all(&whole.as_bytes()[..end]).await.unwrap();
        if end % 2 == 0 {
            // A reset instead of a close.
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
    }
}
