//! The texts of the settings of a client.

use crate::render::words::Translations;

/// The texts of the settings of a client.
#[derive(Debug)]
pub(super) struct Words {
    /// How people see it: heading and explanation.
    pub(super) appearance: (&'static str, &'static str),
    /// Where browsers are sent.
    pub(super) addresses: (&'static str, &'static str),
    /// What it may do.
    pub(super) access: (&'static str, &'static str),
    /// How it authenticates.
    pub(super) authentication: (&'static str, &'static str),
    /// What its tokens are like.
    pub(super) tokens: (&'static str, &'static str),
    /// The button.
    pub(super) save: &'static str,
    /// The link to all metadata.
    pub(super) all_metadata: &'static str,
    /// What that page does.
    pub(super) metadata_detail: &'static str,
    /// The metadata is too long for a form.
    pub(super) too_long: &'static str,
    /// A value that is absent.
    pub(super) nothing: &'static str,
    /// The client was changed since the form was shown.
    pub(super) stale: &'static str,
    /// What the list above it shows then.
    pub(super) stored: &'static str,
    /// The link to the present values.
    pub(super) reload: &'static str,
    /// The notice after a change.
    pub(super) saved: &'static str,
    /// The notice if nothing was changed.
    pub(super) unchanged: &'static str,
    /// The notice after it was disabled.
    pub(super) disabled: &'static str,
    /// The notice after it was enabled.
    pub(super) enabled: &'static str,
    /// The heading of what ends it.
    pub(super) ends: &'static str,
    /// The difference between the two.
    pub(super) ends_detail: &'static str,
    /// The link to disable it.
    pub(super) disable: &'static str,
    /// The link to enable it.
    pub(super) enable: &'static str,
    /// The link to delete it.
    pub(super) delete: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        appearance: (
            "Name and links",
            "How people recognize the application, and whom to ask about it.",
        ),
        addresses: ("Addresses", "Where browsers may be sent, and which scripts may call."),
        access: ("Access", "What the application may request, and for whom."),
        authentication: ("Authentication", "How it proves who it is."),
        tokens: ("Tokens", "What the tokens that it gets contain, and how long they are valid."),
        save: "Save",
        all_metadata: "All metadata as JSON",
        metadata_detail: "The whole registration, with the names of RFC 7591, OpenID Connect Registration and our own. What you save replaces all of it. Members that the server sets, such as client_id, client_id_issued_at and gw_secrets, are not part of it and are refused.",
        too_long: "This registration is longer than a form can send. Change it with gatewright client update --metadata.",
        nothing: "not set",
        stale: "Somebody changed this application after you had opened the form. Your values are still below and were not saved.",
        stored: "What is stored now is listed above.",
        reload: "Load the present values",
        saved: "The settings are saved.",
        unchanged: "These settings were stored already. Nothing was changed.",
        disabled: "The application is disabled.",
        enabled: "The application is enabled.",
        ends: "Disable or delete",
        ends_detail: "A disabled application keeps its registration and can be enabled again. A deleted one is gone for good.",
        disable: "Disable",
        enable: "Enable",
        delete: "Delete",
    },
    de: Words {
        appearance: (
            "Name und Links",
            "Woran Menschen die Anwendung erkennen, und wen man zu ihr fragt.",
        ),
        addresses: (
            "Adressen",
            "Wohin Browser geschickt werden dürfen, und welche Skripte anfragen dürfen.",
        ),
        access: ("Zugriff", "Was die Anwendung anfordern darf, und für wen."),
        authentication: ("Authentifizierung", "Womit sie sich ausweist."),
        tokens: ("Token", "Was ihre Token enthalten und wie lange sie gelten."),
        save: "Speichern",
        all_metadata: "Alle Metadaten als JSON",
        metadata_detail: "Die ganze Registrierung, mit den Namen aus RFC 7591, OpenID Connect Registration und unseren eigenen. Was Sie speichern, ersetzt alles. Angaben, die der Server setzt, wie client_id, client_id_issued_at und gw_secrets, gehören nicht dazu und werden abgelehnt.",
        too_long: "Diese Registrierung ist länger, als ein Formular senden kann. Ändern Sie sie mit gatewright client update --metadata.",
        nothing: "nicht gesetzt",
        stale: "Jemand hat diese Anwendung geändert, nachdem Sie das Formular geöffnet hatten. Ihre Angaben stehen noch unten und wurden nicht gespeichert.",
        stored: "Was jetzt gespeichert ist, steht oben.",
        reload: "Jetzige Angaben laden",
        saved: "Die Einstellungen sind gespeichert.",
        unchanged: "Diese Einstellungen waren schon gespeichert. Nichts wurde geändert.",
        disabled: "Die Anwendung ist gesperrt.",
        enabled: "Die Anwendung ist wieder aktiv.",
        ends: "Sperren oder löschen",
        ends_detail: "Eine gesperrte Anwendung behält ihre Registrierung und kann wieder aktiviert werden. Eine gelöschte ist endgültig weg.",
        disable: "Sperren",
        enable: "Aktivieren",
        delete: "Löschen",
    },
    fr: Words {
        appearance: (
            "Nom et liens",
            "À quoi les personnes reconnaissent l’application, et qui interroger à son sujet.",
        ),
        addresses: (
            "Adresses",
            "Où les navigateurs peuvent être envoyés, et quels scripts peuvent appeler.",
        ),
        access: ("Accès", "Ce que l’application peut demander, et pour qui."),
        authentication: ("Authentification", "Comment elle prouve son identité."),
        tokens: ("Jetons", "Ce que contiennent ses jetons, et combien de temps ils sont valables."),
        save: "Enregistrer",
        all_metadata: "Toutes les métadonnées en JSON",
        metadata_detail: "L’enregistrement complet, avec les noms de la RFC 7591, d’OpenID Connect Registration et les nôtres. Ce que vous enregistrez remplace tout. Les membres que fixe le serveur, comme client_id, client_id_issued_at et gw_secrets, n’en font pas partie et sont refusés.",
        too_long: "Cet enregistrement est plus long que ce qu’un formulaire peut envoyer. Modifiez-le avec gatewright client update --metadata.",
        nothing: "non défini",
        stale: "Quelqu’un a modifié cette application après que vous avez ouvert le formulaire. Vos valeurs sont toujours ci-dessous et n’ont pas été enregistrées.",
        stored: "Ce qui est enregistré maintenant figure ci-dessus.",
        reload: "Charger les valeurs actuelles",
        saved: "Les paramètres sont enregistrés.",
        unchanged: "Ces paramètres étaient déjà enregistrés. Rien n’a été modifié.",
        disabled: "L’application est désactivée.",
        enabled: "L’application est activée.",
        ends: "Désactiver ou supprimer",
        ends_detail: "Une application désactivée garde son enregistrement et peut être réactivée. Une application supprimée l’est définitivement.",
        disable: "Désactiver",
        enable: "Activer",
        delete: "Supprimer",
    },
    es: Words {
        appearance: (
            "Nombre y enlaces",
            "Cómo reconocen las personas la aplicación, y a quién preguntar por ella.",
        ),
        addresses: (
            "Direcciones",
            "Adónde se puede enviar a los navegadores, y qué scripts pueden llamar.",
        ),
        access: ("Acceso", "Lo que la aplicación puede pedir, y para quién."),
        authentication: ("Autenticación", "Cómo demuestra quién es."),
        tokens: ("Tokens", "Qué contienen sus tokens y cuánto tiempo son válidos."),
        save: "Guardar",
        all_metadata: "Todos los metadatos en JSON",
        metadata_detail: "El registro completo, con los nombres de la RFC 7591, de OpenID Connect Registration y los nuestros. Lo que guarde lo sustituye todo. Los miembros que fija el servidor, como client_id, client_id_issued_at y gw_secrets, no forman parte de él y se rechazan.",
        too_long: "Este registro es más largo de lo que un formulario puede enviar. Cámbielo con gatewright client update --metadata.",
        nothing: "sin definir",
        stale: "Alguien cambió esta aplicación después de que usted abriera el formulario. Sus valores siguen abajo y no se han guardado.",
        stored: "Lo que está guardado ahora figura arriba.",
        reload: "Cargar los valores actuales",
        saved: "Los ajustes se han guardado.",
        unchanged: "Estos ajustes ya estaban guardados. No se ha cambiado nada.",
        disabled: "La aplicación está desactivada.",
        enabled: "La aplicación está activada.",
        ends: "Desactivar o eliminar",
        ends_detail: "Una aplicación desactivada conserva su registro y puede volver a activarse. Una eliminada desaparece para siempre.",
        disable: "Desactivar",
        enable: "Activar",
        delete: "Eliminar",
    },
};
