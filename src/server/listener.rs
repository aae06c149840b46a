//! Accepts and serves connections, within their limits.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::pace::{Activity, NotRead, Overdue, Pace, Paced, Watched, watch_over};
use super::places::Places;
use super::router::{ListenerKind, Peer, Router};
use super::tls::{Accepted, NameAcceptor};
use crate::config::Http;
use crate::types::Seconds;

/// The maximum number of header fields of a request (DESIGN §8).
const HEADERS: usize = 100;

/// The maximum size of all header fields; larger ones are refused with 431.
const HEADER_BYTES: usize = 32 * 1024;

/// The limits of the connections of a listener.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// One place for each connection, from its first byte on.
    places: Places,
    pace: Pace,
    /// How long open connections still accept requests after the shutdown has begun.
    grace: Duration,
    http: http1::Builder,
}

impl Limits {
    /// The limits of the configuration, with this number of places.
    pub(super) fn new(config: &Http, places: usize) -> Self {
        let mut http = http1::Builder::new();
        // [`pace`] measures the time of a head itself, without the idle time before it.
        http.header_read_timeout(None).max_headers(HEADERS).max_header_size(HEADER_BYTES);
        let duration = |seconds: Seconds| Duration::from_secs(seconds.0.unsigned_abs());
        Self {
            places: Places::new(places, config),
            pace: Pace::of(config),
            // A request at the end of it is still answered before the shutdown timeout.
            grace: duration(config.shutdown_grace).min(duration(config.shutdown_timeout) / 2),
            http,
        }
    }

    /// The same limits for another listener, with places of its own.
    pub(super) fn for_another_listener(self) -> Self {
        Self { places: self.places.for_another_listener(), ..self }
    }
}

/// How a listener serves its connections.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// Responds to the requests.
    pub(super) router: Arc<Router>,
    /// The protocol.
    pub(super) protocol: Protocol,
    /// The limits of its connections.
    pub(super) limits: Limits,
    /// Becomes `true` at shutdown.
    pub(super) stopped: watch::Receiver<bool>,
}

/// The protocol of a listener.
#[derive(Clone, Debug)]
pub(super) enum Protocol {
    /// Plain http.
    Http(ListenerKind),
    /// https.
    Https(NameAcceptor),
}

/// Accepts connections until shutdown. If all places are taken, further connections wait in the queue of the
/// system; a connection beyond the limit of its address is closed.
pub(super) async fn listen(listener: &TcpListener, service: &Service, connections: &TaskTracker) {
    let accept = async {
        while let Some(free) = service.limits.places.free().await {
            let (stream, peer) = accept(listener).await;
            let Some(place) = service.limits.places.take(free, peer.ip()) else {
                service.router.metrics().connection_closed("address");
                tracing::debug!(address = %peer.ip(), "an address has reached its connection limit");
                continue;
            };
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
        () = until_shutdown(service.stopped.clone()) => {}
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Probably out of file descriptors; retry in a moment.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

impl Service {
    /// Serves one connection until it is closed.
    async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        // Small responses must not wait for more data.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let address = peer.ip().to_canonical();
        let stream = Paced::new(stream, &self.limits.pace);
        let activity = stream.activity();
        let acceptor = match &self.protocol {
            Protocol::Https(acceptor) => acceptor,
            Protocol::Http(listener) => {
                let peer = Peer { address, name: None, listener: *listener, certificate: Ok(None) };
                return self.serve(stream, peer, activity).await;
            }
        };
        let handshake = tokio::select! {
            handshake = tokio::time::timeout(self.limits.pace.head, acceptor.accept(stream)) => handshake,
            // There is no request yet.
            () = self.grace_is_over() => return,
        };
        match handshake {
            Ok(Ok(Accepted { stream, name, listener, certificate })) => {
                self.serve(stream, Peer { address, name, listener, certificate }, activity).await;
            }
            Ok(Err(error)) => {
                self.router.metrics().handshake_failed(reason(&error));
                tracing::debug!(%error, %address, "the TLS handshake failed");
            }
            Err(_) => {
                self.router.metrics().handshake_failed("timeout");
                tracing::debug!(%address, "the TLS handshake timed out");
            }
        }
    }

    /// Serves a connection within the time limits. After the shutdown has begun it continues for the grace period:
    /// every response carries `Connection: close` (RFC 9112 §9.6), so that no client sends a request over a
    /// connection that is being closed, and requests already sent are answered.
    async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: Peer,
        activity: Activity,
    ) {
        let peer = Arc::new(peer);
        activity.begin();
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let (router, peer, activity) = (self.router.clone(), peer.clone(), activity.clone());
            activity.request_received();
            async move {
                let mut response = router.respond(&peer, request.map(Body::new)).await;
                if *self.stopped.borrow() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                activity.response_started();
                Ok::<_, Infallible>(response)
            }
        });
        let mut served = pin!(self.limits.http.serve_connection(TokioIo::new(stream), service));
        let mut grace_is_over = pin!(self.grace_is_over());
        let mut is_closing = false;
        let closed = loop {
            let watched = tokio::select! {
                biased;
                watched = watch_over(served.as_mut(), &activity, &self.limits.pace, is_closing) => watched,
                () = grace_is_over.as_mut(), if !is_closing => Watched::Overdue(Overdue::Request),
            };
            match watched {
                Watched::Ended(closed) => break closed,
                Watched::Overdue(Overdue::Head) => {
                    self.router.metrics().connection_closed("head");
                    tracing::debug!(address = %peer.address, "the head of a request timed out");
                    return;
                }
                Watched::Overdue(Overdue::Request) => {
                    served.as_mut().graceful_shutdown();
                    is_closing = true;
                }
            }
        };
        if let Err(error) = closed {
            if NotRead::caused(&error) {
                self.router.metrics().connection_closed("not_read");
            }
            tracing::debug!(%error, address = %peer.address, "a connection was aborted");
        }
    }

    /// Completes when the grace period after the shutdown is over: no further request is accepted.
    async fn grace_is_over(&self) {
        until_shutdown(self.stopped.clone()).await;
        tokio::time::sleep(self.limits.grace).await;
    }
}

/// Why a handshake failed, for the metrics.
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
        // Includes ACME CAs that validated a TLS-ALPN-01 challenge (RFC 8737).
        None | Some(_) => "other",
    }
}

/// Completes when the shutdown begins.
pub(super) async fn until_shutdown(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a shutdown too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
