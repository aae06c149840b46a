//! The link to help, with the reference of an error filled in.

use std::fmt::{self, Write as _};

use crate::types::Timestamp;

/// What stands in the address for the reference, if it has a place for that.
const PLACE: &str = "{reference}";

/// Where people get help: a web page or a `mailto:` link (RFC 6068).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support(String);

/// What helps to look into an error.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// In the reader's words: the subject of a mail.
    pub about: String,
    /// The id of the refusal: it leads to the log line and the audit event.
    pub reference: &'a str,
    /// The `error` parameter.
    pub code: &'a str,
    /// When.
    pub at: Timestamp,
}

impl Support {
    /// At this address, in which `{reference}` may stand; parsers of addresses encode the braces.
    pub fn at(url: &str) -> Self {
        Self(url.replace("%7Breference%7D", PLACE))
    }

    /// The link where there is something to report: the reference in its place; a mail without such a place has a
    /// subject, and a body with what is to be looked into. A page without one is left as it is, because nobody knows
    /// its parameters.
    pub fn about(&self, report: &Report<'_>) -> String {
        if self.0.contains(PLACE) {
            return self.0.replace(PLACE, &encoded(report.reference));
        }
        if !self.0.starts_with("mailto:") {
            return self.0.clone();
        }
        let body = format!("\r\n\r\n{}\r\n{}\r\n{}", report.reference, report.code, report.at);
        let mut link = self.0.clone();
        for (name, value) in [("subject", report.about.as_str()), ("body", &body)] {
            // What the operator has written there stays.
            if !has_field(&link, name) {
                let sign = if link.contains('?') { '&' } else { '?' };
                // Writing to a String cannot fail.
                let _ = write!(link, "{sign}{name}={}", encoded(value));
            }
        }
        link
    }
}

/// The link where there is nothing to report.
impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace(PLACE, ""))
    }
}

/// Whether a `mailto:` link has this field. Names are not case-sensitive (RFC 6068 §2).
fn has_field(link: &str, name: &str) -> bool {
    let fields = link.split_once('?').map_or("", |(_, fields)| fields);
    fields
        .split('&')
        .any(|field| field.split('=').next().is_some_and(|field| field.eq_ignore_ascii_case(name)))
}

/// Percent-encoded but for the unreserved characters of RFC 3986 §2.3: right in a path, in a query and in a field of
/// a mail, where `+` is a plus (RFC 6068 §5).
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
    fn the_reference_goes_where_the_operator_wants_it() {
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
    fn a_mail_is_begun_with_what_is_to_be_looked_into() {
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
