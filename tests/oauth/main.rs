//! OAuth 2.1 and the RFCs around it: over HTTP, against a server in the same process. See tests/README.md.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod deletions;
mod failovers;
mod forward_auth;
mod jwt_sites;
mod key_rotation;
mod liveness;
mod races;
mod rfc6749_authorize;
mod rfc6749_client;
mod rfc6749_client_credentials;
mod rfc6749_code;
mod rfc6749_refresh;
mod rfc6750_bearer;
mod rfc7009_revocation;
mod rfc7523_assertions;
mod rfc7636_pkce;
mod rfc7662_introspection;
mod rfc8252_native_apps;
mod rfc8414_metadata;
mod rfc8707_resources;
mod rfc9207_issuer;
mod rfc9449_binding;
mod rfc9449_dpop;
mod rfc9449_nonces;
mod single_use;
