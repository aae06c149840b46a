//! Finding the key-encryption key: named in the configuration, or in a file that the first start makes.

use std::path::Path;

use super::Unopened;
use crate::config::Keys;
use crate::jose::seal::{Kek, Unusable};
use crate::store::{Store, server_secrets, signing_keys};
use crate::types::{Failure, Result};

/// The file in `keys.dir`.
const FILE: &str = "encryption.key";

/// The key of the configuration; else the one of the file; else, where nothing was sealed yet, a new one.
pub(super) async fn open(config: &Keys, store: &Store) -> Result<Kek, Unopened> {
    if let Some(key) = &config.encryption_key {
        let kek = Kek::of(key.expose());
        return Ok(kek.ok_or_else(|| Failure::internal("the encryption key is not one"))?);
    }
    let path = config.dir.join(FILE);
    match Kek::load(&path) {
        Err(Unusable::Missing(_)) => {}
        loaded => return Ok(loaded?),
    }
    let sealed_keys = !signing_keys::all(store.db()).await?.is_empty();
    if sealed_keys || !server_secrets::all(store.db()).await?.is_empty() {
        return Err(Unopened::LostKek(path));
    }
    make_directory(&config.dir).map_err(|error| Unopened::Directory(config.dir.clone(), error))?;
    let made = Kek::create(&path);
    // Of two servers that share the directory and start at once, one makes the file.
    if made.is_err() && path.exists() { Ok(Kek::load(&path)?) } else { Ok(made?) }
}

/// For its owner alone.
fn make_directory(path: &Path) -> std::io::Result<()> {
    let mut directory = std::fs::DirBuilder::new();
    directory.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
    directory.create(path)
}
