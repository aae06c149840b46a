//! Options for texts in several languages.

use super::exit::Wrong;
use crate::types::language::LanguageTag;

/// A language tag.
pub(super) fn language(tag: &str) -> Result<LanguageTag, Wrong> {
    let wrong = || Wrong(format!("{tag:?} is not a language tag, such as de or pt-BR"));
    LanguageTag::parse(tag).ok_or_else(wrong)
}

/// `LANGUAGE=NAME`
pub(super) fn name_in(option: &str) -> Result<(LanguageTag, &str), Wrong> {
    let wrong =
        || Wrong(format!("--name-in {option}: expected a form such as --name-in de=Rechnungen"));
    let (tag, name) = option.split_once('=').ok_or_else(wrong)?;
    Ok((language(tag)?, name.trim()))
}
