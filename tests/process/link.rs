//! A network link to a database that can go silent: packets are lost, and no connection is reset.

use std::future::pending;
use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The link. Connections that exist when packets are dropped never work again, and neither do those
/// made meanwhile.
pub(crate) struct Link {
    /// The address at which it listens.
    pub(crate) address: SocketAddr,
    is_silent: watch::Sender<bool>,
    _forwarding: JoinSet<()>,
}

impl Link {
    /// A link from a port at this address to a server.
    pub(crate) async fn new(from: &str, to: String) -> Self {
        let listener = TcpListener::bind(from).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_silent, receiver) = watch::channel(false);
        let mut forwarding = JoinSet::new();
        forwarding.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(forward(stream, to.clone(), receiver.clone()));
            }
        });
        Self { address, is_silent, _forwarding: forwarding }
    }

    /// From now on all packets are lost, and no connection is reset.
    pub(crate) fn drop_packets(&self) {
        self.is_silent.send_replace(true);
    }

    /// New connections work again.
    pub(crate) fn restore(&self) {
        self.is_silent.send_replace(false);
    }
}

async fn forward(mut inbound: TcpStream, to: String, mut is_silent: watch::Receiver<bool>) {
    let forwarded = async {
        if *is_silent.borrow_and_update() {
            return pending().await;
        }
        let mut outbound = TcpStream::connect(to).await.unwrap();
        let is_over = tokio::select! {
            biased;
            _ = is_silent.wait_for(|is_silent| *is_silent) => false,
            _ = copy_bidirectional(&mut inbound, &mut outbound) => true,
        };
        if !is_over {
            pending::<()>().await;
        }
    };
    forwarded.await;
}
