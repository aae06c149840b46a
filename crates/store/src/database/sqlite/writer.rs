//! The thread that writes, and its groups.
//!
//! Transactions that wait at the same time are committed together, so that they share one flush of the disk. Each is
//! a savepoint of its own and fails alone. No response leaves before the commit, and a commit that fails fails all of
//! them (THREATS EX-01).

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::checkpoint::{self, Checkpointer};
use super::connection::{Connection, QueryResult};
use super::queue::Queue;
use super::{Options, bounded};
use crate::database::db::{BoundValue, Fetch};
use crate::database::fault;

/// The most transactions of a group.
const MOST: usize = 64;

/// How long a group accepts more transactions: bounds how long the first one waits for the commit.
const LONGEST: Duration = Duration::from_millis(2);

/// How long a group waits for one more transaction, if others than its first one wait. A flush costs the processor more
/// than a transaction: without this, many requests at once would be committed nearly one by one.
const LINGER: Duration = Duration::from_micros(200);

/// The longest that it waits for all of them.
const GATHER: Duration = Duration::from_millis(1);

/// Collects statistics for the planner at the end, except of small tables: they may grow a thousandfold before the
/// next ones are collected, and a planner that believes a table to have few rows reads all of it.
const STATISTICS: &str =
    "PRAGMA optimize; DELETE FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) < 1000";

/// A command to the writer.
pub(crate) enum Command {
    /// Statements that are one transaction.
    Batch(Batch, oneshot::Sender<sqlx::Result<QueryResult>>),
    /// A transaction whose statements follow one by one.
    Session(mpsc::UnboundedReceiver<Message>, oneshot::Sender<sqlx::Result<()>>),
    #[cfg(any(test, feature = "testing"))]
    With(With, oneshot::Sender<sqlx::Result<()>>),
}

#[cfg(any(test, feature = "testing"))]
pub(crate) type With = Box<dyn FnOnce(&rusqlite::Connection) -> rusqlite::Result<()> + Send>;

/// Statements that are one transaction, with common values. One that changes no row is the last.
#[derive(Debug)]
pub(crate) struct Batch {
    pub first: &'static str,
    pub others: &'static [&'static str],
    pub values: Vec<BoundValue>,
    /// Which rows of the first statement are returned.
    pub fetch: Fetch,
}

/// A statement of a session, or its end.
#[derive(Debug)]
pub(crate) enum Message {
    /// Statements with common values.
    Run(Batch, oneshot::Sender<sqlx::Result<QueryResult>>),
    /// Statements without values.
    Execute(&'static str, oneshot::Sender<sqlx::Result<()>>),
    /// The commit.
    Commit(oneshot::Sender<sqlx::Result<()>>),
}

/// Writes until the queue is closed.
pub(super) fn serve(options: &Options, queue: &Queue<Command>) {
    let mut opened = None;
    let mut checkpointer = Checkpointer::new(options);
    while let Some(command) = queue.next() {
        let connection = match &mut opened {
            Some(connection) => Ok(connection),
            none => open(options).map(|connection| none.insert(connection)),
        };
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                command.fail(fault::of_sqlite(error));
                continue;
            }
        };
        match command {
            Command::Batch(batch, reply) => Group::commit(connection, queue, batch, reply),
            Command::Session(messages, reply) => session(connection, messages, reply),
            #[cfg(any(test, feature = "testing"))]
            Command::With(work, reply) => {
                let _ = reply.send(work(connection.inner()).map_err(fault::of_sqlite));
            }
        }
        if connection.has_transaction() {
            // It could not be rolled back, and no other transaction may join it.
            opened = None;
        } else {
            checkpointer.after_commit(connection);
        }
    }
    drop(checkpointer);
    if let Some(connection) = opened
        && let Err(error) = connection.execute(STATISTICS)
    {
        tracing::debug!(error = %fault::of_sqlite(error), "no statistics were collected");
    }
}

