//! Gatewright: an OAuth 2.1 authorization server and OpenID Provider, in layers.
//!
//! | layer                   | knows                                                      | never knows                |
//! |-------------------------|------------------------------------------------------------|----------------------------|
//! | `cli`                   | the command line, the process                              | the protocol               |
//! | `server`                | listeners, signals, background jobs                        | endpoints one by one       |
//! | `web` · `page`          | protocol endpoints · the pages people use                  | SQL, token formats         |
//! | `render`                | turning results, refusals and failures into answers        | what is asked              |
//! | `app`                   | what a handler may reach                                   | who is asking              |
//! | `admin`                 | administration: one function per action                    | HTTP, the command line     |
//! | `flow`                  | the rules of the RFCs                                      | HTTP, the text of SQL      |
//! | `people` · `pki`        | accounts: passwords, sessions, throttling · certificates   | HTTP, the text of SQL      |
//! | `outbound`              | the one HTTP client                                        | why something is fetched   |
//! | `record`                | audit events and metrics                                   | rules                      |
//! | [`store`] · [`verify`]  | SQL · what an API does with a token that it is sent        | why a row is being changed · the server |
//! | [`config`] · `x509`     | the configuration file · certificates as data              | who reads it · I/O         |
//! | [`jose`]                | signatures, sealing, keys as JWK                           | tokens, clients            |
//! | [`types`]               | scopes, secrets, time, errors                              | everything above           |
//!
//! The lower layers are crates of their own, in `crates/`: `base` (`types` and `jose`), `x509`, `config`, `store`,
//! `verify`. A layer imports only layers below it: between crates the compiler sees to it, within this one
//! `tests/architecture.rs`.
//!
//! To follow one request, start at [`web::routes`] and go down.

pub mod admin;
pub mod app;
pub mod cli;
pub mod flow;
pub mod outbound;
pub mod page;
pub mod people;
pub mod pki;
pub mod record;
pub mod render;
pub mod server;
pub mod web;

pub use gatewright_base::{jose, types};
pub use gatewright_config as config;
pub use gatewright_store as store;
pub use gatewright_verify as verify;
