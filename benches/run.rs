//! A whole run: the order, the baselines and the durations of all measurements.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use gatewright::types::Algorithm;

use crate::CONNECTIONS;
use crate::background::{self, Background};
use crate::durable::{self, Durable};
use crate::flush::Disk;
use crate::jobs::{Baseline, Job};
use crate::limits::Limit;
use crate::load::{Measured, Pace, Target, Worker, drive};
use crate::peers::{self, Peers};
use crate::report::{self, Growth, Report, Row, SignIns};
use crate::round_trips::{self, RoundTrips};
use crate::seed::{self, Environment, Seeded, seed};
use crate::series::Series;
use crate::server::{CORE, Program, Server};
use crate::workers::SignInWorker;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Fewer and shorter rounds, at most 10⁵ grants.
    #[arg(long)]
    quick: bool,
    /// Use this PostgreSQL server, with databases created for the run, instead of SQLite.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Run only jobs whose names contain this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Rounds of each job.
    #[arg(long)]
    rounds: Option<usize>,
    /// The duration of each measurement.
    #[arg(long)]
    seconds: Option<f64>,
    /// Grants in the database of the table.
    #[arg(long, default_value_t = 10_000)]
    grants: usize,
    /// A further number of grants for measuring how costs grow.
    #[arg(long, value_name = "GRANTS")]
    growth: Option<usize>,
    /// The number of valid and of expired rows beside background jobs: a million, or 10⁵ in a quick run.
    #[arg(long)]
    rows: Option<usize>,
    /// The least duration of a flush, for the jobs on slow disks; may be repeated. By default 1, 2, 4 and 10 ms.
    #[arg(long, value_name = "MS", requires = "slow_flush")]
    flush: Vec<f64>,
    /// The library that slows flushes, built from slow_flush.c. Without it, the jobs on slow disks are not measured.
    #[arg(long, value_name = "FILE")]
    slow_flush: Option<PathBuf>,
    /// Only compare with the other servers in this directory, their dependencies installed.
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// The production binary, for its size and its time to start.
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: PathBuf,
    /// An empty directory for databases.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// Write the report, in Markdown, to this file.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

impl Options {
    /// The duration of each measurement.
    pub(crate) fn length(&self) -> Duration {
        let default = if self.quick { 0.8 } else { 3.0 };
        Duration::from_secs_f64(self.seconds.unwrap_or(default))
    }

    /// The rounds of each job.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 2 } else { 3 })
    }

    /// The valid rows, and as many expired ones, beside background jobs.
    pub(crate) fn rows(&self) -> usize {
        self.rows.unwrap_or(if self.quick { 100_000 } else { 1_000_000 })
    }

    /// The durations of a slow flush, in milliseconds.
    pub(crate) fn flushes(&self) -> Vec<f64> {
        if self.flush.is_empty() { vec![1.0, 2.0, 4.0, 10.0] } else { self.flush.clone() }
    }

    fn sizes(&self) -> Vec<usize> {
        let sizes = [1_000, 10_000, 100_000, 1_000_000];
        let quick = [1_000, 100_000];
        let mut sizes = if self.quick { quick.to_vec() } else { sizes.to_vec() };
        sizes.extend(self.growth);
        sizes
    }

    /// A directory and a database of this name.
    ///
    /// # Errors
    /// When the database cannot be created.
    pub(crate) async fn environment(
        &self,
        name: &str,
        algorithm: Algorithm,
    ) -> Result<Environment> {
        let database = match &self.postgres {
            Some(url) => Some(database(url, name).await?),
            None => None,
        };
        Ok(Environment { dir: self.dir.join(name), database, algorithm })
    }

    fn is_selected(&self, name: &str) -> bool {
        let Some(only) = &self.only else { return true };
        // The whole name of a job selects only this one, although the names of others may contain it.
        let is_whole = Job::ALL.iter().any(|job| job.name() == only);
        if is_whole { name == only } else { name.contains(only.as_str()) }
    }
}

/// A new database on a PostgreSQL.
async fn database(url: &str, name: &str) -> Result<String> {
    use sqlx::Connection as _;
    let mut connection = sqlx::PgConnection::connect(url).await.context("PostgreSQL")?;
    let name = format!("bench_{}", name.replace('-', "_"));
    for text in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut connection).await?;
    }
    let (server, _) = url.rsplit_once('/').context("the URL names no database")?;
    Ok(format!("{server}/{name}"))
}

