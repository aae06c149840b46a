//! Texts of a certain form: colours, links, filters, enumerations.

use std::fmt;

use serde_json::json;
use toml_edit::Value as Toml;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use url::Url;

use super::value::{InvalidValue, RawValue, Value};
pub use crate::types::client::AssertionAudience;
use crate::types::colour::Colour;
use crate::types::wire_enum;

impl Value for Colour {
    const FORM: &'static str = "a colour such as \"#2f5bd7\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        Colour::parse(raw.text()?).ok_or_else(|| "is not # and six hexadecimal digits".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.to_string().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^#[0-9A-Fa-f]{6}$" })
    }
}

/// A link on a page. Only these schemes are accepted, so that no link runs a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(pub Url);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Value for Link {
    const FORM: &'static str = "an address that begins with \"https:\", \"http:\" or \"mailto:\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        let url =
            Url::parse(raw.text()?).map_err(|_| InvalidValue::from("is not a complete address"))?;
        match url.scheme() {
            "https" | "http" | "mailto" => Ok(Self(url)),
            _ => Err("has a scheme that links may not have".into()),
        }
    }

    fn show(&self) -> Option<Toml> {
        Some(self.0.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "format": "uri", "pattern": "^(https?|mailto):" })
    }
}

/// What is logged: a level, or a filter of `tracing` such as `info,gatewright::flow=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Warnings and errors only.
    pub fn warnings() -> Self {
        Self("warn".to_owned())
    }

    /// The filter as `tracing` accepts it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl Value for LogFilter {
    const FORM: &'static str = "\"error\", \"warn\", \"info\", \"debug\", \"trace\", or a filter such as \"info,gatewright=debug\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        let text = raw.text()?;
        if let Some(word) = text.split(',').map(str::trim).find(|part| is_misspelt_level(part)) {
            return Err(InvalidValue::with_remedy(
                format!(
                    "has the word `{word}`, which is not a level: nothing else would be logged"
                ),
                format!("write {}; of a library, `info,{word}=debug`", Self::FORM),
            ));
        }
        EnvFilter::try_new(text)
            .map(|_| Self(text.to_owned()))
            .map_err(|_| "is not a level or a filter of tracing".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.0.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }
}

/// Whether a part of a filter is a misspelt level. `tracing` takes a bare word for the name of a module: it
/// logs everything of that module and nothing else. Our modules are named `gatewright…`; those of libraries
/// can be named with a level (`sqlx=debug`).
fn is_misspelt_level(part: &str) -> bool {
    let is_name = part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:-".contains(&b));
    let is_level = part.parse::<LevelFilter>().is_ok();
    let is_ours = part == "gatewright" || part.starts_with("gatewright::");
    is_name && !part.is_empty() && !is_level && !is_ours
}

/// Makes enums of [`wire_enum!`] values of the configuration. The text describes the allowed ones.
macro_rules! enum_values {
    ($($type:ident $form:literal;)*) => {$(
        impl Value for $type {
            const FORM: &'static str = $form;

            fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
                Self::parse(raw.text()?).ok_or_else(|| "is not one of the allowed values".into())
            }

            fn show(&self) -> Option<Toml> {
                Some(self.as_str().into())
            }

            fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
                json!({ "enum": Self::ALL })
            }
        }
    )*};
}

