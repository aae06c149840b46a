//! Accepting connections, and what one may cost.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

use super::router::{Peer, Router};
use crate::config::Http;

/// Header fields of one request (DESIGN §8).
const HEADERS: usize = 100;

/// Bytes of all header fields: more are answered with 431.
const HEADER_BYTES: usize = 32 * 1024;

/// What connections may cost.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// One place for each connection.
    places: Arc<Semaphore>,
    http: http1::Builder,
}

impl Limits {
    pub(super) fn of(config: &Http) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            // Also how long a connection may wait for its next request.
            .header_read_timeout(Duration::from_secs(config.header_timeout.0.unsigned_abs()))
            .max_headers(HEADERS)
            .max_header_size(HEADER_BYTES);
        let places = config.max_connections.min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), http }
    }
}

/// Accepts connections until told to stop. Where all places are taken, more wait in the queue of the
/// system.
pub(super) async fn listen(
    listener: TcpListener,
    router: Arc<Router>,
    limits: Limits,
    connections: TaskTracker,
    stopped: watch::Receiver<bool>,
) {
    let accept = async {
        loop {
            let Ok(place) = limits.places.clone().acquire_owned().await else {
                return;
            };
            let (stream, peer) = accept(&listener).await;
            let served =
                connection(stream, peer, router.clone(), limits.http.clone(), stopped.clone());
            connections.spawn(async move {
                served.await;
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = told(stopped.clone()) => {}
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

/// Serves one connection until it is closed; told to stop, it finishes the request that it is at.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Arc<Router>,
    http: http1::Builder,
    stopped: watch::Receiver<bool>,
) {
    // Small answers must not wait for more to send.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let peer = Arc::new(Peer { address: peer.ip().to_canonical(), certificate: None });
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (router, peer) = (router.clone(), peer.clone());
        async move { Ok::<_, Infallible>(router.answer(&peer, request.map(Body::new)).await) }
    });
    let mut served = pin!(http.serve_connection(TokioIo::new(stream), service));
    let closed = tokio::select! {
        biased;
        closed = served.as_mut() => closed,
        () = told(stopped) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = closed {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Comes when it is time to stop.
pub(super) async fn told(mut stopped: watch::Receiver<bool>) {
    // An error means that nobody can tell any more: that is being told.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
