//! Redirect URIs: [RFC 6749 §3.1.2], [RFC 8252 §7], [RFC 9700 §4.1.3].
//!
//! A registered URI must have the one form that all parsers read alike. The URI of a request is compared byte by byte
//! and never parsed, so differences between parsers cannot be exploited (THREATS AZ-03 to AZ-07).
//!
//! [RFC 6749 §3.1.2]: https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2
//! [RFC 8252 §7]: https://www.rfc-editor.org/rfc/rfc8252#section-7
//! [RFC 9700 §4.1.3]: https://www.rfc-editor.org/rfc/rfc9700#section-4.1.3

use std::fmt;

use url::Url;

use super::uri;
use crate::types::client::ApplicationType;
use crate::types::{Client, Code, Refusal};

/// The hosts for which the port may vary for native applications. RFC 8252 §7.3 has the two addresses; `localhost`,
/// which is often registered, is in RFC 9700 §4.1.3. One never matches another: decision 0040.
const LOOPBACK: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];

/// The parameters that an authorization response or a logout adds (RFC 6749 §4.1.2, RFC 9207 §2).
const ADDED: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

/// Validates a redirect URI for registration, of an authorization or of a logout. `schemes` are those that the client
/// may use although they are no domain names.
///
/// # Errors
/// `invalid_redirect_uri`, with what is wrong with it.
pub fn register(
    uri: &str,
    application: ApplicationType,
    schemes: &[String],
) -> Result<(), Refusal> {
    validate(uri, application, schemes).map_err(|why| {
        Code::InvalidRedirectUri.because(why).with("redirect_uri", uri.escape_debug())
    })
}

/// Checks that `presented` is a registered redirect URI of the client.
///
/// > the authorization server MUST ensure that the two URIs are equal; see Section 6.2.1 of RFC 3986,
/// > Simple String Comparison, for details. The only exception is native apps using a localhost URI:
/// > in this case, the authorization server MUST allow variable port numbers (RFC 9700 §4.1.3)
///
/// # Errors
/// The position of the first difference, for the operator.
pub fn matches(client: &Client, presented: &str) -> Result<(), Mismatch> {
    among(&client.metadata.redirect_uris, client.metadata.application_type, presented)
}

/// Checks that `presented` is registered for redirects after a logout (OIDC RP-Initiated Logout 1.0 §3).
///
/// # Errors
/// The position of the first difference, for the operator.
pub fn matches_after_logout(client: &Client, presented: &str) -> Result<(), Mismatch> {
    among(&client.metadata.post_logout_redirect_uris, client.metadata.application_type, presented)
}

/// How a URI differs from the most similar registered one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The client has registered none.
    NoneRegistered,
    /// The first character that differs, counted from 1.
    At(usize),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneRegistered => f.write_str("the client has registered no such URI"),
            Self::At(position) => {
                write!(f, "it differs from the registered one at character {position}")
            }
        }
    }
}

fn among(
    registered: &[String],
    application: ApplicationType,
    presented: &str,
) -> Result<(), Mismatch> {
    let mut nearest = None;
    for uri in registered {
        match compare(uri, application, presented) {
            None => return Ok(()),
            Some(position) => nearest = nearest.max(Some(position)),
        }
    }
    Err(nearest.map_or(Mismatch::NoneRegistered, Mismatch::At))
}

/// `None` if they are equal, else the first character of `presented` that differs.
fn compare(registered: &str, application: ApplicationType, presented: &str) -> Option<usize> {
    if application == ApplicationType::Native
        && let Some((host, rest)) = split_port(registered)
        && let Some((other_host, other_rest)) = split_port(presented)
        && host == other_host
    {
        let before = presented.len() - other_rest.len();
        return differs(rest, other_rest).map(|position| before + position);
    }
    differs(registered, presented)
}

