//! One SQL text, two drivers.
//!
//! The portable subset: `$1` placeholders, TEXT, BIGINT, BOOLEAN, BYTEA, static statements. Only this file and
//! [`crate::Store::open`] distinguish the databases.
//!
//! The error of every commit is reported (THREATS EX-01): of a transaction by [`Tx::commit`], of a single statement
//! because it is run to its end.

use std::sync::Arc;

use sqlx::postgres::PgRow;
use sqlx::{ColumnIndex, FromRow, ValueRef as _};

use crate::database::pool::{Lease, Pool};
use crate::database::sqlite::{self, EmbeddedRow, QueryResult, Readers, Session, Writer};
use crate::database::waits::bounded;
use crate::types::secret::Digest;
use crate::types::{
    ClientId, GrantId, ResourceId, Scope, Seconds, SessionId, Thumbprint, Timestamp, UserId,
};

/// The connections.
#[derive(Clone, Debug)]
pub enum Db {
    /// The embedded database.
    Sqlite(Arc<Sqlite>),
    /// A PostgreSQL server.
    Postgres(Arc<Pool>),
}

/// The threads of the embedded database. It has one writer at a time, so writes queue for one thread instead of for
/// the lock of the file, and reads never wait for them.
#[derive(Debug)]
pub struct Sqlite {
    /// For statements that only read.
    pub(crate) read: Arc<Readers>,
    /// For all others.
    pub(crate) write: Arc<Writer>,
}

/// An open write transaction. Dropped without [`Tx::commit`], it is rolled back.
#[derive(Debug)]
pub struct Tx(Open);

#[derive(Debug)]
enum Open {
    /// Opened by `BEGIN IMMEDIATE`.
    Sqlite(Session),
    /// READ COMMITTED.
    Postgres(Lease),
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
    for<'r> FromRow<'r, EmbeddedRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> DecodedRow for T where
    T: for<'r> FromRow<'r, EmbeddedRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
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

/// Which rows of a statement are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// None; only the number of changed rows.
    None,
    /// The first.
    First,
    /// All.
    All,
}

/// Statements that are one transaction, in one round trip. Each runs only if the one before changed a row.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The first statement, which decides.
    pub first: &'static str,
    /// The others, with common values.
    pub others: &'static [&'static str],
    /// All of them as one statement, for PostgreSQL; it returns a row if the first one changed a row.
    pub whole: &'static str,
    /// The values.
    pub values: Vec<BoundValue>,
}

impl Batch {
    /// Runs it. `false`: the first statement changed no row, and the others were not run.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn execute(self, db: &Db) -> sqlx::Result<bool> {
        let rows = self.rows(Executor::Db(db), Fetch::None).await?;
        Ok(match rows {
            Rows::Sqlite(result) => result.changed > 0,
            Rows::Postgres(_, rows) => !rows.is_empty(),
        })
    }

    /// Runs it, and returns the row of the first statement, which returns one if it changes it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn fetch_optional<'c, T: DecodedRow>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> sqlx::Result<Option<T>> {
        self.rows(on.into(), Fetch::First).await?.first()
    }

    async fn rows(self, on: Executor<'_>, fetch: Fetch) -> sqlx::Result<Rows> {
        let Self { first, others, whole, values } = self;
        match on {
            Executor::Db(Db::Sqlite(sqlite)) => {
                let batch = sqlite::Batch { first, others, values, fetch };
                Ok(Rows::Sqlite(Box::pin(sqlite.write.write(batch)).await?))
            }
            Executor::Tx(Tx(Open::Sqlite(session))) => {
                Ok(Rows::Sqlite(session.run(sqlite::Batch { first, others, values, fetch }).await?))
            }
            on @ (Executor::Db(Db::Postgres(_)) | Executor::Tx(Tx(Open::Postgres(_)))) => {
                Statement { text: whole, values }.rows(on, Fetch::First).await
            }
        }
    }
}

/// The result of a statement, before its rows are decoded.
enum Rows {
    Sqlite(QueryResult),
    Postgres(u64, Vec<PgRow>),
}

impl Rows {
    const fn changed(&self) -> u64 {
        match self {
            Self::Sqlite(result) => result.changed,
            Self::Postgres(changed, _) => *changed,
        }
    }

    fn decode<T: DecodedRow>(&self) -> sqlx::Result<Vec<T>> {
        match self {
            Self::Sqlite(result) => result.rows.iter().map(T::from_row).collect(),
            Self::Postgres(_, rows) => rows.iter().map(T::from_row).collect(),
        }
    }

    fn first<T: DecodedRow>(&self) -> sqlx::Result<Option<T>> {
        match self {
            Self::Sqlite(result) => result.rows.first().map(T::from_row).transpose(),
            Self::Postgres(_, rows) => rows.first().map(T::from_row).transpose(),
        }
    }
}

impl Statement {
    /// Binds the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<BoundValue>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds the next placeholders.
    #[must_use]
    pub(crate) fn bind_all(mut self, values: impl IntoIterator<Item = BoundValue>) -> Self {
        self.values.extend(values);
        self
    }

