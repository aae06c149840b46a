//! A directory with a configuration and a database of its own, in which the real binary runs.

use std::path::PathBuf;
use std::process::Stdio;

use gatewright::cli::Exit;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::directory;

/// The working directory and the database of a server; removed with its test.
pub(crate) struct Installation {
    pub(crate) directory: PathBuf,
    /// The server and the name of its database, with `TEST_DATABASE=postgres`.
    postgres: Option<(String, String)>,
    /// Its URL, for programs in other directories.
    pub(crate) database: String,
    /// Overrides of the configuration, by their environment variables.
    pub(crate) settings: Vec<(String, String)>,
}

/// The result of a command.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Installation {
    /// A new installation: with SQLite, or with `TEST_DATABASE=postgres` on the server of `TEST_POSTGRES`.
    pub(crate) async fn new() -> Self {
        if is_postgres() {
            Self::on_postgres(&std::env::var("TEST_POSTGRES").unwrap()).await
        } else {
            let directory = directory("place");
            let database = format!("sqlite:{}", directory.join("gatewright.db").display());
            Self::with(directory, database, None)
        }
    }

    /// A new installation with a database of its own on this PostgreSQL server.
    pub(crate) async fn on_postgres(server: &str) -> Self {
        let name = format!("gatewright_{}", uuid::Uuid::now_v7().simple());
        execute(server, format!("CREATE DATABASE {name}")).await;
        let mut url = url::Url::parse(server).unwrap();
        url.set_path(&name);
        Self::with(directory("place"), url.to_string(), Some((server.to_owned(), name)))
    }

    fn with(directory: PathBuf, database: String, postgres: Option<(String, String)>) -> Self {
        std::fs::create_dir(&directory).unwrap();
        let installation = Self { directory, postgres, database, settings: Vec::new() };
        // Hashing parameters for a debug build, and timeouts for a busy machine.
        installation.write(
            "gatewright.toml",
            &format!(
                "issuer = \"https://id.example.org\"\n\
                 [database]\nurl = \"{}\"\nacquire_timeout = 30\nstatement_timeout = 30\n\
                 [passwords]\nmemory_kib = 8192\niterations = 1\n\
                 [keys]\nalgorithms = [\"ES256\", \"RS256\"]\n",
                installation.database
            ),
        );
        installation
    }

    /// Overrides a value of the configuration, by its environment variable without the prefix.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((format!("GATEWRIGHT_{name}"), value.to_owned()));
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.join(name), text).unwrap();
    }

    /// A new installation with a schema, which commands do not create.
    pub(crate) async fn migrated() -> Self {
        let installation = Self::new().await;
        installation.json(&["migrate"]).await;
        installation
    }

    /// The binary, in this directory, without settings from the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_gatewright"), arguments)
    }

    /// The same, run by a shell after this script.
    pub(crate) fn command_after_script(&self, script: &str, arguments: &[&str]) -> Command {
        let script = format!("{script}; exec \"$0\" \"$@\"");
        let shell = ["-c", &script, env!("CARGO_BIN_EXE_gatewright")];
        self.program("sh", &[&shell[..], arguments].concat())
    }

    /// Another program in this directory, with the settings of this installation only.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GATEWRIGHT_") {
                command.env_remove(name);
            }
        }
        command.envs(self.settings.iter().cloned());
        command.args(arguments).current_dir(&self.directory).kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> CommandOutput {
        self.run_with(arguments, "").await
    }

    /// The same, with something on standard input.
    pub(crate) async fn run_with(&self, arguments: &[&str], input: &str) -> CommandOutput {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that does not read its input may have ended already.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        CommandOutput {
            code: output.status.code().unwrap_or_else(|| panic!("{arguments:?}: {output:?}")),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that must succeed, and parses its output as JSON.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        self.json_with(arguments, "").await
    }

    /// The same, with something on standard input.
    pub(crate) async fn json_with(&self, arguments: &[&str], input: &str) -> Value {
        let output = self.run_with(&[&["--json"], arguments].concat(), input).await;
        assert_eq!(output.code, 0, "{arguments:?}: {output:?}");
        serde_json::from_str(&output.stdout).unwrap()
    }
}

/// Whether this run uses PostgreSQL.
pub(crate) fn is_postgres() -> bool {
    std::env::var("TEST_DATABASE").is_ok_and(|kind| kind == "postgres")
}

impl CommandOutput {
    /// Asserts that the command failed with this exit code and message.
    pub(crate) fn assert_failed(&self, exit: Exit, message: &str) {
        assert_eq!(self.code, exit as i32, "{self:?}");
        assert!(self.stderr.contains(message), "{self:?}");
        assert_eq!(self.stdout, "", "an error has no output");
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(60).collect();
            eprintln!("the end of the log, the last line first:\n{}", tail.join("\n"));
        }
        let _ = std::fs::remove_dir_all(&self.directory);
        let Some((server, name)) = self.postgres.take() else {
            return;
        };
        // In a thread and a runtime of its own, because the current one may have ended.
        let dropped = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let drop = execute(&server, format!("DROP DATABASE {name} WITH (FORCE)"));
            runtime.enable_all().build().unwrap().block_on(drop);
        });
        let _ = dropped.join();
    }
}

async fn execute(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
