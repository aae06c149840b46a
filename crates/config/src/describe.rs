//! Documentation that is generated from the declaration: an example to start from, a JSON Schema for
//! editors, the reference.

use std::fmt::Write as _;

use serde_json::{Map, json};

use super::table::{Key, Table, variable};
use super::tables::Config;

/// The beginning of the reference.
const PREFACE: &str = "\
# Configuration

<!-- Generated from crates/config/src/tables; a test compares them. To update it:
     UPDATE_DOCS=1 cargo test --lib the_reference_is_the_declaration -->

Gatewright reads one file: `gatewright.toml`, or the file named by `--config` or `GATEWRIGHT_CONFIG`.
The smallest is

```toml
issuer = \"https://id.example.org\"
[http]
listen = \"127.0.0.1:8080\"
trusted_proxies = [\"127.0.0.1\"]    # the proxy that ends TLS
[database]
url = \"sqlite:gatewright.db\"        # or postgres://…
[keys]
dir = \"keys\"
```

- **Every value can be overridden by an environment variable**: `GATEWRIGHT_`, then the key with `__`
  between table and name; each key below names its variable. Separate the items of a list with commas.
  The file is optional if the environment sets every required value.
- **Every secret can come from a file**, named by the key that ends in `_file`. A line break at the end
  of that file is ignored.
- **Relative paths** in the configuration file, and defaults, are relative to its directory;
  those in the environment, to the working directory.
- **Durations** are texts such as `\"30s\"`, `\"5m\"`, `\"12h\"`, `\"14d\"`, or a number of seconds;
  **sizes** are texts such as `\"64KiB\"` or `\"1MiB\"`, or a number of bytes.
- **Anything unknown or invalid is an error**: an unknown key or variable, a value out of bounds, a
  missing file. All errors are reported at once, each with its line, its key, the reason and the remedy.

`gatewright config check` reports these errors, and everything that the server refuses to run with: plain
http on a network, secrets that other users can read. `gatewright config show` prints the effective
values and their origins, without secrets. `gatewright config example` prints a file with every
key, `gatewright config schema` a JSON Schema for editors.
";

/// `docs/configuration.md`.
pub fn reference() -> String {
    let mut text = PREFACE.to_owned();
    for table in Config::tables() {
        let heading = if table.name.is_empty() {
            "Above the first table".to_owned()
        } else {
            format!("`[{}]`", table.name)
        };
        let about = if table.name.is_empty() { "" } else { &table.doc };
        push(&mut text, format_args!("\n## {heading}\n"));
        if !about.is_empty() {
            push(&mut text, format_args!("\n{}\n", wrapped(about, "")));
        }
        for key in &table.keys {
            push(&mut text, format_args!("\n### `{}`\n\n", table.path(key)));
            push(&mut text, format_args!("{}\n\n", wrapped(&key.doc, "")));
            push(&mut text, format_args!("{}\n", wrapped(&facts(&table, key), "")));
        }
    }
    text
}

/// Default, form, bounds and variable of a key.
fn facts(table: &Table, key: &Key) -> String {
    let default = match (&key.default, key.required, key.file) {
        (Some(default), ..) => format!("Default: `{default}`."),
        (None, true, None) => "Required.".to_owned(),
        (None, true, Some(file)) => format!("Required, unless `{file}` is given."),
        (None, false, _) => "Not set by default.".to_owned(),
    };
    let within = key.within.as_ref().map(|(least, most)| format!(" From `{least}` to `{most}`."));
    let form = key.form.replace('"', "`");
    let form = if key.form.contains('`') { key.form.to_owned() } else { form };
    format!(
        "{default} Write {form}.{} Variable: `{}`.",
        within.unwrap_or_default(),
        variable(table.name, key.name)
    )
}

/// A complete `gatewright.toml`: the required keys are set, the others are comments.
pub fn example() -> String {
    let mut text = "\
# gatewright.toml: every key. A commented line shows the default or, where it says so, an example.
# `gatewright config check` reports errors in this file.
"
    .to_owned();
    for table in Config::tables() {
        if !table.name.is_empty() {
            push(&mut text, format_args!("\n\n{}\n[{}]\n", wrapped(&table.doc, "# "), table.name));
        }
        for key in &table.keys {
            push(&mut text, format_args!("\n{}\n", wrapped(&key.doc, "# ")));
            match (&key.default, &key.example) {
                (Some(default), _) => push(&mut text, format_args!("# {} = {default}\n", key.name)),
                (None, Some(example)) if key.required => {
                    push(&mut text, format_args!("{} = {example}\n", key.name));
                }
                (None, example) => {
                    let example = example.as_deref().unwrap_or("\"\"");
                    push(&mut text, format_args!("# For example:\n# {} = {example}\n", key.name));
                }
            }
        }
    }
    text
}

