//! Standard output and standard error are full pipes whose reader has stopped reading.

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, pipe};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use gatewright::cli::Exit;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::application::Response;
use crate::installation::Installation;
use crate::server::Server;
use crate::{free_port, wait_until};

/// A pipe that accepts nothing until it is read.
struct FullPipe {
    reader: PipeReader,
    writer: PipeWriter,
    /// Waits to write more.
    filler: Child,
}

impl FullPipe {
    fn new() -> Self {
        let (reader, writer) = pipe().unwrap();
        let filler = Command::new("yes")
            .arg("full")
            .stdout(writer.try_clone().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { reader, writer, filler }
    }

    fn end(&self) -> Stdio {
        self.writer.try_clone().unwrap().into()
    }

    /// Reads the pipe until a line is found, and then never again.
    async fn line(mut self, is_it: impl Fn(&Value) -> bool + Send + 'static) -> Value {
        self.filler.kill().await.unwrap();
        let Self { reader, writer, .. } = self;
        drop(writer);
        let lines = BufReader::new(reader).lines().map_while(Result::ok);
        let find = move || {
            let mut read = lines.filter_map(|line| serde_json::from_str(&line).ok());
            read.find(is_it).expect("the line comes")
        };
        tokio::task::spawn_blocking(find).await.unwrap()
    }
}

/// A server whose log is not read, and that has dropped lines of it.
async fn start_with_unread_log(pipe: &FullPipe) -> (Server, String) {
    let mut installation = Installation::new().await;
    let operations = format!("127.0.0.1:{}", free_port());
    installation.set("OPERATIONS__LISTEN", &operations);
    installation.set("LOG", "trace");
    let mut server = Server::new(installation);
    let mut command = server.installation.command(&["serve"]);
    command.stdin(Stdio::null()).stdout(pipe.end()).stderr(pipe.end());
    server.launch_with(command).await;
    let metrics = format!("http://{operations}/metrics");
    // At the trace level a request causes many lines.
    wait_until("lines are dropped", async || {
        for _ in 0..50 {
            assert_eq!(get(&format!("{}/jwks", server.issuer)).await.status, 200);
        }
        let metrics = get(&metrics).await.text;
        let dropped = metrics.lines().find_map(|line| line.strip_prefix(DROPPED)).unwrap();
        dropped.trim().parse::<u64>().unwrap() > 0
    })
    .await;
    (server, metrics)
}

const DROPPED: &str = "gatewright_log_lines_dropped_total ";

async fn get(url: &str) -> Response {
    Response::send(crate::http().get(url)).await.unwrap()
}

/// THREATS EX-05, LG-06: requests are served, lines are dropped and counted, and SIGTERM ends the
/// process.
#[tokio::test]
async fn an_unread_log_blocks_neither_requests_nor_shutdown() {
    let pipe = FullPipe::new();
    let (mut server, _) = start_with_unread_log(&pipe).await;
    let service = server.service("Backup").await;

    service.client_credentials(&crate::http()).await.unwrap().tokens();

    server.stop().await;
}

/// THREATS EX-05, LG-06.
#[tokio::test]
async fn the_number_of_dropped_log_lines_is_reported_once_it_is_read_again() {
    let pipe = FullPipe::new();
    let (mut server, metrics) = start_with_unread_log(&pipe).await;

    let dropped = pipe.line(|line| {
        line["message"] == "lines of the log were dropped: its reader did not keep up"
    });
    // The report comes with the next line.
    let dropped = dropped.await;

    assert_eq!(dropped["level"], "ERROR");
    assert!(dropped["lines"].as_u64().unwrap() > 0, "{dropped}");
    assert!(get(&metrics).await.text.contains(DROPPED));
    // The reader is closed now.
    server.stop().await;
}

/// THREATS EX-05: the process exits even if the reason cannot be written.
#[tokio::test]
async fn a_failed_start_exits_although_its_output_is_not_read() {
    let pipe = FullPipe::new();
    let mut installation = Installation::new().await;
    installation.set("ISSUER", "http://id.example.org");
    let mut command = installation.command(&["serve"]);
    command.stdin(Stdio::null()).stdout(pipe.end()).stderr(pipe.end());

    let ended = wait_for_exit(command.spawn().unwrap()).await;

    assert_eq!(ended.code(), Some(Exit::Misconfigured as i32));
}

/// THREATS EX-05: the output of the demo does not fit into a full pipe.
#[tokio::test]
async fn a_demo_whose_output_is_not_read_runs_and_ends() {
    let pipe = FullPipe::new();
    let installation = Installation::new().await;
    let ports = [free_port(), free_port(), free_port(), free_port()].map(|port| port.to_string());
    let options = ["--port", "--client-port", "--mtls-port", "--api-port"];
    let mut command = installation.command(&["demo"]);
    for (option, port) in options.into_iter().zip(&ports) {
        command.arg(option).arg(port);
    }
    command.stdin(Stdio::null()).stdout(pipe.end()).stderr(pipe.end());
    let child = command.spawn().unwrap();

    let (http, ready) = (crate::http(), format!("http://localhost:{}/", ports[1]));
    wait_until("the demo runs", async || http.get(&ready).send().await.is_ok()).await;
    // Printing is its last step.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());

    assert_eq!(wait_for_exit(child).await.code(), Some(0));
}

async fn wait_for_exit(mut child: Child) -> ExitStatus {
    let mut status = None;
    wait_until("the process ends", async || {
        status = child.try_wait().unwrap();
        status.is_some()
    })
    .await;
    status.unwrap()
}
