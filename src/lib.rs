//! Gatewright: an OAuth 2.1 authorization server and OpenID Provider, in floors.
//!
//! | floor                   | knows                                                      | never knows                |
//! |-------------------------|------------------------------------------------------------|----------------------------|
//! | `cli`                   | the command line, the process                              | the protocol               |
//! | `server`                | listeners, signals, background jobs                        | endpoints one by one       |
//! | `web` · `page`          | protocol endpoints · the pages people use                  | SQL, token formats         |
//! | `render`                | turning results, refusals and failures into answers        | what is asked              |
//! | `app`                   | what a handler may reach                                   | who is asking              |
//! | `flow`                  | the rules of the RFCs                                      | HTTP, the text of SQL      |
//! | `verify`                | what an API does with a token that it is sent              | the server                 |
//! | `people` · `pki`        | accounts: passwords, sessions, throttling · certificates   | HTTP, the text of SQL      |
//! | `outbound`              | the one HTTP client                                        | why something is fetched   |
//! | `record`                | audit events and metrics                                   | rules                      |
//! | `jose`                  | signatures, sealing, keys as JWK                           | tokens, clients            |
//! | `store`                 | SQL                                                        | why a row is being changed |
//! | `config`                | the configuration file                                     | who reads it               |
//! | `types`                 | words: scopes, secrets, time, errors                       | everything above           |
//!
//! A floor imports only floors below it; `tests/architecture.rs` holds us to it.
//! To follow one request, start at [`web::routes`] and go down.

pub mod app;
pub mod cli;
pub mod config;
pub mod flow;
pub mod jose;
pub mod outbound;
pub mod page;
pub mod people;
pub mod pki;
pub mod record;
pub mod render;
pub mod server;
pub mod store;
pub mod types;
pub mod verify;
pub mod web;
