//! The link to a database: it can go silent, as a network does that loses everything and resets nothing.

use std::future::pending;
use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The link. A connection that was there when it went silent stays silent for ever; one that is made
/// while it is silent too.
pub(crate) struct Link {
    /// Where it begins.
    pub(crate) at: SocketAddr,
    is_silent: watch::Sender<bool>,
    _carrying: JoinSet<()>,
}

impl Link {
    /// From a port at this address to a server.
    pub(crate) async fn new(from: &str, to: String) -> Self {
        let listener = TcpListener::bind(from).await.unwrap();
        let at = listener.local_addr().unwrap();
        let (is_silent, heard) = watch::channel(false);
        let mut carrying = JoinSet::new();
        carrying.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(carry(stream, to.clone(), heard.clone()));
            }
        });
        Self { at, is_silent, _carrying: carrying }
    }

    /// From here on nothing gets through, and nothing is reset.
    pub(crate) fn go_silent(&self) {
        self.is_silent.send_replace(true);
    }

    /// New connections get through again.
    pub(crate) fn speak(&self) {
        self.is_silent.send_replace(false);
    }
}

async fn carry(mut near: TcpStream, to: String, mut is_silent: watch::Receiver<bool>) {
    let carried = async {
        if *is_silent.borrow_and_update() {
            return pending().await;
        }
        let mut far = TcpStream::connect(to).await.unwrap();
        let is_over = tokio::select! {
            biased;
            _ = is_silent.wait_for(|is_silent| *is_silent) => false,
            _ = copy_bidirectional(&mut near, &mut far) => true,
        };
        if !is_over {
            pending::<()>().await;
        }
    };
    carried.await;
}
