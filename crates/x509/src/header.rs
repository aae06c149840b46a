//! Client certificates that a proxy forwards in header fields: [RFC 9440], and the formats of
//! nginx, Envoy and HAProxy.
//!
//! The caller checks that the proxy is trusted. Anything that does not match the format exactly is
//! rejected, so that a misconfigured proxy is noticed (THREATS MT-07).
//!
//! [RFC 9440]: https://www.rfc-editor.org/rfc/rfc9440

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Certificate;

/// The formats in which proxies forward a client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `Client-Cert` and `Client-Cert-Chain` (RFC 9440).
    Rfc9440,
    /// `X-SSL-Client-Cert`: PEM, percent-encoded.
    Nginx,
    /// `X-Forwarded-Client-Cert`, with `Cert` or `Chain`.
    Envoy,
    /// `X-SSL-Client-DER` and `X-SSL-Client-Chain-DER`: DER in base64.
    Haproxy,
}

/// The header fields of a format: for the certificate, and for its chain.
pub const fn fields(form: Form) -> (&'static str, Option<&'static str>) {
    match form {
        Form::Rfc9440 => ("client-cert", Some("client-cert-chain")),
        Form::Nginx => ("x-ssl-client-cert", None),
        Form::Envoy => ("x-forwarded-client-cert", None),
        Form::Haproxy => ("x-ssl-client-der", Some("x-ssl-client-chain-der")),
    }
}

/// Parses the values of a format's fields, one value for each occurrence of a field. `None`: the
/// client presented no certificate.
///
/// # Errors
/// When the values do not match the format, there is more than one certificate, or the chain has
/// more than `most` certificates; these are not parsed.
pub fn parse(
    form: Form,
    certificate: &[&[u8]],
    chain: &[&[u8]],
    most: usize,
) -> Result<Option<Certificate>, &'static str> {
    let value = match certificate {
        // nginx and HAProxy can send an empty field when there is no certificate.
        [] | [b""] if chain.iter().all(|value| value.is_empty()) => return Ok(None),
        [] | [b""] => return Err("there is a chain without the client certificate"),
        [value] => std::str::from_utf8(value).map_err(|_| NOT_TEXT)?,
        [..] => return Err("the field of the client certificate occurs twice"),
    };
    let (der, rest) = match form {
        Form::Rfc9440 => (byte_sequence(value)?, byte_sequences(chain)?),
        Form::Nginx => (single(pem(value)?)?, Vec::new()),
        Form::Envoy => return envoy(value, most).map(Some),
        Form::Haproxy => (base64(value)?, parse_concatenated(chain)?),
    };
    certificate_with_chain(&der, &rest, most).map(Some)
}

const NOT_PEM: &str = "the client certificate is not percent-encoded PEM";

const NOT_TEXT: &str = "the field of the client certificate is not text";

fn certificate_with_chain(
    der: &[u8],
    rest: &[Vec<u8>],
    most: usize,
) -> Result<Certificate, &'static str> {
    // Some proxies include the certificate itself in the chain.
    let rest: Vec<&[u8]> = rest.iter().map(Vec::as_slice).filter(|other| *other != der).collect();
    Certificate::must_be_within_limits(der, &rest, most)?;
    Certificate::parse(der, &rest)
}

/// A Byte Sequence: RFC 9651 §3.3.5. RFC 9440 §2.2 defines no parameters.
fn byte_sequence(item: &str) -> Result<Vec<u8>, &'static str> {
    let inside = item.trim_matches(' ').strip_prefix(':').and_then(|item| item.strip_suffix(':'));
    base64(inside.ok_or("the client certificate is not a Byte Sequence (RFC 9440 section 2.1)")?)
}

/// A List of Byte Sequences: RFC 9440 §2.3.
///
/// > The header field value [...] may be split over multiple lines
fn byte_sequences(fields: &[&[u8]]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut sequences = Vec::new();
    for field in fields.iter().filter(|field| !field.is_empty()) {
        let field = std::str::from_utf8(field).map_err(|_| NOT_TEXT)?;
        for item in field.split(',') {
            sequences.push(byte_sequence(item.trim_matches(['\t', ' ']))?);
        }
    }
    Ok(sequences)
}

fn base64(text: &str) -> Result<Vec<u8>, &'static str> {
    STANDARD.decode(text).map_err(|_| "the client certificate is not base64")
}

/// HAProxy's `ssl_c_chain_der`: concatenated DER certificates.
fn parse_concatenated(fields: &[&[u8]]) -> Result<Vec<Vec<u8>>, &'static str> {
    match fields {
        [] | [b""] => Ok(Vec::new()),
        [field] => {
            let der = base64(std::str::from_utf8(field).map_err(|_| NOT_TEXT)?)?;
            Ok(Certificate::split_concatenated(&der)?.into_iter().map(<[u8]>::to_vec).collect())
        }
        [..] => Err("the field of the chain occurs twice"),
    }
}

