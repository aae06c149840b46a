//! Standard output and standard error are pipes whose reader has stopped reading, and they are full.

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, pipe};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use gatewright::cli::Exit;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::application::Answer;
use crate::place::Place;
use crate::server::Server;
use crate::{free_port, until};

/// A pipe that takes nothing until somebody reads.
struct FullPipe {
    reader: PipeReader,
    writer: PipeWriter,
    /// Waits to write more.
    filler: Child,
}

impl FullPipe {
    fn make() -> Self {
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

    /// Reads it from now on, until a line is found; then nobody does again.
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

/// One whose log nobody reads, and who has dropped lines of it.
async fn unread(pipe: &FullPipe) -> (Server, String) {
    let mut place = Place::make().await;
    let operations = format!("127.0.0.1:{}", free_port());
    place.set("OPERATIONS__LISTEN", &operations);
    place.set("LOG", "trace");
    let mut server = Server::planned(place);
    let mut command = server.place.command(&["serve"]);
    command.stdin(Stdio::null()).stdout(pipe.end()).stderr(pipe.end());
    server.launch_by(command).await;
    let metrics = format!("http://{operations}/metrics");
    // At the finest level a request causes many lines.
    until("lines are dropped", async || {
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

async fn get(url: &str) -> Answer {
    Answer::to(crate::http().get(url)).await.unwrap()
}

/// THREATS EX-05, LG-06: requests are served, lines are dropped and counted, SIGTERM ends the process.
#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_neither_requests_nor_the_end() {
    let pipe = FullPipe::make();
    let (mut server, _) = unread(&pipe).await;
    let service = server.service("Backup").await;

    service.credentials(&crate::http()).await.unwrap().tokens();

    server.stop().await;
}

/// THREATS EX-05, LG-06.
#[tokio::test]
async fn whoever_reads_the_log_again_is_told_how_much_was_dropped() {
    let pipe = FullPipe::make();
    let (mut server, metrics) = unread(&pipe).await;

    let told = pipe.line(|line| {
        line["message"] == "lines of the log were dropped: its reader did not keep up"
    });
    // It is told beside other lines.
    let told = told.await;

    assert_eq!(told["level"], "ERROR");
    assert!(told["lines"].as_u64().unwrap() > 0, "{told}");
    assert!(get(&metrics).await.text.contains(DROPPED));
    // The reader is gone now.
    server.stop().await;
}

/// THREATS EX-05: why it does not start is said, if anybody reads it.
#[tokio::test]
async fn a_start_that_fails_ends_although_nobody_reads_why() {
    let pipe = FullPipe::make();
    let mut place = Place::make().await;
    place.set("ISSUER", "http://id.example.org");
    let mut command = place.command(&["serve"]);
    command.stdin(Stdio::null()).stdout(pipe.end()).stderr(pipe.end());

    let ended = ended(command.spawn().unwrap()).await;

    assert_eq!(ended.code(), Some(Exit::Misconfigured as i32));
}

/// THREATS EX-05: what the demo prints fits into no pipe that is full.
#[tokio::test]
async fn a_demo_whose_output_nobody_reads_runs_and_ends() {
    let pipe = FullPipe::make();
    let place = Place::make().await;
    let ports = [free_port(), free_port(), free_port(), free_port()].map(|port| port.to_string());
    let options = ["--port", "--client-port", "--mtls-port", "--api-port"];
    let mut command = place.command(&["demo"]);
    for (option, port) in options.into_iter().zip(&ports) {
        command.arg(option).arg(port);
    }
    command.stdin(Stdio::null()).stdout(pipe.end()).stderr(pipe.end());
    let child = command.spawn().unwrap();

    let (http, ready) = (crate::http(), format!("http://localhost:{}/", ports[1]));
    until("the demo runs", async || http.get(&ready).send().await.is_ok()).await;
    // Printing is the last that it does.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());

    assert_eq!(ended(child).await.code(), Some(0));
}

async fn ended(mut child: Child) -> ExitStatus {
    let mut status = None;
    until("the process ends", async || {
        status = child.try_wait().unwrap();
        status.is_some()
    })
    .await;
    status.unwrap()
}
