//! A connection to the file, and the statements on it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{Null, ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, OpenFlags, ToSql};

use super::Options;
use super::row::EmbeddedRow;
use crate::database::db::{BoundValue, Fetch};
use crate::database::fault;

/// What a statement has returned.
#[derive(Debug, Default)]
pub(crate) struct QueryResult {
    /// The number of changed rows.
    pub changed: u64,
    /// The rows that were asked for.
    pub rows: Vec<EmbeddedRow>,
}

/// The result of a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    /// The frames of the log.
    pub frames: i32,
    /// Those of them that the file has.
    pub frames_copied: i32,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    inner: rusqlite::Connection,
    /// How long it waits for the lock of the file.
    busy: Duration,
    /// The names of the columns of each statement, by the address of its text.
    columns: HashMap<usize, Arc<[Box<str>]>>,
}

impl Connection {
    fn open(options: &Options, flags: OpenFlags, pragmas: &str) -> rusqlite::Result<Self> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let inner = rusqlite::Connection::open_with_flags(&options.path, flags)?;
        inner.busy_timeout(options.busy)?;
        inner.set_prepared_statement_cache_capacity(200);
        inner.execute_batch(pragmas)?;
        Ok(Self { inner, busy: options.busy, columns: HashMap::new() })
    }

    /// Opens a connection that only reads.
    pub(super) fn reading(options: &Options) -> rusqlite::Result<Self> {
        // Maps as much of the file as SQLite permits, so that it is read from the system's page cache: the caches of
        // the connections would be too small for a large file.
        let pragmas = "PRAGMA mmap_size = 2147418112";
        Self::open(options, OpenFlags::SQLITE_OPEN_READ_ONLY, pragmas)
    }

    /// Opens a connection that writes.
    pub(super) fn writing(options: &Options) -> rusqlite::Result<Self> {
        // When another process has written, SQLite gives up the whole mapping: 50 ms for 2 GiB, in which everything waits.
        // The cache is for pages that are only in the log.
        //
        // Statistics without samples (`sqlite_stat4`): with samples, SQLite prepares a statement again whenever a
        // value with samples is bound, which costs more than running it.
        let pragmas = "PRAGMA journal_mode = WAL;
                       PRAGMA synchronous = FULL;
                       PRAGMA foreign_keys = ON;
                       PRAGMA cache_size = -8192;
                       PRAGMA mmap_size = 536870912;
                       PRAGMA analysis_limit = 400";
        Self::open(options, OpenFlags::SQLITE_OPEN_READ_WRITE, pragmas)
    }

    /// Runs a statement.
    pub(super) fn run(
        &mut self,
        text: &'static str,
        values: &[BoundValue],
        fetch: Fetch,
    ) -> rusqlite::Result<QueryResult> {
        let mut statement = self.inner.prepare_cached(text)?;
        bind(&mut statement, values)?;
        let mut result = QueryResult::default();
        let names = match fetch {
            Fetch::None => None,
            Fetch::First | Fetch::All => Some(
                self.columns.entry(text.as_ptr() as usize).or_insert_with(|| names(&statement)),
            ),
        };
        // To its end, where a single statement is committed; a row that is only read ends it sooner.
        let is_write = !statement.readonly();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let Some(names) = &names else { continue };
            if result.rows.is_empty() || fetch == Fetch::All {
                let values = (0..names.len()).map(|index| Ok(owned(row.get_ref(index)?)?.into()));
                let values = values.collect::<rusqlite::Result<_>>()?;
                result.rows.push(EmbeddedRow::new((*names).clone(), values));
            }
            if fetch == Fetch::First && !is_write {
                break;
            }
        }
        drop(rows);
        drop(statement);
        result.changed = if is_write { self.inner.changes() } else { 0 };
        Ok(result)
    }

    /// Runs statements without values and rows.
    pub(super) fn execute(&self, statements: &str) -> rusqlite::Result<()> {
        self.inner.execute_batch(statements)
    }

    /// Begins a transaction. It takes the write lock at once: a reading transaction cannot become a writing one
    /// later.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.run("BEGIN IMMEDIATE", &[], Fetch::None).map(drop)
    }

    /// Commits the transaction; rolls it back when that fails.
    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        let committed = self.run("COMMIT", &[], Fetch::None).map(drop);
        if committed.is_err() {
            self.roll_back();
        }
        committed
    }

    /// Rolls the transaction back, unless SQLite has done so.
    pub(super) fn roll_back(&mut self) {
        if self.has_transaction()
            && let Err(error) = self.run("ROLLBACK", &[], Fetch::None)
        {
            tracing::error!(error = %fault::of_sqlite(error), "a transaction was not rolled back");
        }
    }

    /// Whether a transaction is open.
    pub(super) fn has_transaction(&self) -> bool {
        !self.inner.is_autocommit()
    }

    /// Copies frames of the log into the file, beside those who read and write (SQLite: `PASSIVE`). `None`: another
    /// connection copies.
    pub(super) fn copy_log(&self) -> rusqlite::Result<Option<Copied>> {
        let (is_prevented, copied) = self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)")?;
        Ok((!is_prevented).then_some(copied))
    }

    /// Copies the frames that are left, so that the next commit begins the log anew; waits at most this long for those
    /// who read it. Whether it succeeded.
    pub(super) fn restart_log(&self, wait: Duration) -> rusqlite::Result<bool> {
        self.inner.busy_timeout(wait)?;
        let done = self.checkpoint("PRAGMA wal_checkpoint(RESTART)");
        self.inner.busy_timeout(self.busy)?;
        done.map(|(is_prevented, _)| !is_prevented)
    }

    fn checkpoint(&self, pragma: &str) -> rusqlite::Result<(bool, Copied)> {
        self.inner.query_row(pragma, [], |row| {
            Ok((row.get(0)?, Copied { frames: row.get(1)?, frames_copied: row.get(2)? }))
        })
    }

    /// The connection itself.
    pub(super) fn inner(&self) -> &rusqlite::Connection {
        &self.inner
    }
}

/// Binds the value of `$1` to every placeholder of this name, and so on.
fn bind(statement: &mut CachedStatement<'_>, values: &[BoundValue]) -> rusqlite::Result<()> {
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or_default();
        let number = name.trim_start_matches('$').parse::<usize>().ok();
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = value.ok_or_else(|| rusqlite::Error::InvalidParameterName(name.to_owned()))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

impl ToSql for BoundValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Int(Some(value)) => ValueRef::Integer(*value),
            Self::Bool(Some(value)) => ValueRef::Integer(i64::from(*value)),
            Self::Text(Some(value)) => ValueRef::Text(value.as_bytes()),
            Self::Blob(Some(value)) => ValueRef::Blob(value),
            Self::Int(None) | Self::Bool(None) | Self::Text(None) | Self::Blob(None) => {
                return Null.to_sql();
            }
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

fn names(statement: &CachedStatement<'_>) -> Arc<[Box<str>]> {
    statement.column_names().into_iter().map(Box::from).collect()
}

fn owned(value: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match value {
        ValueRef::Text(text) => {
            let text =
                std::str::from_utf8(text).map_err(|error| rusqlite::Error::Utf8Error(0, error))?;
            Value::Text(text.to_owned())
        }
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Blob(value) => Value::Blob(value.to_owned()),
    })
}
