//! Pebble, an ACME server for tests, in its authors' release: its TLS certificate comes from an
//! untrusted CA, and it validates at the ports that it is given. `scripts/setup` installs it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::process::{Child, Command};

use crate::ca::{Ca, pem};
use crate::wait::wait_until;

/// The ports, files and processes of a Pebble.
pub struct Pebble {
    ca: Ca,
    directory: PathBuf,
    port: u16,
    management: u16,
    running: Vec<Child>,
}

/// A free port below the system's range of ephemeral ports.
fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let random = || 20_000 + u16::try_from(uuid::Uuid::new_v4().as_u128() % 12_000).unwrap();
    std::iter::repeat_with(random).find(is_free).unwrap()
}

impl Pebble {
    /// A Pebble that is not started yet: the server under test needs its directory URL first, and
    /// Pebble needs the server's ports.
    pub fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("pebble-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let ca = Ca::new("Pebble's own");
        std::fs::write(directory.join("ca.pem"), pem(ca.certificate())).unwrap();
        let (port, management) = (free_port(), free_port());
        Self { ca, directory, port, management, running: Vec::new() }
    }

    /// The directory URL: the value of `acme.directory`.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/dir", self.port)
    }

    /// The CA of Pebble's own TLS certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// Starts Pebble: every name resolves to this machine, with these ports for HTTP and HTTPS.
    pub async fn start(&mut self, http: Option<SocketAddr>, https: Option<SocketAddr>) {
        let certificate = self.ca.issue_server(&["localhost"]);
        std::fs::write(self.directory.join("cert.pem"), certificate.chain_pem()).unwrap();
        std::fs::write(self.directory.join("key.pem"), certificate.key.serialize_pem()).unwrap();
        let port = |address: Option<SocketAddr>| address.map_or(1, |address| address.port());
        let config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.port),
            "managementListenAddress": format!("127.0.0.1:{}", self.management),
            "certificate": "cert.pem",
            "privateKey": "key.pem",
            "httpPort": port(http),
            "tlsPort": port(https),
        } });
        std::fs::write(self.directory.join("config.json"), config.to_string()).unwrap();
        let names = format!("127.0.0.1:{}", free_port());
        let management = format!("127.0.0.1:{}", free_port());
        self.spawn(
            "pebble-challtestsrv",
            &[
                "-dns01",
                &names,
                "-management",
                &management,
                "-defaultIPv4",
                "127.0.0.1",
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
            ],
        );
        self.spawn("pebble", &["-strict", "-config", "config.json", "-dnsserver", &names]);
        let url = self.url();
        let is_ready = async || self.client().get(&url).send().await.is_ok();
        wait_until("pebble answers", is_ready).await;
    }

    fn spawn(&mut self, program: &str, arguments: &[&str]) {
        let log = std::fs::File::create(self.directory.join(program)).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.directory).kill_on_drop(true);
        // By default, Pebble sleeps for some seconds before it validates.
        command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
        command.env("PEBBLE_AUTHZREUSE", "0");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running.push(command.spawn().expect("scripts/setup installs pebble"));
    }

    fn client(&self) -> reqwest::Client {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = reqwest::Certificate::from_der(self.ca.certificate()).unwrap();
        reqwest::Client::builder().no_proxy().tls_certs_only([ca]).build().unwrap()
    }

    /// The root of the certificates that Pebble issues.
    pub async fn root(&self) -> CertificateDer<'static> {
        let url = format!("https://localhost:{}/roots/0", self.management);
        let text = self.client().get(url).send().await.unwrap().text().await.unwrap();
        CertificateDer::from_pem_slice(text.as_bytes()).unwrap()
    }

    /// Stops Pebble.
    pub async fn stop(&mut self) {
        for mut program in self.running.drain(..) {
            program.kill().await.unwrap();
        }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.directory.join("pebble")).unwrap_or_default();
            eprintln!("Pebble's log:\n{log}");
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
