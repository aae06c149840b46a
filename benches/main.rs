//! How fast the server is, and what it costs: the measurements of docs/performance.md.
//!
//! `scripts/bench` runs this on one core against a server on another. The no-op route of the same
//! server is the unit, measured in turn with each job, because the clock of a shared machine drifts by
//! a factor of two within an hour: ratios mean something, absolute figures only beside each other.

mod certificates;
mod jobs;
mod limits;
mod load;
mod proofs;
mod report;
mod run;
mod seed;
mod server;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections of a measurement, unless it says otherwise.
const CONNECTIONS: usize = 32;

#[derive(Debug, Parser)]
#[command(about = "Measures the server")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure everything.
    Run(run::Options),
    /// Serve, with the no-op routes.
    Serve {
        /// The configuration file.
        config: PathBuf,
    },
    /// Measure one raw rate on this core.
    Limit {
        /// Which.
        limit: limits::Limit,
        /// The configuration of the database.
        config: PathBuf,
        /// How long.
        seconds: f64,
    },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    // It fails only where one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match cli.command {
        Command::Serve { config } => server::serve(&config),
        Command::Limit { limit, config, seconds } => limits::print(limit, &config, seconds),
        Command::Run(options) => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(run::run(&options)),
    }
}
