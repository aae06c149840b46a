//! `gatewright demo`: a server, users, an application and an API, on the loopback interface.
//!
//! It reads neither `gatewright.toml` nor environment variables, and changes only files that it created.

mod api;
mod certificates;
mod fixtures;
mod home;
mod ports;
mod relying_party;
mod summary;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use axum::Router;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Clock};
use crate::config::{
    Config, Database, DatabaseUrl, Http, Issuer, Keys, Log, LogFilter, LogFormat, Mtls, MtlsUrl,
};
use crate::server::{self, Running, Sockets};
use crate::store::clients;
use crate::types::{ClientId, Seconds, Secret};
use crate::verify::{IssuerKeys, Verifier};
use api::Api;
use certificates::Certificates;
use home::{Clients, Home, Ports, Secrets};
use ports::BoundPorts;
use relying_party::Registration;
use summary::Summary;

/// The shutdown timeout for requests in flight.
const SHUTDOWN_TIMEOUT: Seconds = Seconds(3);

/// The file names of the two services with certificates.
const SERVICE: &str = "service";
const OTHER: &str = "other";

/// The options of `gatewright demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The directory for the database, keys and secrets.
    #[arg(long, value_name = "DIR", default_value = "gatewright-demo")]
    dir: PathBuf,
    /// Delete the data of an earlier demo in that directory, and start over.
    #[arg(long)]
    fresh: bool,
    /// The port of the server [default: as in the earlier demo, or 8080, or a free port].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// The port of the demo application [default: as in the earlier demo, or 8081, or a free port].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    client_port: Option<u16>,
    /// The port of the server for client certificates [default: as in the earlier demo, or 8443, or a free
    /// port].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    mtls_port: Option<u16>,
    /// The port of the demo API [default: as in the earlier demo, or 8444, or a free port].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    api_port: Option<u16>,
    /// The port of the metrics [default: 9090, or a free port].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    metrics_port: Option<u16>,
}

impl Demo {
    /// Runs until SIGINT or SIGTERM.
    ///
    /// # Errors
    /// A port is in use, the directory is not one of a demo, or the server cannot start.
    pub(super) fn run(&self, json: bool) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let done = runtime.block_on(self.until_signalled(json));
        // Printing may be blocked by its reader.
        runtime.shutdown_background();
        done
    }

    async fn until_signalled(&self, json: bool) -> anyhow::Result<()> {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let (home, earlier) = Home::enter(&self.dir)?;
        let earlier = earlier.filter(|_| !self.fresh);
        // Before anything is deleted: a program that uses the ports may also use the directory.
        let BoundPorts { ports, listeners, moved } = self.take_ports(earlier.as_ref()).await?;
        let Ports { client_port, mtls_port, api_port, metrics_port, .. } = ports;

        let secrets = match earlier {
            Some(secrets) => secrets,
            None => home.clear(ports)?,
        };
        let certificates = home.certificates()?;
        certificates.ensure_server_certificate(Clock::system().now())?;
        let config = config(&home, &certificates, ports)?;
        let issuer = config.issuer.as_str().to_owned();
        let application = format!("http://localhost:{client_port}");
        let _log = server::log::start(&config.log)?;
        let app = App::open(config, Clock::system(), true).await?;
        let (secrets, clients) = registered(&app, &home, &application, secrets).await?;
        certificates.ensure_ca(&app).await?;
        certificates.ensure_service_certificate(&app, SERVICE, &clients.certified).await?;
        certificates.ensure_service_certificate(&app, OTHER, &clients.other).await?;

        let stop = CancellationToken::new();
        let inventory = app.clone();
        let sockets = Sockets {
            http: listeners.server,
            mtls: listeners.mtls,
            operations: listeners.metrics.into_iter().next(),
            ..Sockets::default()
        };
        let server = Running::start(app.clone(), server::routes(), sockets).await?;
        let api = format!("https://localhost:{api_port}");
        let mut serving = serve_api(&app, &certificates, &api, listeners.api, &stop)?;
        let registration = registration(&issuer, &application, &clients);
        let metrics = format!("http://localhost:{metrics_port}/metrics");
        let router = relying_party::router(
            fixtures::APPLICATION,
            &application,
            registration,
            inventory,
            metrics.clone(),
        );
        serve(&mut serving, router.await?, listeners.application, &stop);

        let summary = Summary {
            issuer: &issuer,
            application: &application,
            mtls: &format!("https://localhost:{mtls_port}"),
            api: &api,
            metrics: &metrics,
            moved: &moved,
            certificates: &certificates,
            secrets: &secrets,
            clients: &clients,
            file: &home.secrets(),
        };
        let text = if json { format!("{}\n", summary.json()) } else { summary.text() };
        // On a thread of its own: a blocked reader must stop neither the demo nor its shutdown.
        let printing = tokio::task::spawn_blocking(move || {
            let mut out = std::io::stdout();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        });
        let printed = async {
            printing.await??;
            std::future::pending::<anyhow::Result<()>>().await
        };
        tokio::select! {
            failed = printed => return failed,
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        stop.cancel();
        let finished = async { while serving.join_next().await.is_some() {} };
        // Only requests to the demo application are cut off here.
        let timeout = Duration::from_secs(SHUTDOWN_TIMEOUT.0.unsigned_abs());
        let _ = tokio::time::timeout(timeout, finished).await;
        server.stop().await;
        Ok(())
    }
}

