//! Texts that only we can have written: HMAC-SHA-256 ([RFC 2104]).
//!
//! [RFC 2104]: https://www.rfc-editor.org/rfc/rfc2104

use aws_lc_rs::hmac;

/// A key made ready to compute and to check MACs of one purpose.
///
/// It has no `Debug`, and there is no way back to the key.
pub struct Mac(hmac::Key);

impl Mac {
    /// Makes `key` ready for one purpose. What is computed for one never passes for another, so
    /// that one key can serve several.
    pub fn new(key: &[u8; 32], purpose: &'static str) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key);
        let derived = hmac::sign(&root, purpose.as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The MAC of `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&self.0, message).as_ref());
        tag
    }

    /// Whether `tag` is the MAC of `message`, in a time that does not depend on where they differ.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// THREATS JO-24.
    #[test]
    fn only_the_whole_mac_of_the_same_purpose_passes() {
        let mac = Mac::new(&[7; 32], "refresh token");
        let tag = mac.sign(b"grant 1, generation 2");

        assert!(mac.verify(b"grant 1, generation 2", &tag));
        assert!(!mac.verify(b"grant 1, generation 3", &tag));
        assert!(!mac.verify(b"grant 1, generation 2", &[]));
        assert!(!Mac::new(&[7; 32], "form").verify(b"grant 1, generation 2", &tag));
        assert!(!Mac::new(&[8; 32], "refresh token").verify(b"grant 1, generation 2", &tag));
        for bit in 0..256 {
            let mut flipped = tag;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!mac.verify(b"grant 1, generation 2", &flipped), "bit {bit}");
        }
        for length in 0..32 {
            assert!(!mac.verify(b"grant 1, generation 2", &tag[..length]), "{length} bytes");
        }
    }
}
