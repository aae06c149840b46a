//! Secrets in clear, and their digests.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// A secret in clear. It has no `Display`, `Serialize` or `PartialEq`, and `Debug` prints no
/// content. [`Secret::expose`] is the only access, so `rg 'expose\('` lists every use.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Generates 256 bits: more than the 128 that RFC 6749 §10.10 requires, so an unsalted SHA-256
    /// can be stored.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy(bytes.as_mut());
        Self::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()))
    }

    /// The secret in clear, for a response or a comparison.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its digest, which the store keeps.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a generated secret with 256 bits.
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

/// Compares two secrets in a time that depends only on their lengths.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// Fills `bytes` with random data from the operating system, through aws-lc.
///
/// # Panics
/// When the generator fails: a server without randomness must stop (THREATS KE-07).
#[expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "the only caller of the generator"
)]
pub fn entropy(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the operating system returns no random bytes");
}
