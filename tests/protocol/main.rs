//! The protocol, spoken over HTTP to a server in the same process: one file per document, one test per
//! sentence of it. See tests/README.md.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "that is how a test says no"
)]

mod acts;
mod application;
mod authority;
mod browser;
mod caller;
mod certificates;
mod holder;
mod http;
mod jwt;
mod pebble;
mod publisher;
mod receivers;
mod responder;
mod server;
mod until;
mod ways_out;

mod account_page;
mod accounts;
mod anonymous_state;
mod audit;
mod built_in_ca;
mod clocks;
mod connections;
mod consent;
mod database_faults;
mod docs;
mod errors;
mod expiry;
mod failovers;
mod floods;
mod forward_auth;
mod fuzz;
mod gone;
mod headers;
mod inventory;
mod jwt_sites;
mod key_rotation;
mod languages;
mod limits;
mod listeners;
mod liveness;
mod logs;
mod oidc_core_authentication;
mod oidc_core_id_token;
mod oidc_core_userinfo;
mod oidc_logout;
mod outbox;
mod pages;
mod published_revocation;
mod races;
mod readiness;
mod reload;
mod repeated_forms;
mod rfc5280_revocation;
mod rfc6066_status;
mod rfc6749_authorize;
mod rfc6749_client;
mod rfc6749_client_credentials;
mod rfc6749_code;
mod rfc6749_refresh;
mod rfc6750_bearer;
mod rfc7009_revocation;
mod rfc7030_est;
mod rfc7523_assertions;
mod rfc7636_pkce;
mod rfc7662_introspection;
mod rfc8252_native_apps;
mod rfc8414_metadata;
mod rfc8555_acme;
mod rfc8705_binding;
mod rfc8705_certificates;
mod rfc8705_tls;
mod rfc8707_resources;
mod rfc9207_issuer;
mod rfc9440_headers;
mod rfc9449_binding;
mod rfc9449_dpop;
mod rfc9449_nonces;
mod single_use;
mod supervision;
mod sweeping;
mod throttling;
