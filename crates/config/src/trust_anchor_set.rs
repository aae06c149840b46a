//! A set of trust anchors for client certificates.

use std::path::{Path, PathBuf};

use serde_json::json;
use toml_edit::{InlineTable, Value as Toml};

use super::text::Revocation;
use super::value::{InvalidValue, RawValue, Value};

/// An item of `client_certificates.anchors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchorSet {
    /// Its name in the log and in the audit trail.
    pub name: String,
    /// The CA certificates, as PEM.
    pub file: PathBuf,
    /// What an unknown revocation status means.
    pub revocation: Revocation,
    /// Certificate revocation lists (CRL), as PEM or DER.
    pub crl_files: Vec<PathBuf>,
}

impl Value for TrustAnchorSet {
    const FORM: &'static str = "a table such as `{ name = \"internal\", file = \"ca.pem\", revocation = \"soft-fail\" }`, in the \
         environment `name=internal;file=ca.pem;revocation=soft-fail`";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        let (mut name, mut file, mut revocation) = (None, None, Revocation::default());
        let mut crl_files = Vec::new();
        for (key, raw) in raw.members(&["name", "file", "revocation", "crl_files"])? {
            let within = |wrong: InvalidValue| InvalidValue {
                reason: format!("has a {key} that {}", wrong.reason),
                ..wrong
            };
            match key {
                "name" => name = Some(word(&raw).map_err(within)?),
                "file" => file = Some(PathBuf::read(&raw).map_err(within)?),
                "crl_files" => crl_files = Vec::read(&raw).map_err(within)?,
                _ => revocation = Revocation::read(&raw).map_err(within)?,
            }
        }
        let name = name.ok_or_else(|| InvalidValue::from("lacks a name"))?;
        let file = file.ok_or_else(|| InvalidValue::from("lacks a file"))?;
        Ok(Self { name, file, revocation, crl_files })
    }

    fn show(&self) -> Option<Toml> {
        let mut table = InlineTable::new();
        table.insert("name", self.name.as_str().into());
        table.insert("file", self.file.show()?);
        table.insert("revocation", self.revocation.show()?);
        if !self.crl_files.is_empty() {
            table.insert("crl_files", self.crl_files.show()?);
        }
        Some(table.into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" },
                "file": PathBuf::schema(None),
                "revocation": Revocation::schema(None),
                "crl_files": Vec::<PathBuf>::schema(None),
            },
            "required": ["name", "file"],
            "additionalProperties": false,
        })
    }

    fn rooted(self, directory: &Path) -> Self {
        Self {
            file: self.file.rooted(directory),
            crl_files: self.crl_files.rooted(directory),
            ..self
        }
    }
}

/// A name that needs no escaping in the log and in metrics.
fn word(raw: &RawValue<'_>) -> Result<String, InvalidValue> {
    let text = raw.text()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.len() > 64 || !text.bytes().all(fits) {
        return Err(InvalidValue::with_remedy(
            "has other characters than letters, digits and . _ -, or more than 64",
            "write a short name, such as \"internal\"",
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::tests::{SMALLEST, Scratch};

    #[test]
    fn an_anchor_is_a_table_in_every_notation() {
        let scratch = Scratch::new();
        scratch.write("a.pem", "");
        scratch.write("b.pem", "");
        let expected = |name: &str, revocation| TrustAnchorSet {
            name: name.to_owned(),
            file: scratch.0.join(format!("{name}.pem")),
            revocation,
            crl_files: Vec::new(),
        };
        let expected = [expected("a", Revocation::HardFail), expected("b", Revocation::SoftFail)];
        let inline = "anchors = [{ name = \"a\", file = \"a.pem\", revocation = \"hard-fail\" }, { file = \"b.pem\", name = \"b\" }]";
        let tables = "[[client_certificates.anchors]]\nname = \"a\"\nfile = \"a.pem\"\nrevocation = \"hard-fail\"\n\
                      [[client_certificates.anchors]]\nname = \"b\"\nfile = \"b.pem\"";
        for text in [format!("[client_certificates]\n{inline}"), tables.to_owned()] {
            let loaded = scratch.load(&format!("{SMALLEST}\n{text}"), &[]).unwrap();
            assert_eq!(loaded.config.client_certificates.anchors, expected, "{text}");
        }
        let directory = scratch.0.display();
        let text = format!(
            "name=a;file={directory}/a.pem;revocation=hard-fail, name=b; file = {directory}/b.pem"
        );
        let env = [("GATEWRIGHT_CLIENT_CERTIFICATES__ANCHORS", text.as_str())];
        let loaded = scratch.load(SMALLEST, &env).unwrap();
        assert_eq!(loaded.config.client_certificates.anchors, expected);
        let json = loaded.show_json();
        assert_eq!(json["client_certificates"]["anchors"]["value"][0]["revocation"], "hard-fail");
    }

    #[test]
    fn problems_of_an_anchor_are_reported() {
        let scratch = Scratch::new();
        scratch.write("a.pem", "");
        let mut problems = String::new();
        for anchors in [
            "\"a.pem\"",
            "[{ name = \"a\" }]",
            "[{ file = \"a.pem\" }]",
            "[{ name = \"a b\", file = \"a.pem\" }]",
            "[{ name = \"a\", file = 1 }]",
            "[{ name = \"a\", file = \"a.pem\", revokation = \"off\" }]",
            "[{ name = \"a\", file = \"a.pem\", revocation = \"hard\" }]",
            "[{ name = \"a\", file = \"a.pem\" }, { name = \"a\", file = \"a.pem\" }]",
            "[{ name = \"gatewright\", file = \"a.pem\" }]",
            "[{ name = \"a\", file = \"b.pem\" }]",
        ] {
            let file = format!("{SMALLEST}\n[client_certificates]\nanchors = {anchors}");
            let text = scratch.problems(&file, &[]);
            let (_, problem) = text.rsplit_once("anchors: ").unwrap();
            problems.push_str(problem.split("; write a table such as").next().unwrap().trim());
            problems.push('\n');
        }

        assert_snapshot!(problems.replace(&scratch.0.display().to_string(), ""), @r#"
        is a string
        has an item (number 1) that lacks a file
        has an item (number 1) that lacks a name
        has an item (number 1) that has a name that has other characters than letters, digits and . _ -, or more than 64; write a short name, such as "internal"
        has an item (number 1) that has a file that is an integer
        has an item (number 1) that has an unknown key `revokation`; the nearest known key is `revocation`
        has an item (number 1) that has a revocation that is not one of the allowed values
        has two that are named a; give each a name of its own
        has one that is named gatewright, like the built-in CA; give it another name
        names b.pem, which is not a file; put the certificates there, as PEM
        "#);
    }
}
