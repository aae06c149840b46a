//! The output of commands: a table or a line as text, or JSON.

use std::io::{self, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// The timeout for writing the final error.
const FINAL_ERROR_TIMEOUT: Duration = Duration::from_secs(2);

/// Writes the final error to standard error. The process ends even if the reader is stalled (THREATS EX-05).
pub(super) fn final_error(text: String) {
    let (writing, written) = mpsc::channel::<()>();
    let write = move || {
        // Standard error may be closed.
        let _ = writeln!(io::stderr(), "{text}");
        drop(writing);
    };
    if thread::Builder::new().spawn(write).is_ok() {
        // Disconnected once the error is written.
        let _ = written.recv_timeout(FINAL_ERROR_TIMEOUT);
    }
}

/// The result of a command.
#[derive(Debug)]
pub(super) struct Output {
    /// With `--json`.
    pub(super) json: Value,
    /// Without `--json`.
    pub(super) text: String,
    /// Replaces the text at a terminal.
    pub(super) card: Option<String>,
    /// Warnings, for standard error.
    pub(super) warnings: Vec<&'static str>,
}

impl Output {
    /// A document, which is JSON even without `--json`.
    pub(super) fn document(json: Value) -> Self {
        let text = format!("{json:#}");
        Self { json, text, card: None, warnings: Vec::new() }
    }

    /// A line, and its JSON.
    pub(super) fn line(text: impl Into<String>, json: Value) -> Self {
        Self { json, text: text.into(), card: None, warnings: Vec::new() }
    }

    /// A table, and its JSON. `none` replaces an empty table.
    pub(super) fn table(headings: &[&str], rows: &[Vec<String>], none: &str, json: Value) -> Self {
        let text = if rows.is_empty() { none.to_owned() } else { table(headings, rows) };
        Self { json, text, card: None, warnings: Vec::new() }
    }

    /// Adds a summary for terminals.
    #[must_use]
    pub(super) fn with_card(mut self, card: String) -> Self {
        self.card = Some(card);
        self
    }

    /// Adds warnings.
    #[must_use]
    pub(super) fn with_warnings(mut self, warnings: Vec<&'static str>) -> Self {
        self.warnings = warnings;
        self
    }
}

/// Names and values in two columns.
pub(super) fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines: Vec<_> =
        rows.iter().map(|(name, value)| format!("  {name:width$}   {}", plain(value))).collect();
    lines.join("\n")
}

/// A table with columns of minimal width, two spaces apart.
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

/// Escapes text of external origin, so that it cannot move the cursor, colour the terminal or change the text
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
