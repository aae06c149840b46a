//! One SQL text, two drivers.
//!
//! The portable subset: `$1` placeholders, TEXT, BIGINT, BOOLEAN, BYTEA, static statements. There is
//! no branch per database above this file and [`super::Store::open`].

use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{FromRow, Postgres, Sqlite};

use super::lender::{Begun, Lender};
use crate::types::secret::Digest;
use crate::types::{
    ClientId, GrantId, ResourceId, Scope, Seconds, SessionId, Thumbprint, Timestamp, UserId,
};

/// The connections. SQLite has one writer at a time, so its writers queue for one connection instead of
/// at the file's lock, and readers never wait for them.
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
    Sqlite(Begun<Sqlite>),
    /// READ COMMITTED.
    Postgres(Begun<Postgres>),
}

/// What a statement can run on: `&Db` or `&mut Tx`.
#[derive(Debug)]
pub enum On<'c> {
    /// Outside a transaction.
    Db(&'c Db),
    /// Inside one.
    Tx(&'c mut Tx),
}

impl<'c> From<&'c Db> for On<'c> {
    fn from(db: &'c Db) -> Self {
        Self::Db(db)
    }
}

impl<'c> From<&'c mut Tx> for On<'c> {
    fn from(tx: &'c mut Tx) -> Self {
        Self::Tx(tx)
    }
}

impl<'c> From<&'c mut On<'_>> for On<'c> {
    fn from(on: &'c mut On<'_>) -> Self {
        match on {
            On::Db(db) => On::Db(db),
            On::Tx(tx) => On::Tx(tx),
        }
    }
}

/// A value bound to a placeholder. NULL has a type too: PostgreSQL asks for it.
#[derive(Clone, Debug)]
pub enum Val {
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
        impl From<$t> for Val {
            fn from(value: $t) -> Self {
                Self::$variant(Some($f(value)))
            }
        }
        impl From<Option<$t>> for Val {
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

/// A row type that both drivers can fill: `#[derive(FromRow)]` makes one.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

/// A statement and its values.
#[derive(Debug)]
pub struct Sql {
    text: &'static str,
    values: Vec<Val>,
}

/// Begins a statement.
pub fn sql(text: &'static str) -> Sql {
    Sql { text, values: Vec::with_capacity(8) }
}

macro_rules! bound {
    ($sql:expr, $db:ty, $arguments:ty) => {{
        let mut query: Query<'_, $db, $arguments> = sqlx::query($sql.text);
        for value in $sql.values {
            query = match value {
                Val::Int(x) => query.bind(x),
                Val::Bool(x) => query.bind(x),
                Val::Text(x) => query.bind(x),
                Val::Blob(x) => query.bind(x),
            }
        }
        query
    }};
}

macro_rules! run {
    ($sql:expr, $on:expr, |$query:ident, $executor:ident| $body:expr) => {{
        let reads = $sql.text.starts_with("SELECT");
        match $on {
            On::Db(Db::Sqlite { read, write }) => {
                let mut lent = if reads { read } else { write }.lend().await?;
                let $executor = &mut *lent;
                let $query = bound!($sql, Sqlite, SqliteArguments);
                let done = $body;
                lent.back(&done);
                done
            }
            On::Db(Db::Postgres(lender)) => {
                let mut lent = lender.lend().await?;
                let $executor = &mut *lent;
                let $query = bound!($sql, Postgres, PgArguments);
                let done = $body;
                lent.back(&done);
                done
            }
            On::Tx(Tx::Sqlite(tx)) => {
                let $executor = tx.connection()?;
                let $query = bound!($sql, Sqlite, SqliteArguments);
                $body
            }
            On::Tx(Tx::Postgres(tx)) => {
                let $executor = tx.connection()?;
                let $query = bound!($sql, Postgres, PgArguments);
                $body
            }
        }
    }};
}

// In boxes: what a driver needs to remember takes 4 KB, which every caller's future would contain and
// copy.
impl Sql {
    /// Binds the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Val>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it and says how many rows it changed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn run<'c>(self, on: impl Into<On<'c>>) -> sqlx::Result<u64> {
        let on = on.into();
        Box::pin(async move {
            run!(self, on, |query, executor| query
                .execute(executor)
                .await
                .map(|done| done.rows_affected()))
        })
        .await
    }

    /// The one row there must be.
    ///
    /// # Errors
    /// `RowNotFound`, or what the database says.
    pub async fn one<'c, T: Row>(self, on: impl Into<On<'c>>) -> sqlx::Result<T> {
        self.opt(on).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// The row, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn opt<'c, T: Row>(self, on: impl Into<On<'c>>) -> sqlx::Result<Option<T>> {
        let on = on.into();
        Box::pin(async move {
            run!(self, on, |query, executor| query
                .fetch_optional(executor)
                .await
                .and_then(|row| row.map(|row| T::from_row(&row)).transpose()))
        })
        .await
    }

    /// All rows.
    ///
    /// # Errors
    /// What the database says.
    pub async fn all<'c, T: Row>(self, on: impl Into<On<'c>>) -> sqlx::Result<Vec<T>> {
        let on = on.into();
        Box::pin(async move {
            run!(self, on, |query, executor| query
                .fetch_all(executor)
                .await
                .and_then(|rows| rows.iter().map(T::from_row).collect()))
        })
        .await
    }
}

impl Db {
    /// Opens a write transaction, whose first statement must be a write.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn begin(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(Begun::begin(write).await?),
            Self::Postgres(lender) => Tx::Postgres(Begun::begin(lender).await?),
        })
    }
}

impl Tx {
    /// Makes it so.
    ///
    /// # Errors
    /// What the database says; whether it happened is then unknown (THREATS DB-06).
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

/// Whether a unique index refused the row.
pub fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Whether the same transaction may well succeed when it is run again: PostgreSQL's 40001 and 40P01,
/// SQLite's BUSY family (THREATS DB-05).
pub fn is_transient(error: &sqlx::Error) -> bool {
    let Some(code) = error.as_database_error().and_then(sqlx::error::DatabaseError::code) else {
        return false;
    };
    matches!(code.as_ref(), "40001" | "40P01" | "5" | "261" | "517")
}
