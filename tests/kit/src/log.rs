//! The log of the server under test.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

/// Everything logged on this thread; a test's server runs on its thread only.
#[derive(Clone, Default)]
pub struct CapturedLog(Arc<Mutex<Vec<u8>>>);

impl Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl CapturedLog {
    /// Captures the log in the server's JSON format.
    pub fn json() -> (Self, tracing::subscriber::DefaultGuard) {
        enable_callsites();
        let captured = Self::default();
        let writer = captured.clone();
        let log = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        (captured, tracing::subscriber::set_default(log))
    }

    pub fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        enable_callsites();
        let captured = Self::default();
        let writer = captured.clone();
        let log = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (captured, tracing::subscriber::set_default(log))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Registers a second subscriber. With a single one, `tracing` caches for each callsite whether it is
/// enabled on the thread that reaches it first, so the thread of another test could disable it for all.
pub fn enable_callsites() {
    static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&SECOND);
}
