//! Shell completions and manual pages.

use std::fs;

use serde_json::Value;

use crate::place::Place;

#[tokio::test]
async fn bash_completes_commands_and_options() {
    let place = Place::make().await;
    let script = place.run(&["completions", "bash"]).await;
    assert_eq!(script.code, 0, "{script:?}");
    place.write("completions", &script.out);

    for (line, completed) in [
        ("gatewright cli", "client"),
        ("gatewright client cr", "create"),
        ("gatewright client create --redi", "--redirect-uri"),
        ("gatewright completions fi", "fish"),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let (last, before) = (words.len() - 1, words[words.len() - 2]);
        let request = format!(
            "source ./completions; COMP_WORDS=({line}); COMP_CWORD={last}
             _gatewright gatewright {} {before}; echo \"${{COMPREPLY[@]}}\"",
            words[last]
        );
        let output = place.other("bash", &["-c", &request]).output().await.unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(told.trim(), completed, "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = place.json(&["completions", shell]).await;
        assert!(script["script"].as_str().unwrap().contains("redirect-uri"), "{shell}");
    }
}

#[tokio::test]
async fn every_command_has_a_manual_page() {
    let place = Place::make().await;

    let written = place.json(&["man", "share/man1"]).await;

    let pages: Vec<_> = written["pages"].as_array().unwrap().iter().map(Value::to_string).collect();
    let reference = include_str!("../../docs/cli.md");
    let commands = reference.lines().filter_map(|line| line.strip_prefix("## "));
    for command in commands {
        let page = format!("{}.1", command.replace(' ', "-"));
        assert!(pages.iter().any(|path| path.contains(&format!("/{page}\""))), "{page}: {pages:?}");
    }
    let page = fs::read_to_string(place.directory.join("share/man1/gatewright-client-create.1"));
    let page = page.unwrap();
    for part in [".TH ", ".SH SYNOPSIS", r"\-\-redirect\-uri", ".SH EXAMPLES\n.nf\n"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    place.write("file", "");
    let refused = place.run(&["man", "file/man1"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("file/man1"), "{refused:?}");
}
