//! The real binary, as people start it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "that is how a test says no"
)]

mod cli;
mod place;
