//! The source of the key-encryption key: the configuration, or a file that is created at the first start only.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::sealed::is_anything_sealed;
use crate::config;
use crate::jose::Kek;
use crate::jose::seal::{KeyFileError, KeyId};
use crate::store::{Store, server_secrets};
use gatewright_base::access::why;

/// The name of the file in `[keys] dir`.
const FILE: &str = "encryption.key";

/// Why the key-encryption key is not available, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// The database holds sealed values, and there is no key.
    #[error(
        "{0} does not exist, and the database holds values sealed under it: restore it from the backup, or set keys.encryption_key_file"
    )]
    Lost(PathBuf),
    /// The database holds sealed values, and they are sealed under another key.
    #[error(
        "the secret {secret} in the database cannot be opened: it is sealed under the key-encryption key {sealed}, and the configured key is {here}. Restore the key with which this database was created; replicas share one key"
    )]
    Wrong {
        /// The secret that cannot be opened.
        secret: String,
        /// The key that it is sealed under.
        sealed: KeyId,
        /// The configured key.
        here: KeyId,
    },
    /// The directory cannot be created.
    #[error("{0} cannot be created: {because}", because = why(.0, .1))]
    Directory(PathBuf, std::io::Error),
    /// The file cannot be used.
    #[error("the key-encryption key cannot be used: {0}")]
    Unusable(#[from] KeyFileError),
    /// The database could not be searched for sealed values.
    #[error("the store failed: {0}")]
    Store(#[from] sqlx::Error),
}

/// Opens the key-encryption key. It is created only while the database holds no sealed value: a new key in place of a
/// lost one would hide the loss (THREATS KE-04).
///
/// # Errors
/// See [`Missing`].
pub async fn open(config: &config::Keys, store: &Store) -> Result<Kek, Missing> {
    if let Some(kek) = config.encryption_key.as_ref().and_then(|keys| Kek::of(keys.expose())) {
        return must_match(kek, store).await;
    }
    let path = config.dir.join(FILE);
    match Kek::load(&path) {
        Err(KeyFileError::Missing(_)) => {}
        loaded => return must_match(loaded?, store).await,
    }
    if is_anything_sealed(store).await? {
        // Another process may have created the key meanwhile; it does so before it seals anything.
        return match Kek::load(&path) {
            Err(KeyFileError::Missing(_)) => Err(Missing::Lost(path)),
            loaded => must_match(loaded?, store).await,
        };
    }
    make_directory(&config.dir).map_err(|error| Missing::Directory(config.dir.clone(), error))?;
    match Kek::create(&path) {
        // Another process created the key first; that one is used.
        Err(KeyFileError::Io(_, error)) if error.kind() == ErrorKind::AlreadyExists => {
            Ok(Kek::load(&path)?)
        }
        created => Ok(created?),
    }
}

/// Checks that the secrets of the server, which every database has, are sealed under this key.
async fn must_match(kek: Kek, store: &Store) -> Result<Kek, Missing> {
    let mut secrets = server_secrets::all(store.db()).await?.into_iter();
    let wrong = secrets.find(|secret| !kek.has_key_of(&secret.sealed));
    match wrong.and_then(|secret| Some((KeyId::of_sealed(&secret.sealed)?, secret.name))) {
        Some((sealed, secret)) => Err(Missing::Wrong { secret, sealed, here: kek.id() }),
        None => Ok(kek),
    }
}

/// Creates the directory, for its owner only.
fn make_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
