//! The log: lines on the standard error stream, written by a thread of their own.
//!
//! Nobody waits for whoever reads the log: where it does not keep up, lines are dropped and counted
//! (THREATS LG-06).

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Log, LogFormat};

/// Lines that wait to be written.
const WAITING: usize = 8192;

/// As long as it lives, the log is written; dropped, it writes what waits.
#[derive(Debug)]
pub struct Logging {
    lines: Lines,
    thread: Option<JoinHandle<()>>,
}

/// Begins to log, panics included.
///
/// # Errors
/// When something logs already.
pub fn start(config: &Log) -> anyhow::Result<Logging> {
    let (sender, receiver) = sync_channel(WAITING);
    let lines = Lines { sender, dropped: Arc::default() };
    let dropped = lines.dropped.clone();
    let write = move || write(&receiver, &dropped, &mut io::stderr());
    let thread = std::thread::Builder::new().name("log".to_owned()).spawn(write)?;

    // The library warns of every alert that a stranger sends: whoever likes could fill the log. What
    // becomes of a handshake we tell ourselves.
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
    Ok(Logging { lines, thread: Some(thread) })
}

impl Drop for Logging {
    fn drop(&mut self) {
        // The thread ends after what was sent before; where it is gone, there is nothing to wait for.
        let _ = self.lines.sender.send(Sent::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
enum Sent {
    Line(Vec<u8>),
    End,
}

/// Takes the lines.
#[derive(Clone, Debug)]
struct Lines {
    sender: SyncSender<Sent>,
    dropped: Arc<AtomicU64>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: self, text: Vec::with_capacity(256) }
    }
}

/// One of them.
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
            self.lines.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes lines, as many at once as there are.
fn write(lines: &Receiver<Sent>, dropped: &AtomicU64, out: &mut impl Write) {
    const AT_ONCE: usize = 64 * 1024;
    let mut text = Vec::with_capacity(AT_ONCE);
    let mut is_open = true;
    while is_open && let Ok(first) = lines.recv() {
        let mut next = Some(first);
        while let Some(sent) = next {
            match sent {
                Sent::Line(line) => text.extend_from_slice(&line),
                Sent::End => is_open = false,
            }
            next = if is_open && text.len() < AT_ONCE { lines.try_recv().ok() } else { None };
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            text.extend_from_slice(
                format!("{{\"message\":\"{lost} lines of the log were dropped\"}}\n").as_bytes(),
            );
        }
        // Nobody is left to tell that it did not work.
        let _ = out.write_all(&text);
        text.clear();
    }
}
