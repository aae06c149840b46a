//! Certificates: the built-in CA, revocation, TLS, mTLS, ACME, EST: over HTTP, against a server in the same process. See tests/README.md.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod built_in_ca;
mod expiry;
mod inventory;
mod published_revocation;
mod rfc5280_revocation;
mod rfc6066_status;
mod rfc7030_est;
mod rfc8555_acme;
mod rfc8705_binding;
mod rfc8705_certificates;
mod rfc8705_tls;
mod rfc9440_headers;
