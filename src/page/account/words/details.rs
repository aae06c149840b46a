//! The texts of the stored details of a user.

use crate::render::words::{Translations, With};

/// The texts of the stored details of a user.
#[derive(Debug)]
pub struct Words {
    /// The heading.
    pub title: &'static str,
    /// The introduction; the argument is the organisation.
    pub detail: With,
    /// The badge of verified details.
    pub verified: &'static str,
    /// The badge of unverified details.
    pub unverified: &'static str,
    /// Label: the date of the account's creation.
    pub since: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: "Your details",
        detail: |organisation| {
            format!(
                "What {organisation} knows about you. If something is wrong, tell {organisation}: it cannot be changed here."
            )
        },
        verified: "verified",
        unverified: "not verified",
        since: "account since",
    },
    de: Words {
        title: "Ihre Angaben",
        detail: |organisation| {
            format!(
                "Das weiß {organisation} über Sie. Wenn etwas nicht stimmt, sagen Sie {organisation} Bescheid: Hier lässt es sich nicht ändern."
            )
        },
        verified: "bestätigt",
        unverified: "nicht bestätigt",
        since: "Konto seit",
    },
    fr: Words {
        title: "Vos informations",
        detail: |organisation| {
            format!(
                "Ce que {organisation} sait de vous. Si quelque chose est inexact, signalez-le à {organisation} : cela ne se modifie pas ici."
            )
        },
        verified: "vérifié",
        unverified: "non vérifié",
        since: "compte créé le",
    },
    es: Words {
        title: "Sus datos",
        detail: |organisation| {
            format!(
                "Lo que {organisation} sabe de usted. Si algo no es correcto, avise a {organisation}: aquí no se puede cambiar."
            )
        },
        verified: "verificado",
        unverified: "sin verificar",
        since: "cuenta desde",
    },
};
