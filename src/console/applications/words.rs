//! The texts of the list of clients, and of the head of the pages about one.

use super::kind::Kind;
use crate::render::words::Translations;

/// The texts of the list of clients, and of the head of the pages about one.
#[derive(Debug)]
pub(super) struct Words {
    /// What an application is.
    pub(super) detail: &'static str,
    /// The button to register one.
    pub(super) create: &'static str,
    /// The heading if there is none.
    pub(super) none: &'static str,
    /// What to do then.
    pub(super) none_detail: &'static str,
    /// The label of the search.
    pub(super) search_label: &'static str,
    /// The heading if the search finds nothing.
    pub(super) not_found: &'static str,
    /// How the search works.
    pub(super) not_found_detail: &'static str,
    /// The link to all applications.
    pub(super) show_all: &'static str,
    /// Column: name.
    pub(super) name: &'static str,
    /// Column: kind.
    pub(super) kind_column: &'static str,
    /// Column: authentication.
    pub(super) method: &'static str,
    /// Column: registered.
    pub(super) created: &'static str,
    /// Column: state.
    pub(super) state: &'static str,
    /// The accessible name of the links to other pages of a list.
    pub(super) pages: &'static str,
    /// The notice after a deletion.
    pub(super) deleted: &'static str,
    /// The notice if a registration was sent twice.
    pub(super) repeated: &'static str,
    /// The accessible name of the tabs.
    pub(super) tabs: &'static str,
    /// Tab: settings.
    pub(super) settings: &'static str,
    /// Tab: integration.
    pub(super) integrate: &'static str,
    /// Tab: secrets.
    pub(super) secrets: &'static str,
    /// Tab: refused requests.
    pub(super) refusals: &'static str,
    /// Tab: changes.
    pub(super) history: &'static str,
    /// An application on a server.
    pub(super) web_server: KindText,
    /// An application in the browser.
    pub(super) single_page: KindText,
    /// An application on a device.
    pub(super) native: KindText,
    /// A service.
    pub(super) service: KindText,
}

/// How a kind of application is called.
#[derive(Debug)]
pub(super) struct KindText {
    /// Its name.
    pub(super) name: &'static str,
    /// What belongs to it, and how it is registered.
    pub(super) detail: &'static str,
}

