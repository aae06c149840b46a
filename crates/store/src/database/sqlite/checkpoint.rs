//! Checkpoints: copying the write-ahead log into the database file.
//!
//! SQLite would copy within a commit, and everything that waits for the writer would wait for it as well. Here a thread
//! of its own copies while the writer appends. The writer copies only the frames that were appended meanwhile, and
//! then begins the log anew, so that it does not grow without limit.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Options;
use super::connection::{Connection, Copied};
use crate::database::fault;

/// The frames of the log, of one page each, at which a server begins a checkpoint: 16 MiB.
const BEGIN: i32 = 4096;

/// The same for a command: it leaves checkpoints to the server, if there is one.
const BEGIN_IN_COMMAND: i32 = 4 * BEGIN;

/// After how many more frames a checkpoint that did not succeed is repeated.
const AGAIN: i32 = 1024;

/// The most frames that are left to the writer, which copies them in a few milliseconds.
const REST: i32 = 128;

/// The most times that the thread copies what was appended while it copied.
const ROUNDS: usize = 10;

/// How long the writer waits for readers of the log before it begins it anew. Others read the database file by then.
const READERS: Duration = Duration::from_millis(5);

thread_local! {
    /// The frames of the log after the last commit of this thread.
    static FRAMES: Cell<i32> = const { Cell::new(0) };
}

/// Counts the frames of the log after each commit of a connection; replaces SQLite's own checkpoints.
pub(super) fn count_frames(connection: &rusqlite::Connection) {
    connection.wal_hook(Some(|_, frames| {
        FRAMES.set(frames);
        Ok(())
    }));
}

/// The writer's side of the thread that copies.
#[derive(Debug)]
pub(super) struct Checkpointer {
    options: Options,
    thread: Option<Thread>,
    is_copied: Arc<AtomicBool>,
    /// The frames of a new log at which a checkpoint begins.
    first: i32,
    /// The frames of the log at which the next checkpoint begins.
    next: i32,
}

#[derive(Debug)]
struct Thread {
    begin: SyncSender<()>,
    handle: JoinHandle<()>,
}

impl Checkpointer {
    /// The thread is started by the first checkpoint: commands write too little for one.
    pub(super) fn new(options: &Options) -> Self {
        let first = if options.is_server { BEGIN } else { BEGIN_IN_COMMAND };
        let is_copied = Arc::new(AtomicBool::new(false));
        Self { options: options.clone(), thread: None, is_copied, first, next: first }
    }

    /// What is due between two transactions of the writer.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let frames = FRAMES.get();
        if self.is_copied.swap(false, Ordering::Acquire) {
            self.next = match writer.restart_log(READERS) {
                Ok(true) => self.first,
                // A statement still reads the log.
                Ok(false) => frames.saturating_add(AGAIN),
                Err(error) => {
                    warn(&error);
                    frames.saturating_add(AGAIN)
                }
            };
        } else if frames >= self.next {
            self.next = frames.saturating_add(AGAIN);
            self.begin();
        }
    }

    fn begin(&mut self) {
        let thread = match &mut self.thread {
            Some(thread) => thread,
            none => match Thread::start(&self.options, &self.is_copied) {
                Ok(thread) => none.insert(thread),
                Err(error) => return tracing::error!(%error, "no thread could be started"),
            },
        };
        // If it is copying, it has no place for another command.
        if let Err(TrySendError::Disconnected(())) = thread.begin.try_send(()) {
            // The next checkpoint starts another one.
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(Thread { begin, handle }) = self.thread.take() {
            drop(begin);
            if handle.join().is_err() {
                tracing::error!("the thread that copies the log of the database panicked");
            }
        }
    }
}

impl Thread {
    fn start(options: &Options, is_copied: &Arc<AtomicBool>) -> std::io::Result<Self> {
        let (begin, begun) = sync_channel(1);
        let (options, is_copied) = (options.clone(), is_copied.clone());
        let thread = std::thread::Builder::new().name("sqlite".to_owned());
        let handle = thread.spawn(move || copy(&options, &begun, &is_copied))?;
        Ok(Self { begin, handle })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Copies whenever it is told to.
fn copy(options: &Options, begun: &Receiver<()>, is_copied: &AtomicBool) {
    let mut opened = None;
    while begun.recv().is_ok() {
        let connection = match &mut opened {
            Some(connection) => Ok(connection),
            none => Connection::writing(options).map(|connection| none.insert(connection)),
        };
        match connection.and_then(|connection| copy_most(connection)) {
            Ok(is_most) => is_copied.store(is_most, Ordering::Release),
            Err(error) => warn(&error),
        }
    }
}

/// Copies until hardly anything is left. `false`: a statement reads the log, which must not be copied over what it
/// reads, or another process copies it.
fn copy_most(connection: &Connection) -> rusqlite::Result<bool> {
    let mut before = 0;
    for _ in 0..ROUNDS {
        let Some(Copied { frames, frames_copied }) = connection.copy_log()? else {
            return Ok(false);
        };
        if frames - frames_copied <= REST {
            return Ok(true);
        }
        if frames_copied <= before {
            return Ok(false);
        }
        before = frames_copied;
    }
    // More is written than can be copied beside it: the writer has to wait.
    Ok(true)
}

/// The log still has what was not copied, and the next checkpoint copies it.
fn warn(error: &rusqlite::Error) {
    tracing::warn!(error = %fault::of_sqlite(error), "the log of the database could not be copied into its file");
}
