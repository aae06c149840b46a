//! Until the database is open: `/healthz` responds with 200, everything else with 503.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::{Sockets, notify, tls};
use crate::app::{App, Clock, OpenAppError};
use crate::config::Config;
use crate::types::Code;

/// The pause between attempts to open the database.
const PAUSE: Duration = Duration::from_secs(1);

/// Opens database and keys. Retries while the database does not respond or is not ready, and logs that it waits
/// (THREATS EX-03).
///
/// # Errors
/// A retry would not help.
pub(super) async fn open(config: &Config) -> Result<App, OpenAppError> {
    let database = config.database.url.redacted();
    tracing::info!(database, "opening the database");
    loop {
        notify::notify(notify::STARTING);
        match App::open(config.clone(), Clock::system(), true).await {
            Err(error) if error.is_temporary() => {
                tracing::warn!(database, %error, "waiting for the database");
                tokio::time::sleep(PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// Responds at every listener, until dropped. TLS connections for which there is no certificate yet wait in the
/// queue of the system.
pub(super) async fn respond(config: &Config, sockets: &Sockets) -> Infallible {
    let [shared, own] = tls::waiting(config).unwrap_or_else(|error| {
        // The start fails for the same reason once the database is open.
        tracing::error!(%error, "the certificate cannot be used");
        [None, None]
    });
    let Sockets { http, redirect, tls: https, mtls, operations } = sockets;
    let plain = http.iter().chain(redirect).chain(operations).map(|listener| (listener, None));
    let https = https.iter().zip(std::iter::repeat(shared));
    let mtls = mtls.iter().zip(std::iter::repeat(own));
    let sealed = https.chain(mtls).filter(|(_, acceptor)| acceptor.is_some());
    let listeners: Vec<(&TcpListener, Option<TlsAcceptor>)> = plain.chain(sealed).collect();

    let timeout = Duration::from_secs(config.http.header_timeout.0.unsigned_abs());
    let mut http = http1::Builder::new();
    // No connection outlives the wait.
    http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(timeout);
    let places = Arc::new(Semaphore::new(config.http.max_connections));
    loop {
        let Some((stream, acceptor)) = accept(&listeners).await else {
            // Probably out of file descriptors; retry in a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            continue;
        };
        let http = http.clone();
        tokio::spawn(async move {
            let serving = async {
                match acceptor {
                    None => serve(&http, stream).await,
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            serve(&http, stream).await;
                        }
                    }
                }
            };
            // Handshake and response may take as long as reading a head, each.
            let _ = tokio::time::timeout(3 * timeout, serving).await;
            drop(place);
        });
    }
}

/// The next connection of any listener. `None`: it cannot be accepted.
async fn accept(
    listeners: &[(&TcpListener, Option<TlsAcceptor>)],
) -> Option<(TcpStream, Option<TlsAcceptor>)> {
    poll_fn(|cx| {
        for (listener, acceptor) in listeners {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready(accepted.ok().map(|(stream, _)| (stream, acceptor.clone())));
            }
        }
        Poll::Pending
    })
    .await
}

async fn serve(http: &http1::Builder, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(response(request.uri().path()))
    });
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection broke off");
    }
}

fn response(path: &str) -> Response<Body> {
    let (status, media, body) = if path == "/healthz" {
        (StatusCode::OK, "text/plain; charset=utf-8", "alive\n".to_owned())
    } else {
        let code = Code::TemporarilyUnavailable;
        let why = "the server is starting and has not reached its database yet";
        let body = json!({ "error": code.as_str(), "error_description": why });
        (StatusCode::SERVICE_UNAVAILABLE, "application/json", body.to_string())
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status != StatusCode::OK {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
