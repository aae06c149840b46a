//! Client certificates in the handshake, which only proves possession of the key. Which client a certificate
//! authenticates is decided per client ([RFC 8705 §2]), and self-signed ones may be registered ([RFC 8705 §2.2]).
//!
//! [RFC 8705 §2]: https://www.rfc-editor.org/rfc/rfc8705#section-2
//! [RFC 8705 §2.2]: https://www.rfc-editor.org/rfc/rfc8705#section-2.2

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::pki::Certificate;

/// Accepts any certificate of limited size. A certificate is requested, not required: most clients authenticate in
/// another way. Its contents are parsed once, after the handshake.
#[derive(Debug)]
pub(super) struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
    /// The maximum number of certificates sent with it.
    most: usize,
}

impl AnyCertificate {
    pub(super) fn of(provider: &CryptoProvider, most: usize) -> Self {
        Self { algorithms: provider.signature_verification_algorithms, most }
    }
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// No CA names: a client may present any certificate.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match Certificate::must_be_within_limits(end_entity, intermediates, self.most) {
            Ok(()) => Ok(ClientCertVerified::assertion()),
            Err(_) => Err(CertificateError::BadEncoding.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
