//! A running recipe.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// A file of `examples/recipes`.
pub(super) fn recipe(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/recipes").join(file)
}

/// Runs a recipe for Python.
pub(super) fn python(file: &str) -> Command {
    run("python3", &[], file)
}

/// Runs a recipe for Node.js.
pub(super) fn node(file: &str) -> Command {
    run("node", &[], file)
}

/// Runs a recipe for Java, without the second-stage compiler, which does not pay off for a short run.
pub(super) fn java(file: &str) -> Command {
    let jars = recipe("java/jars").join("*").display().to_string();
    run("java", &["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", &jars], file)
}

/// Builds a recipe for Go: the child process of `go run` would survive it.
pub(super) async fn go(package: &str) -> Command {
    let program = recipe("go/bin").join(package);
    let mut build = Command::new("go");
    build.args(["build", "-buildvcs=false", "-o"]).arg(&program).arg(format!("./{package}"));
    let built = build.current_dir(recipe("go")).output().await.expect("scripts/setup installs it");
    assert!(built.status.success(), "{built:?}");
    Command::new(program)
}

fn run(interpreter: &str, options: &[&str], file: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.args(options).arg(recipe(file));
    command
}

/// A recipe that listens on a port.
pub(super) struct Program {
    pub(super) url: String,
    child: Child,
    output: PathBuf,
}

impl Program {
    /// Starts it with these settings, and waits until it listens on this port.
    pub(super) async fn start(
        mut command: Command,
        port: u16,
        directory: &Path,
        settings: &[(&str, &str)],
    ) -> Self {
        command.envs(settings.iter().copied()).env("PORT", port.to_string());
        command.current_dir(directory);
        let output = directory.join(format!("output-{port}"));
        let log = File::create(&output).unwrap();
        // Proxy settings of the machine must not apply to localhost.
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.kill_on_drop(true).spawn().expect("scripts/setup installs it");
        crate::wait_until("the recipe listens", async || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{status}: {}", std::fs::read_to_string(&output).unwrap());
            }
            TcpStream::connect(("localhost", port)).await.is_ok()
        })
        .await;
        Self { url: format!("http://localhost:{port}"), child, output }
    }

    /// Its output so far.
    pub(super) fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }

    /// Waits for a line with this prefix, and returns the rest of it.
    pub(super) async fn wait_for_line(&self, beginning: &str) -> String {
        let mut rest = None;
        crate::wait_until("the recipe says it", async || {
            let output = self.output();
            // The last line may be incomplete.
            let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
            rest = whole.lines().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned);
            rest.is_some()
        })
        .await;
        rest.unwrap()
    }

    pub(super) async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }
}
