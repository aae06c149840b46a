//! The texts of the pages that ask before an action on a user.

use crate::render::words::{Translations, With};

/// What a page asks before an action.
#[derive(Debug)]
pub(super) struct Question {
    /// The heading; the argument is the user, for a session its device, for an access the application.
    pub(super) title: With,
    /// What will happen.
    pub(super) lines: &'static [&'static str],
    /// The button.
    pub(super) submit: &'static str,
}

/// The questions in one language.
#[derive(Debug)]
pub(super) struct Questions {
    /// A recovery.
    pub(super) recover: Question,
    /// Disable the account.
    pub(super) disable: Question,
    /// Enable it.
    pub(super) enable: Question,
    /// Reset the throttling.
    pub(super) unlock: Question,
    /// Delete the account.
    pub(super) delete: Question,
    /// End one session.
    pub(super) end: Question,
    /// End all sessions.
    pub(super) end_all: Question,
    /// Revoke the access of an application.
    pub(super) revoke: Question,
    /// The number of sessions that end.
    pub(super) sessions: fn(usize) -> String,
    /// The numbers of sessions that end, and of applications that lose access.
    pub(super) touched: fn(usize, usize) -> String,
}

/// The questions in each language.
pub(super) static QUESTIONS: Translations<Questions> = Translations {
    en: Questions {
        recover: Question {
            title: |name| format!("Start a recovery for {name}?"),
            lines: &[
                "The next page shows a one-time link, valid for 24 hours. Whoever opens it sets a new password.",
                "Links that were created earlier become invalid.",
                "The present password keeps working until the link is used. Then all sessions end, and all applications lose access.",
            ],
            submit: "Create the link",
        },
        disable: Question {
            title: |name| format!("Disable {name}?"),
            lines: &[
                "Nobody can sign in with the account until it is enabled again.",
                "Recovery links become invalid.",
            ],
            submit: "Disable the account",
        },
        enable: Question {
            title: |name| format!("Enable {name}?"),
            lines: &[
                "The person can sign in again with the present password.",
                "Sessions and access that ended stay ended.",
            ],
            submit: "Enable the account",
        },
        unlock: Question {
            title: |name| format!("Reset the sign-in limits of {name}?"),
            lines: &[
                "All counted failures of this account are forgotten, from every network.",
                "Do this when the person is locked out, not while somebody guesses the password.",
            ],
            submit: "Reset the limits",
        },
        delete: Question {
            title: |name| format!("Delete {name}?"),
            lines: &[
                "The account, its password, its roles and its consents are removed. This cannot be undone.",
                "Its audit events stay, under its identifier.",
            ],
            submit: "Delete the account",
        },
        end: Question {
            title: |device| format!("End the session on {device}?"),
            lines: &[
                "The browser is signed out, and access that depends on the session ends.",
                "Applications with offline access keep it.",
            ],
            submit: "End the session",
        },
        end_all: Question {
            title: |name| format!("End all sessions of {name}?"),
            lines: &["Applications with offline access keep it."],
            submit: "End all sessions",
        },
        revoke: Question {
            title: |client| format!("Revoke the access of {client}?"),
            lines: &[
                "Its tokens for this account become invalid at once.",
                "The person is asked for consent again if the application asks for access again.",
            ],
            submit: "Revoke the access",
        },
        sessions: |n| match n {
            0 => "The person has no session.".to_owned(),
            1 => "1 session ends.".to_owned(),
            n => format!("{n} sessions end."),
        },
        touched: |sessions, applications| {
            let sessions = if sessions == 1 {
                "1 session ends".to_owned()
            } else {
                format!("{sessions} sessions end")
            };
            let applications = if applications == 1 {
                "1 application loses access".to_owned()
            } else {
                format!("{applications} applications lose access")
            };
            format!("{sessions}, and {applications}.")
        },
    },
    de: Questions {
        recover: Question {
            title: |name| format!("Wiederherstellung für {name} beginnen?"),
            lines: &[
                "Die nächste Seite zeigt einen einmaligen Link, der 24 Stunden gilt. Wer ihn öffnet, setzt ein neues Passwort.",
                "Früher erzeugte Links werden ungültig.",
                "Das jetzige Passwort gilt, bis der Link benutzt wird. Dann enden alle Sitzungen, und alle Anwendungen verlieren den Zugriff.",
            ],
            submit: "Link erzeugen",
        },
        disable: Question {
            title: |name| format!("{name} sperren?"),
            lines: &[
                "Mit dem Konto kann sich niemand anmelden, bis es wieder freigegeben wird.",
                "Wiederherstellungslinks werden ungültig.",
            ],
            submit: "Konto sperren",
        },
        enable: Question {
            title: |name| format!("{name} freigeben?"),
            lines: &[
                "Die Person kann sich mit dem jetzigen Passwort wieder anmelden.",
                "Beendete Sitzungen und Zugriffe bleiben beendet.",
            ],
            submit: "Konto freigeben",
        },
        unlock: Question {
            title: |name| format!("Anmeldesperren von {name} zurücksetzen?"),
            lines: &[
                "Alle gezählten Fehlversuche dieses Kontos werden vergessen, aus jedem Netz.",
                "Tun Sie das, wenn die Person ausgesperrt ist, nicht während jemand das Passwort rät.",
            ],
            submit: "Sperren zurücksetzen",
        },
        delete: Question {
            title: |name| format!("{name} löschen?"),
            lines: &[
                "Das Konto, sein Passwort, seine Rollen und seine Einwilligungen werden entfernt. Das lässt sich nicht rückgängig machen.",
                "Seine Einträge im Protokoll bleiben unter seiner Kennung.",
            ],
            submit: "Konto löschen",
        },
        end: Question {
            title: |device| format!("Sitzung beenden: {device}?"),
            lines: &[
                "Der Browser wird abgemeldet, und Zugriffe, die an der Sitzung hängen, enden.",
                "Anwendungen mit Zugriff in Abwesenheit behalten ihn.",
            ],
            submit: "Sitzung beenden",
        },
        end_all: Question {
            title: |name| format!("Alle Sitzungen von {name} beenden?"),
            lines: &["Anwendungen mit Zugriff in Abwesenheit behalten ihn."],
            submit: "Alle Sitzungen beenden",
        },
        revoke: Question {
            title: |client| format!("Den Zugriff von {client} entziehen?"),
            lines: &[
                "Ihre Token für dieses Konto werden sofort ungültig.",
                "Bittet die Anwendung erneut um Zugriff, wird die Person wieder um Einwilligung gefragt.",
            ],
            submit: "Zugriff entziehen",
        },
        sessions: |n| match n {
            0 => "Die Person hat keine Sitzung.".to_owned(),
            1 => "1 Sitzung endet.".to_owned(),
            n => format!("{n} Sitzungen enden."),
        },
        touched: |sessions, applications| {
            let sessions = if sessions == 1 {
                "1 Sitzung endet".to_owned()
            } else {
                format!("{sessions} Sitzungen enden")
            };
            let applications = if applications == 1 {
                "1 Anwendung verliert den Zugriff".to_owned()
            } else {
                format!("{applications} Anwendungen verlieren den Zugriff")
            };
            format!("{sessions}, und {applications}.")
        },
    },
    fr: Questions {
        recover: Question {
            title: |name| format!("Lancer une récupération pour {name} ?"),
            lines: &[
                "La page suivante affiche un lien à usage unique, valable 24 heures. La personne qui l’ouvre définit un nouveau mot de passe.",
                "Les liens créés auparavant deviennent invalides.",
                "Le mot de passe actuel reste valable jusqu’à l’utilisation du lien. Toutes les sessions se ferment alors, et toutes les applications perdent leur accès.",
            ],
            submit: "Créer le lien",
        },
        disable: Question {
            title: |name| format!("Désactiver {name} ?"),
            lines: &[
                "Personne ne peut se connecter avec le compte tant qu’il n’est pas réactivé.",
                "Les liens de récupération deviennent invalides.",
            ],
            submit: "Désactiver le compte",
        },
        enable: Question {
            title: |name| format!("Réactiver {name} ?"),
            lines: &[
                "La personne peut de nouveau se connecter avec le mot de passe actuel.",
                "Les sessions et les accès fermés le restent.",
            ],
            submit: "Réactiver le compte",
        },
        unlock: Question {
            title: |name| format!("Réinitialiser les limites de connexion de {name} ?"),
            lines: &[
                "Tous les échecs comptés pour ce compte sont oubliés, depuis tous les réseaux.",
                "Faites-le si la personne est bloquée, pas pendant que quelqu’un devine le mot de passe.",
            ],
            submit: "Réinitialiser les limites",
        },
        delete: Question {
            title: |name| format!("Supprimer {name} ?"),
            lines: &[
                "Le compte, son mot de passe, ses rôles et ses consentements sont supprimés. C’est irréversible.",
                "Ses événements restent dans le journal, sous son identifiant interne.",
            ],
            submit: "Supprimer le compte",
        },
        end: Question {
            title: |device| format!("Fermer la session : {device} ?"),
            lines: &[
                "Le navigateur est déconnecté, et les accès qui dépendent de la session prennent fin.",
                "Les applications ayant un accès hors ligne le conservent.",
            ],
            submit: "Fermer la session",
        },
        end_all: Question {
            title: |name| format!("Fermer toutes les sessions de {name} ?"),
            lines: &["Les applications ayant un accès hors ligne le conservent."],
            submit: "Fermer toutes les sessions",
        },
        revoke: Question {
            title: |client| format!("Révoquer l’accès de {client} ?"),
            lines: &[
                "Ses jetons pour ce compte deviennent aussitôt invalides.",
                "Si l’application redemande l’accès, le consentement est de nouveau demandé à la personne.",
            ],
            submit: "Révoquer l’accès",
        },
        sessions: |n| match n {
            0 => "La personne n’a aucune session.".to_owned(),
            1 => "1 session se ferme.".to_owned(),
            n => format!("{n} sessions se ferment."),
        },
        touched: |sessions, applications| {
            let sessions = if sessions < 2 {
                format!("{sessions} session se ferme")
            } else {
                format!("{sessions} sessions se ferment")
            };
            let applications = if applications < 2 {
                format!("{applications} application perd son accès")
            } else {
                format!("{applications} applications perdent leur accès")
            };
            format!("{sessions}, et {applications}.")
        },
    },
    es: Questions {
        recover: Question {
            title: |name| format!("¿Iniciar una recuperación para {name}?"),
            lines: &[
                "La página siguiente muestra un enlace de un solo uso, válido durante 24 horas. Quien lo abra define una nueva contraseña.",
                "Los enlaces creados antes dejan de ser válidos.",
                "La contraseña actual sigue sirviendo hasta que se use el enlace. Entonces se cierran todas las sesiones y todas las aplicaciones pierden el acceso.",
            ],
            submit: "Crear el enlace",
        },
        disable: Question {
            title: |name| format!("¿Desactivar a {name}?"),
            lines: &[
                "Nadie puede iniciar sesión con la cuenta hasta que se vuelva a activar.",
                "Los enlaces de recuperación dejan de ser válidos.",
            ],
            submit: "Desactivar la cuenta",
        },
        enable: Question {
            title: |name| format!("¿Activar a {name}?"),
            lines: &[
                "La persona puede volver a iniciar sesión con la contraseña actual.",
                "Las sesiones y los accesos cerrados siguen cerrados.",
            ],
            submit: "Activar la cuenta",
        },
        unlock: Question {
            title: |name| format!("¿Restablecer los límites de inicio de sesión de {name}?"),
            lines: &[
                "Se olvidan todos los fallos contados de esta cuenta, desde todas las redes.",
                "Hágalo si la persona está bloqueada, no mientras alguien adivina la contraseña.",
            ],
            submit: "Restablecer los límites",
        },
        delete: Question {
            title: |name| format!("¿Eliminar a {name}?"),
            lines: &[
                "Se eliminan la cuenta, su contraseña, sus roles y sus consentimientos. No se puede deshacer.",
                "Sus eventos permanecen en el registro, con su identificador.",
            ],
            submit: "Eliminar la cuenta",
        },
        end: Question {
            title: |device| format!("¿Cerrar la sesión de {device}?"),
            lines: &[
                "Se cierra la sesión del navegador y terminan los accesos que dependen de ella.",
                "Las aplicaciones con acceso sin conexión lo conservan.",
            ],
            submit: "Cerrar la sesión",
        },
        end_all: Question {
            title: |name| format!("¿Cerrar todas las sesiones de {name}?"),
            lines: &["Las aplicaciones con acceso sin conexión lo conservan."],
            submit: "Cerrar todas las sesiones",
        },
        revoke: Question {
            title: |client| format!("¿Revocar el acceso de {client}?"),
            lines: &[
                "Sus tokens para esta cuenta dejan de ser válidos de inmediato.",
                "Si la aplicación vuelve a pedir acceso, se pedirá de nuevo el consentimiento de la persona.",
            ],
            submit: "Revocar el acceso",
        },
        sessions: |n| match n {
            0 => "La persona no tiene ninguna sesión.".to_owned(),
            1 => "Se cierra 1 sesión.".to_owned(),
            n => format!("Se cierran {n} sesiones."),
        },
        touched: |sessions, applications| {
            let sessions = if sessions == 1 {
                "Se cierra 1 sesión".to_owned()
            } else {
                format!("Se cierran {sessions} sesiones")
            };
            let applications = if applications == 1 {
                "1 aplicación pierde el acceso".to_owned()
            } else {
                format!("{applications} aplicaciones pierden el acceso")
            };
            format!("{sessions} y {applications}.")
        },
    },
};

