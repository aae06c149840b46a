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

use crate::api;
use crate::app::App;
use crate::config::{Config, Http};
use crate::console;
use crate::pki::Certificate;
use crate::render::{Route, Site};
use crate::{page, web};
use listener::{Limits, Protocol, Service};
use router::{ListenerKind, Router};
pub use sockets::{Addresses, Sockets};
pub use start_up::{COMMIT, release};
use tls::Tls;

/// The number of connections of the operations listener: monitoring and health checks.
const OPERATIONS_CONNECTIONS: usize = 64;

/// The timeout for writing pending rows and closing the database at shutdown.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT; a second signal ends it at once.
///
/// # Errors
/// The database or the keys cannot be opened, or an address cannot be bound.
pub fn serve(config: Config) -> anyhow::Result<()> {
    serve_routes(config, routes())
}

/// Serves these endpoints: a benchmark adds one that does nothing, as a baseline.
///
/// # Errors
/// See [`serve`].
pub fn serve_routes(config: Config, routes: Vec<Route>) -> anyhow::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if config.http.threads > 0 {
        runtime.worker_threads(config.http.threads);
    }
    let runtime = runtime.enable_all().build().context("the threads cannot be started")?;
    let done = runtime.block_on(until_signalled(config, routes));
    // Do not wait for threads that still read a file or resolve a name.
    runtime.shutdown_background();
    done
}

async fn until_signalled(config: Config, routes: Vec<Route>) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut shutdown_signal = async || {
        tokio::select! {
            _ = terminated.recv() => "SIGTERM",
            _ = interrupted.recv() => "SIGINT",
        }
    };
    let sockets = Sockets::bind(&config).await?;
    let app = tokio::select! {
        app = waiting::open(&config) => app?,
        by = shutdown_signal() => {
            tracing::info!(by, "stopped before the database was reached");
            return Ok(());
        }
        never = waiting::respond(&config, &sockets) => match never {},
    };
    let running = Running::start(app, routes, sockets).await?;
    start_up::report(&running).await;
    for (listener, address) in running.addresses().all() {
        tracing::info!(listener, %address, "listening");
    }

    notify::notify(notify::READY);
    tokio::spawn(notify::keep_alive());
    let by = loop {
        tokio::select! {
            by = shutdown_signal() => break by,
            _ = hung_up.recv() => running.reload().await,
        }
    };
    notify::notify(notify::STOPPING);
    tracing::info!(by, "stopping: finishing requests in flight");
    tokio::select! {
        () = running.stop() => tracing::info!("stopped"),
        by = shutdown_signal() => tracing::warn!(by, "stopped at once, by a second signal"),
    }
    Ok(())
}

/// All endpoints.
pub fn routes() -> Vec<Route> {
    let mut routes = web::routes();
    routes.extend(page::routes());
    routes.extend(api::routes());
    routes.extend(console::routes());
    routes
}

/// A running server.
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
    /// Serves `routes` on these listeners, and the operations endpoints on theirs.
    ///
    /// # Errors
    /// The logo or a certificate cannot be read, or a listener has no address.
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
        let router = Arc::new(Router::new(site.clone(), routes)?);
        let stopping = stopped.clone();
        let protocol = Protocol::Http(ListenerKind::Full);
        let plain = Service { router, protocol, limits, stopped: stopping };
        let operators = Arc::new(Router::new(site, operations::routes())?);
        // Places of their own: operators must get through when all others are taken.
        let limits = Limits::new(http, OPERATIONS_CONNECTIONS);
        let operators = Service { router: operators, limits, ..plain.clone() };
        let redirects =
            Service { protocol: Protocol::Http(ListenerKind::Redirect), ..plain.clone() };
        let over_tls = |acceptor: Option<tls::NameAcceptor>| -> anyhow::Result<Service> {
            let acceptor = acceptor.context("there is no certificate to listen with")?;
            Ok(Service { protocol: Protocol::Https(acceptor), ..plain.clone() })
        };
        let Sockets { http, redirect, tls: https, mtls, operations } = sockets;
        let mut listeners: Vec<_> = http.into_iter().map(|one| (one, plain.clone())).collect();
        listeners.extend(redirect.into_iter().map(|one| (one, redirects.clone())));
        for one in https {
            listeners.push((one, over_tls(tls.acceptor())?));
        }
        for one in mtls {
            listeners.push((one, over_tls(tls.mtls_acceptor())?));
        }
        listeners.extend(operations.map(|one| (one, operators)));
        for (listener, service) in listeners {
            let service = Service { limits: service.limits.for_another_listener(), ..service };
            let (app, connections) = (app.clone(), connections.clone());
            jobs.spawn(async move {
                let listen = async || {
                    let listen = listener::listen(&listener, &service, &connections);
                    app.metrics.supervisor().watch("listener", listen).await
                };
                // It ends at shutdown; after a panic it is restarted.
                while listen().await.is_none() {}
            });
        }
        jobs::start(&mut jobs, &app, &tls, &stopped);
        Ok(Self { app, tls, addresses, stop, connections, jobs })
    }

    /// Reloads the certificates, as SIGHUP requests; open connections stay open.
    pub async fn reload(&self) {
        self.tls.reload(true).await;
    }

    /// Refreshes the OCSP responses for the server's certificates that are due; a job does so too. They are stapled
    /// to every handshake from then on.
    pub async fn staple(&self) {
        self.tls.staple().await;
    }

    /// The certificates that its listeners use now.
    pub fn certificates(&self) -> Vec<Arc<Certificate>> {
        self.tls.certificates()
    }

    /// Orders the server's certificate by ACME, if it is due and no other replica does.
    ///
    /// # Errors
    /// The order fails; a job retries it.
    pub async fn order(&self) -> crate::types::Result<()> {
        jobs::acme(&self.app).await.map(drop)
    }

    /// The addresses of its listeners.
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The application that it serves.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Stops accepting connections, finishes requests in flight within `http.shutdown_timeout`, writes pending rows
    /// and closes the database within five seconds.
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
        if tokio::time::timeout(CLOSE_TIMEOUT, self.app.close()).await.is_err() {
            tracing::error!("the database did not respond: pending rows were not written");
        }
    }
}
