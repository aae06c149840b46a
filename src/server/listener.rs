//! Accepting connections, and what one may cost.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

use super::router::{Door, Peer, Router};
use super::tls::{Accepted, Doors};
use crate::config::Http;

/// Header fields of one request (DESIGN §8).
const HEADERS: usize = 100;

/// Bytes of all header fields: more are answered with 431.
const HEADER_BYTES: usize = 32 * 1024;

/// What connections may cost.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// One place for each connection, from its first byte on.
    places: Arc<Semaphore>,
    /// How long shaking hands may take.
    handshake: Duration,
    http: http1::Builder,
}

impl Limits {
    pub(super) fn of(config: &Http) -> Self {
        let handshake = Duration::from_secs(config.header_timeout.0.unsigned_abs());
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            // Also how long a connection may wait for its next request.
            .header_read_timeout(handshake)
            .max_headers(HEADERS)
            .max_header_size(HEADER_BYTES);
        let limits = Self { places: Arc::new(Semaphore::new(0)), handshake, http };
        limits.with_places(config.max_connections)
    }

    /// The same, with so many places of its own.
    pub(super) fn with_places(self, places: usize) -> Self {
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self { places, ..self }
    }
}

/// What is behind a listener.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// Who answers.
    pub(super) router: Arc<Router>,
    /// What is spoken.
    pub(super) speaks: Speaks,
    /// What connections may cost.
    pub(super) limits: Limits,
    /// When to stop.
    pub(super) stopped: watch::Receiver<bool>,
}

/// What a listener speaks.
#[derive(Clone, Debug)]
pub(super) enum Speaks {
    /// Plain http, through this door.
    Http(Door),
    /// https.
    Https(Doors),
}

/// Accepts connections until told to stop. Where all places are taken, more wait in the queue of the
/// system.
pub(super) async fn listen(listener: &TcpListener, service: &Service, connections: &TaskTracker) {
    let accept = async {
        loop {
            let Ok(place) = service.limits.places.clone().acquire_owned().await else {
                return;
            };
            let (stream, peer) = accept(listener).await;
            let service = service.clone();
            connections.spawn(async move {
                let served = service.clone().connection(stream, peer);
                // A panic ends the connection alone.
                let _ = service.router.metrics().supervisor().contain("connection", served).await;
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = told(service.stopped.clone()) => {}
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Out of file descriptors, most likely: some will be free in a moment.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

impl Service {
    /// Serves one connection until it is closed.
    async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        // Small answers must not wait for more to send.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let address = peer.ip().to_canonical();
        let doors = match &self.speaks {
            Speaks::Https(doors) => doors,
            Speaks::Http(door) => {
                let peer = Peer { address, name: None, door: *door, certificate: Ok(None) };
                return self.serve(stream, peer).await;
            }
        };
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(self.limits.handshake, doors.accept(stream)) => shaken,
            // Nothing was asked yet.
            () = told(self.stopped.clone()) => return,
        };
        match shaken {
            Ok(Ok(Accepted { stream, name, door, certificate })) => {
                self.serve(stream, Peer { address, name, door, certificate }).await;
            }
            Ok(Err(error)) => {
                self.router.metrics().unshaken(reason(&error));
                tracing::debug!(%error, %address, "no TLS came about");
            }
            Err(_) => {
                self.router.metrics().unshaken("timeout");
                tracing::debug!(%address, "shaking hands took too long");
            }
        }
    }

    /// Answers what comes over a connection; told to stop, it finishes the request that it is at.
    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: Peer) {
        let peer = Arc::new(peer);
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let (router, peer) = (self.router.clone(), peer.clone());
            async move { Ok::<_, Infallible>(router.answer(&peer, request.map(Body::new)).await) }
        });
        let mut served = pin!(self.limits.http.serve_connection(TokioIo::new(stream), service));
        let closed = tokio::select! {
            biased;
            closed = served.as_mut() => closed,
            () = told(self.stopped.clone()) => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}

/// What kind of reason a handshake had to fail, for operators to count.
fn reason(error: &io::Error) -> &'static str {
    use rustls::Error;

    const HUNG_UP: [ErrorKind; 3] =
        [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        None if HUNG_UP.contains(&error.kind()) => "closed",
        Some(Error::PeerIncompatible(_)) => "incompatible",
        Some(Error::AlertReceived(_)) => "alert",
        Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented) => "certificate",
        Some(
            Error::InvalidMessage(_)
            | Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. },
        ) => "no_tls",
        // An authority that has looked whether a name is ours (RFC 8737) is among them.
        None | Some(_) => "other",
    }
}

/// Comes when it is time to stop.
pub(super) async fn told(mut stopped: watch::Receiver<bool>) {
    // An error means that nobody can tell any more: that is being told.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
