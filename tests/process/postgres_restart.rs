//! PostgreSQL stops under load, and comes back. It is a PostgreSQL of the test's own, whatever database
//! the other tests use.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::task::{JoinSet, LocalSet};

use crate::application::{RequestError, Response};
use crate::directory;
use crate::installation::Installation;
use crate::load::{Client, Rng, Service, retry_while_unavailable};
use crate::server::Server;

/// A PostgreSQL server that is removed with the test.
pub(crate) struct Cluster {
    directory: PathBuf,
    pub(crate) url: String,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let directory = directory("postgres");
        let url = postgres("start", &directory, None).await;
        Self { directory, url }
    }

    /// Stops all of its processes by a signal, without closing connections.
    pub(crate) fn freeze(&self) -> Frozen {
        let file = std::fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap();
        let postmaster = file.lines().next().unwrap().to_owned();
        // The postmaster first, so that it starts no other process.
        let mut frozen = Frozen { processes: vec![postmaster.clone()] };
        signal("STOP", &frozen.processes);
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &postmaster]).output();
        let children = String::from_utf8(children.unwrap().stdout).unwrap();
        let children: Vec<_> = children.split_whitespace().map(str::to_owned).collect();
        signal("STOP", &children);
        frozen.processes.extend(children);
        frozen
    }

    async fn run(&self, what: &'static str, mode: Option<&'static str>) {
        postgres(what, &self.directory, mode).await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // If that fails, the directory is kept for analysis.
        if run("stop", &self.directory, Some("immediate")).is_ok() {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// A cluster that is stopped until this is dropped.
pub(crate) struct Frozen {
    processes: Vec<String>,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("CONT", &self.processes);
    }
}

fn signal(name: &str, processes: &[String]) {
    // A process that has ended meanwhile needs no signal.
    let _ = Command::new("kill").arg(format!("-{name}")).args(processes).status();
}

async fn postgres(what: &'static str, directory: &Path, mode: Option<&'static str>) -> String {
    let directory = directory.to_owned();
    let ran = tokio::task::spawn_blocking(move || run(what, &directory, mode));
    ran.await.unwrap().unwrap()
}

fn run(what: &str, directory: &Path, mode: Option<&str>) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres");
    let output = Command::new(script).arg(what).arg(directory).args(mode).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// The results of one client.
#[derive(Default)]
struct Tally {
    done: AtomicU64,
    busy: AtomicU64,
}

impl Tally {
    /// Works until it is over. Only successes and 503 with `Retry-After` are accepted, and connections
    /// to the server, which keeps running, must not break.
    async fn work(
        &self,
        over: &AtomicBool,
        mut step: impl AsyncFnMut() -> Result<(), RequestError>,
    ) {
        while !over.load(Ordering::SeqCst) {
            let worked = retry_while_unavailable(async || {
                let worked = step().await;
                if matches!(worked, Err(RequestError::Unavailable)) {
                    self.busy.fetch_add(1, Ordering::SeqCst);
                }
                worked
            });
            worked.await.unwrap();
            self.done.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// THREATS RT-06, DB-01, DB-03, DB-06: refreshes and client credentials requests succeed or get 503
/// with `Retry-After`; no grant is lost; the server recovers by itself.
#[tokio::test]
async fn a_restart_of_postgres_loses_no_grant_and_the_server_recovers() {
    LocalSet::new().run_until(restart_under_load()).await;
}

async fn restart_under_load() {
    let cluster = Cluster::start().await;
    let mut installation = Installation::on_postgres(&cluster.url).await;
    installation.set("TOKENS__REFRESH_GRACE", "60");
    installation.set("DATABASE__ACQUIRE_TIMEOUT", "1");
    let mut server = Server::start_in(installation).await;
    let photos = server.application("Photos").await;
    let backup = server.service("Backup").await;
    let over = Arc::new(AtomicBool::new(false));
    let (mut people, mut machines) = (JoinSet::new(), JoinSet::new());
    let mut tallies = Vec::new();
    for number in 0..4 {
        let user = server.create_user(&format!("person{number}")).await;
        let mut client = Client::new(&photos, &user, Rng::new(number));
        retry_while_unavailable(async || client.ensure_grant().await).await.unwrap();
        let (over, tally) = (over.clone(), Arc::new(Tally::default()));
        tallies.push(tally.clone());
        people.spawn_local(async move {
            tally.work(&over, async || client.refresh_current().await).await;
            client
        });
    }
    for _ in 0..2 {
        let mut service = Service::new(&backup);
        let (over, tally) = (over.clone(), Arc::new(Tally::default()));
        tallies.push(tally.clone());
        machines.spawn_local(async move { tally.work(&over, async || service.step().await).await });
    }
    let everybody_goes_on = async || {
        let before: Vec<_> =
            tallies.iter().map(|tally| tally.done.load(Ordering::SeqCst)).collect();
        crate::wait_until("every client gets responses", async || {
            let now = tallies.iter().map(|tally| tally.done.load(Ordering::SeqCst));
            now.zip(&before).all(|(now, before)| now >= before + 10)
        })
        .await;
    };

    everybody_goes_on().await;
    for mode in ["immediate", "fast", "immediate"] {
        cluster.run("restart", Some(mode)).await;
        everybody_goes_on().await;
    }
    // For longer, until the server is not ready.
    cluster.run("stop", Some("fast")).await;
    crate::wait_until("the server is not ready", async || {
        status_of(&server, "/readyz").await.is_none()
    })
    .await;
    assert_eq!(status_of(&server, "/healthz").await, Some(200), "a restart is not needed");
    cluster.run("start", None).await;
    crate::wait_until("the server is ready again", async || {
        status_of(&server, "/readyz").await == Some(200)
    })
    .await;
    everybody_goes_on().await;

    over.store(true, Ordering::SeqCst);
    for mut client in people.join_all().await {
        retry_while_unavailable(async || client.refresh_current().await).await.unwrap();
    }
    machines.join_all().await;
    let busy: u64 = tallies.iter().map(|tally| tally.busy.load(Ordering::SeqCst)).sum();
    assert!(busy > 0, "the restarts were noticed");
    server.stop().await;
}

/// The status; none for a 503.
async fn status_of(server: &Server, path: &str) -> Option<u16> {
    let request = crate::http().get(format!("{}{path}", server.issuer));
    match Response::send(request).await {
        Ok(response) => Some(response.status),
        Err(RequestError::Unavailable) => None,
        Err(RequestError::ConnectionLost(error)) => panic!("{error:?}"),
    }
}
