//! The process that serves: listeners, signals, background jobs.

mod address;
mod jobs;
mod listener;
pub mod log;
mod operations;
mod router;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::app::{App, Clock};
use crate::config::{Config, Http};
use crate::render::{Route, Site};
use crate::{page, web};
use router::Router;

/// Serves until told to stop by SIGTERM or SIGINT; a second one ends it at once.
///
/// # Errors
/// When the database, the keys or an address cannot be had.
pub fn serve(config: Config) -> anyhow::Result<()> {
    serve_routes(config, routes())
}

/// The same with these endpoints: a benchmark adds one that does nothing, to measure the others by.
///
/// # Errors
/// See [`serve`].
pub fn serve_routes(config: Config, routes: Vec<Route>) -> anyhow::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if config.http.threads > 0 {
        runtime.worker_threads(config.http.threads);
    }
    let runtime = runtime.enable_all().build().context("the threads cannot be started")?;
    runtime.block_on(until_told(config, routes))
}

async fn until_told(config: Config, routes: Vec<Route>) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut listeners = Vec::new();
    for address in &config.http.listen {
        listeners.push(bind(*address).await?);
    }
    let operations = match config.operations.listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let app = App::open(config, Clock::system(), true).await?;
    let running = Running::start(app, routes, listeners, operations)?;
    for address in running.addresses() {
        tracing::info!(%address, "listening");
    }

    let mut told = async || {
        tokio::select! {
            _ = terminated.recv() => "SIGTERM",
            _ = interrupted.recv() => "SIGINT",
        }
    };
    let by = told().await;
    tracing::info!(by, "stopping: finishing what is in flight");
    tokio::select! {
        () = running.stop() => tracing::info!("stopped"),
        by = told() => tracing::warn!(by, "stopped at once, by a second signal"),
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// All endpoints.
pub fn routes() -> Vec<Route> {
    let mut routes = web::routes();
    routes.extend(page::routes());
    routes
}

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    app: App,
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    connections: TaskTracker,
    jobs: JoinSet<()>,
}

impl Running {
    /// Serves `routes` on these listeners, and the operators' on theirs.
    ///
    /// # Errors
    /// When the brand cannot be read, or a listener is none.
    pub fn start(
        app: App,
        routes: Vec<Route>,
        listeners: Vec<TcpListener>,
        operations: Option<TcpListener>,
    ) -> anyhow::Result<Self> {
        let site = Arc::new(Site::new(app.clone()).context("the logo cannot be read")?);
        let (stop, stopped) = watch::channel(false);
        let connections = TaskTracker::new();
        let limits = listener::Limits::of(&app.config.http);
        let mut addresses = Vec::new();
        let mut jobs = JoinSet::new();

        let public = Arc::new(Router::new(site.clone(), routes));
        let operators = Arc::new(Router::new(site, operations::routes()));
        let listeners = listeners.into_iter().map(|listener| (listener, public.clone()));
        for (listener, router) in listeners.chain(operations.map(|listener| (listener, operators)))
        {
            addresses.push(listener.local_addr()?);
            let (limits, tracker) = (limits.clone(), connections.clone());
            jobs.spawn(listener::listen(listener, router, limits, tracker, stopped.clone()));
        }
        jobs::start(&mut jobs, &app, &stopped);
        Ok(Self { app, addresses, stop, connections, jobs })
    }

    /// Where it listens; the operators' address is the last one.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What it serves.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Stops accepting, finishes what is in flight, as long as the configuration grants, writes down
    /// what waits and lets go of the database.
    pub async fn stop(mut self) {
        let Http { shutdown_timeout, .. } = self.app.config.http;
        self.stop.send_replace(true);
        self.connections.close();
        let drain = async {
            while self.jobs.join_next().await.is_some() {}
            self.connections.wait().await;
        };
        let patience = Duration::from_secs(shutdown_timeout.0.unsigned_abs());
        if tokio::time::timeout(patience, drain).await.is_err() {
            tracing::warn!(open = self.connections.len(), "requests in flight were cut off");
        }
        self.app.close().await;
    }
}
