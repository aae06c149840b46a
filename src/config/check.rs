//! What no single key can tell: values that contradict each other, and a configuration that is
//! valid but must not serve anybody.

use std::path::{Path, PathBuf};

use super::problem::{Origin, Problem};
use super::{Config, Loaded};
use crate::types::Algorithm;

/// Values that cannot hold at once, each with the keys that it is about.
pub(super) fn contradictions(config: &Config) -> Vec<(Vec<&'static str>, Problem)> {
    let mut found = Vec::new();
    let mut refuse = |keys: &[&'static str], reason: String, remedy: &str| {
        let key = keys.first().copied().unwrap_or_default();
        found.push((keys.to_vec(), Problem::new(key, reason, remedy)));
    };
    let Config { http, operations, keys, tokens, sessions, throttle, limits, .. } = config;

    for (small, large, fits) in [
        (
            "tokens.refresh_idle",
            "tokens.refresh_absolute",
            tokens.refresh_idle <= tokens.refresh_absolute,
        ),
        ("sessions.idle", "sessions.absolute", sessions.idle <= sessions.absolute),
        (
            "sessions.remember_idle",
            "sessions.remember_absolute",
            sessions.remember_idle <= sessions.remember_absolute,
        ),
        (
            "throttle.account_attempts",
            "throttle.network_attempts",
            throttle.account_attempts <= throttle.network_attempts,
        ),
        (
            "limits.requests_per_address",
            "limits.requests_total",
            limits.requests_per_address <= limits.requests_total,
        ),
    ] {
        if !fits {
            refuse(
                &[small, large],
                format!("is more than {large}"),
                "lower it, or raise the other",
            );
        }
    }
    if http.listen.is_empty() {
        refuse(&["http.listen"], "is empty".to_owned(), "name at least one address and port");
    }
    if operations.listen.is_some_and(|address| http.listen.contains(&address)) {
        refuse(
            &["operations.listen", "http.listen"],
            "is also in http.listen".to_owned(),
            "use another port, which only operators reach",
        );
    }
    if !keys.algorithms.contains(&Algorithm::Rs256) {
        refuse(
            &["keys.algorithms"],
            "lacks RS256, which OIDC Discovery §3 demands".to_owned(),
            "add \"RS256\"",
        );
    }
    if !keys.algorithms.contains(&tokens.access_token_alg) {
        refuse(
            &["tokens.access_token_alg", "keys.algorithms"],
            "is not among keys.algorithms".to_owned(),
            "add it there, or choose one of those",
        );
    }
    found
}

impl Config {
    /// What is valid but must not serve anybody: each would give away passwords, tokens or keys
    /// (THREATS SU-06). An http issuer is none of them, for it cannot be loaded.
    pub fn insecurities(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut refuse = |key: &str, reason: String, remedy: String| {
            found.push(Problem::new(key, reason, remedy));
        };
        let exposed = self.http.listen.iter().find(|address| !address.ip().is_loopback());
        if let Some(address) = exposed
            && self.issuer.is_https()
            && self.http.trusted_proxies.is_empty()
        {
            refuse(
                "http.listen",
                format!(
                    "speaks plain http on {address}, while the issuer is https and no proxy before \
                     it is known"
                ),
                "name the proxies that end TLS in http.trusted_proxies, and let nobody else reach \
                 this port; or listen on 127.0.0.1 beside the proxy"
                    .to_owned(),
            );
        }
        if let Some(network) = self.http.trusted_proxies.iter().find(|n| n.is_everybody()) {
            refuse(
                "http.trusted_proxies",
                format!("trusts everybody ({network}), so everybody can pretend any address"),
                "name the addresses of the proxies alone".to_owned(),
            );
        }
        let secrets = [
            ("database.url_file", self.database.url_file.as_deref()),
            ("keys.encryption_key_file", self.keys.encryption_key_file.as_deref()),
        ];
        for (key, file) in secrets {
            if let Some(exposure) = file.and_then(readable_by_others) {
                refuse(key, exposure.reason, exposure.remedy);
            }
        }
        for exposure in exposed_keys(&self.keys.dir) {
            refuse("keys.dir", exposure.reason, exposure.remedy);
        }
        found
    }
}

impl Loaded {
    /// [`Config::insecurities`], each with its place, and a configuration file that gives away the
    /// secrets in it.
    pub fn insecurities(&self) -> Vec<Problem> {
        let mut found = self.config.insecurities();
        let in_file = |key: &str| matches!(self.origins.get(key), Some(Origin::File { .. }));
        let secret = if in_file("database.url") && self.config.database.url.has_password() {
            Some("database.url")
        } else {
            in_file("keys.encryption_key").then_some("keys.encryption_key")
        };
        if let (Some(key), Some(file)) = (secret, &self.file)
            && let Some(exposure) = readable_by_others(file)
        {
            let remedy =
                format!("{}, or move the secret into a file with {key}_file", exposure.remedy);
            found.push(Problem::new(key, format!("is a secret, and {}", exposure.reason), remedy));
        }
        found.into_iter().map(|problem| problem.located(&self.origins)).collect()
    }
}

/// A file that says more than it should, to more than it should.
struct Exposure {
    reason: String,
    remedy: String,
}

impl Exposure {
    fn of(path: &Path, whom: &str, mode: &str) -> Self {
        let path = path.display();
        Self { reason: format!("{path} {whom}"), remedy: format!("run `chmod {mode} {path}`") }
    }
}

/// A secret is for its owner. Root may lend one to a group, as orchestrators do for a server that
/// is not root.
#[cfg(unix)]
fn readable_by_others(path: &Path) -> Option<Exposure> {
    let (mode, lent) = mode(path)?;
    match mode & 0o077 & !(lent & 0o040) {
        0 => None,
        group if group & 0o007 == 0 => Some(Exposure::of(path, "is open to its group", "600")),
        _ => Some(Exposure::of(path, "is open to every user of this machine", "600")),
    }
}

/// The key directory: nobody else may put a key there, nobody else may read one. What explains the
/// directory is no key.
#[cfg(unix)]
fn exposed_keys(directory: &Path) -> Vec<Exposure> {
    let mut found = Vec::new();
    if let Some((mode, lent)) = mode(directory)
        && mode & 0o022 & !(lent & 0o020) != 0
    {
        found.push(Exposure::of(directory, "can be written by others than its owner", "700"));
    }
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<_> = files.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    let secret = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with('.') && !name.ends_with(".md")
    };
    found.extend(files.iter().filter(secret).filter_map(|path| readable_by_others(path)));
    found
}

/// The permissions of what is there, and those that root may give to a group.
#[cfg(unix)]
fn mode(path: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.mode(), if metadata.uid() == 0 { 0o070 } else { 0 }))
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> Option<Exposure> {
    None
}

#[cfg(not(unix))]
fn exposed_keys(_: &Path) -> Vec<Exposure> {
    Vec::new()
}
