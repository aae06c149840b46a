//! `htu`: the URL in a DPoP proof ([RFC 9449 §4.3]).
//!
//! [RFC 9449 §4.3]: https://www.rfc-editor.org/rfc/rfc9449#section-4.3

use url::Url;

/// The longest URL that is compared.
const LONGEST: usize = 8192;

/// Whether two URLs are equal, ignoring query and fragment: RFC 9449 §4.3, with the normalization
/// of RFC 3986 §6.2.2 and §6.2.3.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other || matches!((normal(one), normal(other)), (Some(one), Some(other)) if one == other)
}

/// The normalized form of an http or https URL without query and fragment: lower-case scheme and
/// host, no default port, no dot segments, no unnecessary percent-encoding. `None`: not such a URL.
fn normal(uri: &str) -> Option<String> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let (uri, _) = uri.split_once(['?', '#']).unwrap_or((uri, ""));
    // The URL Standard is more lenient than RFC 3986: missing or extra slashes, backslashes, white
    // space, credentials.
    let (scheme, rest) = uri.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]!$&'()*+,;=%".contains(&byte);
    if uri.len() > LONGEST || !is_web || rest.starts_with('/') || !rest.bytes().all(legal) {
        return None;
    }
    let url = Url::parse(uri).ok()?;
    let mut normal = url.origin().ascii_serialization();
    let mut path = url.path().bytes();
    while let Some(byte) = path.next() {
        if byte != b'%' {
            normal.push(char::from(byte));
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let byte = u8::try_from(digit(path.next())? * 16 + digit(path.next())?).ok()?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normal.push(char::from(byte));
        } else {
            normal.push('%');
            for digit in [byte >> 4, byte & 15] {
                normal.push(char::from(*DIGITS.get(usize::from(digit))?));
            }
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "https://id.example.org/tenant/token";

    /// RFC 3986 §6.2.2, §6.2.3; THREATS DP-02.
    #[test]
    fn equivalent_spellings_are_equal() {
        for other in [
            TOKEN,
            "HTTPS://ID.Example.ORG/tenant/token",
            "https://id.example.org:443/tenant/token",
            "https://id.example.org:/tenant/token",
            "https://id.example.org/a/../tenant/./token",
            "https://id.example.org/tenant/%74oken",
            "https://id.example.org/tenant/token?a=b",
            "https://id.example.org/tenant/token#a",
            "https://id.example.org/tenant/token?",
        ] {
            assert!(is_same(other, TOKEN) && is_same(TOKEN, other), "{other}");
        }
        assert!(is_same("https://a.example", "https://a.example/"));
        assert!(is_same("https://a.example/%7ea%2fb", "https://a.example/~a%2Fb"));
        assert!(is_same("http://[::1]:80/a", "http://[::1]/a"));
    }

    /// THREATS DP-02.
    #[test]
    fn different_urls_are_not_equal() {
        for other in [
            "",
            "/tenant/token",
            "token",
            "http://id.example.org/tenant/token",
            "https://id.example.org:8443/tenant/token",
            "https://id.example.org/tenant/Token",
            "https://id.example.org/tenant/token/",
            "https://id.example.org/tenant//token",
            "https://id.example.org/tenant%2Ftoken",
            "https://id.example.org/token",
            "https://id.example.org./tenant/token",
            "https://evil.example/tenant/token",
            "https://id.example.org@evil.example/tenant/token",
            "https://user@id.example.org/tenant/token",
            "https:id.example.org/tenant/token",
            "https:/id.example.org/tenant/token",
            "https:///id.example.org/tenant/token",
            "https:\\\\id.example.org\\tenant\\token",
            " https://id.example.org/tenant/token",
            "https://id.example.org/tenant/to\nken",
            "https://id.example.org/tenant/token%",
            "https://id.example.org/tenant/token%7",
            "https://id.example.org/tenant/token%zz",
            "ftp://id.example.org/tenant/token",
        ] {
            assert!(!is_same(other, TOKEN) && !is_same(TOKEN, other), "{other}");
        }
    }
}
