//! The texts of the page of the audit trail.

use crate::render::words::Translations;

/// The texts of the page of the audit trail.
#[derive(Debug)]
pub(super) struct Words {
    /// What the list shows.
    pub(super) detail: &'static str,
    /// Label: kind of event.
    pub(super) kind: &'static str,
    /// The choice that selects administrative changes.
    pub(super) changes: &'static str,
    /// Label: application.
    pub(super) client: &'static str,
    /// Label: person.
    pub(super) user: &'static str,
    /// Label: reference.
    pub(super) request: &'static str,
    /// The button.
    pub(super) filter: &'static str,
    /// The link that removes the filter.
    pub(super) reset: &'static str,
    /// Column: event.
    pub(super) event: &'static str,
    /// Column: by whom.
    pub(super) actor: &'static str,
    /// Column: about.
    pub(super) about: &'static str,
    /// The summary of an event's facts.
    pub(super) details: &'static str,
    /// Column: time.
    pub(super) time: &'static str,
    /// There are no events.
    pub(super) none: &'static str,
    /// What that means.
    pub(super) none_detail: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        detail: "Who did what, and when. Without a filter, this is what administrators changed.",
        kind: "Event",
        changes: "Administrative changes",
        client: "Application",
        user: "Person",
        request: "Reference",
        filter: "Filter",
        reset: "Remove the filter",
        event: "Event",
        actor: "By",
        about: "About",
        details: "Details",
        time: "Time",
        none: "No such events",
        none_detail: "Nothing that matches was recorded.",
    },
    de: Words {
        detail: "Wer wann was getan hat. Ohne Filter sehen Sie, was Administratoren geändert haben.",
        kind: "Ereignis",
        changes: "Änderungen der Verwaltung",
        client: "Anwendung",
        user: "Person",
        request: "Referenz",
        filter: "Filtern",
        reset: "Filter entfernen",
        event: "Ereignis",
        actor: "Durch",
        about: "Betrifft",
        details: "Einzelheiten",
        time: "Zeit",
        none: "Keine solchen Ereignisse",
        none_detail: "Nichts Passendes wurde aufgezeichnet.",
    },
    fr: Words {
        detail: "Qui a fait quoi, et quand. Sans filtre, voici ce que les administrateurs ont modifié.",
        kind: "Événement",
        changes: "Modifications administratives",
        client: "Application",
        user: "Personne",
        request: "Référence",
        filter: "Filtrer",
        reset: "Retirer le filtre",
        event: "Événement",
        actor: "Par",
        about: "Concerne",
        details: "Détails",
        time: "Heure",
        none: "Aucun événement de ce genre",
        none_detail: "Rien de correspondant n’a été enregistré.",
    },
    es: Words {
        detail: "Quién hizo qué, y cuándo. Sin filtro, esto es lo que cambiaron los administradores.",
        kind: "Suceso",
        changes: "Cambios administrativos",
        client: "Aplicación",
        user: "Persona",
        request: "Referencia",
        filter: "Filtrar",
        reset: "Quitar el filtro",
        event: "Suceso",
        actor: "Por",
        about: "Sobre",
        details: "Detalles",
        time: "Hora",
        none: "No hay tales sucesos",
        none_detail: "No se registró nada que coincida.",
    },
};
