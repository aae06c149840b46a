//! A command at a terminal that prompts for input.

use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::TIMEOUT;
use crate::place::{Place, Said};

/// A command at a terminal of its own, which `script` (util-linux) provides.
pub(crate) struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    /// All output so far.
    shown: Vec<u8>,
    /// The number of bytes that were waited for already.
    read: usize,
}

impl Terminal {
    /// Starts a command of the binary in a place.
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        let quoted = |text: &&str| format!("'{}'", text.replace('\'', r"'\''"));
        let program = [&[env!("CARGO_BIN_EXE_gatewright")], arguments].concat();
        let line: Vec<_> = program.iter().map(quoted).collect();
        let mut command: Command =
            place.other("script", &["-qefc", &format!("exec {}", line.join(" ")), "/dev/null"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.env("SHELL", "/bin/sh").env("TERM", "xterm").spawn().unwrap();
        let (keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keyboard, screen, shown: Vec::new(), read: 0 }
    }

    /// Waits for this output, after what was waited for before.
    pub(crate) async fn until(&mut self, text: &str) {
        let wait = async {
            loop {
                let mut places = self.shown[self.read..].windows(text.len());
                if let Some(at) = places.position(|place| place == text.as_bytes()) {
                    self.read += at + text.len();
                    return;
                }
                assert!(self.more().await, "the command ended without {text:?}:\n{}", self.text());
            }
        };
        let waited = tokio::time::timeout(TIMEOUT, wait).await;
        assert!(waited.is_ok(), "{text:?} was never printed:\n{}", self.text());
    }

    async fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let count = self.screen.read(&mut bytes).await.unwrap();
        self.shown.extend_from_slice(&bytes[..count]);
        count > 0
    }

    /// Types a line.
    pub(crate) async fn enter(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Responds to a prompt for a secret, once the terminal has stopped echoing.
    pub(crate) async fn answer_hidden(&mut self, prompt: &str, line: &str) {
        self.until(prompt).await;
        let script = self.child.id().unwrap();
        let children = format!("/proc/{script}/task/{script}/children");
        let child = std::fs::read_to_string(children).unwrap();
        let device = std::fs::read_link(format!("/proc/{}/fd/0", child.trim())).unwrap();
        crate::wait_until("the terminal shows nothing", async || {
            let settings = Command::new("stty").arg("-aF").arg(&device).output().await.unwrap();
            String::from_utf8(settings.stdout).unwrap().contains(" -echo ")
        })
        .await;
        self.enter(line).await;
    }

    /// Interrupts the command: Ctrl-C.
    pub(crate) async fn interrupt(&mut self) {
        self.keyboard.write_all(b"\x03").await.unwrap();
    }

    /// Responds to a prompt: waits for it, then types.
    pub(crate) async fn answer(&mut self, prompt: &str, line: &str) {
        self.until(prompt).await;
        self.enter(line).await;
    }

    /// Waits for the command to end. At a terminal both streams are one.
    pub(crate) async fn end(mut self) -> Said {
        let wait = async {
            while self.more().await {}
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(TIMEOUT, wait).await.unwrap();
        Said { code: status.code().unwrap(), out: self.text(), err: String::new() }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).replace('\r', "")
    }
}
