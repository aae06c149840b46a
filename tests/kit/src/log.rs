//! What the server under test logs.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

/// All that is logged on this thread, which is all that the server of a test does.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    /// As the server logs in JSON.
    pub fn json() -> (Self, tracing::subscriber::DefaultGuard) {
        be_heard();
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
        be_heard();
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

/// Before a test listens: where there is but one listener, `tracing` asks the thread that comes to a line first whether
/// anybody wants to hear of it, and the thread of another test says no for all. So there is always a second one.
pub fn be_heard() {
    static BESIDE: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&BESIDE);
}
