//! The load: connections that ask, wait for the answer and ask again.
//!
//! Written over bare sockets, because whoever measures a server from the core beside it must be
//! cheaper than the server: a request is bytes that were prepared before, an answer is looked at no
//! closer than a piece of work needs.

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

/// What one connection does, again and again.
pub(crate) trait Work {
    /// Writes the next request.
    fn ask(&mut self, request: &mut Vec<u8>);

    /// Reads its answer.
    ///
    /// # Errors
    /// When it is not the one that was expected: a wrong answer is no speed.
    fn hear(&mut self, answer: &Answer<'_>) -> Result<Step>;

    /// How it connects; in clear, unless it says otherwise.
    fn door(&self) -> Option<Door> {
        None
    }
}

/// A connection with TLS and a client certificate.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) connector: TlsConnector,
    pub(crate) name: ServerName<'static>,
    /// Whether each piece of work has a connection of its own, with a whole handshake.
    pub(crate) anew: bool,
}

/// Whether a piece of work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is.
    Done,
    /// It takes another request.
    More,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a str,
}

impl Answer<'_> {
    /// Refuses another status.
    pub(crate) fn must_be(&self, status: u16) -> Result<()> {
        ensure!(
            self.status == status,
            "answered with {}: {} {}",
            self.status,
            self.head,
            self.body
        );
        Ok(())
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The piece of `text` between two marks.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// How fast to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Each connection as soon as it has its answer.
    Closed,
    /// So many pieces of work a second over all connections, whether or not answers keep up: who waits
    /// for a connection counts as waiting for the server.
    Open(f64),
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Pieces of work.
    pub(crate) done: usize,
    /// How long that took.
    pub(crate) took: Duration,
    /// Of each piece, in microseconds, sorted.
    micros: Vec<u32>,
}

impl Measured {
    /// Pieces a second.
    pub(crate) fn rate(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64()
    }

    /// The longest latency, in milliseconds.
    pub(crate) fn longest(&self) -> f64 {
        self.percentile(1.0)
    }

    /// The latency that `part` of the pieces stayed below, in milliseconds.
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        let at = (self.micros.len() as f64 * part) as usize;
        let at = at.min(self.micros.len().saturating_sub(1));
        self.micros.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }
}

/// A connection and what it does. What it knows outlives the connection.
pub(crate) type Worker = Box<dyn Work>;

/// Where to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct To {
    pub(crate) address: SocketAddr,
    /// Whether the core of the load is its own. Then it never sleeps: a server that is slower than a no-op
    /// would have to wake it for each answer, which costs the server 10 µs on a virtual machine, and costs
    /// it nothing where its clients are on other machines.
    pub(crate) awake: bool,
}

/// Lets each of `workers` work on a connection of its own.
///
/// # Errors
/// When an answer is not the one that was expected.
pub(crate) async fn drive(
    to: To,
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
            let turn = match pace {
                Pace::Closed => None,
                Pace::Open(rate) => Some(Turn {
                    first: begun + Duration::from_secs_f64(number as f64 / rate),
                    every: Duration::from_secs_f64(count as f64 / rate),
                }),
            };
            tasks.spawn_local(one(to.address, worker, turn, begun + length))
        })
        .collect();
    let mut tasks = std::pin::pin!(tasks);
    std::future::poll_fn(|cx| {
        let done = tasks.as_mut().poll(cx);
        if to.awake {
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

/// When a connection has to ask.
#[derive(Clone, Copy, Debug)]
struct Turn {
    first: Instant,
    every: Duration,
}

async fn one(
    to: SocketAddr,
    mut worker: Worker,
    turn: Option<Turn>,
    until: Instant,
) -> Result<(Worker, Vec<u32>)> {
    let door = worker.door();
    let mut wire = Wire::to(to, door.as_ref()).await?;
    let mut micros = Vec::with_capacity(16 * 1024);
    let mut due = turn.map(|turn| turn.first);
    loop {
        let free = Instant::now();
        let mut begun = free;
        if let (Some(turn), Some(at)) = (turn, due) {
            if at >= until {
                break;
            }
            if at > free {
                tokio::time::sleep_until(at.into()).await;
                // The timer is coarse; that it comes late is not the server's doing.
                begun = Instant::now();
            } else {
                begun = at;
            }
            due = Some(at + turn.every);
        } else if free >= until {
            break;
        }
        if door.as_ref().is_some_and(|door| door.anew) {
            wire = Wire::to(to, door.as_ref()).await?;
        }
        while wire.talk(worker.as_mut()).await? == Step::More {}
        micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok((worker, micros))
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub(crate) async fn to(address: SocketAddr, door: Option<&Door>) -> Result<Self> {
        let address = door.map_or(address, |door| door.address);
        let stream = TcpStream::connect(address).await.context("the server does not accept")?;
        stream.set_nodelay(true)?;
        let stream = match door {
            None => Stream::Clear(stream),
            Some(door) => {
                let secured = door.connector.connect(door.name.clone(), stream).await;
                Stream::Secured(Box::new(secured.context("the TLS handshake failed")?))
            }
        };
        Ok(Self {
            stream,
            request: Vec::with_capacity(4096),
            answer: Vec::with_capacity(16 * 1024),
        })
    }

    /// Asks once.
    pub(crate) async fn talk(&mut self, work: &mut dyn Work) -> Result<Step> {
        self.request.clear();
        work.ask(&mut self.request);
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let end = loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the server closed the connection in the middle of an answer");
            }
            if let Some(end) = head_end(&self.answer) {
                break end;
            }
        };
        let (status, length) = {
            let head = std::str::from_utf8(self.answer.get(..end).unwrap_or_default())?;
            let status = head.get(9..12).and_then(|status| status.parse().ok());
            let status: u16 = status.context("the answer has no status")?;
            let length = between(head, "content-length: ", "\r\n");
            (status, length.map_or(Ok(0), str::parse::<usize>)?)
        };
        while self.answer.len() < end + length {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the server closed the connection in the middle of an answer");
            }
        }
        let text = std::str::from_utf8(&self.answer)?;
        let (head, body) = text.split_at_checked(end).context("an answer that is not text")?;
        work.hear(&Answer { status, head, body })
    }
}

/// What it goes over.
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

/// Where the head ends, the empty line included.
fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}
