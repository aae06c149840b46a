//! Scopes: RFC 6749 §3.3.

use std::collections::BTreeSet;
use std::fmt;

use super::error::{Code, Refusal};

/// The scopes of OpenID Connect, which concern a user: claims (OIDC Core §5.4) and offline access
/// (§11). Clients do not get them for themselves, and APIs cannot declare them.
pub const PERSONAL: [&str; 6] =
    ["openid", "profile", "email", "address", "phone", "offline_access"];

/// A set of scope tokens. Its text is sorted, so equal scopes have equal texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// More scopes than any legitimate request has (THREATS AZ-24).
    pub const MOST: usize = 64;

    /// Parses the space-delimited form.
    ///
    /// > scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    ///
    /// # Errors
    /// `invalid_scope` for other characters, or for more than [`Scope::MOST`] tokens.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut tokens = BTreeSet::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            let legal = token.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
            if !legal {
                return Err(Code::InvalidScope
                    .because("a scope has a character that RFC 6749 section 3.3 does not allow"));
            }
            tokens.insert(token.to_owned());
            if tokens.len() > Self::MOST {
                return Err(Code::InvalidScope.because("more than 64 scopes are requested"));
            }
        }
        Ok(Self(tokens))
    }

    /// A scope of valid tokens.
    pub fn from_tokens<T: Into<String>>(tokens: impl IntoIterator<Item = T>) -> Self {
        Self(tokens.into_iter().map(Into::into).collect())
    }

    /// Whether it contains `token`.
    pub fn has(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is a subset of `other`.
    pub fn within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The intersection.
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The union.
    pub fn or(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// This scope without one token.
    pub fn without(&self, token: &str) -> Self {
        Self(self.0.iter().filter(|t| *t != token).cloned().collect())
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The scope granted to a request for `requested` out of this one.
    ///
    /// > The requested scope MUST NOT include any scope not originally granted by the resource
    /// > owner, and if omitted is treated as equal to the scope originally granted (RFC 6749 §6)
    ///
    /// # Errors
    /// `invalid_scope` when `requested` is more than was granted.
    pub fn narrowed(&self, requested: Option<Self>) -> Result<Self, Refusal> {
        match requested {
            None => Ok(self.clone()),
            Some(requested) if requested.is_empty() => Ok(self.clone()),
            Some(requested) if requested.within(self) => Ok(requested),
            Some(requested) => Err(Code::InvalidScope
                .because("the requested scope exceeds the granted one")
                .with("granted", self)
                .with("asked", &requested)),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, token) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}
