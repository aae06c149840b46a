//! The types of values: how they are parsed, and how they are shown.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::json;
use toml_edit::Value as Toml;

use super::spelling::nearest;
use crate::types::Algorithm;

/// A value that has not been validated yet. It may be a secret, hence it has no `Debug`.
#[derive(Clone)]
pub enum RawValue<'a> {
    /// A TOML string.
    Text(&'a str),
    /// A TOML integer.
    Integer(i64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array.
    List(Vec<Self>),
    /// A TOML table within a list: `{ name = "…" }`, or `[[table.key]]`.
    Table(Vec<(&'a str, Self)>),
    /// Any other type, by its name.
    Other(&'static str),
    /// The text of an environment variable or of a secret file: its key decides its type.
    Untyped(&'a str),
}

impl<'a> RawValue<'a> {
    /// The value of a key in the file.
    pub(super) fn of(item: &'a toml_edit::Item) -> Self {
        if let Some(list) = item.as_array_of_tables() {
            return Self::List(list.iter().map(|table| Self::table(table)).collect());
        }
        item.as_value().map_or(Self::Other("table"), Self::value)
    }

    fn table(table: &'a dyn toml_edit::TableLike) -> Self {
        Self::Table(table.iter().map(|(key, item)| (key, Self::of(item))).collect())
    }

    fn value(value: &'a Toml) -> Self {
        match value {
            Toml::String(text) => Self::Text(text.value()),
            Toml::Integer(number) => Self::Integer(*number.value()),
            Toml::Boolean(yes) => Self::Boolean(*yes.value()),
            Toml::Array(list) => Self::List(list.iter().map(Self::value).collect()),
            Toml::InlineTable(table) => Self::table(table),
            Toml::Float(_) | Toml::Datetime(_) => Self::Other(value.type_name()),
        }
    }

    /// The text. It is never empty: an optional key is left out.
    pub(super) fn text(&self) -> Result<&'a str, InvalidValue> {
        match self {
            Self::Text("") | Self::Untyped("") => Err("is empty".into()),
            Self::Text(text) | Self::Untyped(text) => Ok(text),
            Self::Integer(_)
            | Self::Boolean(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Other(_) => Err(self.mistaken()),
        }
    }

    /// The members of a table, each of them one of `known`. In the environment: `name=a;file=b`.
    pub(super) fn members(&self, known: &[&str]) -> Result<Vec<(&'a str, Self)>, InvalidValue> {
        let members = match self {
            Self::Table(members) => members.clone(),
            Self::Untyped(text) => {
                let pairs = text.split(';').map(|pair| pair.split_once('='));
                let pairs = pairs.map(|pair| pair.map(|(name, value)| (name.trim(), value.trim())));
                let pairs: Option<Vec<_>> = pairs.collect();
                let pairs = pairs.ok_or_else(|| self.mistaken())?;
                pairs.into_iter().map(|(name, value)| (name, Self::Untyped(value))).collect()
            }
            Self::Text(_)
            | Self::Integer(_)
            | Self::Boolean(_)
            | Self::List(_)
            | Self::Other(_) => return Err(self.mistaken()),
        };
        for (n, (name, _)) in members.iter().enumerate() {
            if !known.contains(name) {
                let near = nearest(name, known.iter().copied()).unwrap_or_default();
                let remedy = format!("the nearest known key is `{near}`");
                return Err(InvalidValue::with_remedy(
                    format!("has an unknown key `{name}`"),
                    remedy,
                ));
            }
            if members.iter().take(n).any(|(other, _)| other == name) {
                return Err(InvalidValue::from("has the same key twice"));
            }
        }
        Ok(members)
    }

    /// The error for a value of another type.
    pub(super) fn mistaken(&self) -> InvalidValue {
        InvalidValue::from(match self {
            Self::Text(_) => "is a string",
            Self::Integer(_) => "is an integer",
            Self::Boolean(_) => "is a boolean",
            Self::List(_) => "is a list",
            Self::Other("datetime") => "is a date",
            Self::Other("float") => "is a number with a fraction",
            Self::Table(_) | Self::Other(_) => "is a table",
            Self::Untyped(_) => "is malformed",
        })
    }
}

/// Why a value is refused. It never quotes the value, which could be a misplaced secret.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidValue {
    /// A clause that follows the key: "is empty".
    pub reason: String,
    /// The remedy, where [`Value::FORM`] does not suffice.
    pub remedy: Option<String>,
}

impl InvalidValue {
    /// With a remedy other than the form of the type.
    pub(super) fn with_remedy(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: Some(remedy.into()) }
    }
}

impl From<&str> for InvalidValue {
    fn from(reason: &str) -> Self {
        Self { reason: reason.to_owned(), remedy: None }
    }
}

/// A type of a key. Parsing validates: no later code checks the value again.
pub trait Value: Sized {
    /// The accepted values, in words that follow "write".
    const FORM: &'static str;

    /// Parses a value.
    ///
    /// # Errors
    /// The reason why it is refused, without quoting it.
    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue>;

    /// The value for `config show`, secrets redacted; `None` if it is not set.
    fn show(&self) -> Option<Toml>;

    /// Its JSON Schema; `within` bounds numbers.
    fn schema(within: Option<(i64, i64)>) -> serde_json::Value;

    /// Its size, for types with bounds.
    fn measure(&self) -> Option<i64> {
        None
    }

    /// Relative paths are taken from the directory of the file that names them.
    fn rooted(self, _: &Path) -> Self {
        self
    }
}

impl<T: Value> Value for Option<T> {
    const FORM: &'static str = T::FORM;

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        T::read(raw).map(Some)
    }

    fn show(&self) -> Option<Toml> {
        self.as_ref().and_then(T::show)
    }

    fn schema(within: Option<(i64, i64)>) -> serde_json::Value {
        T::schema(within)
    }

    fn measure(&self) -> Option<i64> {
        self.as_ref().and_then(T::measure)
    }

    fn rooted(self, directory: &Path) -> Self {
        self.map(|value| value.rooted(directory))
    }
}

/// A list, or one value instead of a list of one; in the environment, separated by commas.
impl<T: Value> Value for Vec<T> {
    const FORM: &'static str = T::FORM;

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        let one = |(n, raw): (usize, &RawValue<'_>)| {
            T::read(raw).map_err(|wrong| InvalidValue {
                reason: format!("has an item (number {}) that {}", n + 1, wrong.reason),
                ..wrong
            })
        };
        match raw {
            RawValue::List(list) => list.iter().enumerate().map(one).collect(),
            RawValue::Untyped("") => Ok(Self::new()),
            RawValue::Untyped(text) => {
                let items: Vec<_> =
                    text.split(',').map(|item| RawValue::Untyped(item.trim())).collect();
                items.iter().enumerate().map(one).collect()
            }
            RawValue::Text(_)
            | RawValue::Integer(_)
            | RawValue::Boolean(_)
            | RawValue::Table(_)
            | RawValue::Other(_) => T::read(raw).map(|only| vec![only]),
        }
    }

    fn show(&self) -> Option<Toml> {
        Some(self.iter().filter_map(T::show).collect::<toml_edit::Array>().into())
    }

    fn schema(within: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "anyOf": [T::schema(within), { "type": "array", "items": T::schema(within) }] })
    }

    fn rooted(self, directory: &Path) -> Self {
        self.into_iter().map(|value| value.rooted(directory)).collect()
    }
}

