//! A thread that reads.

use tokio::sync::oneshot;

use super::Options;
use super::connection::{Connection, QueryResult};
use super::queue::Queue;
use crate::database::db::{BoundValue, Fetch};
use crate::database::fault;

/// A statement that only reads.
#[derive(Debug)]
pub(crate) struct Query {
    pub text: &'static str,
    pub values: Vec<BoundValue>,
    pub fetch: Fetch,
    pub reply: oneshot::Sender<sqlx::Result<QueryResult>>,
}

/// Answers queries until the queue is closed.
pub(super) fn serve(options: &Options, queue: &Queue<Query>) {
    let mut opened = None;
    while let Some(Query { text, values, fetch, reply }) = queue.next() {
        let connection = match &mut opened {
            Some(connection) => Ok(connection),
            none => Connection::reading(options).map(|connection| none.insert(connection)),
        };
        let result = connection.and_then(|connection| connection.run(text, &values, fetch));
        // The caller may be gone.
        let _ = reply.send(result.map_err(fault::of_sqlite));
    }
}
