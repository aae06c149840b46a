//! `gatewright init`: a valid configuration, the database, and the first user.
//!
//! Every answer is an option; at a terminal, missing ones are prompted for. A configuration that does not pass
//! `config check` is removed again.

mod ask;
mod plan;
mod write;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::context::Context;
use super::exit::Wrong;
use super::input::{ask_password, read_password};
use super::print::{Output, pairs};
use super::{block_on, config, print};
use crate::admin::user::{self, NewAccount, claims};
use crate::config::{Config, Loaded, environment};
use crate::store::OpenMode;
use crate::types::{Secret, User};
use ask::{Asker, at_terminal};
use plan::Plan;

/// Shown below the options.
pub(super) const EXAMPLES: &str = "\
Examples:
  gatewright init                                      # prompts

  gatewright init --issuer http://localhost:8080 --database sqlite:gatewright.db --tls loopback

  gatewright --config /etc/gatewright/gatewright.toml init --issuer https://id.example.org \\
      --database-file /etc/gatewright/database_url --tls proxy --proxy 10.0.0.10

  printf '%s\\n' \"$PASSWORD\" | gatewright init --issuer https://id.example.org \\
      --database sqlite:gatewright.db --tls acme --acme-contact admin@example.org --agree-to-terms \\
      --username alice --email alice@example.org --password-stdin

An existing file is never changed. Run this command as the operating system user that runs the server: that
user must own the database and the keys.";

/// The options of `gatewright init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The issuer identifier, the public URL of this server: https, or http on localhost.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The database: sqlite:FILE, or postgres://… without a password.
    #[arg(long, value_name = "URL", conflicts_with = "database_file")]
    database: Option<String>,
    /// A file that contains the database URL, including its password.
    #[arg(long, value_name = "FILE")]
    database_file: Option<PathBuf>,
    /// Where TLS is terminated.
    #[arg(long)]
    tls: Option<Tls>,
    /// The certificate chain for the issuer's host, as PEM; with --tls files.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    certificate_file: Option<PathBuf>,
    /// The private key of the certificate, as PEM; with --tls files.
    #[arg(long, value_name = "FILE", requires = "certificate_file")]
    key_file: Option<PathBuf>,
    /// The directory URL of the ACME CA; with --tls acme [default: Let's Encrypt].
    #[arg(long, value_name = "URL")]
    acme_directory: Option<String>,
    /// The contact e-mail address for the ACME CA; with --tls acme.
    #[arg(long, value_name = "ADDRESS")]
    acme_contact: Option<String>,
    /// Agree to the terms of service of the ACME CA; with --tls acme.
    #[arg(long)]
    agree_to_terms: bool,
    /// The address or network of a proxy that terminates TLS; with --tls proxy; repeatable.
    #[arg(long = "proxy", value_name = "ADDRESS")]
    proxies: Vec<String>,
    /// The address and port to listen on [default: derived from the other answers].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The username of the first user; no user is created without it, except at a terminal, which prompts.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The e-mail address of the first user.
    #[arg(long, value_name = "ADDRESS", requires = "username")]
    email: Option<String>,
    /// Read the password of the first user from the first line of standard input; at a terminal, prompt for it
    /// twice.
    #[arg(long, requires = "username")]
    password_stdin: bool,
}

/// Where TLS is terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Tls {
    /// At this server, with certificate files.
    Files,
    /// At this server, with certificates from an ACME CA such as Let's Encrypt.
    Acme,
    /// At a reverse proxy.
    Proxy,
    /// Nowhere: http on the loopback interface, for development.
    Loopback,
}

impl Init {
    /// Runs the command.
    ///
    /// # Errors
    /// The file exists, an answer is missing or invalid, or the user is refused.
    pub(super) fn run(self, file: &Path) -> anyhow::Result<Output> {
        let path = file.display();
        if file.symlink_metadata().is_ok() {
            let text = format!(
                "{path} already exists and is not changed: validate it with gatewright config check, or name \
                 another file with --config"
            );
            return Err(Wrong(text).into());
        }
        let asker = Asker { asks: at_terminal() };
        let plan = Plan::make(&self, asker)?;
        let written = write::write(&plan, file)?;
        let loaded = match validated(file) {
            Ok(loaded) => loaded,
            Err(error) => {
                written.remove();
                return Err(error.context(format!("{path} would be invalid and is not written")));
            }
        };
        asker.print(&format!("\n{path} is written and valid.\n"));
        let user = block_on(self.first_user(loaded.config, asker))
            .with_context(|| format!("{path} is written and valid, but no user is created"))?;
        Ok(output(file, &plan, user.as_ref()))
    }

    /// Creates the database, and the first user in it.
    async fn first_user(&self, config: Config, asker: Asker) -> anyhow::Result<Option<User>> {
        if self.username.is_none() && !asker.asks {
            return Ok(None);
        }
        let context = Context::open(config, OpenMode::Migrate, false).await?;
        let created = match &self.username {
            Some(username) => {
                let password = match self.password_stdin {
                    true => Some(read_password(username)?),
                    false if asker.asks => Some(ask_password(username)?),
                    false => None,
                };
                Some(create(&context, username, self.email.as_deref(), password.as_ref()).await?)
            }
            None => prompted_user(&context, asker).await?,
        };
        context.store.close().await;
        Ok(created)
    }
}

/// Loads the written file as the server would, and validates it as `config check` does.
fn validated(file: &Path) -> anyhow::Result<Loaded> {
    let loaded = Config::load(file, true, environment())?;
    config::validate(&loaded)?;
    Ok(loaded)
}

/// Prompts for the first user until it is created, or the username is empty.
async fn prompted_user(context: &Context, asker: Asker) -> anyhow::Result<Option<User>> {
    asker.print("The first user. Leave the username empty to create none.");
    loop {
        let username = asker.line("Username", "")?;
        if username.is_empty() {
            return Ok(None);
        }
        let email = asker.line("E-mail address (optional)", "")?;
        let email = Some(email).filter(|email| !email.is_empty());
        let password = ask_password(&username)?;
        match create(context, &username, email.as_deref(), Some(&password)).await {
            Ok(user) => return Ok(Some(user)),
            Err(error) if super::exit::is_refusal(&error) => {
                asker.print(&format!("Refused: {}\n", super::exit::as_text(&error)));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Creates a user without further claims.
async fn create(
    context: &Context,
    username: &str,
    email: Option<&str>,
    password: Option<&Secret>,
) -> anyhow::Result<User> {
    let claims = claims::parse(&[] as &[String])?;
    let account = NewAccount { username, email, email_verified: false, claims, password };
    Ok(user::create(&context.call(), account).await?.result)
}

fn output(file: &Path, plan: &Plan, user: Option<&User>) -> Output {
    let mut rows = vec![
        ("file", file.display().to_string()),
        ("issuer", plan.issuer.to_string()),
        ("database", plan.database.redacted()),
    ];
    let mut next = vec!["gatewright serve"];
    match user {
        Some(user) => rows.push(("user", print::plain(&user.username))),
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
    Output::line(text, json)
}