impl Value for bool {
    const FORM: &'static str = "`true` or `false`";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        match raw {
            RawValue::Boolean(yes) => Ok(*yes),
            RawValue::Untyped("true") => Ok(true),
            RawValue::Untyped("false") => Ok(false),
            RawValue::Text(_)
            | RawValue::Integer(_)
            | RawValue::List(_)
            | RawValue::Table(_)
            | RawValue::Other(_)
            | RawValue::Untyped(_) => Err(raw.mistaken()),
        }
    }

    fn show(&self) -> Option<Toml> {
        Some((*self).into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

/// One line of text, such as a name.
impl Value for String {
    const FORM: &'static str = "one line of text";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        const LONGEST: usize = 200;
        let text = raw.text()?;
        if text.chars().any(char::is_control) {
            return Err("has a control character or a line break".into());
        }
        if text.trim().is_empty() {
            return Err("has nothing but spaces".into());
        }
        if text.chars().count() > LONGEST {
            return Err("is longer than 200 characters".into());
        }
        Ok(text.to_owned())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1, "maxLength": 200 })
    }
}

impl Value for PathBuf {
    const FORM: &'static str = "a path";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        raw.text().map(Self::from)
    }

    fn show(&self) -> Option<Toml> {
        Some(self.to_string_lossy().into_owned().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }

    fn rooted(self, directory: &Path) -> Self {
        directory.join(self)
    }
}

impl Value for SocketAddr {
    const FORM: &'static str = "an IP address and a port, such as \"127.0.0.1:8080\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        raw.text()?.parse().map_err(|_| "is not an IP address and a port".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.to_string().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^(\\[[0-9A-Fa-f:.]+\\]|[0-9.]+):[0-9]+$" })
    }
}

impl Value for Algorithm {
    const FORM: &'static str = "one of \"ES256\", \"RS256\", \"PS256\", \"ES384\", \"EdDSA\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        Self::parse(raw.text()?)
            .filter(|algorithm| Self::SIGNING.contains(algorithm))
            .ok_or_else(|| "is not a supported signature algorithm".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        let names: Vec<_> = Self::SIGNING.iter().map(|algorithm| algorithm.as_str()).collect();
        json!({ "enum": names })
    }
}
