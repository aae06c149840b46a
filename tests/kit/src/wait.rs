//! Waiting for something outside a test: a background job of the server, or another process.

use std::time::{Duration, Instant};

/// The longest time that a test waits.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
pub async fn wait_until(what: &str, condition: impl AsyncFnMut() -> bool) {
    let (started_at, mut condition) = (Instant::now(), condition);
    while !condition().await {
        assert!(started_at.elapsed() < TIMEOUT, "timed out: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
