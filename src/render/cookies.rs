//! The cookies of the server: DESIGN §4.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::config::Issuer;
use crate::types::{Digest, Seconds, Secret};

/// The names and attributes of the cookies.
///
/// Browsers do not separate cookies by port (RFC 6265 §8.5), nor `__Host-` cookies by path. The names contain a digest
/// of the issuer, so that two issuers on one host do not read each other's (THREATS EX-22).
#[derive(Clone, Debug)]
pub struct Cookies {
    session: String,
    browser: String,
    device: String,
    language: String,
    /// The `__Host-` prefix restricts a cookie to this host and to TLS, so that no other host of the domain can set it
    /// (THREATS UI-02). Over http, which the configuration allows on loopback only, not every browser accepts a
    /// `Secure` cookie.
    is_https: bool,
}

/// A cookie of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The session of the user.
    Session,
    /// The state of the browser, which forms and waiting requests are bound to.
    Browser,
    /// The device cookie of a browser that has signed in before.
    Device,
    /// The language that the user has chosen.
    Language,
}

impl Cookies {
    /// The cookies of an issuer.
    pub fn of(issuer: &Issuer) -> Self {
        let is_https = issuer.is_https();
        let prefix = if is_https { "__Host-" } else { "" };
        let Digest([a, b, c, d, ..]) = Digest::of(issuer.as_str().as_bytes());
        let name = |what| format!("{prefix}gatewright-{what}-{a:02x}{b:02x}{c:02x}{d:02x}");
        Self {
            session: name("session"),
            browser: name("browser"),
            device: name("device"),
            language: name("language"),
            is_https,
        }
    }

    fn name(&self, cookie: Cookie) -> &str {
        match cookie {
            Cookie::Session => &self.session,
            Cookie::Browser => &self.browser,
            Cookie::Device => &self.device,
            Cookie::Language => &self.language,
        }
    }

    /// The value of a cookie in a request; `None` if the name occurs twice, because one of them may be forged.
    ///
    /// The field is split as bytes: cookies of other applications on the host may have any content, and browsers send
    /// bytes above 127 unchanged (RFC 6265 §5.4; THREATS EX-20).
    pub fn read<'a>(&self, headers: &'a HeaderMap, cookie: Cookie) -> Option<&'a str> {
        let name = self.name(cookie).as_bytes();
        let mut values = headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|field| field.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| {
                pair.trim_ascii().strip_prefix(name)?.trim_ascii_start().strip_prefix(b"=")
            });
        let first = values.next().filter(|_| values.next().is_none())?;
        std::str::from_utf8(first.trim_ascii_start()).ok().filter(|value| !value.is_empty())
    }

    /// The `Set-Cookie` field for `value`. Without an age, it is a session cookie of the browser.
    pub fn set(&self, cookie: Cookie, value: &Secret, age: Option<Seconds>) -> Option<HeaderValue> {
        let age = age.map(|age| format!("; Max-Age={}", age.0)).unwrap_or_default();
        self.set_cookie(cookie, value.expose(), &age)
    }

    /// The `Set-Cookie` field that removes a cookie.
    pub fn remove(&self, cookie: Cookie) -> Option<HeaderValue> {
        self.set_cookie(cookie, "", "; Max-Age=0")
    }

    fn set_cookie(&self, cookie: Cookie, value: &str, age: &str) -> Option<HeaderValue> {
        let name = self.name(cookie);
        let secure = if self.is_https { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[&[u8]]) -> Option<String> {
        let cookies = Cookies::of(&Issuer::parse("https://id.example.org").unwrap());
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field).unwrap());
        }
        cookies.read(&headers, Cookie::Browser).map(str::to_owned)
    }

    /// THREATS EX-20: Latin-1, truncated UTF-8, malformed pairs.
    #[test]
    fn malformed_cookies_of_other_applications_are_ignored() {
        const OWN: &[u8] = b"__Host-gatewright-browser-77751432=x";
        for foreign in [
            b"name=J\xfcrgen".as_slice(),
            b"\xc3=\xc3",
            b"=",
            b"a",
            b"",
            b"\"a;b\"=1",
            b"__Host-gatewright-browser-77751432-more=y",
            b"__Host-gatewright-browser-7775143",
        ] {
            assert_eq!(read(&[foreign, OWN]).as_deref(), Some("x"), "{foreign:?}");
            assert_eq!(read(&[OWN, foreign]).as_deref(), Some("x"), "{foreign:?}");
            let one = [foreign, b"; ", OWN, b";", foreign].concat();
            assert_eq!(read(&[&one]).as_deref(), Some("x"), "{foreign:?}");
        }
        assert_eq!(read(&[OWN, OWN]), None);
        assert_eq!(read(&[&[OWN, b"; ", OWN].concat()]), None);
        assert_eq!(read(&[&OWN[..OWN.len() - 1]]), None, "without a value");
        assert_eq!(read(&[&[OWN, b"\xfc"].concat()]), None, "our cookies are ASCII");
    }
}
