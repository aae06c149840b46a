//! Shell completions and manual pages.

use std::fs;

use serde_json::Value;

use crate::installation::Installation;

#[tokio::test]
async fn bash_completes_commands_and_options() {
    let installation = Installation::new().await;
    let script = installation.run(&["completions", "bash"]).await;
    assert_eq!(script.code, 0, "{script:?}");
    installation.write("completions", &script.stdout);

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
        let output = installation.program("bash", &["-c", &request]).output().await.unwrap();
        let stderr = String::from_utf8(output.stdout).unwrap();
        assert_eq!(stderr.trim(), completed, "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = installation.json(&["completions", shell]).await;
        assert!(script["script"].as_str().unwrap().contains("redirect-uri"), "{shell}");
    }
}

#[tokio::test]
async fn every_command_has_a_manual_page() {
    let installation = Installation::new().await;

    let written = installation.json(&["man", "share/man1"]).await;

    let pages: Vec<_> = written["pages"].as_array().unwrap().iter().map(Value::to_string).collect();
    let reference = include_str!("../../docs/cli.md");
    let commands = reference.lines().filter_map(|line| line.strip_prefix("## "));
    for command in commands {
        let page = format!("{}.1", command.replace(' ', "-"));
        assert!(pages.iter().any(|path| path.contains(&format!("/{page}\""))), "{page}: {pages:?}");
    }
    let page =
        fs::read_to_string(installation.directory.join("share/man1/gatewright-client-create.1"));
    let page = page.unwrap();
    for part in [".TH ", ".SH SYNOPSIS", r"\-\-redirect\-uri", ".SH EXAMPLES\n.nf\n"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    installation.write("file", "");
    let refused = installation.run(&["man", "file/man1"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("file/man1"), "{refused:?}");
}
