//! `gatewright completions` and `gatewright man`, generated from the command line definition.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde_json::json;

use super::Cli;
use super::print::Output;
use gatewright_base::access::why;

/// The completion script of a shell.
pub(super) fn completions(shell: Shell) -> Output {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "gatewright", &mut script);
    let script = String::from_utf8_lossy(&script);
    let json = json!({ "shell": shell.to_string(), "script": script });
    Output::line(script.trim_end(), json)
}

/// Writes a manual page for each command to a directory, which is created if missing.
///
/// # Errors
/// The directory cannot be written.
pub(super) fn man(directory: &Path) -> anyhow::Result<Output> {
    let message = |path: &Path, error: &_| format!("{}: {}", path.display(), why(path, error));
    fs::create_dir_all(directory)
        .map_err(|error| anyhow::anyhow!(message(directory, &error)))
        .context("cannot create the directory")?;
    // The command `help` has no page.
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut written = Vec::new();
    for (name, page) in pages(&root)? {
        let path: PathBuf = directory.join(name);
        fs::write(&path, page)
            .map_err(|error| anyhow::anyhow!(message(&path, &error)))
            .context("cannot write a page")?;
        written.push(path);
    }
    let text = format!("wrote {} pages to {}", written.len(), directory.display());
    Ok(Output::line(text, json!({ "pages": written })))
}

/// The pages of a command and its subcommands, by file name.
fn pages(command: &Command) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let source = concat!("Gatewright ", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).source(source).manual("Gatewright");
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    if let Some(after) = command.get_after_help() {
        verbatim(&after.to_string()).to_writer(&mut text)?;
    }
    let mut all = vec![(page.get_filename(), text)];
    for inner in command.get_subcommands() {
        all.extend(pages(inner)?);
    }
    Ok(all)
}

/// Examples, with their line breaks. The first line is the heading.
fn verbatim(text: &str) -> Roff {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (heading, lines) = match first.strip_suffix(':') {
        Some(heading) => (heading.to_uppercase(), rest),
        None => ("NOTES".to_owned(), text),
    };
    let mut roff = Roff::new();
    roff.control("SH", [heading.as_str()]);
    roff.control("nf", []);
    for line in lines.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}
