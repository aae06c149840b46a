//! base64url of JOSE: [RFC 7515 §2].
//!
//! Each value has one encoding: no padding, no `+` or `/`, no white space, no leftover bits.
//! Otherwise a signature would have several spellings, which defeats caches and replay checks by
//! text (THREATS JO-12).
//!
//! [RFC 7515 §2]: https://www.rfc-editor.org/rfc/rfc7515#section-2

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Encodes bytes.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends the encoding of bytes.
pub fn encode_onto(text: &mut String, bytes: impl AsRef<[u8]>) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// Decodes a text. `None`: it is not what [`encode`] would return.
pub fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 7515 appendix C.
    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(encode([3, 236, 255, 224, 193]), "A-z_4ME");
        assert_eq!(decode("A-z_4ME"), Some(vec![3, 236, 255, 224, 193]));
    }

    /// THREATS JO-12.
    #[test]
    fn every_other_spelling_is_refused() {
        for text in [
            "A-z_4ME=",
            "A+z_4ME",
            "A-z/4ME",
            "A-z_4MF",
            "A-z_4MG",
            " A-z_4ME",
            "A-z_4ME ",
            "A-z_\n4ME",
            "A-z_4",
            "A",
            "=",
            "Zg=",
            "Zg==",
            "Zh",
            "Zm9=",
            "A-z_4M\u{0}",
            "A-z_4Mé",
        ] {
            assert_eq!(decode(text), None, "{text:?}");
        }
        assert_eq!(decode(""), Some(vec![]));
    }

    proptest! {
        #[test]
        fn decoded_text_encodes_to_the_same(text in "[A-Za-z0-9_=+/-]{0,12}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(bytes), text);
            }
        }
    }
}
