//! The command line: `gatewright serve`, `gatewright client create` and the rest.
//!
//! Commands work beside a running server: each change is one short transaction, and every server sees
//! it within a second.

mod audit;
mod ca;
mod card;
mod cert;
mod client;
mod client_metadata;
pub mod config;
mod database;
mod demo;
mod desk;
mod exit;
mod init;
mod key;
mod language;
mod named;
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
use desk::Desk;
pub use exit::Exit;
use print::Answer;
pub use reference::reference;

/// The file that is read when nobody names another.
const DEFAULT: &str = "gatewright.toml";

/// Shown below the list of commands.
const EPILOGUE: &str = "\
First steps:
  gatewright demo                                 # everything at once, to look at
  gatewright init                                 # asks, writes gatewright.toml, makes the first account
  gatewright serve
  gatewright client create --name Photos --redirect-uri https://photos.example.org/callback

Exit codes:
   0  done
   1  failed in another way
   2  the command line cannot be understood
  65  what was given is refused; nothing was changed
  66  there is no such user, client, key, API or file; the key-encryption key is missing
  69  the database does not answer; trying again may help
  77  the key-encryption key is another than the one that the database is sealed under
  78  the configuration is at fault

Every value of the configuration has an environment variable too, such as GATEWRIGHT_DATABASE__URL:
gatewright config example names them all.";

