//! Encryption at rest: AES-256-GCM under the key-encryption key.
//!
//! A sealed text consists of the key's id (8 bytes), a random nonce (12), the ciphertext and its
//! tag (16). It is bound to its kind and identifier: copied to another row or column it does not
//! open. 96 random bits are safe for 2³² texts under one key (NIST SP 800-38D §8.3); a server seals
//! a few thousand, and two servers that start from one snapshot do not share a counter (THREATS
//! KE-06).

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::access::{self, Exposure, exposure};
use crate::types::secret::{Digest, entropy};

const ID: usize = 8;
const NONCE: usize = 12;
const TAG: usize = 16;

/// The key-encryption keys: the current one, and older ones that only open. They have no `Debug`.
pub struct Kek {
    current: Key,
    older: Vec<Key>,
}

struct Key {
    id: KeyId,
    aead: RandomizedNonceKey,
}

/// The owner of a sealed text: its kind and its identifier.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a>(pub Kind, pub &'a str);

/// The kinds of sealed texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A signing key, by its `kid`.
    SigningKey,
    /// A secret of the server, by its name.
    ServerSecret,
    /// A secret of the client of this `client_id`.
    ClientSecret,
    /// The private key of a certificate of the built-in CA.
    Authority,
    /// An account at an ACME server, by its directory URL.
    AcmeAccount,
    /// The private key of a certificate from an ACME server.
    AcmeCertificate,
    /// The state of a browser before sign-in, in its cookie, by the cookie's id.
    Browser,
    /// An authorization request that waits for the user, in a URL or form.
    WaitingRequest,
    /// An authorization request received by POST and continued as a GET.
    PostedRequest,
    /// Proof that the current password was entered correctly, in the form that changes it, by
    /// session id.
    PasswordProof,
    /// The position in a listing of the administration API, by the administrator who reads it.
    Cursor,
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            Kind::SigningKey => "signing_keys",
            Kind::ServerSecret => "server_secrets",
            Kind::ClientSecret => "client_secrets",
            Kind::Authority => "authorities",
            Kind::AcmeAccount => "acme_accounts",
            Kind::AcmeCertificate => "acme_certificates",
            Kind::Browser => "browser",
            Kind::WaitingRequest => "waiting request",
            Kind::PostedRequest => "posted request",
            Kind::PasswordProof => "password proof",
            Kind::Cursor => "cursor",
        };
        write!(f, "{kind}/{}", self.1)
    }
}

/// The first bytes of SHA-256 of a key-encryption key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId([u8; ID]);

impl KeyId {
    /// The id of the key that a text is sealed under.
    pub fn of_sealed(sealed: &[u8]) -> Option<Self> {
        sealed.first_chunk().map(|id| Self(*id))
    }
}

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The key is missing.
    #[error("it is sealed under the key {0}, which is not among the key-encryption keys")]
    OtherKey(KeyId),
    /// The text was modified or belongs to another owner.
    #[error("it was altered, or sealed for another owner")]
    Tampered,
}

/// Why the file of the key-encryption keys cannot be used, with a remedy.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It does not exist.
    #[error("{0} does not exist")]
    Missing(PathBuf),
    /// It cannot be read or written.
    #[error("{0}: {because}", because = access::why(.0, .1))]
    Io(PathBuf, std::io::Error),
    /// Other users can read it ([`access::exposure`]).
    #[error("{reason}; {remedy}")]
    Exposed {
        /// The file, and the users that can read it.
        reason: String,
        /// The command that restricts it.
        remedy: String,
    },
    /// A line is not a key.
    #[error("{0}: line {1} is not 32 bytes in base64 (openssl rand -base64 32 makes such a line)")]
    Malformed(PathBuf, usize),
    /// It has no key.
    #[error("{0} contains no key")]
    Empty(PathBuf),
}

