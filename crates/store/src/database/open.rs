//! Opening the database: the place that knows which one it is.

use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use crate::database::db::{Fetch, Sqlite};
use crate::database::file::{self, DatabaseFile};
use crate::database::pool::Pool;
use crate::database::schema;
use crate::database::sqlite::{Batch, Options, Readers, Writer};
use crate::database::waits::Waits;
use crate::types::Secret;
use crate::{Db, Store};

/// How long connecting may take when the database is opened.
const OPEN: Duration = Duration::from_secs(5);

/// How long a migration may take, including waiting for other processes that migrate.
const MIGRATION: Duration = Duration::from_secs(15 * 60);

/// How long a statement may take on SQLite: only a file system that hangs takes longer.
const SQLITE: Duration = Duration::from_secs(30);

/// How much longer than the statement itself the response of PostgreSQL may take.
const TRANSIT: Duration = Duration::from_millis(500);

/// Why the database could not be opened. Never contains its URL, which may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// Neither `sqlite:` nor `postgres:`.
    #[error("the database URL begins with neither `sqlite:` nor `postgres://`")]
    Scheme,
    /// The URL has a known scheme, but is invalid.
    #[error("the database URL cannot be read: {0}")]
    Url(String),
    /// Another server uses this file.
    #[error(
        "another server is running on {0}: SQLite serves one server at a time; use PostgreSQL to run several"
    )]
    InUse(PathBuf),
    /// There is no database, and the mode does not create one.
    #[error(
        "there is no database at {0}: `gatewright migrate` makes it, and so does the server when it starts"
    )]
    Absent(PathBuf),
    /// The file system failed.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The database file, or one beside it, cannot be used.
    #[error("the database file {0} cannot be opened: {1}")]
    Unopened(PathBuf, String),
    /// The database failed, or does not respond.
    #[error("{0} cannot be opened: {1}")]
    Database(String, #[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the schema of {0} cannot be brought up to date: {1}")]
    Migration(String, #[source] sqlx::Error),
    /// The schema is older than this release, and the mode does not migrate it.
    #[error(
        "the schema of the database lacks migration {0}, which this Gatewright {VERSION} needs: \
         run `gatewright migrate`, or start the server, which brings it up to date",
        VERSION = schema::VERSION
    )]
    Outdated(i64),
    /// A later release has changed the schema in a way that this release does not support.
    #[error(
        "the schema of the database was changed by Gatewright {by} (migration {migration}) and admits \
         Gatewright {oldest} and later; this is {VERSION}: install {oldest} or later",
        VERSION = schema::VERSION
    )]
    TooNew {
        /// The migration.
        migration: i64,
        /// The release that applied it.
        by: String,
        /// The oldest release that supports it.
        oldest: String,
    },
    /// A migration was changed after it was applied.
    #[error(
        "migration {0} was changed after it had been applied: this is no release of Gatewright"
    )]
    Changed(i64),
}

impl OpenStoreError {
    /// Whether a retry may succeed: the database is unreachable, or not ready.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Database(_, error) | Self::Migration(_, error) if crate::is_away(error))
    }
}

/// Limits of the connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// The largest number of connections.
    pub connections: u32,
    /// How long a request waits for a connection before the response is 503; on SQLite also for the lock of its
    /// file.
    pub acquire: Duration,
    /// How long one statement may take on PostgreSQL.
    pub statement: Duration,
    /// Whether a pooler in transaction mode is in front of PostgreSQL.
    pub has_pooler: bool,
}

/// What the database is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// A server: the only one on an SQLite file. Migrates the schema.
    Serve,
    /// Migrating the schema.
    Migrate,
    /// A command beside a server. The schema must be up to date.
    Command,
}

impl Store {
    /// Opens the database.
    ///
    /// # Errors
    /// See [`OpenStoreError`].
    pub async fn open(
        url: &Secret,
        limits: &ConnectionLimits,
        mode: OpenMode,
    ) -> Result<Self, OpenStoreError> {
        let text = url.expose();
        if text.starts_with("sqlite:") {
            Self::open_sqlite(text, limits, mode).await
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::open_postgres(text, limits, mode).await
        } else {
            Err(OpenStoreError::Scheme)
        }
    }

