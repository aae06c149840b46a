//! The real binary: its commands, kills under load, a real browser, third-party clients and gateways.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

// Support modules.
mod application;
mod browser;
mod chromium;
mod dpop_key;
mod installation;
mod link;
mod load;
mod nginx;
mod self_signed;
mod server;
mod terminal;

// The tests.
mod authority;
mod benign_races;
mod certificates;
mod cli;
mod client_certificates;
mod consent;
mod database_file;
mod demo;
mod development;
mod double_click;
mod edges;
mod failover;
mod faketime;
mod forward_auth;
mod front;
mod full_disk;
mod init;
mod interop;
mod kill;
mod log_reader;
mod operations;
mod outbox;
mod pages;
mod pgbouncer;
mod postgres_restart;
mod read_only;
mod recipes;
mod resource_server;
mod rust_client;
mod service_manager;
mod shells;
mod shutdown;
mod silent;
mod stalls;
mod start;
mod summaries;
mod tls;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use kit::wait::{TIMEOUT, wait_until};

/// The path of a new temporary directory.
fn directory(what: &str) -> PathBuf {
    std::env::temp_dir().join(format!("gatewright-{what}-{}", uuid::Uuid::new_v4()))
}

/// Makes a file readable by its owner only.
fn hide(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A port without a listener, below the range of ephemeral ports, so that no outgoing connection takes
/// it meanwhile.
fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let random = || 20_000 + u16::try_from(uuid::Uuid::new_v4().as_u128() % 12_000).unwrap();
    std::iter::repeat_with(random).find(is_free).unwrap()
}

/// An HTTP client without redirects, proxies and trust anchors.
fn http() -> reqwest::Client {
    install_tls();
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.tls_certs_only([]).timeout(TIMEOUT).build().unwrap()
}

/// Installs the TLS implementation of the process, which HTTP clients need even for plain HTTP.
fn install_tls() {
    // Fails where another test has installed it before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
