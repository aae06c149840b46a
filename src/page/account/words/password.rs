//! The texts of the form that changes the password.

use crate::render::words::Translations;

/// The texts of the form that changes the password.
#[derive(Debug)]
pub struct Words {
    /// The heading.
    pub title: &'static str,
    /// The consequence.
    pub detail: &'static str,
    /// Label: the current one.
    pub current: &'static str,
    /// Label: the new one.
    pub new: &'static str,
    /// The minimum length.
    pub rule: fn(usize) -> String,
    /// Label: the new one again.
    pub again: &'static str,
    /// The button.
    pub submit: &'static str,
    /// The current one is wrong.
    pub wrong: &'static str,
    /// The proof of the current one has expired.
    pub unproven: &'static str,
    /// The current one was correct and need not be typed again.
    pub proven: &'static str,
    /// The new one is too short.
    pub short: fn(usize) -> String,
    /// The new one is too long.
    pub long: &'static str,
    /// The new one is easy to guess, or is the username.
    pub weak: &'static str,
    /// The two entries differ.
    pub differ: &'static str,
    /// The new one is the current one.
    pub same: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: "Change your password",
        detail: "You stay signed in here, and are signed out everywhere else.",
        current: "Current password",
        new: "New password",
        rule: |least| {
            format!(
                "At least {least} characters. Several words in a row are easy to remember and hard to guess."
            )
        },
        again: "New password, once more",
        submit: "Change password",
        wrong: "This is not your current password.",
        unproven: "Please type your current password once more: it was too long ago.",
        proven: "Your current password was right.",
        short: |least| {
            format!("The new password is too short: it needs at least {least} characters.")
        },
        long: "The new password is too long. Please choose a shorter one.",
        weak: "This password is easy to guess. Please choose another.",
        differ: "The two new passwords are not the same.",
        same: "The new password is the one you already have.",
    },
    de: Words {
        title: "Passwort ändern",
        detail: "Hier bleiben Sie angemeldet, überall sonst werden Sie abgemeldet.",
        current: "Jetziges Passwort",
        new: "Neues Passwort",
        rule: |least| {
            format!(
                "Mindestens {least} Zeichen. Mehrere Wörter hintereinander sind leicht zu merken und schwer zu erraten."
            )
        },
        again: "Neues Passwort, noch einmal",
        submit: "Passwort ändern",
        wrong: "Das ist nicht Ihr jetziges Passwort.",
        unproven: "Bitte geben Sie Ihr jetziges Passwort noch einmal ein: Es ist zu lange her.",
        proven: "Ihr jetziges Passwort stimmt.",
        short: |least| {
            format!("Das neue Passwort ist zu kurz: Es braucht mindestens {least} Zeichen.")
        },
        long: "Das neue Passwort ist zu lang. Bitte wählen Sie ein kürzeres.",
        weak: "Dieses Passwort ist leicht zu erraten. Bitte wählen Sie ein anderes.",
        differ: "Die beiden neuen Passwörter sind nicht gleich.",
        same: "Das neue Passwort ist das, das Sie schon haben.",
    },
    fr: Words {
        title: "Changer de mot de passe",
        detail: "Vous restez connecté ici et serez déconnecté partout ailleurs.",
        current: "Mot de passe actuel",
        new: "Nouveau mot de passe",
        rule: |least| {
            format!(
                "Au moins {least} caractères. Plusieurs mots à la suite sont faciles à retenir et difficiles à deviner."
            )
        },
        again: "Nouveau mot de passe, encore une fois",
        submit: "Changer le mot de passe",
        wrong: "Ce n’est pas votre mot de passe actuel.",
        unproven: "Saisissez encore une fois votre mot de passe actuel : cela fait trop longtemps.",
        proven: "Votre mot de passe actuel est correct.",
        short: |least| {
            format!(
                "Le nouveau mot de passe est trop court : il lui faut au moins {least} caractères."
            )
        },
        long: "Le nouveau mot de passe est trop long. Veuillez en choisir un plus court.",
        weak: "Ce mot de passe est facile à deviner. Veuillez en choisir un autre.",
        differ: "Les deux nouveaux mots de passe ne sont pas identiques.",
        same: "Le nouveau mot de passe est celui que vous avez déjà.",
    },
    es: Words {
        title: "Cambiar la contraseña",
        detail: "Su sesión continúa aquí y se cierra en todos los demás dispositivos.",
        current: "Contraseña actual",
        new: "Contraseña nueva",
        rule: |least| {
            format!(
                "Al menos {least} caracteres. Varias palabras seguidas son fáciles de recordar y difíciles de adivinar."
            )
        },
        again: "Contraseña nueva, otra vez",
        submit: "Cambiar la contraseña",
        wrong: "Esta no es su contraseña actual.",
        unproven: "Escriba otra vez su contraseña actual: ha pasado demasiado tiempo.",
        proven: "Su contraseña actual es correcta.",
        short: |least| {
            format!("La contraseña nueva es demasiado corta: necesita al menos {least} caracteres.")
        },
        long: "La contraseña nueva es demasiado larga. Elija una más corta, por favor.",
        weak: "Esta contraseña es fácil de adivinar. Elija otra, por favor.",
        differ: "Las dos contraseñas nuevas no son iguales.",
        same: "La contraseña nueva es la que ya tiene.",
    },
};
