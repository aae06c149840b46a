//! Prompts at a terminal, on standard error; standard output is for the result of the command.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;

use crate::cli::exit::Wrong;
use crate::config::{RawValue, Value};

/// Whether standard input and standard error are a terminal.
pub(super) fn at_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Prompts, if there is a terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    /// Whether there is a terminal.
    pub(super) asks: bool,
}

impl Asker {
    /// Prints a line, if there is a terminal.
    pub(super) fn print(self, text: &str) {
        if self.asks {
            // Standard error may be closed.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Prompts for a line; an empty one means the default.
    ///
    /// # Errors
    /// Standard input ends.
    pub(super) fn line(self, question: &str, default: &str) -> anyhow::Result<String> {
        let default_shown =
            if default.is_empty() { String::new() } else { format!(" [{default}]") };
        let mut err = io::stderr();
        write!(err, "{question}{default_shown}: ").and_then(|()| err.flush())?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line).context("cannot read the answer")? == 0 {
            return Err(Wrong("standard input ended; nothing is written".to_owned()).into());
        }
        let answer = line.trim();
        Ok(if answer.is_empty() { default.to_owned() } else { answer.to_owned() })
    }

    /// The value of an option; without one, prompts until the answer is valid.
    ///
    /// # Errors
    /// The option is invalid, or there is none and no terminal.
    pub(super) fn answer<T>(
        self,
        option: Option<&str>,
        name: &'static str,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        if let Some(text) = option {
            return read(text).map_err(|why| Wrong(format!("{name} {why}")).into());
        }
        loop {
            match read(&self.line(question, default)?) {
                Ok(answer) => return Ok(answer),
                Err(why) => self.print(&format!("  The value {why}.")),
            }
        }
    }
}

/// Parses a configuration value; the error says what is wrong and what is expected.
pub(super) fn value<T: Value>(text: &str) -> Result<T, String> {
    T::read(&RawValue::Text(text)).map_err(|wrong| {
        let remedy = wrong.remedy.unwrap_or_else(|| format!("expected {}", T::FORM));
        format!("{}; {remedy}", wrong.reason)
    })
}
