//! The embedded database: one thread writes, and some read (decision 0054).
//!
//! Every statement is sent to a thread of its own kind and its response awaited, so no statement blocks the server.
//! Each thread has one connection. The writer commits in groups: see [`writer`].

mod checkpoint;
mod connection;
mod queue;
mod reader;
mod row;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use self::queue::{Job, Queue};
use self::reader::Query;
use self::writer::Command;
use crate::database::db::{BoundValue, Fetch};
use crate::database::fault::no_response;
use crate::database::file::DatabaseFile;
use crate::database::waits::{Waits, bounded};

pub(crate) use self::connection::QueryResult;
pub(crate) use self::row::EmbeddedRow;
pub(crate) use self::writer::{Batch, Session};

/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(2);

/// Which file is opened, and how.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub path: PathBuf,
    /// How long to wait for the lock of the file, which other processes hold briefly.
    pub busy: Duration,
    pub waits: Waits,
    /// Whether this process serves requests; others work beside it.
    pub is_server: bool,
}

impl Options {
    /// The path in a URL: `sqlite:FILE`, or `sqlite://FILE`.
    pub(crate) fn path(url: &str) -> Option<&Path> {
        let path = url.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        (!path.is_empty()).then(|| Path::new(path))
    }
}

/// The threads of a database file. Dropped, they end once they are idle.
#[derive(Debug)]
pub(crate) struct Threads<J> {
    queue: Arc<Queue<J>>,
    waits: Waits,
    most: u32,
    file: Option<Arc<DatabaseFile>>,
    /// Closed when every thread has ended.
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

/// The threads that read.
pub(crate) type Readers = Threads<Query>;

/// The thread that writes.
pub(crate) type Writer = Threads<Command>;

impl<J: Send + 'static> Threads<J> {
    /// Starts `most` threads, each with a connection of its own that is opened when it is needed.
    fn start(
        options: &Options,
        most: u32,
        file: Option<Arc<DatabaseFile>>,
        serve: fn(&Options, &Queue<J>),
    ) -> sqlx::Result<Self> {
        let queue = Arc::new(Queue::default());
        let (running, ended) = mpsc::channel(1);
        for _ in 0..most {
            let (queue, options, running) = (queue.clone(), options.clone(), running.clone());
            let serving = move || {
                serve(&options, &queue);
                drop(running);
            };
            let thread = std::thread::Builder::new().name("sqlite".to_owned());
            thread.spawn(serving).map_err(sqlx::Error::Io)?;
        }
        let ended = tokio::sync::Mutex::new(ended);
        Ok(Self { queue, waits: options.waits, most, file, ended })
    }

    /// Sends a job to the threads, and waits for its response.
    ///
    /// A job whose turn has not come within the limit, or whose caller is gone by then, is never begun. One that
    /// was begun is completed.
    async fn submit<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<sqlx::Result<T>>) -> J,
    ) -> sqlx::Result<T> {
        if let Some(file) = &self.file {
            file.must_exist()?;
        }
        let (reply, mut response) = oneshot::channel();
        let place = Job::add(&self.queue, job(reply)).ok_or(sqlx::Error::PoolClosed)?;
        let response = match tokio::time::timeout(self.waits.lend, &mut response).await {
            Ok(response) => response,
            Err(_) if place.withdraw() => return Err(sqlx::Error::PoolTimedOut),
            Err(_) => match tokio::time::timeout(self.waits.statement, response).await {
                Ok(response) => response,
                Err(_) => return Err(no_response(self.waits.statement)),
            },
        };
        response.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// The number of threads, and of idle ones.
    pub(crate) fn connections(&self) -> (u32, usize) {
        (self.most, self.queue.idle())
    }

    /// Ends the threads once they have done what was asked before.
    pub(crate) async fn close(&self) {
        self.queue.close();
        let closed = bounded(CLOSE, async {
            let _: Option<()> = self.ended.lock().await.recv().await;
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::debug!(%error, "the database file was not closed in order");
        }
    }
}

impl<J> Drop for Threads<J> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Readers {
    /// Starts `most` readers.
    pub(crate) fn open(
        options: &Options,
        most: u32,
        file: Option<Arc<DatabaseFile>>,
    ) -> sqlx::Result<Self> {
        Self::start(options, most, file, reader::serve)
    }

    /// The rows of a statement that only reads.
    pub(crate) async fn read(
        &self,
        text: &'static str,
        values: Vec<BoundValue>,
        fetch: Fetch,
    ) -> sqlx::Result<QueryResult> {
        self.submit(|reply| Query { text, values, fetch, reply }).await
    }
}

impl Writer {
    /// Starts the writer.
    pub(crate) fn open(options: &Options, file: Option<Arc<DatabaseFile>>) -> sqlx::Result<Self> {
        Self::start(options, 1, file, writer::serve)
    }

    /// Runs statements as one transaction, and waits until it is committed.
    pub(crate) async fn write(&self, batch: Batch) -> sqlx::Result<QueryResult> {
        self.submit(|reply| Command::Batch(batch, reply)).await
    }

    /// Opens a transaction that has the writer to itself.
    pub(crate) async fn begin(&self) -> sqlx::Result<Session> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.submit(|reply| Command::Session(receiver, reply)).await?;
        Ok(Session::new(sender, self.waits.statement))
    }

    /// Runs something on the connection of the writer, without a time limit.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) async fn with(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> sqlx::Result<()> {
        let (reply, response) = oneshot::channel();
        let command = Command::With(Box::new(work), reply);
        let _place = Job::add(&self.queue, command).ok_or(sqlx::Error::PoolClosed)?;
        response.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}