    async fn open_sqlite(
        url: &str,
        limits: &ConnectionLimits,
        mode: OpenMode,
    ) -> Result<Self, OpenStoreError> {
        let path = Options::path(url).ok_or_else(|| OpenStoreError::Url("no path".to_owned()))?;
        let lock = match mode {
            OpenMode::Serve => Some(Arc::new(file::lock(path)?)),
            OpenMode::Migrate | OpenMode::Command => None,
        };
        if mode != OpenMode::Command {
            file::make(path)?;
        } else if !path.exists() {
            return Err(OpenStoreError::Absent(path.to_owned()));
        }

        let failed = |error| OpenStoreError::Database(path.display().to_string(), error);
        let waits = Waits { lend: OPEN, statement: MIGRATION };
        let is_server = mode == OpenMode::Serve;
        let options = Options { path: path.to_owned(), busy: OPEN, waits, is_server };
        let read = Arc::new(Readers::open(&options, 1, None).map_err(failed)?);
        let write = Arc::new(Writer::open(&options, None).map_err(failed)?);
        let patient = Sqlite { read, write };
        connect(&patient).await.map_err(|error| file::unopened(path, &error.to_string()))?;
        let patient = Db::Sqlite(Arc::new(patient));
        schema::ready(&patient, &format!("the database {}", path.display()), mode).await?;

        // A writer waits in the queue and then for the lock, which other processes hold briefly: both together take
        // no longer than the limit. A command has no queue, but waits for a server that seldom lets go of the lock.
        let (queue, busy) = match mode {
            OpenMode::Serve => (limits.acquire / 4 * 3, limits.acquire / 4),
            OpenMode::Migrate | OpenMode::Command => (limits.acquire, limits.acquire),
        };
        let file = Arc::new(DatabaseFile::at(path)?);
        patient.close().await;
        let reads = Waits { lend: limits.acquire, statement: SQLITE };
        let writes = Waits { lend: queue, statement: SQLITE };
        let reading = Options { path: path.to_owned(), busy, waits: reads, is_server };
        let writing = Options { waits: writes, ..reading.clone() };
        let readers = limits.connections.min(readers());
        let file = Some(file);
        let write = Arc::new(Writer::open(&writing, file.clone()).map_err(failed)?);
        let [db, probe] = [readers, 1].map(|most| {
            let read = Arc::new(Readers::open(&reading, most, file.clone())?);
            Ok(Db::Sqlite(Arc::new(Sqlite { read, write: write.clone() })))
        });
        let (db, probe) = (db.map_err(failed)?, probe.map_err(failed)?);
        Ok(Self { db, probe, outages: Arc::default(), _lock: lock })
    }

    async fn open_postgres(
        url: &str,
        limits: &ConnectionLimits,
        mode: OpenMode,
    ) -> Result<Self, OpenStoreError> {
        let options = postgres_options(url, limits.has_pooler)?;
        let name = name(&options);
        let statement = limits.statement.as_millis().to_string();

        // Migrations may take longer than requests.
        let waits = Waits { lend: OPEN, statement: MIGRATION };
        let patient = Pool::of(options.clone(), 1, waits).behind_pooler(limits.has_pooler);
        let patient = Db::Postgres(Arc::new(patient));
        let ready = schema::ready(&patient, &name, mode).await;
        patient.close().await;
        ready?;

        let options = if limits.has_pooler {
            options
        } else {
            options.options([("statement_timeout", statement.as_str())])
        };
        let waits = Waits { lend: limits.acquire, statement: limits.statement + TRANSIT };
        let [db, probe] = [limits.connections, 1].map(|most| {
            let pool = Pool::of(options.clone(), most, waits).behind_pooler(limits.has_pooler);
            Db::Postgres(Arc::new(pool))
        });
        Ok(Self { db, probe, outages: Arc::default(), _lock: None })
    }

    /// Closes every connection once it is idle.
    pub async fn close(&self) {
        match &self.probe {
            // Its writer is that of `db`.
            Db::Sqlite(threads) => threads.read.close().await,
            Db::Postgres(pool) => pool.close().await,
        }
        self.db.close().await;
    }

    /// The number of connections, and of idle ones.
    pub fn connections(&self) -> (u32, usize) {
        match &self.db {
            Db::Sqlite(threads) => {
                let (readers, reading) = threads.read.connections();
                let (writers, writing) = threads.write.connections();
                (readers + writers, reading + writing)
            }
            Db::Postgres(pool) => pool.connections(),
        }
    }
}

fn postgres_options(url: &str, has_pooler: bool) -> Result<PgConnectOptions, OpenStoreError> {
    let mut options =
        PgConnectOptions::from_str(url).map_err(|error| OpenStoreError::Url(error.to_string()))?;
    // An IPv6 address is in brackets only in a URL (RFC 3986 §3.2.2).
    let host = options.get_host().to_owned();
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        options = options.host(address);
    }
    if options.get_application_name().is_none() {
        options = options.application_name("gatewright");
    }
    if has_pooler {
        // Such a pooler supports neither named statements nor session parameters: PgBouncer 1.18 refuses a
        // connection that requests either.
        return Ok(options.statement_cache_capacity(0).extra_float_digits(None));
    }
    if !url.contains("statement-cache-capacity=") {
        options = options.statement_cache_capacity(200);
    }
    Ok(options.options([
        ("idle_in_transaction_session_timeout", "10000"),
        // The locks of a connection that is lost without a reset are released soon.
        ("tcp_user_timeout", "10000"),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "2"),
    ]))
}

