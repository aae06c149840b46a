//! What a command reads: files, standard input, the terminal.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::Context as _;
use zeroize::Zeroizing;

use super::exit::{Absent, Wrong};
use super::print::plain;
use crate::types::Secret;
use gatewright_base::access::why;

/// The most that is read from a file or from standard input.
const MOST: u64 = 1024 * 1024;

/// The text of a file, or of standard input for `-`.
pub(super) fn read(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    if path == Path::new("-") {
        return read_all(std::io::stdin().lock()).context("cannot read standard input");
    }
    let file = std::fs::File::open(path).map_err(|error| {
        Absent(format!("cannot read {}: {}", path.display(), why(path, &error)))
    })?;
    read_all(file).with_context(|| format!("cannot read {}", path.display()))
}

/// The bytes of a file, or of standard input for `-`.
pub(super) fn read_bytes(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let take = |from: &mut dyn std::io::Read| {
        // Allocated at once: the file may be a key, and a growing vector leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
        from.take(MOST).read_to_end(&mut bytes).map(|_| bytes)
    };
    if path == Path::new("-") {
        return take(&mut std::io::stdin().lock()).context("cannot read standard input");
    }
    let mut file = std::fs::File::open(path).map_err(|error| {
        Absent(format!("cannot read {}: {}", path.display(), why(path, &error)))
    })?;
    take(&mut file).with_context(|| format!("cannot read {}", path.display()))
}

/// A new password: the first line of standard input, without its line break; at a terminal, typed twice without
/// echo.
pub(super) fn read_password(username: &str) -> anyhow::Result<Secret> {
    if std::io::stdin().is_terminal() {
        return ask_password(username);
    }
    let text = read_all(std::io::stdin().lock()).context("cannot read the password")?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        Some(_) | None => {
            Err(Wrong("the password, the first line of standard input, is empty".to_owned()).into())
        }
    }
}

/// Prompts for a new password at the terminal, even if standard output and standard error are redirected.
pub(super) fn ask_password(username: &str) -> anyhow::Result<Secret> {
    let mut prompt = format!("Password for {}: ", plain(username));
    loop {
        let password = ask_secret(&prompt)?;
        if password.is_empty() {
            return Err(Wrong("the password is empty".to_owned()).into());
        }
        if ask_secret("Repeat the password: ")? == password {
            return Ok(Secret::new(password.as_str()));
        }
        prompt = format!("The passwords differ. Password for {}: ", plain(username));
    }
}

/// Prompts at the terminal without echo.
pub(super) fn ask_secret(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    let typed = rpassword::prompt_password(prompt).map(Zeroizing::new);
    typed.context("cannot read the password from the terminal")
}

fn read_all(from: impl std::io::Read) -> anyhow::Result<Zeroizing<String>> {
    // Allocated at once: a growing vector leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    from.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(Wrong("the input is larger than 1 MiB".to_owned()).into());
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Wrong("the input is UTF-16: convert it to UTF-8".to_owned()).into());
    }
    // Some editors and PowerShell begin UTF-8 with a byte order mark.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let text = std::str::from_utf8(text).map_err(|_| Wrong("the input is not UTF-8".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_removed() {
        let read = |bytes: &[u8]| read_all(bytes).map(|text| text.as_str().to_owned());

        assert_eq!(read(b"\xef\xbb\xbfpassword\n").unwrap(), "password\n");
        assert_eq!(read(b"password\n").unwrap(), "password\n");
        for utf16 in [&b"\xff\xfep\0a\0"[..], b"\xfe\xff\0p\0a"] {
            assert!(read(utf16).unwrap_err().to_string().contains("UTF-16"));
        }
        assert!(read(b"caf\xe9").unwrap_err().to_string().contains("UTF-8"));
    }
}
