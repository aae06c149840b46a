//! The URL at which client certificates are requested: [RFC 8705 §5].
//!
//! [RFC 8705 §5]: https://www.rfc-editor.org/rfc/rfc8705#section-5

use url::Host;

use super::issuer::Issuer;
use super::value::{InvalidValue, RawValue, Value};

/// Scheme, host and port that replace the issuer's; the paths are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MtlsUrl(Issuer);

impl MtlsUrl {
    /// Parses one: as an issuer, but https on loopback too, and without a path.
    ///
    /// # Errors
    /// What is wrong with it, and how it should be written.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let read = Issuer::parse(text)?;
        if !read.is_https() {
            return Err(InvalidValue::with_remedy(
                "is http, where clients cannot present a certificate",
                "use https, on loopback too",
            ));
        }
        if !read.path().is_empty() {
            return Err(InvalidValue::with_remedy(
                "has a path, but the paths are those of the issuer",
                "leave the path out",
            ));
        }
        Ok(Self(read))
    }

    /// The URL of an endpoint of the issuer at this host.
    pub fn endpoint(&self, issuer: &Issuer, path: &str) -> String {
        format!("{}{}{path}", self.origin(), issuer.path())
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        self.0.as_str()
    }

    /// Its host, as in `Host` and in the server name indication: without the port, in lower case.
    pub fn host(&self) -> &str {
        self.0.url().host_str().unwrap_or_default()
    }

    /// Its port; the default of the scheme where none is given.
    pub fn port(&self) -> u16 {
        self.0.url().port_or_known_default().unwrap_or(443)
    }

    /// Whether the server name indication (RFC 6066 §3) distinguishes it from the issuer.
    pub(super) fn has_name_other_than(&self, issuer: &Issuer) -> bool {
        let is_name = matches!(self.0.url().host(), Some(Host::Domain(_)));
        is_name && issuer.url().host_str() != Some(self.host())
    }
}

impl Value for MtlsUrl {
    const FORM: &'static str = "an https URL without path, such as \"https://mtls.id.example.org\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        Self::parse(raw.text()?)
    }

    fn show(&self) -> Option<toml_edit::Value> {
        Some(self.origin().into())
    }

    fn schema(within: Option<(i64, i64)>) -> serde_json::Value {
        Issuer::schema(within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_has_the_paths_of_the_issuer_at_another_host_or_port() {
        let issuer = Issuer::parse("https://id.example.org/tenant").unwrap();
        let alias = MtlsUrl::parse("https://mtls.id.example.org:8443").unwrap();

        let token = alias.endpoint(&issuer, "/token");

        assert_eq!(token, "https://mtls.id.example.org:8443/tenant/token");
        assert_eq!((alias.host(), alias.port()), ("mtls.id.example.org", 8443));
        assert_eq!(MtlsUrl::parse("https://mtls.example").unwrap().port(), 443);
        for text in [
            "https://mtls.example/tenant",
            "https://mtls.example/",
            "mtls.example",
            "http://localhost:8443",
            "http://127.0.0.1:8443",
        ] {
            assert!(MtlsUrl::parse(text).is_err(), "{text}");
        }
    }
}
