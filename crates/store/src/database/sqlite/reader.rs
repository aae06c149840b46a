//! A thread that reads.

use tokio::sync::oneshot;

use super::Options;
use super::connection::{Answer, Connection};
use super::queue::Queue;
use crate::database::db::{BoundValue, Form};
use crate::database::fault;

/// A statement that only reads.
#[derive(Debug)]
pub(crate) struct Query {
    pub text: &'static str,
    pub values: Vec<BoundValue>,
    pub form: Form,
    pub reply: oneshot::Sender<sqlx::Result<Answer>>,
}

/// Answers queries until the queue is closed.
pub(super) fn serve(options: &Options, queue: &Queue<Query>) {
    let mut opened = None;
    while let Some(Query { text, values, form, reply }) = queue.next() {
        let connection = match &mut opened {
            Some(connection) => Ok(connection),
            none => Connection::reading(options).map(|connection| none.insert(connection)),
        };
        let answer = connection.and_then(|connection| connection.run(text, &values, form));
        // The caller may be gone.
        let _ = reply.send(answer.map_err(fault::of_sqlite));
    }
}
