//! The listeners, by their kind.

use std::io;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::config::Config;

/// All listeners.
#[derive(Debug, Default)]
pub struct Sockets {
    /// Plain http.
    pub http: Vec<TcpListener>,
    /// Plain http, only to redirect to https.
    pub redirect: Vec<TcpListener>,
    /// https.
    pub tls: Vec<TcpListener>,
    /// https that requests a client certificate.
    pub mtls: Vec<TcpListener>,
    /// For operators.
    pub operations: Option<TcpListener>,
}

/// The addresses of all listeners.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// Plain http.
    pub http: Vec<SocketAddr>,
    /// Plain http, only to redirect to https.
    pub redirect: Vec<SocketAddr>,
    /// https.
    pub tls: Vec<SocketAddr>,
    /// https that requests a client certificate.
    pub mtls: Vec<SocketAddr>,
    /// For operators.
    pub operations: Option<SocketAddr>,
}

impl Sockets {
    /// Binds the addresses of the configuration.
    ///
    /// # Errors
    /// An address cannot be bound.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            http: bind_all(&config.http.listen).await?,
            redirect: bind_all(&config.tls.redirect_listen).await?,
            tls: bind_all(&config.tls.listen).await?,
            mtls: bind_all(&config.mtls.listen).await?,
            operations: match config.operations.listen {
                Some(address) => Some(bind(address).await?),
                None => None,
            },
        })
    }

    /// The addresses, with the ports that the system chose.
    ///
    /// # Errors
    /// A socket has no local address.
    pub fn addresses(&self) -> io::Result<Addresses> {
        let all = |listeners: &[TcpListener]| -> io::Result<Vec<_>> {
            listeners.iter().map(TcpListener::local_addr).collect()
        };
        Ok(Addresses {
            http: all(&self.http)?,
            redirect: all(&self.redirect)?,
            tls: all(&self.tls)?,
            mtls: all(&self.mtls)?,
            operations: self.operations.as_ref().map(TcpListener::local_addr).transpose()?,
        })
    }
}

impl Addresses {
    /// All addresses, with the kind of the listener.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        let of = |name, addresses: &[SocketAddr]| {
            addresses.iter().map(|address| (name, *address)).collect::<Vec<_>>()
        };
        let operations = self.operations.map(|address| ("operations", address));
        let https = of("tls", &self.tls).into_iter().chain(of("mtls", &self.mtls));
        let http = of("http", &self.http).into_iter().chain(of("redirect", &self.redirect));
        http.chain(https).chain(operations)
    }
}

async fn bind_all(addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for address in addresses {
        listeners.push(bind(*address).await?);
    }
    Ok(listeners)
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}
