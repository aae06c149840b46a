//! Secrets in clear, and what the store keeps of them.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// A secret in clear. It has no `Display`, no `Serialize`, no `PartialEq` and a blind `Debug`;
/// [`Secret::expose`] is the only way out, so `rg 'expose\('` audits every use.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret that came from outside.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// 256 bits of entropy: more than the 128 that RFC 6749 §10.10 demands, by a margin that lets
    /// us store a bare SHA-256 without a salt.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy(bytes.as_mut());
        Self::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()))
    }

    /// The secret in clear, for the one answer that carries it or the one comparison that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store keeps.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of something that we generated with 256 bits of entropy.
#[derive(Clone, Copy)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(out)
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// Compares two secrets in a time that depends on their lengths alone.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// Fills `bytes` from the operating system's generator, through aws-lc.
///
/// # Panics
/// When the generator fails: a server without randomness must stop, not go on (THREATS KE-07).
#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "the one place that may")]
pub fn entropy(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the operating system gives no randomness");
}
