//! Rows of the embedded database, in the form that sqlx decodes.
//!
//! `FromRow` and `Decode` are generic over sqlx's `Database`, and so are the types of every column. This is the
//! smallest database that they accept: it has rows and values. Its statements run elsewhere in this folder, so it has
//! no connections: their types have no values.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Value as Inner;
use sqlx::error::BoxDynError;
use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{
    Arguments, Column, ColumnIndex, ConnectOptions, Connection, Database, Decode, Either, Encode,
    Error, FromRow, IntoArguments, Row, SqlStr, Statement, Transaction, Type, TypeInfo, Value,
    ValueRef,
};
use sqlx_core::transaction::TransactionManager;

/// A row.
#[derive(Debug)]
pub struct EmbeddedRow {
    names: Arc<[Box<str>]>,
    values: Vec<Cell>,
}

impl EmbeddedRow {
    /// A row with as many values as names.
    pub(super) fn new(names: Arc<[Box<str>]>, values: Vec<Cell>) -> Self {
        Self { names, values }
    }
}

/// A value.
#[derive(Clone, Debug)]
pub struct Cell(Inner);

impl From<Inner> for Cell {
    fn from(value: Inner) -> Self {
        Self(value)
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Integer,
    Real,
    Text,
    Blob,
}

impl Kind {
    const fn from_value(value: &Inner) -> Self {
        match value {
            Inner::Null => Self::Null,
            Inner::Integer(_) => Self::Integer,
            Inner::Real(_) => Self::Real,
            Inner::Text(_) => Self::Text,
            Inner::Blob(_) => Self::Blob,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TypeInfo for Kind {
    fn is_null(&self) -> bool {
        *self == Self::Null
    }

    fn name(&self) -> &str {
        match self {
            Self::Null => "NULL",
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Text => "TEXT",
            Self::Blob => "BLOB",
        }
    }
}

/// The database.
#[derive(Debug)]
pub enum Embedded {}

impl Database for Embedded {
    type Connection = Never;
    type TransactionManager = Never;
    type Row = EmbeddedRow;
    type QueryResult = ();
    type Column = Never;
    type TypeInfo = Kind;
    type Value = Cell;
    type ValueRef<'r> = &'r Cell;
    type Arguments = NoArguments;
    type ArgumentBuffer = ();
    type Statement = Never;

    const NAME: &'static str = "SQLite";
    const URL_SCHEMES: &'static [&'static str] = &["sqlite"];
}

impl Row for EmbeddedRow {
    type Database = Embedded;

    fn len(&self) -> usize {
        self.values.len()
    }

    fn columns(&self) -> &[Never] {
        &[]
    }

    fn try_get_raw<I: ColumnIndex<Self>>(&self, index: I) -> sqlx::Result<&Cell> {
        let index = index.index(self)?;
        let len = self.values.len();
        self.values.get(index).ok_or(Error::ColumnIndexOutOfBounds { index, len })
    }
}

impl ColumnIndex<EmbeddedRow> for usize {
    fn index(&self, row: &EmbeddedRow) -> sqlx::Result<usize> {
        let (index, len) = (*self, row.values.len());
        if index < len { Ok(index) } else { Err(Error::ColumnIndexOutOfBounds { index, len }) }
    }
}

impl ColumnIndex<EmbeddedRow> for &str {
    fn index(&self, row: &EmbeddedRow) -> sqlx::Result<usize> {
        let place = row.names.iter().position(|name| **name == **self);
        place.ok_or_else(|| Error::ColumnNotFound((*self).to_owned()))
    }
}

impl Value for Cell {
    type Database = Embedded;

    fn as_ref(&self) -> &Cell {
        self
    }

    fn type_info(&self) -> Cow<'_, Kind> {
        Cow::Owned(Kind::from_value(&self.0))
    }

    fn is_null(&self) -> bool {
        self.0 == Inner::Null
    }
}

impl<'r> ValueRef<'r> for &'r Cell {
    type Database = Embedded;

    fn to_owned(&self) -> Cell {
        (*self).clone()
    }

    fn type_info(&self) -> Cow<'_, Kind> {
        Cow::Owned(Kind::from_value(&self.0))
    }

    fn is_null(&self) -> bool {
        self.0 == Inner::Null
    }
}

fn wrong(value: &Inner, wanted: Kind) -> BoxDynError {
    format!("a value is {}, not {wanted}", Kind::from_value(value)).into()
}

/// Decodes a type from one kind of values.
macro_rules! decoded {
    ($($type:ty: $kind:ident, $value:ident => $decoded:expr;)*) => {$(
        impl Type<Embedded> for $type {
            fn type_info() -> Kind {
                Kind::$kind
            }
        }

        impl<'r> Decode<'r, Embedded> for $type {
            fn decode(cell: &'r Cell) -> Result<Self, BoxDynError> {
                match &cell.0 {
                    Inner::$kind($value) => Ok($decoded),
                    other => Err(wrong(other, Kind::$kind)),
                }
            }
        }
    )*};
}

decoded! {
    i64: Integer, value => *value;
    bool: Integer, value => *value != 0;
    String: Text, value => value.clone();
    Vec<u8>: Blob, value => value.clone();
}

