//! One SQL text, two drivers.
//!
//! The portable subset: `$1` placeholders, TEXT, BIGINT, BOOLEAN, BYTEA, static statements. Only this file and
//! [`crate::Store::open`] distinguish the databases.
//!
//! The error of every commit is reported (THREATS EX-01): of a transaction by [`Tx::commit`], of a single statement
//! because it is run to its end. On SQLite, `fetch_optional` of sqlx stops after the first row; resetting the
//! statement then commits it, and sqlx drops the error of that commit.

use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{ColumnIndex, FromRow, Postgres, Sqlite, ValueRef as _};

use crate::database::lender::{Lender, Lent, bounded};
use crate::types::secret::Digest;
use crate::types::{
    ClientId, GrantId, ResourceId, Scope, Seconds, SessionId, Thumbprint, Timestamp, UserId,
};

/// The connections. SQLite has one writer at a time, so writers queue for one connection instead of for the lock of
/// the file, and readers never wait for them.
#[derive(Clone, Debug)]
pub enum Db {
    /// The embedded database.
    Sqlite {
        /// For statements that only read.
        read: Arc<Lender<Sqlite>>,
        /// One connection.
        write: Arc<Lender<Sqlite>>,
    },
    /// A PostgreSQL server.
    Postgres(Arc<Lender<Postgres>>),
}

/// An open write transaction. Dropped without [`Tx::commit`], it is rolled back.
#[derive(Debug)]
pub enum Tx {
    /// Opened by `BEGIN IMMEDIATE`.
    Sqlite(Lent<Sqlite>),
    /// READ COMMITTED.
    Postgres(Lent<Postgres>),
}

/// What a statement runs on: `&Db` or `&mut Tx`.
#[derive(Debug)]
pub enum Executor<'c> {
    /// Outside a transaction.
    Db(&'c Db),
    /// Inside one.
    Tx(&'c mut Tx),
}

impl<'c> From<&'c Db> for Executor<'c> {
    fn from(db: &'c Db) -> Self {
        Self::Db(db)
    }
}

impl<'c> From<&'c mut Tx> for Executor<'c> {
    fn from(tx: &'c mut Tx) -> Self {
        Self::Tx(tx)
    }
}

impl<'c> From<&'c mut Executor<'_>> for Executor<'c> {
    fn from(on: &'c mut Executor<'_>) -> Self {
        match on {
            Executor::Db(db) => Executor::Db(db),
            Executor::Tx(tx) => Executor::Tx(tx),
        }
    }
}

/// A value bound to a placeholder. NULL has a type too, which PostgreSQL requires.
#[derive(Clone, Debug)]
pub enum BoundValue {
    /// BIGINT
    Int(Option<i64>),
    /// BOOLEAN
    Bool(Option<bool>),
    /// TEXT
    Text(Option<String>),
    /// BYTEA
    Blob(Option<Vec<u8>>),
}

macro_rules! val {
    ($($t:ty => $variant:ident, $f:expr;)*) => {$(
        impl From<$t> for BoundValue {
            fn from(value: $t) -> Self {
                Self::$variant(Some($f(value)))
            }
        }
        impl From<Option<$t>> for BoundValue {
            fn from(value: Option<$t>) -> Self {
                Self::$variant(value.map($f))
            }
        }
    )*};
}

val! {
    i64 => Int, |x| x;
    bool => Bool, |x| x;
    String => Text, |x| x;
    &str => Text, str::to_owned;
    &String => Text, String::clone;
    Vec<u8> => Blob, |x| x;
    &[u8] => Blob, <[u8]>::to_vec;
    Digest => Blob, |x: Digest| x.0.to_vec();
    &Digest => Blob, |x: &Digest| x.0.to_vec();
    Timestamp => Int, |x: Timestamp| x.0;
    Seconds => Int, |x: Seconds| x.0;
    Thumbprint => Text, String::from;
    &Scope => Text, ToString::to_string;
    &ClientId => Text, String::from;
    &UserId => Text, String::from;
    &GrantId => Text, String::from;
    &SessionId => Text, String::from;
    &ResourceId => Text, String::from;
}

/// A type that decodes from rows of both drivers: `#[derive(FromRow)]` makes one.
pub trait DecodedRow:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> DecodedRow for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// Columns of a LEFT JOIN: `None` where it found no row. A field of type `Option<T>` names it:
/// `#[sqlx(flatten, try_from = "Joined<T>")]`.
#[derive(Debug)]
pub(crate) struct Joined<T>(Option<T>);

/// What can be read from a LEFT JOIN.
pub(crate) trait JoinedRow {
    /// The column that is NULL exactly if there is no row.
    const KEY: &'static str;
}

impl<'r, R, T> FromRow<'r, R> for Joined<T>
where
    R: sqlx::Row,
    T: FromRow<'r, R> + JoinedRow,
    &'static str: ColumnIndex<R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        if row.try_get_raw(T::KEY)?.is_null() {
            return Ok(Self(None));
        }
        T::from_row(row).map(Some).map(Self)
    }
}

impl<T> From<Joined<T>> for Option<T> {
    fn from(joined: Joined<T>) -> Self {
        joined.0
    }
}

/// A statement and its values.
#[derive(Debug)]
pub struct Statement {
    text: &'static str,
    values: Vec<BoundValue>,
}

