//! The certificate of a client. Here only the proof counts that it has the key; whom the certificate
//! proves is decided for each client anew ([RFC 8705 §2]), and one that nobody has signed may be
//! registered ([RFC 8705 §2.2]).
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

/// Takes any certificate of a bearable size from those who have its key. It asks, and demands none: most
/// clients prove themselves in another way. What a certificate says is read once, after the handshake.
#[derive(Debug)]
pub(super) struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
    /// As many certificates as may come with it.
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

    /// Names no authority: a client is to show what it has.
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
