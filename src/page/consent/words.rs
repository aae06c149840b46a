//! The texts of the consent page.

use crate::render::words::{Translations, With};

/// The texts of the consent page.
#[derive(Debug)]
pub struct Words {
    /// The heading; the argument is the application.
    pub title: With,
    /// The heading of the requested access; the argument is the application.
    pub asks: With,
    /// The heading of the scopes of an API; the argument is the API.
    pub in_api: With,
    /// The badge of sensitive scopes.
    pub sensitive: &'static str,
    /// The line that folds the data about the user.
    pub about: &'static str,
    /// The text of `offline_access`.
    pub offline: &'static str,
    /// The explanation of `offline_access`.
    pub offline_detail: &'static str,
    /// The button that allows.
    pub allow: &'static str,
    /// The button that denies.
    pub deny: &'static str,
    /// Where the browser goes next; the argument is the host.
    pub destination: With,
    /// The hint that consent can be withdrawn.
    pub withdraw: &'static str,
    /// The link to the application's privacy policy.
    pub policy: With,
    /// The link to the application's terms.
    pub terms: With,
    /// The form has expired, or its content has changed.
    pub expired: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: |client| format!("Allow {client} to use your account?"),
        asks: |client| format!("{client} would like to"),
        in_api: |api| format!("In {api}"),
        sensitive: "Sensitive",
        about: "See information about you",
        offline: "Stay connected while you are away",
        offline_detail: "It keeps this access when you are not using it, until you withdraw it.",
        allow: "Allow",
        deny: "Deny",
        destination: |host| format!("Afterwards you return to {host}."),
        withdraw: "You can withdraw this at any time on your account page.",
        policy: |client| format!("Privacy policy of {client}"),
        terms: |client| format!("Terms of {client}"),
        expired: "Something changed while this page was open. Please look at it again, then decide.",
    },
    de: Words {
        title: |client| format!("Darf {client} Ihr Konto verwenden?"),
        asks: |client| format!("{client} möchte"),
        in_api: |api| format!("In {api}"),
        sensitive: "Heikel",
        about: "Angaben über Sie sehen",
        offline: "Verbunden bleiben, wenn Sie nicht da sind",
        offline_detail: "Der Zugriff bleibt bestehen, auch wenn Sie die Anwendung nicht benutzen, bis Sie ihn zurücknehmen.",
        allow: "Erlauben",
        deny: "Ablehnen",
        destination: |host| format!("Danach geht es weiter zu {host}."),
        withdraw: "Sie können das jederzeit auf Ihrer Kontoseite zurücknehmen.",
        policy: |client| format!("Datenschutz bei {client}"),
        terms: |client| format!("Bedingungen von {client}"),
        expired: "Während diese Seite offen war, hat sich etwas geändert. Bitte sehen Sie noch einmal hin, und entscheiden Sie dann.",
    },
    fr: Words {
        title: |client| format!("Autoriser {client} à utiliser votre compte ?"),
        asks: |client| format!("{client} souhaite"),
        in_api: |api| format!("Dans {api}"),
        sensitive: "Sensible",
        about: "Voir des informations sur vous",
        offline: "Rester connecté en votre absence",
        offline_detail: "L’accès est conservé lorsque vous n’utilisez pas l’application, jusqu’à ce que vous le retiriez.",
        allow: "Autoriser",
        deny: "Refuser",
        destination: |host| format!("Vous retournerez ensuite sur {host}."),
        withdraw: "Vous pouvez retirer cet accès à tout moment sur la page de votre compte.",
        policy: |client| format!("Confidentialité chez {client}"),
        terms: |client| format!("Conditions de {client}"),
        expired: "Quelque chose a changé pendant que cette page était ouverte. Veuillez la relire, puis décider.",
    },
    es: Words {
        title: |client| format!("¿Permitir que {client} use su cuenta?"),
        asks: |client| format!("{client} quiere"),
        in_api: |api| format!("En {api}"),
        sensitive: "Delicado",
        about: "Ver información sobre usted",
        offline: "Seguir conectada en su ausencia",
        offline_detail: "La aplicación conserva el acceso cuando usted no la usa, hasta que lo retire.",
        allow: "Permitir",
        deny: "Rechazar",
        destination: |host| format!("Después volverá a {host}."),
        withdraw: "Puede retirar este acceso en cualquier momento en la página de su cuenta.",
        policy: |client| format!("Privacidad en {client}"),
        terms: |client| format!("Condiciones de {client}"),
        expired: "Algo ha cambiado mientras esta página estaba abierta. Revísela de nuevo y después decida.",
    },
};