impl Kek {
    /// Parses the keys of a file: one per line, 32 bytes in base64; the first one seals. Empty
    /// lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// When the file cannot be used, with the reason.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let io = |error: std::io::Error| {
            if error.kind() == ErrorKind::NotFound {
                KeyFileError::Missing(path.to_owned())
            } else {
                KeyFileError::Io(path.to_owned(), error)
            }
        };
        let mut file = File::open(path).map_err(io)?;
        if let Some(Exposure { reason, remedy }) = exposure(path) {
            return Err(KeyFileError::Exposed { reason, remedy });
        }
        let mut text = Zeroizing::new(String::with_capacity(4096));
        file.read_to_string(&mut text).map_err(io)?;

        let mut keys = Vec::new();
        for (line, text) in text.lines().enumerate() {
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                let malformed = || KeyFileError::Malformed(path.to_owned(), line + 1);
                keys.push(Key::read(text).ok_or_else(malformed)?);
            }
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or_else(|| KeyFileError::Empty(path.to_owned()))?;
        Ok(Self { current, older: keys.collect() })
    }

    /// Keys without a file; the first one seals. `None` without any.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a [u8; 32]>) -> Option<Self> {
        let mut keys = keys.into_iter().map(|bytes| Key::of(bytes));
        let current = keys.next()??;
        Some(Self { current, older: keys.collect::<Option<_>>()? })
    }

    /// Creates a key and its file; an existing file is not changed.
    ///
    /// The file is written atomically and is on disk when this returns: losing a key loses
    /// everything sealed under it.
    ///
    /// # Errors
    /// When the file exists, or cannot be written.
    pub fn create(path: &Path) -> Result<Self, KeyFileError> {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy(bytes.as_mut());
        let mut text = Zeroizing::new(String::with_capacity(64));
        STANDARD.encode_string(bytes.as_ref(), &mut text);
        text.push('\n');

        let temporary = path.with_extension(uuid::Uuid::now_v7().to_string());
        let written = write_private(&temporary, text.as_bytes())
            // Unlike a rename, a link does not replace an existing file.
            .and_then(|()| std::fs::hard_link(&temporary, path));
        let removed = std::fs::remove_file(&temporary);
        written
            .and(removed)
            .and_then(|()| sync_directory(path))
            .map_err(|error| KeyFileError::Io(path.to_owned(), error))?;
        Self::load(path)
    }

    /// Seals `clear` for its owner.
    pub fn seal(&self, owner: Owner<'_>, clear: &[u8]) -> Vec<u8> {
        self.seal_bound(clear, 2, &owner.to_string())
    }

    /// The format before texts were bound to their kind.
    #[cfg(any(test, feature = "testing"))]
    pub fn seal_unbound(&self, owner: Owner<'_>, clear: &[u8]) -> Vec<u8> {
        self.seal_bound(clear, 1, owner.1)
    }

    #[expect(clippy::expect_used, reason = "AES-GCM refuses nothing that fits in memory")]
    fn seal_bound(&self, clear: &[u8], version: u8, owner: &str) -> Vec<u8> {
        let key = &self.current;
        // Reserve room for the tag, so that no copy of the clear text is left in memory.
        let mut text = Vec::with_capacity(clear.len() + TAG);
        text.extend_from_slice(clear);
        let nonce = key
            .aead
            .seal_in_place_append_tag(Aad::from(bound(key.id, version, owner)), &mut text)
            .expect("AES-256-GCM failed");
        [&key.id.0, nonce.as_ref().as_slice(), &text].concat()
    }

    /// Opens a text sealed for this owner.
    ///
    /// # Errors
    /// When the key is missing, or the text was modified or belongs to another owner.
    pub fn open(&self, owner: Owner<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.open_bound(sealed, 2, &owner.to_string())
    }

    /// Opens a text in the format before kinds, only to seal it again.
    ///
    /// # Errors
    /// When the key is missing, or the text was modified or belongs to another owner.
    pub fn open_unbound(
        &self,
        owner: Owner<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        match owner {
            Owner(Kind::Authority, _) => self.open_bound(sealed, 1, &owner.to_string()),
            Owner(_, id) => self.open_bound(sealed, 1, id),
        }
    }

    fn open_bound(
        &self,
        sealed: &[u8],
        version: u8,
        owner: &str,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (id, rest) = sealed.split_first_chunk().ok_or(OpenError::Tampered)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(OpenError::Tampered)?;
        let id = KeyId(*id);
        let key = std::iter::once(&self.current)
            .chain(&self.older)
            .find(|key| key.id == id)
            .ok_or(OpenError::OtherKey(id))?;

        let mut text = Zeroizing::new(text.to_vec());
        let length = key
            .aead
            .open_in_place(Nonce::from(nonce), Aad::from(bound(id, version, owner)), &mut text)
            .map_err(|_| OpenError::Tampered)?
            .len();
        text.truncate(length);
        Ok(text)
    }

    /// Whether the key that it is sealed under is available.
    pub fn has_key_of(&self, sealed: &[u8]) -> bool {
        let mut keys = std::iter::once(&self.current).chain(&self.older);
        keys.any(|key| sealed.starts_with(&key.id.0))
    }

    /// Whether it is sealed under the current key; otherwise it should be sealed again.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&self.current.id.0)
    }

    /// The id of the current key.
    pub fn id(&self) -> KeyId {
        self.current.id
    }
}

