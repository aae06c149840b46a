//! The output of commands: a table or a line as text, or JSON.

use std::io::{self, BufWriter, Stdout, Write};
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
    /// Whether the result has been printed already, page by page.
    pub(super) is_printed: bool,
}

impl Output {
    /// A document, which is JSON even without `--json`.
    pub(super) fn document(json: Value) -> Self {
        let text = format!("{json:#}");
        Self { json, text, card: None, warnings: Vec::new(), is_printed: false }
    }

    /// A line, and its JSON.
    pub(super) fn line(text: impl Into<String>, json: Value) -> Self {
        Self { json, text: text.into(), card: None, warnings: Vec::new(), is_printed: false }
    }

    /// A table, and its JSON. `none` replaces an empty table.
    pub(super) fn table(headings: &[&str], rows: &[Vec<String>], none: &str, json: Value) -> Self {
        let text = if rows.is_empty() { none.to_owned() } else { table(headings, rows) };
        Self { json, text, card: None, warnings: Vec::new(), is_printed: false }
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

/// Prints a listing page by page, so that memory use does not grow with its length: a table whose columns are as
/// wide as the first page needs, or a JSON array.
pub(super) struct Listing<const N: usize, W: Write = Stdout> {
    out: BufWriter<W>,
    headings: [&'static str; N],
    form: Form<N>,
}

/// How a listing is printed, and how far it is.
enum Form<const N: usize> {
    /// The widths of the columns, once the headings are printed.
    Table(Option<[usize; N]>),
    /// Whether the array has an element.
    Json(bool),
}

impl<const N: usize> Listing<N> {
    /// A listing on standard output.
    pub(super) fn new(headings: [&'static str; N], is_json: bool) -> Self {
        Self::to(io::stdout(), headings, is_json)
    }
}

impl<const N: usize, W: Write> Listing<N, W> {
    fn to(out: W, headings: [&'static str; N], is_json: bool) -> Self {
        let form = if is_json { Form::Json(false) } else { Form::Table(None) };
        Self { out: BufWriter::new(out), headings, form }
    }

    /// Prints a page: each row by one of these functions.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn page<T>(
        &mut self,
        items: &[T],
        cells: impl Fn(&T) -> [String; N],
        json: impl Fn(&T) -> Value,
    ) -> io::Result<()> {
        match &mut self.form {
            Form::Json(has_element) => {
                for item in items {
                    let begin = if std::mem::replace(has_element, true) { "," } else { "[" };
                    let text = format!("{:#}", json(item)).replace('\n', "\n  ");
                    write!(self.out, "{begin}\n  {text}")?;
                }
            }
            Form::Table(widths) => {
                let rows: Vec<_> =
                    items.iter().map(|item| cells(item).map(|cell| plain(&cell))).collect();
                if rows.is_empty() {
                    return Ok(());
                }
                let widths = match widths {
                    Some(widths) => widths,
                    None => {
                        let headings = self.headings.map(str::to_owned);
                        let measured = column_widths(std::iter::once(&headings).chain(&rows));
                        write_row(&mut self.out, &headings, &measured)?;
                        widths.insert(measured)
                    }
                };
                for row in &rows {
                    write_row(&mut self.out, row, widths)?;
                }
            }
        }
        self.out.flush()
    }

    /// Ends the listing. `none` replaces an empty table.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn end(mut self, none: &str) -> io::Result<Output> {
        match self.form {
            Form::Json(false) => writeln!(self.out, "[]")?,
            Form::Json(true) => writeln!(self.out, "\n]")?,
            Form::Table(None) => writeln!(self.out, "{none}")?,
            Form::Table(Some(_)) => {}
        }
        self.out.flush()?;
        Ok(Output { is_printed: true, ..Output::line("", Value::Null) })
    }
}

/// The width of each column, in characters.
fn column_widths<'r, const N: usize>(rows: impl Iterator<Item = &'r [String; N]>) -> [usize; N] {
    rows.fold([0; N], |mut widths, row| {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
        widths
    })
}

fn write_row(out: &mut impl Write, row: &[String], widths: &[usize]) -> io::Result<()> {
    let cells: Vec<_> =
        row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
    writeln!(out, "{}", cells.join("  ").trim_end())
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
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if unseen(c) {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(pages: &[&[&str]], is_json: bool) -> String {
        let mut out = Vec::new();
        let mut listing = Listing::to(&mut out, ["NAME", "LENGTH"], is_json);
        for page in pages {
            let cells = |name: &&str| [(*name).to_owned(), name.len().to_string()];
            listing.page(page, cells, |name| json!({ "name": name })).unwrap();
        }
        listing.end("no names").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_listing_in_pages_is_printed_like_a_whole_one() {
        let pages: [&[&str]; 2] = [&["alice", "bob\ncarol"], &["dave"]];

        let text = printed(&pages, false);
        let json = printed(&pages, true);

        assert_eq!(
            text,
            "NAME           LENGTH\nalice          5\nbob\\u{a}carol  9\ndave           4\n"
        );
        let whole = json!([{ "name": "alice" }, { "name": "bob\ncarol" }, { "name": "dave" }]);
        assert_eq!(json, format!("{whole:#}\n"));
        assert_eq!(
            (printed(&[&[]], false), printed(&[&[]], true)),
            ("no names\n".into(), "[]\n".into())
        );
    }

    /// A printed page is not kept in memory until the end.
    #[test]
    fn each_page_is_written_before_the_next_one() {
        let mut out = Vec::new();
        let mut listing = Listing::to(&mut out, ["NAME"], false);
        let cells = |name: &&str| [(*name).to_owned()];

        listing.page(&["alice"], cells, |_| Value::Null).unwrap();

        assert_eq!(listing.out.get_ref().as_slice(), b"NAME\nalice\n");
        assert!(listing.out.buffer().is_empty());
    }
}
