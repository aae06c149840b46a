//! A recipe that runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// A file of `examples/recipes`.
pub(super) fn recipe(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/recipes").join(file)
}

/// A recipe whose process listens.
pub(super) struct Program {
    pub(super) url: String,
    child: Child,
    output: PathBuf,
}

impl Program {
    /// Runs `interpreter file`, as each recipe's head says, and waits until it listens on this port.
    pub(super) async fn run(
        interpreter: &str,
        file: &str,
        port: u16,
        directory: &Path,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(interpreter);
        command.arg(recipe(file)).envs(settings.iter().copied());
        command.env("PORT", port.to_string()).current_dir(directory);
        Self::start(command, port, directory).await
    }

    /// Starts a command, and waits until it listens on this port.
    pub(super) async fn start(mut command: Command, port: u16, directory: &Path) -> Self {
        let output = directory.join(format!("output-{port}"));
        let log = File::create(&output).unwrap();
        // A proxy of the machine is not on the way to localhost.
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.kill_on_drop(true).spawn().expect("scripts/setup installs it");
        crate::until("the recipe listens", async || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{status}: {}", std::fs::read_to_string(&output).unwrap());
            }
            TcpStream::connect(("localhost", port)).await.is_ok()
        })
        .await;
        Self { url: format!("http://localhost:{port}"), child, output }
    }

    /// What it has printed so far.
    pub(super) fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }

    pub(super) async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }
}
