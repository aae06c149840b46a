//! The measured server: the production server with two additional routes, in a process of its own on a core of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use gatewright::config::{Config, environment};
use gatewright::render::{Json, Kind, Request, Response, Route, json};
use gatewright::server;
use serde_json::json;

use crate::flush::SlowFlush;
use crate::load::Target;

/// The core of the server; the load generator and PostgreSQL run on the other one.
pub(crate) const CORE: &str = "0";

/// The path of both no-ops.
pub(crate) const NOOP: &str = "/noop";

/// Serves until a signal, as `gatewright serve` does.
///
/// # Errors
/// When the server cannot be started.
pub(crate) fn serve(config: &Path) -> Result<()> {
    let config = load(config)?;
    let _log = server::log::start(&config.log)?;
    let mut routes = server::routes();
    routes.push(Route::new(Kind::Machine, NOOP).get(noop).post(post));
    server::serve_routes(config, routes)
}

/// Does nothing.
async fn noop(_: Request) -> Response {
    json::typed("text/plain; charset=utf-8", "nothing\n")
}

/// Parses a form and responds with 300 bytes of JSON: the minimum cost of every POST.
async fn post(mut request: Request) -> Result<Response, Json> {
    const FILL: &str = "nothing nothing nothing nothing nothing nothing nothing nothing nothing \
         nothing nothing nothing nothing nothing nothing nothing nothing nothing nothing nothing \
         nothing nothing nothing nothing nothing nothing nothing nothing not";
    let form = request.form().await?;
    let scope = form.need("scope", "scope is missing")?;
    Ok(json::ok(&json!({ "token": FILL, "scope": scope, "expires_in": 300 })))
}

/// Reads a configuration file.
///
/// # Errors
/// When it is invalid.
pub(crate) fn load(config: &Path) -> Result<Config> {
    Ok(Config::load(config, true, environment())?.config)
}

/// A server that runs in a process of its own.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Its address.
    pub(crate) target: Target,
    /// The address of its listener for operators.
    pub(crate) operations: Option<SocketAddr>,
    /// The time from the start of the process until it is ready.
    pub(crate) ready: Duration,
}

impl Server {
    /// Starts one on these cores and waits until it is ready. See [`Program`].
    ///
    /// # Errors
    /// When it does not become ready.
    pub(crate) async fn start(config: &Path, cores: &str, program: Program<'_>) -> Result<Self> {
        Self::start_slow(config, cores, program, None).await
    }

    /// The same with slower flushes.
    ///
    /// # Errors
    /// When it does not become ready.
    pub(crate) async fn start_slow(
        config: &Path,
        cores: &str,
        program: Program<'_>,
        slow: Option<&SlowFlush>,
    ) -> Result<Self> {
        let settings = load(config)?;
        let address = *settings.http.listen.first().context("the configuration has no listener")?;
        let is_alone = settings.database.url.0.expose().starts_with("sqlite:");
        let target = Target { address, busy_waits: is_alone && cores == CORE };
        let (path, arguments) = match program {
            Program::Bench => (std::env::current_exe()?, vec!["serve".into(), config.into()]),
            Program::Production(path) => (
                path.to_owned(),
                vec!["--config".into(), config.as_os_str().to_owned(), "serve".into()],
            ),
        };
        let log = fs::File::create(config.with_extension("log"))?;
        let begun = Instant::now();
        let mut command = Command::new("taskset");
        command.args(["-c", cores]).arg(path).args(arguments);
        if let Some(slow) = slow {
            slow.preload(&mut command);
        }
        let child = command
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("taskset (util-linux) is required to pin a process to a core")?;
        let operations = settings.operations.listen;
        let mut server = Self { child, target, operations, ready: Duration::ZERO };
        loop {
            if get(address, "/readyz").await.is_some() {
                server.ready = begun.elapsed();
                return Ok(server);
            }
            ensure!(
                server.child.try_wait()?.is_none(),
                "the server ended: see {}",
                config.with_extension("log").display()
            );
            ensure!(begun.elapsed() < Duration::from_secs(30), "the server does not become ready");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn proc(&self, file: &str) -> Result<String> {
        Ok(fs::read_to_string(PathBuf::from("/proc").join(self.child.id().to_string()).join(file))?)
    }

    /// The processor time that it has used.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        // proc(5): utime and stime are the fields 14 and 15, in hundredths of a second; the name of
        // the program, the second one, ends with the last parenthesis.
        let stat = self.proc("stat")?;
        let (_, fields) = stat.rsplit_once(')').context("no parenthesis")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Its resident memory in MiB, without the mapped pages of the database file, which belong to the page cache of the
    /// system.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn memory(&self) -> Result<f64> {
        let (mut kib, mut is_database) = (0.0, false);
        for line in self.proc("smaps")?.lines() {
            let mut fields = line.split_whitespace();
            match fields.next() {
                // proc(5): addresses, permissions, offset, device, inode, and what is mapped.
                Some(addresses) if addresses.contains('-') => is_database = line.ends_with(".db"),
                Some("Rss:") if !is_database => {
                    kib += fields.next().context("no size")?.parse::<f64>()?;
                }
                Some(_) | None => {}
            }
        }
        Ok(kib / 1024.0)
    }

    /// Stops it, and waits for the end of its shutdown.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub(crate) fn stop(mut self) -> Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let ended = self.child.wait()?;
        ensure!(ended.success(), "the server ended with {ended}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program that serves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Program<'a> {
    /// This one, with the no-op routes.
    Bench,
    /// `gatewright serve`.
    Production(&'a Path),
}

/// The response to a GET request, unless it is another one than 200.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Option<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let mut response = String::new();
    stream.write_all(request.as_bytes()).await.ok()?;
    stream.read_to_string(&mut response).await.ok()?;
    response.starts_with("HTTP/1.1 200").then_some(response)
}
