//! Certificates, keys, requests and CRLs in the encodings of common tools: PEM ([RFC 7468]), DER,
//! or base64 of DER. The only parser for these files.
//!
//! > Data before the encapsulation boundary is permitted, and parsers MUST NOT malfunction when processing such
//! > data. (RFC 7468 §2)
//!
//! Text before, between and after the blocks is ignored: `openssl -text` writes some. Files of
//! Windows editors may begin with a byte order mark or be UTF-16.
//!
//! [RFC 7468]: https://www.rfc-editor.org/rfc/rfc7468

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::{Zeroize as _, Zeroizing};

/// Lenient where it is harmless: padding is optional, and unused bits of the last character are
/// ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Room for the largest key, in base64.
const ROOM: usize = 16 * 1024;

/// The kind of object to find in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RFC 7468 §5.
    Certificate,
    /// RFC 7468 §10, and the older forms of RSA and of elliptic curves (RFC 8017 §A.1.2, RFC 5915 §4).
    PrivateKey,
    /// RFC 7468 §7; keytool and Windows write `NEW CERTIFICATE REQUEST`.
    Request,
    /// RFC 7468 §6.
    Crl,
}

impl Kind {
    const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Certificate => &["CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE"],
            Self::PrivateKey => &["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"],
            Self::Request => &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"],
            Self::Crl => &["X509 CRL", "CRL"],
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::PrivateKey => "private key",
            Self::Request => "request for a certificate",
            Self::Crl => "CRL",
        }
    }
}

/// All objects of a kind, in order: at least one. Other contents are skipped.
///
/// # Errors
/// What is wrong, as a clause that follows the name of the file. It never contains file contents.
pub fn objects(bytes: &[u8], kind: Kind) -> Result<Vec<Zeroizing<Vec<u8>>>, String> {
    let bytes = in_bytes(bytes)?;
    let has_blocks = lines(&bytes).any(|(_, line)| label(line, BEGIN).is_some());
    if has_blocks {
        return blocks(&bytes, kind);
    }
    let text = bytes.trim_ascii();
    if text.is_empty() {
        return Err(format!("is empty: it should hold a {}", kind.name()));
    }
    if let Some(ders) = sequences(&bytes) {
        return Ok(ders);
    }
    if text.starts_with(b"<") {
        return Err(format!("is HTML or XML, and not a {}", kind.name()));
    }
    let mut joined = Zeroizing::new(Vec::with_capacity(text.len()));
    joined.extend(text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
    let der = BASE64.decode(joined.as_slice()).map(Zeroizing::new).ok();
    der.and_then(|der| sequences(&der))
        .ok_or_else(|| format!("holds no {}: it is neither PEM, nor DER, nor base64", kind.name()))
}

/// All certificates.
///
/// # Errors
/// Those of [`objects`].
pub fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let ders = objects(bytes, Kind::Certificate)?;
    Ok(ders.into_iter().map(|der| CertificateDer::from(der.to_vec())).collect())
}

/// The first private key, in any of the encodings.
///
/// # Errors
/// Those of [`objects`].
pub fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let ders = objects(bytes, Kind::PrivateKey)?;
    let first = ders.first().map(|der| der.as_slice()).unwrap_or_default();
    let key =
        PrivateKeyDer::try_from(first).map_err(|_| "has a private key that cannot be read")?;
    Ok(key.clone_key())
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// The label of the first or last line of a block.
fn label<'a>(line: &'a [u8], boundary: &[u8]) -> Option<&'a str> {
    let label = line.strip_prefix(boundary)?.strip_suffix(b"-----")?;
    std::str::from_utf8(label).ok()
}

/// Numbered lines, without surrounding spaces. Some editors end lines with a carriage return only.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
    let lines = bytes.split(move |byte| *byte == end);
    lines.enumerate().map(|(before, line)| (before + 1, line.trim_ascii()))
}

/// A block of the requested kind.
struct Block<'a> {
    label: &'a str,
    begins: usize,
    body: Zeroizing<Vec<u8>>,
}

fn blocks(bytes: &[u8], kind: Kind) -> Result<Vec<Zeroizing<Vec<u8>>>, String> {
    let (mut ders, mut others) = (Vec::new(), Vec::new());
    let mut open: Option<Block<'_>> = None;
    for (number, line) in lines(bytes) {
        match &mut open {
            None => {
                let Some(label) = label(line, BEGIN) else { continue };
                if kind.labels().contains(&label) {
                    // Reserve room for any key: a vector that grows would leave copies in memory.
                    let body = Zeroizing::new(Vec::with_capacity(bytes.len().min(ROOM)));
                    open = Some(Block { label, begins: number, body });
                } else {
                    others.push(label);
                }
            }
            Some(block) => {
                if let Some(label) = label(line, END) {
                    if label != block.label {
                        return Err(format!(
                            "has a block at line {} that ends under another name",
                            block.begins
                        ));
                    }
                    let der = BASE64.decode(block.body.as_slice()).map(Zeroizing::new);
                    ders.push(der.map_err(|_| {
                        format!("has a block at line {} that is not base64", block.begins)
                    })?);
                    open = None;
                } else if line.starts_with(b"-----") {
                    return Err(unended(block));
                } else if line.contains(&b':') {
                    // RFC 1421 §4.6.1.1: OpenSSL's header of a password-protected key.
                    if line.ends_with(b"ENCRYPTED") {
                        return Err(ENCRYPTED.to_owned());
                    }
                } else {
                    block.body.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
                }
            }
        }
    }
    match open {
        Some(block) => Err(unended(&block)),
        None if ders.is_empty() => Err(none_of(kind, &others)),
        None => Ok(ders),
    }
}

