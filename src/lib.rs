//! Gatewright: an OAuth 2.1 authorization server and OpenID Provider, in layers.
//!
//! | layer                   | contains                                                   | is independent of          |
//! |-------------------------|------------------------------------------------------------|----------------------------|
//! | `cli`                   | the command line, the process                              | the protocol               |
//! | `server`                | listeners, signals, background jobs                        | endpoints one by one       |
//! | `web` · `page`          | protocol endpoints · pages for users                       | SQL, token formats         |
//! | `api` · `console`       | the API · the pages for administrators                     | SQL, token formats         |
//! | `render`                | responses for results, refusals and failures               | the endpoint               |
//! | `app`                   | the dependencies of handlers                               | single requests            |
//! | `admin`                 | administration: one function per action                    | HTTP, the command line     |
//! | `flow`                  | the rules of the RFCs                                      | HTTP, SQL                  |
//! | `people` · `pki`        | accounts: passwords, sessions, throttling · certificates   | HTTP, SQL                  |
//! | `outbound`              | the one HTTP client                                        | the purpose of a request   |
//! | `record`                | audit events and metrics                                   | rules                      |
//! | [`store`] · [`verify`]  | SQL · verification of access tokens at an API              | rules · the server         |
//! | [`config`] · `x509`     | the configuration file · certificates as data              | its readers · I/O          |
//! | [`jose`]                | signatures, sealing, keys as JWK                           | tokens, clients            |
//! | [`types`]               | scopes, secrets, time, errors                              | everything above           |
//!
//! The lower layers are crates of their own, in `crates/`: `base` (`types` and `jose`), `x509`, `config`, `store`,
//! `verify`. A layer imports only layers below it: between crates the compiler ensures that, within this one
//! `tests/architecture.rs`.
//!
//! To follow one request, start at [`web::routes`] and go down.

pub mod admin;
pub mod api;
pub mod app;
pub mod cli;
pub mod console;
pub mod flow;
pub mod outbound;
pub mod page;
pub mod people;
pub mod pki;
pub mod record;
pub mod render;
pub mod roles;
pub mod server;
pub mod web;

pub use gatewright_base::{jose, types};
pub use gatewright_config as config;
pub use gatewright_store as store;
pub use gatewright_verify as verify;
