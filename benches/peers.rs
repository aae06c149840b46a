//! Other servers in the same role, on the same core and with the same load: node-oidc-provider, which keeps everything
//! in memory.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::CONNECTIONS;
use crate::jobs::Job;
use crate::load::{Pace, Target, drive};
use crate::report::word;
use crate::run::Options;
use crate::seed::{Application, Credentials, Seeded};
use crate::series::Series;
use crate::server::{CORE, Program, Server};

/// The jobs, and how many times as fast this server must be.
const JOBS: [(Job, f64); 2] = [(Job::CodeFlow, 1.5), (Job::Refresh, 3.0)];

/// The title of the section.
pub(crate) const TITLE: &str = "Beside an in-memory node-oidc-provider";

/// The section of the report.
#[derive(Debug)]
pub(crate) struct Peers {
    /// That of the library, and that of Node.js.
    versions: [String; 2],
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    target: f64,
    /// Units of work per second.
    rate: Series,
    /// The same of the peer.
    peer: Series,
    ratio: Series,
}

impl Peers {
    /// Measures both alternately. `dir` is the one with provider.mjs.
    ///
    /// # Errors
    /// When anything fails.
    pub(crate) async fn measure(options: &Options, seeded: &Seeded, dir: &Path) -> Result<Self> {
        let length = options.length();
        let server = Server::start(&seeded.config, CORE, Program::Bench).await?;
        let peer = Peer::start(dir, &options.dir.join("peer"), server.target).await?;
        let mut rows = Vec::new();
        for (job, target) in JOBS {
            let mut own = job.workers(seeded, CONNECTIONS);
            let mut theirs = job.workers_of(&peer.application, CONNECTIONS);
            drive(server.target, &mut own, Pace::Closed, job.warm_up(length)).await?;
            // Node.js compiles what runs often.
            drive(peer.target, &mut theirs, Pace::Closed, job.warm_up(length)).await?;
            let mut row = Row::new(job.name(), target);
            for _ in 0..options.rounds() {
                let rate = drive(server.target, &mut own, Pace::Closed, length).await?.rate();
                let peer = drive(peer.target, &mut theirs, Pace::Closed, length).await?.rate();
                row.rate.push(rate);
                row.peer.push(peer);
                row.ratio.push(rate / peer);
            }
            println!("{row}");
            rows.push(row);
        }
        server.stop()?;
        Ok(Self { versions: peer.versions.clone(), rows })
    }
}

impl Row {
    fn new(name: &'static str, target: f64) -> Self {
        let empty = Series::default;
        Self { name, target, rate: empty(), peer: empty(), ratio: empty() }
    }
}

/// A running node-oidc-provider.
struct Peer {
    child: Child,
    target: Target,
    versions: [String; 2],
    application: Application,
}

/// What provider.mjs writes when it is ready.
#[derive(Deserialize)]
struct Ready {
    version: String,
    node: String,
    port: u16,
    client_id: String,
    client_secret: String,
    session_cookie: String,
    cookies: Vec<String>,
    refresh: Vec<String>,
}

impl Peer {
    /// Starts it on the core of the server. `like` is the target of the server.
    async fn start(dir: &Path, file: &Path, like: Target) -> Result<Self> {
        let script = dir.join("provider.mjs");
        // The Node.js that is installed with it, where there is one for this platform.
        let own = dir.join("node_modules/.bin/node");
        let node = if own.exists() { own } else { PathBuf::from("node") };
        let mut child = Command::new("taskset")
            .args(["-c", CORE])
            .args([&node, &script])
            .arg(file)
            .env("NODE_ENV", "production")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .context("taskset (util-linux) is required to pin a process to a core")?;
        let begun = Instant::now();
        while !file.exists() {
            ensure!(child.try_wait()?.is_none(), "{} ended", script.display());
            ensure!(begun.elapsed() < Duration::from_secs(30), "the peer does not become ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ready: Ready = serde_json::from_slice(&std::fs::read(file)?)?;
        Ok(Self {
            child,
            target: Target { address: ([127, 0, 0, 1], ready.port).into(), ..like },
            versions: [ready.version, ready.node],
            application: Application {
                credentials: Credentials { id: ready.client_id, secret: ready.client_secret },
                session_cookie: ready.session_cookie,
                cookies: ready.cookies,
                refresh: Rc::new(RefCell::new(ready.refresh)),
            },
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It keeps nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| {} | {:.0} | {:.0} | {} | ≥ {} | {} |",
            self.name,
            self.rate.median(),
            self.peer.median(),
            self.ratio.spread(),
            self.target,
            word(self.ratio.median() >= self.target),
        )
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [version, node] = &self.versions;
        writeln!(
            f,
            "oidc-provider {version} on Node.js {node} keeps everything in memory and loses it when it stops; Gatewright flushes every change to \
             its SQLite database before it responds. Both on the same core, in alternating rounds, 32 connections.\n"
        )?;
        writeln!(f, "| job | a second | the peer's | ratio | target | |")?;
        writeln!(f, "|---|---:|---:|---:|---:|---|")?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}
