//! Registered URIs: [RFC 3986], in the one form that all parsers read alike.
//!
//! [RFC 3986]: https://www.rfc-editor.org/rfc/rfc3986

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The longest URI.
const LONGEST: usize = 2048;

/// Parses a URI that all parsers read alike: absolute, ASCII, in normal form, without fragment, user or wildcard.
///
/// # Errors
/// The reason why it is not acceptable.
pub(super) fn canonical(uri: &str) -> Result<Url, &'static str> {
    must_be_absolute(uri)?;
    // RFC 6749 §3.1.2: "The endpoint URI MUST NOT include a fragment component."
    if uri.contains('#') {
        return Err("it has a fragment");
    }
    if uri.contains('*') {
        return Err("it has a wildcard: each URI is registered whole");
    }
    let url = Url::parse(uri).map_err(|_| "it is not an absolute URI")?;
    if !url.username().is_empty() || url.password().is_some() || url.authority().contains('@') {
        return Err("it has a user name or a password");
    }
    if url.port() == Some(0) {
        return Err("its port is 0");
    }
    let brackets = ['[', ']'];
    if url.path().contains(brackets) || url.query().is_some_and(|query| query.contains(brackets)) {
        return Err("it has brackets that are not around an IPv6 address");
    }
    let alike = uri == url.as_str()
        || (url.path() == "/"
            && url.query().is_none()
            && url.as_str().strip_suffix('/') == Some(uri));
    if !alike {
        return Err(
            "it is not in its normal form: scheme and host in lower case, no default port, no dot segments, international names as xn--",
        );
    }
    Ok(url)
}

/// Checks that this is an absolute URI, in any form: for URIs that are only compared, byte by byte.
///
/// # Errors
/// The reason why it is not.
pub(super) fn must_be_absolute(uri: &str) -> Result<(), &'static str> {
    if uri.len() > LONGEST {
        return Err("it is longer than 2048 characters");
    }
    // RFC 3986 §2.2 and §2.3; the rest must be percent-encoded.
    let legal =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    if !uri.bytes().all(legal) {
        return Err("it has a character that RFC 3986 does not allow in a URI");
    }
    let encoded = |rest: &str| matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if !uri.split('%').skip(1).all(encoded) {
        return Err("it has a % that no two hexadecimal digits follow");
    }
    Url::parse(uri).map(drop).map_err(|_| "it is not an absolute URI")
}

/// A URI with these parameters added to its query (RFC 6749 §3.1.2). The query begins at the first `?`
/// (RFC 3986 §3.4): another one is a character of it.
pub fn with_parameters<'a>(
    uri: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let joint = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, query)) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    let parameters =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{uri}{joint}{parameters}")
}

/// Whether its host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// Refuses host names that two resolvers, or a user and a parser, could read differently (THREATS AZ-04).
pub(super) fn must_have_plain_host(url: &Url) -> Result<(), &'static str> {
    if let Some(Host::Domain(name)) = url.host()
        && name.split('.').any(|label| {
            let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            label.is_empty() || !inside || label.starts_with('-') || label.ends_with('-')
        })
    {
        return Err("its host is not a plain host name");
    }
    Ok(())
}
