//! What a server says of itself when it begins to serve: a block at a terminal, else one line of the log.

use std::io::{self, IsTerminal as _, Write as _};

use super::Running;
use crate::store::users;
use crate::types::Timestamp;

/// The commit that the binary was made of, where whoever built it has said so: `GATEWRIGHT_COMMIT` at the
/// time of compiling.
pub const COMMIT: Option<&str> = option_env!("GATEWRIGHT_COMMIT");

/// Version and commit: `0.1.0 (3f2a9c4)`.
pub fn release() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match COMMIT.filter(|commit| !commit.is_empty()) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

/// Who ends TLS.
enum Tls {
    /// This server, with certificates of which the first expires then; with ACME there may be none yet.
    Here(Option<Timestamp>),
    /// A proxy.
    Proxy,
    /// Nobody: http, for this machine.
    Nobody,
}

impl Tls {
    fn of(running: &Running) -> Self {
        let config = &running.app().config;
        if !(running.addresses().tls.is_empty() && running.addresses().mtls.is_empty()) {
            let certificates = running.certificates();
            return Self::Here(certificates.iter().map(|one| one.not_after).min());
        }
        if config.issuer.is_https() { Self::Proxy } else { Self::Nobody }
    }

    const fn by(&self) -> &'static str {
        match self {
            Self::Here(_) => "server",
            Self::Proxy => "proxy",
            Self::Nobody => "none",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Here(Some(end)) => format!("ended here, with a certificate until {end}"),
            Self::Here(None) => "ended here; the certificate is being ordered".to_owned(),
            Self::Proxy => "ended by the proxies of http.trusted_proxies".to_owned(),
            Self::Nobody => "none: http, for this machine alone".to_owned(),
        }
    }
}

/// Says it.
pub(super) async fn tell(running: &Running) {
    let app = running.app();
    let (issuer, database) = (app.config.issuer.as_str(), app.config.database.url.blinded());
    let tls = Tls::of(running);
    // Whether there is anybody who could sign in. A fault is told elsewhere.
    let found = users::page(app.store.db(), None, 1).await;
    let has_people = found.map_or(true, |people| !people.is_empty());
    if !io::stderr().is_terminal() {
        let end = match &tls {
            Tls::Here(end) => end.map(|end| end.to_string()),
            Tls::Proxy | Tls::Nobody => None,
        };
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            commit = COMMIT,
            issuer,
            database,
            tls = tls.by(),
            certificate_until = end,
            has_people,
            "started"
        );
        return;
    }
    let listeners: Vec<_> =
        running.addresses().all().map(|(name, address)| format!("{name} {address}")).collect();
    let nobody = "no people yet: gatewright user create --username NAME --password-stdin";
    let mut lines = vec![
        format!("Gatewright {}", release()),
        String::new(),
        format!("  issuer      {issuer}"),
        format!("  database    {database}"),
        format!("  TLS         {}", tls.text()),
        format!("  listeners   {}", listeners.join(", ")),
    ];
    if !has_people {
        lines.extend([String::new(), format!("  {nobody}")]);
    }
    let block = format!("{}\n\n", lines.join("\n"));
    // On a thread of its own: a terminal that is stopped (Ctrl-S) holds up nothing.
    let say = move || {
        let _ = io::stderr().write_all(block.as_bytes());
    };
    // Without a thread there are worse things to tell.
    let _ = std::thread::Builder::new().name("start-up".to_owned()).spawn(say);
}