impl Words {
    /// The text of a kind.
    pub(super) const fn kind(&self, kind: Kind) -> &KindText {
        match kind {
            Kind::WebServer => &self.web_server,
            Kind::SinglePage => &self.single_page,
            Kind::Native => &self.native,
            Kind::Service => &self.service,
        }
    }
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        detail: "Programs that send people here to sign in, or get tokens for themselves.",
        create: "Register an application",
        none: "No application is registered yet",
        none_detail: "Register the first one: choose its kind, give it a name and the address that people return to. You get a client_id and, where it can keep one, a secret.",
        search_label: "Name or client_id",
        not_found: "No application was found",
        not_found_detail: "The search finds the beginning of a name, or a whole client_id.",
        show_all: "Show all applications",
        name: "Application",
        kind_column: "Kind",
        method: "Authentication",
        created: "Registered",
        state: "State",
        pages: "Pages of the list",
        deleted: "The application was deleted.",
        repeated: "This form was sent twice, and the application was registered once. Its secret was shown in the first answer. If you have not copied it, issue a new one.",
        tabs: "Pages about this application",
        settings: "Settings",
        integrate: "Integrate",
        secrets: "Secrets",
        refusals: "Refusals",
        history: "History",
        web_server: KindText {
            name: "Web server",
            detail: "Runs on a server that you control, and can keep a secret. Django, Spring, Rails, Express, or a proxy in front of an application.",
        },
        single_page: KindText {
            name: "Single-page app",
            detail: "Runs in the browser alone. It cannot keep a secret, so it has none and uses PKCE.",
        },
        native: KindText {
            name: "Native app",
            detail: "Is installed on a phone or a computer. It cannot keep a secret, so it has none and uses PKCE.",
        },
        service: KindText {
            name: "Service",
            detail: "Has no users. It gets tokens for itself, such as a nightly job that calls an API.",
        },
    },
    de: Words {
        detail: "Programme, die Menschen zur Anmeldung hierher schicken oder Token für sich selbst holen.",
        create: "Anwendung registrieren",
        none: "Noch ist keine Anwendung registriert",
        none_detail: "Registrieren Sie die erste: Wählen Sie ihre Art, geben Sie ihr einen Namen und die Adresse, an die Menschen zurückkehren. Sie erhalten eine client_id und, wo die Anwendung eines bewahren kann, ein Geheimnis.",
        search_label: "Name oder client_id",
        not_found: "Keine Anwendung gefunden",
        not_found_detail: "Die Suche findet den Anfang eines Namens oder eine ganze client_id.",
        show_all: "Alle Anwendungen anzeigen",
        name: "Anwendung",
        kind_column: "Art",
        method: "Authentifizierung",
        created: "Registriert",
        state: "Zustand",
        pages: "Seiten der Liste",
        deleted: "Die Anwendung wurde gelöscht.",
        repeated: "Dieses Formular wurde zweimal gesendet und die Anwendung einmal registriert. Ihr Geheimnis stand in der ersten Antwort. Wenn Sie es nicht kopiert haben, stellen Sie ein neues aus.",
        tabs: "Seiten zu dieser Anwendung",
        settings: "Einstellungen",
        integrate: "Einbinden",
        secrets: "Geheimnisse",
        refusals: "Abgelehntes",
        history: "Verlauf",
        web_server: KindText {
            name: "Webserver",
            detail: "Läuft auf einem Server, den Sie betreiben, und kann ein Geheimnis bewahren. Django, Spring, Rails, Express oder ein Proxy vor einer Anwendung.",
        },
        single_page: KindText {
            name: "Single-Page-App",
            detail: "Läuft allein im Browser. Sie kann kein Geheimnis bewahren, hat deshalb keines und nutzt PKCE.",
        },
        native: KindText {
            name: "Native App",
            detail: "Ist auf einem Telefon oder Rechner installiert. Sie kann kein Geheimnis bewahren, hat deshalb keines und nutzt PKCE.",
        },
        service: KindText {
            name: "Dienst",
            detail: "Hat keine Benutzer. Er holt Token für sich selbst, wie ein nächtlicher Auftrag, der eine API aufruft.",
        },
    },
    fr: Words {
        detail: "Les programmes qui envoient ici les personnes qui se connectent, ou qui obtiennent des jetons pour eux-mêmes.",
        create: "Enregistrer une application",
        none: "Aucune application n’est encore enregistrée",
        none_detail: "Enregistrez la première : choisissez son type, donnez-lui un nom et l’adresse de retour des personnes. Vous obtenez un client_id et, si l’application peut en garder un, un secret.",
        search_label: "Nom ou client_id",
        not_found: "Aucune application trouvée",
        not_found_detail: "La recherche porte sur le début d’un nom ou sur un client_id complet.",
        show_all: "Afficher toutes les applications",
        name: "Application",
        kind_column: "Type",
        method: "Authentification",
        created: "Enregistrée",
        state: "État",
        pages: "Pages de la liste",
        deleted: "L’application a été supprimée.",
        repeated: "Ce formulaire a été envoyé deux fois et l’application enregistrée une fois. Son secret figurait dans la première réponse. Si vous ne l’avez pas copié, créez-en un nouveau.",
        tabs: "Pages sur cette application",
        settings: "Paramètres",
        integrate: "Intégrer",
        secrets: "Secrets",
        refusals: "Refus",
        history: "Historique",
        web_server: KindText {
            name: "Serveur web",
            detail: "S’exécute sur un serveur que vous contrôlez et peut garder un secret. Django, Spring, Rails, Express, ou un proxy devant une application.",
        },
        single_page: KindText {
            name: "Application monopage",
            detail: "S’exécute uniquement dans le navigateur. Elle ne peut garder aucun secret : elle n’en a pas et utilise PKCE.",
        },
        native: KindText {
            name: "Application native",
            detail: "Est installée sur un téléphone ou un ordinateur. Elle ne peut garder aucun secret : elle n’en a pas et utilise PKCE.",
        },
        service: KindText {
            name: "Service",
            detail: "N’a pas d’utilisateurs. Il obtient des jetons pour lui-même, comme une tâche nocturne qui appelle une API.",
        },
    },
    es: Words {
        detail: "Los programas que envían aquí a las personas para iniciar sesión, o que obtienen tokens para sí mismos.",
        create: "Registrar una aplicación",
        none: "Todavía no hay ninguna aplicación registrada",
        none_detail: "Registre la primera: elija su tipo, póngale un nombre e indique la dirección a la que vuelven las personas. Recibirá un client_id y, si la aplicación puede guardarlo, un secreto.",
        search_label: "Nombre o client_id",
        not_found: "No se ha encontrado ninguna aplicación",
        not_found_detail: "La búsqueda encuentra el comienzo de un nombre o un client_id completo.",
        show_all: "Ver todas las aplicaciones",
        name: "Aplicación",
        kind_column: "Tipo",
        method: "Autenticación",
        created: "Registrada",
        state: "Estado",
        pages: "Páginas de la lista",
        deleted: "La aplicación se ha eliminado.",
        repeated: "Este formulario se envió dos veces y la aplicación se registró una vez. Su secreto estaba en la primera respuesta. Si no lo copió, emita uno nuevo.",
        tabs: "Páginas de esta aplicación",
        settings: "Ajustes",
        integrate: "Integrar",
        secrets: "Secretos",
        refusals: "Rechazos",
        history: "Historial",
        web_server: KindText {
            name: "Servidor web",
            detail: "Se ejecuta en un servidor que usted controla y puede guardar un secreto. Django, Spring, Rails, Express o un proxy delante de una aplicación.",
        },
        single_page: KindText {
            name: "Aplicación de una página",
            detail: "Se ejecuta solo en el navegador. No puede guardar un secreto, así que no tiene ninguno y usa PKCE.",
        },
        native: KindText {
            name: "Aplicación nativa",
            detail: "Está instalada en un teléfono o un ordenador. No puede guardar un secreto, así que no tiene ninguno y usa PKCE.",
        },
        service: KindText {
            name: "Servicio",
            detail: "No tiene usuarios. Obtiene tokens para sí mismo, como una tarea nocturna que llama a una API.",
        },
    },
};
