//! Texts of a certain form: colours, links, filters, words.

use std::fmt;

use serde_json::json;
use toml_edit::Value as Toml;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use url::Url;

use super::value::{Raw, Value, Wrong};
use crate::types::colour::Colour;

impl Value for Colour {
    const FORM: &'static str = "a colour such as \"#2f5bd7\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        Colour::parse(raw.text()?).ok_or_else(|| "is not # and six hexadecimal digits".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.to_string().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^#[0-9A-Fa-f]{6}$" })
    }
}

/// A link on a page. Nothing but these schemes, so that none runs a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(pub Url);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Value for Link {
    const FORM: &'static str = "an address that begins with \"https:\", \"http:\" or \"mailto:\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        let url = Url::parse(raw.text()?).map_err(|_| Wrong::from("is not a complete address"))?;
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
pub struct Filter(String);

impl Filter {
    /// What goes wrong, and nothing else.
    pub fn warnings() -> Self {
        Self("warn".to_owned())
    }

    /// The text of it, which `tracing` accepts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl Value for Filter {
    const FORM: &'static str = "\"error\", \"warn\", \"info\", \"debug\", \"trace\", or a filter such as \"info,gatewright=debug\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        let text = raw.text()?;
        if let Some(word) = text.split(',').map(str::trim).find(|part| is_silence(part)) {
            return Err(Wrong::mended(
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

/// Whether a part of a filter is a misspelt level. `tracing` takes a bare word for the name of a module,
/// logs everything of that and nothing of the rest. Ours are named `gatewright…`; those of libraries can be
/// named with a level (`sqlx=debug`).
fn is_silence(part: &str) -> bool {
    let is_name = part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:-".contains(&b));
    let is_level = part.parse::<LevelFilter>().is_ok();
    let is_ours = part == "gatewright" || part.starts_with("gatewright::");
    is_name && !part.is_empty() && !is_level && !is_ours
}

macro_rules! words {
    ($($(#[$meta:meta])* $type:ident $form:literal {
        $($(#[$of_word:meta])* $name:ident $word:literal;)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $type {
            $($(#[$of_word])* $name,)*
        }

        impl $type {
            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }

        impl Value for $type {
            const FORM: &'static str = $form;

            fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
                match raw.text()? {
                    $($word => Ok(Self::$name),)*
                    _ => Err("is not one of the allowed values".into()),
                }
            }

            fn show(&self) -> Option<Toml> {
                Some(self.as_str().into())
            }

            fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
                json!({ "enum": [$($word),*] })
            }
        }
    )*};
}

words! {
    /// How an ACME server is shown that a name is ours.
    AcmeChallenge "\"tls-alpn-01\" or \"http-01\"" {
        /// By a handshake on port 443 (RFC 8737).
        #[default]
        TlsAlpn01 "tls-alpn-01";
        /// By a document on port 80 (RFC 8555 §8.3).
        Http01 "http-01";
    }
    /// Whom a client assertion may be addressed to (RFC 7523 §3).
    AssertionAudience "\"issuer\" or \"endpoints\"" {
        /// The issuer alone, as a single string: an assertion made for somebody else's endpoint
        /// can never be used with us.
        #[default]
        Issuer "issuer";
        /// Also our token endpoint or the endpoint called, as a string or an array.
        Endpoints "endpoints";
    }
    /// How a gateway tells of the request that it asks about.
    OriginalRequest "one of \"x-original\", \"x-forwarded\", \"path\"" {
        /// `X-Original-Method` and `X-Original-URI`.
        #[default]
        XOriginal "x-original";
        /// `X-Forwarded-Method` and `X-Forwarded-Uri`.
        XForwarded "x-forwarded";
        /// By the method it asks with, and the path behind the name of the route.
        Path "path";
    }
    /// In which form a proxy tells of the certificate of a client.
    CertificateHeader "one of \"none\", \"rfc9440\", \"nginx\", \"envoy\", \"haproxy\"" {
        /// It does not.
        #[default]
        None "none";
        /// `Client-Cert` and `Client-Cert-Chain`.
        Rfc9440 "rfc9440";
        /// `X-SSL-Client-Cert`: PEM, percent-encoded.
        Nginx "nginx";
        /// `X-Forwarded-Client-Cert`, with `Cert` or `Chain`.
        Envoy "envoy";
        /// `X-SSL-Client-DER` and `X-SSL-Client-Chain-DER`: DER in base64.
        Haproxy "haproxy";
    }
    /// How much it matters whether a certificate was revoked.
    Revocation "\"off\", \"soft-fail\" or \"hard-fail\"" {
        /// Nobody is asked; what was revoked here does not count all the same.
        Off "off";
        /// A certificate is good whose revocation nobody can tell.
        #[default]
        SoftFail "soft-fail";
        /// It is not: the answer is 503 until somebody can tell.
        HardFail "hard-fail";
    }
    /// Whether DPoP proofs must carry a nonce of ours (RFC 9449 §8).
    DpopNonce "\"off\" or \"required\"" {
        /// No; one that they carry is not looked at.
        #[default]
        Off "off";
        /// Yes, at every endpoint and without exception.
        Required "required";
    }
    /// What stands between us and PostgreSQL.
    Pooler "\"none\" or \"transaction\"" {
        /// Nothing, or what gives us one connection as long as we want it.
        #[default]
        None "none";
        /// A pooler that gives each transaction another connection.
        Transaction "transaction";
    }
    /// How the connection to a mail server is protected.
    MailTls "\"starttls\", \"required\" or \"none\"" {
        /// It begins in clear and goes on in TLS before anything is said (RFC 3207); a server that
        /// does not offer it is not spoken to.
        #[default]
        StartTls "starttls";
        /// TLS from the first byte on (RFC 8314).
        Required "required";
        /// Not at all: for a mail server on this machine.
        None "none";
    }
    /// What others can be told of.
    NoticeKind "\"certificate.expiring\", \"certificate.expired\" or \"certificate.revoked\"" {
        /// A certificate has come closer to its end.
        #[default]
        CertificateExpiring "certificate.expiring";
        /// The time of a certificate is over.
        CertificateExpired "certificate.expired";
        /// A certificate was revoked.
        CertificateRevoked "certificate.revoked";
    }
    /// What `/readyz` asks for.
    Ready "\"reads\" or \"writes\"" {
        /// That this process can work, and the database answers.
        #[default]
        Reads "reads";
        /// That the database takes writes, too.
        Writes "writes";
    }
    /// How a line of the log looks.
    LogFormat "\"json\" or \"text\"" {
        /// One JSON object, for machines.
        #[default]
        Json "json";
        /// For people.
        Text "text";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits() {
        let blue = Colour::read(&Raw::Text("#2F5bd7")).unwrap();
        assert_eq!(blue, Colour(0x2f, 0x5b, 0xd7));
        assert_eq!(blue.to_string(), "#2f5bd7");
        for text in ["2f5bd7", "#2f5bd", "#2f5bd77", "#2f5bdg", "#+2f5bd", "blue", "#é5bd7"] {
            assert!(Colour::read(&Raw::Text(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_word_that_is_no_level_is_not_taken_for_a_module() {
        for text in ["verbose", "info,verbose", "inf", "gatewrigth", "sqlx"] {
            assert!(Filter::read(&Raw::Text(text)).is_err(), "{text}");
        }
        for text in
            ["WARN", "off", "0", "info,gatewright::flow=debug", "gatewright", "info,sqlx=warn"]
        {
            assert!(Filter::read(&Raw::Text(text)).is_ok(), "{text}");
        }
        let wrong = Filter::read(&Raw::Text("info,verbose")).unwrap_err();
        assert!(wrong.reason.contains("`verbose`"), "{}", wrong.reason);
        assert!(wrong.remedy.unwrap().contains("\"debug\""));
    }

    #[test]
    fn a_link_never_runs_a_script() {
        for text in
            ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/help", "help"]
        {
            assert!(Link::read(&Raw::Text(text)).is_err(), "{text}");
        }
        assert!(Link::read(&Raw::Text("mailto:help@example.org")).is_ok());
    }
}