/// A statement without values.
pub fn sql(text: &'static str) -> Statement {
    Statement { text, values: Vec::with_capacity(8) }
}

/// Binds the values, and runs the statement on a connection within its time limit.
macro_rules! ask {
    ($sql:ident, $lent:ident, $db:ty, $arguments:ty, |$query:ident, $executor:ident| $body:expr) => {{
        let ($executor, wait, is_named) = $lent.connection()?;
        let mut $query: Query<'_, $db, $arguments> = sqlx::query($sql.text).persistent(is_named);
        for value in $sql.values {
            $query = match value {
                BoundValue::Int(x) => $query.bind(x),
                BoundValue::Bool(x) => $query.bind(x),
                BoundValue::Text(x) => $query.bind(x),
                BoundValue::Blob(x) => $query.bind(x),
            }
        }
        bounded(wait, $body).await
    }};
}

macro_rules! run {
    ($sql:ident, $on:expr, |$query:ident, $executor:ident| $body:expr) => {{
        match $on {
            Executor::Db(Db::Sqlite { read, write }) => {
                let mut lent = if $sql.is_read() { read } else { write }.lend().await?;
                let done = ask!($sql, lent, Sqlite, SqliteArguments, |$query, $executor| $body);
                lent.finish(done).await
            }
            Executor::Db(Db::Postgres(lender)) => {
                let mut lent = lender.lend().await?;
                lent.begin_if_pooled().await?;
                let done = ask!($sql, lent, Postgres, PgArguments, |$query, $executor| $body);
                lent.finish(done).await
            }
            Executor::Tx(Tx::Sqlite(lent)) => {
                let done = ask!($sql, lent, Sqlite, SqliteArguments, |$query, $executor| $body);
                lent.check(done)
            }
            Executor::Tx(Tx::Postgres(lent)) => {
                let done = ask!($sql, lent, Postgres, PgArguments, |$query, $executor| $body);
                lent.check(done)
            }
        }
    }};
}

// Boxed: the state of a driver takes 4 KB, which the future of every caller would contain and copy.
impl Statement {
    /// Binds the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<BoundValue>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Whether it only reads. Everything except a plain SELECT counts as a write.
    pub(crate) fn is_read(&self) -> bool {
        self.text.starts_with("SELECT")
    }

    /// Runs it and returns the number of changed rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run<'c>(self, on: impl Into<Executor<'c>>) -> sqlx::Result<u64> {
        let on = on.into();
        let sql = self;
        Box::pin(async move {
            run!(sql, on, |query, executor| async {
                Ok(query.execute(executor).await?.rows_affected())
            })
        })
        .await
    }

    /// The first row; an error if there is none.
    ///
    /// # Errors
    /// `RowNotFound`, or when the database fails.
    pub async fn one<'c, T: DecodedRow>(self, on: impl Into<Executor<'c>>) -> sqlx::Result<T> {
        self.opt(on).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn opt<'c, T: DecodedRow>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> sqlx::Result<Option<T>> {
        let on = on.into();
        let sql = self;
        Box::pin(async move {
            let is_read = sql.is_read();
            run!(sql, on, |query, executor| async {
                if is_read {
                    return query
                        .fetch_optional(executor)
                        .await?
                        .map(|row| T::from_row(&row))
                        .transpose();
                }
                // To its end, where the commit happens.
                query.fetch_all(executor).await?.first().map(T::from_row).transpose()
            })
        })
        .await
    }

    /// All rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all<'c, T: DecodedRow>(self, on: impl Into<Executor<'c>>) -> sqlx::Result<Vec<T>> {
        let on = on.into();
        let sql = self;
        Box::pin(async move {
            run!(sql, on, |query, executor| async {
                query.fetch_all(executor).await?.iter().map(T::from_row).collect()
            })
        })
        .await
    }
}

impl Db {
    /// Opens a write transaction, whose first statement must be a write.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn begin(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Self::Sqlite { write, .. } => {
                let mut lent = write.lend().await?;
                lent.begin().await?;
                Tx::Sqlite(lent)
            }
            Self::Postgres(lender) => {
                let mut lent = lender.lend().await?;
                lent.begin().await?;
                Tx::Postgres(lent)
            }
        })
    }
}

impl Db {
    /// Closes every connection once it is idle.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(lender) => lender.close().await,
        }
    }
}

impl Tx {
    /// Commits.
    ///
    /// # Errors
    /// When the database fails; whether the transaction was committed is then unknown (THREATS DB-06).
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(lent) => lent.commit().await,
            Self::Postgres(lent) => lent.commit().await,
        }
    }

    /// Runs statements without values and rows: a migration.
    pub(crate) async fn execute(&mut self, statements: &'static str) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(lent) => lent.execute(statements).await,
            Self::Postgres(lent) => lent.execute(statements).await,
        }
    }
}

/// Whether it is the violation of a unique index.
pub fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Whether the transaction may succeed when it is retried: PostgreSQL's 40001 and 40P01, SQLite's BUSY family
/// (THREATS DB-05) except BUSY itself, which has already waited for the lock as long as permitted. Also a violated
/// foreign key, where the referenced row was deleted concurrently: the retry finds that out, and refuses.
pub fn is_transient(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else {
        return false;
    };
    if error.is_foreign_key_violation() {
        return true;
    }
    let Some(code) = error.code() else {
        return false;
    };
    matches!(code.as_ref(), "40001" | "40P01" | "261" | "517")
}
