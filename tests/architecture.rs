//! The layers, enforced: a module imports only its own layer and those below it.
//!
//! Between crates the compiler enforces the order. The tests check the manifests of the crates, and the
//! modules within them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up, each with its folder. Modules on one line are siblings and do not import each
/// other.
const LAYERS: &[&[(&str, &str)]] = &[
    &[("types", "crates/base/src/types")],
    &[("jose", "crates/base/src/jose")],
    &[("config", "crates/config/src"), ("x509", "crates/x509/src")],
    &[("store", "crates/store/src"), ("verify", "crates/verify/src")],
    &[("record", "src/record")],
    &[("outbound", "src/outbound")],
    &[("roles", "src/roles")],
    &[("people", "src/people"), ("pki", "src/pki")],
    &[("flow", "src/flow")],
    &[("admin", "src/admin")],
    &[("app", "src/app")],
    &[("render", "src/render")],
    &[("web", "src/web"), ("page", "src/page"), ("api", "src/api"), ("console", "src/console")],
    &[("server", "src/server")],
    &[("cli", "src/cli")],
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(under: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// All source files of the product.
fn sources() -> Vec<PathBuf> {
    ["src", "crates"].iter().flat_map(|folder| files(&root().join(folder))).collect()
}

/// The code of a file without its comments, which may mention layers above.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that a layer may not import: those above it and its siblings.
fn forbidden() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut found = Vec::new();
    for (height, layer) in LAYERS.iter().enumerate() {
        for (name, folder) in *layer {
            let siblings = layer.iter().filter(|other| other.0 != *name);
            let above = LAYERS.iter().copied().skip(height + 1).flatten().chain(siblings);
            found.push((*folder, above.map(|other| other.0).collect()));
        }
    }
    found
}

#[test]
fn no_layer_imports_one_above() {
    for (folder, forbidden) in forbidden() {
        for path in files(&root().join(folder)) {
            let code = code(&path);
            for other in &forbidden {
                let reached = ["::", ";", "::{"].iter().any(|end| {
                    code.contains(&format!("crate::{other}{end}"))
                        || code.contains(&format!("gatewright_{other}{end}"))
                });
                assert!(!reached, "{} imports `{other}`, which is not below", path.display());
            }
        }
    }
}

/// Features in a manifest are dependencies too, so the whole file is searched.
#[test]
fn no_crate_depends_on_one_above() {
    for (folder, forbidden) in forbidden() {
        let Some(directory) = folder.strip_prefix("crates/") else { continue };
        let package = directory.split('/').next().unwrap();
        let manifest = fs::read_to_string(root().join("crates").join(package).join("Cargo.toml"));
        let manifest = manifest.unwrap();
        for other in forbidden {
            // `types` and `jose` are one crate.
            let depends = manifest.lines().any(|line| {
                let name = line.split(['.', ' ', '=']).next().unwrap();
                name == format!("gatewright-{other}")
            });
            assert!(!depends, "crates/{package} depends on `{other}`, which is not below");
        }
    }
}

#[test]
fn every_module_and_crate_has_a_layer() {
    let known: Vec<&str> = LAYERS.iter().copied().flatten().map(|(name, _)| *name).collect();
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            ["lib", "main"].contains(&name.as_str()) || known.contains(&name.as_str()),
            "src/{name} has no layer: name it in tests/architecture.rs and in src/lib.rs"
        );
    }
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "base" || known.contains(&name.as_str()),
            "crates/{name} has no layer: name it in tests/architecture.rs and in src/lib.rs"
        );
    }
}

/// Only `store` contains SQL; unit tests may query the database.
#[test]
fn only_the_store_contains_sql() {
    for path in sources() {
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.starts_with(root().join("crates/store")) || is_test {
            continue;
        }
        let code = code(&path);
        for word in ["sqlx::query", "\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE "] {
            assert!(!code.contains(word), "{} speaks SQL: {word}", path.display());
        }
    }
}

/// > Values for the "error_description" parameter MUST NOT include characters outside the set
/// > %x20-21 / %x23-5B / %x5D-7E. (RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3)
#[test]
fn every_error_description_uses_only_the_allowed_characters() {
    let mut reasons = 0;
    for path in sources() {
        let source = fs::read_to_string(&path).unwrap();
        for call in source.split("because(").skip(1) {
            let Some(text) = call.trim_start().strip_prefix('"') else { continue };
            let why = text.split('"').next().unwrap();
            let legal = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(why.bytes().all(legal), "{}: {why}", path.display());
            reasons += 1;
        }
    }
    assert!(reasons > 100, "{reasons}");
}

/// An unescaped client name in a template is cross-site scripting (THREATS UI-08).
#[test]
fn no_template_disables_escaping() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut waiting = vec![templates];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for word in ["|safe", "| safe", "escape none", "<script>", " style=", "javascript:"] {
                assert!(!text.contains(word), "{} has `{word}`", path.display());
            }
            for handler in ["onclick", "onload", "onsubmit", "onerror"] {
                assert!(!text.contains(handler), "{} has `{handler}`", path.display());
            }
        }
    }
}

/// Markers for unfinished work are not committed.
#[test]
fn no_source_has_a_marker_for_unfinished_work() {
    let words =
        ["to", "fix"].map(|half| format!("{}{}", half, if half == "to" { "do!" } else { "me" }));
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        for word in &words {
            if text.contains(word.as_str()) {
                panic!("{} has `{word}`", path.display());
            }
        }
    }
}
