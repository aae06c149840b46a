//! The time limits of a connection: for the head of a request, for the next request, and for reading a response
//! (THREATS DO-03, EX-09).
//!
//! Time is measured below TLS, by the bytes received and sent: a peer that stops within a TLS record is as slow as
//! one that stops within a header field.

use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::config::Http;
use crate::types::Seconds;

/// The time limits of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// From the first byte of a request to the end of its head; for the first request, from the
    /// beginning of the connection.
    pub(super) head: Duration,
    /// From the end of one answer to the first byte of the next request.
    idle: Duration,
    /// The maximum time without progress while bytes wait to be sent.
    write: Duration,
}

impl Pace {
    pub(super) fn of(config: &Http) -> Self {
        let duration = |seconds: Seconds| Duration::from_secs(seconds.0.unsigned_abs());
        Self {
            head: duration(config.header_timeout),
            idle: duration(config.keep_alive),
            write: duration(config.request_timeout),
        }
    }
}

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Since then, no byte of the next request was received.
    Idle(Instant),
    /// The head of a request has been arriving since then.
    Head(Instant),
    /// A request is being answered; [`super::router::Router`] bounds that.
    Busy,
}

/// The state of a connection, shared by its stream, its service and [`watch_over`].
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

impl Activity {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(State::Head(Instant::now()))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of the first request begins; the handshake had its own.
    pub(super) fn begin(&self) {
        *self.state() = State::Head(Instant::now());
    }

    /// The head of a request is complete.
    pub(super) fn request_received(&self) {
        *self.state() = State::Busy;
    }

    /// Its response is being sent.
    pub(super) fn response_started(&self) {
        *self.state() = State::Idle(Instant::now());
    }

    /// Bytes were received. While a request is being answered they belong to its body; if they include the beginning
    /// of the next request, its time begins with its next byte.
    fn received(&self) {
        let mut state = self.state();
        if matches!(*state, State::Idle(_)) {
            *state = State::Head(Instant::now());
        }
    }

    /// Bytes of a response were sent.
    fn sent(&self) {
        if let State::Idle(since) = &mut *self.state() {
            *since = Instant::now();
        }
    }

    /// When the current limit ends, and which one; a connection that `is_closing` is not idle.
    fn due(&self, pace: &Pace, is_closing: bool) -> Option<(Instant, Overdue)> {
        match *self.state() {
            State::Head(since) => Some((since + pace.head, Overdue::Head)),
            State::Idle(since) if !is_closing => Some((since + pace.idle, Overdue::Request)),
            State::Idle(_) | State::Busy => None,
        }
    }
}

/// What was not received in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// The rest of a head, or the first one.
    Head,
    /// Another request.
    Request,
}

/// The result of [`watch_over`].
#[derive(Debug)]
pub(super) enum Watched<T> {
    /// The connection has ended.
    Ended(T),
    /// A limit was exceeded.
    Overdue(Overdue),
}

/// Serves a connection as long as its peer stays within the limits.
pub(super) async fn watch_over<T>(
    mut served: Pin<&mut impl Future<Output = T>>,
    activity: &Activity,
    pace: &Pace,
    is_closing: bool,
) -> Watched<T> {
    // Set to the earliest time at which a limit may end, and postponed only when it fires: most requests arrive in
    // one piece and need no timer.
    let mut alarm = pin!(sleep(pace.head.min(pace.idle)));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(ended) = served.as_mut().poll(cx) {
            return Poll::Ready(Watched::Ended(ended));
        }
        loop {
            let due = activity.due(pace, is_closing);
            if let Some((at, _)) = due
                && at < alarm.deadline()
            {
                alarm.as_mut().reset(at);
            }
            ready!(alarm.as_mut().poll(cx));
            let now = Instant::now();
            match due {
                Some((at, what)) if at <= now => return Poll::Ready(Watched::Overdue(what)),
                Some((at, _)) => alarm.as_mut().reset(at),
                // A limit that begins meanwhile sets it to an earlier time.
                None => alarm.as_mut().reset(now + pace.idle),
            }
        }
    })
    .await
}

/// A stream whose peer must read what it is sent.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    activity: Activity,
    write: Duration,
    /// Runs while bytes wait to be sent without progress.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: &Pace) -> Self {
        Self { stream, activity: Activity::new(), write: pace.write, stuck: None }
    }

    pub(super) fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// The result of a write; fails if it was blocked for too long.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stuck = None;
            self.activity.sent();
            return written;
        }
        let limit = self.write;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, NotRead)))
    }
}

/// The peer does not read what it is sent.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the peer does not read what it is sent")]
pub(super) struct NotRead;

impl NotRead {
    /// Whether this caused the failure of a connection.
    pub(super) fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut causes = std::iter::successors(Some(error), |error| error.source());
        causes.any(|cause| {
            let io = cause.downcast_ref::<io::Error>();
            io.and_then(io::Error::get_ref).is_some_and(|inner| inner.is::<Self>())
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.activity.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn pace(head: u64, idle: u64, write: Duration) -> Pace {
        Pace { head: Duration::from_secs(head), idle: Duration::from_secs(idle), write }
    }

    /// THREATS EX-09.
    #[tokio::test]
    async fn a_connection_whose_peer_does_not_read_is_closed() {
        let pace = pace(10, 75, Duration::from_millis(1));
        let (stream, mut peer) = tokio::io::duplex(4);
        let mut paced = Paced::new(stream, &pace);
        paced.write_all(b"1234").await.unwrap();

        let error = paced.write_all(b"5").await.unwrap_err();
        assert!(NotRead::caused(&error), "{error}");

        peer.read_exact(&mut [0; 4]).await.unwrap();
        paced.write_all(b"5").await.unwrap();
        assert!(paced.stuck.is_none(), "every sent byte restarts the timeout");
    }

    #[tokio::test]
    async fn a_connection_is_idle_until_the_first_byte_of_a_head() {
        let pace = pace(10, 75, Duration::from_secs(30));
        let (stream, mut peer) = tokio::io::duplex(64);
        let mut paced = Paced::new(stream, &pace);
        let activity = paced.activity();
        let due = |is_closing| activity.due(&pace, is_closing).map(|(_, what)| what);

        assert_eq!(due(false), Some(Overdue::Head), "the first request");
        activity.request_received();
        peer.write_all(b"a=b").await.unwrap();
        paced.read_exact(&mut [0; 3]).await.unwrap();
        assert_eq!(due(false), None, "bytes of the body");
        activity.response_started();
        assert_eq!(due(false), Some(Overdue::Request));
        assert_eq!(due(true), None, "a closing connection waits for no request");
        peer.write_all(b"G").await.unwrap();
        paced.read_exact(&mut [0; 1]).await.unwrap();
        assert_eq!(due(false), Some(Overdue::Head));
        assert_eq!(due(true), Some(Overdue::Head), "a head that has begun must come");
    }
}
