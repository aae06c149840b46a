//! The texts of the lists of what happened to a client.

use crate::render::words::Translations;

/// The texts of the lists of what happened to a client.
#[derive(Debug)]
pub(super) struct Words {
    /// What the list of refusals shows.
    pub(super) refusals_detail: &'static str,
    /// There is none.
    pub(super) no_refusals: &'static str,
    /// Why that is good.
    pub(super) no_refusals_detail: &'static str,
    /// What the history shows.
    pub(super) history_detail: &'static str,
    /// There is none.
    pub(super) no_history: &'static str,
    /// Why that can be.
    pub(super) no_history_detail: &'static str,
    /// Column: time.
    pub(super) time: &'static str,
    /// Column: reason.
    pub(super) reason: &'static str,
    /// Column: what was compared.
    pub(super) compared: &'static str,
    /// Column: address.
    pub(super) address: &'static str,
    /// Column: change.
    pub(super) change: &'static str,
    /// Column: who made it.
    pub(super) by: &'static str,
    /// The operator at the command line.
    pub(super) operator: &'static str,
    /// It was registered.
    pub(super) created: &'static str,
    /// Its metadata was changed.
    pub(super) updated: &'static str,
    /// It got a new secret.
    pub(super) secret_rotated: &'static str,
    /// It was disabled.
    pub(super) disabled: &'static str,
    /// It was enabled.
    pub(super) enabled: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        refusals_detail: "Requests of this application that were refused, and why, the newest first.",
        no_refusals: "No request was refused",
        no_refusals_detail: "As soon as a request of this application is refused, the reason and the compared values stand here.",
        history_detail: "Who changed the registration, and when, the newest first.",
        no_history: "No change is recorded",
        no_history_detail: "The changes may be older than the audit trail is kept.",
        time: "Time",
        reason: "Reason",
        compared: "Compared",
        address: "Address",
        change: "Change",
        by: "By",
        operator: "Operator at the command line",
        created: "Registered",
        updated: "Settings changed",
        secret_rotated: "New secret issued",
        disabled: "Disabled",
        enabled: "Enabled",
    },
    de: Words {
        refusals_detail: "Anfragen dieser Anwendung, die abgelehnt wurden, und warum, die neuesten zuerst.",
        no_refusals: "Keine Anfrage wurde abgelehnt",
        no_refusals_detail: "Sobald eine Anfrage dieser Anwendung abgelehnt wird, stehen hier der Grund und die verglichenen Werte.",
        history_detail: "Wer die Registrierung wann geändert hat, das Neueste zuerst.",
        no_history: "Keine Änderung ist verzeichnet",
        no_history_detail: "Die Änderungen sind vielleicht älter, als das Protokoll aufbewahrt wird.",
        time: "Zeit",
        reason: "Grund",
        compared: "Verglichen",
        address: "Adresse",
        change: "Änderung",
        by: "Durch",
        operator: "Betreiber an der Kommandozeile",
        created: "Registriert",
        updated: "Einstellungen geändert",
        secret_rotated: "Neues Geheimnis ausgestellt",
        disabled: "Gesperrt",
        enabled: "Aktiviert",
    },
    fr: Words {
        refusals_detail: "Les requêtes de cette application qui ont été refusées, et pourquoi, les plus récentes d’abord.",
        no_refusals: "Aucune requête n’a été refusée",
        no_refusals_detail: "Dès qu’une requête de cette application est refusée, la raison et les valeurs comparées figurent ici.",
        history_detail: "Qui a modifié l’enregistrement, et quand, le plus récent d’abord.",
        no_history: "Aucune modification n’est consignée",
        no_history_detail: "Les modifications sont peut-être plus anciennes que la durée de conservation du journal d’audit.",
        time: "Date",
        reason: "Raison",
        compared: "Comparé",
        address: "Adresse",
        change: "Modification",
        by: "Par",
        operator: "Opérateur en ligne de commande",
        created: "Enregistrée",
        updated: "Paramètres modifiés",
        secret_rotated: "Nouveau secret créé",
        disabled: "Désactivée",
        enabled: "Activée",
    },
    es: Words {
        refusals_detail: "Las peticiones de esta aplicación que se rechazaron, y por qué, las más recientes primero.",
        no_refusals: "No se ha rechazado ninguna petición",
        no_refusals_detail: "En cuanto se rechace una petición de esta aplicación, aquí figurarán el motivo y los valores comparados.",
        history_detail: "Quién cambió el registro y cuándo, lo más reciente primero.",
        no_history: "No hay cambios anotados",
        no_history_detail: "Quizá los cambios sean más antiguos que el tiempo que se conserva el registro de auditoría.",
        time: "Fecha",
        reason: "Motivo",
        compared: "Comparado",
        address: "Dirección",
        change: "Cambio",
        by: "Por",
        operator: "Operador en la línea de comandos",
        created: "Registrada",
        updated: "Ajustes cambiados",
        secret_rotated: "Secreto nuevo emitido",
        disabled: "Desactivada",
        enabled: "Activada",
    },
};
