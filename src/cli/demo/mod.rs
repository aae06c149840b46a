//! `gatewright demo`: a server, people, and an application that they sign in to, on this machine and
//! for nobody else.
//!
//! It heeds neither `gatewright.toml` nor the environment, and it touches nothing that it has not made.

mod api;
mod cast;
mod certificates;
mod home;
mod relying_party;
mod say;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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
    /// The port of the server; 8080, or that of the earlier demo.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// The port of the demo application; 8081, or that of the earlier demo.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    client_port: Option<u16>,
    /// The port at which the server asks for client certificates; 8443, or that of the earlier demo.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    mtls_port: Option<u16>,
    /// The port of the demo API; 8444, or that of the earlier demo.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    api_port: Option<u16>,
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
        let ports = self.ports(earlier.as_ref())?;
        let Ports { port, client_port, mtls_port, api_port } = ports;
        // Before anything is thrown away: whoever has the ports may be using it.
        let server_listeners = bind(port, "--port").await?;
        let client_listeners = bind(client_port, "--client-port").await?;
        let mtls_listeners = bind(mtls_port, "--mtls-port").await?;
        let api_listeners = bind(api_port, "--api-port").await?;

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
        let sockets =
            Sockets { http: server_listeners, mtls: mtls_listeners, ..Sockets::default() };
        let server = Running::start(app.clone(), server::routes(), sockets).await?;
        let api = format!("https://localhost:{api_port}");
        let mut serving = serve_api(&app, &drawer, &api, api_listeners, &stop)?;
        let registration = registration(&issuer, &application, &clients);
        let party =
            relying_party::router(cast::APPLICATION, &application, registration, inventory).await?;
        serve(&mut serving, party, client_listeners, &stop);

        let guide = Guide {
            issuer: &issuer,
            application: &application,
            mtls: &format!("https://localhost:{mtls_port}"),
            api: &api,
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

    /// The addresses are registered, so they stay what they were.
    fn ports(&self, earlier: Option<&Secrets>) -> anyhow::Result<Ports> {
        let first = Ports { port: 8080, client_port: 8081, mtls_port: 8443, api_port: 8444 };
        let known = earlier.map_or(first, Secrets::ports);
        let asked = Ports {
            port: self.port.unwrap_or(known.port),
            client_port: self.client_port.unwrap_or(known.client_port),
            mtls_port: self.mtls_port.unwrap_or(known.mtls_port),
            api_port: self.api_port.unwrap_or(known.api_port),
        };
        let Ports { port, client_port, mtls_port, api_port } = known;
        ensure!(
            earlier.is_none() || asked == known,
            "the demo in {} was made for the ports {port}, {client_port}, {mtls_port} and {api_port}: \
             leave the options for ports out, name another --dir, or start over with --fresh",
            self.dir.display()
        );
        let mut all = [asked.port, asked.client_port, asked.mtls_port, asked.api_port];
        all.sort_unstable();
        ensure!(
            all.windows(2).all(|pair| pair.first() != pair.last()),
            "server, application, client certificates and API need a port each"
        );
        Ok(asked)
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

/// Both names of `localhost`: browsers try the one, other programs the other. Where the machine has no
/// IPv6, nobody will try that.
async fn bind(port: u16, option: &str) -> anyhow::Result<Vec<TcpListener>> {
    let hosts: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let mut listeners = Vec::new();
    for host in hosts {
        match TcpListener::bind(SocketAddr::new(host, port)).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                return Err(anyhow!(
                    "port {port} is in use, by another program or another demo: stop that, or \
                     choose another port with {option}"
                ));
            }
            Err(_) if host.is_ipv6() => {}
            Err(error) => return Err(error).with_context(|| format!("cannot listen on {host}")),
        }
    }
    Ok(listeners)
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
