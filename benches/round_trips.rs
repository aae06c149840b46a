//! What each job asks of PostgreSQL: round trips, and rows that it locks.
//!
//! These decide how far replicas scale on one database, and do not depend on the machine.

use std::fmt;

use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::CONNECTIONS;
use crate::jobs::Job;
use crate::load::{Pace, drive};
use crate::report::word;
use crate::run::{Options, progress};
use crate::seed::Seeded;
use crate::server::{self, CORE, Program, Server};

const JOBS: [Job; 7] = [
    Job::ClientCredentials,
    Job::DpopClientCredentials,
    Job::IntrospectJwt,
    Job::IntrospectOpaque,
    Job::UserInfo,
    Job::Refresh,
    Job::CodeFlow,
];

/// The most round trips of a code flow.
const TARGET: f64 = 3.0;

/// The title of the section.
pub(crate) const TITLE: &str = "What a job asks of PostgreSQL";

/// The section of the report.
#[derive(Debug, Default)]
pub(crate) struct RoundTrips(Vec<Row>);

/// A job; figures are per unit of work.
#[derive(Debug)]
struct Row {
    name: &'static str,
    /// Statements that the server sent, `BEGIN` and `COMMIT` included. The driver does not pipeline, and statements are
    /// prepared once: each is a round trip.
    statements: f64,
    commits: f64,
    /// Rows that were updated or deleted.
    changed: f64,
    /// Rows that were locked because a foreign key refers to them.
    referenced: f64,
}

/// What the database has counted so far.
#[derive(Debug, sqlx_macros::FromRow)]
struct Counts {
    statements: f64,
    commits: f64,
    referenced: f64,
}

impl RoundTrips {
    /// Counts them. `None`: this PostgreSQL does not have pg_stat_statements.
    ///
    /// # Errors
    /// When anything else fails.
    pub(crate) async fn measure(options: &Options, seeded: &Seeded) -> Result<Option<Self>> {
        let url = server::load(&seeded.config)?.database.url;
        let mut database = PgConnection::connect(url.0.expose()).await?;
        let extension = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements";
        if sqlx::query(extension).execute(&mut database).await.is_err() {
            return Ok(None);
        }
        // Nested statements too: the checks of foreign keys.
        set_tracking(&mut database, "'all'").await?;
        let mut rows = Vec::new();
        for job in JOBS {
            progress(job.name());
            let changed = changed_rows(&mut database).await?;
            let server = Server::start(&seeded.config, CORE, Program::Bench).await?;
            let mut workers = job.workers(seeded, CONNECTIONS);
            let (length, warm_up) = (options.length(), job.warm_up(options.length()));
            // Until then the server reads each client once.
            let warm_up = drive(server.target, &mut workers, Pace::Closed, warm_up).await?.done;
            let before = Counts::read(&mut database).await?;
            let done = drive(server.target, &mut workers, Pace::Closed, length).await?.done;
            let after = Counts::read(&mut database).await?;
            // A connection reports the rows that it has changed when it is closed, at the latest.
            server.stop()?;
            let changed = changed_rows(&mut database).await? - changed;
            let each = done as f64;
            rows.push(Row {
                name: job.name(),
                statements: (after.statements - before.statements) / each,
                commits: (after.commits - before.commits) / each,
                changed: changed / (warm_up + done) as f64,
                referenced: (after.referenced - before.referenced) / each,
            });
        }
        set_tracking(&mut database, "DEFAULT").await?;
        Ok(Some(Self(rows)))
    }
}

/// Sets which statements are counted, for connections that are opened from now on.
async fn set_tracking(database: &mut PgConnection, value: &str) -> Result<()> {
    let name: String =
        sqlx::query_scalar("SELECT current_database()::TEXT").fetch_one(&mut *database).await?;
    let text = format!("ALTER DATABASE \"{name}\" SET pg_stat_statements.track = {value}");
    sqlx::query(AssertSqlSafe(text)).execute(database).await.context("pg_stat_statements")?;
    Ok(())
}

impl Counts {
    async fn read(database: &mut PgConnection) -> Result<Self> {
        let text = "SELECT COALESCE(SUM(calls) FILTER (WHERE toplevel), 0)::FLOAT8 AS statements,
                    COALESCE(SUM(calls) FILTER (WHERE query = 'COMMIT'), 0)::FLOAT8 AS commits,
                    COALESCE(SUM(rows) FILTER (WHERE query LIKE '%FOR KEY SHARE%'), 0)::FLOAT8 AS referenced
               FROM pg_stat_statements
              WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
        Ok(sqlx::query_as(text).fetch_one(database).await?)
    }
}

/// The rows of this database that were updated or deleted so far.
async fn changed_rows(database: &mut PgConnection) -> Result<f64> {
    let text = "SELECT (tup_updated + tup_deleted)::FLOAT8 FROM pg_stat_database
                 WHERE datname = current_database()";
    Ok(sqlx::query_scalar(text).fetch_one(database).await?)
}

impl fmt::Display for RoundTrips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| job | round trips each | of them COMMIT | rows changed | rows locked by foreign keys | target | |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---|")?;
        for row in &self.0 {
            let Row { name, statements, commits, changed, referenced } = row;
            let (target, verdict) = if *name == Job::CodeFlow.name() {
                // The statements of background jobs are in the count as well.
                (format!("≤ {TARGET}"), word(statements.round() <= TARGET))
            } else {
                ("–".to_owned(), "")
            };
            writeln!(
                f,
                "| {name} | {statements:.1} | {commits:.1} | {changed:.1} | {referenced:.1} | {target} | {verdict} |"
            )?;
        }
        Ok(())
    }
}
