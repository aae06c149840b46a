//! Values that are secrets, or that carry one: their `Debug` and their `show` tell nothing.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::json;
use toml_edit::Value as Toml;
use url::Url;
use zeroize::Zeroizing;

use super::value::{Raw, Value, Wrong};
use crate::types::Secret;

/// A connection string, which may carry a password.
#[derive(Clone, Debug)]
pub struct DatabaseUrl(pub Secret);

impl DatabaseUrl {
    /// A connection string that the caller knows to be right.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// The file, if the database is SQLite's.
    pub fn sqlite(&self) -> Option<&Path> {
        let path = self.0.expose().strip_prefix("sqlite:")?;
        Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
    }

    /// Whether whoever reads it can get in.
    pub(super) fn has_password(&self) -> bool {
        self.sqlite().is_none()
            && Url::parse(self.0.expose())
                .map_or(true, |url| url.password().is_some() || url.query().is_some())
    }

    /// What may be shown: everything but the password and the parameters, which may hold one too.
    fn blinded(&self) -> String {
        if self.sqlite().is_some() {
            return self.0.expose().to_owned();
        }
        let Ok(mut url) = Url::parse(self.0.expose()) else { return BLIND.to_owned() };
        if url.query().is_some() {
            url.set_query(Some("…"));
        }
        if url.password().is_some() && url.set_password(Some("…")).is_err() {
            return BLIND.to_owned();
        }
        url.as_str().replace("%E2%80%A6", BLIND)
    }
}

/// What stands where a secret would.
const BLIND: &str = "…";

impl Default for DatabaseUrl {
    fn default() -> Self {
        Self::new("sqlite:gatewright.db")
    }
}

impl Value for DatabaseUrl {
    const FORM: &'static str =
        "\"sqlite:gatewright.db\" or \"postgres://user:password@host/database\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        let text = raw.text()?;
        let url = Self::new(text);
        if let Some(path) = url.sqlite() {
            return match path.to_str() {
                None | Some("" | ":memory:") => {
                    Err(Wrong::mended("names no file", "write \"sqlite:gatewright.db\""))
                }
                Some(path) if path.contains('?') => Err(Wrong::mended(
                    "has parameters, but how SQLite is opened is not a matter of taste",
                    "leave out the `?` and what follows",
                )),
                Some(_) => Ok(url),
            };
        }
        let parsed = Url::parse(text).map_err(|_| Wrong::from("is not a database URL"))?;
        match parsed.scheme() {
            // A `?` or a `#` of a password would end the address, and half the password be shown.
            "postgres" | "postgresql"
                if parsed.fragment().is_some()
                    || parsed.query().is_some_and(|query| query.contains('@')) =>
            {
                Err(Wrong::mended(
                    "has a `?` or a `#` before its `@`",
                    "write them as %3F and %23 where they belong to the password",
                ))
            }
            "postgres" | "postgresql" => Ok(url),
            _ => Err("names a database that we do not know".into()),
        }
    }

    fn show(&self) -> Option<Toml> {
        Some(self.blinded().into())
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

/// The key under which private keys are sealed: 256 bits.
#[derive(Clone)]
pub struct EncryptionKey(Zeroizing<[u8; 32]>);

impl EncryptionKey {
    /// A key of these bytes.
    pub const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Reads base64, plain or URL-safe, padded or not; `None` unless it is 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('=');
        let padded = Zeroizing::new(format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4)));
        let bytes = STANDARD.decode(padded.as_str()).or_else(|_| URL_SAFE.decode(padded.as_str()));
        let bytes = Zeroizing::new(bytes.ok()?);
        <[u8; 32]>::try_from(bytes.as_slice()).ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The key in clear.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(…)")
    }
}

impl Value for EncryptionKey {
    const FORM: &'static str = "32 random bytes in base64, as `openssl rand -base64 32` makes them";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        Self::parse(raw.text()?).ok_or_else(|| "is not 32 bytes in base64".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(BLIND.into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9A-Za-z+/_-]{43}=?$" })
    }
}

/// The text of a file that holds one secret, without the line break that editors put at its end.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn file(path: &PathBuf) -> Result<Zeroizing<String>, Wrong> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        Wrong::mended(
            format!("names {}, which cannot be read: {}", path.display(), error.kind()),
            "put the secret there, readable by the server alone, or name another file",
        )
    })?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Wrong::mended(
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
        for (url, shown) in [
            ("sqlite:gatewright.db", "sqlite:gatewright.db"),
            ("postgres://db/gw", "postgres://db/gw"),
            ("postgres://gw:hunter2@db:5432/gw", "postgres://gw:…@db:5432/gw"),
            ("postgres://db/gw?user=gw&password=hunter2", "postgres://db/gw?…"),
            ("postgres://gw:hunter2 5%@@db/gw", "postgres://gw:…@db/gw"),
        ] {
            let url = DatabaseUrl::read(&Raw::Text(url)).unwrap();

            assert_eq!(url.blinded(), shown);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_key_is_32_bytes_in_any_base64() {
        let bytes = [0xfb; 32];
        for text in [
            STANDARD.encode(bytes),
            URL_SAFE.encode(bytes),
            STANDARD.encode(bytes).trim_end_matches('=').to_owned(),
        ] {
            assert_eq!(EncryptionKey::parse(&text).unwrap().expose(), &bytes);
        }
        for text in ["", "AAAA", "not base64", &STANDARD.encode([1; 31]), &STANDARD.encode([1; 33])]
        {
            assert!(EncryptionKey::parse(text).is_none(), "{text}");
        }
    }
}
