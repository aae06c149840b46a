//! OpenID Connect: over HTTP, against a server in the same process. See tests/README.md.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod oidc_core_authentication;
mod oidc_core_id_token;
mod oidc_core_userinfo;
mod oidc_logout;
