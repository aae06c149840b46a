//! The command line: parses arguments, calls [`crate::admin`], prints the result.
//!
//! Commands work beside a running server: each change is one short transaction, and every server applies
//! it within a second.

mod admin;
mod audit;
mod ca;
mod card;
mod cert;
mod client;
mod client_metadata;
pub mod config;
mod context;
mod database;
mod demo;
mod exit;
mod init;
mod input;
mod key;
mod language;
mod print;
mod reference;
mod resource;
mod shell;
mod user;

use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use serde_json::json;

use crate::config::{Config, Loaded, Problems, environment};
use crate::server;
use crate::store::OpenMode;
use context::Context;
pub use exit::Exit;
use print::Output;
pub use reference::reference;

/// The configuration file, unless `--config` names another.
const DEFAULT: &str = "gatewright.toml";

/// Shown below the list of commands.
const EPILOGUE: &str = "\
First steps:
  gatewright demo                                 # a complete setup to try out
  gatewright init                                 # write gatewright.toml and create the first user
  gatewright serve
  gatewright client create --name Photos --redirect-uri https://photos.example.org/callback

Exit codes:
   0  success
   1  any other failure
   2  invalid command line
  65  invalid input; nothing was changed
  66  no such user, client, key, API or file; or the key-encryption key is missing
  69  the database does not respond; a retry may succeed
  77  the database is encrypted under a different key-encryption key
  78  invalid configuration

Every configuration value can also be set by an environment variable, such as GATEWRIGHT_DATABASE__URL;
gatewright config example lists them all.";

/// An OAuth 2.1 authorization server and OpenID Provider in one small binary.
#[derive(Debug, Parser)]
#[command(name = "gatewright", version, after_help = EPILOGUE)]
pub struct Cli {
    /// The configuration file [default: gatewright.toml in the working directory].
    #[arg(
        long,
        global = true,
        env = "GATEWRIGHT_CONFIG",
        hide_env_values = true,
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    /// Print results as JSON, and errors as JSON on standard error.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or SIGINT; a second signal ends it immediately.
    #[command(after_help = "\
Examples:
  gatewright serve
  GATEWRIGHT_LOG=debug gatewright --config /etc/gatewright.toml serve

The server refuses to start with an insecure configuration; gatewright config check explains how to fix it.
SIGHUP reloads the server's certificates.")]
    Serve,
    /// Write a configuration, create the database and the first user. Prompts at a terminal for what no
    /// option gives.
    #[command(after_help = init::EXAMPLES)]
    Init(Box<init::Init>),
    /// Run a complete demonstration on this machine: a server, users, an application and an API. Reads no
    /// configuration.
    #[command(after_help = "\
Examples:
  gatewright demo
  gatewright demo --fresh
  gatewright demo --dir /tmp/other --port 9080 --client-port 9081")]
    Demo(demo::Demo),
    #[command(flatten)]
    Work(Work),
    /// Check, show or explain the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a shell completion script.
    #[command(after_help = "\
Examples:
  gatewright completions bash > /usr/local/share/bash-completion/completions/gatewright
  gatewright completions zsh > /usr/local/share/zsh/site-functions/_gatewright
  gatewright completions fish > ~/.config/fish/completions/gatewright.fish")]
    Completions {
        /// The shell to generate the script for.
        shell: clap_complete::Shell,
    },
    /// Write a manual page for each command.
    #[command(after_help = "\
Examples:
  gatewright man /usr/local/share/man/man1
  man gatewright-client-create")]
    Man {
        /// The directory to write to; created if missing.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Print the version.
    #[command(after_help = "\
Example:
  gatewright --json version")]
    Version,
}

/// Commands that need the database.
#[derive(Debug, Subcommand)]
enum Work {
    /// Create or update the database schema, and exit. The server also does this when it starts; other
    /// commands never do.
    #[command(after_help = "\
Example:
  gatewright migrate && systemctl restart gatewright")]
    Migrate,
    /// Manage user accounts.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Manage clients: applications and services.
    #[command(subcommand)]
    Client(Box<client::ClientCommand>),
    /// Manage token signing keys and server secrets.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Manage the built-in certification authority (CA) for client certificates.
    #[command(subcommand)]
    Ca(ca::CaCommand),
    /// Inspect, issue and revoke client certificates.
    #[command(subcommand)]
    Cert(cert::CertCommand),
    /// Manage APIs (resource servers) and their scopes.
    #[command(subcommand)]
    Resource(resource::ResourceCommand),
    /// Manage administrators and their roles.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Query the audit trail: sign-ins, consents, tokens, refusals, changes.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Declare a database failover.
    #[command(subcommand)]
    Database(database::DatabaseCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Validate the configuration; report everything that would stop the server from starting.
    #[command(after_help = "\
Examples:
  gatewright config check
  gatewright --config /etc/gatewright.toml --json config check")]
    Check,
    /// Print the effective configuration and the source of each value, without secrets.
    #[command(after_help = "\
Examples:
  gatewright config show
  GATEWRIGHT_LOG=debug gatewright --json config show")]
    Show,
    /// Print an example configuration file that documents every key.
    #[command(after_help = "\
Example:
  gatewright config example > gatewright.toml")]
    Example,
    /// Print the JSON Schema of the configuration file.
    #[command(after_help = "\
Example:
  gatewright config schema > gatewright.schema.json")]
    Schema,
}

impl Cli {
    /// Runs the command, prints its result or error, and returns the exit code.
    pub fn run(self) -> u8 {
        let json = self.json;
        // Not locked: other threads may print as well.
        let mut out = io::stdout();
        self.execute(&mut out).unwrap_or_else(|error| {
            if is_broken_pipe(&error) {
                return Exit::Done as u8;
            }
            let text = if json {
                exit::as_json(&error).to_string()
            } else {
                format!("error: {}", exit::as_text(&error))
            };
            print::final_error(text);
            Exit::of(&error) as u8
        })
    }

