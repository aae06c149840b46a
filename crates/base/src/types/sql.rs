//! The types as columns of a database, so that a row decodes into the struct that is used.
//!
//! There are four types of columns (TEXT, BIGINT, BOOLEAN, BYTEA), and structures are JSON in TEXT. What sqlx derives
//! is not enough for those: its JSON is a column type of its own on PostgreSQL.

use ::sqlx::error::BoxDynError;
use ::sqlx::{Database, Decode, Type, ValueRef as _};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::client::Metadata;
use super::{Algorithm, Confirmation, Digest, Scope, Thumbprint};

/// Decodes types from TEXT by a function that returns an `Option`; the sentence is the error of `None`.
#[macro_export]
macro_rules! text_columns {
    ($($type:ty: $parse:expr, $error:literal;)*) => {$(
        impl<DB: ::sqlx::Database> ::sqlx::Type<DB> for $type
        where
            ::std::string::String: ::sqlx::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <::std::string::String as ::sqlx::Type<DB>>::type_info()
            }

            fn compatible(column: &DB::TypeInfo) -> bool {
                <::std::string::String as ::sqlx::Type<DB>>::compatible(column)
            }
        }

        impl<'r, DB: ::sqlx::Database> ::sqlx::Decode<'r, DB> for $type
        where
            &'r str: ::sqlx::Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, ::sqlx::error::BoxDynError> {
                let text = <&str as ::sqlx::Decode<'r, DB>>::decode(value)?;
                let parse: fn(&str) -> Option<Self> = $parse;
                parse(text).ok_or_else(|| $error.into())
            }
        }
    )*};
}

text_columns! {
    Scope: |text| Self::parse(text).ok(), "the column is not a scope";
    Thumbprint: Self::parse, "the column is not 32 bytes in base64url";
    Algorithm: Self::parse, "the column is not a known signature algorithm";
}

impl<DB: Database> Type<DB> for Digest
where
    Vec<u8>: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <Vec<u8> as Type<DB>>::type_info()
    }

    fn compatible(column: &DB::TypeInfo) -> bool {
        <Vec<u8> as Type<DB>>::compatible(column)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Digest
where
    &'r [u8]: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes = <&[u8] as Decode<'r, DB>>::decode(value)?;
        bytes.try_into().map(Self).map_err(|_| "the column is not 32 bytes".into())
    }
}

/// sqlx, for files that derive `FromRow` with `#[sqlx(try_from = "…")]`.
///
/// The derive names `sqlx::__spec_error!`, which sqlx exports only with its feature `derive`; and with that feature,
/// both drivers and SQLite's C code are compiled a second time for the host (decision 0050).
pub mod sqlx {
    pub use ::sqlx::*;

    pub use crate::column_error as __spec_error;
}

/// The error of a column that was read but not converted.
#[macro_export]
#[doc(hidden)]
macro_rules! column_error {
    ($error:expr) => {
        ::std::convert::Into::into($error)
    };
}

/// JSON in a column of TEXT; NULL is `null`. A field names it: `#[sqlx(try_from = "Json")]`.
#[derive(Debug)]
pub struct Json(String);

impl Json {
    /// Parses the JSON.
    ///
    /// # Errors
    /// When it is not JSON of that type.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.0)
    }
}

impl<DB: Database> Type<DB> for Json
where
    String: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <String as Type<DB>>::type_info()
    }

    fn compatible(column: &DB::TypeInfo) -> bool {
        <String as Type<DB>>::compatible(column)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Json
where
    String: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.is_null() {
            return Ok(Self("null".to_owned()));
        }
        String::decode(value).map(Self)
    }
}

impl<T: DeserializeOwned> TryFrom<Json> for Vec<T> {
    type Error = serde_json::Error;

    fn try_from(json: Json) -> serde_json::Result<Self> {
        json.parse()
    }
}

impl TryFrom<Json> for Map<String, Value> {
    type Error = serde_json::Error;

    fn try_from(json: Json) -> serde_json::Result<Self> {
        json.parse()
    }
}

impl TryFrom<Json> for Metadata {
    type Error = serde_json::Error;

    fn try_from(json: Json) -> serde_json::Result<Self> {
        json.parse()
    }
}

/// NULL: the token is bound to nothing.
impl TryFrom<Json> for Confirmation {
    type Error = serde_json::Error;

    fn try_from(json: Json) -> serde_json::Result<Self> {
        Ok(json.parse::<Option<Self>>()?.unwrap_or_default())
    }
}