const ENCRYPTED: &str = "has a private key that needs a password: openssl pkey -in KEY -out CLEAR writes one that needs none";

fn unended(block: &Block<'_>) -> String {
    format!("has a block at line {} that does not end", block.begins)
}

/// Why the file has no object of the kind.
fn none_of(kind: Kind, others: &[&str]) -> String {
    let has = |label: &str| others.contains(&label);
    if kind == Kind::PrivateKey && has("ENCRYPTED PRIVATE KEY") {
        return ENCRYPTED.to_owned();
    }
    if kind == Kind::Certificate && has("TRUSTED CERTIFICATE") {
        return "has a certificate in OpenSSL's own form (TRUSTED CERTIFICATE): openssl x509 -in FILE writes the \
                common one"
            .to_owned();
    }
    if matches!(kind, Kind::Certificate | Kind::Crl) && (has("PKCS7") || has("CMS")) {
        return "is PKCS #7: openssl pkcs7 -in FILE -print_certs writes what is in it".to_owned();
    }
    // Unknown labels are not repeated in the message.
    let known = others.iter().filter(|label| {
        label.len() <= 40
            && label.bytes().all(|byte| byte.is_ascii_uppercase() || b" 0123456789".contains(&byte))
    });
    let mut known: Vec<_> = known.copied().collect();
    known.dedup();
    let what = if known.is_empty() { "other things".to_owned() } else { known.join(", ") };
    format!("holds no {}, but {what}", kind.name())
}

/// DER: concatenated sequences without other data.
fn sequences(mut der: &[u8]) -> Option<Vec<Zeroizing<Vec<u8>>>> {
    let mut ders = Vec::new();
    while !der.is_empty() {
        let (one, rest) = der.split_at_checked(length(der)?)?;
        ders.push(Zeroizing::new(one.to_vec()));
        der = rest;
    }
    (!ders.is_empty()).then_some(ders)
}

/// The length of the sequence at the start, including tag and length (X.690 §8.1.3, §10.1).
fn length(der: &[u8]) -> Option<usize> {
    const SEQUENCE: u8 = 0x30;
    let [SEQUENCE, first, rest @ ..] = der else { return None };
    if *first < 0x80 {
        return Some(2 + usize::from(*first));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return None;
    }
    let length = rest.get(..count)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    length.checked_add(2 + count)
}

/// Removes a byte order mark, and converts UTF-16 to UTF-8.
fn in_bytes(bytes: &[u8]) -> Result<Text<'_>, String> {
    let decode: fn([u8; 2]) -> u16 = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => return Ok(Text(Cow::Borrowed(rest))),
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Ok(Text(Cow::Borrowed(bytes))),
    };
    const BROKEN: &str = "begins like UTF-16, and is not";
    let units = bytes.get(2..).unwrap_or_default().chunks(2).map(|two| two.try_into().map(decode));
    let mut text = Text(Cow::Owned(Vec::with_capacity(bytes.len() * 2)));
    let units = units.map(|unit| unit.unwrap_or(0xdfff));
    for character in char::decode_utf16(units) {
        let character = character.map_err(|_| BROKEN)?;
        text.0.to_mut().extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(text)
}

/// A text that may contain a key: its memory is zeroized.
struct Text<'a>(Cow<'a, [u8]>);