/// The JSON Schema of `gatewright.toml`, for editors. No key is required in it, because the
/// environment may set it.
pub fn schema() -> serde_json::Value {
    let mut root = Map::new();
    for table in Config::tables() {
        let properties: Map<_, _> =
            table.keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
        if table.name.is_empty() {
            root.extend(properties);
            continue;
        }
        let mut schema = json!({
            "type": "object",
            "description": table.doc,
            "properties": properties,
            "additionalProperties": false,
        });
        let either: Vec<_> = table
            .keys
            .iter()
            .filter_map(|key| {
                key.file.map(|file| json!({ "not": { "required": [key.name, file] } }))
            })
            .collect();
        if let (Some(schema), false) = (schema.as_object_mut(), either.is_empty()) {
            schema.insert("allOf".to_owned(), either.into());
        }
        root.insert(table.name.to_owned(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gatewright.toml",
        "type": "object",
        "properties": root,
        "additionalProperties": false,
    })
}

/// The schema of a key, with its description.
fn described(key: &Key) -> serde_json::Value {
    let mut schema = key.schema.clone();
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), key.doc.clone().into());
        let default = key.default.as_deref().and_then(|toml| toml.parse().ok());
        if let Some(default) = default {
            object.insert("default".to_owned(), super::show::as_json(&default));
        }
    }
    schema
}

/// Appends; writing to a `String` cannot fail.
fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(what);
}

/// The paragraphs of `text` in lines of 100 characters, each after `before`.
fn wrapped(text: &str, before: &str) -> String {
    const WIDTH: usize = 100;
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n") {
        if !lines.is_empty() {
            lines.push(before.trim_end().to_owned());
        }
        let mut line = before.to_owned();
        for word in paragraph.split_whitespace() {
            let empty = line.len() == before.len();
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::replace(&mut line, before.to_owned()));
            } else if !empty {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Scratch;
    use crate::{Issuer, Loaded};

    /// The effective values, without their origins.
    fn values(loaded: &Loaded) -> Vec<String> {
        let values = loaded.config.display_values();
        values.iter().map(|(table, key, value)| format!("{table}.{key} = {value:?}")).collect()
    }

    #[test]
    fn the_example_is_the_default() {
        let scratch = Scratch::new();
        let smallest = scratch
            .load(
                "issuer = \"https://id.example.org\"\ndatabase.url = \"sqlite:gatewright.db\"",
                &[],
            )
            .unwrap();

        let as_it_is = scratch.load(&example(), &[]).unwrap();
        assert_eq!(values(&as_it_is), values(&smallest));

        let mut uncommented = String::new();
        let mut before = "";
        let text = example();
        for line in text.lines() {
            let default = line.strip_prefix("# ").filter(|rest| {
                let name = rest.split(" = ").next().unwrap_or_default();
                rest.contains(" = ")
                    && !name.contains(|c: char| c != '_' && !c.is_ascii_lowercase())
            });
            uncommented.push_str(default.filter(|_| before != "# For example:").unwrap_or(line));
            uncommented.push('\n');
            before = line;
        }
        let explicit = scratch.load(&uncommented, &[]).unwrap();
        assert_eq!(values(&explicit), values(&smallest));
        let defaults =
            Config::tables().iter().flat_map(|t| &t.keys).filter(|k| k.default.is_some()).count();
        assert_eq!(explicit.origins.len(), defaults + 2, "every default is explicit");
    }

    #[test]
    fn the_smallest_configuration_of_the_reference_is_the_tested_one() {
        let documented = PREFACE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let bare = |line: &str| line.split('#').next().unwrap_or_default().trim_end().to_owned();
        let documented: Vec<String> = documented.lines().map(bare).collect();

        assert_eq!(documented.join("\n").trim(), crate::tests::SMALLEST.trim());
    }

    #[test]
    fn the_defaults_of_rust_are_the_defaults_of_a_file() {
        let smallest = Loaded {
            config: Config::with_defaults(Issuer::parse("https://id.example.org").unwrap()),
            file: None,
            origins: std::collections::BTreeMap::new(),
        };
        let env = [
            ("GATEWRIGHT_ISSUER".to_owned(), "https://id.example.org".to_owned()),
            ("GATEWRIGHT_DATABASE__URL".to_owned(), "sqlite:gatewright.db".to_owned()),
        ];

        let nowhere = std::path::Path::new("no-such-file.toml");
        let loaded = Config::load(nowhere, false, env.into_iter()).unwrap();

        assert_eq!(values(&loaded), values(&smallest));
    }

    #[test]
    fn the_reference_is_the_declaration() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, reference()).unwrap();
        }

        let written = std::fs::read_to_string(path).unwrap_or_default();

        assert!(written == reference(), "run UPDATE_DOCS=1 cargo test --lib the_reference_is");
    }

    #[test]
    fn the_schema_has_every_key_and_no_other() {
        let schema = schema();
        for table in Config::tables() {
            let of_table = match table.name {
                "" => &schema,
                name => &schema["properties"][name],
            };
            assert_eq!(of_table["additionalProperties"], false);
            for key in &table.keys {
                let described = &of_table["properties"][key.name];
                assert_eq!(described["description"], key.doc);
                assert_eq!(
                    described.get("default").is_some(),
                    key.default.is_some(),
                    "{}",
                    key.name
                );
            }
        }
        assert_eq!(schema["properties"]["passwords"]["properties"]["min_length"]["minimum"], 8);
        let either = &schema["properties"]["database"]["allOf"][0]["not"]["required"];
        assert_eq!(*either, json!(["url", "url_file"]));
    }
}
