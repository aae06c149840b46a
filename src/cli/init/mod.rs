//! `gatewright init`: a configuration that is good, the database, and the account of the first person.
//!
//! Every answer is an option; at a terminal, what no option answers is asked. What is written passes
//! `config check`, or it is taken away again.

mod ask;
mod plan;
mod write;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::desk::{Desk, ask_password, read_password};
use super::exit::Wrong;
use super::print::{Answer, pairs};
use super::{block_on, config, print, user};
use crate::config::{Config, Loaded, environment};
use crate::types::User;
use ask::{Asker, at_terminal};
use plan::Plan;

/// Shown below the options.
pub(super) const EXAMPLES: &str = "\
Examples:
  gatewright init                                      # asks

  gatewright init --issuer http://localhost:8080 --database sqlite:gatewright.db --tls loopback

  gatewright --config /etc/gatewright/gatewright.toml init --issuer https://id.example.org \\
      --database-file /etc/gatewright/database_url --tls proxy --proxy 10.0.0.10

  printf '%s\\n' \"$PASSWORD\" | gatewright init --issuer https://id.example.org \\
      --database sqlite:gatewright.db --tls acme --acme-contact admin@example.org --agree-to-terms \\
      --username alice --email alice@example.org --password-stdin

An existing file is never changed. Run it as the user that the server runs as, who must own the database
and the keys.";

/// The answers.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The address by which applications and people know this server: https, or http on localhost.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Where everything is kept: sqlite:FILE, or postgres://… without a password.
    #[arg(long, value_name = "URL", conflicts_with = "database_file")]
    database: Option<String>,
    /// A file that holds the URL of the database, password included.
    #[arg(long, value_name = "FILE")]
    database_file: Option<PathBuf>,
    /// Who ends TLS.
    #[arg(long)]
    tls: Option<Tls>,
    /// The certificate of the issuer's host and what certifies it, as PEM; with --tls files.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    certificate_file: Option<PathBuf>,
    /// Its private key, as PEM; with --tls files.
    #[arg(long, value_name = "FILE", requires = "certificate_file")]
    key_file: Option<PathBuf>,
    /// The directory of the ACME authority; Let's Encrypt if none is named.
    #[arg(long, value_name = "URL")]
    acme_directory: Option<String>,
    /// The e-mail address by which the authority reaches you; with --tls acme.
    #[arg(long, value_name = "ADDRESS")]
    acme_contact: Option<String>,
    /// You have read the terms of the authority and agree to them; with --tls acme.
    #[arg(long)]
    agree_to_terms: bool,
    /// The address of a proxy that ends TLS, or a range; may be repeated. With --tls proxy.
    #[arg(long = "proxy", value_name = "ADDRESS")]
    proxies: Vec<String>,
    /// The address and port to listen at, if not the usual one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The first person: what they are called when signing in. None, if an option answers everything else.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Their e-mail address.
    #[arg(long, value_name = "ADDRESS", requires = "username")]
    email: Option<String>,
    /// Read their password from the first line of standard input; at a terminal, ask for it twice.
    #[arg(long, requires = "username")]
    password_stdin: bool,
}

/// Who ends TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Tls {
    /// This server, with certificate files of yours.
    Files,
    /// This server, with certificates that it orders from an ACME authority such as Let's Encrypt.
    Acme,
    /// A proxy before it.
    Proxy,
    /// Nobody: http on this machine alone, for development.
    Loopback,
}

impl Init {
    /// Does it.
    ///
    /// # Errors
    /// When there is a file already, when an answer is missing or wrong, or when the account is refused.
    pub(super) fn run(self, file: &Path) -> anyhow::Result<Answer> {
        let shown = file.display();
        if file.symlink_metadata().is_ok() {
            let text = format!(
                "{shown} is there already and is not changed: gatewright config check says whether it is good; \
                 --config names another"
            );
            return Err(Wrong(text).into());
        }
        let asker = Asker { asks: at_terminal() };
        let plan = Plan::make(&self, asker)?;
        let written = write::write(&plan, file)?;
        let loaded = match judged(file) {
            Ok(loaded) => loaded,
            Err(error) => {
                written.take_away();
                return Err(error.context(format!("{shown} would not be good, and is not written")));
            }
        };
        asker.say(&format!("\n{shown} is written, and it is good.\n"));
        let user = block_on(self.first_person(loaded.config, asker)).with_context(|| {
            format!("{shown} is written and good; the account of the first person is not made")
        })?;
        Ok(answer(file, &plan, user.as_ref()))
    }

    /// Makes the database and an account in it.
    async fn first_person(&self, config: Config, asker: Asker) -> anyhow::Result<Option<User>> {
        if self.username.is_none() && !asker.asks {
            return Ok(None);
        }
        let desk = Desk::migrated(config).await?;
        let made = match &self.username {
            Some(username) => {
                let password = match self.password_stdin {
                    true => Some(read_password(username)?),
                    false if asker.asks => Some(ask_password(username)?),
                    false => None,
                };
                let made = user::make(&desk, username, self.email.as_deref(), password.as_ref());
                Some(made.await?)
            }
            None => asked_person(&desk, asker).await?,
        };
        desk.store.close().await;
        Ok(made)
    }
}

/// Reads what was written as a server would, and judges it as `config check` does.
fn judged(file: &Path) -> anyhow::Result<Loaded> {
    let loaded = Config::load(file, true, environment())?;
    config::fit(&loaded)?;
    Ok(loaded)
}

/// Asks for the first person until the account is made, or nobody is wanted.
async fn asked_person(desk: &Desk, asker: Asker) -> anyhow::Result<Option<User>> {
    asker.say("The first person who can sign in. An empty name: nobody yet.");
    loop {
        let username = asker.line("Username", "")?;
        if username.is_empty() {
            return Ok(None);
        }
        let email = asker.line("E-mail address, or nothing", "")?;
        let email = Some(email).filter(|email| !email.is_empty());
        let password = ask_password(&username)?;
        match user::make(desk, &username, email.as_deref(), Some(&password)).await {
            Ok(user) => return Ok(Some(user)),
            Err(error) if super::exit::is_refusal(&error) => {
                asker.say(&format!("That is refused: {}\n", super::exit::in_words(&error)));
            }
            Err(error) => return Err(error),
        }
    }
}

fn answer(file: &Path, plan: &Plan, user: Option<&User>) -> Answer {
    let mut rows = vec![
        ("file", file.display().to_string()),
        ("issuer", plan.issuer.to_string()),
        ("database", plan.database.shown()),
    ];
    let mut next = vec!["gatewright serve"];
    match user {
        Some(user) => rows.push(("person", print::plain(&user.username))),
        None => next.push("gatewright user create --username alice --password-stdin"),
    }
    next.push(
        "gatewright client create --name Photos --redirect-uri https://photos.example.org/callback",
    );
    let text = format!("{}\n\nNext:\n  {}", pairs(&rows), next.join("\n  "));
    let json = json!({
        "file": file,
        "issuer": plan.issuer.as_str(),
        "user": user.map(|user| json!({ "id": user.id, "username": user.username })),
    });
    Answer::line(text, json)
}