// References have the types of what they refer to, by implementations of sqlx.
impl Type<Embedded> for str {
    fn type_info() -> Kind {
        Kind::Text
    }
}

impl Type<Embedded> for [u8] {
    fn type_info() -> Kind {
        Kind::Blob
    }
}

impl<'r> Decode<'r, Embedded> for &'r str {
    fn decode(cell: &'r Cell) -> Result<Self, BoxDynError> {
        match &cell.0 {
            Inner::Text(text) => Ok(text),
            other @ (Inner::Null | Inner::Integer(_) | Inner::Real(_) | Inner::Blob(_)) => {
                Err(wrong(other, Kind::Text))
            }
        }
    }
}

impl<'r> Decode<'r, Embedded> for &'r [u8] {
    fn decode(cell: &'r Cell) -> Result<Self, BoxDynError> {
        match &cell.0 {
            Inner::Blob(bytes) => Ok(bytes),
            other @ (Inner::Null | Inner::Integer(_) | Inner::Real(_) | Inner::Text(_)) => {
                Err(wrong(other, Kind::Blob))
            }
        }
    }
}

/// What this database does not have.
#[derive(Clone, Debug)]
pub enum Never {}

/// Its statements are bound elsewhere.
#[derive(Debug, Default)]
pub struct NoArguments;

impl Arguments for NoArguments {
    type Database = Embedded;

    fn reserve(&mut self, _: usize, _: usize) {}

    fn add<'t, T: Encode<'t, Embedded> + Type<Embedded>>(
        &mut self,
        _: T,
    ) -> Result<(), BoxDynError> {
        Err("a statement of the embedded database is not bound by sqlx".into())
    }

    fn len(&self) -> usize {
        0
    }
}

impl Column for Never {
    type Database = Embedded;

    fn ordinal(&self) -> usize {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }

    fn type_info(&self) -> &Kind {
        match *self {}
    }
}

impl FromStr for Never {
    type Err = Error;

    fn from_str(_: &str) -> sqlx::Result<Self> {
        Err(Error::PoolClosed)
    }
}

impl ConnectOptions for Never {
    type Connection = Self;

    fn from_url(_: &url::Url) -> sqlx::Result<Self> {
        Err(Error::PoolClosed)
    }

    async fn connect(&self) -> sqlx::Result<Self> {
        match *self {}
    }

    fn log_statements(self, _: log::LevelFilter) -> Self {
        self
    }

    fn log_slow_statements(self, _: log::LevelFilter, _: Duration) -> Self {
        self
    }
}

impl Connection for Never {
    type Database = Embedded;
    type Options = Self;

    async fn close(self) -> sqlx::Result<()> {
        match self {}
    }

    async fn close_hard(self) -> sqlx::Result<()> {
        match self {}
    }

    async fn ping(&mut self) -> sqlx::Result<()> {
        match *self {}
    }

    async fn begin(&mut self) -> sqlx::Result<Transaction<'_, Embedded>> {
        match *self {}
    }

    fn shrink_buffers(&mut self) {
        match *self {}
    }

    async fn flush(&mut self) -> sqlx::Result<()> {
        match *self {}
    }

    fn should_flush(&self) -> bool {
        match *self {}
    }
}

impl TransactionManager for Never {
    type Database = Embedded;

    async fn begin(connection: &mut Self, _: Option<SqlStr>) -> sqlx::Result<()> {
        match *connection {}
    }

    async fn commit(connection: &mut Self) -> sqlx::Result<()> {
        match *connection {}
    }

    async fn rollback(connection: &mut Self) -> sqlx::Result<()> {
        match *connection {}
    }

    fn start_rollback(connection: &mut Self) {
        match *connection {}
    }

    fn get_transaction_depth(connection: &Self) -> usize {
        match *connection {}
    }
}

impl Statement for Never {
    type Database = Embedded;

    fn into_sql(self) -> SqlStr {
        match self {}
    }

    fn sql(&self) -> &SqlStr {
        match *self {}
    }

    fn parameters(&self) -> Option<Either<&[Kind], usize>> {
        match *self {}
    }

    fn columns(&self) -> &[Self] {
        match *self {}
    }

    fn query(&self) -> Query<'_, Embedded, NoArguments> {
        match *self {}
    }

    fn query_with<A: IntoArguments<Embedded>>(&self, _: A) -> Query<'_, Embedded, A> {
        match *self {}
    }

    fn query_as<O: for<'r> FromRow<'r, EmbeddedRow>>(
        &self,
    ) -> QueryAs<'_, Embedded, O, NoArguments> {
        match *self {}
    }

    fn query_as_with<'s, O, A>(&'s self, _: A) -> QueryAs<'s, Embedded, O, A>
    where
        O: for<'r> FromRow<'r, EmbeddedRow>,
        A: IntoArguments<Embedded>,
    {
        match *self {}
    }

    fn query_scalar<O>(&self) -> QueryScalar<'_, Embedded, O, NoArguments>
    where
        (O,): for<'r> FromRow<'r, EmbeddedRow>,
    {
        match *self {}
    }

    fn query_scalar_with<'s, O, A>(&'s self, _: A) -> QueryScalar<'s, Embedded, O, A>
    where
        (O,): for<'r> FromRow<'r, EmbeddedRow>,
        A: IntoArguments<Embedded>,
    {
        match *self {}
    }
}
