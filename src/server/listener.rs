//! Accepting connections, and what one may cost.

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
use super::router::{Door, Peer, Router};
use super::tls::{Accepted, Doors};
use crate::config::Http;
use crate::types::Seconds;

/// Header fields of one request (DESIGN §8).
const HEADERS: usize = 100;

/// Bytes of all header fields: more are answered with 431.
const HEADER_BYTES: usize = 32 * 1024;

/// What connections may cost.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// One place for each connection, from its first byte on.
    places: Places,
    pace: Pace,
    /// How long connections are kept open that a server which was told to stop may still be asked over.
    grace: Duration,
    http: http1::Builder,
}

impl Limits {
    /// Those of the configuration, for so many connections.
    pub(super) fn new(config: &Http, places: usize) -> Self {
        let mut http = http1::Builder::new();
        // [`pace`] measures the time that a head takes, and does not mistake waiting for it.
        http.header_read_timeout(None).max_headers(HEADERS).max_header_size(HEADER_BYTES);
        let duration = |seconds: Seconds| Duration::from_secs(seconds.0.unsigned_abs());
        Self {
            places: Places::new(places, config),
            pace: Pace::of(config),
            // What is asked at the end of it is still answered in time.
            grace: duration(config.shutdown_grace).min(duration(config.shutdown_timeout) / 2),
            http,
        }
    }

    /// The same, for a listener more: none takes the places of another.
    pub(super) fn anew(self) -> Self {
        Self { places: self.places.anew(), ..self }
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
/// system; a peer that has as many as it may have is hung up on.
pub(super) async fn listen(listener: &TcpListener, service: &Service, connections: &TaskTracker) {
    let accept = async {
        while let Some(free) = service.limits.places.free().await {
            let (stream, peer) = accept(listener).await;
            let Some(place) = service.limits.places.take(free, peer.ip()) else {
                service.router.metrics().hung_up("address");
                tracing::debug!(address = %peer.ip(), "an address has as many connections as it may have");
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
        let stream = Paced::new(stream, &self.limits.pace);
        let activity = stream.activity();
        let doors = match &self.speaks {
            Speaks::Https(doors) => doors,
            Speaks::Http(door) => {
                let peer = Peer { address, name: None, door: *door, certificate: Ok(None) };
                return self.serve(stream, peer, activity).await;
            }
        };
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(self.limits.pace.head, doors.accept(stream)) => shaken,
            // Nothing was asked yet.
            () = self.grace_is_over() => return,
        };
        match shaken {
            Ok(Ok(Accepted { stream, name, door, certificate })) => {
                self.serve(stream, Peer { address, name, door, certificate }, activity).await;
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

    /// Answers what comes over a connection as long as its peer keeps pace. Told to stop, it goes on for
    /// a moment: every answer says that it is the last one (RFC 9112 §9.6), so that nobody asks over a
    /// connection that is being closed; and what was asked before that was heard is answered.
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
            activity.answering();
            async move {
                let mut response = router.answer(&peer, request.map(Body::new)).await;
                if *self.stopped.borrow() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                activity.answered();
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
                    self.router.metrics().hung_up("head");
                    tracing::debug!(address = %peer.address, "the head of a request took too long");
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
                self.router.metrics().hung_up("not_read");
            }
            tracing::debug!(%error, address = %peer.address, "a connection broke off");
        }
    }

    /// Comes when nothing more is answered that has not begun: a moment after it was time to stop.
    async fn grace_is_over(&self) {
        told(self.stopped.clone()).await;
        tokio::time::sleep(self.limits.grace).await;
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
