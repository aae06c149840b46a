//! File permissions: why a file cannot be read, and which other users can read it.
//!
//! [`exposure`] is the one rule for all secret files: those of the configuration, private keys, and
//! the key-encryption key.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A secret file that others can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The file, and the users that can read it.
    pub reason: String,
    /// The command that restricts it.
    pub remedy: String,
}

impl Exposure {
    /// A file; `problem` follows its path in a sentence, and `mode` restricts it.
    pub fn new(path: &Path, problem: &str, mode: &str) -> Self {
        let path = path.display();
        Self { reason: format!("{path} {problem}"), remedy: format!("run `chmod {mode} {path}`") }
    }
}

/// The other users that can read a secret file, if any. Root may share a secret with a group, as
/// orchestrators do for a server without root (mode 0640). A file below a directory that only the
/// owner can enter is private whatever its mode: container engines and credential stores do this
/// (mode 0444).
pub fn exposure(path: &Path) -> Option<Exposure> {
    let (mode, group_mode) = mode(path)?;
    match mode & 0o077 & !(group_mode & 0o040) {
        0 => None,
        // A writable file may have been opened before the directory was restricted.
        open if open & 0o033 == 0 && is_in_private_directory(path) => None,
        group if group & 0o007 == 0 => Some(Exposure::new(path, "is open to its group", "600")),
        _ => Some(Exposure::new(path, "is open to every user of this machine", "600")),
    }
}

/// Whether a directory above is restricted to its owner, who is the file's owner or root. Symbolic
/// links are resolved.
fn is_in_private_directory(path: &Path) -> bool {
    let Ok(path) = std::fs::canonicalize(path) else { return false };
    let Ok(owner) = std::fs::metadata(&path).map(|file| file.uid()) else { return false };
    path.ancestors().skip(1).any(|directory| {
        std::fs::metadata(directory).is_ok_and(|above| {
            above.mode() & 0o077 == 0 && (above.uid() == owner || above.uid() == 0)
        })
    })
}

/// The permissions, and those that root may grant to a group.
pub fn mode(path: &Path) -> Option<(u32, u32)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.mode(), if metadata.uid() == 0 { 0o070 } else { 0 }))
}

/// Why a file cannot be read or written. For a denied permission: by which file or directory, its
/// owner, the user of this process, and a remedy.
pub fn why(path: &Path, error: &io::Error) -> String {
    let kind = error.kind();
    if kind == ErrorKind::NotFound {
        return "there is no such file".to_owned();
    }
    if kind == ErrorKind::InvalidData {
        return "it is not UTF-8".to_owned();
    }
    if kind != ErrorKind::PermissionDenied {
        return kind.to_string();
    }
    // Files below an inaccessible directory cannot be inspected, so the directory is reported.
    let blocked = path.ancestors().find_map(|place| Some((place, place.metadata().ok()?)));
    match (blocked, current_uid()) {
        (Some((place, metadata)), Some(uid)) if !place.as_os_str().is_empty() => format!(
            "permission is denied: {} belongs to {} (mode {:04o}), and this process runs as {}; run it \
             as the owner, or give it access to {}",
            place.display(),
            user(metadata.uid()),
            metadata.mode() & 0o7777,
            user(uid),
            path.display(),
        ),
        _ => kind.to_string(),
    }
}

/// The user of this process.
pub fn current_uid() -> Option<u32> {
    Path::new("/proc/self").metadata().ok().map(|metadata| metadata.uid())
}

/// A user's name and number.
pub fn user(uid: u32) -> String {
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.map_or_else(|| format!("user {uid}"), |name| format!("{name} (user {uid})"))
}
