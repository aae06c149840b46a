//! Questions at a terminal, on standard error: standard output is for the answer of the command.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;

use crate::cli::exit::Wrong;
use crate::config::{Raw, Value};

/// Whether there is somebody to ask.
pub(super) fn at_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, where there is somebody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    /// Whether there is.
    pub(super) asks: bool,
}

impl Asker {
    /// Says something, where somebody is asked.
    pub(super) fn say(self, text: &str) {
        if self.asks {
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Asks for a line; an empty one is the default.
    ///
    /// # Errors
    /// When the answers end.
    pub(super) fn line(self, question: &str, default: &str) -> anyhow::Result<String> {
        let default_shown =
            if default.is_empty() { String::new() } else { format!(" [{default}]") };
        let mut err = io::stderr();
        write!(err, "{question}{default_shown}: ").and_then(|()| err.flush())?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line).context("the answer cannot be read")? == 0 {
            return Err(Wrong("the answers ended; nothing is written".to_owned()).into());
        }
        let answer = line.trim();
        Ok(if answer.is_empty() { default.to_owned() } else { answer.to_owned() })
    }

    /// What an option says, else what is answered, as often as it takes.
    ///
    /// # Errors
    /// When the option is wrong, or there is none and nobody to ask.
    pub(super) fn answer<T>(
        self,
        option: Option<&str>,
        name: &'static str,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        if let Some(given) = option {
            return read(given).map_err(|why| Wrong(format!("{name} {why}")).into());
        }
        loop {
            match read(&self.line(question, default)?) {
                Ok(answer) => return Ok(answer),
                Err(why) => self.say(&format!("  That {why}.")),
            }
        }
    }
}

/// Reads a value of the configuration: what is wrong with it, and what to write.
pub(super) fn value<T: Value>(text: &str) -> Result<T, String> {
    T::read(&Raw::Text(text)).map_err(|wrong| {
        let remedy = wrong.remedy.unwrap_or_else(|| format!("write {}", T::FORM));
        format!("{}; {remedy}", wrong.reason)
    })
}
