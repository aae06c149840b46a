//! Our cookies: DESIGN §4.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::config::Issuer;
use crate::types::{Seconds, Secret};

/// How our cookies are called and sent.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
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
}

impl Cookie {
    const fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-gatewright-session",
            (Self::Session, false) => "gatewright-session",
            (Self::Browser, true) => "__Host-gatewright-browser",
            (Self::Browser, false) => "gatewright-browser",
            (Self::Device, true) => "__Host-gatewright-device",
            (Self::Device, false) => "gatewright-device",
        }
    }
}

impl Cookies {
    /// Those of an issuer.
    pub fn of(issuer: &Issuer) -> Self {
        Self { is_https: issuer.is_https() }
    }

    /// What the browser sent. Two of one name are not ours: nothing is read.
    pub fn read<'a>(&self, headers: &'a HeaderMap, cookie: Cookie) -> Option<&'a str> {
        let name = cookie.name(self.is_https);
        let mut values = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|pairs| pairs.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(|(other, value)| (other == name).then_some(value));
        let first = values.next().filter(|value| !value.is_empty());
        first.filter(|_| values.next().is_none())
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
        let name = cookie.name(self.is_https);
        let secure = if self.is_https { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}
