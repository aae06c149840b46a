//! Proves control of a name in a TLS handshake: `tls-alpn-01`, [RFC 8737].
//!
//! [RFC 8737]: https://www.rfc-editor.org/rfc/rfc8737

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::types::Failure;

/// The ALPN protocol of the challenge (§3).
pub const ALPN: &[u8] = b"acme-tls/1";

/// The certificate of the challenge.
///
/// > The TLS server MUST provide a certificate with the following properties: […] a subjectAltName
/// > extension containing the dNSName being validated and no other entries, […] a critical
/// > acmeIdentifier extension with the SHA-256 digest of the key authorization (§3)
///
/// # Errors
/// When the certificate cannot be created, which does not happen.
pub fn certificate(
    name: &str,
    answer: &str,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), Failure> {
    let key = KeyPair::generate().map_err(Failure::internal)?;
    let mut contents = CertificateParams::new([name.to_owned()]).map_err(Failure::internal)?;
    contents.distinguished_name = DistinguishedName::new();
    let digest = digest(&SHA256, answer.as_bytes());
    contents.custom_extensions = vec![CustomExtension::new_acme_identifier(digest.as_ref())];
    let certificate = contents.self_signed(&key).map_err(Failure::internal)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((certificate.der().clone(), key.into()))
}
