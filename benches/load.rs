//! The load generator: connections that send a request, wait for the response and send the next one.
//!
//! It uses plain sockets, because it must need less processor time than the server: requests are prepared bytes, and
//! responses are parsed no further than the job requires.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The repeated work of one connection.
pub(crate) trait Work {
    /// Writes the next request.
    fn write_request(&mut self, request: &mut Vec<u8>);

    /// Reads its response.
    ///
    /// # Errors
    /// When it is not the expected one: errors must not count as throughput.
    fn read_response(&mut self, response: &Response<'_>) -> Result<Step>;

    /// How it connects; `None`: without TLS.
    fn tls(&self) -> Option<TlsTarget> {
        None
    }
}

/// A connection with TLS and a client certificate.
#[derive(Clone)]
pub(crate) struct TlsTarget {
    pub(crate) address: SocketAddr,
    pub(crate) connector: TlsConnector,
    pub(crate) name: ServerName<'static>,
    /// Whether each unit of work has a connection of its own, with a full handshake.
    pub(crate) per_request: bool,
}

/// Whether a unit of work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is.
    Done,
    /// It takes another request.
    More,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a str,
}

impl Response<'_> {
    /// Refuses another status.
    pub(crate) fn must_be(&self, status: u16) -> Result<()> {
        ensure!(self.status == status, "status {}: {} {}", self.status, self.head, self.body);
        Ok(())
    }

    /// Refuses another status than 200, and a body without this text.
    pub(crate) fn must_contain(&self, text: &str) -> Result<()> {
        self.must_be(200)?;
        ensure!(self.body.contains(text), "an unexpected response: {}", self.body);
        Ok(())
    }
}

impl std::fmt::Debug for TlsTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsTarget").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The part of `text` between two marks.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(between, _)| between)
}

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Closed loop: on each connection as soon as it has its response.
    Closed,
    /// Open loop: this many units of work per second over all connections, whether or not earlier ones have completed;
    /// waiting for a connection counts as waiting for the server.
    Open(f64),
}

/// The result of a measurement.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Completed units of work.
    pub(crate) done: usize,
    /// The duration.
    pub(crate) took: Duration,
    /// The latencies in microseconds, sorted.
    micros: Vec<u32>,
}

impl Measured {
    /// Units of work per second.
    pub(crate) fn rate(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64()
    }

    /// The longest latency, in milliseconds.
    pub(crate) fn longest(&self) -> f64 {
        self.percentile(1.0)
    }

    /// The percentile `part` of the latencies, in milliseconds.
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        let at = (self.micros.len() as f64 * part) as usize;
        let at = at.min(self.micros.len().saturating_sub(1));
        self.micros.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }
}

/// The work of a connection; its state outlives the connection.
pub(crate) type Worker = Box<dyn Work>;

/// The server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Whether the load generator busy-waits, because it has a core of its own. Otherwise a server that is slower than a
    /// no-op would have to wake it for each response, which costs the server 10 µs on a virtual machine. Clients on
    /// other machines do not cause this cost.
    pub(crate) busy_waits: bool,
}

/// Runs each of `workers` on a connection of its own.
///
/// # Errors
/// When a response is not the expected one.
pub(crate) async fn drive(
    to: Target,
    workers: &mut Vec<Worker>,
    pace: Pace,
    length: Duration,
) -> Result<Measured> {
    let count = workers.len();
    let tasks = LocalSet::new();
    let begun = Instant::now();
    let handles: Vec<_> = workers
        .drain(..)
        .enumerate()
        .map(|(number, worker)| {
            let schedule = match pace {
                Pace::Closed => None,
                Pace::Open(rate) => Some(Schedule {
                    first: begun + Duration::from_secs_f64(number as f64 / rate),
                    every: Duration::from_secs_f64(count as f64 / rate),
                }),
            };
            tasks.spawn_local(run_worker(to.address, worker, schedule, begun + length))
        })
        .collect();
    let mut tasks = std::pin::pin!(tasks);
    std::future::poll_fn(|cx| {
        let done = tasks.as_mut().poll(cx);
        if to.busy_waits {
            cx.waker().wake_by_ref();
        }
        done
    })
    .await;
    let took = begun.elapsed();
    let mut micros = Vec::new();
    for handle in handles {
        let (worker, own) = handle.await.context("a connection panicked")??;
        workers.push(worker);
        micros.extend(own);
    }
    micros.sort_unstable();
    Ok(Measured { done: micros.len(), took, micros })
}

