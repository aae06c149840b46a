//! The texts of the sign-in page.

use crate::render::words::{Translations, With};

/// The texts of the sign-in page.
#[derive(Debug)]
pub struct Words {
    /// The heading without an application.
    pub title: &'static str,
    /// The heading; the argument is the application.
    pub title_to: With,
    /// The heading when the signed-in user has to authenticate again.
    pub confirm: &'static str,
    /// The line below the heading; the argument is the organisation.
    pub subtitle: With,
    /// Label: username or e-mail.
    pub identifier: &'static str,
    /// Label: stay signed in.
    pub keep: &'static str,
    /// The hint at that label.
    pub keep_detail: &'static str,
    /// The button.
    pub submit: &'static str,
    /// Unknown user or wrong password: one text for both (THREATS UI-14).
    pub wrong: &'static str,
    /// Wrong password, when the user is known.
    pub wrong_password: &'static str,
    /// Too many attempts; the argument is the time to wait.
    pub throttled: With,
    /// The form has expired or is foreign.
    pub expired: &'static str,
    /// The hashing queue is full.
    pub busy: &'static str,
    /// The browser sent no cookie.
    pub cookies: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: "Sign in",
        title_to: |client| format!("Sign in to {client}"),
        confirm: "Confirm that it is you",
        subtitle: |organisation| format!("with your {organisation} account"),
        identifier: "Username or e-mail address",
        keep: "Keep me signed in",
        keep_detail: "Only on a device that is yours alone.",
        submit: "Sign in",
        wrong: "That did not match. Check the username or e-mail address and the password, and try again.",
        wrong_password: "That password did not match. Try again.",
        throttled: |wait| format!("There have been too many tries. You can try again in {wait}."),
        expired: "This page had been open for too long. Please sign in again.",
        busy: "Many people are signing in just now. Please try again in a moment.",
        cookies: "Your browser did not send back our cookie. Allow cookies for this site, then try again.",
    },
    de: Words {
        title: "Anmelden",
        title_to: |client| format!("Bei {client} anmelden"),
        confirm: "Bestätigen Sie, dass Sie es sind",
        subtitle: |organisation| format!("mit Ihrem Konto bei {organisation}"),
        identifier: "Benutzername oder E-Mail-Adresse",
        keep: "Angemeldet bleiben",
        keep_detail: "Nur auf einem Gerät, das Ihnen allein gehört.",
        submit: "Anmelden",
        wrong: "Das hat nicht zusammengepasst. Bitte prüfen Sie Benutzername oder E-Mail-Adresse und Passwort, und versuchen Sie es noch einmal.",
        wrong_password: "Dieses Passwort hat nicht gestimmt. Bitte versuchen Sie es noch einmal.",
        throttled: |wait| {
            format!("Das waren zu viele Versuche. Sie können es in {wait} wieder versuchen.")
        },
        expired: "Diese Seite war zu lange geöffnet. Bitte melden Sie sich noch einmal an.",
        busy: "Gerade melden sich viele Menschen an. Bitte versuchen Sie es gleich noch einmal.",
        cookies: "Ihr Browser hat unser Cookie nicht zurückgeschickt. Bitte erlauben Sie Cookies für diese Seite, und versuchen Sie es noch einmal.",
    },
    fr: Words {
        title: "Se connecter",
        title_to: |client| format!("Se connecter à {client}"),
        confirm: "Confirmez votre identité",
        subtitle: |organisation| format!("avec votre compte {organisation}"),
        identifier: "Nom d’utilisateur ou adresse e-mail",
        keep: "Rester connecté",
        keep_detail: "Seulement sur un appareil qui n’appartient qu’à vous.",
        submit: "Se connecter",
        wrong: "Cela ne correspond pas. Vérifiez le nom d’utilisateur ou l’adresse e-mail et le mot de passe, puis réessayez.",
        wrong_password: "Ce mot de passe ne correspond pas. Veuillez réessayer.",
        throttled: |wait| {
            format!("Il y a eu trop de tentatives. Vous pourrez réessayer dans {wait}.")
        },
        expired: "Cette page est restée ouverte trop longtemps. Veuillez vous connecter à nouveau.",
        busy: "Beaucoup de personnes se connectent en ce moment. Veuillez réessayer dans un instant.",
        cookies: "Votre navigateur n’a pas renvoyé notre cookie. Autorisez les cookies pour ce site, puis réessayez.",
    },
    es: Words {
        title: "Iniciar sesión",
        title_to: |client| format!("Iniciar sesión en {client}"),
        confirm: "Confirme que es usted",
        subtitle: |organisation| format!("con su cuenta de {organisation}"),
        identifier: "Nombre de usuario o correo electrónico",
        keep: "Mantener la sesión iniciada",
        keep_detail: "Solo en un dispositivo que sea únicamente suyo.",
        submit: "Iniciar sesión",
        wrong: "Los datos no coinciden. Compruebe el nombre de usuario o el correo y la contraseña, e inténtelo de nuevo.",
        wrong_password: "Esa contraseña no coincide. Inténtelo de nuevo.",
        throttled: |wait| {
            format!("Ha habido demasiados intentos. Podrá intentarlo de nuevo dentro de {wait}.")
        },
        expired: "Esta página ha estado abierta demasiado tiempo. Inicie sesión de nuevo, por favor.",
        busy: "Muchas personas están iniciando sesión en este momento. Inténtelo de nuevo en un instante.",
        cookies: "Su navegador no ha devuelto nuestra cookie. Permita las cookies en este sitio e inténtelo de nuevo.",
    },
};
