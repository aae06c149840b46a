//! Waiting for what happens beside a test: a job of the server, another process.

use std::time::{Duration, Instant};

/// Whoever waits longer than this waits in vain.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
pub async fn until(what: &str, is_so: impl AsyncFnMut() -> bool) {
    let (begun, mut is_so) = (Instant::now(), is_so);
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
