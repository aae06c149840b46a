//! Answers: a table or a line for people, JSON for programs.

use std::io::{self, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long the end of the process waits for somebody to read why it ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Says on standard error why the process ends, which it does even if nobody reads that (THREATS EX-05).
pub(super) fn last_words(text: String) {
    let (says, said) = mpsc::channel::<()>();
    let say = move || {
        // Where standard error is closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "{text}");
        drop(says);
    };
    if thread::Builder::new().spawn(say).is_ok() {
        // Disconnected once it is said.
        let _ = said.recv_timeout(LAST_WORDS);
    }
}

/// What a command answers, in both forms.
#[derive(Debug)]
pub(super) struct Answer {
    /// With `--json`.
    pub(super) json: Value,
    /// Without.
    pub(super) text: String,
    /// In the place of the text at a terminal, where a person reads.
    pub(super) card: Option<String>,
    /// What whoever asked should think about, on standard error.
    pub(super) warnings: Vec<&'static str>,
}

impl Answer {
    /// One that is JSON in any case: a document that goes into a file or another program.
    pub(super) fn document(json: Value) -> Self {
        let text = format!("{json:#}");
        Self { json, text, card: None, warnings: Vec::new() }
    }

    /// A line and its JSON.
    pub(super) fn line(text: impl Into<String>, json: Value) -> Self {
        Self { json, text: text.into(), card: None, warnings: Vec::new() }
    }

    /// Rows under their headings and as they are in JSON. `none` is said where there are none.
    pub(super) fn table(headings: &[&str], rows: &[Vec<String>], none: &str, json: Value) -> Self {
        let text = if rows.is_empty() { none.to_owned() } else { table(headings, rows) };
        Self { json, text, card: None, warnings: Vec::new() }
    }

    /// The same with a card for people at a terminal.
    #[must_use]
    pub(super) fn with_card(mut self, card: String) -> Self {
        self.card = Some(card);
        self
    }

    /// The same with these warnings.
    #[must_use]
    pub(super) fn warning(mut self, warnings: Vec<&'static str>) -> Self {
        self.warnings = warnings;
        self
    }
}

/// What a card says: names, and what stands beside them, in two columns.
pub(super) fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines: Vec<_> =
        rows.iter().map(|(name, value)| format!("  {name:width$}   {}", plain(value))).collect();
    lines.join("\n")
}

/// Columns as wide as they need to be, two spaces apart.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let head = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()))
        .collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..headings.len()).map(|column| width(column).unwrap_or(0)).collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

/// Text that others wrote, so that it cannot move the cursor, colour the terminal or turn the reading
/// direction (THREATS AD-13).
pub(super) fn plain(text: &str) -> String {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if unseen(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}
