//! Jobs that are durable before they are answered, on disks of different speed.

use std::fmt;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::CONNECTIONS;
use crate::flush::{Disk, SlowFlush};
use crate::jobs::Job;
use crate::load::{Pace, drive};
use crate::report::word;
use crate::run::Options;
use crate::seed::Seeded;
use crate::series::Series;
use crate::server::{CORE, Program, Server};

/// The jobs, and how many a second they must reach where a flush takes [`TARGET_MS`].
const JOBS: [(Job, f64); 2] = [(Job::CodeFlow, 1_500.0), (Job::Refresh, 4_000.0)];

const TARGET_MS: f64 = 2.0;

/// The title of the section.
pub(crate) const TITLE: &str = "Durable jobs by the time of a flush";

/// The section of the report.
#[derive(Debug)]
pub(crate) struct Durable {
    disk: Disk,
    rows: Vec<Row>,
}

/// A job with flushes of one duration.
#[derive(Debug)]
struct Row {
    name: &'static str,
    target: f64,
    /// The least duration of a flush, in milliseconds; 0: that of the disk.
    shortest_ms: f64,
    /// The mean duration of a flush of the server.
    flush_ms: f64,
    /// Flushes per unit of work.
    flushes: f64,
    rate: Series,
    p50: Series,
    p99: Series,
}

impl Durable {
    /// Measures the jobs on the disk as it is, and with slower flushes. `library` is built from slow_flush.c.
    ///
    /// # Errors
    /// When anything fails.
    pub(crate) async fn measure(
        options: &Options,
        seeded: &Seeded,
        library: &Path,
    ) -> Result<Self> {
        let mut measured = Self { disk: Disk::measure(&options.dir)?, rows: Vec::new() };
        for shortest_ms in std::iter::once(0.0).chain(options.flushes()) {
            let slow = SlowFlush::new(library, &options.dir, shortest_ms)?;
            let server =
                Server::start_slow(&seeded.config, CORE, Program::Bench, Some(&slow)).await?;
            for (job, target) in JOBS {
                let row = Row::measure(options, &server, seeded, &slow, job, target).await?;
                println!("{row}");
                measured.rows.push(row);
            }
            server.stop()?;
        }
        Ok(measured)
    }
}

impl Row {
    async fn measure(
        options: &Options,
        server: &Server,
        seeded: &Seeded,
        slow: &SlowFlush,
        job: Job,
        target: f64,
    ) -> Result<Self> {
        let length = options.length();
        let mut workers = job.workers(seeded, CONNECTIONS);
        drive(server.target, &mut workers, Pace::Closed, job.warm_up(length / 2)).await?;
        let (mut rate, mut p50, mut p99) =
            (Series::default(), Series::default(), Series::default());
        let (mut done, before) = (0, slow.counts()?);
        for _ in 0..options.rounds() {
            let measured = drive(server.target, &mut workers, Pace::Closed, length).await?;
            done += measured.done;
            rate.push(measured.rate());
            p50.push(measured.percentile(0.5));
            p99.push(measured.percentile(0.99));
        }
        let after = slow.counts()?;
        let flushes = (after.flushes - before.flushes) as f64;
        ensure!(flushes > 0.0, "the server did not flush: the library is not loaded");
        let flush_ms = (after.nanoseconds - before.nanoseconds) as f64 / flushes / 1e6;
        let flushes = flushes / done as f64;
        let (name, shortest_ms) = (job.name(), slow.shortest_ms);
        Ok(Self { name, target, shortest_ms, flush_ms, flushes, rate, p50, p99 })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.rate.median();
        let is_slowed = self.shortest_ms > 0.0;
        let flush =
            if is_slowed { format!("≥ {} ms", self.shortest_ms) } else { "the disk's".into() };
        let (target, verdict) = if self.shortest_ms == TARGET_MS {
            (format!("≥ {} a second", self.target), word(rate >= self.target))
        } else {
            ("–".to_owned(), "")
        };
        write!(
            f,
            "| {} | {flush} | {:.2} ms | {rate:.0} | {:.2}, {:.2} ms | {:.2} | {:.1} | {target} | {verdict} |",
            self.name,
            self.flush_ms,
            self.p50.median(),
            self.p99.median(),
            self.flushes,
            rate * self.flush_ms / 1000.0,
        )
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "A flush of this disk after 4 KiB were appended: {}.\n", self.disk)?;
        writeln!(
            f,
            "| job | flush | mean | a second | p50, p99 | flushes each | done in the time of a flush | target | |"
        )?;
        writeln!(f, "|---|---|---:|---:|---:|---:|---:|---:|---|")?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}
