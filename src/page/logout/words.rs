//! The texts of the pages of the sign-out.

use crate::render::words::{Translations, With};

/// The texts of the pages of the sign-out.
#[derive(Debug)]
pub struct Words {
    /// The question; the argument is the organisation.
    pub title: With,
    /// The line that names the requesting application.
    pub asked_by: With,
    /// The consequence.
    pub detail: &'static str,
    /// The button that signs out.
    pub yes: &'static str,
    /// The button that does not.
    pub no: &'static str,
    /// The heading after the sign-out.
    pub done: &'static str,
    /// The text after the sign-out; the argument is the organisation.
    pub done_detail: With,
    /// The button that leads to the sign-in page.
    pub again: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: |organisation| format!("Sign out of {organisation}?"),
        asked_by: |client| format!("{client} has asked to sign you out."),
        detail: "You will have to sign in again the next time you use an application with this account.",
        yes: "Sign out",
        no: "Stay signed in",
        done: "You are signed out",
        done_detail: |organisation| {
            format!("You have left your {organisation} account on this device. See you soon.")
        },
        again: "Sign in again",
    },
    de: Words {
        title: |organisation| format!("Bei {organisation} abmelden?"),
        asked_by: |client| format!("{client} möchte Sie abmelden."),
        detail: "Wenn Sie das nächste Mal eine Anwendung mit diesem Konto benutzen, melden Sie sich wieder an.",
        yes: "Abmelden",
        no: "Angemeldet bleiben",
        done: "Sie sind abgemeldet",
        done_detail: |organisation| {
            format!("Ihr Konto bei {organisation} ist auf diesem Gerät abgemeldet. Bis bald.")
        },
        again: "Wieder anmelden",
    },
    fr: Words {
        title: |organisation| format!("Se déconnecter de {organisation} ?"),
        asked_by: |client| format!("{client} demande à vous déconnecter."),
        detail: "Il faudra vous reconnecter la prochaine fois que vous utiliserez une application avec ce compte.",
        yes: "Se déconnecter",
        no: "Rester connecté",
        done: "Vous êtes déconnecté",
        done_detail: |organisation| {
            format!("Vous avez quitté votre compte {organisation} sur cet appareil. À bientôt.")
        },
        again: "Se reconnecter",
    },
    es: Words {
        title: |organisation| format!("¿Cerrar la sesión de {organisation}?"),
        asked_by: |client| format!("{client} ha pedido cerrar su sesión."),
        detail: "Tendrá que iniciar sesión de nuevo la próxima vez que use una aplicación con esta cuenta.",
        yes: "Cerrar sesión",
        no: "Seguir conectado",
        done: "Ha cerrado la sesión",
        done_detail: |organisation| {
            format!("Ha salido de su cuenta de {organisation} en este dispositivo. Hasta pronto.")
        },
        again: "Iniciar sesión de nuevo",
    },
};
