//! Our cookies: DESIGN §4.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::config::Issuer;
use crate::types::{Digest, Seconds, Secret};

/// How our cookies are called and sent.
///
/// Browsers keep the cookies of a host together, whatever the port (RFC 6265 §8.5), and `__Host-` ones
/// whatever the path: the names carry a digest of the issuer, so that two issuers on one host never read
/// each other's (THREATS EX-22).
#[derive(Clone, Debug)]
pub struct Cookies {
    session: String,
    browser: String,
    device: String,
    language: String,
    /// The `__Host-` prefix holds a cookie to this very host, over TLS, so that no other host of the
    /// domain can plant one (THREATS UI-02). Over http, which the configuration allows on loopback
    /// only, not every browser keeps a `Secure` cookie.
    is_https: bool,
}

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Who is signed in.
    Session,
    /// Which browser it is: forms and waiting requests are bound to it.
    Browser,
    /// By which accounts know a browser that has signed in to them before.
    Device,
    /// Which language the person has chosen.
    Language,
}

impl Cookies {
    /// Those of an issuer.
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

    /// What the browser sent. Two of one name are not ours: nothing is read.
    ///
    /// The field is split as bytes: other applications of the host keep what they like in their cookies,
    /// and browsers send bytes above 127 as they are (RFC 6265 §5.4; THREATS EX-20).
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

    /// A `Set-Cookie` that keeps `value`; without an age it goes when the browser is closed.
    pub fn keep(
        &self,
        cookie: Cookie,
        value: &Secret,
        age: Option<Seconds>,
    ) -> Option<HeaderValue> {
        let age = age.map(|age| format!("; Max-Age={}", age.0)).unwrap_or_default();
        self.set(cookie, value.expose(), &age)
    }

    /// A `Set-Cookie` that takes it away.
    pub fn forget(&self, cookie: Cookie) -> Option<HeaderValue> {
        self.set(cookie, "", "; Max-Age=0")
    }

    fn set(&self, cookie: Cookie, value: &str, age: &str) -> Option<HeaderValue> {
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

    /// THREATS EX-20: Latin-1, UTF-8 cut in half, pairs that are none.
    #[test]
    fn a_pair_that_is_no_text_spoils_nothing() {
        const OURS: &[u8] = b"__Host-gatewright-browser-77751432=x";
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
            assert_eq!(read(&[foreign, OURS]).as_deref(), Some("x"), "{foreign:?}");
            assert_eq!(read(&[OURS, foreign]).as_deref(), Some("x"), "{foreign:?}");
            let one = [foreign, b"; ", OURS, b";", foreign].concat();
            assert_eq!(read(&[&one]).as_deref(), Some("x"), "{foreign:?}");
        }
        assert_eq!(read(&[OURS, OURS]), None);
        assert_eq!(read(&[&[OURS, b"; ", OURS].concat()]), None);
        assert_eq!(read(&[&OURS[..OURS.len() - 1]]), None, "without a value");
        assert_eq!(read(&[&[OURS, b"\xfc"].concat()]), None, "nothing of ours has such a byte");
    }
}
