//! The configuration file: TOML with line numbers.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml_edit::{Document, TableLike};

use super::problem::{Origin, Problem};
use super::value::RawValue;
use gatewright_base::access;

/// The configuration file, parsed.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) document: Document<String>,
}

impl File {
    /// Reads it; `None` if there is none and it was not named explicitly.
    pub(super) fn open(path: &Path, explicit: bool) -> Result<Option<Self>, Problem> {
        let whole = |line| Origin::File { file: path.to_owned(), line };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && !explicit => return Ok(None),
            Err(error) => {
                let reason = format!("the file cannot be read: {}", access::why(path, &error));
                let remedy = "name another with --config or GATEWRIGHT_CONFIG, or create one with \
                              `gatewright init`";
                return Err(Problem::new("", reason, remedy).at(whole(None)));
            }
        };
        // The parser's report quotes the line, which may contain a secret; its message does not.
        let document = Document::parse(text.clone()).map_err(|error| {
            let line = error.span().map(|span| line_of(&text, span.start));
            Problem::new("", error.message(), "fix the TOML of this line (https://toml.io)")
                .at(whole(line))
        })?;
        Ok(Some(Self { path: path.to_owned(), document }))
    }

    fn table(&self, name: &str) -> Option<&dyn TableLike> {
        if name.is_empty() {
            return Some(self.document.as_table());
        }
        self.document.get(name)?.as_table_like()
    }

    /// The value of a key, and its origin.
    pub(super) fn find(&self, table: &str, key: &str) -> Option<(Origin, RawValue<'_>)> {
        let table = self.table(table)?;
        let item = table.get(key)?;
        Some((self.origin(table, key), RawValue::of(item)))
    }

    /// The origin of a key in a table.
    pub(super) fn origin(&self, table: &dyn TableLike, key: &str) -> Origin {
        let span = table.get_key_value(key).and_then(|(key, item)| key.span().or(item.span()));
        let line = span.map(|span| line_of(self.document.raw(), span.start));
        Origin::File { file: self.path.clone(), line }
    }

    /// The directory that relative paths in the file are relative to.
    pub(super) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// The line number of a byte, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
