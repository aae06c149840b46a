//! The benchmarks: throughput, latency and cost of the server (docs/performance.md).
//!
//! `scripts/bench` runs this on one core against a server on another. The no-op route of the same
//! server is the unit, measured alternately with each job, because the speed of a shared machine varies by
//! a factor of two within an hour: ratios are comparable, absolute figures only within a run.

mod background;
mod certificates;
mod durable;
mod first_use;
mod flush;
mod jobs;
mod limits;
mod load;
mod peers;
mod proofs;
mod report;
mod round_trips;
mod run;
mod seed;
mod series;
mod server;
mod workers;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The connections of a measurement, unless stated otherwise.
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
    Run(Box<run::Options>),
    /// Serve, with the no-op routes.
    Serve {
        /// The configuration file.
        config: PathBuf,
    },
    /// Measure one raw rate on this core.
    Limit {
        /// The operation.
        limit: limits::Limit,
        /// The configuration of the database.
        config: PathBuf,
        /// The duration.
        seconds: f64,
    },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    // It fails only if a provider is installed already.
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
