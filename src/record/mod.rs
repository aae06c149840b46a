//! Audit events, metrics, and the log line of a refusal.

mod clock;
mod context;
mod event;
pub mod metrics;
pub mod notice;
mod recorder;
mod supervisor;

pub use clock::{Clock, Steady};
pub use context::Context;
pub use event::{Event, Kind, Trace, WITHDRAWAL};
pub use metrics::Metrics;
pub use recorder::{Issued, Recorder, Reserved};
pub use supervisor::Supervisor;
