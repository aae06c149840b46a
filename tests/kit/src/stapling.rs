//! Stapled OCSP responses.

use crate::server::Server;
use crate::tls_client::{HOST, TlsClient};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// A verifier that accepts every certificate and stores the stapled OCSP response.
#[derive(Debug, Default)]
pub struct StapleRecorder(Mutex<Vec<u8>>);

impl ServerCertVerifier for StapleRecorder {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = ocsp.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// The OCSP response that the server staples.
pub async fn stapled_response(server: &Server) -> Vec<u8> {
    stapled_response_at(server, server.addresses().tls[0], HOST).await
}

/// The same for this address and server name.
pub async fn stapled_response_at(server: &Server, address: SocketAddr, name: &str) -> Vec<u8> {
    let recorder = Arc::new(StapleRecorder::default());
    let client = TlsClient::new(&server.certificate_files().ca, None);
    let client = client.with_config(|config| {
        config.dangerous().set_certificate_verifier(recorder.clone());
    });
    client.connect(address, name).await.unwrap();
    let response = recorder.0.lock().unwrap();
    response.clone()
}
