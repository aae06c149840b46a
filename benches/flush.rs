//! Flushes: how long the disk takes for one, and a shim that makes a server's flushes slower and counts them.

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::series::Series;

/// The flushes of a disk after appending 4 KiB, in milliseconds.
#[derive(Debug)]
pub(crate) struct Disk {
    /// By fdatasync, as PostgreSQL does.
    fdatasync: Series,
    /// By fsync, as SQLite does unless it is built with `HAVE_FDATASYNC`.
    fsync: Series,
}

impl Disk {
    /// Measures that of a directory.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn measure(dir: &Path) -> Result<Self> {
        const LENGTH: Duration = Duration::from_secs(1);
        let path = dir.join("flush");
        let mut file = File::create(&path)?;
        let mut flushes = |flush: fn(&File) -> std::io::Result<()>| -> Result<Series> {
            let mut times = Series::default();
            let begun = Instant::now();
            while begun.elapsed() < LENGTH {
                file.write_all(&[0; 4096])?;
                let flushed = Instant::now();
                flush(&file)?;
                times.push(flushed.elapsed().as_secs_f64() * 1000.0);
            }
            Ok(times)
        };
        let (fdatasync, fsync) = (flushes(File::sync_data)?, flushes(File::sync_all)?);
        fs::remove_file(path)?;
        Ok(Self { fdatasync, fsync })
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, times) in [("fdatasync", &self.fdatasync), ("; fsync", &self.fsync)] {
            write!(f, "{name} {:.2} ms, p99 {:.2} ms", times.median(), times.percentile(0.99))?;
        }
        Ok(())
    }
}

/// The library built from slow_flush.c, for one server.
#[derive(Debug)]
pub(crate) struct SlowFlush {
    library: PathBuf,
    /// The least duration of a flush, in milliseconds.
    pub(crate) shortest_ms: f64,
    counts: PathBuf,
}

/// The flushes of a server since its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) flushes: u64,
    pub(crate) nanoseconds: u64,
}

impl SlowFlush {
    /// With flushes of at least this many milliseconds. The counts are kept in `dir`.
    ///
    /// # Errors
    /// When their file cannot be written.
    pub(crate) fn new(library: &Path, dir: &Path, shortest_ms: f64) -> Result<Self> {
        let counts = dir.join("flushes");
        fs::write(&counts, [0; 16])?;
        Ok(Self { library: library.to_owned(), shortest_ms, counts })
    }

    /// Has a server loaded with the library.
    pub(crate) fn preload(&self, server: &mut Command) {
        server
            .env("LD_PRELOAD", &self.library)
            .env("FLUSH_MS", self.shortest_ms.to_string())
            .env("FLUSH_COUNTS", &self.counts);
    }

    /// The counts.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn counts(&self) -> Result<Counts> {
        let bytes = fs::read(&self.counts)?;
        let number = |at: usize| -> Result<u64> {
            let bytes = bytes.get(at..at + 8).context("the counts of flushes are incomplete")?;
            Ok(u64::from_ne_bytes(bytes.try_into()?))
        };
        Ok(Counts { flushes: number(0)?, nanoseconds: number(8)? })
    }
}