/// The configuration, regardless of `gatewright.toml` and environment variables.
fn config(home: &Home, certificates: &Certificates, ports: Ports) -> anyhow::Result<Config> {
    let issuer = format!("http://localhost:{}", ports.port);
    let issuer = Issuer::parse(&issuer).map_err(|_| anyhow!("{issuer} is not an issuer"))?;
    let url = format!("https://localhost:{}", ports.mtls_port);
    let url = MtlsUrl::parse(&url).map_err(|_| anyhow!("{url} is not an address"))?;
    Ok(Config {
        http: Http { shutdown_timeout: SHUTDOWN_TIMEOUT, ..Http::default() },
        mtls: Mtls {
            url: Some(url),
            certificate_file: Some(certificates.server_certificate()),
            key_file: Some(certificates.server_key()),
            ..Mtls::default()
        },
        database: Database { url: DatabaseUrl::new(home.database()?), ..Database::default() },
        keys: Keys { dir: home.keys(), ..Keys::default() },
        log: Log { format: LogFormat::Text, level: LogFilter::warnings() },
        ..Config::with_defaults(issuer)
    })
}

/// Registers users, clients and the API, once, and only in a database of the demo.
async fn registered(
    app: &App,
    home: &Home,
    application: &str,
    mut secrets: Secrets,
) -> anyhow::Result<(Secrets, Clients)> {
    if let Some(clients) = secrets.clients.take() {
        let id = ClientId::from_text(&clients.web.client_id);
        ensure!(
            clients::find(app.store.db(), &id).await?.is_some(),
            "the database was not created by this demo: start over with --fresh"
        );
        return Ok((secrets, clients));
    }
    secrets.clients = Some(fixtures::register(app, application, &secrets).await?);
    home.save(&secrets)?;
    app.confirm().await?;
    let clients = secrets.clients.take().context("they were just registered")?;
    Ok((secrets, clients))
}

fn registration(issuer: &str, application: &str, clients: &Clients) -> Registration {
    Registration {
        issuer: issuer.to_owned(),
        client_id: clients.web.client_id.clone(),
        secret: Secret::new(&clients.web.client_secret),
        redirect_uri: format!("{application}/callback"),
        signed_out_uri: format!("{application}/signed-out"),
        scopes: fixtures::SCOPES.map(str::to_owned).to_vec(),
        // For userinfo, and for the API.
        resources: vec![issuer.to_owned(), fixtures::API.to_owned()],
    }
}

fn serve(
    serving: &mut JoinSet<()>,
    router: Router,
    listeners: Vec<TcpListener>,
    stop: &CancellationToken,
) {
    for listener in listeners {
        let (router, stop) = (router.clone(), stop.clone().cancelled_owned());
        serving.spawn(async move {
            // It ends only by the shutdown signal.
            let _ = axum::serve(listener, router).with_graceful_shutdown(stop).await;
        });
    }
}

fn serve_api(
    app: &App,
    certificates: &Certificates,
    origin: &str,
    listeners: Vec<TcpListener>,
    stop: &CancellationToken,
) -> anyhow::Result<JoinSet<()>> {
    let anchors = certificates::anchors(app);
    let tls = api::tls(&certificates.server_certificate(), &certificates.server_key(), anchors)?;
    let issuer = app.config.issuer.as_str();
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()?;
    let verifier = Verifier::new(issuer, fixtures::API, IssuerKeys::over_http(issuer, http));
    let api = Arc::new(Api { origin: origin.to_owned(), verifier });
    let mut serving = JoinSet::new();
    for listener in listeners {
        serving.spawn(api.clone().serve(listener, tls.clone(), stop.clone()));
    }
    Ok(serving)
}
