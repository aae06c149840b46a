//! The texts that several pages of the console share.

use crate::render::words::{Translations, With};

/// The texts that several pages of the console share.
#[derive(Debug)]
pub(super) struct Words {
    /// The name of the console.
    pub(super) console: &'static str,
    /// The accessible name of the navigation.
    pub(super) navigation: &'static str,
    /// The button that opens the navigation on a small screen.
    pub(super) menu: &'static str,
    /// The link past the navigation.
    pub(super) skip: &'static str,
    /// Section: what needs attention.
    pub(super) overview: &'static str,
    /// Section: applications.
    pub(super) applications: &'static str,
    /// Section: APIs.
    pub(super) apis: &'static str,
    /// Section: users.
    pub(super) people: &'static str,
    /// Section: administrators.
    pub(super) administrators: &'static str,
    /// Section: certificates.
    pub(super) certificates: &'static str,
    /// Section: signing keys.
    pub(super) keys: &'static str,
    /// Section: audit trail.
    pub(super) audit: &'static str,
    /// Section: refused requests.
    pub(super) refusals: &'static str,
    /// The heading if the user has no role.
    pub(super) no_role: &'static str,
    /// What to do then.
    pub(super) no_role_detail: &'static str,
    /// The heading if the roles do not include the page.
    pub(super) denied: &'static str,
    /// What to do then; the argument is the action.
    pub(super) denied_detail: With,
    /// The link back, of a form.
    pub(super) cancel: &'static str,
    /// The link to the first page of a list.
    pub(super) first: &'static str,
    /// The link to the next page of a list.
    pub(super) more: &'static str,
    /// The button of a search.
    pub(super) search: &'static str,
    /// That a value is shown once.
    pub(super) once: &'static str,
    /// The heading of a refused form.
    pub(super) refused: &'static str,
    /// The link to the sign-in, if a form needs a recent authentication.
    pub(super) authenticate: &'static str,
    /// State: in use.
    pub(super) enabled: &'static str,
    /// State: out of use.
    pub(super) disabled: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        console: "Console",
        navigation: "Sections",
        menu: "Menu",
        skip: "Skip to the content",
        overview: "Overview",
        applications: "Applications",
        apis: "APIs",
        people: "People",
        administrators: "Administrators",
        certificates: "Certificates",
        keys: "Signing keys",
        audit: "Audit trail",
        refusals: "Refusals",
        no_role: "Your account does not administer this server",
        no_role_detail: "Ask an owner to give you a role. With access to the server itself, gatewright admin invite makes an owner.",
        denied: "Your roles do not include this page",
        denied_detail: |action| {
            format!("It needs a role that may perform {action}. Ask an owner for it.")
        },
        cancel: "Cancel",
        first: "First page",
        more: "Next page",
        search: "Search",
        once: "Copy it now: it is shown this once, and stored nowhere.",
        refused: "Nothing was changed",
        authenticate: "Confirm that it is you, then send this form again",
        enabled: "Enabled",
        disabled: "Disabled",
    },
    de: Words {
        console: "Verwaltung",
        navigation: "Bereiche",
        menu: "Menü",
        skip: "Zum Inhalt",
        overview: "Übersicht",
        applications: "Anwendungen",
        apis: "APIs",
        people: "Personen",
        administrators: "Administratoren",
        certificates: "Zertifikate",
        keys: "Signaturschlüssel",
        audit: "Protokoll",
        refusals: "Abgelehntes",
        no_role: "Ihr Konto verwaltet diesen Server nicht",
        no_role_detail: "Bitten Sie einen Inhaber um eine Rolle. Mit Zugang zum Server selbst macht gatewright admin invite jemanden zum Inhaber.",
        denied: "Ihre Rollen umfassen diese Seite nicht",
        denied_detail: |action| {
            format!(
                "Sie braucht eine Rolle, die {action} ausführen darf. Bitten Sie einen Inhaber darum."
            )
        },
        cancel: "Abbrechen",
        first: "Erste Seite",
        more: "Nächste Seite",
        search: "Suchen",
        once: "Kopieren Sie ihn jetzt: Er wird nur dieses eine Mal angezeigt und nirgends gespeichert.",
        refused: "Nichts wurde geändert",
        authenticate: "Bestätigen Sie, dass Sie es sind, und senden Sie dieses Formular noch einmal",
        enabled: "Aktiv",
        disabled: "Gesperrt",
    },
    fr: Words {
        console: "Administration",
        navigation: "Sections",
        menu: "Menu",
        skip: "Aller au contenu",
        overview: "Vue d’ensemble",
        applications: "Applications",
        apis: "API",
        people: "Personnes",
        administrators: "Administrateurs",
        certificates: "Certificats",
        keys: "Clés de signature",
        audit: "Journal d’audit",
        refusals: "Refus",
        no_role: "Votre compte n’administre pas ce serveur",
        no_role_detail: "Demandez un rôle à un propriétaire. Avec l’accès au serveur lui-même, gatewright admin invite crée un propriétaire.",
        denied: "Vos rôles n’incluent pas cette page",
        denied_detail: |action| {
            format!(
                "Elle demande un rôle qui peut exécuter {action}. Demandez-le à un propriétaire."
            )
        },
        cancel: "Annuler",
        first: "Première page",
        more: "Page suivante",
        search: "Rechercher",
        once: "Copiez-le maintenant : il n’est affiché qu’une fois et n’est enregistré nulle part.",
        refused: "Rien n’a été modifié",
        authenticate: "Confirmez votre identité, puis renvoyez ce formulaire",
        enabled: "Actif",
        disabled: "Désactivé",
    },
    es: Words {
        console: "Administración",
        navigation: "Secciones",
        menu: "Menú",
        skip: "Ir al contenido",
        overview: "Resumen",
        applications: "Aplicaciones",
        apis: "API",
        people: "Personas",
        administrators: "Administradores",
        certificates: "Certificados",
        keys: "Claves de firma",
        audit: "Registro de auditoría",
        refusals: "Rechazos",
        no_role: "Su cuenta no administra este servidor",
        no_role_detail: "Pida un rol a un propietario. Con acceso al propio servidor, gatewright admin invite crea un propietario.",
        denied: "Sus roles no incluyen esta página",
        denied_detail: |action| {
            format!("Necesita un rol que pueda ejecutar {action}. Pídalo a un propietario.")
        },
        cancel: "Cancelar",
        first: "Primera página",
        more: "Página siguiente",
        search: "Buscar",
        once: "Cópielo ahora: se muestra solo esta vez y no se guarda en ningún sitio.",
        refused: "No se ha cambiado nada",
        authenticate: "Confirme que es usted y envíe de nuevo este formulario",
        enabled: "Activa",
        disabled: "Desactivada",
    },
};
