//! Passwords: the rules for new ones, and their hashes.

mod hasher;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

pub use self::hasher::{Hasher, MOST_COSTS, Place, Verified};
use super::common;
use super::name::canonical;
use crate::types::{Code, Refusal, Secret};

/// A password as typed, short enough to be hashed, in the form that is hashed.
///
/// It is not trimmed, truncated or changed in case (THREATS PW-07). It is normalized to NFKC, as NIST SP 800-63B-4
/// §3.1.1.2 advises, because keyboards may send different encodings of the same letter.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Parses a typed password.
    ///
    /// # Errors
    /// When it has more than `max_bytes`.
    pub fn parse(typed: &Secret, max_bytes: usize) -> Result<Self, Refusal> {
        let typed = typed.expose();
        if typed.len() > max_bytes {
            return Err(Code::InvalidRequest
                .because("the password is too long")
                .with("most", max_bytes));
        }
        // With its final capacity: a string that grows leaves copies in memory.
        let mut text = Zeroizing::new(String::with_capacity(typed.len() * 4));
        text.extend(typed.nfkc());
        Ok(Self(text))
    }

    /// Refuses a new password with fewer than `min_length` characters, one that is easy to guess, and one made of a
    /// name of the account (THREATS PW-08).
    ///
    /// # Errors
    /// `invalid_request`
    pub fn must_resist_guessing(&self, min_length: usize, names: &[&str]) -> Result<(), Refusal> {
        // NIST SP 800-63B-4 §3.1.1.2: each code point counts as one character.
        if self.0.chars().count() < min_length {
            return Err(Code::InvalidRequest
                .because("the password is too short")
                .with("fewest", min_length));
        }
        // Programs that read a password from a C string or a line would send only a part of it.
        if self.0.chars().any(|c| matches!(c, '\0' | '\r' | '\n')) {
            return Err(Code::InvalidRequest.because(
                "a password must not contain NUL or a line break: other programs cut it there",
            ));
        }
        let folded = Zeroizing::new(canonical(&self.0));
        for name in names {
            let name = canonical(name);
            let local = name.split('@').next().unwrap_or_default();
            if common::is_decorated(&folded, &name) || common::is_decorated(&folded, local) {
                return Err(Code::InvalidRequest.because("the password is the name of the account"));
            }
        }
        if common::is_common(&folded) {
            return Err(Code::InvalidRequest.because("the password is easy to guess"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
