//! The floors of the house, enforced: a file may import its own floor and those below it.

#![expect(clippy::unwrap_used, reason = "that is how a test says no")]

use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up. Those on one line are siblings and do not import each other.
const FLOORS: &[&[&str]] = &[
    &["types"],
    &["config"],
    &["store"],
    &["jose"],
    &["record"],
    &["outbound"],
    &["people", "pki"],
    &["verify"],
    &["flow"],
    &["app"],
    &["render"],
    &["web", "page"],
    &["server"],
    &["cli"],
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
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

/// The code of a file, without its comments: a comment may speak of what lies above.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn nobody_looks_up() {
    for (height, floor) in FLOORS.iter().enumerate() {
        for room in *floor {
            let siblings = floor.iter().filter(|other| *other != room);
            let above: Vec<&str> =
                FLOORS[height + 1..].iter().copied().flatten().chain(siblings).copied().collect();
            for path in files(&source().join(room)) {
                let code = code(&path);
                for other in &above {
                    let reached = ["::", ";", "::{"]
                        .iter()
                        .any(|end| code.contains(&format!("crate::{other}{end}")));
                    assert!(!reached, "{} looks up at `{other}`", path.display());
                }
            }
        }
    }
}

#[test]
fn every_room_has_a_floor() {
    let known: Vec<&str> = FLOORS.iter().copied().flatten().copied().collect();
    for entry in fs::read_dir(source()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            ["lib", "main"].contains(&name.as_str()) || known.contains(&name.as_str()),
            "src/{name} has no floor: name it in tests/architecture.rs and in src/lib.rs"
        );
    }
}

/// Only `store` speaks to the database; a unit test may look behind it.
#[test]
fn sql_is_spoken_in_the_store_alone() {
    for path in files(&source()) {
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.starts_with(source().join("store")) || is_test {
            continue;
        }
        let code = code(&path);
        for word in ["sqlx::query", "\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE "] {
            assert!(!code.contains(word), "{} speaks SQL: {word}", path.display());
        }
    }
}

/// A template that escapes nothing is how a client's name becomes a script (THREATS UI-08).
#[test]
fn no_template_switches_escaping_off() {
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

/// What a developer left for later is a defect.
#[test]
fn nothing_is_left_for_later() {
    let words =
        ["to", "fix"].map(|half| format!("{}{}", half, if half == "to" { "do!" } else { "me" }));
    for path in files(&source()) {
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        for word in &words {
            if text.contains(word.as_str()) {
                panic!("{} has `{word}`", path.display());
            }
        }
    }
}
