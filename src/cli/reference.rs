//! `docs/cli.md`, generated from `--help`.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

/// The head of the document.
const HEAD: &str = "\
# The command line

Generated from `gatewright --help` by `UPDATE_DOCS=1 cargo test --lib the_command_line_is`; do not edit.

Commands work beside a running server: each change is one short transaction, and every replica applies it
within a second. Results go to standard output, errors to standard error. A secret is printed once, by the
command that creates it, and is never accepted as an option.
";

/// Every command with its help.
pub fn reference() -> String {
    let mut root = Cli::command();
    root.build();
    let mut text = HEAD.to_owned();
    write_sections(&mut root, &mut text);
    text
}

/// A section for the root and for each command. Groups have none: their help only lists their commands.
fn write_sections(command: &mut Command, text: &mut String) {
    let is_root = command.get_bin_name() == Some(command.get_name());
    if is_root || !command.has_subcommands() {
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let help = command.render_help().to_string();
        let lines: Vec<_> = help.trim_end().lines().map(str::trim_end).collect();
        // Writing to a String does not fail.
        let _ = write!(text, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n"));
    }
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
        // The section of the root documents the global options.
        let shared = |arg: &Arg| arg.is_global_set() || arg.get_id() == "help";
        *inner = std::mem::take(inner).mut_args(|arg| {
            let hidden = shared(&arg);
            arg.hide(hidden)
        });
        write_sections(inner, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_how_it_is_used() {
        fn walk(command: &Command, count: &mut usize) {
            if command.get_subcommands().next().is_some() {
                command.get_subcommands().for_each(|inner| walk(inner, count));
                return;
            }
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("gatewright "), "{} has no example", command.get_name());
            *count += 1;
        }
        let mut count = 0;
        walk(&Cli::command(), &mut count);
        assert!(count > 25, "{count}");
    }

    #[test]
    fn the_command_line_is_documented() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, reference()).unwrap();
        }

        let written = std::fs::read_to_string(path).unwrap_or_default();

        assert!(written == reference(), "run UPDATE_DOCS=1 cargo test --lib the_command_line_is");
    }
}
