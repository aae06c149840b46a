//! The texts of the page that selects the account.

use crate::render::words::Translations;

/// The texts of the page that selects the account.
#[derive(Debug)]
pub struct Words {
    /// The heading.
    pub title: &'static str,
    /// The button that leads to another account.
    pub other: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words { title: "Choose an account", other: "Use another account" },
    de: Words { title: "Konto wählen", other: "Ein anderes Konto verwenden" },
    fr: Words { title: "Choisir un compte", other: "Utiliser un autre compte" },
    es: Words { title: "Elija una cuenta", other: "Usar otra cuenta" },
};
