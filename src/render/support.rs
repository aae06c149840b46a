//! The link to support, with the reference of an error inserted.

use std::fmt::{self, Write as _};

use crate::types::Timestamp;

/// The placeholder of the reference in the URL.
const PLACEHOLDER: &str = "{reference}";

/// The link to support: a web page or a `mailto:` link (RFC 6068).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support(String);

/// The data about an error that support needs.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The subject of a mail, in the language of the user.
    pub about: String,
    /// The request id, which the log line and the audit event have.
    pub reference: &'a str,
    /// The `error` parameter.
    pub code: &'a str,
    /// The time of the error.
    pub at: Timestamp,
}

impl Support {
    /// The link with this URL, which may contain `{reference}`. URL parsers encode its braces.
    pub fn at(url: &str) -> Self {
        Self(url.replace("%7Breference%7D", PLACEHOLDER))
    }

    /// The link for an error. The placeholder is replaced by the reference. A `mailto:` link without a placeholder gets
    /// a subject and a body with the report. Other links stay unchanged, because their parameters are unknown.
    pub fn about(&self, report: &Report<'_>) -> String {
        if self.0.contains(PLACEHOLDER) {
            return self.0.replace(PLACEHOLDER, &encoded(report.reference));
        }
        if !self.0.starts_with("mailto:") {
            return self.0.clone();
        }
        let body = format!("\r\n\r\n{}\r\n{}\r\n{}", report.reference, report.code, report.at);
        let mut link = self.0.clone();
        for (name, value) in [("subject", report.about.as_str()), ("body", &body)] {
            // Fields that the operator configured stay.
            if !has_field(&link, name) {
                let sign = if link.contains('?') { '&' } else { '?' };
                // Writing to a String cannot fail.
                let _ = write!(link, "{sign}{name}={}", encoded(value));
            }
        }
        link
    }
}

/// The link without an error.
impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace(PLACEHOLDER, ""))
    }
}

/// Whether a `mailto:` link has this field. Names are not case-sensitive (RFC 6068 §2).
fn has_field(link: &str, name: &str) -> bool {
    let fields = link.split_once('?').map_or("", |(_, fields)| fields);
    fields
        .split('&')
        .any(|field| field.split('=').next().is_some_and(|field| field.eq_ignore_ascii_case(name)))
}

/// Percent-encodes all but the unreserved characters of RFC 3986 §2.3: valid in paths, in queries and in `mailto:`
/// fields, where `+` is a literal plus (RFC 6068 §5).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn about(link: &str) -> String {
        let report = Report {
            about: "Störung bei der Anmeldung (0199-a&b)".to_owned(),
            reference: "0199-a&b",
            code: "server_error",
            at: Timestamp(1_795_000_000),
        };
        // As the configuration reads it.
        Support::at(Url::parse(link).unwrap().as_str()).about(&report)
    }

    #[test]
    fn the_reference_replaces_its_placeholder() {
        for (link, filled) in [
            ("https://help.example/?ref={reference}", "https://help.example/?ref=0199-a%26b"),
            ("https://help.example/t/{reference}/new", "https://help.example/t/0199-a%26b/new"),
            ("https://help.example/#{reference}", "https://help.example/#0199-a%26b"),
            (
                "mailto:help@example.org?subject=IT-{reference}",
                "mailto:help@example.org?subject=IT-0199-a%26b",
            ),
            ("https://help.example/new?kind=x", "https://help.example/new?kind=x"),
        ] {
            assert_eq!(about(link), filled, "{link}");
        }
        let plain = |link: &str| Support::at(Url::parse(link).unwrap().as_str()).to_string();
        assert_eq!(plain("https://help.example/t/{reference}"), "https://help.example/t/");
        assert_eq!(plain("mailto:help@example.org"), "mailto:help@example.org");
    }

    #[test]
    fn a_mail_gets_a_subject_and_a_report() {
        const SUBJECT: &str = "subject=St%C3%B6rung%20bei%20der%20Anmeldung%20%280199-a%26b%29";
        const BODY: &str =
            "body=%0D%0A%0D%0A0199-a%26b%0D%0Aserver_error%0D%0A2026-11-18T11%3A06%3A40Z";

        assert_eq!(
            about("mailto:help@example.org"),
            format!("mailto:help@example.org?{SUBJECT}&{BODY}")
        );
        assert_eq!(
            about("mailto:help@example.org?cc=it@example.org&Subject=Help"),
            format!("mailto:help@example.org?cc=it@example.org&Subject=Help&{BODY}")
        );
    }
}
