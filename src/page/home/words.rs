//! The texts of the page at `/`.

use crate::render::words::{Translations, With};

/// The texts of the page at `/`.
#[derive(Debug)]
pub struct Words {
    /// The heading; the argument is the organisation.
    pub title: With,
    /// The introduction; the argument is the organisation.
    pub detail: With,
    /// The link to the account page.
    pub account: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: |organisation| format!("Your {organisation} account"),
        detail: |organisation| {
            format!(
                "One account for the applications of {organisation}. See where you are signed in and what has access, or change your password."
            )
        },
        account: "Go to your account",
    },
    de: Words {
        title: |organisation| format!("Ihr Konto bei {organisation}"),
        detail: |organisation| {
            format!(
                "Ein Konto für die Anwendungen von {organisation}. Sehen Sie, wo Sie angemeldet sind und was Zugriff hat, oder ändern Sie Ihr Passwort."
            )
        },
        account: "Zu Ihrem Konto",
    },
    fr: Words {
        title: |organisation| format!("Votre compte {organisation}"),
        detail: |organisation| {
            format!(
                "Un seul compte pour les applications de {organisation}. Voyez où vous êtes connecté et ce qui y a accès, ou changez de mot de passe."
            )
        },
        account: "Accéder à votre compte",
    },
    es: Words {
        title: |organisation| format!("Su cuenta de {organisation}"),
        detail: |organisation| {
            format!(
                "Una sola cuenta para las aplicaciones de {organisation}. Vea dónde tiene la sesión iniciada y qué tiene acceso, o cambie su contraseña."
            )
        },
        account: "Ir a su cuenta",
    },
};
