//! Usernames and e-mail addresses, and their canonical form for comparison.

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::types::{Code, Refusal};

/// The canonical form, in which names are unique and looked up: trimmed, NFKC, case-folded, so that no two accounts
/// have names that look the same (THREATS UI-18, UI-24).
pub fn canonical(name: &str) -> String {
    let composed: String = name.trim().nfkc().collect();
    let folded = CaseMapper::new().fold_string(&composed).into_owned();
    // Folding can leave sequences that NFKC composes. After the second pass the form is stable.
    let composed: String = folded.nfkc().collect();
    composed.trim().to_owned()
}

/// Parses a username in its displayed form: NFKC, with letters, digits and a few marks only, so that no character is
/// invisible or breaks a page, a header or a log line.
///
/// # Errors
/// When it is empty, too long, or has other characters.
pub fn username(text: &str) -> Result<String, Refusal> {
    const LONGEST: usize = 128;
    let name: String = text.trim().nfkc().collect();
    if name.is_empty() {
        return Err(Code::InvalidRequest.because("a username must not be empty"));
    }
    if name.len() > LONGEST {
        return Err(Code::InvalidRequest
            .because("a username has at most 128 bytes")
            .with("bytes", name.len()));
    }
    let usual = |c: char| c.is_alphanumeric() || is_combining_mark(c) || "._-+@".contains(c);
    if !name.chars().all(usual) || !name.starts_with(char::is_alphanumeric) {
        return Err(Code::InvalidRequest.because(
            "a username begins with a letter or a digit and has letters, digits and . _ - + @ only",
        ));
    }
    Ok(name)
}

/// Parses an e-mail address: an addr-spec (RFC 5322 §3.4.1) without quoting and comments, which real mailboxes do not
/// use and header injection does (THREATS PW-12).
///
/// # Errors
/// When it is malformed.
pub fn email(text: &str) -> Result<String, Refusal> {
    const WHY: &str = "this is not an e-mail address of the form local@domain";
    let address: String = text.trim().nfc().collect();
    let (local, domain) =
        address.rsplit_once('@').ok_or_else(|| Code::InvalidRequest.because(WHY))?;
    // RFC 6531 §3.3: atoms can have letters of every script.
    let atom =
        |c: char| c.is_alphanumeric() || is_combining_mark(c) || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let label = |text: &str| {
        !text.is_empty()
            && text.len() <= 63
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text.chars().all(|c| c.is_alphanumeric() || is_combining_mark(c) || c == '-')
    };
    let fits = address.len() <= 254 && local.len() <= 64;
    let dotted = local.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
    if fits && dotted && domain.split('.').all(label) {
        Ok(address)
    } else {
        Err(Code::InvalidRequest.because(WHY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// THREATS UI-18, UI-24.
    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (one, other) in [
            ("alice", " ALICE "),
            ("alice", "ａｌｉｃｅ"),
            ("straße", "STRASSE"),
            ("caf\u{e9}", "CAFE\u{301}"),
            ("ﬁona", "FIONA"),
            ("σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("alice@example.org", "Alice@EXAMPLE.org\u{3000}"),
        ] {
            assert_eq!(canonical(one), canonical(other), "{one} {other}");
        }
        assert_ne!(canonical("alice"), canonical("alıce"));
        assert_ne!(canonical("alice@example.org"), canonical("alice+tag@example.org"));
    }

    proptest::proptest! {
        #[test]
        fn a_canonical_name_is_canonical(name in "\\PC{0,24}") {
            let once = canonical(&name);
            proptest::prop_assert_eq!(canonical(&once), once);
        }
    }

    #[test]
    fn names_have_visible_characters_only() {
        for name in ["alice", "алиса", "a.b-c_d+e", "alice@example.org", "अनिता", "7of9"]
        {
            assert!(username(name).is_ok(), "{name}");
        }
        let long = "a".repeat(129);
        for name in [
            "",
            " ",
            "a b",
            "a\u{200b}b",
            "\u{202e}ecila",
            "a\0",
            "<b>",
            "a\nb",
            ".a",
            "a/b",
            &long,
        ] {
            assert!(username(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn addresses_are_plain() {
        for address in ["a@b", "alice.b+tag@example.org", "o'neil@example.org", "用户@例子.广告"]
        {
            assert_eq!(email(address).ok().as_deref(), Some(address));
        }
        for address in [
            "alice",
            "@b",
            "a@",
            "a b@c",
            "a@b c",
            "a@@b",
            "a..b@c",
            ".a@b",
            "a@-b",
            "a@b..c",
            "\"a b\"@c",
            "a@[127.0.0.1]",
            "a@b\r\nBcc: c@d",
            "Alice <a@b>",
            "a@b,c@d",
        ] {
            assert!(email(address).is_err(), "{address:?}");
        }
    }
}
