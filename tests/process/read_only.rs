//! The database responds but rejects writes: a full disk, a standby. The server reports it, and
//! continues what needs no write.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::process::Command;

use crate::application::Application;
use crate::installation::{Installation, is_postgres};
use crate::postgres_restart::Cluster;
use crate::server::Server;

/// The file system accepts no more data (`setrlimit(RLIMIT_FSIZE)`, with its signal ignored).
#[tokio::test]
async fn a_full_disk_is_reported() {
    if is_postgres() {
        return;
    }
    let server = Server::new(Installation::new().await);
    goes_on_without_writes(server, async |server: &Server, is_full| {
        let bytes = if is_full { "4096:" } else { "unlimited:" };
        let pid = server.pid().to_string();
        let limit =
            Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}")]).status();
        assert!(limit.await.unwrap().success());
    })
    .await;
}

/// A PostgreSQL of the test's own in read-only mode, like a standby or a demoted primary.
#[tokio::test]
async fn a_read_only_postgres_is_reported() {
    if !is_postgres() {
        return;
    }
    let cluster = Cluster::start().await;
    let server = Server::new(Installation::on_postgres(&cluster.url).await);
    goes_on_without_writes(server, async |_: &Server, is_read_only| {
        let mut connection = PgConnection::connect(&cluster.url).await.unwrap();
        let set = if is_read_only {
            "ALTER SYSTEM SET default_transaction_read_only = on"
        } else {
            "ALTER SYSTEM RESET default_transaction_read_only"
        };
        connection.execute(set).await.unwrap();
        connection.execute("SELECT pg_reload_conf()").await.unwrap();
        connection.close().await.unwrap();
    })
    .await;
}

async fn goes_on_without_writes(mut server: Server, refuse_writes: impl AsyncFn(&Server, bool)) {
    let operations = format!("127.0.0.1:{}", crate::free_port());
    server.installation.set("OPERATIONS__LISTEN", &operations);
    let serve = server.installation.command(&["serve"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" serve"]).arg(serve.as_std().get_program());
    for (name, value) in serve.as_std().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(&server.installation.directory).kill_on_drop(true);
    // A pipe, because a file would be full too.
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer);
    let read = move || BufReader::new(reader).lines().map_while(Result::ok).collect::<Vec<_>>();
    let log = std::thread::spawn(read);
    server.launch_with(command).await;
    let service = server.service("Backup").await;
    let http = crate::http();
    let status = async |path: &str| {
        http.get(format!("{}{path}", server.issuer)).send().await.unwrap().status().as_u16()
    };
    let writable = async |told: &str| {
        let metrics = http.get(format!("http://{operations}/metrics")).send().await.unwrap();
        metrics.text().await.unwrap().lines().any(|line| line == told)
    };
    crate::wait_until("writes are taken", async || status("/readyz?writes").await == 200).await;
    assert!(writable("gatewright_database_writable 1").await);

    refuse_writes(&server, true).await;
    crate::wait_until("it is told", async || status("/readyz?writes").await == 503).await;
    assert!(writable("gatewright_database_writable 0").await);
    assert_eq!((status("/readyz").await, status("/jwks").await), (200, 200));
    still_active(&server, &service).await;

    refuse_writes(&server, false).await;
    crate::wait_until("writes are taken again", async || status("/readyz?writes").await == 200)
        .await;
    server.stop().await;
    let log = log.join().unwrap();
    let log: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let error = log.iter().find(|line| {
        line["message"]
            .as_str()
            .is_some_and(|text| text.starts_with("the database accepts no writes"))
    });
    assert_eq!(error.expect("the log reports it")["level"], "ERROR");
    assert!(log.iter().any(|line| line["message"] == "the database accepts writes again"));
}

/// A token whose issue needs no write is issued, and is active.
async fn still_active(server: &Server, service: &Application) {
    let http = crate::http();
    let token = service.client_credentials(&http).await.unwrap().tokens().access;
    let introspected = http
        .post(format!("{}/introspect", server.issuer))
        .basic_auth(&service.id, Some(&service.secret))
        .form(&[("token", token.as_str())])
        .send()
        .await
        .unwrap();
    assert_eq!(introspected.json::<Value>().await.unwrap()["active"], true);
}