/// The first character that differs. Registered URIs are ASCII, so equal bytes are equal characters.
fn differs(registered: &str, presented: &str) -> Option<usize> {
    let common = registered.bytes().zip(presented.bytes()).take_while(|(a, b)| a == b).count();
    (common < registered.len() || common < presented.len()).then_some(common + 1)
}

/// The parts of a loopback URI before and after its port. `None` if it is not one, or its port has an unusual form.
fn split_port(uri: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = LOOPBACK.iter().find_map(|host| Some((*host, uri.strip_prefix(host)?)))?;
    let Some(rest) = rest.strip_prefix(':') else {
        return matches!(rest.as_bytes().first(), None | Some(b'/' | b'?')).then_some((host, rest));
    };
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (port, rest) = rest.split_at_checked(end)?;
    let plain = !port.starts_with('0') && port.parse::<u16>().is_ok();
    (plain && matches!(rest.as_bytes().first(), None | Some(b'/' | b'?'))).then_some((host, rest))
}

fn validate(
    uri: &str,
    application: ApplicationType,
    schemes: &[String],
) -> Result<(), &'static str> {
    let url = uri::canonical(uri)?;
    match url.scheme() {
        "https" => uri::must_have_plain_host(&url)?,
        "http" if uri::is_loopback(&url) => {}
        "http" => {
            return Err("http is allowed only on 127.0.0.1, [::1] and localhost: use https");
        }
        // An allow-list: `javascript`, `data`, `file`, `blob` and future schemes have no dot.
        scheme if application == ApplicationType::Native => {
            if !(schemes.iter().any(|allowed| allowed == scheme) && may_be_allowed(scheme)) {
                must_be_reversed_domain(scheme)?;
            }
            must_have_slash(uri, scheme)?;
        }
        _ => return Err("the scheme is not https; only native applications may use their own"),
    }
    must_add_nothing_twice(&url)
}

/// RFC 8252 §7.1:
///
/// > apps MUST use a URI scheme based on a domain name under their control, expressed in reverse order
fn must_be_reversed_domain(scheme: &str) -> Result<(), &'static str> {
    // A label of a host name may begin with a digit (RFC 1123 §2.1), as those of Google's client
    // identifiers do: `com.googleusercontent.apps.123-abc`. The scheme itself begins with a letter.
    let label = |label: &str| {
        label.starts_with(|first: char| first.is_ascii_alphanumeric())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if scheme.contains('.') && scheme.split('.').all(label) {
        return Ok(());
    }
    Err(
        "the scheme is not a domain name in reverse order, such as com.example.app; gw_allowed_schemes would allow another",
    )
}

/// Whether an administrator may permit this scheme for a client: `vscode`, `cursor` and others that programs
/// register for themselves, but never one that browsers handle.
pub(super) fn may_be_allowed(scheme: &str) -> bool {
    const NEVER: [&str; 24] = [
        "about",
        "blob",
        "cid",
        "content",
        "data",
        "file",
        "filesystem",
        "ftp",
        "http",
        "https",
        "intent",
        "jar",
        "javascript",
        "livescript",
        "mailto",
        "mid",
        "mocha",
        "resource",
        "sms",
        "tel",
        "vbscript",
        "view-source",
        "ws",
        "wss",
    ];
    let legal = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
    };
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.len() <= 64
        && scheme.bytes().all(legal)
        && !NEVER.contains(&scheme)
}

fn must_have_slash(uri: &str, scheme: &str) -> Result<(), &'static str> {
    let rest = uri.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(':'));
    match rest {
        Some(path) if path.starts_with('/') => Ok(()),
        Some(_) | None => Err("a slash must follow the scheme, as in com.example.app:/callback"),
    }
}

/// RFC 6749 §3.1: "Request and response parameters MUST NOT be included more than once."
fn must_add_nothing_twice(url: &Url) -> Result<(), &'static str> {
    if url.query_pairs().any(|(name, _)| ADDED.contains(&name.as_ref())) {
        return Err("its query has a parameter that the response adds");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
