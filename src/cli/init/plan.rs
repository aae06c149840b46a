//! What will be written: every answer, judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use url::{Host, Url};

use super::ask::{Asker, value};
use super::{Init, Tls};
use crate::cli::desk::ask_secret;
use crate::cli::exit::Wrong;
use crate::config::{AcmeDirectory, DatabaseUrl, Issuer, Link, Network};

/// The authority that is asked for certificates if nobody names another.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Every answer.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) issuer: Issuer,
    pub(super) database: Place,
    pub(super) ends: Ends,
    pub(super) listen: SocketAddr,
}

/// Where everything is kept.
#[derive(Debug)]
pub(super) enum Place {
    /// A URL that anybody may read.
    Url(DatabaseUrl),
    /// A URL with a password, for a file of its own beside the configuration.
    Secret(DatabaseUrl),
    /// A file that holds the URL.
    File(PathBuf),
}

/// Who ends TLS, with what that takes.
#[derive(Debug)]
pub(super) enum Ends {
    Files { certificate: PathBuf, key: PathBuf },
    Acme { directory: AcmeDirectory, contact: Link },
    Proxy(Vec<Network>),
    Nobody,
}

impl Place {
    /// What may be shown.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Url(url) | Self::Secret(url) => url.blinded(),
            Self::File(file) => format!("the URL in {}", file.display()),
        }
    }
}

impl Plan {
    /// Takes the options and asks for the rest.
    ///
    /// # Errors
    /// When an option is wrong or contradicts another, or is missing and there is nobody to ask.
    pub(super) fn make(init: &Init, asker: Asker) -> anyhow::Result<Self> {
        if !asker.asks {
            must_answer_all(init)?;
        }
        asker.say("A configuration in a few answers; Enter takes what stands in brackets.\n");
        let issuer = asker.answer(
            init.issuer.as_deref(),
            "--issuer",
            "The address of this server, as applications and people will know it",
            "http://localhost:8080",
            value::<Issuer>,
        )?;
        let database = match &init.database_file {
            Some(file) => Place::File(absolute(file)?),
            None => asker.answer(
                init.database.as_deref(),
                "--database",
                "The database: sqlite:FILE, or postgres://user@host/database",
                "sqlite:gatewright.db",
                |text| place(text, init.database.is_some()),
            )?,
        };
        let database = match database {
            Place::Url(url) if init.database.is_none() && url.sqlite().is_none() => {
                with_password(url)?
            }
            asked @ (Place::Url(_) | Place::Secret(_) | Place::File(_)) => asked,
        };
        let tls = tls(init, asker, &issuer)?;
        let ends = match tls {
            Tls::Files => Ends::Files {
                certificate: pem(
                    asker,
                    init.certificate_file.as_deref(),
                    "--certificate-file",
                    "The certificate and what certifies it (PEM file)",
                )?,
                key: pem(
                    asker,
                    init.key_file.as_deref(),
                    "--key-file",
                    "Its private key (PEM file)",
                )?,
            },
            Tls::Acme => acme(init, asker)?,
            Tls::Proxy => Ends::Proxy(proxies(init, asker)?),
            Tls::Loopback => Ends::Nobody,
        };
        let listen = match &init.listen {
            Some(text) => value(text).map_err(|why| Wrong(format!("--listen {why}")))?,
            None => usual(&issuer, &ends),
        };
        Ok(Self { issuer, database, ends, listen })
    }
}

/// Insists on the options that cannot be guessed.
fn must_answer_all(init: &Init) -> Result<(), Wrong> {
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
        "there is no terminal to ask at, and nothing answers {}. Give these options (gatewright init --help), \
         or run it at a terminal",
        missing.join(", ")
    )))
}

/// A URL with a password does not stand on a command line, where other people of the machine read it.
fn place(text: &str, is_option: bool) -> Result<Place, String> {
    let url: DatabaseUrl = value(text)?;
    match (url.has_password(), is_option) {
        (true, true) => {
            Err("carries a password or parameters, and a command line is seen by others; write \
                             the URL into a file and name that with --database-file"
                .to_owned())
        }
        (true, false) => Ok(Place::Secret(url)),
        (false, _) => Ok(Place::Url(url)),
    }
}

