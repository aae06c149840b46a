//! The foundation of all Gatewright crates.
//!
//! | module   | contents                                                                      |
//! |----------|-------------------------------------------------------------------------------|
//! | `types`  | scopes, secrets, identifiers, time, errors: no I/O, no async, no clock        |
//! | `jose`   | signatures, encryption, keys as JWK                                           |
//! | `access` | permissions of files: exposed secrets, and why a file cannot be read          |
//!
//! With the feature `sql` the types are columns of a database, and [`types::Failure`] has the failures of one.

pub mod access;
pub mod jose;
pub mod types;
