//! The texts of the account page, without its sections.

use crate::render::words::{Translations, With};

/// The texts of the account page, without its sections.
#[derive(Debug)]
pub struct Words {
    /// The heading of the sessions.
    pub sessions: &'static str,
    /// The advice.
    pub sessions_detail: &'static str,
    /// The badge of the current session.
    pub this_device: &'static str,
    /// The time of the sign-in.
    pub since: With,
    /// The time of the last use.
    pub active: With,
    /// The button that ends a session.
    pub end: &'static str,
    /// The button that ends all other sessions.
    pub end_others: &'static str,
    /// The heading of the applications.
    pub applications: &'static str,
    /// The introduction.
    pub applications_detail: &'static str,
    /// The text of an empty list.
    pub no_applications: &'static str,
    /// The time of the consent.
    pub allowed: With,
    /// The time of the first sign-in to a trusted application.
    pub entered: With,
    /// The time of the last use.
    pub used: With,
    /// The note that the access outlives the session.
    pub offline: &'static str,
    /// The button that unfolds the rest of a list; the argument is its length.
    pub more: fn(usize) -> String,
    /// The accessible name of the links to the sections.
    pub sections: &'static str,
    /// The link to the details.
    pub to_details: &'static str,
    /// The link to the applications.
    pub to_applications: &'static str,
    /// The link to the recent events.
    pub to_activity: &'static str,
    /// The heading of an application's access.
    pub may: &'static str,
    /// The button that withdraws a consent.
    pub withdraw: &'static str,
    /// The notice after a session was ended.
    pub ended: &'static str,
    /// The notice after all other sessions were ended.
    pub ended_others: &'static str,
    /// The notice after a consent was withdrawn.
    pub withdrawn: &'static str,
    /// The notice after the password was changed.
    pub password_changed: &'static str,
    /// The notice after an expired or foreign form.
    pub expired: &'static str,
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        sessions: "Where you are signed in",
        sessions_detail: "If you do not recognise one of these, sign it out and change your password.",
        this_device: "This device",
        since: |time| format!("Signed in {time}"),
        active: |time| format!("Active {time}"),
        end: "Sign out",
        end_others: "Sign out everywhere else",
        applications: "Applications with access",
        applications_detail: "These can use your account. Withdrawing takes effect at once.",
        no_applications: "No application has access to your account.",
        allowed: |time| format!("Allowed {time}"),
        entered: |time| format!("You signed in {time}"),
        used: |time| format!("Last used {time}"),
        offline: "Works while you are away",
        more: |n| format!("Show {n} more"),
        sections: "On this page",
        to_details: "Details",
        to_applications: "Applications",
        to_activity: "Activity",
        may: "What it may do",
        withdraw: "Withdraw",
        ended: "That session has been ended.",
        ended_others: "You have been signed out everywhere else.",
        withdrawn: "Access has been withdrawn.",
        password_changed: "Your password has been changed, and you have been signed out everywhere else.",
        expired: "This page had been open for too long, so nothing was changed. Please try again.",
    },
    de: Words {
        sessions: "Wo Sie angemeldet sind",
        sessions_detail: "Wenn Sie etwas davon nicht kennen, melden Sie es ab, und ändern Sie Ihr Passwort.",
        this_device: "Dieses Gerät",
        since: |time| format!("Angemeldet {time}"),
        active: |time| format!("Aktiv {time}"),
        end: "Abmelden",
        end_others: "Überall sonst abmelden",
        applications: "Anwendungen mit Zugriff",
        applications_detail: "Diese können Ihr Konto verwenden. Wenn Sie das zurücknehmen, gilt es sofort.",
        no_applications: "Keine Anwendung hat Zugriff auf Ihr Konto.",
        allowed: |time| format!("Erlaubt {time}"),
        entered: |time| format!("Sie haben sich {time} angemeldet"),
        used: |time| format!("Zuletzt benutzt {time}"),
        offline: "Arbeitet auch, wenn Sie nicht da sind",
        more: |n| format!("{n} weitere anzeigen"),
        sections: "Auf dieser Seite",
        to_details: "Angaben",
        to_applications: "Anwendungen",
        to_activity: "Aktivitäten",
        may: "Was sie darf",
        withdraw: "Zurücknehmen",
        ended: "Die Sitzung wurde beendet.",
        ended_others: "Sie sind überall sonst abgemeldet.",
        withdrawn: "Der Zugriff wurde zurückgenommen.",
        password_changed: "Ihr Passwort ist geändert, und Sie sind überall sonst abgemeldet.",
        expired: "Diese Seite war zu lange geöffnet, darum wurde nichts geändert. Bitte versuchen Sie es noch einmal.",
    },
    fr: Words {
        sessions: "Où vous êtes connecté",
        sessions_detail: "Si vous ne reconnaissez pas l’une de ces connexions, fermez-la et changez votre mot de passe.",
        this_device: "Cet appareil",
        since: |time| format!("Connecté {time}"),
        active: |time| format!("Actif {time}"),
        end: "Déconnecter",
        end_others: "Déconnecter partout ailleurs",
        applications: "Applications autorisées",
        applications_detail: "Ces applications peuvent utiliser votre compte. Un retrait prend effet immédiatement.",
        no_applications: "Aucune application n’a accès à votre compte.",
        allowed: |time| format!("Autorisée {time}"),
        entered: |time| format!("Connexion {time}"),
        used: |time| format!("Dernière utilisation {time}"),
        offline: "Fonctionne aussi en votre absence",
        more: |n| format!("En afficher {n} de plus"),
        sections: "Sur cette page",
        to_details: "Informations",
        to_applications: "Applications",
        to_activity: "Activité",
        may: "Ce qu’elle peut faire",
        withdraw: "Retirer",
        ended: "Cette connexion a été fermée.",
        ended_others: "Vous êtes déconnecté partout ailleurs.",
        withdrawn: "L’accès a été retiré.",
        password_changed: "Votre mot de passe a été changé, et vous êtes déconnecté partout ailleurs.",
        expired: "Cette page est restée ouverte trop longtemps ; rien n’a été modifié. Veuillez réessayer.",
    },
    es: Words {
        sessions: "Dónde tiene la sesión iniciada",
        sessions_detail: "Si no reconoce alguna de estas sesiones, ciérrela y cambie su contraseña.",
        this_device: "Este dispositivo",
        since: |time| format!("Iniciada {time}"),
        active: |time| format!("Activa {time}"),
        end: "Cerrar",
        end_others: "Cerrar todas las demás",
        applications: "Aplicaciones con acceso",
        applications_detail: "Estas pueden usar su cuenta. Si retira el acceso, se aplica al instante.",
        no_applications: "Ninguna aplicación tiene acceso a su cuenta.",
        allowed: |time| format!("Permitida {time}"),
        entered: |time| format!("Usted inició sesión {time}"),
        used: |time| format!("Último uso {time}"),
        offline: "Funciona también en su ausencia",
        more: |n| format!("Mostrar {n} más"),
        sections: "En esta página",
        to_details: "Datos",
        to_applications: "Aplicaciones",
        to_activity: "Actividad",
        may: "Qué puede hacer",
        withdraw: "Retirar",
        ended: "Se ha cerrado esa sesión.",
        ended_others: "Se han cerrado todas las demás sesiones.",
        withdrawn: "Se ha retirado el acceso.",
        password_changed: "Su contraseña ha cambiado y se han cerrado todas las demás sesiones.",
        expired: "Esta página ha estado abierta demasiado tiempo y no se ha cambiado nada. Inténtelo de nuevo, por favor.",
    },
};