impl Key {
    fn read(text: &str) -> Option<Self> {
        Self::of(&Zeroizing::new(STANDARD.decode(text).ok()?))
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let aead = RandomizedNonceKey::new(&AES_256_GCM, bytes).ok()?;
        let Digest(digest) = Digest::of(bytes);
        let id = digest.first_chunk()?;
        Some(Self { id: KeyId(*id), aead })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The additional authenticated data. The id has a fixed length and no kind contains a slash, so it
/// is unambiguous. Version 1 had only the identifier.
fn bound(id: KeyId, version: u8, owner: &str) -> Vec<u8> {
    [format!("gatewright/{version}/").as_bytes(), &id.0, owner.as_bytes()].concat()
}

fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Syncing the directory makes a new name durable.
#[cfg(unix)]
fn sync_directory(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A temporary directory.
    struct Dir(PathBuf);

    impl Dir {
        fn new() -> Self {
            let dir =
                std::env::temp_dir().join(format!("gatewright-seal-{}", uuid::Uuid::now_v7()));
            std::fs::create_dir(&dir).unwrap();
            Self(dir)
        }

        fn file(&self) -> PathBuf {
            self.0.join("encryption.key")
        }

        /// A key file with these lines.
        fn with_lines(&self, lines: &str) -> Result<Kek, KeyFileError> {
            let _ = std::fs::remove_file(self.file());
            write_private(&self.file(), lines.as_bytes()).unwrap();
            Kek::load(&self.file())
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    const ONE: Owner<'static> = Owner(Kind::ServerSecret, "1");
    const FIRST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const SECOND: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

    /// THREATS JO-24.
    #[test]
    fn a_sealed_text_opens_unchanged_and_for_its_owner_only() {
        let kek = Dir::new().with_lines(FIRST).unwrap();
        let owner = Owner(Kind::SigningKey, "1");
        let sealed = kek.seal(owner, b"a private key");

        assert_eq!(*kek.open(owner, &sealed).unwrap(), b"a private key");
        for other in [
            Owner(Kind::SigningKey, "2"),
            Owner(Kind::ServerSecret, "1"),
            Owner(Kind::ClientSecret, "1"),
            Owner(Kind::AcmeAccount, "1"),
            Owner(Kind::AcmeCertificate, "1"),
            Owner(Kind::Authority, "1"),
            Owner(Kind::SigningKey, ""),
            Owner(Kind::SigningKey, "1 "),
        ] {
            assert_eq!(kek.open(other, &sealed), Err(OpenError::Tampered), "{other}");
            assert_eq!(kek.open_unbound(other, &sealed), Err(OpenError::Tampered), "{other}");
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(kek.open(owner, &changed).is_err(), "byte {at}");
            assert!(kek.open(owner, &sealed[..at]).is_err(), "cut at {at}");
        }
        assert!(kek.open(owner, &[sealed.as_slice(), b"x"].concat()).is_err());
    }

    /// THREATS KE-06.
    #[test]
    fn a_text_is_sealed_differently_each_time() {
        let kek = Dir::new().with_lines(FIRST).unwrap();

        assert_ne!(kek.seal(ONE, b"text"), kek.seal(ONE, b"text"));
        assert_eq!(*kek.open(ONE, &kek.seal(ONE, b"")).unwrap(), b"");
    }

    /// THREATS KE-04.
    #[test]
    fn an_older_key_still_opens_and_a_lost_one_is_named() {
        let dir = Dir::new();
        let old = dir.with_lines(FIRST).unwrap();
        let sealed = old.seal(ONE, b"text");

        let rotated = dir.with_lines(&format!("# since May\n{SECOND}\n\n{FIRST}\n")).unwrap();
        assert_eq!(*rotated.open(ONE, &sealed).unwrap(), b"text");
        assert!(!rotated.is_current(&sealed));
        assert!(rotated.is_current(&rotated.seal(ONE, b"text")));

        let lost = dir.with_lines(SECOND).unwrap();
        assert_eq!(lost.open(ONE, &sealed), Err(OpenError::OtherKey(old.id())));
        assert_eq!(old.id().to_string(), "630dcd2966c43366", "SHA-256 of the key, 8 bytes");
    }

    #[test]
    fn a_file_is_created_once_and_is_private() {
        let dir = Dir::new();
        let kek = Kek::create(&dir.file()).unwrap();

        assert_eq!(Kek::load(&dir.file()).unwrap().id(), kek.id());
        assert!(matches!(Kek::create(&dir.file()), Err(KeyFileError::Io(..))));
        assert_eq!(Kek::load(&dir.file()).unwrap().id(), kek.id(), "it was left alone");
        assert_eq!(std::fs::read_dir(&dir.0).unwrap().count(), 1, "nothing else was left");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_other_users_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = Dir::new();
        Kek::create(&dir.file()).unwrap();
        assert_eq!(std::fs::metadata(dir.file()).unwrap().permissions().mode() & 0o777, 0o600);

        let allow = |path: &Path, mode| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        for mode in [0o644, 0o660, 0o604, 0o620, 0o601] {
            allow(&dir.file(), mode);
            let Err(KeyFileError::Exposed { remedy, .. }) = Kek::load(&dir.file()) else {
                panic!("{mode:03o} was accepted");
            };
            assert_eq!(remedy, format!("run `chmod 600 {}`", dir.file().display()));
        }

        // As mounted by orchestrators: readable itself, below a restricted directory.
        allow(&dir.file(), 0o444);
        allow(&dir.0, 0o700);
        assert!(Kek::load(&dir.file()).is_ok(), "the same rule as for the configuration");
        allow(&dir.0, 0o750);
        assert!(matches!(Kek::load(&dir.file()), Err(KeyFileError::Exposed { .. })));
    }

    #[test]
    fn the_error_of_a_malformed_file_names_the_line() {
        let dir = Dir::new();

        assert!(matches!(Kek::load(&dir.file()), Err(KeyFileError::Missing(_))));
        assert!(matches!(dir.with_lines("\n# none\n"), Err(KeyFileError::Empty(_))));
        for line in ["AAEC", "not base64", &FIRST[..43], &format!("{FIRST}AA"), "é"] {
            let file = format!("{SECOND}\n{line}\n");
            let Err(KeyFileError::Malformed(_, 2)) = dir.with_lines(&file) else {
                panic!("{line} was accepted");
            };
        }
        let Err(error) = dir.with_lines("correct horse") else { panic!("accepted") };
        assert!(!error.to_string().contains("horse"), "a secret is not repeated: {error}");
    }
}
