//! Texts in several languages: [RFC 7591 §2.2], with language tags of BCP 47 ([RFC 5646]).
//!
//! [RFC 7591 §2.2]: https://www.rfc-editor.org/rfc/rfc7591#section-2.2
//! [RFC 5646]: https://www.rfc-editor.org/rfc/rfc5646

use std::collections::BTreeMap;
use std::fmt;

use icu_locale_core::LanguageIdentifier;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// A language tag: language, script, region and variants, as in `de`, `zh-Hant` or `es-419`. Stored
/// in the case of RFC 5646 §2.1.1, so `DE-at` and `de-AT` are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct LanguageTag(String);

impl LanguageTag {
    /// The length that RFC 5646 §4.4.1 requires every implementation to accept.
    const LONGEST: usize = 35;

    /// Parses a tag in any case; `None` if it is malformed or has no language.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::LONGEST {
            return None;
        }
        let tag = LanguageIdentifier::try_from_str(text).ok()?;
        (!tag.language.is_unknown()).then(|| Self(tag.to_string()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a language range matches: it is equal, or a prefix followed by `-` (RFC 4647
    /// §3.3.1).
    fn is_in(&self, range: &str) -> bool {
        let rest = self.0.get(..range.len()).filter(|start| start.eq_ignore_ascii_case(range));
        rest.is_some() && matches!(self.0.as_bytes().get(range.len()), None | Some(b'-'))
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LanguageTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("it is not a language tag"))
    }
}

/// One text in several languages.
pub type Texts = BTreeMap<LanguageTag, String>;

/// The text in this language, else the first with a region or script of it (`de-AT` for `de`).
pub fn in_language<'a>(texts: &'a Texts, language: &str) -> Option<&'a str> {
    // Sorted, so `de` precedes all tags that it is a prefix of.
    texts.iter().find(|(tag, _)| tag.is_in(language)).map(|(_, text)| text.as_str())
}

/// Members of a JSON object in other languages: `client_name#de` beside `client_name`.
///
/// It deserializes the rest of an object, and rejects members that are not of this form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translations(BTreeMap<&'static str, Texts>);

impl Translations {
    /// The most languages of one member.
    pub const MOST: usize = 64;

    /// The member in this language, if present.
    pub fn find(&self, member: &str, language: &str) -> Option<&str> {
        in_language(self.0.get(member)?, language)
    }

    /// A member in all languages.
    pub fn of(&self, member: &str) -> Option<&Texts> {
        self.0.get(member)
    }

    /// Sets a member in a language; an empty text removes it.
    pub fn set(&mut self, member: &'static str, tag: LanguageTag, text: &str) {
        let texts = self.0.entry(member).or_default();
        if text.is_empty() {
            texts.remove(&tag);
        } else {
            texts.insert(tag, text.to_owned());
        }
        self.0.retain(|_, texts| !texts.is_empty());
    }

    /// Sets a member in all languages.
    pub fn put(&mut self, member: &'static str, texts: Texts) {
        self.0.insert(member, texts);
        self.0.retain(|_, texts| !texts.is_empty());
    }

    /// All members with their texts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Texts)> {
        self.0.iter().map(|(member, texts)| (*member, texts))
    }

    /// Deserializes the rest of an object; `members` may have languages.
    ///
    /// # Errors
    /// When a member is unknown, its tag is malformed, or it is a duplicate.
    pub fn read<'de, D: Deserializer<'de>>(
        deserializer: D,
        members: &'static [&'static str],
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Rest(members))
    }
}

/// The form `member#tag`.
impl Serialize for Translations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().flat_map(|(member, texts)| {
            texts.iter().map(move |(tag, text)| (format!("{member}#{tag}"), text))
        }))
    }
}

struct Rest(&'static [&'static str]);

impl<'de> Visitor<'de> for Rest {
    type Value = Translations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Translations, A::Error> {
        let mut translations = Translations::default();
        while let Some(name) = object.next_key::<String>()? {
            let Some((member, tag)) = name.split_once('#') else {
                return Err(de::Error::custom(format!("unknown field `{name}`")));
            };
            let Some(member) = self.0.iter().find(|known| **known == member) else {
                let known = self.0.join(", ");
                let why = format!("`{name}`: only {known} can be in a language");
                return Err(de::Error::custom(why));
            };
            let Some(tag) = LanguageTag::parse(tag) else {
                let why = format!("`{name}`: {tag:?} is not a language tag, such as de or pt-BR");
                return Err(de::Error::custom(why));
            };
            let texts = translations.0.entry(member).or_default();
            if texts.insert(tag, object.next_value()?).is_some() {
                return Err(de::Error::custom(format!("`{name}` is a duplicate")));
            }
        }
        Ok(translations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_parsed_in_any_case_and_malformed_ones_are_not() {
        let longest = "de-abcde-variant1-variant2-variant3";
        for (text, normalized) in [
            ("de", "de"),
            ("DE-at", "de-AT"),
            ("ZH-hant-TW", "zh-Hant-TW"),
            ("es-419", "es-419"),
            (longest, longest),
        ] {
            assert_eq!(LanguageTag::parse(text).unwrap().as_str(), normalized);
        }
        for wrong in [
            "",
            "d",
            "de-",
            "-de",
            "de--AT",
            "de_AT",
            "deutsch-lang!",
            "de AT",
            "*",
            "x-de",
            "und",
            "und-AT",
            "de-abcdef-variant1-variant2-variant3",
        ] {
            assert_eq!(LanguageTag::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_text_is_of_the_language_or_of_a_region_of_it() {
        let texts = |tags: &[&str]| -> Texts {
            tags.iter().map(|tag| (LanguageTag::parse(tag).unwrap(), (*tag).to_owned())).collect()
        };

        assert_eq!(in_language(&texts(&["de-AT", "de", "den"]), "de"), Some("de"));
        assert_eq!(in_language(&texts(&["de-CH", "de-AT"]), "de"), Some("de-AT"));
        assert_eq!(in_language(&texts(&["den", "en"]), "de"), None);
    }
}
