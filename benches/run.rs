//! A whole run: what is measured when, against what, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use gatewright::types::Algorithm;

use crate::CONNECTIONS;
use crate::jobs::{Against, Job, SigningIn};
use crate::limits::Limit;
use crate::load::{Measured, Pace, To, Worker, drive};
use crate::report::{self, Growth, Report, Row, Series, SignIns, Swept};
use crate::seed::{self, Place, Seeded, seed};
use crate::server::{CORE, Program, Server};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Three minutes instead of fifteen: fewer and shorter rounds, no more than 10⁵ grants.
    #[arg(long)]
    quick: bool,
    /// On this PostgreSQL, in databases of our own, instead of SQLite.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Only jobs whose names contain this, and nothing else.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Rounds of each job.
    #[arg(long)]
    rounds: Option<usize>,
    /// How long each measurement takes.
    #[arg(long)]
    seconds: Option<f64>,
    /// Grants in the database of the table.
    #[arg(long, default_value_t = 10_000)]
    grants: usize,
    /// Rows that live and rows that are over, where the sweep is measured; a million, or 10⁵ in a quick run.
    #[arg(long)]
    rows: Option<usize>,
    /// The production binary, for its size and its start.
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// An empty directory for databases.
    #[arg(long)]
    dir: PathBuf,
    /// Write the report, in Markdown, to this file.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

impl Options {
    fn length(&self) -> Duration {
        let default = if self.quick { 0.8 } else { 3.0 };
        Duration::from_secs_f64(self.seconds.unwrap_or(default))
    }

    fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 2 } else { 3 })
    }

    fn sizes(&self) -> &'static [usize] {
        if self.quick { &[1_000, 100_000] } else { &[1_000, 10_000, 100_000, 1_000_000] }
    }

    async fn place(&self, name: &str, algorithm: Algorithm) -> Result<Place> {
        let database = match &self.postgres {
            Some(url) => Some(database(url, name).await?),
            None => None,
        };
        Ok(Place { dir: self.dir.join(name), database, algorithm })
    }

    fn is_asked(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
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
/// When something does not work: a wrong answer is no speed.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let mut report = Report::new(options.postgres.is_some(), options.quick);
    report.binary_mib = std::fs::metadata(&options.binary)?.len() as f64 / f64::from(1 << 20);

    say("a database with 10⁴ grants");
    let place = options.place("table", Algorithm::Es256).await?;
    let seeded = seed(&place, options.grants).await?;
    let server = Server::start(&seeded.config, CORE, Program::Us).await?;
    for job in Job::ALL.into_iter().filter(|job| options.is_asked(job.name())) {
        say(job.name());
        let row = row(options, &server, &seeded, job, job.name(), job.target()).await?;
        println!("{}", report::line(&row));
        report.rows.push(row);
    }
    report.memory_mib = server.memory()?;
    server.stop()?;

    if options.is_asked("client credentials, RS256 JWT") {
        say("client credentials, RS256 JWT");
        let place = options.place("rs256", Algorithm::Rs256).await?;
        let seeded = seed(&place, 1_000).await?;
        let server = Server::start(&seeded.config, CORE, Program::Us).await?;
        let target = (Against::NoopAnd(&[Limit::SignRs256]), 0.9);
        let job = Job::ClientCredentials;
        let name = "client credentials, RS256 JWT";
        let mut row = row(options, &server, &seeded, job, name, target).await?;
        row.patience = None;
        println!("{}", report::line(&row));
        report.rows.push(row);
        server.stop()?;
    }
    if options.is_asked("password sign-in") {
        say("password sign-in, with client credentials beside");
        report.sign_ins = Some(sign_ins(options, &seeded).await?);
    }
    if options.is_asked("growth") {
        say("database growth per refresh");
        report.bytes_per_refresh = Some(bytes_per_refresh(options, &seeded).await?);
        say("start");
        report.ready = Some(ready(options, &seeded).await?);
        report.growth = growth(options).await?;
    }
    if options.is_asked("sweep") {
        report.swept = Some(sweep(options).await?);
    }
    println!("\n{report}");
    if let Some(file) = &options.write {
        let page = std::fs::read_to_string(file).unwrap_or_default();
        std::fs::write(file, report.page(&page)).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn say(what: &str) {
    eprintln!("== {what}");
}

/// One job, round by round with its no-op and what else bounds it.
async fn row(
    options: &Options,
    server: &Server,
    seeded: &Seeded,
    job: Job,
    name: &'static str,
    (against, target): (Against, f64),
) -> Result<Row> {
    let length = options.length();
    let short = length / 3;
    let mut row = Row::new(name, target, Some(job.patience()));
    let mut noop = job.noop().workers(seeded, CONNECTIONS);
    let mut workers = job.workers(seeded, CONNECTIONS);
    let mut other = match against {
        Against::Job(other) => other.workers(seeded, CONNECTIONS),
        Against::Noop | Against::NoopAnd(_) | Against::Alone(_) => Vec::new(),
    };
    drive(server.to, &mut noop, Pace::Closed, length / 6).await?;
    drive(server.to, &mut workers, Pace::Closed, job.warm_up(length / 6)).await?;
    for _ in 0..options.rounds() {
        let idle = drive(server.to, &mut noop, Pace::Closed, length).await?.rate();
        let limit = |limit: Limit| limit.measure(&seeded.config, CORE, short);
        let bound = match against {
            Against::Noop => idle,
            Against::NoopAnd(limits) => {
                let mut cost = 1.0 / idle;
                for one in limits {
                    cost += 1.0 / limit(*one)?;
                }
                1.0 / cost
            }
            Against::Alone(one) => limit(one)?,
            Against::Job(_) => drive(server.to, &mut other, Pace::Closed, length).await?.rate(),
        };
        let (measured, cpu) = costing(server, &mut workers, Pace::Closed, length).await?;
        row.push(idle, bound, &measured, cpu);
    }
    let half = Pace::Open(row.rate.median() / 2.0);
    row.at_half = Some(drive(server.to, &mut workers, half, length).await?);
    for (connections, into) in [(1, &mut row.alone), (4 * CONNECTIONS, &mut row.crowded)] {
        let mut workers = job.workers(seeded, connections);
        *into = Some(drive(server.to, &mut workers, Pace::Closed, length / 2).await?);
    }
    Ok(row)
}

/// A measurement, and the processor time of the server for each piece of work, in microseconds.
async fn costing(
    server: &Server,
    workers: &mut Vec<Worker>,
    pace: Pace,
    length: Duration,
) -> Result<(Measured, f64)> {
    let before = server.cpu()?;
    let measured = drive(server.to, workers, pace, length).await?;
    let used = server.cpu()?.saturating_sub(before);
    let cpu = used.as_secs_f64() * 1e6 / measured.done as f64;
    Ok((measured, cpu))
}

/// The server on two cores with one hashing slot: sign-ins alone would be as many as hashes; client
/// credentials are asked for beside them at a little more than they have to keep of one core's rate,
/// which is taken with the same load, one that sleeps between answers.
async fn sign_ins(options: &Options, seeded: &Seeded) -> Result<SignIns> {
    const OFFERED: f64 = 0.81;
    let length = options.length();
    let mut found = SignIns::default();
    for _ in 0..options.rounds() {
        let hashes = Limit::Argon2.measure(&seeded.config, CORE, length)?;
        let mut credentials = Job::ClientCredentials.workers(seeded, CONNECTIONS);
        let server = Server::start(&seeded.config, CORE, Program::Us).await?;
        let to = To { awake: false, ..server.to };
        drive(to, &mut credentials, Pace::Closed, length / 6).await?;
        let one_core = drive(to, &mut credentials, Pace::Closed, length).await?.rate();
        server.stop()?;

        let server = Server::start(&seeded.config, "0,1", Program::Us).await?;
        let mut people = SigningIn::all(4);
        drive(server.to, &mut people, Pace::Closed, length / 6).await?;
        let pace = Pace::Open(one_core * OFFERED);
        let (signed_in, beside) = tokio::join!(
            drive(server.to, &mut people, Pace::Closed, length),
            drive(server.to, &mut credentials, pace, length),
        );
        found.hashes.push(hashes);
        found.signed_in.push(signed_in?.rate() / hashes);
        found.beside.push(beside?.rate() / one_core);
        found.memory_mib = server.memory()?;
        server.stop()?;
    }
    Ok(found)
}

/// By how many bytes the database grows when grants are refreshed. The audit trail is told of every
/// token: that is not counted as growth of what refreshing keeps, and is told beside it.
async fn bytes_per_refresh(options: &Options, seeded: &Seeded) -> Result<report::PerRefresh> {
    let server = Server::start(&seeded.config, CORE, Program::Us).await?;
    let mut workers = Job::Refresh.workers(seeded, CONNECTIONS);
    drive(server.to, &mut workers, Pace::Closed, options.length()).await?;
    server.stop()?;
    let before = seed::size(&seeded.config).await?;
    let server = Server::start(&seeded.config, CORE, Program::Us).await?;
    let done = drive(server.to, &mut workers, Pace::Closed, options.length()).await?.done;
    server.stop()?;
    let after = seed::size(&seeded.config).await?;
    Ok(report::PerRefresh {
        grants: after.grants - before.grants,
        audit_bytes: (after.audit_bytes - before.audit_bytes) as f64 / done as f64,
        bytes: (after.bytes - before.bytes) as f64 / done as f64,
    })
}

/// How long requests wait while the sweep is at work (THREATS EX-25), beside how long they wait on the same
/// database when nothing is over: those are the pauses of the machine.
async fn sweep(options: &Options) -> Result<Swept> {
    /// Longer than a minute, so that the job of every minute is in it.
    const LENGTH: Duration = Duration::from_secs(75);
    let rows = options.rows.unwrap_or(if options.quick { 100_000 } else { 1_000_000 });
    say(&format!("the sweep, with {rows} grants that live and as many that are over"));
    let place = options.place("sweep", Algorithm::Es256).await?;
    let seeded = seed(&place, rows).await?;
    let mut refreshing = Job::Refresh.workers(&seeded, 8);
    let mut flowing = Job::CodeFlow.workers(&seeded, 8);
    let mut measure = async || -> Result<[Measured; 2]> {
        let server = Server::start(&seeded.config, CORE, Program::Us).await?;
        // Two loads at once, of which neither may keep the core from the other.
        let to = To { awake: false, ..server.to };
        let (refreshed, flowed) = tokio::join!(
            drive(to, &mut refreshing, Pace::Open(50.0), LENGTH),
            drive(to, &mut flowing, Pace::Open(20.0), LENGTH),
        );
        server.stop()?;
        Ok([refreshed?, flowed?])
    };
    let idle = measure().await?;
    seed::expire(&seeded.config, &seeded.web.id, rows).await?;
    let before = seed::over(&seeded.config).await?;
    let busy = measure().await?;
    let swept = before - seed::over(&seeded.config).await?;
    anyhow::ensure!(swept > 0, "the sweep did nothing");
    Ok(Swept { rows, swept, idle, busy })
}

/// From the start of the production binary to `/readyz`, on a database that exists, in milliseconds.
async fn ready(options: &Options, seeded: &Seeded) -> Result<Series> {
    let mut ready = Series::default();
    for _ in 0..5 * options.rounds() {
        let program = Program::Production(&options.binary);
        let server = Server::start(&seeded.config, CORE, program).await?;
        ready.push(server.ready.as_secs_f64() * 1000.0);
        server.stop()?;
    }
    Ok(ready)
}

/// The same jobs on databases of different sizes, in turn.
async fn growth(options: &Options) -> Result<Vec<Growth>> {
    let length = options.length() * 2 / 3;
    let mut found = Vec::new();
    let mut running = Vec::new();
    for size in options.sizes() {
        say(&format!("a database with {size} grants"));
        let place = options.place(&format!("growth-{size}"), Algorithm::Es256).await?;
        let seeded = seed(&place, *size).await?;
        let server = Server::start(&seeded.config, CORE, Program::Us).await?;
        running.push((*size, server, seeded));
    }
    for job in [Job::IntrospectJwt, Job::UserInfo, Job::Refresh, Job::CodeFlow] {
        say(&format!("{} on databases of different sizes", job.name()));
        let mut sizes: Vec<_> = running
            .iter()
            .map(|(size, server, seeded)| {
                (*size, server, job.workers(seeded, CONNECTIONS), Series::default())
            })
            .collect();
        for (_, server, workers, _) in &mut sizes {
            drive(server.to, workers, Pace::Closed, job.warm_up(length / 2)).await?;
        }
        for _ in 0..options.rounds() {
            for (_, server, workers, cpu) in &mut sizes {
                cpu.push(costing(server, workers, Pace::Closed, length).await?.1);
            }
        }
        let costs = sizes.into_iter().map(|(size, _, _, cpu)| (size, cpu)).collect();
        found.push(Growth { name: job.name(), costs });
    }
    for (_, server, _) in running {
        server.stop()?;
    }
    Ok(found)
}
