//! Where the key-encryption key comes from: the configuration, or a file that is made at the first
//! start and never again.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::sealed::is_anything_sealed;
use crate::config;
use crate::jose::Kek;
use crate::jose::seal::{KeyId, Unusable};
use crate::store::{Store, server_secrets};
use gatewright_base::access::why;

/// The name of the file in `[keys] dir`.
const FILE: &str = "encryption.key";

/// Why there is no key-encryption key, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// There are sealed things in the database, and not the key that they are sealed under.
    #[error(
        "{0} does not exist, and the database holds what is sealed under it: bring it back from the backup, or name it with keys.encryption_key_file"
    )]
    Lost(PathBuf),
    /// There are sealed things in the database, and none of the keys is the one that they are sealed under.
    #[error(
        "the secret {secret} in the database cannot be opened: it is sealed under the key-encryption key {sealed}, and here is {here}. Bring back the key that this database was made with; replicas share one key"
    )]
    Wrong {
        /// What does not open.
        secret: String,
        /// The key that it is sealed under.
        sealed: KeyId,
        /// The key that there is.
        here: KeyId,
    },
    /// The directory cannot be made.
    #[error("{0} cannot be made: {because}", because = why(.0, .1))]
    Directory(PathBuf, std::io::Error),
    /// The file cannot be used.
    #[error("the key-encryption key cannot be used: {0}")]
    Unusable(#[from] Unusable),
    /// Whether it was lost cannot be told.
    #[error("the store failed: {0}")]
    Store(#[from] sqlx::Error),
}

/// Opens the key-encryption key. One is made only while nothing was sealed under another: a new key in
/// the place of a lost one would hide the loss (THREATS KE-04).
///
/// # Errors
/// See [`Missing`].
pub async fn open(config: &config::Keys, store: &Store) -> Result<Kek, Missing> {
    if let Some(kek) = config.encryption_key.as_ref().and_then(|keys| Kek::of(keys.expose())) {
        return right(kek, store).await;
    }
    let path = config.dir.join(FILE);
    match Kek::load(&path) {
        Err(Unusable::Missing(_)) => {}
        loaded => return right(loaded?, store).await,
    }
    if is_anything_sealed(store).await? {
        // The process that sealed it may have made the key since we looked: it makes the key first.
        return match Kek::load(&path) {
            Err(Unusable::Missing(_)) => Err(Missing::Lost(path)),
            loaded => right(loaded?, store).await,
        };
    }
    make_directory(&config.dir).map_err(|error| Missing::Directory(config.dir.clone(), error))?;
    match Kek::create(&path) {
        // Another process was quicker: its key is the one.
        Err(Unusable::Io(_, error)) if error.kind() == ErrorKind::AlreadyExists => {
            Ok(Kek::load(&path)?)
        }
        created => Ok(created?),
    }
}

/// Insists that it is the key under which the secrets of the server are sealed, which every database has.
async fn right(kek: Kek, store: &Store) -> Result<Kek, Missing> {
    let mut secrets = server_secrets::all(store.db()).await?.into_iter();
    let wrong = secrets.find(|secret| !kek.has_key_of(&secret.sealed));
    match wrong.and_then(|secret| Some((KeyId::of_sealed(&secret.sealed)?, secret.name))) {
        Some((sealed, secret)) => Err(Missing::Wrong { secret, sealed, here: kek.id() }),
        None => Ok(kek),
    }
}

/// For its owner alone.
fn make_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