wire_enum! {
    /// How an ACME server validates a domain.
    #[derive(Default)]
    pub enum AcmeChallenge {
        /// By a handshake on port 443 (RFC 8737).
        #[default]
        TlsAlpn01 = "tls-alpn-01",
        /// By a document on port 80 (RFC 8555 §8.3).
        Http01 = "http-01",
    }
    /// How a gateway passes on the client's request.
    #[derive(Default)]
    pub enum OriginalRequest {
        /// `X-Original-Method` and `X-Original-URI`.
        #[default]
        XOriginal = "x-original",
        /// `X-Forwarded-Method` and `X-Forwarded-Uri`.
        XForwarded = "x-forwarded",
        /// The method of its own call, and the path after the name of the route.
        Path = "path",
    }
    /// The header in which a proxy passes on the certificate of a client.
    #[derive(Default)]
    pub enum CertificateHeader {
        /// No header.
        #[default]
        None = "none",
        /// `Client-Cert` and `Client-Cert-Chain`.
        Rfc9440 = "rfc9440",
        /// `X-SSL-Client-Cert`: PEM, percent-encoded.
        Nginx = "nginx",
        /// `X-Forwarded-Client-Cert`, with `Cert` or `Chain`.
        Envoy = "envoy",
        /// `X-SSL-Client-DER` and `X-SSL-Client-Chain-DER`: DER in base64.
        Haproxy = "haproxy",
    }
    /// What an unknown revocation status of a certificate means.
    #[derive(Default)]
    pub enum Revocation {
        /// The status is not checked; certificates revoked at this server are refused nevertheless.
        Off = "off",
        /// A certificate with unknown status is accepted.
        #[default]
        SoftFail = "soft-fail",
        /// It is refused: the response is 503 until the status is known.
        HardFail = "hard-fail",
    }
    /// Whether DPoP proofs must carry a nonce of this server (RFC 9449 §8).
    #[derive(Default)]
    pub enum DpopNonce {
        /// No; a nonce in a proof is ignored.
        #[default]
        Off = "off",
        /// Yes, at every endpoint.
        Required = "required",
    }
    /// A connection pooler in front of PostgreSQL.
    #[derive(Default)]
    pub enum Pooler {
        /// None, or one in session mode.
        #[default]
        None = "none",
        /// One in transaction mode: each transaction may have another connection.
        Transaction = "transaction",
    }
    /// How the connection to a mail server is protected.
    #[derive(Default)]
    pub enum MailTls {
        /// STARTTLS before any command (RFC 3207); a server that does not offer it is refused.
        #[default]
        StartTls = "starttls",
        /// TLS from the first byte on (RFC 8314).
        Required = "required",
        /// Clear text: for a mail server on this machine.
        None = "none",
    }
    /// The kinds of events that are sent.
    #[derive(Default)]
    pub enum NoticeKind {
        /// A certificate is about to expire.
        #[default]
        CertificateExpiring = "certificate.expiring",
        /// A certificate has expired.
        CertificateExpired = "certificate.expired",
        /// A certificate was revoked.
        CertificateRevoked = "certificate.revoked",
    }
    /// What `/readyz` requires.
    #[derive(Default)]
    pub enum ReadyCheck {
        /// This process works, and the database responds.
        #[default]
        Reads = "reads",
        /// The database accepts writes too.
        Writes = "writes",
    }
    /// The format of the log.
    #[derive(Default)]
    pub enum LogFormat {
        /// One JSON object, for machines.
        #[default]
        Json = "json",
        /// For people.
        Text = "text",
    }
}

enum_values! {
    AcmeChallenge "\"tls-alpn-01\" or \"http-01\"";
    AssertionAudience "\"issuer\" or \"endpoints\"";
    OriginalRequest "one of \"x-original\", \"x-forwarded\", \"path\"";
    CertificateHeader "one of \"none\", \"rfc9440\", \"nginx\", \"envoy\", \"haproxy\"";
    Revocation "\"off\", \"soft-fail\" or \"hard-fail\"";
    DpopNonce "\"off\" or \"required\"";
    Pooler "\"none\" or \"transaction\"";
    MailTls "\"starttls\", \"required\" or \"none\"";
    NoticeKind "\"certificate.expiring\", \"certificate.expired\" or \"certificate.revoked\"";
    ReadyCheck "\"reads\" or \"writes\"";
    LogFormat "\"json\" or \"text\"";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits() {
        let blue = Colour::read(&RawValue::Text("#2F5bd7")).unwrap();
        assert_eq!(blue, Colour(0x2f, 0x5b, 0xd7));
        assert_eq!(blue.to_string(), "#2f5bd7");
        for text in ["2f5bd7", "#2f5bd", "#2f5bd77", "#2f5bdg", "#+2f5bd", "blue", "#é5bd7"] {
            assert!(Colour::read(&RawValue::Text(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_misspelt_level_is_not_taken_for_a_module() {
        for text in ["verbose", "info,verbose", "inf", "gatewrigth", "sqlx"] {
            assert!(LogFilter::read(&RawValue::Text(text)).is_err(), "{text}");
        }
        for text in
            ["WARN", "off", "0", "info,gatewright::flow=debug", "gatewright", "info,sqlx=warn"]
        {
            assert!(LogFilter::read(&RawValue::Text(text)).is_ok(), "{text}");
        }
        let wrong = LogFilter::read(&RawValue::Text("info,verbose")).unwrap_err();
        assert!(wrong.reason.contains("`verbose`"), "{}", wrong.reason);
        assert!(wrong.remedy.unwrap().contains("\"debug\""));
    }

    #[test]
    fn a_link_never_runs_a_script() {
        for text in
            ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/help", "help"]
        {
            assert!(Link::read(&RawValue::Text(text)).is_err(), "{text}");
        }
        assert!(Link::read(&RawValue::Text("mailto:help@example.org")).is_ok());
    }
}
