//! The texts of the recent events of an account.

use super::words::{Translations, With};
use crate::people::activity::{self, ActivityKind};

/// The texts of the recent events of an account.
#[derive(Debug)]
pub struct Words {
    /// The heading.
    pub title: &'static str,
    /// The advice.
    pub detail: &'static str,
    /// The text of an empty list.
    pub none: &'static str,
    /// The number of events in a row; `true`: at least.
    pub several: fn(usize, bool) -> String,
    /// The name of an application that is no longer registered.
    pub an_application: &'static str,
    /// A sign-in.
    pub signed_in: &'static str,
    /// A failed sign-in.
    pub sign_in_failed: &'static str,
    /// A sign-out.
    pub signed_out: &'static str,
    /// A session was ended from another one.
    pub session_ended: &'static str,
    /// All sessions except one were ended.
    pub others_ended: &'static str,
    /// The argument is an application.
    pub allowed: With,
    /// The argument is an application.
    pub denied: With,
    /// The argument is an application.
    pub withdrawn: With,
    /// The user changed the password.
    pub password_changed: &'static str,
    /// The current password was wrong.
    pub password_failed: &'static str,
    /// An administrator set the password.
    pub password_set: &'static str,
    /// The account was created.
    pub created: &'static str,
    /// Details were changed.
    pub updated: &'static str,
    /// The throttling was reset.
    pub unlocked: &'static str,
    /// The account was disabled.
    pub disabled: &'static str,
    /// The account was enabled.
    pub enabled: &'static str,
}

impl Words {
    /// The text of an event; the argument is the name of the application, for use within a sentence.
    pub fn describe(&self, kind: ActivityKind, client: Option<&str>) -> String {
        let client = client.unwrap_or(self.an_application);
        match kind {
            ActivityKind::SignedIn => self.signed_in.to_owned(),
            ActivityKind::SignInFailed => self.sign_in_failed.to_owned(),
            ActivityKind::SignedOut => self.signed_out.to_owned(),
            ActivityKind::SessionEnded => self.session_ended.to_owned(),
            ActivityKind::OthersEnded => self.others_ended.to_owned(),
            ActivityKind::Allowed => (self.allowed)(client),
            ActivityKind::Denied => (self.denied)(client),
            ActivityKind::Withdrawn => (self.withdrawn)(client),
            ActivityKind::PasswordChanged => self.password_changed.to_owned(),
            ActivityKind::PasswordFailed => self.password_failed.to_owned(),
            ActivityKind::PasswordSet => self.password_set.to_owned(),
            ActivityKind::Created => self.created.to_owned(),
            ActivityKind::Updated => self.updated.to_owned(),
            ActivityKind::Unlocked => self.unlocked.to_owned(),
            ActivityKind::Disabled => self.disabled.to_owned(),
            ActivityKind::Enabled => self.enabled.to_owned(),
        }
    }

    /// The number of events in a row.
    pub fn times(&self, count: usize) -> String {
        (self.several)(count, count >= activity::MANY)
    }
}