/// The location of the database, for errors.
fn name(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("the PostgreSQL database {database} at {}", socket.display()),
        None => {
            let (host, port) = (options.get_host(), options.get_port());
            format!("the PostgreSQL database {database} at {host}, port {port},")
        }
    }
}

/// Opens the first connection. One of several processes that open a new SQLite file at once switches it to WAL, for
/// which SQLite does not wait for a lock; the others succeed when they retry (THREATS DB-09).
async fn connect(sqlite: &Sqlite) -> sqlx::Result<()> {
    const TRIES: u32 = 10;
    let opened = || {
        let batch =
            Batch { first: "SELECT 1", others: &[], values: Vec::new(), fetch: Fetch::None };
        sqlite.write.write(batch)
    };
    for _ in 1..TRIES {
        match opened().await {
            Err(error) if is_busy(&error) => {
                tracing::debug!(%error, "another process is creating the database");
            }
            connected => return connected.map(drop),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    opened().await.map(drop)
}

/// SQLite's BUSY family.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("5" | "261" | "517"))
}

/// The number of connections that read SQLite. Each is a thread, and pages are nearly always in memory: more
/// threads than cores would only wait for each other, and each caches two MiB of pages.
fn readers() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(cores).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use sqlx_macros::FromRow;

    use crate::test_database::TestDatabase;
    use crate::{Executor, OpenMode, Store, sql};

    #[derive(FromRow)]
    struct Text {
        text: String,
    }

    /// Inserts events, each in a transaction of its own.
    async fn write(store: &Store, numbers: std::ops::Range<i64>) -> sqlx::Result<()> {
        for number in numbers {
            let mut tx = store.write().await?;
            write_event(&mut tx, number, 4000).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn write_event(
        on: impl Into<Executor<'_>>,
        number: i64,
        length: usize,
    ) -> sqlx::Result<()> {
        sql("INSERT INTO audit_events (id, at_ms, kind, outcome, facts, count)
             VALUES ($1, $2, 'test', 'success', $3, 1)")
        .bind(number.to_string())
        .bind(number)
        .bind("x".repeat(length))
        .execute(on)
        .await
        .map(drop)
    }

    async fn written(store: &Store) -> usize {
        let rows: Vec<Text> =
            sql("SELECT id AS text FROM audit_events").fetch_all(store.db()).await.unwrap();
        rows.len()
    }

    /// THREATS DO-15: the log is copied into the file while transactions and readers go on, and then begun anew.
    #[tokio::test]
    async fn the_log_of_an_sqlite_file_stays_small() {
        const PAGE: usize = 4096;
        let database = TestDatabase::sqlite().await;
        let limits = &TestDatabase::LIMITS;
        let server = Store::open(&database.url, limits, OpenMode::Serve).await.unwrap();
        for number in 0..1500 {
            let event = write_event(server.db(), number, 16 * PAGE);
            if number % 100 == 0 {
                tokio::join!(event, written(&server)).0.unwrap();
            } else {
                event.await.unwrap();
            }
        }

        let (log, all) = (database.size("-wal"), database.size(""));

        // The file of the log never shrinks, so this is the largest that it was. It is copied from 16 MiB on.
        assert!(all + log > 96 << 20, "{all} + {log} bytes: too little was written to see it");
        assert!(log < 48 << 20, "{log} bytes");
    }

    /// THREATS DB-08. A database that may not grow fails like one on a full disk: `SQLITE_FULL`.
    #[tokio::test]
    async fn on_a_full_disk_reads_continue_and_writes_resume_when_there_is_space() {
        let database = TestDatabase::sqlite().await;
        let store = &database.store;
        write(store, 0..10).await.unwrap();
        sql("PRAGMA max_page_count = 1").execute(store.db()).await.unwrap();

        let mut committed = 10;
        let refused = loop {
            match write(store, committed..committed + 1).await {
                Ok(()) => committed += 1,
                Err(error) => break error,
            }
        };
        let code = refused.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("13"), "{refused}");
        assert_eq!(written(store).await, usize::try_from(committed).unwrap());

        sql("PRAGMA max_page_count = 1000000").execute(store.db()).await.unwrap();
        write(store, 100..110).await.unwrap();
        assert_eq!(written(store).await, usize::try_from(committed).unwrap() + 10);
        let check = "SELECT integrity_check AS text FROM pragma_integrity_check";
        assert_eq!(sql(check).fetch_one::<Text>(store.db()).await.unwrap().text, "ok");
    }
}
