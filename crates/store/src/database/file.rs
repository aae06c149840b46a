//! The file of an SQLite database: its existence, its lock and its owner.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::OpenStoreError;
use gatewright_base::access::{current_uid, user};

/// How often the existence of the file is checked.
const CHECK: Duration = Duration::from_millis(500);

/// How often its absence is logged.
const REPORT: Duration = Duration::from_secs(10);

/// A file with open connections. When it is deleted or replaced, they would continue to work on a file that no
/// longer has a name.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    born: Instant,
    /// Milliseconds since `born`.
    checked: AtomicU64,
    reported: AtomicU64,
    exists: AtomicBool,
}

impl DatabaseFile {
    /// The file at this path.
    pub(crate) fn at(path: &Path) -> Result<Self, OpenStoreError> {
        let found =
            path.metadata().map_err(|error| OpenStoreError::File(path.to_owned(), error))?;
        Ok(Self {
            path: path.to_owned(),
            identity: identity(&found),
            born: Instant::now(),
            checked: AtomicU64::new(0),
            reported: AtomicU64::new(0),
            exists: AtomicBool::new(true),
        })
    }

    /// Checks twice a second whether it still exists.
    ///
    /// # Errors
    /// When it did not exist at the last check.
    pub(crate) fn must_exist(&self) -> sqlx::Result<()> {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = milliseconds(self.born.elapsed());
        if now.saturating_sub(self.checked.load(Ordering::Relaxed)) >= milliseconds(CHECK) {
            self.checked.store(now, Ordering::Relaxed);
            let exists = self.path.metadata().is_ok_and(|found| identity(&found) == self.identity);
            let existed = self.exists.swap(exists, Ordering::Relaxed);
            let is_due =
                now.saturating_sub(self.reported.load(Ordering::Relaxed)) >= milliseconds(REPORT);
            if !exists && (existed || is_due) {
                self.reported.store(now, Ordering::Relaxed);
                tracing::error!(
                    path = %self.path.display(),
                    "the database file was deleted or replaced underneath the server: requests that need it \
                     fail. Stop the server, bring the file back, or restore a backup, and start again"
                );
            }
        }
        if self.exists.load(Ordering::Relaxed) {
            return Ok(());
        }
        let why = format!("{} was deleted or replaced", self.path.display());
        Err(sqlx::Error::Io(io::Error::new(ErrorKind::NotFound, why)))
    }
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Creates the database file, if there is none, accessible only by its owner. SQLite creates the files beside it
/// with the same mode.
pub(crate) fn make(path: &Path) -> Result<(), OpenStoreError> {
    match File::options().create_new(true).write(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unopened(path, &error.to_string())),
    }
}

/// Takes the lock of the only server: a file beside the database, because SQLite's own locks last only for a
/// transaction.
pub(crate) fn lock(database: &Path) -> Result<File, OpenStoreError> {
    let path = beside(database, ".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| unopened(&path, &error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenStoreError::InUse(database.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(OpenStoreError::File(path, error)),
    }
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Why a database file cannot be used: the file that is inaccessible, its owner, the user of this process, and the
/// remedy.
pub(crate) fn unopened(path: &Path, why: &str) -> OpenStoreError {
    let ours = current_uid();
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let files = ["", "-wal", "-shm"].map(|ending| beside(path, ending));
    let places = std::iter::once(directory).chain(files.iter().map(PathBuf::as_path));
    let foreign = places.filter_map(|place| {
        let found = place.metadata().ok()?;
        let us = ours?;
        // A file that the group or every user may write to is accessible despite its owner.
        let is_foreign = us != 0 && found.uid() != us && found.mode() & 0o022 == 0;
        is_foreign.then(|| (place.display().to_string(), found))
    });
    let mut because = Vec::new();
    let mut names = Vec::new();
    for (name, found) in foreign {
        let mode = found.mode() & 0o7777;
        because.push(format!("{name} belongs to {} (mode {mode:04o})", user(found.uid())));
        names.push(name);
    }
    let because = match ours {
        Some(us) if !because.is_empty() => format!(
            ". {}; this process runs as {}. If a command was run as another user: chown {} {}",
            because.join(", "),
            user(us),
            us,
            names.join(" ")
        ),
        Some(_) | None if !directory.is_dir() => {
            format!(". The directory {} is not there: make it", directory.display())
        }
        Some(_) | None => String::new(),
    };
    OpenStoreError::Unopened(path.to_owned(), format!("{why}{because}"))
}
