//! Reports the start of the server: a block at a terminal, else one line of the log.

use std::io::{self, IsTerminal as _, Write as _};

use super::Running;
use crate::people::links;
use crate::record::Trace;
use crate::store::{roles, users};
use crate::types::Timestamp;

/// The commit of the binary, if `GATEWRIGHT_COMMIT` was set when it was built.
pub const COMMIT: Option<&str> = option_env!("GATEWRIGHT_COMMIT");

/// Version and commit: `0.1.0 (3f2a9c4)`.
pub fn release() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match COMMIT.filter(|commit| !commit.is_empty()) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

/// Where TLS is terminated.
enum Tls {
    /// At this server, with the expiry of its first certificate; with ACME there may be none yet.
    Here(Option<Timestamp>),
    /// At a proxy.
    Proxy,
    /// Nowhere: http on the loopback interface.
    None,
}

impl Tls {
    fn of(running: &Running) -> Self {
        let config = &running.app().config;
        if !(running.addresses().tls.is_empty() && running.addresses().mtls.is_empty()) {
            let certificates = running.certificates();
            return Self::Here(certificates.iter().map(|one| one.not_after).min());
        }
        if config.issuer.is_https() { Self::Proxy } else { Self::None }
    }

    const fn as_str(&self) -> &'static str {
        match self {
            Self::Here(_) => "server",
            Self::Proxy => "proxy",
            Self::None => "none",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Here(Some(end)) => {
                format!("terminated here, with a certificate valid until {end}")
            }
            Self::Here(None) => "terminated here; the certificate is being ordered".to_owned(),
            Self::Proxy => "terminated by the proxies of http.trusted_proxies".to_owned(),
            Self::None => "none: http, for this machine only".to_owned(),
        }
    }
}

/// Reports it.
pub(super) async fn report(running: &Running) {
    let app = running.app();
    let (issuer, database) = (app.config.issuer.as_str(), app.config.database.url.redacted());
    let tls = Tls::of(running);
    // Whether any user exists. A fault of the database is logged elsewhere.
    let page = users::page(app.store.db(), None, 1).await;
    let has_users = page.map_or(true, |users| !users.is_empty());
    let has_owner = roles::has_owner(app.store.db(), "").await.unwrap_or(true);
    if !io::stderr().is_terminal() {
        let end = match &tls {
            Tls::Here(end) => end.map(|end| end.to_string()),
            Tls::Proxy | Tls::None => None,
        };
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            commit = COMMIT,
            issuer,
            database,
            tls = tls.as_str(),
            certificate_until = end,
            has_people = has_users,
            has_owner,
            "started"
        );
        if !has_owner {
            // Not the link itself: a log has many readers.
            tracing::info!(
                "nobody administers this server yet: gatewright admin invite prints a link"
            );
        }
        return;
    }
    let listeners: Vec<_> =
        running.addresses().all().map(|(name, address)| format!("{name} {address}")).collect();
    let mut lines = vec![
        format!("Gatewright {}", release()),
        String::new(),
        format!("  issuer      {issuer}"),
        format!("  database    {database}"),
        format!("  TLS         {}", tls.text()),
        format!("  listeners   {}", listeners.join(", ")),
        format!("  console     {}", app.config.issuer.endpoint("/admin")),
    ];
    if !has_owner && let Some(link) = invitation(running).await {
        let text = "nobody administers this server yet. This link makes its first owner; it is valid for a day:";
        lines.extend([String::new(), format!("  {text}"), format!("  {link}")]);
    } else if !has_users {
        let text = "no users yet: gatewright user create --username NAME --password-stdin";
        lines.extend([String::new(), format!("  {text}")]);
    }
    let block = format!("{}\n\n", lines.join("\n"));
    // On a thread of its own: a stopped terminal (Ctrl-S) must not block the server.
    let say = move || {
        let _ = io::stderr().write_all(block.as_bytes());
    };
    // If no thread can be started, the server has worse problems.
    let _ = std::thread::Builder::new().name("start-up".to_owned()).spawn(say);
}

/// A link to become the first owner. A fault of the database is logged elsewhere.
async fn invitation(running: &Running) -> Option<String> {
    let app = running.app();
    let trace = Trace::of_command(app.clock.now_ms());
    let link = links::invite(&app.context(&trace)).await.ok()?;
    let page = app.config.issuer.endpoint("/invitation");
    Some(format!("{page}?link={}", link.secret.0.expose()))
}
