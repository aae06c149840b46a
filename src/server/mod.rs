//! The process that serves: listeners, signals, background jobs.

mod address;
mod certificate;
mod jobs;
mod listener;
pub mod log;
mod notify;
mod operations;
mod outbox;
mod pace;
mod places;
mod router;
mod sockets;
mod start_up;
pub mod tls;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::config::{Config, Http};
use crate::pki::Certificate;
use crate::render::{Route, Site};
use crate::{page, web};
use listener::{Limits, Service, Speaks};
use router::{Door, Router};
pub use sockets::{Addresses, Sockets};
pub use start_up::{COMMIT, release};
use tls::Tls;

/// As many connections as operators may have open at once: what watches, and what asks whether we live.
const OPERATORS: usize = 64;

/// How long writing down what waits, and taking leave of the database, may take when it is time to stop.
const CLOSE: Duration = Duration::from_secs(5);

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
    let done = runtime.block_on(until_told(config, routes));
    // Nobody waits for a thread that reads a file or asks for an address: its answer has no taker any more.
    runtime.shutdown_background();
    done
}

async fn until_told(config: Config, routes: Vec<Route>) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut told = async || {
        tokio::select! {
            _ = terminated.recv() => "SIGTERM",
            _ = interrupted.recv() => "SIGINT",
        }
    };
    let sockets = Sockets::bind(&config).await?;
    let app = tokio::select! {
        app = waiting::open(&config) => app?,
        by = told() => {
            tracing::info!(by, "stopped before the database was reached");
            return Ok(());
        }
        never = waiting::answer(&config, &sockets) => match never {},
    };
    let running = Running::start(app, routes, sockets).await?;
    start_up::tell(&running).await;
    for (listener, address) in running.addresses().all() {
        tracing::info!(listener, %address, "listening");
    }

    notify::notify(notify::READY);
    tokio::spawn(notify::keep_alive());
    let by = loop {
        tokio::select! {
            by = told() => break by,
            _ = hung_up.recv() => running.reload().await,
        }
    };
    notify::notify(notify::STOPPING);
    tracing::info!(by, "stopping: finishing what is in flight");
    tokio::select! {
        () = running.stop() => tracing::info!("stopped"),
        by = told() => tracing::warn!(by, "stopped at once, by a second signal"),
    }
    Ok(())
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
    tls: Arc<Tls>,
    addresses: Addresses,
    stop: watch::Sender<bool>,
    connections: TaskTracker,
    jobs: JoinSet<()>,
}

impl Running {
    /// Serves `routes` on these listeners, and the operators' on theirs.
    ///
    /// # Errors
    /// When the brand or a certificate cannot be read, or a listener is none.
    pub async fn start(app: App, routes: Vec<Route>, sockets: Sockets) -> anyhow::Result<Self> {
        let listens_for_https = !(sockets.tls.is_empty() && sockets.mtls.is_empty());
        let site = Site::new(app.clone(), listens_for_https).context("the logo cannot be read")?;
        let site = Arc::new(site);
        let tls = Arc::new(Tls::open(&app).await?);
        let (stop, stopped) = watch::channel(false);
        let connections = TaskTracker::new();
        let addresses = sockets.addresses()?;
        let mut jobs = JoinSet::new();

        let http = &app.config.http;
        let limits = Limits::new(http, http.max_connections);
        let router = Arc::new(Router::new(site.clone(), routes));
        let stopping = stopped.clone();
        let speaks = Speaks::Http(Door::Open);
        let plain = Service { router, speaks, limits, stopped: stopping };
        let operators = Arc::new(Router::new(site, operations::routes()));
        // Places of their own: whoever takes all others must not blind the operators.
        let limits = Limits::new(http, OPERATORS);
        let operators = Service { router: operators, limits, ..plain.clone() };
        let redirects = Service { speaks: Speaks::Http(Door::Redirect), ..plain.clone() };
        let behind = |doors: Option<tls::Doors>| -> anyhow::Result<Service> {
            let doors = doors.context("there is no certificate to listen with")?;
            Ok(Service { speaks: Speaks::Https(doors), ..plain.clone() })
        };
        let Sockets { http, redirect, tls: https, mtls, operations } = sockets;
        let mut listeners: Vec<_> = http.into_iter().map(|one| (one, plain.clone())).collect();
        listeners.extend(redirect.into_iter().map(|one| (one, redirects.clone())));
        for one in https {
            listeners.push((one, behind(tls.doors())?));
        }
        for one in mtls {
            listeners.push((one, behind(tls.mtls_doors())?));
        }
        listeners.extend(operations.map(|one| (one, operators)));
        for (listener, service) in listeners {
            let service = Service { limits: service.limits.anew(), ..service };
            let (app, connections) = (app.clone(), connections.clone());
            jobs.spawn(async move {
                let listen = async || {
                    let listen = listener::listen(&listener, &service, &connections);
                    app.metrics.supervisor().watch("listener", listen).await
                };
                // It ends when it is told to; a panic is no reason.
                while listen().await.is_none() {}
            });
        }
        jobs::start(&mut jobs, &app, &tls, &stopped);
        Ok(Self { app, tls, addresses, stop, connections, jobs })
    }

    /// Reads the certificates again, as SIGHUP asks; connections that are open go on.
    pub async fn reload(&self) {
        self.tls.look(true).await;
    }

    /// Asks about our own certificates whether they were revoked, each when it is time: a job does so,
    /// and what is said goes along with every handshake from then on.
    pub async fn staple(&self) {
        self.tls.staple().await;
    }

    /// The certificates that its listeners show now.
    pub fn certificates(&self) -> Vec<Arc<Certificate>> {
        self.tls.certificates()
    }

    /// Orders our own certificate, if it is time and nobody else is at it.
    ///
    /// # Errors
    /// When that fails; a job tries again.
    pub async fn order(&self) -> crate::types::Result<()> {
        jobs::acme(&self.app).await.map(drop)
    }

    /// Where it listens.
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// What it serves.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Stops accepting, finishes what is in flight, as long as the configuration grants, writes down
    /// what waits and lets go of the database, which it does not wait for longer than five seconds.
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
        if tokio::time::timeout(CLOSE, self.app.close()).await.is_err() {
            tracing::error!("the database did not answer: what waited for it was not written down");
        }
    }
}
