//! The report: measured values beside their targets.

use std::fmt::{self, Write as _};

use crate::flush::Disk;
use crate::load::Measured;
use crate::series::Series;
use crate::{background, durable, peers, round_trips};

/// The beginnings of the titles of sections, in their order.
const ORDER: [&str; 6] = [
    "On SQLite",
    "On PostgreSQL",
    durable::TITLE,
    round_trips::TITLE,
    background::TITLE,
    peers::TITLE,
];

/// A job of the table.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    target: f64,
    /// The target for p99 at half of the throughput, in milliseconds.
    pub(crate) max_p99_ms: Option<f64>,
    /// Units of work per second.
    pub(crate) rate: Series,
    of_noop: Series,
    limit: Series,
    of_limit: Series,
    cpu: Series,
    p50: Series,
    p99: Series,
    /// At half of the rate.
    pub(crate) at_half: Option<Measured>,
    /// With one connection.
    pub(crate) alone: Option<Measured>,
    /// With four times as many connections as in the table.
    pub(crate) crowded: Option<Measured>,
}

impl Row {
    pub(crate) fn new(name: &'static str, target: f64, max_p99_ms: Option<f64>) -> Self {
        let empty = Series::default;
        Self {
            name,
            target,
            max_p99_ms,
            rate: empty(),
            of_noop: empty(),
            limit: empty(),
            of_limit: empty(),
            cpu: empty(),
            p50: empty(),
            p99: empty(),
            at_half: None,
            alone: None,
            crowded: None,
        }
    }

    /// Adds the result of a round.
    pub(crate) fn push(&mut self, noop: f64, limit: f64, measured: &Measured, cpu: f64) {
        let rate = measured.rate();
        self.rate.push(rate);
        self.of_noop.push(rate / noop);
        self.limit.push(limit);
        self.of_limit.push(rate / limit);
        self.cpu.push(cpu);
        self.p50.push(measured.percentile(0.5));
        self.p99.push(measured.percentile(0.99));
    }

    fn meets_target(&self) -> bool {
        self.of_limit.median() >= self.target
    }

    fn meets_p99(&self) -> bool {
        let p99 = self.at_half.as_ref().map_or(0.0, |half| half.percentile(0.99));
        self.max_p99_ms.is_none_or(|most| p99 <= most)
    }
}

/// Sign-ins with client credentials beside them.
#[derive(Debug, Default)]
pub(crate) struct SignIns {
    /// Raw hashes a second.
    pub(crate) hashes: Series,
    /// Sign-ins, as a share of the raw hashes.
    pub(crate) signed_in: Series,
    /// Client credentials beside them, as a share of the rate of one core.
    pub(crate) beside: Series,
    /// The memory of the server after the last round.
    pub(crate) memory_mib: f64,
}

/// The growth of the database per refresh.
#[derive(Debug)]
pub(crate) struct PerRefresh {
    /// Additional rows of `grants`, in total.
    pub(crate) grants: i64,
    /// Of the audit trail, for each refresh.
    pub(crate) audit_bytes: f64,
    /// Of the whole database, for each refresh.
    pub(crate) bytes: f64,
}

/// The cost of a job on databases of different sizes.
#[derive(Debug)]
pub(crate) struct Growth {
    pub(crate) name: &'static str,
    /// Grants, and microseconds of the server's processor.
    pub(crate) costs: Vec<(usize, Series)>,
}

impl Growth {
    fn factor(&self) -> f64 {
        let first = self.costs.first().map_or(f64::NAN, |(_, cost)| cost.median());
        self.costs.last().map_or(f64::NAN, |(_, cost)| cost.median()) / first
    }
}

/// The whole report.
#[derive(Debug)]
pub(crate) struct Report {
    postgres: bool,
    quick: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) sign_ins: Option<SignIns>,
    pub(crate) bytes_per_refresh: Option<PerRefresh>,
    /// Grants in the database, and the times to start on it, in milliseconds.
    pub(crate) ready: Vec<(usize, Series)>,
    pub(crate) growth: Vec<Growth>,
    pub(crate) disk: Option<Disk>,
    /// After the load.
    pub(crate) memory_mib: f64,
    pub(crate) binary_mib: f64,
    /// Titles and texts of other sections.
    others: Vec<(String, String)>,
}