/// The texts in each language.
pub static WORDS: Translations<Words> = Translations {
    en: Words {
        title: "Recent activity",
        detail: "If you do not recognise something, change your password and sign out everywhere else.",
        none: "Nothing has happened yet.",
        several: |n, more| if more { format!("{n} times or more") } else { format!("{n} times") },
        an_application: "an application",
        signed_in: "Signed in",
        sign_in_failed: "Failed sign-in",
        signed_out: "Signed out",
        session_ended: "A device was signed out",
        others_ended: "Signed out everywhere else",
        allowed: |client| format!("Access allowed to {client}"),
        denied: |client| format!("Access denied to {client}"),
        withdrawn: |client| format!("Access withdrawn from {client}"),
        password_changed: "Password changed",
        password_failed: "Password not changed: the current one was wrong",
        password_set: "Password set by an administrator",
        created: "Account created",
        updated: "Details changed by an administrator",
        unlocked: "Sign-in unblocked by an administrator",
        disabled: "Account disabled by an administrator",
        enabled: "Account enabled by an administrator",
    },
    de: Words {
        title: "Letzte Aktivitäten",
        detail: "Wenn Sie etwas davon nicht kennen, ändern Sie Ihr Passwort, und melden Sie sich überall sonst ab.",
        none: "Bisher ist nichts geschehen.",
        several: |n, more| if more { format!("{n}-mal oder öfter") } else { format!("{n}-mal") },
        an_application: "eine Anwendung",
        signed_in: "Angemeldet",
        sign_in_failed: "Anmeldung fehlgeschlagen",
        signed_out: "Abgemeldet",
        session_ended: "Ein Gerät wurde abgemeldet",
        others_ended: "Überall sonst abgemeldet",
        allowed: |client| format!("Zugriff erlaubt: {client}"),
        denied: |client| format!("Zugriff abgelehnt: {client}"),
        withdrawn: |client| format!("Zugriff zurückgenommen: {client}"),
        password_changed: "Passwort geändert",
        password_failed: "Passwort nicht geändert: Das jetzige war falsch",
        password_set: "Passwort durch die Verwaltung gesetzt",
        created: "Konto angelegt",
        updated: "Angaben durch die Verwaltung geändert",
        unlocked: "Anmeldung durch die Verwaltung freigegeben",
        disabled: "Konto durch die Verwaltung gesperrt",
        enabled: "Konto durch die Verwaltung wieder geöffnet",
    },
    fr: Words {
        title: "Activité récente",
        detail: "Si quelque chose ne vous dit rien, changez votre mot de passe et déconnectez tous les autres appareils.",
        none: "Il ne s’est encore rien passé.",
        several: |n, more| if more { format!("{n} fois ou plus") } else { format!("{n} fois") },
        an_application: "une application",
        signed_in: "Connexion",
        sign_in_failed: "Échec de connexion",
        signed_out: "Déconnexion",
        session_ended: "Un appareil a été déconnecté",
        others_ended: "Tous les autres appareils ont été déconnectés",
        allowed: |client| format!("Accès autorisé : {client}"),
        denied: |client| format!("Accès refusé : {client}"),
        withdrawn: |client| format!("Accès retiré : {client}"),
        password_changed: "Mot de passe changé",
        password_failed: "Mot de passe non changé : l’actuel était faux",
        password_set: "Mot de passe défini par un administrateur",
        created: "Compte créé",
        updated: "Informations modifiées par un administrateur",
        unlocked: "Connexion débloquée par un administrateur",
        disabled: "Compte désactivé par un administrateur",
        enabled: "Compte réactivé par un administrateur",
    },
    es: Words {
        title: "Actividad reciente",
        detail: "Si no reconoce algo, cambie su contraseña y cierre las demás sesiones.",
        none: "Todavía no ha pasado nada.",
        several: |n, more| if more { format!("{n} veces o más") } else { format!("{n} veces") },
        an_application: "una aplicación",
        signed_in: "Inicio de sesión",
        sign_in_failed: "Inicio de sesión fallido",
        signed_out: "Cierre de sesión",
        session_ended: "Se cerró la sesión de un dispositivo",
        others_ended: "Se cerraron las demás sesiones",
        allowed: |client| format!("Acceso permitido: {client}"),
        denied: |client| format!("Acceso denegado: {client}"),
        withdrawn: |client| format!("Acceso retirado: {client}"),
        password_changed: "Contraseña cambiada",
        password_failed: "Contraseña sin cambiar: la actual no era correcta",
        password_set: "Contraseña definida por un administrador",
        created: "Cuenta creada",
        updated: "Datos cambiados por un administrador",
        unlocked: "Inicio de sesión desbloqueado por un administrador",
        disabled: "Cuenta desactivada por un administrador",
        enabled: "Cuenta reactivada por un administrador",
    },
};
