//! Waiting for something outside a test: a background job of the server, or another process.

use std::time::{Duration, Instant};

/// The longest time that a test waits.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
pub async fn until(what: &str, is_so: impl AsyncFnMut() -> bool) {
    let (begun, mut is_so) = (Instant::now(), is_so);
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "timed out: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