/// An OAuth 2.1 authorization server and OpenID Provider in one small binary.
#[derive(Debug, Parser)]
#[command(name = "gatewright", version, after_help = EPILOGUE)]
pub struct Cli {
    /// The configuration file; gatewright.toml in the working directory if nobody names one.
    #[arg(
        long,
        global = true,
        env = "GATEWRIGHT_CONFIG",
        hide_env_values = true,
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    /// Answer in JSON; errors too, on standard error.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until told to stop by SIGTERM or SIGINT; a second one ends it at once.
    #[command(after_help = "\
Examples:
  gatewright serve
  GATEWRIGHT_LOG=debug gatewright --config /etc/gatewright.toml serve

It refuses to run with an insecure configuration and says how to mend it: see gatewright config check.")]
    Serve,
    /// Write a configuration, check it, and make the database and the account of the first person: asks at a
    /// terminal, or takes every answer as an option.
    #[command(after_help = init::EXAMPLES)]
    Init(Box<init::Init>),
    /// Try everything out: a server, people, and an application that they sign in to, on this
    /// machine alone. Reads no configuration.
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
    /// Print the script by which a shell completes commands and options.
    #[command(after_help = "\
Examples:
  gatewright completions bash > /usr/local/share/bash-completion/completions/gatewright
  gatewright completions zsh > /usr/local/share/zsh/site-functions/_gatewright
  gatewright completions fish > ~/.config/fish/completions/gatewright.fish")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write a manual page for each command into a directory.
    #[command(after_help = "\
Examples:
  gatewright man /usr/local/share/man/man1
  man gatewright-client-create")]
    Man {
        /// The directory; it is made if there is none.
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
    /// Bring the schema of the database up to date, and exit; make it, if there is none. A server does so
    /// too when it starts; other commands never do.
    #[command(after_help = "\
Example:
  gatewright migrate && systemctl restart gatewright")]
    Migrate,
    /// People's accounts.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Applications that people sign in to, and services.
    #[command(subcommand)]
    Client(Box<client::ClientCommand>),
    /// The keys that tokens are signed with.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Our own authority for client certificates.
    #[command(subcommand)]
    Ca(ca::CaCommand),
    /// The certificates that clients prove themselves with, and our own.
    #[command(subcommand)]
    Cert(cert::CertCommand),
    /// APIs that tokens are made for.
    #[command(subcommand)]
    Resource(resource::ResourceCommand),
    /// What happened: sign-ins, consents, tokens, refusals, changes.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// What to do when another database took over.
    #[command(subcommand)]
    Database(database::DatabaseCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Tell everything that is wrong, and what a server would refuse to run with.
    #[command(after_help = "\
Examples:
  gatewright config check
  gatewright --config /etc/gatewright.toml --json config check")]
    Check,
    /// Print what holds and where each value came from, without secrets.
    #[command(after_help = "\
Examples:
  gatewright config show
  GATEWRIGHT_LOG=debug gatewright --json config show")]
    Show,
    /// Print a configuration file with every key explained.
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
    /// Does what was asked, says what came of it, and answers the exit code.
    pub fn run(self) -> u8 {
        let json = self.json;
        // Not locked: other threads may have something to say as well.
        let mut out = io::stdout();
        self.act(&mut out).unwrap_or_else(|error| {
            if is_nobody_listening(&error) {
                return Exit::Done as u8;
            }
            let text = if json {
                exit::in_json(&error).to_string()
            } else {
                format!("error: {}", exit::in_words(&error))
            };
            print::last_words(text);
            Exit::of(&error) as u8
        })
    }

    fn act(self, out: &mut io::Stdout) -> anyhow::Result<u8> {
        let json = self.json;
        let answer = match self.command {
            Command::Config(command) => {
                let loaded = load(self.config.as_deref());
                let code = command.act(&loaded, json, out)?;
                out.flush()?;
                return Ok(code);
            }
            Command::Demo(demo) => {
                demo.run(json)?;
                return Ok(Exit::Done as u8);
            }
            Command::Completions { shell } => shell::completions(shell),
            Command::Man { directory } => shell::man(&directory)?,
            Command::Version => Answer::line(
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
                loaded.fit_to_serve(server::tls::problems(&loaded.config))?;
                let _log = server::log::start(&loaded.config.log)?;
                server::serve(loaded.config)?;
                return Ok(Exit::Done as u8);
            }
            Command::Work(work) => {
                let config = load(self.config.as_deref())?.config;
                block_on(work.at_desk(config))?
            }
        };
        for warning in &answer.warnings {
            let text = match json {
                true => json!({ "warning": warning }).to_string(),
                false => format!("warning: {warning}"),
            };
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "{text}");
        }
        if json {
            writeln!(out, "{:#}", answer.json)?;
        } else {
            let card = answer.card.filter(|_| out.is_terminal());
            writeln!(out, "{}", card.unwrap_or(answer.text))?;
        }
        out.flush()?;
        Ok(Exit::Done as u8)
    }
}

impl ConfigCommand {
    fn act(
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

/// Says what is wrong with a command line, in JSON where it asks for that; or prints the help that was
/// asked for, and ends the process.
pub fn misunderstood(error: &clap::Error) -> u8 {
    if !error.use_stderr() || std::env::args_os().all(|argument| argument != "--json") {
        error.exit();
    }
    let text = error.to_string();
    let message = text.trim().trim_start_matches("error: ");
    print::last_words(json!({ "message": message, "exit_code": Exit::Usage as u8 }).to_string());
    Exit::Usage as u8
}

/// Whether the reader of our answer has gone: `gatewright client list | head -1`.
fn is_nobody_listening(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Reads the configuration; a file that nobody named need not be there.
fn load(file: Option<&Path>) -> Result<Loaded, Problems> {
    Config::load(file.unwrap_or(Path::new(DEFAULT)), file.is_some(), environment())
}

/// Runs a command that does one thing: one thread is enough.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // Looking up a name may hang, and is not waited for.
    runtime.shutdown_background();
    done
}

impl Work {
    /// Opens the database, does what was asked, and closes it.
    async fn at_desk(self, config: Config) -> anyhow::Result<Answer> {
        let desk = if matches!(self, Self::Migrate) {
            Desk::migrated(config).await?
        } else {
            Desk::open(config).await?
        };
        let answer = match self {
            // Opening the database has done it.
            Self::Migrate => {
                Ok(Answer::line("the schema is up to date", json!({ "migrated": true })))
            }
            Self::User(command) => command.run(&desk).await,
            Self::Client(command) => command.run(&desk).await,
            Self::Key(command) => command.run(&desk).await,
            Self::Ca(command) => command.run(&desk).await,
            Self::Cert(command) => command.run(&desk).await,
            Self::Resource(command) => command.run(&desk).await,
            Self::Audit(command) => command.run(&desk).await,
            Self::Database(command) => command.run(&desk).await,
        };
        desk.store.close().await;
        answer
    }
}
