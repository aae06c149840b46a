//! The ACME server and the domains of the certificate: [RFC 8555].
//!
//! [RFC 8555]: https://www.rfc-editor.org/rfc/rfc8555

use serde_json::json;
use toml_edit::Value as Toml;
use url::{Host, Url};

use super::value::{InvalidValue, RawValue, Value};

/// The directory of an ACME server (§7.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeDirectory(pub Url);

impl Value for AcmeDirectory {
    const FORM: &'static str =
        "an https URL, such as \"https://acme-v02.api.letsencrypt.org/directory\"";

    /// > Each ACME function is accomplished by the client sending a sequence of HTTPS requests to the
    /// > server […]. Use of HTTPS is REQUIRED. (§6.1)
    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        let url =
            Url::parse(raw.text()?).map_err(|_| InvalidValue::from("is not a complete URL"))?;
        if url.scheme() != "https" {
            return Err("is not an https URL".into());
        }
        Ok(Self(url))
    }

    fn show(&self) -> Option<Toml> {
        Some(self.0.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "format": "uri", "pattern": "^https:" })
    }
}

/// A DNS name that a certificate may be issued for: in lower case, without wildcard and final dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Domain(String);

impl Domain {
    /// Parses one; `None`: it is not a DNS name in its normal form.
    pub fn parse(text: &str) -> Option<Self> {
        let is_normal = |name: &String| {
            name == text && !name.ends_with('.') && !name.starts_with('*') && !name.contains(',')
        };
        match Host::parse(text).ok()? {
            Host::Domain(name) => Some(name).filter(is_normal).map(Self),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Domain {
    const FORM: &'static str = "a DNS name such as \"id.example.org\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        Self::parse(raw.text()?).ok_or_else(|| "is not a DNS name in lower case".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[a-z0-9.-]+$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_name_in_its_normal_form() {
        for (text, is_one) in [
            ("id.example.org", true),
            ("xn--bcher-kva.example", true),
            ("ID.example.org", false),
            ("*.example.org", false),
            ("id.example.org.", false),
            ("192.0.2.1", false),
            ("a,b", false),
            ("", false),
        ] {
            assert_eq!(Domain::parse(text).is_some(), is_one, "{text}");
        }
    }

    #[test]
    fn the_directory_of_a_ca_is_an_https_url() {
        assert!(AcmeDirectory::read(&RawValue::Text("https://ca.example/dir")).is_ok());
        assert!(AcmeDirectory::read(&RawValue::Text("http://ca.example/dir")).is_err());
    }
}
