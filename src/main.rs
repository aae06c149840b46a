//! The process: an allocator, a TLS implementation, and the command line.

use std::process::ExitCode;

use clap::Parser as _;
use gatewright::cli::{self, Cli};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(cli::usage_error(&error)),
    };
    // The one TLS implementation of the process. It fails only where one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    ExitCode::from(cli.run())
}
