//! A self-signed certificate and its key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{CertificateParams, KeyPair};
use reqwest::Identity;

pub(crate) struct SelfSigned {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) key: KeyPair,
}

impl SelfSigned {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key);
        Self { certificate: certificate.unwrap(), key }
    }

    /// The identity of a TLS client.
    pub(crate) fn identity(&self) -> Identity {
        let pem = format!("{}{}", self.key.serialize_pem(), self.certificate.pem());
        Identity::from_pem(pem.as_bytes()).unwrap()
    }

    /// The format of nginx (`$ssl_client_escaped_cert`).
    pub(crate) fn escaped(&self) -> String {
        let pem = self.certificate.pem();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let escape = |byte: u8| {
            if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        };
        pem.bytes().map(escape).collect()
    }

    /// The format of RFC 9440: the DER as a byte sequence of structured fields.
    pub(crate) fn structured(&self) -> String {
        format!(":{}:", BASE64.encode(self.certificate.der()))
    }
}
