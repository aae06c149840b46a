//! The validated answers from which the configuration is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use url::{Host, Url};

use super::ask::{Asker, value};
use super::{Init, Tls};
use crate::cli::exit::Wrong;
use crate::cli::input::ask_secret;
use crate::config::{AcmeDirectory, DatabaseUrl, Issuer, Link, Network};

/// The default ACME CA.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// All answers.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) issuer: Issuer,
    pub(super) database: DatabaseLocation,
    pub(super) termination: Termination,
    pub(super) listen: SocketAddr,
}

/// Where the database is.
#[derive(Debug)]
pub(super) enum DatabaseLocation {
    /// A URL without a password.
    Url(DatabaseUrl),
    /// A URL with a password, which is written to a file of its own beside the configuration.
    Secret(DatabaseUrl),
    /// A file that contains the URL.
    File(PathBuf),
}

/// Where TLS is terminated, with the settings for it.
#[derive(Debug)]
pub(super) enum Termination {
    Files { certificate: PathBuf, key: PathBuf },
    Acme { directory: AcmeDirectory, contact: Link },
    Proxy(Vec<Network>),
    None,
}

impl DatabaseLocation {
    /// As text, without a password.
    pub(super) fn redacted(&self) -> String {
        match self {
            Self::Url(url) | Self::Secret(url) => url.redacted(),
            Self::File(file) => format!("the URL in {}", file.display()),
        }
    }
}

impl Plan {
    /// Takes the options and prompts for the rest.
    ///
    /// # Errors
    /// An option is invalid or contradicts another, or is missing and there is no terminal.
    pub(super) fn make(init: &Init, asker: Asker) -> anyhow::Result<Self> {
        if !asker.asks {
            require_options(init)?;
        }
        asker.print("This writes a configuration. Press Enter to accept the value in brackets.\n");
        let issuer = asker.answer(
            init.issuer.as_deref(),
            "--issuer",
            "Issuer: the public URL of this server",
            "http://localhost:8080",
            value::<Issuer>,
        )?;
        let database = match &init.database_file {
            Some(file) => DatabaseLocation::File(absolute(file)?),
            None => asker.answer(
                init.database.as_deref(),
                "--database",
                "Database: sqlite:FILE, or postgres://user@host/database",
                "sqlite:gatewright.db",
                |text| database_location(text, init.database.is_some()),
            )?,
        };
        let database = match database {
            DatabaseLocation::Url(url) if init.database.is_none() && url.sqlite().is_none() => {
                with_password(url)?
            }
            location @ (DatabaseLocation::Url(_)
            | DatabaseLocation::Secret(_)
            | DatabaseLocation::File(_)) => location,
        };
        let tls = tls(init, asker, &issuer)?;
        let termination = match tls {
            Tls::Files => Termination::Files {
                certificate: pem(
                    asker,
                    init.certificate_file.as_deref(),
                    "--certificate-file",
                    "Certificate chain (PEM file)",
                )?,
                key: pem(asker, init.key_file.as_deref(), "--key-file", "Private key (PEM file)")?,
            },
            Tls::Acme => acme(init, asker)?,
            Tls::Proxy => Termination::Proxy(proxies(init, asker)?),
            Tls::Loopback => Termination::None,
        };
        let listen = match &init.listen {
            Some(text) => value(text).map_err(|why| Wrong(format!("--listen {why}")))?,
            None => default_listen(&issuer, &termination),
        };
        Ok(Self { issuer, database, termination, listen })
    }
}

/// Without a terminal, refuses missing options that have no default.
fn require_options(init: &Init) -> Result<(), Wrong> {
    let has_database = init.database.is_some() || init.database_file.is_some();
    let is = |tls: Tls| init.tls == Some(tls);
    let missing: Vec<&str> = [
        ("--issuer URL", init.issuer.is_none()),
        ("--database URL (or --database-file FILE)", !has_database),
        ("--tls files|acme|proxy|loopback", init.tls.is_none()),
        ("--certificate-file FILE", is(Tls::Files) && init.certificate_file.is_none()),
        ("--key-file FILE", is(Tls::Files) && init.key_file.is_none()),
        ("--acme-contact ADDRESS", is(Tls::Acme) && init.acme_contact.is_none()),
        ("--agree-to-terms", is(Tls::Acme) && !init.agree_to_terms),
        ("--proxy ADDRESS", is(Tls::Proxy) && init.proxies.is_empty()),
    ]
    .into_iter()
    .filter_map(|(option, is_missing)| is_missing.then_some(option))
    .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Wrong(format!(
        "missing options: {}. There is no terminal to prompt at: give these options (gatewright init --help), \
         or run the command at a terminal",
        missing.join(", ")
    )))
}

/// Refuses a password on the command line, which other users of the machine can read.
fn database_location(text: &str, is_option: bool) -> Result<DatabaseLocation, String> {
    let url: DatabaseUrl = value(text)?;
    match (url.has_password(), is_option) {
        (true, true) => Err(
            "contains a password or parameters, and other users can see the command line; write \
                             the URL to a file and name the file with --database-file"
                .to_owned(),
        ),
        (true, false) => Ok(DatabaseLocation::Secret(url)),
        (false, _) => Ok(DatabaseLocation::Url(url)),
    }
}

