//! The ports of the demo: those of the options, those of the earlier demo, or the default ones; a default port
//! that is in use is replaced by a free one.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context as _, anyhow, ensure};
use tokio::net::TcpListener;

use super::Demo;
use super::home::{Ports, Secrets};

/// The default ports.
const DEFAULT: Ports =
    Ports { port: 8080, client_port: 8081, mtls_port: 8443, api_port: 8444, metrics_port: 9090 };

/// The distance to the next port that is tried: 8090, 8100, … for 8080.
const STEP: u16 = 10;

/// How many ports are tried.
const TRIES: u16 = 50;

/// The ports, with their listeners.
pub(super) struct BoundPorts {
    pub(super) ports: Ports,
    pub(super) listeners: Listeners,
    /// Default ports that were in use, with their replacements.
    pub(super) moved: Vec<(u16, u16)>,
}

/// The listeners; each port listens on both addresses of `localhost`.
pub(super) struct Listeners {
    pub(super) server: Vec<TcpListener>,
    pub(super) application: Vec<TcpListener>,
    pub(super) mtls: Vec<TcpListener>,
    pub(super) api: Vec<TcpListener>,
    pub(super) metrics: Vec<TcpListener>,
}

/// A requested port.
enum RequestedPort {
    /// From an option; not replaceable.
    FromOption(u16),
    /// From the earlier demo, whose registered URIs contain it; not replaceable.
    Earlier(u16),
    /// A default port; replaceable.
    Default(u16),
}

impl Demo {
    /// Binds the ports.
    ///
    /// # Errors
    /// A port that is not replaceable is in use, or an option contradicts the earlier demo.
    pub(super) async fn take_ports(&self, earlier: Option<&Secrets>) -> anyhow::Result<BoundPorts> {
        let known = earlier.map(Secrets::ports);
        self.must_match(known)?;
        let registered =
            |option_port: Option<u16>, of: fn(&Ports) -> u16| match (option_port, &known) {
                (_, Some(known)) => RequestedPort::Earlier(of(known)),
                (Some(port), None) => RequestedPort::FromOption(port),
                (None, None) => RequestedPort::Default(of(&DEFAULT)),
            };
        // The port of the metrics is not part of a registered URI.
        let of_metrics = known.map_or(DEFAULT.metrics_port, |known| known.metrics_port);
        let of_metrics =
            self.metrics_port.map_or(RequestedPort::Default(of_metrics), RequestedPort::FromOption);
        let mut moved = Vec::new();
        let mut take = async |requested: RequestedPort, option: &str| {
            let (port, listeners) = listen(&requested, option).await?;
            if let RequestedPort::Default(usual) = requested
                && usual != port
            {
                moved.push((usual, port));
            }
            anyhow::Ok((port, listeners))
        };
        let (port, server) = take(registered(self.port, |ports| ports.port), "--port").await?;
        let requested = registered(self.client_port, |ports| ports.client_port);
        let (client_port, application) = take(requested, "--client-port").await?;
        let requested = registered(self.mtls_port, |ports| ports.mtls_port);
        let (mtls_port, mtls) = take(requested, "--mtls-port").await?;
        let requested = registered(self.api_port, |ports| ports.api_port);
        let (api_port, api) = take(requested, "--api-port").await?;
        let (metrics_port, metrics) = take(of_metrics, "--metrics-port").await?;
        Ok(BoundPorts {
            ports: Ports { port, client_port, mtls_port, api_port, metrics_port },
            listeners: Listeners { server, application, mtls, api, metrics },
            moved,
        })
    }

    /// The ports are part of registered URIs, so they must not change.
    fn must_match(&self, known: Option<Ports>) -> anyhow::Result<()> {
        let option_ports = [self.port, self.client_port, self.mtls_port, self.api_port];
        if let Some(Ports { port, client_port, mtls_port, api_port, .. }) = known {
            let all = [port, client_port, mtls_port, api_port];
            ensure!(
                option_ports.iter().zip(all).all(|(option_port, known)| option_port
                    .is_none_or(|option_port| option_port == known)),
                "the demo in {} uses the ports {port}, {client_port}, {mtls_port} and {api_port}: omit the \
                 port options, choose another --dir, or start over with --fresh",
                self.dir.display()
            );
        }
        let mut all: Vec<_> =
            option_ports.into_iter().chain([self.metrics_port]).flatten().collect();
        all.sort_unstable();
        ensure!(
            all.windows(2).all(|pair| pair.first() != pair.last()),
            "the five port options must name different ports"
        );
        Ok(())
    }
}

/// Listens on a port, or on a replacement if the port is replaceable.
async fn listen(
    requested: &RequestedPort,
    option: &str,
) -> anyhow::Result<(u16, Vec<TcpListener>)> {
    let (port, others, remedy) = match requested {
        RequestedPort::FromOption(port) => (*port, 0, format!("choose another port with {option}")),
        RequestedPort::Earlier(port) => {
            (*port, 0, "start over on other ports with --fresh, or choose another --dir".to_owned())
        }
        RequestedPort::Default(port) => {
            (*port, TRIES, format!("choose another port with {option}"))
        }
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
    Err(anyhow!("port {port} is in use by another program or another demo: stop it, or {remedy}"))
}

/// Both addresses of `localhost`, because browsers and other programs differ in which one they try. A machine
/// without IPv6 has one only.
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
