//! The issuer identifier: [RFC 8414 §2], [OIDC Discovery §3].
//!
//! [RFC 8414 §2]: https://www.rfc-editor.org/rfc/rfc8414#section-2
//! [OIDC Discovery §3]: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata

use std::fmt;

use serde_json::json;
use url::{Host, Url};

use super::value::{InvalidValue, RawValue, Value};

/// An issuer identifier that has passed its checks.
///
/// Clients compare it as a string, character by character, so it is kept as it was written, and it
/// must be written in the one form that every URL parser leaves alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    url: Url,
}

impl Issuer {
    /// Parses an issuer identifier.
    ///
    /// > a URL that uses the "https" scheme and has no query or fragment components
    ///
    /// Stricter in three points: no user name, no trailing slash, only the normal form. Laxer in
    /// one: http on a loopback name, where the traffic stays on the machine.
    ///
    /// # Errors
    /// What is wrong with it, and how it should be written.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let url = Url::parse(text).map_err(|_| InvalidValue::from("is not a complete URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidValue::with_remedy(
                "has a user name or a password in it",
                "leave them out",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidValue::with_remedy(
                "has a query or a fragment, which RFC 8414 §2 forbids",
                "end it before the `?` or the `#`",
            ));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(InvalidValue::with_remedy(
                    "is http on a name that is not loopback: passwords and tokens would cross the \
                     network in the clear",
                    "use https, or http://localhost for development on one machine",
                ));
            }
            _ => return Err("is not an https URL".into()),
        }
        let normal = url.as_str().trim_end_matches('/');
        if text != normal {
            let reason = if text.trim_end_matches('/') == normal {
                "ends with a slash"
            } else {
                "is not in its normal form"
            };
            return Err(InvalidValue::with_remedy(
                format!("{reason}, and clients compare issuers character by character"),
                format!("write \"{normal}\""),
            ));
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// The identifier exactly as configured: the `iss` of everything that is issued.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL of an endpoint, from its path: `/token`.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Whether browsers connect over TLS: `Secure` cookies and HSTS depend on it.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Scheme, host and port, as browsers send them in `Origin` (RFC 6454 §6.1).
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The path prefix of all endpoints: empty, or `/realm` without a trailing slash.
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// The identifier as a parsed URL.
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

impl Default for Issuer {
    /// The issuer of a server without configuration.
    #[expect(clippy::expect_used, reason = "a constant, and a test reads it")]
    fn default() -> Self {
        Self::parse("http://localhost:8080").expect("the default issuer is one")
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Value for Issuer {
    const FORM: &'static str = "an https URL without query, fragment and trailing slash, such as \
                                \"https://id.example.org\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        Self::parse(raw.text()?)
    }

    fn show(&self) -> Option<toml_edit::Value> {
        Some(self.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "format": "uri", "pattern": "^https?://[^?#@]*[^/?#@]$" })
    }
}

/// A name or an address that never leaves this machine (RFC 8252 §7.3, RFC 6761 §6.3).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_kept_as_configured() {
        for text in [
            "https://id.example.org",
            "https://id.example.org:8443",
            "https://example.org/realms/one",
            "http://localhost:8080",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://xn--bcher-kva.example",
        ] {
            let issuer = Issuer::parse(text).unwrap();

            assert_eq!(issuer.as_str(), text);
            assert_eq!(issuer.endpoint("/token"), format!("{text}/token"));
            assert_eq!(format!("{}{}", issuer.origin(), issuer.path()), text);
        }
        assert_eq!(Issuer::default().path(), "");
        assert_eq!(Issuer::parse("https://a.example/b").unwrap().path(), "/b");
    }

    #[test]
    fn an_invalid_issuer_is_refused_with_a_remedy() {
        for (text, reason, remedy) in [
            ("id.example.org", "complete URL", None),
            ("ftp://id.example.org", "not an https URL", None),
            ("http://id.example.org", "not loopback", Some("use https")),
            ("http://localhost.example.org", "not loopback", Some("use https")),
            ("http://10.0.0.1", "not loopback", Some("use https")),
            ("https://user:hunter2@id.example.org", "password", Some("leave them out")),
            ("https://id.example.org?a", "query", Some("`?`")),
            ("https://id.example.org#a", "fragment", Some("`#`")),
            ("https://id.example.org/", "a slash", Some("\"https://id.example.org\"")),
            ("https://id.example.org/a/", "a slash", Some("\"https://id.example.org/a\"")),
            ("https://ID.example.org", "normal form", Some("\"https://id.example.org\"")),
            ("https://id.example.org:443", "normal form", Some("\"https://id.example.org\"")),
            ("https://id.example.org/a/../b", "normal form", Some("\"https://id.example.org/b\"")),
            ("https://bücher.example", "normal form", Some("\"https://xn--bcher-kva.example\"")),
        ] {
            let wrong = Issuer::parse(text).unwrap_err();

            assert!(wrong.reason.contains(reason), "{text}: {}", wrong.reason);
            match remedy {
                Some(part) => assert!(wrong.remedy.as_ref().unwrap().contains(part), "{text}"),
                None => assert_eq!(wrong.remedy, None, "{text}"),
            }
            assert!(!format!("{wrong:?}").contains("hunter2"));
        }
    }
}
