//! The texts of the page of an invitation.

use crate::render::words::{Translations, With};

/// The texts of the page of an invitation.
#[derive(Debug)]
pub struct Words {
    /// The heading; the argument is the organisation.
    pub title: With,
    /// What an owner may do.
    pub detail: &'static str,
    /// The heading for an invalid link.
    pub invalid: &'static str,
    /// What to do then.
    pub invalid_detail: &'static str,
    /// The link to the console.
    pub to_console: &'static str,
    /// The button for the signed-in user.
    pub accept: &'static str,
    /// Label: full name.
    pub name: &'static str,
    /// Label: username.
    pub username: &'static str,
    /// Label: e-mail address, which is optional.
    pub email: &'static str,
    /// The button for a new account.
    pub create: &'static str,
    /// The link for an existing account.
    pub sign_in: &'static str,
    /// The form has expired or is foreign.
    pub expired: &'static str,
    /// Another account has the name.
    pub taken: &'static str,
    /// The username or the e-mail address has an invalid form.
    pub account: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: |organisation| format!("Become owner of {organisation}"),
        detail: "Owners manage everything: applications, people, keys, and who else administers.",
        invalid: "This invitation is no longer valid",
        invalid_detail: "It has expired, was used, or was replaced by a later one. Ask for a new one.",
        to_console: "To the console",
        accept: "Become owner",
        name: "Your name",
        username: "Username",
        email: "E-mail address (optional)",
        create: "Create account and become owner",
        sign_in: "I have an account: sign in",
        expired: "This page had been open for too long. Please try again.",
        taken: "Another account has this username or e-mail address. If it is yours, sign in.",
        account: "This username or e-mail address cannot be used. Please check both.",
    },
    de: Words {
        title: |organisation| format!("Inhaber von {organisation} werden"),
        detail: "Inhaber verwalten alles: Anwendungen, Personen, Schlüssel, und wer sonst verwaltet.",
        invalid: "Diese Einladung gilt nicht mehr",
        invalid_detail: "Sie ist abgelaufen, wurde schon benutzt oder durch eine spätere ersetzt. Bitten Sie um eine neue.",
        to_console: "Zur Verwaltung",
        accept: "Inhaber werden",
        name: "Ihr Name",
        username: "Benutzername",
        email: "E-Mail-Adresse (freiwillig)",
        create: "Konto anlegen und Inhaber werden",
        sign_in: "Ich habe schon ein Konto: anmelden",
        expired: "Diese Seite war zu lange geöffnet. Bitte versuchen Sie es noch einmal.",
        taken: "Ein anderes Konto hat diesen Benutzernamen oder diese E-Mail-Adresse. Ist es Ihres, melden Sie sich an.",
        account: "Dieser Benutzername oder diese E-Mail-Adresse ist nicht möglich. Bitte prüfen Sie beides.",
    },
    fr: Words {
        title: |organisation| format!("Devenir propriétaire de {organisation}"),
        detail: "Les propriétaires gèrent tout : applications, personnes, clés, et qui d’autre administre.",
        invalid: "Cette invitation n’est plus valable",
        invalid_detail: "Elle a expiré, a déjà servi ou a été remplacée par une autre. Demandez-en une nouvelle.",
        to_console: "Vers l’administration",
        accept: "Devenir propriétaire",
        name: "Votre nom",
        username: "Nom d’utilisateur",
        email: "Adresse e-mail (facultative)",
        create: "Créer le compte et devenir propriétaire",
        sign_in: "J’ai déjà un compte : me connecter",
        expired: "Cette page est restée ouverte trop longtemps. Veuillez réessayer.",
        taken: "Un autre compte a ce nom d’utilisateur ou cette adresse e-mail. Si c’est le vôtre, connectez-vous.",
        account: "Ce nom d’utilisateur ou cette adresse e-mail n’est pas possible. Veuillez vérifier les deux.",
    },
    es: Words {
        title: |organisation| format!("Ser propietario de {organisation}"),
        detail: "Los propietarios administran todo: aplicaciones, personas, claves y quién más administra.",
        invalid: "Esta invitación ya no es válida",
        invalid_detail: "Ha caducado, ya se usó o fue sustituida por otra posterior. Pida una nueva.",
        to_console: "A la administración",
        accept: "Ser propietario",
        name: "Su nombre",
        username: "Nombre de usuario",
        email: "Correo electrónico (opcional)",
        create: "Crear la cuenta y ser propietario",
        sign_in: "Ya tengo una cuenta: iniciar sesión",
        expired: "Esta página ha estado abierta demasiado tiempo. Inténtelo de nuevo.",
        taken: "Otra cuenta tiene este nombre de usuario o este correo. Si es la suya, inicie sesión.",
        account: "Este nombre de usuario o este correo no se puede usar. Compruebe ambos.",
    },
};
