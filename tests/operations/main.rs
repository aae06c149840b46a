//! Logs, audit trail, limits, readiness, background jobs, faults of the database: over HTTP, against a server in the same process. See tests/README.md.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod audit;
mod clocks;
mod connections;
mod database_faults;
mod docs;
mod errors;
mod floods;
mod fuzz;
mod headers;
mod limits;
mod listeners;
mod logs;
mod outbox;
mod readiness;
mod reload;
mod supervision;
mod sweeping;
