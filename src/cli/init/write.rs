//! Writes the configuration, and the file beside it for a secret.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use toml_edit::{Array, DocumentMut, Item, Table, Value as Toml};

use super::plan::{DatabaseLocation, Plan, Termination};
use crate::cli::exit::Wrong;
use crate::config::{Network, Value as _};
use gatewright_base::access::why;

/// The file beside the configuration that contains the database URL.
const DATABASE_URL: &str = "database_url";

const HEAD: &str = "\
# Written by `gatewright init`. All other keys: gatewright config example
";

/// The written files.
pub(super) struct Written(Vec<PathBuf>);

impl Written {
    /// Removes them again.
    pub(super) fn remove(self) {
        for file in self.0 {
            // A file that cannot be removed stays invalid, and `config check` reports it.
            let _ = fs::remove_file(file);
        }
    }
}

/// Writes the files; never overwrites an existing one.
///
/// # Errors
/// A file exists or cannot be written.
pub(super) fn write(plan: &Plan, file: &Path) -> anyhow::Result<Written> {
    let mut written = Written(Vec::new());
    let secret = file.with_file_name(DATABASE_URL);
    let mut files = vec![(file, text(plan), 0o644)];
    if let DatabaseLocation::Secret(url) = &plan.database {
        files.insert(0, (&secret, format!("{}\n", url.0.expose()), 0o600));
    }
    for (path, text, mode) in files {
        if let Err(error) = create(path, &text, mode) {
            written.remove();
            return Err(error);
        }
        written.0.push(path.to_owned());
    }
    Ok(written)
}

fn create(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|error| {
        let because = if error.kind() == ErrorKind::AlreadyExists {
            "it already exists and is not changed".to_owned()
        } else {
            why(path, &error)
        };
        Wrong(format!("cannot write {}: {because}", path.display()))
    })?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The configuration: only the given answers.
fn text(plan: &Plan) -> String {
    let mut document = DocumentMut::new();
    let mut put = |table: &str, key: &str, value: Toml| {
        let table = document.entry(table).or_insert(Item::Table(Table::new()));
        if let Some(table) = table.as_table_mut() {
            table.insert(key, Item::Value(value));
        }
    };
    let listen = |address: &SocketAddr| Toml::from(address.to_string());
    match &plan.termination {
        Termination::Files { certificate, key } => {
            put("http", "listen", Array::new().into());
            put("tls", "listen", listen(&plan.listen));
            put("tls", "certificate_file", certificate.display().to_string().into());
            put("tls", "key_file", key.display().to_string().into());
        }
        Termination::Acme { directory, contact } => {
            put("http", "listen", Array::new().into());
            put("tls", "listen", listen(&plan.listen));
            put("acme", "directory", directory.0.as_str().into());
            put("acme", "contacts", contact.to_string().into());
            put("acme", "terms_agreed", true.into());
        }
        Termination::Proxy(networks) => {
            put("http", "listen", listen(&plan.listen));
            let networks: Array = networks.iter().filter_map(Network::show).collect();
            put("http", "trusted_proxies", networks.into());
        }
        Termination::None => put("http", "listen", listen(&plan.listen)),
    }
    match &plan.database {
        DatabaseLocation::Url(url) => put("database", "url", url.0.expose().into()),
        DatabaseLocation::Secret(_) => put("database", "url_file", DATABASE_URL.into()),
        DatabaseLocation::File(file) => {
            put("database", "url_file", file.display().to_string().into())
        }
    }
    put("keys", "dir", "keys".into());
    let issuer = plan.issuer.show().unwrap_or_else(|| plan.issuer.as_str().into());
    let issuer = issuer.decorated(" ", "");
    format!("{HEAD}issuer ={issuer}\n\n{document}")
}
