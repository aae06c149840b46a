//! The directory of the demo: a database, keys, and a file of passwords and secrets, which also marks the
//! directory as one of a demo.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::certificates::Certificates;
use super::fixtures;

const SECRETS: &str = "secrets.json";
const NEW_SECRETS: &str = "secrets.json.new";
const LOCK: &str = "demo.lock";
const DATABASE: &str = "gatewright.db";
const KEYS: &str = "keys";
const CERTIFICATES: &str = "certificates";

/// The directory, locked as long as this exists.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    _lock: File,
}

/// The file: everything that a later start needs. In clear text, because users type the passwords.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secrets {
    /// Marks the file as one of the demo.
    made_by: String,
    /// The port of the server.
    pub(super) port: u16,
    /// The port of the application.
    pub(super) client_port: u16,
    /// The port of the server for client certificates.
    pub(super) mtls_port: u16,
    /// The port of the API.
    pub(super) api_port: u16,
    /// The port of the metrics.
    #[serde(default = "metrics_port")]
    pub(super) metrics_port: u16,
    /// Usernames and passwords.
    pub(super) people: BTreeMap<String, String>,
    /// Absent until the database is complete; an incomplete one is deleted.
    pub(super) clients: Option<Clients>,
}

/// The registered clients.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clients {
    /// The application that users sign in to.
    pub(super) web: Credentials,
    /// The service.
    pub(super) service: Credentials,
    /// The `client_id` of a service that authenticates with a certificate.
    pub(super) certified: String,
    /// The `client_id` of another such service.
    pub(super) other: String,
}

/// The credentials of a client.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    pub(super) client_id: String,
    pub(super) client_secret: String,
}

/// All ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) port: u16,
    pub(super) client_port: u16,
    pub(super) mtls_port: u16,
    pub(super) api_port: u16,
    pub(super) metrics_port: u16,
}

/// The port of the metrics, for a file of a version that had none.
const fn metrics_port() -> u16 {
    9090
}

impl Secrets {
    /// The ports of that demo.
    pub(super) const fn ports(&self) -> Ports {
        let Self { port, client_port, mtls_port, api_port, metrics_port, .. } = *self;
        Ports { port, client_port, mtls_port, api_port, metrics_port }
    }
}

/// The value of `made_by`.
const MARK: &str = "gatewright demo";

impl Home {
    /// Locks a directory, and reads the secrets of a complete earlier demo.
    ///
    /// # Errors
    /// The directory contains files of another origin, or another demo is running in it.
    pub(super) fn enter(path: &Path) -> anyhow::Result<(Self, Option<Secrets>)> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        let secrets = read(&path.join(SECRETS))?;
        if secrets.is_none() {
            must_be_empty(path)?;
        }
        let home = Self { path: path.to_owned(), _lock: lock(&path.join(LOCK))? };
        Ok((home, secrets.filter(|secrets| secrets.clients.is_some())))
    }

    /// Starts over: deletes the files of an earlier demo, and only those.
    ///
    /// # Errors
    /// A file cannot be written or deleted.
    pub(super) fn clear(&self, ports: Ports) -> anyhow::Result<Secrets> {
        let made_by = MARK.to_owned();
        let people = fixtures::passwords();
        let Ports { port, client_port, mtls_port, api_port, metrics_port } = ports;
        let secrets = Secrets {
            made_by,
            port,
            client_port,
            mtls_port,
            api_port,
            metrics_port,
            people,
            clients: None,
        };
        // First, so that from here on the directory is marked as an incomplete demo.
        self.save(&secrets)?;
        for suffix in ["", "-wal", "-shm", ".lock"] {
            ignore_missing(fs::remove_file(self.path.join(format!("{DATABASE}{suffix}"))))?;
        }
        ignore_missing(fs::remove_dir_all(self.keys()))?;
        ignore_missing(fs::remove_dir_all(self.path.join(CERTIFICATES)))?;
        Ok(secrets)
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn save(&self, secrets: &Secrets) -> anyhow::Result<()> {
        let (path, new) = (self.secrets(), self.path.join(NEW_SECRETS));
        ignore_missing(fs::remove_file(&new))?;
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&new)?;
        file.write_all(format!("{:#}\n", serde_json::to_value(secrets)?).as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The file of passwords and secrets.
    pub(super) fn secrets(&self) -> PathBuf {
        self.path.join(SECRETS)
    }

    /// The directory of the keys.
    pub(super) fn keys(&self) -> PathBuf {
        self.path.join(KEYS)
    }

    /// The directory of the certificates.
    ///
    /// # Errors
    /// It cannot be created.
    pub(super) fn certificates(&self) -> anyhow::Result<Certificates> {
        let path = self.path.join(CERTIFICATES);
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        Ok(Certificates(path))
    }

    /// The URL of the database.
    ///
    /// # Errors
    /// The path is not UTF-8.
    pub(super) fn database(&self) -> anyhow::Result<String> {
        let path = self.path.join(DATABASE);
        let Some(path) = path.to_str() else { bail!("{} is not UTF-8", path.display()) };
        // Characters with a meaning in a URL.
        Ok(format!("sqlite:{}", path.replace('%', "%25").replace('?', "%3F")))
    }
}

/// Writes a file that only its owner can read, replacing an existing one.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    ignore_missing(fs::remove_file(path))?;
    let mut file = File::options().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes).with_context(|| path.display().to_string())
}