/// When a connection sends its requests.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    first: Instant,
    every: Duration,
}

async fn run_worker(
    to: SocketAddr,
    mut worker: Worker,
    schedule: Option<Schedule>,
    until: Instant,
) -> Result<(Worker, Vec<u32>)> {
    let tls = worker.tls();
    let mut connection = Connection::to(to, tls.as_ref()).await?;
    let mut micros = Vec::with_capacity(16 * 1024);
    let mut due = schedule.map(|schedule| schedule.first);
    loop {
        let free = Instant::now();
        let mut begun = free;
        if let (Some(schedule), Some(at)) = (schedule, due) {
            if at >= until {
                break;
            }
            if at > free {
                tokio::time::sleep_until(at.into()).await;
                // The timer is coarse: its delay must not count as latency of the server.
                begun = Instant::now();
            } else {
                begun = at;
            }
            due = Some(at + schedule.every);
        } else if free >= until {
            break;
        }
        if tls.as_ref().is_some_and(|tls| tls.per_request) {
            connection = Connection::to(to, tls.as_ref()).await?;
        }
        while connection.exchange(worker.as_mut()).await? == Step::More {}
        micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok((worker, micros))
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn to(address: SocketAddr, tls: Option<&TlsTarget>) -> Result<Self> {
        let address = tls.map_or(address, |tls| tls.address);
        let stream = TcpStream::connect(address).await.context("the server does not accept")?;
        stream.set_nodelay(true)?;
        let stream = match tls {
            None => Stream::Clear(stream),
            Some(tls) => {
                let secured = tls.connector.connect(tls.name.clone(), stream).await;
                Stream::Secured(Box::new(secured.context("the TLS handshake failed")?))
            }
        };
        Ok(Self {
            stream,
            request: Vec::with_capacity(4096),
            response: Vec::with_capacity(16 * 1024),
        })
    }

    /// Sends a request and reads its response.
    pub(crate) async fn exchange(&mut self, work: &mut dyn Work) -> Result<Step> {
        self.request.clear();
        work.write_request(&mut self.request);
        self.stream.write_all(&self.request).await?;
        self.response.clear();
        let end = loop {
            if self.stream.read_buf(&mut self.response).await? == 0 {
                bail!("the server closed the connection in the middle of a response");
            }
            if let Some(end) = head_end(&self.response) {
                break end;
            }
        };
        let (status, length) = {
            let head = std::str::from_utf8(self.response.get(..end).unwrap_or_default())?;
            let status = head.get(9..12).and_then(|status| status.parse().ok());
            let status: u16 = status.context("the response has no status")?;
            (status, content_length(head)?)
        };
        while self.response.len() < end + length {
            if self.stream.read_buf(&mut self.response).await? == 0 {
                bail!("the server closed the connection in the middle of a response");
            }
        }
        let text = std::str::from_utf8(&self.response)?;
        let (head, body) = text.split_at_checked(end).context("a response that is not text")?;
        work.read_response(&Response { status, head, body })
    }
}

/// The transport.
#[derive(Debug)]
enum Stream {
    Clear(TcpStream),
    Secured(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Secured(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Secured(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secured(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// The length of the body. Names of header fields are written in different ways (RFC 9110 §5.1).
fn content_length(head: &str) -> Result<usize> {
    const NAME: &str = "content-length:";
    for line in head.split("\r\n") {
        if let Some((name, value)) = line.split_at_checked(NAME.len())
            && name.eq_ignore_ascii_case(NAME)
        {
            return Ok(value.trim().parse()?);
        }
    }
    Ok(0)
}

/// Where the head ends, the empty line included.
fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}
