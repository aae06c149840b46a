//! Opening the database: the one place that knows which one it is.

use std::fs::File;
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::lender::Lender;
use super::{Db, Store, is_transient};
use crate::types::Secret;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Why the database could not be opened. Never contains its URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither `sqlite:` nor `postgres:`.
    #[error("the database URL begins with neither `sqlite:` nor `postgres://`")]
    Scheme,
    /// The URL has the right beginning and a wrong rest.
    #[error("the database URL cannot be read: {0}")]
    Url(String),
    /// Somebody else serves from this file.
    #[error(
        "another server is running on {0}: SQLite serves one server at a time; use PostgreSQL to run several"
    )]
    InUse(PathBuf),
    /// The file system says no.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The database says no.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the schema cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// How the pools behave.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at most.
    pub connections: u32,
    /// How long a request waits for one before it is told to try again.
    pub acquire: Duration,
    /// How long PostgreSQL works on one statement.
    pub statement: Duration,
}

impl Store {
    /// Opens the database and brings its schema up to date.
    ///
    /// `serving` takes the lock of an SQLite file, so that a second server is refused; commands work
    /// beside a running server as short writers and take none.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(url: &Secret, limits: &Limits, serving: bool) -> Result<Self, OpenError> {
        let text = url.expose();
        if text.starts_with("sqlite:") {
            Self::open_sqlite(text, limits, serving).await
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::open_postgres(text, limits).await
        } else {
            Err(OpenError::Scheme)
        }
    }

    async fn open_sqlite(url: &str, limits: &Limits, serving: bool) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|error| OpenError::Url(error.to_string()))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(200)
            // Statistics without samples (`sqlite_stat4`): where there are samples, SQLite prepares a
            // statement anew whenever a value is bound that they say something about, and that costs
            // more than running it.
            .analysis_limit(400)
            .optimize_on_close(true, None)
            // Read from the system's page cache where it is, as much of the file as SQLite maps at most.
            // Copies of its pages in caches of each connection's own would be too few for a large file.
            .pragma("mmap_size", "2147418112");
        let lock = if serving { Some(Arc::new(lock(options.get_filename())?)) } else { None };
        restrict(options.get_filename())?;

        let one = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_secs(5));
        let write = again(|| one.clone().connect_with(options.clone())).await?;
        again(|| MIGRATIONS.run(&write)).await?;
        let some = one
            .max_connections(limits.connections.min(readers()))
            .min_connections(0)
            .acquire_timeout(limits.acquire);
        let options = options.read_only(true).create_if_missing(false);
        let read = again(|| some.clone().connect_with(options.clone())).await?;
        let [read, write] = [read, write].map(Lender::of);
        Ok(Self { db: Db::Sqlite { read, write }, _lock: lock })
    }

    async fn open_postgres(url: &str, limits: &Limits) -> Result<Self, OpenError> {
        let statement = limits.statement.as_millis().to_string();
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| OpenError::Url(error.to_string()))?
            .application_name("gatewright")
            .statement_cache_capacity(200)
            .options([("idle_in_transaction_session_timeout", "10000")]);

        // Migrations may take longer than a request may.
        let mut one = <sqlx::PgConnection as sqlx::Connection>::connect_with(&options).await?;
        MIGRATIONS.run_direct(None, &mut one, false).await?;
        sqlx::Connection::close(one).await?;

        let pool = PgPoolOptions::new()
            .max_connections(limits.connections)
            .acquire_timeout(limits.acquire)
            .max_lifetime(Duration::from_secs(30 * 60))
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    // A round trip for every request is too dear; after a quiet second it is not.
                    if about.idle_for > Duration::from_secs(1) {
                        sqlx::Connection::ping(connection).await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options.options([("statement_timeout", statement.as_str())]))
            .await?;
        Ok(Self { db: Db::Postgres(Lender::of(pool)), _lock: None })
    }

    /// Lets every connection finish and closes it.
    pub async fn close(&self) {
        match &self.db {
            Db::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Db::Postgres(lender) => lender.close().await,
        }
    }

    /// How many connections there are, and how many of them are idle.
    pub fn connections(&self) -> (u32, usize) {
        match &self.db {
            Db::Sqlite { read, write } => {
                let ((open, idle), (writing, waiting)) = (read.connections(), write.connections());
                (open + writing, idle + waiting)
            }
            Db::Postgres(lender) => lender.connections(),
        }
    }
}