/// Percent-encoded PEM: nginx's `$ssl_client_escaped_cert`, and the quoted values of Envoy. RFC
/// 7468 §5, without text between the certificates.
fn pem(value: &str) -> Result<Vec<Vec<u8>>, &'static str> {
    let text = percent_decode(value)?;
    let (mut ders, mut body) = (Vec::new(), None::<String>);
    for line in text.lines() {
        body = match (body, line) {
            (None, "") => None,
            (None, "-----BEGIN CERTIFICATE-----") => Some(String::new()),
            (None, _) => return Err(NOT_PEM),
            (Some(body), "-----END CERTIFICATE-----") => {
                ders.push(base64(&body)?);
                None
            }
            (Some(body), line) => Some(body + line),
        };
    }
    if body.is_none() { Ok(ders) } else { Err(NOT_PEM) }
}

/// RFC 3986 §2.1. A plus sign is not a space.
fn percent_decode(value: &str) -> Result<String, &'static str> {
    let mut text = String::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit().ok_or(NOT_PEM)?, digit().ok_or(NOT_PEM)?);
            u8::try_from(high << 4 | low).map_err(|_| NOT_PEM)?
        } else {
            byte
        };
        if !(byte == b'\n' || byte == b'\r' || (b' '..=b'~').contains(&byte)) {
            return Err(NOT_PEM);
        }
        text.push(char::from(byte));
    }
    Ok(text)
}

fn single(mut ders: Vec<Vec<u8>>) -> Result<Vec<u8>, &'static str> {
    match (ders.pop(), ders.is_empty()) {
        (Some(der), true) => Ok(der),
        (Some(_), false) => Err("there is more than one client certificate"),
        (None, _) => Err(NOT_PEM),
    }
}

/// `X-Forwarded-Client-Cert`: one element, of one proxy, with `Cert`, `Chain` or both. Other keys
/// repeat contents of the certificate and are ignored.
fn envoy(value: &str, most: usize) -> Result<Certificate, &'static str> {
    let (mut cert, mut chain) = (None, None);
    for (key, value) in parse_pairs(value)? {
        let place = if key.eq_ignore_ascii_case("Cert") {
            &mut cert
        } else if key.eq_ignore_ascii_case("Chain") {
            &mut chain
        } else {
            continue;
        };
        if place.replace(pem(&value)?).is_some() {
            return Err("X-Forwarded-Client-Cert names a certificate twice");
        }
    }
    let chain = chain.unwrap_or_default();
    let der = match cert {
        Some(cert) => single(cert)?,
        None => chain
            .first()
            .cloned()
            .ok_or("X-Forwarded-Client-Cert has neither Cert nor Chain: see set_current_client_cert_details")?,
    };
    // Envoy's Chain begins with the certificate itself.
    if chain.first().is_some_and(|first| *first != der) {
        return Err("Cert and Chain of X-Forwarded-Client-Cert are of two certificates");
    }
    certificate_with_chain(&der, &chain, most)
}

/// The pairs of the element: `Key=value;Key="quoted \" value"`.
fn parse_pairs(value: &str) -> Result<Vec<(String, String)>, &'static str> {
    const WRONG: &str = "X-Forwarded-Client-Cert is not a list of pairs";
    let mut pairs = Vec::new();
    let mut rest = value.chars().peekable();
    loop {
        let mut key = String::new();
        loop {
            match rest.next() {
                Some('=') => break,
                Some(c) if c.is_ascii_alphanumeric() => key.push(c),
                Some(_) | None => return Err(WRONG),
            }
        }
        let mut value = String::new();
        if rest.next_if_eq(&'"').is_some() {
            loop {
                match rest.next() {
                    Some('"') => break,
                    Some('\\') => value.push(rest.next().ok_or(WRONG)?),
                    Some(c) => value.push(c),
                    None => return Err(WRONG),
                }
            }
        } else {
            while let Some(c) = rest.next_if(|c| !matches!(c, ';' | ',' | '"')) {
                value.push(c);
            }
        }
        pairs.push((key, value));
        match rest.next() {
            None => return Ok(pairs),
            Some(';') => {}
            Some(',') => return Err("X-Forwarded-Client-Cert has elements of more than one proxy"),
            Some(_) => return Err(WRONG),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORMS: [Form; 4] = [Form::Rfc9440, Form::Nginx, Form::Envoy, Form::Haproxy];

    proptest! {
        /// THREATS MT-07.
        #[test]
        fn no_bytes_cause_a_panic(
            certificate in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..3),
            chain in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..3),
            der in prop::collection::vec(any::<u8>(), 0..80),
            pairs in "([A-Za-z]{0,5}=\"?[%a-zA-Z0-9=\\\\-]{0,20}\"?[;,]?){0,4}",
        ) {
            let encoded = STANDARD.encode(&der);
            let item = format!(":{encoded}:");
            let pem = format!("-----BEGIN CERTIFICATE-----%0A{encoded}%0A-----END CERTIFICATE-----");
            let cert = format!("Hash=x;Cert=\"{pem}\";Chain=\"{pem}{pem}\"");
            let fields: Vec<&[u8]> = certificate.iter().map(Vec::as_slice).collect();
            let others: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
            for form in FORMS {
                for first in [&encoded, &item, &pem, &cert, &pairs] {
                    let _ = parse(form, &[first.as_bytes()], &[first.as_bytes()], 4);
                }
                let _ = parse(form, &fields, &others, 4);
            }
        }
    }
}
