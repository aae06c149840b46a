//! Misspelt names.

/// The name that takes the fewest edits to become `name`.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names.min_by_key(|known| strsim::damerau_levenshtein(name, known))
}