/// Asks for the password of a database, which is not shown.
fn with_password(url: DatabaseUrl) -> anyhow::Result<Place> {
    let password = ask_secret("The password of the database, or nothing: ")?;
    if password.is_empty() {
        return Ok(Place::Url(url));
    }
    let mut whole = Url::parse(url.0.expose())?;
    if whole.set_password(Some(&password)).is_err() {
        return Err(Wrong("the database URL has no host for a password".to_owned()).into());
    }
    Ok(Place::Secret(DatabaseUrl::new(whole)))
}

/// Who ends TLS. An issuer on http leaves no choice.
fn tls(init: &Init, asker: Asker, issuer: &Issuer) -> anyhow::Result<Tls> {
    let fits = |tls: Tls| match (tls == Tls::Loopback, issuer.is_https()) {
        (true, true) => {
            Err("loopback is for an issuer on this machine, such as http://localhost:8080, and \
                             this one is https")
        }
        (false, false) => {
            Err("is for an https issuer, and this one is http: loopback is what fits it")
        }
        (true, false) | (false, true) => Ok(tls),
    };
    if let Some(tls) = init.tls {
        return fits(tls).map_err(|why| Wrong(format!("--tls {why}")).into());
    }
    if !issuer.is_https() {
        return Ok(Tls::Loopback);
    }
    asker.say(
        "\nWho ends TLS?\n  \
         files   this server, with certificate files of yours\n  \
         acme    this server, with certificates from an ACME authority such as Let's Encrypt\n  \
         proxy   a proxy before it: nginx, Caddy, HAProxy, a load balancer",
    );
    asker.answer(None, "--tls", "files, acme or proxy", "proxy", |text| {
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
        if file.is_file() { Ok(file.to_owned()) } else { Err("names no file".to_owned()) }
    })?;
    absolute(&file)
}

fn acme(init: &Init, asker: Asker) -> anyhow::Result<Ends> {
    let given = init.acme_directory.as_deref().or((!asker.asks).then_some(LETS_ENCRYPT));
    let directory = asker.answer(
        given,
        "--acme-directory",
        "The directory of the ACME authority",
        LETS_ENCRYPT,
        value::<AcmeDirectory>,
    )?;
    let contact = asker.answer(
        init.acme_contact.as_deref(),
        "--acme-contact",
        "The e-mail address by which the authority reaches you",
        "",
        |text| match text.split_once('@') {
            Some((_, host)) if !host.is_empty() => value(&format!("mailto:{text}")),
            Some(_) | None => Err("is no e-mail address".to_owned()),
        },
    )?;
    let agreed = if init.agree_to_terms { Some("yes") } else { None };
    asker.answer(
        agreed,
        "--agree-to-terms",
        "You have read the terms of the authority and agree to them (yes, or Ctrl-C)",
        "",
        |text| if text == "yes" { Ok(()) } else { Err("is not yes".to_owned()) },
    )?;
    Ok(Ends::Acme { directory, contact })
}

fn proxies(init: &Init, asker: Asker) -> anyhow::Result<Vec<Network>> {
    let given = (!init.proxies.is_empty()).then(|| init.proxies.join(","));
    asker.answer(
        given.as_deref(),
        "--proxy",
        "The addresses of the proxies, with commas between them",
        "127.0.0.1",
        |text| text.split(',').map(|one| value(one.trim())).collect(),
    )
}

/// Where such a server listens, as a rule.
fn usual(issuer: &Issuer, ends: &Ends) -> SocketAddr {
    let port = issuer.url().port_or_known_default().unwrap_or(443);
    let this_machine = IpAddr::V4(Ipv4Addr::LOCALHOST);
    match ends {
        Ends::Files { .. } | Ends::Acme { .. } => (Ipv6Addr::UNSPECIFIED, port).into(),
        Ends::Proxy(networks) => {
            let is_here = |network: &Network| {
                network.contains(this_machine) || network.contains(Ipv6Addr::LOCALHOST.into())
            };
            let address = if networks.iter().all(is_here) {
                this_machine
            } else {
                Ipv4Addr::UNSPECIFIED.into()
            };
            (address, 8080).into()
        }
        Ends::Nobody => match issuer.url().host() {
            Some(Host::Ipv4(address)) => (address, port).into(),
            Some(Host::Ipv6(address)) => (address, port).into(),
            Some(Host::Domain(_)) | None => (this_machine, port).into(),
        },
    }
}

/// Paths of a command are those of the working directory; those of the file are its own directory's.
fn absolute(file: &Path) -> anyhow::Result<PathBuf> {
    Ok(std::path::absolute(file)?)
}