    fn execute(self, out: &mut io::Stdout) -> anyhow::Result<u8> {
        let json = self.json;
        let output = match self.command {
            Command::Config(command) => {
                let loaded = load(self.config.as_deref());
                let code = command.run(&loaded, json, out)?;
                out.flush()?;
                return Ok(code);
            }
            Command::Demo(demo) => {
                demo.run(json)?;
                return Ok(Exit::Done as u8);
            }
            Command::Completions { shell } => shell::completions(shell),
            Command::Man { directory } => shell::man(&directory)?,
            Command::Version => Output::line(
                format!("gatewright {}", server::release()),
                json!({
                    "name": "gatewright",
                    "version": env!("CARGO_PKG_VERSION"),
                    "commit": server::COMMIT,
                }),
            ),
            Command::Init(init) => {
                init.run(self.config.as_deref().unwrap_or(Path::new(DEFAULT)))?
            }
            Command::Serve => {
                let loaded = load(self.config.as_deref())?;
                loaded.ensure_secure(server::tls::problems(&loaded.config))?;
                let _log = server::log::start(&loaded.config.log)?;
                server::serve(loaded.config)?;
                return Ok(Exit::Done as u8);
            }
            Command::Work(work) => {
                let config = load(self.config.as_deref())?.config;
                block_on(work.run(config, json))?
            }
        };
        for warning in &output.warnings {
            let text = match json {
                true => json!({ "warning": warning }).to_string(),
                false => format!("warning: {warning}"),
            };
            // Standard error may be closed.
            let _ = writeln!(io::stderr(), "{text}");
        }
        if output.is_printed {
            return Ok(Exit::Done as u8);
        }
        if json {
            writeln!(out, "{:#}", output.json)?;
        } else {
            let card = output.card.filter(|_| out.is_terminal());
            writeln!(out, "{}", card.unwrap_or(output.text))?;
        }
        out.flush()?;
        Ok(Exit::Done as u8)
    }
}

impl ConfigCommand {
    fn run(
        &self,
        loaded: &Result<Loaded, Problems>,
        json: bool,
        out: &mut io::Stdout,
    ) -> io::Result<u8> {
        match self {
            Self::Check => config::check(loaded, json, out),
            Self::Show => config::show(loaded, json, out),
            Self::Example => config::example(out),
            Self::Schema => config::schema(out),
        }
    }
}

/// Reports an invalid command line, as JSON if it has `--json`; or prints the requested help and ends the
/// process.
pub fn usage_error(error: &clap::Error) -> u8 {
    if !error.use_stderr() || std::env::args_os().all(|argument| argument != "--json") {
        error.exit();
    }
    let text = error.to_string();
    let message = text.trim().trim_start_matches("error: ");
    print::final_error(json!({ "message": message, "exit_code": Exit::Usage as u8 }).to_string());
    Exit::Usage as u8
}

/// Whether the reader of standard output is gone: `gatewright client list | head -1`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Loads the configuration. The default file may be missing, one named by `--config` may not.
fn load(file: Option<&Path>) -> Result<Loaded, Problems> {
    Config::load(file.unwrap_or(Path::new(DEFAULT)), file.is_some(), environment())
}

/// Runs a command on a single-threaded runtime.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // A name resolution may still hang; do not wait for it.
    runtime.shutdown_background();
    done
}

impl Work {
    /// Opens the database, runs the command, and closes the database.
    async fn run(self, config: Config, is_json: bool) -> anyhow::Result<Output> {
        let is_migration = matches!(self, Self::Migrate);
        let mode = if is_migration { OpenMode::Migrate } else { OpenMode::Command };
        let context = Context::open(config, mode, is_json).await?;
        let output = match self {
            // Opening the database for `OpenMode::Migrate` has migrated it.
            Self::Migrate => {
                Ok(Output::line("the schema is up to date", json!({ "migrated": true })))
            }
            Self::User(command) => command.run(&context).await,
            Self::Client(command) => command.run(&context).await,
            Self::Key(command) => command.run(&context).await,
            Self::Ca(command) => command.run(&context).await,
            Self::Cert(command) => command.run(&context).await,
            Self::Resource(command) => command.run(&context).await,
            Self::Admin(command) => command.run(&context).await,
            Self::Audit(command) => command.run(&context).await,
            Self::Database(command) => command.run(&context).await,
        };
        context.store.close().await;
        output
    }
}
