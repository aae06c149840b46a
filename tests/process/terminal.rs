//! A command at a terminal that prompts for input.

use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::TIMEOUT;
use crate::installation::{CommandOutput, Installation};

/// A command at a terminal of its own, which `script` (util-linux) provides.
pub(crate) struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    /// All output so far.
    output: Vec<u8>,
    /// The number of bytes that were waited for already.
    position: usize,
}

impl Terminal {
    /// Starts a command of the binary in an installation.
    pub(crate) fn start(installation: &Installation, arguments: &[&str]) -> Self {
        let quoted = |text: &&str| format!("'{}'", text.replace('\'', r"'\''"));
        let program = [&[env!("CARGO_BIN_EXE_gatewright")], arguments].concat();
        let line: Vec<_> = program.iter().map(quoted).collect();
        let mut command: Command = installation
            .program("script", &["-qefc", &format!("exec {}", line.join(" ")), "/dev/null"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.env("SHELL", "/bin/sh").env("TERM", "xterm").spawn().unwrap();
        let (keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keyboard, screen, output: Vec::new(), position: 0 }
    }

    /// Waits for this output, after what was waited for before.
    pub(crate) async fn wait_for(&mut self, text: &str) {
        let wait = async {
            loop {
                let mut windows = self.output[self.position..].windows(text.len());
                if let Some(at) = windows.position(|window| window == text.as_bytes()) {
                    self.position += at + text.len();
                    return;
                }
                assert!(
                    self.read_more().await,
                    "the command ended without {text:?}:\n{}",
                    self.text()
                );
            }
        };
        let waited = tokio::time::timeout(TIMEOUT, wait).await;
        assert!(waited.is_ok(), "{text:?} was never printed:\n{}", self.text());
    }

    async fn read_more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let count = self.screen.read(&mut bytes).await.unwrap();
        self.output.extend_from_slice(&bytes[..count]);
        count > 0
    }

    /// Types a line.
    pub(crate) async fn type_line(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Responds to a prompt for a secret, once the terminal has stopped echoing.
    pub(crate) async fn respond_without_echo(&mut self, prompt: &str, line: &str) {
        self.wait_for(prompt).await;
        let script = self.child.id().unwrap();
        let children = format!("/proc/{script}/task/{script}/children");
        let child = std::fs::read_to_string(children).unwrap();
        let device = std::fs::read_link(format!("/proc/{}/fd/0", child.trim())).unwrap();
        crate::wait_until("the terminal shows nothing", async || {
            let settings = Command::new("stty").arg("-aF").arg(&device).output().await.unwrap();
            String::from_utf8(settings.stdout).unwrap().contains(" -echo ")
        })
        .await;
        self.type_line(line).await;
    }

    /// Interrupts the command: Ctrl-C.
    pub(crate) async fn interrupt(&mut self) {
        self.keyboard.write_all(b"\x03").await.unwrap();
    }

    /// Responds to a prompt: waits for it, then types.
    pub(crate) async fn respond(&mut self, prompt: &str, line: &str) {
        self.wait_for(prompt).await;
        self.type_line(line).await;
    }

    /// Waits for the command to end. At a terminal both streams are one.
    pub(crate) async fn wait_for_exit(mut self) -> CommandOutput {
        let wait = async {
            while self.read_more().await {}
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(TIMEOUT, wait).await.unwrap();
        CommandOutput { code: status.code().unwrap(), stdout: self.text(), stderr: String::new() }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).replace('\r', "")
    }
}
