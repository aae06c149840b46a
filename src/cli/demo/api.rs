//! The demo API: requests a client certificate and verifies access tokens locally with [`crate::verify`]. A
//! certificate-bound token is accepted only over a connection with that certificate.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::CertificateDer;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::types::pem;
use crate::verify::{ResourceRequest, Verifier};

/// The path of the invoices.
pub(super) const PATH: &str = "/invoices";

/// The required scope.
const SCOPE: &str = "invoices.read";

/// The timeout of the TLS handshake, and of reading a request head.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The API.
pub(super) struct Api {
    /// `https://localhost:8444`
    pub(super) origin: String,
    pub(super) verifier: Verifier,
}

/// The TLS acceptor: callers present a certificate that chains to one of the anchors, or none.
///
/// # Errors
/// A certificate or key cannot be read.
pub(super) fn tls(
    chain: &Path,
    key: &Path,
    anchors: Vec<CertificateDer<'static>>,
) -> anyhow::Result<TlsAcceptor> {
    let mut roots = RootCertStore::empty();
    for anchor in anchors {
        roots.add(anchor)?;
    }
    let verifier =
        WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated().build()?;
    let chain = pem::certificates(&fs::read(chain)?)
        .map_err(|why| anyhow!("the certificate of localhost {why}"))?;
    let key =
        pem::private_key(&fs::read(key)?).map_err(|why| anyhow!("the key of localhost {why}"))?;
    let config =
        ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Api {
    /// Serves until cancelled.
    pub(super) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        tls: TlsAcceptor,
        stop: CancellationToken,
    ) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            if let Ok((stream, _)) = accepted {
                let (api, tls, stop) = (self.clone(), tls.clone(), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = api.connection(stream, tls) => {}
                        () = stop.cancelled() => {}
                    }
                });
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, tls: TlsAcceptor) {
        let Ok(Ok(stream)) = tokio::time::timeout(TIMEOUT, tls.accept(stream)).await else {
            return;
        };
        let presented = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).cloned();
        let service = service_fn(move |request: Request<Incoming>| {
            let (api, presented) = (self.clone(), presented.clone());
            async move { Ok::<_, std::convert::Infallible>(api.respond(&request, presented).await) }
        });
        // Errors of a connection concern its caller only.
        let _ = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn respond(
        &self,
        request: &Request<Incoming>,
        presented: Option<CertificateDer<'static>>,
    ) -> Response {
        let (method, path): (&Method, &str) = (request.method(), request.uri().path());
        if path != PATH || method != Method::GET {
            return (StatusCode::NOT_FOUND, "Not found. Try GET /invoices.\n").into_response();
        }
        let headers: &HeaderMap = request.headers();
        let request = ResourceRequest {
            method,
            url: &format!("{}{PATH}", self.origin),
            headers,
            certificate: presented.as_deref(),
        };
        match self.verifier.verify(&request, &[SCOPE]).await {
            Ok(caller) => {
                let invoices = json!([{ "number": "2026-0117", "total": "184.00 EUR" }]);
                let body = json!({ "called_by": caller.client_id, "invoices": invoices });
                ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
            }
            Err(error) => error.into_response(),
        }
    }
}