/// Does what of several processes that open a new SQLite file at once only one can do at a time: turning
/// it to its log, and making its tables. Unlike PostgreSQL it has no lock to wait at for that; the others
/// find it done when they look again (THREATS DB-09). Nothing is ever half done: a migration is one
/// transaction.
async fn again<T, E, F>(work: impl Fn() -> F) -> Result<T, OpenError>
where
    E: Into<OpenError>,
    F: Future<Output = Result<T, E>>,
{
    const TRIES: u32 = 10;
    for _ in 1..TRIES {
        match work().await.map_err(Into::into) {
            Err(OpenError::Database(error)) if is_transient(&error) => {
                tracing::debug!(%error, "the database is being made by somebody else");
            }
            Err(OpenError::Migration(error)) => {
                tracing::debug!(%error, "the schema is being changed by somebody else");
            }
            done => return done,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    work().await.map_err(Into::into)
}

/// How many read SQLite at once. Each is a thread, and what it reads is in memory nearly always: more of
/// them than cores would only wait for each other, and every one keeps two MiB of pages.
fn readers() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(cores).unwrap_or(u32::MAX).saturating_add(1)
}

/// Takes the lock that one server at a time may hold: a file beside the database, because SQLite's own
/// locks come and go with transactions.
fn lock(database: &Path) -> Result<File, OpenError> {
    let path = PathBuf::from(format!("{}.lock", database.display()));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| OpenError::File(path.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(database.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(OpenError::File(path, error)),
    }
}

/// The database is for its owner alone; SQLite gives its side files the same mode.
fn restrict(path: &Path) -> Result<(), OpenError> {
    match File::options().create_new(true).write(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::File(path.to_owned(), error)),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::FromRow;

    use super::super::test_database::TestDatabase;
    use super::super::{Store, sql};

    #[derive(FromRow)]
    struct Text {
        text: String,
    }

    /// So many events, each in a transaction of its own.
    async fn write(store: &Store, numbers: std::ops::Range<i64>) -> sqlx::Result<()> {
        for number in numbers {
            let mut tx = store.write().await?;
            sql("INSERT INTO audit_events (id, at_ms, kind, outcome, facts, count)
                 VALUES ($1, $2, 'test', 'success', $3, 1)")
            .bind(number.to_string())
            .bind(number)
            .bind("x".repeat(4000))
            .run(&mut tx)
            .await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn written(store: &Store) -> usize {
        let rows: Vec<Text> =
            sql("SELECT id AS text FROM audit_events").all(store.db()).await.unwrap();
        rows.len()
    }

    /// THREATS DO-15: nobody reads for so long that what was written cannot be moved to its place.
    #[tokio::test]
    async fn the_log_of_an_sqlite_file_stays_small() {
        let database = TestDatabase::sqlite().await;
        for round in 0..10 {
            let numbers = 200 * round..200 * (round + 1);
            let (written, _) =
                tokio::join!(write(&database.store, numbers), written(&database.store));
            written.unwrap();
        }

        let (log, all) = (database.size("-wal"), database.size(""));

        assert!(all + log > 8 << 20, "{all} + {log} bytes: too little was written to see it");
        assert!(log < 6 << 20, "{log} bytes");
    }

    /// THREATS DB-08. A database that may not grow is told so as one on a full disk is: `SQLITE_FULL`.
    #[tokio::test]
    async fn on_a_full_disk_reads_go_on_and_writes_do_as_soon_as_there_is_room() {
        let database = TestDatabase::sqlite().await;
        let store = &database.store;
        write(store, 0..10).await.unwrap();
        sql("PRAGMA max_page_count = 1").run(store.db()).await.unwrap();

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

        sql("PRAGMA max_page_count = 1000000").run(store.db()).await.unwrap();
        write(store, 100..110).await.unwrap();
        assert_eq!(written(store).await, usize::try_from(committed).unwrap() + 10);
        let check = "SELECT integrity_check AS text FROM pragma_integrity_check";
        assert_eq!(sql(check).one::<Text>(store.db()).await.unwrap().text, "ok");
    }
}