impl std::ops::Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// `SEQUENCE { INTEGER n }`
    fn der(n: u8) -> Vec<u8> {
        vec![0x30, 3, 2, 1, n]
    }

    fn block(label: &str, n: u8) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der(n)))
    }

    fn read(bytes: impl AsRef<[u8]>, kind: Kind) -> Result<Vec<Vec<u8>>, String> {
        Ok(objects(bytes.as_ref(), kind)?.into_iter().map(|one| one.to_vec()).collect())
    }

    fn utf16(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(to).collect()
    }

    /// THREATS EX-19: additions of tools and editors.
    #[test]
    fn all_common_encodings_are_parsed() {
        let pem = block("X509 CRL", 1);
        let text = "Certificate Revocation List (CRL):\n        Version 2 (0x1)\n  30:82:01\n";
        for (what, bytes) in [
            ("PEM", pem.clone().into_bytes()),
            ("text before and behind", format!("{text}{pem}\n# made by hand\n").into_bytes()),
            ("Latin-1 before", [b"# J\xfcrgen\n".as_slice(), pem.as_bytes()].concat()),
            ("a blank line", format!("\n\n{pem}").into_bytes()),
            ("byte order mark", [b"\xef\xbb\xbf".as_slice(), pem.as_bytes()].concat()),
            ("UTF-16, little end first", utf16(&pem, u16::to_le_bytes)),
            ("UTF-16, big end first", utf16(&pem, u16::to_be_bytes)),
            ("Windows", pem.replace('\n', "\r\n").into_bytes()),
            ("old Macintosh", pem.replace('\n', "\r").into_bytes()),
            ("spaces", pem.replace('\n', "  \n\t").into_bytes()),
            ("no padding", pem.replace('=', "").into_bytes()),
            ("DER", der(1)),
            ("base64", STANDARD.encode(der(1)).into_bytes()),
            ("base64 in lines", b"MAMC\r\n AQE=\r\n".to_vec()),
            ("base64 behind a mark", b"\xef\xbb\xbfMAMCAQE=".to_vec()),
            (
                "other objects",
                [block("CERTIFICATE", 7), pem.clone(), block("PKCS7", 8)].concat().into(),
            ),
        ] {
            assert_eq!(read(bytes, Kind::Crl), Ok(vec![der(1)]), "{what}");
        }
    }

    #[test]
    fn several_blocks_are_several_objects() {
        let pem =
            ["# one\n", &block("CERTIFICATE", 1), "two\n", &block("X509 CERTIFICATE", 2)].concat();
        assert_eq!(read(pem, Kind::Certificate), Ok(vec![der(1), der(2)]));
        assert_eq!(read([der(1), der(2)].concat(), Kind::Certificate), Ok(vec![der(1), der(2)]));
        let new = block("NEW CERTIFICATE REQUEST", 3);
        assert_eq!(read(new, Kind::Request), Ok(vec![der(3)]));
        let key = [
            "-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n",
            &block("EC PRIVATE KEY", 4),
        ];
        assert_eq!(read(key.concat(), Kind::PrivateKey), Ok(vec![der(4)]));
    }

    /// THREATS EX-19: never treated as a file without objects.
    #[test]
    fn an_unusable_file_is_refused_with_the_reason() {
        let unended = "-----BEGIN X509 CRL-----\nMAMC\n";
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMAMC\n-----END RSA PRIVATE KEY-----\n";
        for (bytes, kind, why) in [
            ("", Kind::Crl, "is empty"),
            (" \n", Kind::Crl, "is empty"),
            ("<!DOCTYPE html><p>Not found", Kind::Crl, "is HTML or XML"),
            ("\u{feff}<html>", Kind::Crl, "is HTML or XML"),
            ("hello", Kind::Crl, "neither PEM, nor DER, nor base64"),
            ("aGVsbG8=", Kind::Crl, "neither PEM, nor DER, nor base64"),
            (unended, Kind::Crl, "line 1 that does not end"),
            (&[unended, unended].concat(), Kind::Crl, "line 1 that does not end"),
            (&unended.replace("MAMC", "MAMC!\n-----END X509 CRL-----"), Kind::Crl, "is not base64"),
            (&unended.replace("MAMC", "MAMC\n-----END CRL-----"), Kind::Crl, "under another name"),
            (&block("CERTIFICATE", 1), Kind::Crl, "holds no CRL, but CERTIFICATE"),
            (&block("<script>", 1), Kind::Crl, "holds no CRL, but other things"),
            (&block("ENCRYPTED PRIVATE KEY", 1), Kind::PrivateKey, "needs a password"),
            (legacy, Kind::PrivateKey, "needs a password"),
            (&block("TRUSTED CERTIFICATE", 1), Kind::Certificate, "OpenSSL's own form"),
            (&block("PKCS7", 1), Kind::Certificate, "openssl pkcs7"),
        ] {
            let refused = read(bytes, kind).unwrap_err();
            assert!(refused.contains(why), "{bytes:?}: {refused}");
        }
        assert!(read([der(1), vec![0]].concat(), Kind::Crl).is_err(), "something follows");
        assert!(read(b"\xff\xfe\x00\xd8", Kind::Crl).is_err(), "half of a pair");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let pem = [b"-----BEGIN CERTIFICATE-----\n".as_slice(), &bytes, b"\n-----END CERTIFICATE-----\n"];
            for kind in [Kind::Certificate, Kind::PrivateKey, Kind::Request, Kind::Crl] {
                for mark in [b"".as_slice(), b"\xff\xfe", b"0"] {
                    let _ = read([mark, &bytes].concat(), kind);
                    let _ = read([mark, &pem.concat()].concat(), kind);
                }
            }
        }
    }
}
