//! The ports of the demonstration: those that somebody names, those of the earlier demonstration, or the
//! usual ones, and others in the place of usual ones that are in use.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context as _, anyhow, ensure};
use tokio::net::TcpListener;

use super::Demo;
use super::home::{Ports, Secrets};

/// Where it is to be found if nobody says otherwise and nobody else is there.
const USUAL: Ports =
    Ports { port: 8080, client_port: 8081, mtls_port: 8443, api_port: 8444, metrics_port: 9090 };

/// In the place of a usual port that is in use: 8090, 8100, … for 8080.
const STEP: u16 = 10;

/// As many are tried.
const TRIES: u16 = 50;

/// The ports, taken.
pub(super) struct Taken {
    pub(super) ports: Ports,
    pub(super) listeners: Listeners,
    /// Usual ports that were in use, each with the one in its place.
    pub(super) moved: Vec<(u16, u16)>,
}

/// Each at both names of `localhost`.
pub(super) struct Listeners {
    pub(super) server: Vec<TcpListener>,
    pub(super) application: Vec<TcpListener>,
    pub(super) mtls: Vec<TcpListener>,
    pub(super) api: Vec<TcpListener>,
    pub(super) metrics: Vec<TcpListener>,
}

/// A port that is wanted.
enum Wanted {
    /// By an option: this one and no other.
    Named(u16),
    /// It is registered, as a part of addresses.
    Earlier(u16),
    /// This one, or a free one.
    Usual(u16),
}

impl Demo {
    /// Takes the ports.
    ///
    /// # Errors
    /// When one is in use that cannot be another, or options ask for others than the earlier
    /// demonstration had.
    pub(super) async fn take_ports(&self, earlier: Option<&Secrets>) -> anyhow::Result<Taken> {
        let known = earlier.map(Secrets::ports);
        self.must_fit(known)?;
        let registered = |named: Option<u16>, of: fn(&Ports) -> u16| match (named, &known) {
            (_, Some(known)) => Wanted::Earlier(of(known)),
            (Some(port), None) => Wanted::Named(port),
            (None, None) => Wanted::Usual(of(&USUAL)),
        };
        // That of the metrics is a part of no address that somebody was told.
        let of_metrics = known.map_or(USUAL.metrics_port, |known| known.metrics_port);
        let of_metrics = self.metrics_port.map_or(Wanted::Usual(of_metrics), Wanted::Named);
        let mut moved = Vec::new();
        let mut take = async |wanted: Wanted, option: &str| {
            let (port, listeners) = taken(&wanted, option).await?;
            if let Wanted::Usual(usual) = wanted
                && usual != port
            {
                moved.push((usual, port));
            }
            anyhow::Ok((port, listeners))
        };
        let (port, server) = take(registered(self.port, |ports| ports.port), "--port").await?;
        let wanted = registered(self.client_port, |ports| ports.client_port);
        let (client_port, application) = take(wanted, "--client-port").await?;
        let wanted = registered(self.mtls_port, |ports| ports.mtls_port);
        let (mtls_port, mtls) = take(wanted, "--mtls-port").await?;
        let wanted = registered(self.api_port, |ports| ports.api_port);
        let (api_port, api) = take(wanted, "--api-port").await?;
        let (metrics_port, metrics) = take(of_metrics, "--metrics-port").await?;
        Ok(Taken {
            ports: Ports { port, client_port, mtls_port, api_port, metrics_port },
            listeners: Listeners { server, application, mtls, api, metrics },
            moved,
        })
    }

    /// The addresses are registered, so they stay what they were.
    fn must_fit(&self, known: Option<Ports>) -> anyhow::Result<()> {
        let named = [self.port, self.client_port, self.mtls_port, self.api_port];
        if let Some(Ports { port, client_port, mtls_port, api_port, .. }) = known {
            let all = [port, client_port, mtls_port, api_port];
            ensure!(
                named
                    .iter()
                    .zip(all)
                    .all(|(named, known)| named.is_none_or(|named| named == known)),
                "the demo in {} was made for the ports {port}, {client_port}, {mtls_port} and {api_port}: \
                 leave the options for ports out, name another --dir, or start over with --fresh",
                self.dir.display()
            );
        }
        let mut all: Vec<_> = named.into_iter().chain([self.metrics_port]).flatten().collect();
        all.sort_unstable();
        ensure!(
            all.windows(2).all(|pair| pair.first() != pair.last()),
            "server, application, client certificates, API and metrics need a port each"
        );
        Ok(())
    }
}

/// Listens at a port, or at another where that may be.
async fn taken(wanted: &Wanted, option: &str) -> anyhow::Result<(u16, Vec<TcpListener>)> {
    let (port, others, remedy) = match wanted {
        Wanted::Named(port) => (*port, 0, format!("choose another port with {option}")),
        Wanted::Earlier(port) => {
            (*port, 0, "start over at other ports with --fresh, or name another --dir".to_owned())
        }
        Wanted::Usual(port) => (*port, TRIES, format!("choose another port with {option}")),
    };
    for other in 0..=others {
        let port = port.saturating_add(other.saturating_mul(STEP));
        match bind(port).await {
            Ok(listeners) => return Ok((port, listeners)),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot listen on port {port}"));
            }
        }
    }
    Err(anyhow!(
        "port {port} is in use, by another program or another demo: stop that, or {remedy}"
    ))
}

/// Both names of `localhost`: browsers try the one, other programs the other. Where the machine has no
/// IPv6, nobody will try that.
async fn bind(port: u16) -> io::Result<Vec<TcpListener>> {
    let hosts: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let mut listeners = Vec::new();
    for host in hosts {
        match TcpListener::bind(SocketAddr::new(host, port)).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if host.is_ipv6() && error.kind() != ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}