/// Prompts for the database password, without echo.
fn with_password(url: DatabaseUrl) -> anyhow::Result<DatabaseLocation> {
    let password = ask_secret("Database password (optional): ")?;
    if password.is_empty() {
        return Ok(DatabaseLocation::Url(url));
    }
    let mut whole = Url::parse(url.0.expose())?;
    if whole.set_password(Some(&password)).is_err() {
        return Err(Wrong("the database URL has no host for a password".to_owned()).into());
    }
    Ok(DatabaseLocation::Secret(DatabaseUrl::new(whole)))
}

/// Where TLS is terminated; nowhere for an http issuer.
fn tls(init: &Init, asker: Asker, issuer: &Issuer) -> anyhow::Result<Tls> {
    let fits = |tls: Tls| match (tls == Tls::Loopback, issuer.is_https()) {
        (true, true) => Err(
            "loopback requires a local http issuer, such as http://localhost:8080, and this one is https",
        ),
        (false, false) => Err("requires an https issuer, and this one is http: use loopback"),
        (true, false) | (false, true) => Ok(tls),
    };
    if let Some(tls) = init.tls {
        return fits(tls).map_err(|why| Wrong(format!("--tls {why}")).into());
    }
    if !issuer.is_https() {
        return Ok(Tls::Loopback);
    }
    asker.print(
        "\nWhere is TLS terminated?\n  \
         files   at this server, with certificate files\n  \
         acme    at this server, with certificates from an ACME CA such as Let's Encrypt\n  \
         proxy   at a reverse proxy: nginx, Caddy, HAProxy, a load balancer",
    );
    asker.answer(None, "--tls", "TLS: files, acme or proxy", "proxy", |text| {
        let tls = Tls::from_str(text, true).map_err(|_| "is none of these".to_owned())?;
        fits(tls).map_err(str::to_owned)
    })
}

fn pem(
    asker: Asker,
    option: Option<&Path>,
    name: &'static str,
    question: &str,
) -> anyhow::Result<PathBuf> {
    let option = option.map(|file| file.to_string_lossy());
    let file = asker.answer(option.as_deref(), name, question, "", |text| {
        let file = Path::new(text);
        if file.is_file() { Ok(file.to_owned()) } else { Err("is not an existing file".to_owned()) }
    })?;
    absolute(&file)
}

fn acme(init: &Init, asker: Asker) -> anyhow::Result<Termination> {
    let option = init.acme_directory.as_deref().or((!asker.asks).then_some(LETS_ENCRYPT));
    let directory = asker.answer(
        option,
        "--acme-directory",
        "Directory URL of the ACME CA",
        LETS_ENCRYPT,
        value::<AcmeDirectory>,
    )?;
    let contact = asker.answer(
        init.acme_contact.as_deref(),
        "--acme-contact",
        "Contact e-mail address for the ACME CA",
        "",
        |text| match text.split_once('@') {
            Some((_, host)) if !host.is_empty() => value(&format!("mailto:{text}")),
            Some(_) | None => Err("is not an e-mail address".to_owned()),
        },
    )?;
    let agreed = if init.agree_to_terms { Some("yes") } else { None };
    asker.answer(
        agreed,
        "--agree-to-terms",
        "Do you agree to the terms of service of the ACME CA? (yes, or Ctrl-C)",
        "",
        |text| if text == "yes" { Ok(()) } else { Err("is not yes".to_owned()) },
    )?;
    Ok(Termination::Acme { directory, contact })
}

fn proxies(init: &Init, asker: Asker) -> anyhow::Result<Vec<Network>> {
    let option = (!init.proxies.is_empty()).then(|| init.proxies.join(","));
    asker.answer(
        option.as_deref(),
        "--proxy",
        "Addresses of the proxies, separated by commas",
        "127.0.0.1",
        |text| text.split(',').map(|one| value(one.trim())).collect(),
    )
}

/// The default address to listen on.
fn default_listen(issuer: &Issuer, termination: &Termination) -> SocketAddr {
    let port = issuer.url().port_or_known_default().unwrap_or(443);
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    match termination {
        Termination::Files { .. } | Termination::Acme { .. } => {
            (Ipv6Addr::UNSPECIFIED, port).into()
        }
        Termination::Proxy(networks) => {
            let is_here = |network: &Network| {
                network.contains(loopback) || network.contains(Ipv6Addr::LOCALHOST.into())
            };
            let address =
                if networks.iter().all(is_here) { loopback } else { Ipv4Addr::UNSPECIFIED.into() };
            (address, 8080).into()
        }
        Termination::None => match issuer.url().host() {
            Some(Host::Ipv4(address)) => (address, port).into(),
            Some(Host::Ipv6(address)) => (address, port).into(),
            Some(Host::Domain(_)) | None => (loopback, port).into(),
        },
    }
}

/// Options are relative to the working directory, paths in the file to the file's directory.
fn absolute(file: &Path) -> anyhow::Result<PathBuf> {
    Ok(std::path::absolute(file)?)
}
