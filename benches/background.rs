//! Latencies while every background job runs: the clean-up of a million expired rows (THREATS EX-25), rotations of the
//! signing keys, the census of certificates, and all others.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gatewright::types::Algorithm;
use tokio::time::sleep;

use crate::jobs::Job;
use crate::load::{Measured, Pace, Target, Worker, drive};
use crate::report::word;
use crate::run::{Options, progress};
use crate::seed::{self, Seeded, seed};
use crate::server::{self, CORE, Program, Server};
use crate::{CONNECTIONS, limits};

/// Longer than a minute, the longest period of a job.
const WINDOW: Duration = Duration::from_secs(75);

/// Before each window.
const WARM_UP: Duration = Duration::from_secs(3);

/// The time between two rotations of all signing keys, by the job that rotates them. It runs every 20 seconds.
const ROTATION: Duration = Duration::from_secs(20);

/// The jobs that every window must contain. `acme` runs only if it is configured.
const EVERY: [&str; 11] = [
    "sweep",
    "keys",
    "certificates",
    "writes",
    "revocation",
    "trust",
    "tls",
    "staple",
    "outbox",
    "sightings",
    "confirm",
];

const TARGET_MS: f64 = 40.0;

const LONGEST_MS: f64 = 50.0;

/// The title of the section.
pub(crate) const TITLE: &str = "With every background job at once";

/// The section of the report.
#[derive(Debug)]
pub(crate) struct Background {
    /// The valid grants; as many sessions, grants and codes were expired.
    rows: usize,
    certificates: usize,
    /// The rows that were deleted meanwhile.
    swept: i64,
    /// How often each job ran.
    ran: BTreeMap<String, u64>,
    /// Of refreshes and code flows, at half of the throughput.
    rates: [f64; 2],
    /// Without expired rows and rotations.
    idle: [Measured; 2],
    /// With all of them.
    busy: [Measured; 2],
}

impl Background {
    /// Measures both jobs at once, each at a quarter of its throughput.
    ///
    /// # Errors
    /// When anything fails, or a job did not run.
    pub(crate) async fn measure(options: &Options) -> Result<Self> {
        let rows = options.rows();
        let certificates = rows / 10;
        progress(&format!("background jobs, with {rows} valid grants and as many expired ones"));
        let environment = options.environment("jobs", Algorithm::Es256).await?;
        let seeded = seed(&environment, rows).await?;
        seed::insert_certificates(&seeded.config, certificates).await?;

        let rates = quarters(options, &seeded).await?;
        let mut load = Load {
            refresh: Job::Refresh.workers(&seeded, CONNECTIONS / 2),
            flow: Job::CodeFlow.workers(&seeded, CONNECTIONS / 2),
            rates,
        };
        let (idle, _) = load.window(&seeded.config, async || Ok(())).await?;

        seed::insert_expired(&seeded.config, &seeded.web.credentials.id, rows).await?;
        let before = seed::count_expired(&seeded.config).await?;
        let store = limits::open(&seeded.config).await?;
        let keys_before = keys(&store).await?;
        let disturb = async || -> Result<()> {
            let mut since = ROTATION;
            loop {
                run_leased_jobs_again(&store).await?;
                if since >= ROTATION {
                    make_keys_due(&store).await?;
                    since = Duration::ZERO;
                }
                sleep(AGAIN).await;
                since += AGAIN;
            }
        };
        let (busy, ran) = load.window(&seeded.config, disturb).await?;
        let rotated = keys(&store).await? - keys_before;
        ensure!(rotated > 0, "no key was rotated");
        store.close().await;
        let swept = before - seed::count_expired(&seeded.config).await?;
        ensure!(swept > 0, "the clean-up deleted nothing");
        for job in EVERY {
            ensure!(ran.get(job).is_some_and(|times| *times > 0), "the job {job} did not run");
        }
        Ok(Self { rows, certificates, swept, ran, rates, idle, busy })
    }
}

/// A quarter of the throughput of each job.
async fn quarters(options: &Options, seeded: &Seeded) -> Result<[f64; 2]> {
    let server = Server::start(&seeded.config, CORE, Program::Bench).await?;
    let mut rates = [0.0; 2];
    for (job, rate) in [Job::Refresh, Job::CodeFlow].into_iter().zip(&mut rates) {
        let mut workers = job.workers(seeded, CONNECTIONS);
        let warm_up = job.warm_up(options.length() / 2);
        drive(server.target, &mut workers, Pace::Closed, warm_up).await?;
        *rate =
            drive(server.target, &mut workers, Pace::Closed, options.length()).await?.rate() / 4.0;
    }
    server.stop()?;
    Ok(rates)
}

/// Refreshes and code flows at once.
struct Load {
    refresh: Vec<Worker>,
    flow: Vec<Worker>,
    rates: [f64; 2],
}

