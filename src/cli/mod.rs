//! The command line: `gatewright serve`, `gatewright config check` and the rest.

pub mod config;
