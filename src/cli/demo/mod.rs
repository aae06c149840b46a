//! `gatewright demo`: a server, people, and an application that they sign in to, on this machine and
//! for nobody else.
//!
//! It heeds neither `gatewright.toml` nor the environment, and it touches nothing that it has not made.

mod cast;
mod home;
mod relying_party;
mod say;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use axum::Router;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Clock};
use crate::config::{Config, Database, DatabaseUrl, Filter, Http, Issuer, Keys, Log, LogFormat};
use crate::server::{self, Running, Sockets};
use crate::store::clients;
use crate::types::{ClientId, Seconds, Secret};
use home::{Clients, Home, Secrets};
use relying_party::Registration;
use say::Guide;

/// How long whoever stops it waits for requests in flight.
const PATIENCE: Seconds = Seconds(3);

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
}

impl Demo {
    /// Runs until told to stop by Ctrl-C or SIGTERM.
    ///
    /// # Errors
    /// When a port is taken, the directory is not ours, or something of the server does not come up.
    pub(super) fn run(&self, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.until_told(json, out))
    }

    async fn until_told(&self, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let (home, earlier) = Home::enter(&self.dir)?;
        let earlier = earlier.filter(|_| !self.fresh);
        let (port, client_port) = self.ports(earlier.as_ref())?;
        // Before anything is thrown away: whoever has the ports may be using it.
        let server_listeners = bind(port, "--port").await?;
        let client_listeners = bind(client_port, "--client-port").await?;

        let secrets = match earlier {
            Some(secrets) => secrets,
            None => home.clear(port, client_port)?,
        };
        let config = config(&home, port)?;
        let issuer = config.issuer.as_str().to_owned();
        let application = format!("http://localhost:{client_port}");
        let _log = server::log::start(&config.log)?;
        let app = App::open(config, Clock::system(), true).await?;
        let (secrets, clients) = settled(&app, &home, &application, secrets).await?;

        let clock = app.clock.clone();
        let sockets = Sockets { http: server_listeners, ..Sockets::default() };
        let server = Running::start(app, server::routes(), sockets)?;
        let registration = registration(&issuer, &application, &clients);
        let party =
            relying_party::router(cast::APPLICATION, &application, registration, clock).await?;
        let stop = CancellationToken::new();
        let mut party = serve(party, client_listeners, &stop);

        let guide = Guide {
            issuer: &issuer,
            application: &application,
            secrets: &secrets,
            clients: &clients,
            file: &home.secrets(),
        };
        if json {
            writeln!(out, "{}", guide.json())?;
        } else {
            write!(out, "{}", guide.text())?;
        }
        out.flush()?;

        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        stop.cancel();
        let finished = async { while party.join_next().await.is_some() {} };
        // What is cut off here is a page of a demonstration.
        let _ =
            tokio::time::timeout(Duration::from_secs(PATIENCE.0.unsigned_abs()), finished).await;
        server.stop().await;
        Ok(())
    }

    /// The addresses are registered, so they stay what they were.
    fn ports(&self, earlier: Option<&Secrets>) -> anyhow::Result<(u16, u16)> {
        let (port, client_port) =
            earlier.map_or((8080, 8081), |secrets| (secrets.port, secrets.client_port));
        let asked = (self.port.unwrap_or(port), self.client_port.unwrap_or(client_port));
        ensure!(
            earlier.is_none() || asked == (port, client_port),
            "the demo in {} was made for the ports {port} and {client_port}: leave --port and \
             --client-port out, name another --dir, or start over with --fresh",
            self.dir.display()
        );
        ensure!(asked.0 != asked.1, "the server and the application need a port each");
        Ok(asked)
    }
}

/// What the server is told, whatever `gatewright.toml` and the environment say.
fn config(home: &Home, port: u16) -> anyhow::Result<Config> {
    let issuer = format!("http://localhost:{port}");
    let issuer = Issuer::parse(&issuer).map_err(|_| anyhow!("{issuer} is not an issuer"))?;
    Ok(Config {
        http: Http { shutdown_timeout: PATIENCE, ..Http::default() },
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

fn serve(router: Router, listeners: Vec<TcpListener>, stop: &CancellationToken) -> JoinSet<()> {
    let mut serving = JoinSet::new();
    for listener in listeners {
        let (router, stop) = (router.clone(), stop.clone().cancelled_owned());
        serving.spawn(async move {
            // It ends when it is told to, and in no other way.
            let _ = axum::serve(listener, router).with_graceful_shutdown(stop).await;
        });
    }
    serving
}
