//! The administration API: over HTTP, against a server in the same process. See tests/README.md.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod access;
mod administrators;
mod audit;
mod canaries;
mod clients;
mod doors;
mod inventory;
mod matrix;
mod openapi;
mod resources;
mod roles;
mod users;
