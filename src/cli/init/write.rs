//! The file, and the one beside it that holds a secret.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use toml_edit::{Array, DocumentMut, Item, Table, Value as Toml};

use super::plan::{Ends, Place, Plan};
use crate::cli::exit::Wrong;
use crate::config::{Network, Value as _};
use gatewright_base::access::why;

/// The file beside the configuration that holds the URL of the database.
const DATABASE_URL: &str = "database_url";

const HEAD: &str = "\
# Written by `gatewright init`. Every other key, explained: gatewright config example
";

/// What was written.
pub(super) struct Written(Vec<PathBuf>);

impl Written {
    /// Takes it away again.
    pub(super) fn take_away(self) {
        for file in self.0 {
            // What cannot be removed is not good either, and `config check` says so.
            let _ = fs::remove_file(file);
        }
    }
}

/// Writes the plan down; what is there is never overwritten.
///
/// # Errors
/// What the file system says.
pub(super) fn write(plan: &Plan, file: &Path) -> anyhow::Result<Written> {
    let mut written = Written(Vec::new());
    let secret = file.with_file_name(DATABASE_URL);
    let mut files = vec![(file, text(plan), 0o644)];
    if let Place::Secret(url) = &plan.database {
        files.insert(0, (&secret, format!("{}\n", url.0.expose()), 0o600));
    }
    for (path, text, mode) in files {
        if let Err(error) = create(path, &text, mode) {
            written.take_away();
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
            "it is there already, and is not changed".to_owned()
        } else {
            why(path, &error)
        };
        Wrong(format!("{} cannot be written: {because}", path.display()))
    })?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// The configuration: what was answered, and nothing else.
fn text(plan: &Plan) -> String {
    let mut document = DocumentMut::new();
    let mut put = |table: &str, key: &str, value: Toml| {
        let table = document.entry(table).or_insert(Item::Table(Table::new()));
        if let Some(table) = table.as_table_mut() {
            table.insert(key, Item::Value(value));
        }
    };
    let listen = |address: &SocketAddr| Toml::from(address.to_string());
    match &plan.ends {
        Ends::Files { certificate, key } => {
            put("http", "listen", Array::new().into());
            put("tls", "listen", listen(&plan.listen));
            put("tls", "certificate_file", certificate.display().to_string().into());
            put("tls", "key_file", key.display().to_string().into());
        }
        Ends::Acme { directory, contact } => {
            put("http", "listen", Array::new().into());
            put("tls", "listen", listen(&plan.listen));
            put("acme", "directory", directory.0.as_str().into());
            put("acme", "contacts", contact.to_string().into());
            put("acme", "terms_agreed", true.into());
        }
        Ends::Proxy(networks) => {
            put("http", "listen", listen(&plan.listen));
            let networks: Array = networks.iter().filter_map(Network::show).collect();
            put("http", "trusted_proxies", networks.into());
        }
        Ends::Nobody => put("http", "listen", listen(&plan.listen)),
    }
    match &plan.database {
        Place::Url(url) => put("database", "url", url.0.expose().into()),
        Place::Secret(_) => put("database", "url_file", DATABASE_URL.into()),
        Place::File(file) => put("database", "url_file", file.display().to_string().into()),
    }
    put("keys", "dir", "keys".into());
    let issuer = plan.issuer.show().unwrap_or_else(|| plan.issuer.as_str().into());
    let issuer = issuer.decorated(" ", "");
    format!("{HEAD}issuer ={issuer}\n\n{document}")
}