impl Load {
    /// The latencies during a window in which `disturb` runs as well, and how often each job ran.
    async fn window(
        &mut self,
        config: &Path,
        disturb: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<([Measured; 2], BTreeMap<String, u64>)> {
        let server = Server::start(config, CORE, Program::Bench).await?;
        let operations = server.operations.context("the server has no operations listener")?;
        // Two loads at once: neither may busy-wait.
        let target = Target { busy_waits: false, ..server.target };
        let [refresh, flow] = self.rates.map(Pace::Open);
        // The first requests prepare statements and fill caches.
        for (workers, pace) in [(&mut self.refresh, refresh), (&mut self.flow, flow)] {
            drive(target, workers, pace, WARM_UP).await?;
        }
        let before = jobs(operations).await?;
        let disturb = async {
            match tokio::time::timeout(WINDOW, disturb()).await {
                Ok(ended) => ended,
                Err(_) => Ok(()),
            }
        };
        let (refreshed, flowed, disturbed) = tokio::join!(
            drive(target, &mut self.refresh, refresh, WINDOW),
            drive(target, &mut self.flow, flow, WINDOW),
            disturb,
        );
        disturbed?;
        let mut ran = jobs(operations).await?;
        for (job, times) in &mut ran {
            *times -= before.get(job).copied().unwrap_or_default();
        }
        server.stop()?;
        Ok(([refreshed?, flowed?], ran))
    }
}

/// How often leased jobs are due again.
const AGAIN: Duration = Duration::from_secs(5);

/// Jobs of which one replica runs at a time have a period of a minute, and ask for their lease every 20 seconds: makes
/// them run each time that they ask.
async fn run_leased_jobs_again(store: &gatewright::store::Store) -> Result<()> {
    gatewright::store::sql("UPDATE jobs SET ran_at = NULL").execute(store.db()).await?;
    Ok(())
}

/// Makes all signing keys a year older, so that the next run of the job rotates them.
async fn make_keys_due(store: &gatewright::store::Store) -> Result<()> {
    gatewright::store::sql(
        "UPDATE signing_keys SET published_at = published_at - 31536000, activated_at = activated_at - 31536000
          WHERE retiring_at IS NULL",
    )
    .execute(store.db())
    .await?;
    Ok(())
}

/// The number of signing keys that were ever created.
async fn keys(store: &gatewright::store::Store) -> Result<usize> {
    let rows: Vec<(String,)> =
        gatewright::store::sql("SELECT id FROM signing_keys").fetch_all(store.db()).await?;
    Ok(rows.len())
}

/// How often each job has run, from the metrics of the server; failures are counted as `sweep (failed)`.
async fn jobs(operations: SocketAddr) -> Result<BTreeMap<String, u64>> {
    let metrics = server::get(operations, "/metrics").await.context("there are no metrics")?;
    let mut ran = BTreeMap::new();
    for line in metrics.lines() {
        let Some(line) = line.strip_prefix("gatewright_jobs_total{job=\"") else {
            continue;
        };
        let (job, rest) = line.split_once('"').context("a metric without a job")?;
        let (labels, times) = rest.split_once("} ").context("a metric without a value")?;
        let failed = if labels.contains("failure") { " (failed)" } else { "" };
        ran.insert(format!("{job}{failed}"), times.trim().parse()?);
    }
    Ok(ran)
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, certificates, swept, ran, rates: [refreshes, flows], idle, busy } = self;
        let ran: Vec<_> = ran.iter().map(|(job, times)| format!("`{job}` {times}")).collect();
        writeln!(
            f,
            "{} seconds of an open loop at half of the throughput: {refreshes:.0} refreshes and {flows:.0} code flows a second at once, on \
             {rows} grants and {certificates} certificates, while {swept} expired rows were deleted, all signing keys \
             were rotated every {} seconds, and the jobs ran: {}.\n",
            WINDOW.as_secs(),
            ROTATION.as_secs(),
            ran.join(", "),
        )?;
        writeln!(
            f,
            "| job | p50 | p99 | target | | longest | target | | without expired rows and rotations: p99, longest |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---|---:|---:|---|---:|")?;
        let names = [Job::Refresh, Job::CodeFlow].map(Job::name);
        for ((name, idle), busy) in names.into_iter().zip(idle).zip(busy) {
            let (p99, longest) = (busy.percentile(0.99), busy.longest());
            writeln!(
                f,
                "| {name} | {:.2} ms | {p99:.1} ms | ≤ {TARGET_MS:.0} ms | {} | {longest:.0} ms | ≤ {LONGEST_MS:.0} ms | {} | {:.1}, {:.0} ms |",
                busy.percentile(0.5),
                word(p99 <= TARGET_MS),
                word(longest <= LONGEST_MS),
                idle.percentile(0.99),
                idle.longest(),
            )?;
        }
        Ok(())
    }
}
