//! Values that are secrets, or that contain one: their `Debug` and their `show` reveal nothing.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use toml_edit::Value as Toml;
use url::Url;
use zeroize::Zeroizing;

use super::value::{InvalidValue, RawValue, Value};
use crate::types::Secret;
use gatewright_base::access::why;

/// A connection string, which may contain a password.
#[derive(Clone, Debug)]
pub struct DatabaseUrl(pub Secret);

impl DatabaseUrl {
    /// A connection string that the caller has validated.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// The file, if the database is SQLite.
    pub fn sqlite(&self) -> Option<&Path> {
        let path = self.0.expose().strip_prefix("sqlite:")?;
        Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
    }

    /// Whether it contains credentials.
    pub fn has_password(&self) -> bool {
        self.sqlite().is_none()
            && Url::parse(self.0.expose())
                .map_or(true, |url| url.password().is_some() || url.query().is_some())
    }

    /// The URL without the password and the parameters, which may contain one too.
    pub fn redacted(&self) -> String {
        if self.sqlite().is_some() {
            return self.0.expose().to_owned();
        }
        let Ok(mut url) = Url::parse(self.0.expose()) else { return REDACTED.to_owned() };
        if url.query().is_some() {
            url.set_query(Some("…"));
        }
        if url.password().is_some() && url.set_password(Some("…")).is_err() {
            return REDACTED.to_owned();
        }
        url.as_str().replace("%E2%80%A6", REDACTED)
    }
}

/// The replacement for a secret.
pub(super) const REDACTED: &str = "…";

impl Default for DatabaseUrl {
    fn default() -> Self {
        Self::new("sqlite:gatewright.db")
    }
}

impl Value for DatabaseUrl {
    const FORM: &'static str =
        "\"sqlite:gatewright.db\" or \"postgres://user:password@host/database\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        let text = raw.text()?;
        let url = Self::new(text);
        if let Some(path) = url.sqlite() {
            return match path.to_str() {
                None | Some("" | ":memory:") => Err(InvalidValue::with_remedy(
                    "names no file",
                    "write \"sqlite:gatewright.db\"",
                )),
                Some(path) if path.contains('?') => Err(InvalidValue::with_remedy(
                    "has parameters, but the options of SQLite are fixed",
                    "leave out the `?` and what follows",
                )),
                Some(_) => Ok(url),
            };
        }
        let parsed = Url::parse(text).map_err(|_| InvalidValue::from("is not a database URL"))?;
        match parsed.scheme() {
            // A `?` or a `#` in a password would end the URL, and half of the password would be shown.
            "postgres" | "postgresql"
                if parsed.fragment().is_some()
                    || parsed.query().is_some_and(|query| query.contains('@')) =>
            {
                Err(InvalidValue::with_remedy(
                    "has a `?` or a `#` before its `@`",
                    "write them as %3F and %23 where they belong to the password",
                ))
            }
            "postgres" | "postgresql" => Ok(url),
            _ => Err("names an unsupported database".into()),
        }
    }

    fn show(&self) -> Option<Toml> {
        Some(self.redacted().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^(sqlite:[^?]+|postgres(ql)?://.*)$" })
    }

    fn rooted(self, directory: &Path) -> Self {
        match self.sqlite() {
            Some(path) if path.is_relative() && !directory.as_os_str().is_empty() => {
                Self::new(format!("sqlite:{}", directory.join(path).display()))
            }
            Some(_) | None => self,
        }
    }
}

/// The key-encryption keys, of 256 bits each: the first one seals, the others still open what they
/// sealed. There is at least one.
#[derive(Clone)]
pub struct EncryptionKeys(Vec<Zeroizing<[u8; 32]>>);

impl EncryptionKeys {
    /// Parses the key file: a line each, 32 bytes in base64; empty lines and those that begin with `#`
    /// are ignored. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
            let bytes = Zeroizing::new(STANDARD.decode(line).ok()?);
            <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new).ok()
        });
        let keys: Vec<_> = keys.collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The keys in clear text, the one that seals first.
    pub fn expose(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.0.iter().map(|key| &**key)
    }
}

impl fmt::Debug for EncryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKeys(…)")
    }
}

impl Value for EncryptionKeys {
    const FORM: &'static str = "32 random bytes in base64, as `openssl rand -base64 32` makes them";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        Self::parse(raw.text()?).ok_or_else(|| "is not 32 bytes in base64".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(REDACTED.into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "minLength": 44 })
    }
}

/// The content of a file with one secret, without the trailing line break.
///
/// # Errors
/// The reason why it cannot be read.
pub(super) fn file(path: &PathBuf) -> Result<Zeroizing<String>, InvalidValue> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        InvalidValue::with_remedy(
            format!("names {}, which cannot be read: {}", path.display(), why(path, &error)),
            "put the secret there, readable only by the server, or name another file",
        )
    })?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(InvalidValue::with_remedy(
            format!("names {}, which is empty", path.display()),
            "put the secret there",
        )),
        secret => Ok(Zeroizing::new(secret.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_is_shown_without_its_password() {
        for (url, redacted) in [
            ("sqlite:gatewright.db", "sqlite:gatewright.db"),
            ("postgres://db/gw", "postgres://db/gw"),
            ("postgres://gw:hunter2@db:5432/gw", "postgres://gw:…@db:5432/gw"),
            ("postgres://db/gw?user=gw&password=hunter2", "postgres://db/gw?…"),
            ("postgres://gw:hunter2 5%@@db/gw", "postgres://gw:…@db/gw"),
        ] {
            let url = DatabaseUrl::read(&RawValue::Text(url)).unwrap();

            assert_eq!(url.redacted(), redacted);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_and_the_first_one_seals() {
        let (new, old) = (STANDARD.encode([2; 32]), STANDARD.encode([1; 32]));

        let keys = EncryptionKeys::parse(&format!("# of May\n{new}\n\n  {old}\r\n")).unwrap();

        assert_eq!(keys.expose().collect::<Vec<_>>(), [&[2; 32], &[1; 32]]);
        let short = STANDARD.encode([1; 31]);
        let long = STANDARD.encode([1; 33]);
        let second_is_bad = format!("{new}\n{short}");
        for text in ["", "# none", "not base64", &short, &long, &second_is_bad] {
            assert!(EncryptionKeys::parse(text).is_none(), "{text}");
        }
    }
}
