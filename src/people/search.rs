//! Finds users by the beginnings of the words of their names, their usernames and their e-mail addresses.
//!
//! The words are stored in the transaction that creates or changes an account. Those of accounts that an earlier
//! release created are stored by the job `words`, in batches: until it is done, searches miss some of these accounts,
//! and listings and exact names find all.

use icu_casemap::CaseMapper;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;

use super::name;
use crate::store::users::words::{self, FoundUser, Position};
use crate::store::{Store, retrying};
use crate::types::{Error, Result, Timestamp, User};

/// The maximum number of words of a user.
const MOST: usize = 16;

/// The maximum length of a word in bytes. Longer ones are found by their first bytes.
const LONGEST: usize = 64;

/// The number of accounts of a batch: keeps the write transaction short.
const BATCH: i64 = 200;

/// The words of an account. The names to sign in with come first, so that a long name does not displace them.
pub(super) fn words_of(user: &User) -> Vec<String> {
    let claim = |name: &str| user.claims.get(name).and_then(Value::as_str);
    let texts = [
        Some(user.username.as_str()),
        user.email.as_deref(),
        claim("name"),
        claim("given_name"),
        claim("family_name"),
    ];
    let mut found = Vec::new();
    for text in texts.into_iter().flatten() {
        for word in folded_words(text) {
            if found.len() < MOST && !found.contains(&word) {
                found.push(word);
            }
        }
    }
    found
}

/// The words of a text without case and diacritics: `Søren Müller` has `soren` and `muller`.
fn folded_words(text: &str) -> Vec<String> {
    let folded = CaseMapper::new().fold_string(&name::canonical(text)).into_owned();
    let mut bare = String::with_capacity(folded.len());
    for one in folded.nfkd().filter(|one| canonical_combining_class(*one) == 0) {
        match base_letters(one) {
            Some(letters) => bare.push_str(letters),
            None => bare.push(one),
        }
    }
    let words = bare.split(|one: char| !one.is_alphanumeric()).filter(|word| !word.is_empty());
    words
        .map(|word| word.get(..word.floor_char_boundary(LONGEST)).unwrap_or(word).to_owned())
        .collect()
}

/// The letters without their stroke or ligature, which Unicode does not decompose.
const fn base_letters(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// At most `most` users who have, for each typed word, a word that begins with it, from a position on.
///
/// # Errors
/// When the store fails.
pub async fn search(
    store: &Store,
    typed: &str,
    after: Option<&Position>,
    most: i64,
) -> Result<Vec<FoundUser>> {
    Ok(words::search(store.db(), &folded_words(typed), after, most).await?)
}

/// Stores the words of some accounts of an earlier release. `false`: none was left.
///
/// # Errors
/// When the store fails.
pub async fn fill(store: &Store, now: Timestamp) -> Result<bool> {
    let missing = words::missing(store.db(), BATCH).await?;
    if missing.is_empty() {
        return Ok(false);
    }
    retrying(|| async {
        let mut tx = store.write().await?;
        for user in &missing {
            words::fill(&mut tx, user, &words_of(user), now).await?;
        }
        tx.commit().await?;
        Ok::<_, Error>(true)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_neither_case_nor_diacritics() {
        for (text, words) in [
            ("Søren Müller", "soren muller"),
            ("José-María O'Neil", "jose maria o neil"),
            ("ＡＬＩＣＥ.Straße@Example.org", "alice strasse example org"),
            ("Łukasz Đorđević", "lukasz dordevic"),
            ("Đặng Thị Ngọc", "dang thi ngoc"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("田中太郎", "田中太郎"),
            (" -- \u{202e} ", ""),
        ] {
            assert_eq!(folded_words(text).join(" "), words, "{text}");
        }
        assert_eq!(folded_words("شَمْس"), folded_words("شمس"));
        assert_eq!(folded_words(&"é".repeat(100)), ["e".repeat(LONGEST)]);
        assert_eq!(folded_words(&"я".repeat(33)), ["я".repeat(32)]);
    }

    #[test]
    fn a_long_name_does_not_displace_the_username() {
        let name: Vec<String> = (0..40).map(|n| format!("w{n}")).collect();
        let claims = serde_json::json!({ "name": name.join(" ") });
        let user = User {
            id: crate::types::UserId::new(),
            username: "ada".to_owned(),
            email: Some("ada@example.org".to_owned()),
            email_verified: false,
            claims: claims.as_object().cloned().unwrap(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            disabled_at: None,
        };
        let words = words_of(&user);
        assert_eq!(words.len(), MOST);
        assert_eq!(words[..4], ["ada", "example", "org", "w0"]);
    }
}
