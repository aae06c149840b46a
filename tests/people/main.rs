//! Sign-in, consent, sessions and the account page: over HTTP, against a server in the same process. See tests/README.md.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod account_page;
mod accounts;
mod anonymous_state;
mod consent;
mod console_administrators;
mod console_apis;
mod console_applications;
mod console_people;
mod console_refusals;
mod languages;
mod links;
mod pages;
mod repeated_forms;
mod throttling;
mod ways_out;
