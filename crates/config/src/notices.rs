//! Recipients of notices: mail addresses and webhooks.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox as Address;
use serde_json::json;
use toml_edit::{InlineTable, Value as Toml};
use url::Url;
use zeroize::Zeroizing;

use super::secrets::{self, REDACTED};
use super::text::NoticeKind;
use super::value::{InvalidValue, RawValue, Value};
use crate::types::Secret;

/// A mail address, with or without a display name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox(pub Address);

impl Value for Mailbox {
    const FORM: &'static str =
        "a mail address such as \"it@example.org\" or \"IT <it@example.org>\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        raw.text()?.parse().map(Self).map_err(|_| "is not a mail address".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.0.to_string().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "minLength": 3 })
    }
}

/// A program that receives events by `POST`.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its URL.
    pub url: Url,
    /// The secret that signs the messages to it.
    pub secret: WebhookSecret,
    /// The events that it receives; empty: all.
    pub events: Vec<NoticeKind>,
}

/// The secret of a webhook.
#[derive(Clone, Debug)]
pub enum WebhookSecret {
    /// In the configuration.
    Given(Secret),
    /// In this file, which is read at each use: it may be replaced while the server runs.
    File(PathBuf),
}

/// The prefix of a secret of Standard Webhooks.
const PREFIX: &str = "whsec_";

impl WebhookSecret {
    /// The key that messages are signed with.
    ///
    /// # Errors
    /// When the file cannot be read, or contains no valid secret.
    pub fn key(&self) -> Result<Zeroizing<Vec<u8>>, InvalidValue> {
        match self {
            Self::Given(secret) => key(secret.expose()),
            Self::File(path) => key(&secrets::file(path)?),
        }
    }
}

/// > Secrets are […] base64 encoded, prefixed with `whsec_` (Standard Webhooks, Signature scheme): 24 to
/// > 64 bytes.
fn key(text: &str) -> Result<Zeroizing<Vec<u8>>, InvalidValue> {
    let bytes = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    bytes.map(Zeroizing::new).filter(|bytes| (24..=64).contains(&bytes.len())).ok_or_else(|| {
        InvalidValue::with_remedy(
            "has a secret that is not whsec_ and 24 to 64 bytes in base64",
            "generate one with `echo whsec_$(openssl rand -base64 32)`",
        )
    })
}

impl Webhook {
    /// Whether it receives events of this kind.
    pub fn receives(&self, kind: NoticeKind) -> bool {
        self.events.is_empty() || self.events.contains(&kind)
    }
}

impl Value for Webhook {
    const FORM: &'static str = "tables with `url`, `secret` or `secret_file`, and `events`, each below \
                                a line [[webhooks.endpoints]]";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        let RawValue::Table(members) = raw else {
            return Err(raw.mistaken());
        };
        let (mut url, mut secret, mut events) = (None, None, Vec::new());
        for (name, value) in members {
            let within = |wrong: InvalidValue| InvalidValue {
                reason: format!("has a {name} that {}", wrong.reason),
                ..wrong
            };
            match *name {
                "url" => url = Some(read_url(value).map_err(within)?),
                "secret" | "secret_file" if secret.is_some() => {
                    return Err("has both secret and secret_file".into());
                }
                "secret" => {
                    let text = value.text().map_err(within)?;
                    key(text)?;
                    secret = Some(WebhookSecret::Given(Secret::new(text)));
                }
                "secret_file" => {
                    let path = PathBuf::read(value).map_err(within)?;
                    secret = Some(WebhookSecret::File(path));
                }
                "events" => events = Vec::read(value).map_err(within)?,
                _ => return Err("has an unknown key".into()),
            }
        }
        match (url, secret) {
            (Some(url), Some(secret)) => Ok(Self { url, secret, events }),
            (None, _) => Err("has no url".into()),
            (_, None) => Err("has neither secret nor secret_file".into()),
        }
    }

    fn show(&self) -> Option<Toml> {
        let mut table = InlineTable::new();
        table.insert("url", self.url.as_str().into());
        match &self.secret {
            WebhookSecret::Given(_) => table.insert("secret", REDACTED.into()),
            WebhookSecret::File(file) => {
                table.insert("secret_file", file.to_string_lossy().into_owned().into())
            }
        };
        table.insert("events", self.events.show()?);
        Some(table.into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({
            "type": "object",
            "properties": {
                "url": { "type": "string", "format": "uri" },
                "secret": { "type": "string", "pattern": "^whsec_" },
                "secret_file": { "type": "string" },
                "events": Vec::<NoticeKind>::schema(None),
            },
            "required": ["url"],
            "additionalProperties": false,
        })
    }

    fn rooted(mut self, directory: &Path) -> Self {
        if let WebhookSecret::File(file) = self.secret {
            self.secret = WebhookSecret::File(directory.join(file));
        }
        self
    }
}

fn read_url(raw: &RawValue<'_>) -> Result<Url, InvalidValue> {
    let url =
        Url::parse(raw.text()?).map_err(|_| InvalidValue::from("is not a complete address"))?;
    match url.scheme() {
        "https" | "http" if url.username().is_empty() && url.password().is_none() => Ok(url),
        "https" | "http" => Err("has a user name or a password in it".into()),
        _ => Err("is neither https nor http".into()),
    }
}

/// A password for another server, kept in clear text because its protocol requires it.
#[derive(Clone, Debug)]
pub struct Password(pub Secret);

impl Value for Password {
    const FORM: &'static str = "a password";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        raw.text().map(|text| Self(Secret::new(text)))
    }

    fn show(&self) -> Option<Toml> {
        Some(REDACTED.into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_has_a_url_and_a_secret_that_is_never_shown() {
        let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
        let table = |members: Vec<(&'static str, &'static str)>| {
            RawValue::Table(
                members.into_iter().map(|(name, text)| (name, RawValue::Text(text))).collect(),
            )
        };
        let secret: &'static str = secret.leak();
        let url = ("url", "https://ops.example.org/hook");

        let read = Webhook::read(&table(vec![
            url,
            ("secret", secret),
            ("events", "certificate.expiring"),
        ]));

        let read = read.unwrap();
        assert_eq!(read.secret.key().unwrap().as_slice(), [7; 32]);
        assert!(read.receives(NoticeKind::CertificateExpiring));
        assert!(!read.receives(NoticeKind::CertificateExpired));
        assert!(!format!("{read:?} {}", read.show().unwrap()).contains(secret));
        for wrong in [
            vec![url],
            vec![("secret", secret)],
            vec![url, ("secret", "whsec_c2hvcnQ=")],
            vec![url, ("secret", "hunter2hunter2hunter2hunter2hunter2")],
            vec![url, ("secret", secret), ("secret_file", "x")],
            vec![url, ("secret", secret), ("event", "certificate.expiring")],
            vec![url, ("secret", secret), ("events", "certificate.gone")],
            vec![("url", "ftp://ops.example.org"), ("secret", secret)],
            vec![("url", "https://me:too@ops.example.org"), ("secret", secret)],
        ] {
            assert!(Webhook::read(&table(wrong)).is_err());
        }
    }
}
