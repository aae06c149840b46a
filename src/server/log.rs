//! The log: lines on the standard error stream, written by a thread of their own.
//!
//! No thread but that one ever waits for the reader of the log: while the reader does not keep up, lines
//! are dropped and counted, and how many were is reported when it reads again (THREATS LG-06, EX-05).
//! Decisions 0030 and 0053 explain why this is not a library's.

use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Log, LogFormat};
use crate::record::metrics::log_lines_dropped;

/// The capacity of the queue, in lines.
const CAPACITY: usize = 8192;

/// How long the end of the process waits for queued lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The running log. When dropped, it writes the queued lines, unless the reader is stalled.
#[derive(Debug)]
pub struct Logging {
    lines: Lines,
    /// Disconnected once the thread has ended.
    ended: Receiver<()>,
}

/// Starts logging, including panics.
///
/// # Errors
/// Another subscriber is installed already, or the thread cannot be started.
pub fn start(config: &Log) -> anyhow::Result<Logging> {
    let (sender, receiver) = sync_channel(CAPACITY);
    let lines = Lines { sender };
    let (ends, ended) = channel::<()>();
    let write = move || {
        let mut reported = 0;
        let mut write = || write(&receiver, &mut reported, &mut io::stderr());
        // A panic must not end the log.
        while std::panic::catch_unwind(AssertUnwindSafe(&mut write)).is_err() {}
        drop(ends);
    };
    std::thread::Builder::new().name("log".to_owned()).spawn(write)?;

    // rustls warns of every TLS alert, so any client could fill the log. We log failed handshakes ourselves.
    let filter = EnvFilter::try_new(format!("rustls=error,{}", config.level.as_str()))?;
    let log = fmt().with_env_filter(filter).with_writer(lines.clone());
    let begun = match config.format {
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
        }
        LogFormat::Text => log.with_ansi(false).try_init(),
    };
    begun.map_err(|error| anyhow::anyhow!(error))?;
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a panic: {}", panic.payload_as_str().unwrap_or_default());
    }));
    Ok(Logging { lines, ended })
}

impl Drop for Logging {
    fn drop(&mut self) {
        let deadline = Instant::now() + FLUSH_TIMEOUT;
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut end = Sent::End;
        while let Err(TrySendError::Full(back)) = self.lines.sender.try_send(end) {
            if left().is_zero() {
                return;
            }
            end = back;
            std::thread::sleep(Duration::from_millis(10));
        }
        // The thread ends after the lines queued before. The process does not wait for a blocked write.
        let _ = self.ended.recv_timeout(left());
    }
}

#[derive(Debug)]
enum Sent {
    Line(Vec<u8>),
    End,
}

/// Queues lines.
#[derive(Clone, Debug)]
struct Lines {
    sender: SyncSender<Sent>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: self, text: Vec::with_capacity(256) }
    }
}

/// A line that is queued when dropped.
struct Line<'a> {
    lines: &'a Lines,
    text: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let text = std::mem::take(&mut self.text);
        if self.lines.sender.try_send(Sent::Line(text)).is_err() {
            log_lines_dropped().inc();
        }
    }
}

/// Writes queued lines in batches. `reported`: how many dropped lines the log has reported.
fn write(lines: &Receiver<Sent>, reported: &mut u64, out: &mut impl Write) {
    const AT_ONCE: usize = 64 * 1024;
    let mut text = Vec::with_capacity(AT_ONCE);
    let mut is_open = true;
    while is_open && let Ok(first) = lines.recv() {
        let mut next = Some(first);
        let mut count = 0;
        while let Some(sent) = next {
            match sent {
                Sent::Line(line) => {
                    text.extend_from_slice(&line);
                    count += 1;
                }
                Sent::End => is_open = false,
            }
            next = if is_open && text.len() < AT_ONCE { lines.try_recv().ok() } else { None };
        }
        let written = out.write_all(&text);
        text.clear();
        if written.is_err() {
            // Only the metrics can report this.
            log_lines_dropped().inc_by(count);
            continue;
        }
        let dropped = log_lines_dropped().get();
        if dropped > *reported {
            let lines = dropped - *reported;
            *reported = dropped;
            // This line is queued behind those that wait.
            tracing::error!(lines, "lines of the log were dropped: its reader did not keep up");
        }
    }
}