    /// Makes it the first statement of a transaction, whose other statements have the same values. `whole` is all
    /// of them as one statement, for PostgreSQL.
    pub(crate) fn then(self, others: &'static [&'static str], whole: &'static str) -> Batch {
        Batch { first: self.text, others, whole, values: self.values }
    }

    /// Whether it only reads. Everything except a plain SELECT counts as a write.
    pub(crate) fn is_read(&self) -> bool {
        self.text.starts_with("SELECT")
    }

    /// Runs it.
    async fn rows(self, on: Executor<'_>, fetch: Fetch) -> sqlx::Result<Rows> {
        match on {
            Executor::Db(Db::Sqlite(threads)) => {
                let result = if self.is_read() {
                    threads.read.read(self.text, self.values, fetch).await?
                } else {
                    let batch =
                        sqlite::Batch { first: self.text, others: &[], values: self.values, fetch };
                    threads.write.write(batch).await?
                };
                Ok(Rows::Sqlite(result))
            }
            Executor::Db(Db::Postgres(pool)) => {
                let mut lease = pool.lease().await?;
                lease.begin_behind_pooler().await?;
                let done = self.on_postgres(&mut lease, fetch).await;
                lease.finish(done).await
            }
            Executor::Tx(Tx(Open::Sqlite(session))) => {
                let batch =
                    sqlite::Batch { first: self.text, others: &[], values: self.values, fetch };
                Ok(Rows::Sqlite(session.run(batch).await?))
            }
            Executor::Tx(Tx(Open::Postgres(lease))) => {
                let done = self.on_postgres(lease, fetch).await;
                lease.check(done)
            }
        }
    }

    async fn on_postgres(self, lease: &mut Lease, fetch: Fetch) -> sqlx::Result<Rows> {
        let is_read = self.is_read();
        let (connection, wait, is_named) = lease.connection()?;
        let mut query = sqlx::query(self.text).persistent(is_named);
        for value in self.values {
            query = match value {
                BoundValue::Int(x) => query.bind(x),
                BoundValue::Bool(x) => query.bind(x),
                BoundValue::Text(x) => query.bind(x),
                BoundValue::Blob(x) => query.bind(x),
            }
        }
        // Boxed: the state of the driver takes 4 KB, which the future of every caller would contain and copy.
        let work = Box::pin(async move {
            Ok(match fetch {
                Fetch::None => {
                    Rows::Postgres(query.execute(connection).await?.rows_affected(), Vec::new())
                }
                Fetch::First if is_read => {
                    let row = query.fetch_optional(connection).await?;
                    Rows::Postgres(0, row.into_iter().collect())
                }
                // To its end, where the commit happens.
                Fetch::First | Fetch::All => Rows::Postgres(0, query.fetch_all(connection).await?),
            })
        });
        bounded(wait, work).await
    }

    /// Runs it and returns the number of changed rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn execute<'c>(self, on: impl Into<Executor<'c>>) -> sqlx::Result<u64> {
        Ok(self.rows(on.into(), Fetch::None).await?.changed())
    }

    /// The first row; an error if there is none.
    ///
    /// # Errors
    /// `RowNotFound`, or when the database fails.
    pub async fn fetch_one<'c, T: DecodedRow>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> sqlx::Result<T> {
        self.fetch_optional(on).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fetch_optional<'c, T: DecodedRow>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> sqlx::Result<Option<T>> {
        self.rows(on.into(), Fetch::First).await?.first()
    }

    /// All rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fetch_all<'c, T: DecodedRow>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> sqlx::Result<Vec<T>> {
        self.rows(on.into(), Fetch::All).await?.decode()
    }
}

impl Db {
    /// Opens a write transaction, whose first statement must be a write.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn begin(&self) -> sqlx::Result<Tx> {
        Ok(Tx(match self {
            Self::Sqlite(threads) => Open::Sqlite(threads.write.begin().await?),
            Self::Postgres(pool) => {
                let mut lease = pool.lease().await?;
                lease.begin().await?;
                Open::Postgres(lease)
            }
        }))
    }

    /// Closes every connection once it is idle. On SQLite the writer is the last, which then merges its log into
    /// the file.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(threads) => {
                threads.read.close().await;
                threads.write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Commits.
    ///
    /// # Errors
    /// When the database fails; whether the transaction was committed is then unknown (THREATS DB-06).
    pub async fn commit(self) -> sqlx::Result<()> {
        match self.0 {
            Open::Sqlite(session) => session.commit().await,
            Open::Postgres(lease) => lease.commit().await,
        }
    }

    /// Whether it is on PostgreSQL.
    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self.0, Open::Postgres(_))
    }

    /// Runs statements without values and rows: a migration.
    pub(crate) async fn execute(&mut self, statements: &'static str) -> sqlx::Result<()> {
        match &mut self.0 {
            Open::Sqlite(session) => session.execute(statements).await,
            Open::Postgres(lease) => lease.execute(statements).await,
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