/// Measures everything and prints it.
///
/// # Errors
/// When anything fails: errors must not count as throughput.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let mut report = Report::new(options.postgres.is_some(), options.quick);
    report.binary_mib = std::fs::metadata(&options.binary)?.len() as f64 / f64::from(1 << 20);

    progress("a database with 10⁴ grants");
    let environment = options.environment("table", Algorithm::Es256).await?;
    let seeded = seed(&environment, options.grants).await?;
    if let Some(dir) = &options.peers {
        progress("beside other servers");
        report.add(peers::TITLE, &Peers::measure(options, &seeded, dir).await?);
        return finish(options, &report);
    }
    if options.only.is_none() {
        progress("the disk");
        report.disk = Some(Disk::measure(&options.dir)?);
    }
    let server = Server::start(&seeded.config, CORE, Program::Bench).await?;
    for job in Job::ALL.into_iter().filter(|job| options.is_selected(job.name())) {
        progress(job.name());
        let row = row(options, &server, &seeded, job, job.name(), job.target()).await?;
        println!("{}", report::line(&row));
        report.rows.push(row);
    }
    report.memory_mib = server.memory()?;
    server.stop()?;

    if options.is_selected("client credentials, RS256 JWT") {
        progress("client credentials, RS256 JWT");
        let environment = options.environment("rs256", Algorithm::Rs256).await?;
        let seeded = seed(&environment, 1_000).await?;
        let server = Server::start(&seeded.config, CORE, Program::Bench).await?;
        let target = (Baseline::NoopAnd(&[Limit::SignRs256]), 0.9);
        let job = Job::ClientCredentials;
        let name = "client credentials, RS256 JWT";
        let mut row = row(options, &server, &seeded, job, name, target).await?;
        row.max_p99_ms = None;
        println!("{}", report::line(&row));
        report.rows.push(row);
        server.stop()?;
    }
    if options.is_selected("password sign-in") {
        progress("password sign-in, with client credentials beside");
        report.sign_ins = Some(sign_ins(options, &seeded).await?);
    }
    if options.is_selected("growth") {
        progress("database growth per refresh");
        report.bytes_per_refresh = Some(bytes_per_refresh(options, &seeded).await?);
        progress("start");
        report.ready.push((options.grants, ready(options, &seeded.config).await?));
        growth(options, &mut report).await?;
    }
    if let (Some(library), None) = (&options.slow_flush, &options.postgres)
        && options.is_selected("durable, slow disk")
    {
        progress("durable jobs, on disks of different speed");
        report.add(durable::TITLE, &Durable::measure(options, &seeded, library).await?);
    }
    if options.postgres.is_some() && options.is_selected("round trips") {
        progress("round trips");
        if let Some(counted) = RoundTrips::measure(options, &seeded).await? {
            report.add(round_trips::TITLE, &counted);
        }
    }
    if options.is_selected("background jobs, sweep") {
        report.add_for_database(background::TITLE, &Background::measure(options).await?);
    }
    finish(options, &report)
}