/// The notices after an action, in one language.
#[derive(Debug)]
pub(super) struct Notices {
    /// The profile was changed.
    pub(super) saved: &'static str,
    /// The account was disabled.
    pub(super) disable: &'static str,
    /// The account was enabled.
    pub(super) enable: &'static str,
    /// The throttling was reset.
    pub(super) unlock: &'static str,
    /// A session was ended.
    pub(super) end: &'static str,
    /// All sessions were ended.
    pub(super) end_all: &'static str,
    /// The access of an application was revoked.
    pub(super) revoke: &'static str,
}

/// The notices in each language.
pub(super) static NOTICES: Translations<Notices> = Translations {
    en: Notices {
        saved: "The changes are saved.",
        disable: "The account is disabled.",
        enable: "The account is enabled.",
        unlock: "The sign-in limits were reset.",
        end: "The session has ended.",
        end_all: "All sessions have ended.",
        revoke: "The access is revoked.",
    },
    de: Notices {
        saved: "Die Änderungen sind gespeichert.",
        disable: "Das Konto ist gesperrt.",
        enable: "Das Konto ist freigegeben.",
        unlock: "Die Anmeldesperren wurden zurückgesetzt.",
        end: "Die Sitzung ist beendet.",
        end_all: "Alle Sitzungen sind beendet.",
        revoke: "Der Zugriff ist entzogen.",
    },
    fr: Notices {
        saved: "Les modifications sont enregistrées.",
        disable: "Le compte est désactivé.",
        enable: "Le compte est réactivé.",
        unlock: "Les limites de connexion ont été réinitialisées.",
        end: "La session est fermée.",
        end_all: "Toutes les sessions sont fermées.",
        revoke: "L’accès est révoqué.",
    },
    es: Notices {
        saved: "Se han guardado los cambios.",
        disable: "La cuenta está desactivada.",
        enable: "La cuenta está activada.",
        unlock: "Se han restablecido los límites de inicio de sesión.",
        end: "La sesión está cerrada.",
        end_all: "Todas las sesiones están cerradas.",
        revoke: "El acceso está revocado.",
    },
};
