//! Whose a file is: why it cannot be read here, and who else could read it.
//!
//! One rule says whether a secret is private, for every secret file of the configuration, the key of a
//! certificate and the key-encryption key alike: [`exposure`].

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A file that says more than it should, to more than it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Which file it is, and to whom it is open.
    pub reason: String,
    /// The command that closes it.
    pub remedy: String,
}

impl Exposure {
    /// A file that is open to somebody else, who is named; the mode closes it.
    pub fn of(path: &Path, whom: &str, mode: &str) -> Self {
        let path = path.display();
        Self { reason: format!("{path} {whom}"), remedy: format!("run `chmod {mode} {path}`") }
    }
}

/// Who else can read a secret, if somebody can. A secret is for its owner. Root may lend one to a group,
/// as orchestrators do for a server that is not root (mode 0640). What lies below a directory that nobody
/// else can enter is closed whatever its own mode says: so do container engines and credential stores keep
/// secrets (mode 0444).
pub fn exposure(path: &Path) -> Option<Exposure> {
    let (mode, lent) = mode(path)?;
    match mode & 0o077 & !(lent & 0o040) {
        0 => None,
        // Whoever may write it may have opened it before the directory was closed.
        open if open & 0o033 == 0 && is_shut_in(path) => None,
        group if group & 0o007 == 0 => Some(Exposure::of(path, "is open to its group", "600")),
        _ => Some(Exposure::of(path, "is open to every user of this machine", "600")),
    }
}

/// Whether a directory above lets only its owner through, who is the file's own or root. Links are followed: what
/// counts is where the file lies.
fn is_shut_in(path: &Path) -> bool {
    let Ok(path) = std::fs::canonicalize(path) else { return false };
    let Ok(owner) = std::fs::metadata(&path).map(|file| file.uid()) else { return false };
    path.ancestors().skip(1).any(|directory| {
        std::fs::metadata(directory).is_ok_and(|above| {
            above.mode() & 0o077 == 0 && (above.uid() == owner || above.uid() == 0)
        })
    })
}

/// The permissions of what is there, and those that root may give to a group.
pub fn mode(path: &Path) -> Option<(u32, u32)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.mode(), if metadata.uid() == 0 { 0o070 } else { 0 }))
}

/// Why a file cannot be read or written, in words. Where permission is denied: by which file or directory,
/// whose that is, who this process is, and what helps.
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
    // Of what lies below a directory that is closed to us nothing can be told: then it is the directory.
    let blocked = path.ancestors().find_map(|place| Some((place, place.metadata().ok()?)));
    match (blocked, ours()) {
        (Some((place, found)), Some(us)) if !place.as_os_str().is_empty() => format!(
            "permission is denied: {} belongs to {} (mode {:04o}), and this process runs as {}; run it \
             as the owner, or give it access to {}",
            place.display(),
            user(found.uid()),
            found.mode() & 0o7777,
            user(us),
            path.display(),
        ),
        _ => kind.to_string(),
    }
}

/// The user that this process runs as.
pub fn ours() -> Option<u32> {
    Path::new("/proc/self").metadata().ok().map(|found| found.uid())
}

/// A user by name and number.
pub fn user(uid: u32) -> String {
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.map_or_else(|| format!("user {uid}"), |name| format!("{name} (user {uid})"))
}
