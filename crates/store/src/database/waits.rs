//! The limits of waits.

use std::time::Duration;

use crate::database::fault::no_response;

/// The limits of waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    /// For a connection: for a place, and for connecting.
    pub lend: Duration,
    /// For a statement.
    pub statement: Duration,
}

/// Waits for `work`, with a limit.
pub(crate) async fn bounded<T>(
    wait: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    tokio::time::timeout(wait, work).await.unwrap_or_else(|_| Err(no_response(wait)))
}
