//! The texts about the authentication of a user.

use crate::render::words::{Translations, With};

/// The texts about the authentication of a user.
#[derive(Debug)]
pub struct Words {
    /// The heading.
    pub title: &'static str,
    /// The time of the last change of the password.
    pub changed: With,
    /// The account has no password.
    pub no_password: &'static str,
    /// Label: the number of known browsers.
    pub browsers: &'static str,
    /// The explanation of known browsers.
    pub browsers_detail: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: "Security",
        changed: |time| format!("Last changed {time}"),
        no_password: "None is set",
        browsers: "Known browsers",
        browsers_detail: "You have signed in with them before. They are accepted even while someone else is guessing your password.",
    },
    de: Words {
        title: "Sicherheit",
        changed: |time| format!("Zuletzt geändert {time}"),
        no_password: "Keines gesetzt",
        browsers: "Bekannte Browser",
        browsers_detail: "Mit ihnen haben Sie sich schon angemeldet. Sie kommen auch hinein, während jemand anderes Ihr Passwort zu erraten versucht.",
    },
    fr: Words {
        title: "Sécurité",
        changed: |time| format!("Dernier changement {time}"),
        no_password: "Aucun",
        browsers: "Navigateurs connus",
        browsers_detail: "Vous vous êtes déjà connecté avec eux. Ils restent acceptés même pendant que quelqu’un d’autre essaie de deviner votre mot de passe.",
    },
    es: Words {
        title: "Seguridad",
        changed: |time| format!("Último cambio {time}"),
        no_password: "Ninguna",
        browsers: "Navegadores conocidos",
        browsers_detail: "Ya ha iniciado sesión con ellos. Siguen entrando aunque otra persona esté intentando adivinar su contraseña.",
    },
};
