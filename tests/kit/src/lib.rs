//! The kit of the tests: a server in the same process, clients, browsers, certificates and receivers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    missing_debug_implementations,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::new_without_default,
    reason = "a test that cannot go on fails"
)]

pub mod administration;
pub mod administrators;
pub mod application;
pub mod browser;
pub mod built_in_ca;
pub mod ca;
pub mod client_certificates;
pub mod dpop;
pub mod expiry;
pub mod http;
pub mod inventory;
pub mod jwks_server;
pub mod jwt;
pub mod keys;
pub mod log;
pub mod outbox;
pub mod pebble;
pub mod receivers;
pub mod responder;
pub mod server;
pub mod stapling;
pub mod tables;
pub mod tls_client;
pub mod wait;