fn read(path: &Path) -> anyhow::Result<Option<Secrets>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{}", path.display())),
    };
    match serde_json::from_str::<Secrets>(&text) {
        Ok(secrets) if secrets.made_by == MARK => Ok(Some(secrets)),
        Ok(_) | Err(_) => bail!(
            "{} was not written by `gatewright demo`: remove the directory, or choose another with --dir",
            path.display()
        ),
    }
}

/// A directory without the mark may contain the database or the keys of a real server.
fn must_be_empty(path: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(path).with_context(|| format!("{}", path.display()))? {
        let entry = entry?;
        if entry.file_name() != LOCK && entry.file_name() != NEW_SECRETS {
            bail!(
                "{} was not created by `gatewright demo` and is not changed: choose another \
                 directory with --dir",
                entry.path().display()
            );
        }
    }
    Ok(())
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let options = File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
    let file = options.with_context(|| format!("{}", path.display()))?;
    if file.try_lock().is_err() {
        bail!("a demo is running in {} already", path.parent().unwrap_or(path).display());
    }
    Ok(file)
}

/// Ignores that a file to be removed does not exist.
fn ignore_missing(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const PORTS: Ports =
        Ports { port: 1, client_port: 2, mtls_port: 3, api_port: 4, metrics_port: 5 };

    fn directory() -> PathBuf {
        std::env::temp_dir().join(format!("gatewright-demo-{}", uuid::Uuid::now_v7()))
    }

    fn credentials() -> Credentials {
        Credentials { client_id: "id".to_owned(), client_secret: "secret".to_owned() }
    }

    #[test]
    fn secrets_are_read_back_and_only_the_owner_can_read_them() {
        let path = directory();
        {
            let (home, secrets) = Home::enter(&path).unwrap();
            assert!(secrets.is_none());
            let mut secrets = home.clear(PORTS).unwrap();
            let (certified, other) = ("id".to_owned(), "id".to_owned());
            let (web, service) = (credentials(), credentials());
            secrets.clients = Some(Clients { web, service, certified, other });
            home.save(&secrets).unwrap();
            assert!(Home::enter(&path).err().unwrap().to_string().contains("running"));
        }

        let (home, secrets) = Home::enter(&path).unwrap();

        let secrets = secrets.unwrap();
        assert_eq!(secrets.ports(), PORTS);
        assert!(secrets.people.values().all(|password| password.len() >= 15));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&home.secrets()), mode(&path)), (0o600, 0o700));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn an_incomplete_demo_starts_over() {
        let path = directory();
        let (home, _) = Home::enter(&path).unwrap();
        home.clear(PORTS).unwrap();
        fs::write(path.join(DATABASE), "half a database").unwrap();
        drop(home);

        let (home, secrets) = Home::enter(&path).unwrap();
        home.clear(PORTS).unwrap();

        assert!(secrets.is_none() && !path.join(DATABASE).exists());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn files_of_another_origin_are_not_changed() {
        let path = directory();
        fs::create_dir_all(path.join(KEYS)).unwrap();

        let with_keys = Home::enter(&path).err().unwrap().to_string();
        fs::remove_dir(path.join(KEYS)).unwrap();
        fs::write(path.join(DATABASE), "another database").unwrap();
        let without_a_mark = Home::enter(&path).err().unwrap().to_string();
        fs::write(path.join(SECRETS), "{\"made_by\":\"somebody\"}").unwrap();
        let with_another = Home::enter(&path).err().unwrap().to_string();

        assert!(with_keys.contains("was not created by `gatewright demo`"), "{with_keys}");
        assert!(
            without_a_mark.contains("was not created by `gatewright demo`"),
            "{without_a_mark}"
        );
        assert!(with_another.contains("was not written by `gatewright demo`"), "{with_another}");
        assert_eq!(fs::read_to_string(path.join(DATABASE)).unwrap(), "another database");
        fs::remove_dir_all(path).unwrap();
    }
}