/// Prints the report, and writes it.
fn finish(options: &Options, report: &Report) -> Result<()> {
    println!("\n{report}");
    if let Some(file) = &options.write {
        let page = std::fs::read_to_string(file).unwrap_or_default();
        std::fs::write(file, report.page(&page)).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// Tells what is measured now.
pub(crate) fn progress(what: &str) {
    eprintln!("== {what}");
}

/// Measures one job, alternately with its no-op and its baseline.
async fn row(
    options: &Options,
    server: &Server,
    seeded: &Seeded,
    job: Job,
    name: &'static str,
    (against, target): (Baseline, f64),
) -> Result<Row> {
    let length = options.length();
    let short = length / 3;
    let mut row = Row::new(name, target, Some(job.max_p99_ms()));
    let mut noop = job.noop().workers(seeded, CONNECTIONS);
    let mut workers = job.workers(seeded, CONNECTIONS);
    let mut other = match against {
        Baseline::Job(other) => other.workers(seeded, CONNECTIONS),
        Baseline::Noop | Baseline::NoopAnd(_) | Baseline::Alone(_) => Vec::new(),
    };
    drive(server.target, &mut noop, Pace::Closed, length / 6).await?;
    drive(server.target, &mut workers, Pace::Closed, job.warm_up(length / 6)).await?;
    for _ in 0..options.rounds() {
        let idle = drive(server.target, &mut noop, Pace::Closed, length).await?.rate();
        let limit = |limit: Limit| limit.measure(&seeded.config, CORE, short);
        let bound = match against {
            Baseline::Noop => idle,
            Baseline::NoopAnd(limits) => {
                let mut cost = 1.0 / idle;
                for one in limits {
                    cost += 1.0 / limit(*one)?;
                }
                1.0 / cost
            }
            Baseline::Alone(one) => limit(one)?,
            Baseline::Job(_) => {
                drive(server.target, &mut other, Pace::Closed, length).await?.rate()
            }
        };
        let (measured, cpu) = measure_with_cpu(server, &mut workers, Pace::Closed, length).await?;
        row.push(idle, bound, &measured, cpu);
    }
    let half = Pace::Open(row.rate.median() / 2.0);
    row.at_half = Some(drive(server.target, &mut workers, half, length).await?);
    for (connections, into) in [(1, &mut row.alone), (4 * CONNECTIONS, &mut row.crowded)] {
        let mut workers = job.workers(seeded, connections);
        *into = Some(drive(server.target, &mut workers, Pace::Closed, length / 2).await?);
    }
    Ok(row)
}

/// A measurement, and the processor time of the server per unit of work, in microseconds.
async fn measure_with_cpu(
    server: &Server,
    workers: &mut Vec<Worker>,
    pace: Pace,
    length: Duration,
) -> Result<(Measured, f64)> {
    let before = server.cpu()?;
    let measured = drive(server.target, workers, pace, length).await?;
    let used = server.cpu()?.saturating_sub(before);
    let cpu = used.as_secs_f64() * 1e6 / measured.done as f64;
    Ok((measured, cpu))
}

/// Sign-ins and client credentials at once, on two cores with one hashing slot. Client credentials are requested slightly
/// faster than the target share of the rate of one core, which is measured with the same load generator, sleeping
/// between responses.
async fn sign_ins(options: &Options, seeded: &Seeded) -> Result<SignIns> {
    const OFFERED: f64 = 0.81;
    let length = options.length();
    let mut result = SignIns::default();
    for _ in 0..options.rounds() {
        let hashes = Limit::Argon2.measure(&seeded.config, CORE, length)?;
        let mut credentials = Job::ClientCredentials.workers(seeded, CONNECTIONS);
        let server = Server::start(&seeded.config, CORE, Program::Bench).await?;
        let target = Target { busy_waits: false, ..server.target };
        drive(target, &mut credentials, Pace::Closed, length / 6).await?;
        let one_core = drive(target, &mut credentials, Pace::Closed, length).await?.rate();
        server.stop()?;

        let server = Server::start(&seeded.config, "0,1", Program::Bench).await?;
        let mut browsers = SignInWorker::all(4);
        drive(server.target, &mut browsers, Pace::Closed, length / 6).await?;
        let pace = Pace::Open(one_core * OFFERED);
        let (signed_in, beside) = tokio::join!(
            drive(server.target, &mut browsers, Pace::Closed, length),
            drive(server.target, &mut credentials, pace, length),
        );
        result.hashes.push(hashes);
        result.signed_in.push(signed_in?.rate() / hashes);
        result.beside.push(beside?.rate() / one_core);
        result.memory_mib = server.memory()?;
        server.stop()?;
    }
    Ok(result)
}

/// The growth of the database per refresh. The audit trail grows with every token, so its share is reported separately.
async fn bytes_per_refresh(options: &Options, seeded: &Seeded) -> Result<report::PerRefresh> {
    let server = Server::start(&seeded.config, CORE, Program::Bench).await?;
    let mut workers = Job::Refresh.workers(seeded, CONNECTIONS);
    drive(server.target, &mut workers, Pace::Closed, options.length()).await?;
    server.stop()?;
    let before = seed::size(&seeded.config).await?;
    let server = Server::start(&seeded.config, CORE, Program::Bench).await?;
    let done = drive(server.target, &mut workers, Pace::Closed, options.length()).await?.done;
    server.stop()?;
    let after = seed::size(&seeded.config).await?;
    Ok(report::PerRefresh {
        grants: after.grants - before.grants,
        audit_bytes: (after.audit_bytes - before.audit_bytes) as f64 / done as f64,
        bytes: (after.bytes - before.bytes) as f64 / done as f64,
    })
}

/// The time from the start of the production binary until `/readyz` is 200, on an existing database, in milliseconds.
async fn ready(options: &Options, config: &Path) -> Result<Series> {
    let mut ready = Series::default();
    for _ in 0..5 * options.rounds() {
        let program = Program::Production(&options.binary);
        let server = Server::start(config, CORE, program).await?;
        ready.push(server.ready.as_secs_f64() * 1000.0);
        server.stop()?;
    }
    Ok(ready)
}

/// The same jobs on databases of different sizes, alternately; and the start on the largest.
async fn growth(options: &Options, report: &mut Report) -> Result<()> {
    let length = options.length() * 2 / 3;
    let mut running = Vec::new();
    for size in options.sizes() {
        progress(&format!("a database with {size} grants"));
        let environment = options.environment(&format!("growth-{size}"), Algorithm::Es256).await?;
        let seeded = seed(&environment, size).await?;
        let server = Server::start(&seeded.config, CORE, Program::Bench).await?;
        running.push((size, server, seeded));
    }
    for job in [Job::IntrospectJwt, Job::UserInfo, Job::Refresh, Job::CodeFlow] {
        progress(&format!("{} on databases of different sizes", job.name()));
        let mut sizes: Vec<_> = running
            .iter()
            .map(|(size, server, seeded)| {
                (*size, server, job.workers(seeded, CONNECTIONS), Series::default())
            })
            .collect();
        for (_, server, workers, _) in &mut sizes {
            drive(server.target, workers, Pace::Closed, job.warm_up(length / 2)).await?;
        }
        for _ in 0..options.rounds() {
            for (_, server, workers, cpu) in &mut sizes {
                cpu.push(measure_with_cpu(server, workers, Pace::Closed, length).await?.1);
            }
        }
        let costs = sizes.into_iter().map(|(size, _, _, cpu)| (size, cpu)).collect();
        report.growth.push(Growth { name: job.name(), costs });
    }
    let mut largest = None;
    for (size, server, seeded) in running {
        server.stop()?;
        largest = Some((size, seeded.config));
    }
    if let Some((size, config)) = largest {
        progress(&format!("start with {size} grants"));
        report.ready.push((size, ready(options, &config).await?));
    }
    Ok(())
}
