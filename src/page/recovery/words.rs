//! The texts of the page of a recovery.

use crate::render::words::Translations;

/// The texts of the page of a recovery.
#[derive(Debug)]
pub struct Words {
    /// The heading.
    pub title: &'static str,
    /// The consequence.
    pub detail: &'static str,
    /// The button.
    pub submit: &'static str,
    /// The heading for an invalid link.
    pub invalid: &'static str,
    /// What to do then.
    pub invalid_detail: &'static str,
    /// The heading when the password is set.
    pub done: &'static str,
    /// What follows.
    pub done_detail: &'static str,
    /// The link to the sign-in.
    pub sign_in: &'static str,
    /// The form has expired or is foreign.
    pub expired: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: "Set a new password",
        detail: "You will be signed out everywhere, and sign in with the new password.",
        submit: "Set password",
        invalid: "This link is no longer valid",
        invalid_detail: "It has expired, was used, or was replaced by a later one. Ask your administrator for a new one.",
        done: "Your password is set",
        done_detail: "You were signed out everywhere. Sign in with the new password.",
        sign_in: "Sign in",
        expired: "This page had been open for too long. Please try again.",
    },
    de: Words {
        title: "Neues Passwort festlegen",
        detail: "Sie werden überall abgemeldet und melden sich danach mit dem neuen Passwort an.",
        submit: "Passwort festlegen",
        invalid: "Dieser Link gilt nicht mehr",
        invalid_detail: "Er ist abgelaufen, wurde schon benutzt oder durch einen späteren ersetzt. Bitten Sie Ihre Administration um einen neuen.",
        done: "Ihr Passwort ist festgelegt",
        done_detail: "Sie wurden überall abgemeldet. Melden Sie sich mit dem neuen Passwort an.",
        sign_in: "Anmelden",
        expired: "Diese Seite war zu lange geöffnet. Bitte versuchen Sie es noch einmal.",
    },
    fr: Words {
        title: "Choisir un nouveau mot de passe",
        detail: "Vous serez déconnecté partout, puis vous vous connecterez avec le nouveau mot de passe.",
        submit: "Enregistrer le mot de passe",
        invalid: "Ce lien n’est plus valable",
        invalid_detail: "Il a expiré, a déjà servi ou a été remplacé par un autre. Demandez-en un nouveau à votre administrateur.",
        done: "Votre mot de passe est enregistré",
        done_detail: "Vous avez été déconnecté partout. Connectez-vous avec le nouveau mot de passe.",
        sign_in: "Se connecter",
        expired: "Cette page est restée ouverte trop longtemps. Veuillez réessayer.",
    },
    es: Words {
        title: "Elegir una contraseña nueva",
        detail: "Se cerrarán todas sus sesiones y entrará con la contraseña nueva.",
        submit: "Guardar la contraseña",
        invalid: "Este enlace ya no es válido",
        invalid_detail: "Ha caducado, ya se usó o fue sustituido por otro posterior. Pida uno nuevo a su administrador.",
        done: "Su contraseña está guardada",
        done_detail: "Se han cerrado todas sus sesiones. Inicie sesión con la contraseña nueva.",
        sign_in: "Iniciar sesión",
        expired: "Esta página ha estado abierta demasiado tiempo. Inténtelo de nuevo.",
    },
};
