//! What a certificate says of itself, in words: for the inventory and for people. It is computed when
//! somebody asks, never for a request.

use std::fmt::Write as _;

use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

use super::Certificate;

/// A certificate in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Whose it is, as RFC 4514 writes it.
    pub subject: String,
    /// Who issued it, as RFC 4514 writes it.
    pub issuer: String,
    /// Its serial number, in hexadecimal, without leading zeros.
    pub serial: String,
    /// `RSA`, `EC P-256`, `Ed25519`, or the object identifier of what we do not know.
    pub key_type: String,
    /// How large its key is.
    pub key_bits: i64,
}

impl Certificate {
    /// Puts it into words.
    pub fn describe(&self) -> Description {
        // It was read before, so it can be read now.
        let Ok((_, parsed)) = X509Certificate::from_der(self.der()) else {
            return Description::default();
        };
        let (key_type, key_bits) = key(parsed.public_key());
        Description {
            subject: distinguished(parsed.subject()),
            issuer: distinguished(parsed.issuer()),
            serial: serial(parsed.raw_serial()),
            key_type,
            key_bits,
        }
    }
}

/// A serial number as the inventory writes it.
pub fn serial(bytes: &[u8]) -> String {
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hex.trim_start_matches('0').to_owned()
}

/// The kind of a key and its size: RFC 5480 §2.1.1.1 names the curves, RFC 8410 §3 the two of Edwards.
fn key(info: &SubjectPublicKeyInfo<'_>) -> (String, i64) {
    let algorithm = info.algorithm.algorithm.to_id_string();
    let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
    let curve = curve.map(|oid| oid.to_id_string()).unwrap_or_default();
    let bits = || {
        let size = info.parsed().map_or(0, |key: PublicKey<'_>| key.key_size());
        i64::try_from(size).unwrap_or(0)
    };
    let (kind, bits) = match (algorithm.as_str(), curve.as_str()) {
        ("1.2.840.113549.1.1.1", _) => ("RSA", bits()),
        ("1.2.840.10045.2.1", "1.2.840.10045.3.1.7") => ("EC P-256", 256),
        ("1.2.840.10045.2.1", "1.3.132.0.34") => ("EC P-384", 384),
        ("1.2.840.10045.2.1", "1.3.132.0.35") => ("EC P-521", 521),
        ("1.2.840.10045.2.1", _) => ("EC", bits()),
        ("1.3.101.112", _) => ("Ed25519", 256),
        ("1.3.101.113", _) => ("Ed448", 456),
        (other, _) => (other, bits()),
    };
    (kind.to_owned(), bits)
}

/// RFC 4514 §2: the last relative name comes first.
fn distinguished(name: &X509Name<'_>) -> String {
    let mut relative: Vec<String> = name
        .iter_rdn()
        .map(|rdn| rdn.iter().map(attribute).collect::<Vec<_>>().join("+"))
        .collect();
    relative.reverse();
    relative.join(",")
}

/// RFC 4514 §2.3, with the names of its §3; all others are told by number, their values in
/// hexadecimal.
fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    const NAMES: [(&str, &str); 9] = [
        ("2.5.4.3", "CN"),
        ("2.5.4.7", "L"),
        ("2.5.4.8", "ST"),
        ("2.5.4.10", "O"),
        ("2.5.4.11", "OU"),
        ("2.5.4.6", "C"),
        ("2.5.4.9", "STREET"),
        ("0.9.2342.19200300.100.1.25", "DC"),
        ("0.9.2342.19200300.100.1.1", "UID"),
    ];
    let kind = attribute.attr_type().to_id_string();
    let known = NAMES.iter().find(|(oid, _)| *oid == kind);
    match (known, attribute.as_str()) {
        (Some((_, name)), Ok(text)) => format!("{name}={}", escaped(text)),
        (Some(_) | None, _) => {
            let value = attribute.attr_value();
            let hex = value.data.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            format!("{kind}=#{:02x}{:02x}{hex}", value.tag().0, value.data.len())
        }
    }
}

/// RFC 4514 §2.4.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        let special = matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (c == '#' && at == 0)
            || (c == ' ' && (at == 0 || at == last));
        if c.is_control() {
            for byte in c.to_string().bytes() {
                let _ = write!(escaped, "\\{byte:02x}");
            }
        } else {
            if special {
                escaped.push('\\');
            }
            escaped.push(c);
        }
    }
    escaped
}
