//! PEM encoding: [RFC 7468].
//!
//! [RFC 7468]: https://www.rfc-editor.org/rfc/rfc7468

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A certificate.
pub fn certificate(der: &[u8]) -> String {
    encoded("CERTIFICATE", der).to_string()
}

/// A private key.
pub fn private_key(pkcs8: &[u8]) -> Zeroizing<String> {
    encoded("PRIVATE KEY", pkcs8)
}

/// Base64 in lines of 64 characters.
pub fn lines(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3 / 2);
    push_lines(&mut text, bytes);
    text
}

/// > Generators MUST wrap the base64-encoded lines so that each line consists of exactly 64 characters
/// > except for the final line (§2)
fn encoded(label: &str, der: &[u8]) -> Zeroizing<String> {
    // Reserve the full capacity: a string that grows would leave copies of a key in memory.
    let mut text = Zeroizing::new(String::with_capacity(der.len() * 3 / 2 + 128));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    push_lines(&mut text, der);
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

fn push_lines(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(48) {
        STANDARD.encode_string(chunk, text);
        text.push('\n');
    }
}