/// Whether a target is met, in the report.
pub(crate) const fn word(is_met: bool) -> &'static str {
    if is_met { "met" } else { "**missed**" }
}

/// A job in one line, printed during the run.
pub(crate) fn line(row: &Row) -> String {
    format!(
        "{:<34} {:>8.0}/s  of its limit {} (target {:.2}, {})  of the no-op {}  {:.1} µs of processor",
        row.name,
        row.rate.median(),
        row.of_limit.spread(),
        row.target,
        word(row.meets_target()),
        row.of_noop.spread(),
        row.cpu.median(),
    )
}

impl Report {
    pub(crate) fn new(postgres: bool, quick: bool) -> Self {
        Self {
            postgres,
            quick,
            rows: Vec::new(),
            sign_ins: None,
            bytes_per_refresh: None,
            ready: Vec::new(),
            growth: Vec::new(),
            disk: None,
            others: Vec::new(),
            memory_mib: f64::NAN,
            binary_mib: f64::NAN,
        }
    }

    /// Whether the section of the database has figures.
    fn is_filled(&self) -> bool {
        !(self.rows.is_empty() && self.growth.is_empty()) || self.sign_ins.is_some()
    }

    /// The database that is measured.
    const fn database(&self) -> &'static str {
        if self.postgres { "PostgreSQL" } else { "SQLite" }
    }

    /// Adds a section.
    pub(crate) fn add(&mut self, title: &str, section: &impl fmt::Display) {
        self.others.push((title.to_owned(), section.to_string()));
    }

    /// Adds a section about this database; the other one may have its own.
    pub(crate) fn add_for_database(&mut self, title: &str, section: &impl fmt::Display) {
        self.add(&format!("{title}, on {}", self.database()), section);
    }

    /// The measured sections: titles and texts.
    fn sections(&self) -> Vec<(String, String)> {
        let mut sections = Vec::new();
        if self.is_filled() {
            let place = if self.postgres { ", on the core of the load" } else { "" };
            sections.push((format!("On {}{place}", self.database()), self.figures()));
        }
        sections.extend(self.others.iter().cloned());
        if self.quick {
            for (title, _) in &mut sections {
                title.push_str(", a quick run");
            }
        }
        sections
    }

    /// The page with these sections, which replace previous ones of the same title.
    pub(crate) fn page(&self, before: &str) -> String {
        const SECTION: &str = "\n## ";
        let mut sections: Vec<_> = before
            .split(SECTION)
            .skip(1)
            .filter_map(|section| section.split_once('\n'))
            .map(|(title, text)| (title.to_owned(), text.to_owned()))
            .collect();
        let measured = self.sections();
        sections.retain(|(title, _)| measured.iter().all(|(other, _)| other != title));
        sections.extend(measured);
        sections.sort_by_key(|(title, _)| {
            ORDER.iter().position(|start| title.starts_with(start)).unwrap_or(ORDER.len())
        });
        let mut page = include_str!("performance.md").trim_end().to_owned();
        for (title, text) in sections {
            page.push_str(&format!("\n{SECTION}{title}\n\n{}", text.trim()));
        }
        page + "\n"
    }

    /// The section of the database.
    fn figures(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.table(&mut text);
        text.push('\n');
        let _ = self.latencies(&mut text);
        text.push('\n');
        let _ = self.rest(&mut text);
        text
    }

    fn table(&self, f: &mut impl fmt::Write) -> fmt::Result {
        writeln!(
            f,
            "| job | a second | of the no-op | its limit | of its limit | target | | µs of processor |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---|---:|")?;
        for row in &self.rows {
            writeln!(
                f,
                "| {} | {:.0} | {} | {:.0} | {} | ≥ {:.2} | {} | {:.1} |",
                row.name,
                row.rate.median(),
                row.of_noop.spread(),
                row.limit.median(),
                row.of_limit.spread(),
                row.target,
                word(row.meets_target()),
                row.cpu.median(),
            )?;
        }
        Ok(())
    }

    fn latencies(&self, f: &mut impl fmt::Write) -> fmt::Result {
        writeln!(
            f,
            "| job | 1 connection: a second, p50 | 32: p50, p99 | 128: a second, p99 | at half of the throughput: p50, p99 | target | |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---|")?;
        for row in &self.rows {
            let of = |measured: &Option<Measured>, part| {
                measured.as_ref().map_or(f64::NAN, |measured| measured.percentile(part))
            };
            let rate =
                |measured: &Option<Measured>| measured.as_ref().map_or(f64::NAN, Measured::rate);
            let target =
                row.max_p99_ms.map_or("–".to_owned(), |most| format!("p99 ≤ {most:.0} ms"));
            writeln!(
                f,
                "| {} | {:.0}, {:.2} ms | {:.2}, {:.2} ms | {:.0}, {:.2} ms | {:.2}, {:.2} ms | {target} | {} |",
                row.name,
                rate(&row.alone),
                of(&row.alone, 0.5),
                row.p50.median(),
                row.p99.median(),
                rate(&row.crowded),
                of(&row.crowded, 0.99),
                of(&row.at_half, 0.5),
                of(&row.at_half, 0.99),
                if row.max_p99_ms.is_some() { word(row.meets_p99()) } else { "" },
            )?;
        }
        Ok(())
    }

    fn rest(&self, f: &mut impl fmt::Write) -> fmt::Result {
        const MOST_MIB: f64 = 40e6 / 1_048_576.0 + 19.0;
        writeln!(f, "| what | measured | target | |")?;
        writeln!(f, "|---|---:|---:|---|")?;
        if let Some(disk) = &self.disk {
            writeln!(f, "| flush of the disk after appending 4 KiB | {disk} | – | |")?;
        }
        let now = self.memory_mib;
        writeln!(
            f,
            "| memory after the load, without the pages of the database file | {now:.1} MiB | ≤ {MOST_MIB:.1} MiB | {} |",
            word(now <= MOST_MIB)
        )?;
        if let Some(sign_ins) = &self.sign_ins {
            let hashes = sign_ins.hashes.median();
            writeln!(
                f,
                "| password sign-in, as a part of raw argon2id ({hashes:.1}/s) | {} | ≥ 0.90 | {} |",
                sign_ins.signed_in.spread(),
                word(sign_ins.signed_in.median() >= 0.9)
            )?;
            writeln!(
                f,
                "| client credentials beside it, as a part of one core's | {} | ≥ 0.80 | {} |",
                sign_ins.beside.spread(),
                word(sign_ins.beside.median() >= 0.8)
            )?;
            writeln!(
                f,
                "| memory after the sign-ins, one hashing slot | {:.1} MiB | ≤ {MOST_MIB:.1} MiB | {} |",
                sign_ins.memory_mib,
                word(sign_ins.memory_mib <= MOST_MIB)
            )?;
        }
        for (grants, ready) in &self.ready {
            writeln!(
                f,
                "| ready after the start, on a database with {grants} grants | {:.0} ms ({:.0}–{:.0}) | ≤ 50 ms | {} |",
                ready.median(),
                ready.least(),
                ready.most(),
                word(ready.median() <= 50.0)
            )?;
        }
        if let Some(PerRefresh { grants, audit_bytes, bytes }) = &self.bytes_per_refresh {
            writeln!(
                f,
                "| rows that refreshing adds to `grants` | {grants} | 0 | {} |",
                word(*grants == 0)
            )?;
            writeln!(
                f,
                "| growth of the whole database for each refresh | {bytes:.0} bytes, {audit_bytes:.0} of them the audit trail | none but the audit trail | {} |",
                word(bytes - audit_bytes * 1.3 <= 16.0)
            )?;
        }
        for growth in &self.growth {
            let mut costs = String::new();
            for (size, cost) in &growth.costs {
                let _ = write!(
                    costs,
                    "{}{:.0} µs at {size}",
                    if costs.is_empty() { "" } else { ", " },
                    cost.median()
                );
            }
            let factor = growth.factor();
            writeln!(
                f,
                "| {}: cost by stored grants | {factor:.2} ({costs}) | ≤ 1.15 | {} |",
                growth.name,
                word(factor <= 1.15)
            )?;
        }
        writeln!(f, "| size of the binary | {:.1} MiB | – | |", self.binary_mib)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, text) in self.sections() {
            writeln!(f, "## {title}\n\n{}\n", text.trim())?;
        }
        Ok(())
    }
}