fn open(options: &Options) -> rusqlite::Result<Connection> {
    let connection = Connection::writing(options)?;
    checkpoint::count_frames(connection.inner());
    Ok(connection)
}

impl Command {
    fn fail(self, error: sqlx::Error) {
        // The caller may be gone.
        match self {
            Self::Batch(_, reply) => drop(reply.send(Err(error))),
            Self::Session(_, reply) => drop(reply.send(Err(error))),
            #[cfg(any(test, feature = "testing"))]
            Self::With(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").finish_non_exhaustive()
    }
}

impl Batch {
    /// Runs it inside a transaction; after a failure, that must be rolled back.
    fn run(&self, connection: &mut Connection) -> rusqlite::Result<QueryResult> {
        let result = connection.run(self.first, &self.values, self.fetch)?;
        let mut changed = result.changed;
        for text in self.others {
            if changed == 0 {
                break;
            }
            changed = connection.run(text, &self.values, Fetch::None)?.changed;
        }
        Ok(result)
    }

    /// Runs it inside the transaction of a group. A failure undoes it, and nothing else of the group.
    fn run_in_group(&self, connection: &mut Connection) -> rusqlite::Result<QueryResult> {
        // SQLite undoes a statement that fails by itself.
        if self.others.is_empty() {
            return self.run(connection);
        }
        connection.run("SAVEPOINT batch", &[], Fetch::None)?;
        let result = self.run(connection);
        let ends: &[&str] = if result.is_ok() {
            &["RELEASE batch"]
        } else {
            &["ROLLBACK TO batch", "RELEASE batch"]
        };
        for end in ends {
            if connection.has_transaction()
                && let Err(error) = connection.run(end, &[], Fetch::None)
            {
                // What of it is in the transaction is unknown.
                connection.roll_back();
                return Err(error);
            }
        }
        result
    }
}

type Reply = oneshot::Sender<sqlx::Result<QueryResult>>;

/// Transactions that are committed together.
#[derive(Default)]
struct Group(Vec<(Reply, rusqlite::Result<QueryResult>)>);

impl Group {
    /// Commits a transaction, and with it those that wait.
    fn commit(connection: &mut Connection, queue: &Queue<Command>, batch: Batch, reply: Reply) {
        let waiting = gather(queue);
        if waiting.is_empty() && batch.others.is_empty() {
            let result = batch.run(connection);
            let _ = reply.send(result.map_err(fault::of_sqlite));
            return;
        }
        let mut waiting = waiting.into_iter();
        if let Err(error) = connection.begin() {
            for (_, reply) in std::iter::once((batch, reply)).chain(waiting) {
                let _ = reply.send(Err(fault::of_sqlite(&error)));
            }
            return;
        }
        let begun = Instant::now();
        let mut group = Self::default();
        let mut next = Some((batch, reply));
        while let Some((batch, reply)) = next.take() {
            let result = batch.run_in_group(connection);
            if !connection.has_transaction() {
                // > FULL, IOERR, NOMEM, BUSY and INTERRUPT may end the whole transaction (SQLite, in substance)
                let error = result.err().unwrap_or(rusqlite::Error::InvalidQuery);
                for reply in std::iter::once(reply).chain(waiting.map(|(_, reply)| reply)) {
                    let _ = reply.send(Err(fault::of_sqlite(&error)));
                }
                return group.fail(&error);
            }
            group.0.push((reply, result));
            next = waiting.next();
            if next.is_none() && group.0.len() < MOST && begun.elapsed() < LONGEST {
                next = next_batch(queue, Duration::ZERO);
            }
        }
        match connection.commit() {
            Ok(()) => group.succeed(),
            Err(error) => group.fail(&error),
        }
    }

    fn succeed(self) {
        for (reply, result) in self.0 {
            let _ = reply.send(result.map_err(fault::of_sqlite));
        }
    }

    /// Fails all of it by the error that ended the transaction.
    fn fail(self, error: &rusqlite::Error) {
        for (reply, result) in self.0 {
            let error = match result {
                Ok(_) => fault::of_sqlite(error),
                Err(own) => fault::of_sqlite(own),
            };
            let _ = reply.send(Err(error));
        }
    }
}

/// The transactions that wait. If there are any, others are probably on their way, and are waited for; the lock of
/// the file is not held meanwhile.
fn gather(queue: &Queue<Command>) -> Vec<(Batch, Reply)> {
    let mut waiting = Vec::new();
    let begun = Instant::now();
    let mut next = next_batch(queue, Duration::ZERO);
    while let Some(batch) = next.take() {
        waiting.push(batch);
        if waiting.len() + 1 < MOST && begun.elapsed() < GATHER {
            next = next_batch(queue, LINGER);
        }
    }
    waiting
}

/// The next command, if it is a batch; waits at most this long for one.
fn next_batch(queue: &Queue<Command>, wait: Duration) -> Option<(Batch, Reply)> {
    match queue.next_if(wait, |command| matches!(command, Command::Batch(..)))? {
        Command::Batch(batch, reply) => Some((batch, reply)),
        Command::Session(..) => None,
        #[cfg(any(test, feature = "testing"))]
        Command::With(..) => None,
    }
}

/// Serves a transaction whose statements follow one by one. If its sender is dropped, it is rolled back.
fn session(
    connection: &mut Connection,
    mut messages: mpsc::UnboundedReceiver<Message>,
    reply: oneshot::Sender<sqlx::Result<()>>,
) {
    let begun = connection.begin().map_err(fault::of_sqlite);
    let is_begun = begun.is_ok();
    if reply.send(begun).is_err() || !is_begun {
        return connection.roll_back();
    }
    while let Some(message) = messages.blocking_recv() {
        match message {
            Message::Run(batch, reply) => {
                let _ = reply.send(batch.run(connection).map_err(fault::of_sqlite));
            }
            Message::Execute(text, reply) => {
                let _ = reply.send(connection.execute(text).map_err(fault::of_sqlite));
            }
            Message::Commit(reply) => {
                let _ = reply.send(connection.commit().map_err(fault::of_sqlite));
                return;
            }
        }
    }
    connection.roll_back();
}

/// An open transaction that has the writer to itself. Dropped without [`Session::commit`], it is rolled back.
#[derive(Debug)]
pub(crate) struct Session {
    messages: mpsc::UnboundedSender<Message>,
    wait: Duration,
    /// Whether a statement has failed. PostgreSQL commits nothing then, and neither does SQLite here.
    has_failed: bool,
}

impl Session {
    pub(super) fn new(messages: mpsc::UnboundedSender<Message>, wait: Duration) -> Self {
        Self { messages, wait, has_failed: false }
    }

    async fn submit<T>(
        &mut self,
        message: impl FnOnce(oneshot::Sender<sqlx::Result<T>>) -> Message,
    ) -> sqlx::Result<T> {
        let (reply, response) = oneshot::channel();
        // If the writer is gone, so is the receiver of the response.
        let _ = self.messages.send(message(reply));
        let done =
            bounded(self.wait, async { response.await.unwrap_or(Err(sqlx::Error::WorkerCrashed)) });
        let done = done.await;
        self.has_failed |= done.is_err();
        done
    }

    /// Runs statements with common values, as a part of the transaction.
    pub(crate) async fn run(&mut self, batch: Batch) -> sqlx::Result<QueryResult> {
        self.submit(|reply| Message::Run(batch, reply)).await
    }

    /// Runs statements without values and rows.
    pub(crate) async fn execute(&mut self, text: &'static str) -> sqlx::Result<()> {
        self.submit(|reply| Message::Execute(text, reply)).await
    }

    /// Commits.
    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        if self.has_failed {
            return Err(fault::not_committed());
        }
        self.submit(Message::Commit).await
    }
}
