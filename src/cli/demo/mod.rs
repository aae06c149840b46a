//! `gatewright demo`: a server, people, and an application that they sign in to, on this machine and
//! for nobody else.
//!
//! It heeds neither `gatewright.toml` nor the environment, and it touches nothing that it has not made.

mod api;
mod cast;
mod certificates;
mod home;
mod ports;
mod relying_party;
mod say;

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
    Alias, Config, Database, DatabaseUrl, Filter, Http, Issuer, Keys, Log, LogFormat, Mtls,
};
use crate::server::{self, Running, Sockets};
use crate::store::clients;
use crate::types::{ClientId, Seconds, Secret};
use crate::verify::{IssuerKeys, Verifier};
use api::Api;
use certificates::Drawer;
use home::{Clients, Home, Ports, Secrets};
use ports::Taken;
use relying_party::Registration;
use say::Guide;

/// How long whoever stops it waits for requests in flight.
const PATIENCE: Seconds = Seconds(3);

/// What the files of the two services with certificates are called.
const SERVICE: &str = "service";
const OTHER: &str = "other";

/// Where the demonstration runs and what it keeps.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where it keeps everything.
    #[arg(long, value_name = "DIR", default_value = "gatewright-demo")]
    dir: PathBuf,
    /// Throw away what an earlier demo kept there, and start over.
    #[arg(long)]
    fresh: bool,
    /// The port of the server; that of the earlier demo, or 8080, or a free one.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// The port of the demo application; that of the earlier demo, or 8081, or a free one.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    client_port: Option<u16>,
    /// The port at which the server asks for client certificates; that of the earlier demo, or 8443, or a
    /// free one.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    mtls_port: Option<u16>,
    /// The port of the demo API; that of the earlier demo, or 8444, or a free one.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    api_port: Option<u16>,
    /// The port of the metrics; 9090, or a free one.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    metrics_port: Option<u16>,
}

impl Demo {
    /// Runs until told to stop by Ctrl-C or SIGTERM.
    ///
    /// # Errors
    /// When a port is taken, the directory is not ours, or something of the server does not come up.
    pub(super) fn run(&self, json: bool) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let done = runtime.block_on(self.until_told(json));
        // Nobody waits for the reader of what was printed.
        runtime.shutdown_background();
        done
    }

    async fn until_told(&self, json: bool) -> anyhow::Result<()> {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let (home, earlier) = Home::enter(&self.dir)?;
        let earlier = earlier.filter(|_| !self.fresh);
        // Before anything is thrown away: whoever has the ports may be using it.
        let Taken { ports, listeners, moved } = self.take_ports(earlier.as_ref()).await?;
        let Ports { client_port, mtls_port, api_port, metrics_port, .. } = ports;

        let secrets = match earlier {
            Some(secrets) => secrets,
            None => home.clear(ports)?,
        };
        let drawer = home.certificates()?;
        drawer.settle_machine(Clock::system().now())?;
        let config = config(&home, &drawer, ports)?;
        let issuer = config.issuer.as_str().to_owned();
        let application = format!("http://localhost:{client_port}");
        let _log = server::log::start(&config.log)?;
        let app = App::open(config, Clock::system(), true).await?;
        let (secrets, clients) = settled(&app, &home, &application, secrets).await?;
        drawer.settle_authority(&app).await?;
        drawer.settle_service(&app, SERVICE, &clients.certified).await?;
        drawer.settle_service(&app, OTHER, &clients.other).await?;

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
        let mut serving = serve_api(&app, &drawer, &api, listeners.api, &stop)?;
        let registration = registration(&issuer, &application, &clients);
        let metrics = format!("http://localhost:{metrics_port}/metrics");
        let party = relying_party::router(
            cast::APPLICATION,
            &application,
            registration,
            inventory,
            metrics.clone(),
        );
        serve(&mut serving, party.await?, listeners.application, &stop);

        let guide = Guide {
            issuer: &issuer,
            application: &application,
            mtls: &format!("https://localhost:{mtls_port}"),
            api: &api,
            metrics: &metrics,
            moved: &moved,
            drawer: &drawer,
            secrets: &secrets,
            clients: &clients,
            file: &home.secrets(),
        };
        let text = if json { format!("{}\n", guide.json()) } else { guide.text() };
        // On a thread of its own: where nobody reads it, the demo still runs and still ends.
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
        // What is cut off here is a page of a demonstration.
        let _ =
            tokio::time::timeout(Duration::from_secs(PATIENCE.0.unsigned_abs()), finished).await;
        server.stop().await;
        Ok(())
    }
}

/// What the server is told, whatever `gatewright.toml` and the environment say.
fn config(home: &Home, drawer: &Drawer, ports: Ports) -> anyhow::Result<Config> {
    let issuer = format!("http://localhost:{}", ports.port);
    let issuer = Issuer::parse(&issuer).map_err(|_| anyhow!("{issuer} is not an issuer"))?;
    let url = format!("https://localhost:{}", ports.mtls_port);
    let url = Alias::parse(&url).map_err(|_| anyhow!("{url} is not an address"))?;
    Ok(Config {
        http: Http { shutdown_timeout: PATIENCE, ..Http::default() },
        mtls: Mtls {
            url: Some(url),
            certificate_file: Some(drawer.machine()),
            key_file: Some(drawer.machine_key()),
            ..Mtls::default()
        },
        database: Database { url: DatabaseUrl::new(home.database()?), ..Database::default() },
        keys: Keys { dir: home.keys(), ..Keys::default() },
        log: Log { format: LogFormat::Text, level: Filter::warnings() },
        ..Config::of(issuer)
    })
}

/// Sees to it that everybody is registered: once, and in no database but ours.
async fn settled(
    app: &App,
    home: &Home,
    application: &str,
    mut secrets: Secrets,
) -> anyhow::Result<(Secrets, Clients)> {
    if let Some(clients) = secrets.clients.take() {
        let id = ClientId::from_text(&clients.web.client_id);
        ensure!(
            clients::find(app.store.db(), &id).await?.is_some(),
            "the database is not the one that `gatewright demo` made: start over with --fresh"
        );
        return Ok((secrets, clients));
    }
    secrets.clients = Some(cast::register(app, application, &secrets).await?);
    home.keep(&secrets)?;
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
        scopes: cast::SCOPES.map(str::to_owned).to_vec(),
        // For userinfo, and for the API.
        resources: vec![issuer.to_owned(), cast::API.to_owned()],
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
            // It ends when it is told to, and in no other way.
            let _ = axum::serve(listener, router).with_graceful_shutdown(stop).await;
        });
    }
}

fn serve_api(
    app: &App,
    drawer: &Drawer,
    origin: &str,
    listeners: Vec<TcpListener>,
    stop: &CancellationToken,
) -> anyhow::Result<JoinSet<()>> {
    let anchors = certificates::anchors(app);
    let tls = api::tls(&drawer.machine(), &drawer.machine_key(), anchors)?;
    let issuer = app.config.issuer.as_str();
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()?;
    let verifier = Verifier::new(issuer, cast::API, IssuerKeys::over_http(issuer, http));
    let api = Arc::new(Api { origin: origin.to_owned(), verifier });
    let mut serving = JoinSet::new();
    for listener in listeners {
        serving.spawn(api.clone().serve(listener, tls.clone(), stop.clone()));
    }
    Ok(serving)
}
