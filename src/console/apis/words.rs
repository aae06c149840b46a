//! The texts of the pages of the APIs.

use crate::render::words::{Translations, With};

/// The texts of the pages of the APIs.
#[derive(Debug)]
pub(super) struct Words {
    /// What an API is.
    pub(super) detail: &'static str,
    /// The button to register one, and the heading of its form.
    pub(super) create: &'static str,
    /// The heading if there is none.
    pub(super) none: &'static str,
    /// What to do then.
    pub(super) none_detail: &'static str,
    /// Column: API.
    pub(super) api: &'static str,
    /// Column and group: scopes.
    pub(super) scopes: &'static str,
    /// The number of scopes.
    pub(super) count: fn(&usize) -> String,
    /// Column: tokens.
    pub(super) tokens: &'static str,
    /// The notice after a deletion.
    pub(super) deleted: &'static str,
    /// The notice after a registration.
    pub(super) created: &'static str,
    /// The notice after a change.
    pub(super) saved: &'static str,
    /// Label: identifier.
    pub(super) identifier: &'static str,
    /// What it is.
    pub(super) identifier_hint: &'static str,
    /// Label: name.
    pub(super) name: &'static str,
    /// Where it is shown.
    pub(super) name_hint: &'static str,
    /// How scopes are declared.
    pub(super) scopes_hint: &'static str,
    /// Label: scope.
    pub(super) scope: &'static str,
    /// Label: what users permit.
    pub(super) text: &'static str,
    /// Label: users should take a second look.
    pub(super) sensitive: &'static str,
    /// It has no scopes.
    pub(super) no_scopes: &'static str,
    /// The button for more rows.
    pub(super) more_rows: &'static str,
    /// It has more scopes than the form has rows.
    pub(super) too_many: &'static str,
    /// Label: format of tokens.
    pub(super) format: &'static str,
    /// What the formats are.
    pub(super) format_hint: &'static str,
    /// The default format.
    pub(super) default_format: &'static str,
    /// Label: lifetime of tokens.
    pub(super) lifetime: &'static str,
    /// What may be typed.
    pub(super) lifetime_hint: &'static str,
    /// The default lifetime.
    pub(super) default_lifetime: &'static str,
    /// The button of a new API.
    pub(super) register: &'static str,
    /// The button of an existing one.
    pub(super) save: &'static str,
    /// It was changed since the form was shown.
    pub(super) stale: &'static str,
    /// The link to the present values.
    pub(super) reload: &'static str,
    /// The link to delete it.
    pub(super) delete: &'static str,
    /// What that means.
    pub(super) delete_detail: &'static str,
    /// The question; the argument is the name.
    pub(super) delete_title: With,
    /// What will happen.
    pub(super) delete_consequences: [&'static str; 3],
    /// The button.
    pub(super) delete_for_good: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        detail: "Services that accept access tokens, and the scopes that applications request for them.",
        create: "Register an API",
        none: "No API is registered yet",
        none_detail: "An API has an address, which is the audience of its tokens, and scopes: what an application may do there. People read their texts on the consent page.",
        api: "API",
        scopes: "Scopes",
        count: |count| match count {
            1 => "1 scope".to_owned(),
            count => format!("{count} scopes"),
        },
        tokens: "Access tokens",
        deleted: "The API was deleted.",
        created: "The API is registered. Allow applications to request tokens for it in their settings.",
        saved: "The API is saved.",
        identifier: "Identifier",
        identifier_hint: "A URI, usually the address of the API: the resource of a request (RFC 8707), and the audience of the tokens. It cannot be changed later.",
        name: "Name",
        name_hint: "Shown to people on the consent page.",
        scopes_hint: "A scope is a name without spaces, and a sentence that says what people permit. To remove one, empty its row. A sensitive scope stands first on the consent page, marked.",
        scope: "Scope",
        text: "What people permit",
        sensitive: "Sensitive",
        no_scopes: "It declares no scope.",
        more_rows: "Add rows",
        too_many: "This API has more scopes than this form can hold. They are listed below; change them with gatewright resource update.",
        format: "Format of access tokens",
        format_hint: "The API verifies a jwt by itself (RFC 9068), and looks an opaque one up here (RFC 7662), which shows a revocation at once.",
        default_format: "Default: jwt",
        lifetime: "Lifetime of access tokens",
        lifetime_hint: "In seconds, from 10 to 86400. Empty: that of the server.",
        default_lifetime: "That of the server",
        register: "Register",
        save: "Save",
        stale: "Somebody changed this API after you had opened the form. Your values are still below and were not saved.",
        reload: "Load the present values",
        delete: "Delete this API",
        delete_detail: "No more tokens are issued for it.",
        delete_title: |name| format!("Delete the API {name}?"),
        delete_consequences: [
            "No more tokens are issued for it. Requests that name it are refused.",
            "Tokens that were issued stay valid until they expire.",
            "Its scopes and their texts are deleted. This cannot be undone.",
        ],
        delete_for_good: "Delete for good",
    },
    de: Words {
        detail: "Dienste, die Access Tokens annehmen, und die Scopes, die Anwendungen für sie anfordern.",
        create: "API registrieren",
        none: "Noch ist keine API registriert",
        none_detail: "Eine API hat eine Adresse, die der Empfänger ihrer Token ist, und Scopes: was eine Anwendung dort tun darf. Menschen lesen deren Texte auf der Einwilligungsseite.",
        api: "API",
        scopes: "Scopes",
        count: |count| match count {
            1 => "1 Scope".to_owned(),
            count => format!("{count} Scopes"),
        },
        tokens: "Access Tokens",
        deleted: "Die API wurde gelöscht.",
        created: "Die API ist registriert. Erlauben Sie Anwendungen in deren Einstellungen, Token für sie anzufordern.",
        saved: "Die API ist gespeichert.",
        identifier: "Kennung",
        identifier_hint: "Eine URI, meist die Adresse der API: die Ressource einer Anfrage (RFC 8707) und der Empfänger (aud) der Token. Sie lässt sich später nicht ändern.",
        name: "Name",
        name_hint: "Wird auf der Einwilligungsseite angezeigt.",
        scopes_hint: "Ein Scope ist ein Name ohne Leerzeichen und ein Satz, der sagt, was Menschen erlauben. Leeren Sie eine Zeile, um ihn zu entfernen. Ein heikler Scope steht auf der Einwilligungsseite zuerst und ist markiert.",
        scope: "Scope",
        text: "Was Menschen erlauben",
        sensitive: "Heikel",
        no_scopes: "Sie hat keine Scopes.",
        more_rows: "Mehr Zeilen",
        too_many: "Diese API hat mehr Scopes, als in dieses Formular passen. Sie stehen unten; ändern Sie sie mit gatewright resource update.",
        format: "Format der Access Tokens",
        format_hint: "Ein jwt prüft die API selbst (RFC 9068), ein opaque-Token schlägt sie hier nach (RFC 7662), was einen Widerruf sofort zeigt.",
        default_format: "Standard: jwt",
        lifetime: "Gültigkeit der Access Tokens",
        lifetime_hint: "In Sekunden, von 10 bis 86400. Leer: die des Servers.",
        default_lifetime: "Die des Servers",
        register: "Registrieren",
        save: "Speichern",
        stale: "Jemand hat diese API geändert, nachdem Sie das Formular geöffnet hatten. Ihre Angaben stehen noch unten und wurden nicht gespeichert.",
        reload: "Jetzige Angaben laden",
        delete: "Diese API löschen",
        delete_detail: "Für sie werden keine Token mehr ausgestellt.",
        delete_title: |name| format!("Die API {name} löschen?"),
        delete_consequences: [
            "Für sie werden keine Token mehr ausgestellt. Anfragen, die sie nennen, werden abgelehnt.",
            "Schon ausgestellte Token bleiben gültig, bis sie ablaufen.",
            "Ihre Scopes und deren Texte werden gelöscht. Das lässt sich nicht rückgängig machen.",
        ],
        delete_for_good: "Endgültig löschen",
    },
    fr: Words {
        detail: "Les services qui acceptent des jetons d’accès, et les scopes que les applications demandent pour eux.",
        create: "Enregistrer une API",
        none: "Aucune API n’est encore enregistrée",
        none_detail: "Une API a une adresse, qui est l’audience de ses jetons, et des scopes : ce qu’une application peut y faire. Les personnes en lisent les textes sur la page de consentement.",
        api: "API",
        scopes: "Scopes",
        count: |count| match count {
            0 | 1 => format!("{count} scope"),
            count => format!("{count} scopes"),
        },
        tokens: "Jetons d’accès",
        deleted: "L’API a été supprimée.",
        created: "L’API est enregistrée. Autorisez des applications, dans leurs paramètres, à demander des jetons pour elle.",
        saved: "L’API est enregistrée.",
        identifier: "Identifiant",
        identifier_hint: "Une URI, en général l’adresse de l’API : la ressource d’une requête (RFC 8707) et l’audience des jetons. Elle ne peut pas être modifiée ensuite.",
        name: "Nom",
        name_hint: "Affiché aux personnes sur la page de consentement.",
        scopes_hint: "Un scope est un nom sans espace et une phrase qui dit ce que les personnes autorisent. Pour en retirer un, videz sa ligne. Un scope sensible figure en premier sur la page de consentement, signalé.",
        scope: "Scope",
        text: "Ce que les personnes autorisent",
        sensitive: "Sensible",
        no_scopes: "Elle ne déclare aucun scope.",
        more_rows: "Ajouter des lignes",
        too_many: "Cette API a plus de scopes que ce formulaire ne peut en contenir. Ils figurent ci-dessous ; modifiez-les avec gatewright resource update.",
        format: "Format des jetons d’accès",
        format_hint: "L’API vérifie elle-même un jwt (RFC 9068) et consulte ici un jeton opaque (RFC 7662), ce qui montre aussitôt une révocation.",
        default_format: "Par défaut : jwt",
        lifetime: "Durée de validité des jetons d’accès",
        lifetime_hint: "En secondes, de 10 à 86400. Vide : celle du serveur.",
        default_lifetime: "Celle du serveur",
        register: "Enregistrer",
        save: "Enregistrer",
        stale: "Quelqu’un a modifié cette API après que vous avez ouvert le formulaire. Vos valeurs sont toujours ci-dessous et n’ont pas été enregistrées.",
        reload: "Charger les valeurs actuelles",
        delete: "Supprimer cette API",
        delete_detail: "Plus aucun jeton n’est émis pour elle.",
        delete_title: |name| format!("Supprimer l’API {name} ?"),
        delete_consequences: [
            "Plus aucun jeton n’est émis pour elle. Les requêtes qui la nomment sont refusées.",
            "Les jetons déjà émis restent valables jusqu’à leur expiration.",
            "Ses scopes et leurs textes sont supprimés. C’est irréversible.",
        ],
        delete_for_good: "Supprimer définitivement",
    },
    es: Words {
        detail: "Los servicios que aceptan tokens de acceso, y los scopes que las aplicaciones piden para ellos.",
        create: "Registrar una API",
        none: "Todavía no hay ninguna API registrada",
        none_detail: "Una API tiene una dirección, que es la audiencia de sus tokens, y scopes: lo que una aplicación puede hacer en ella. Las personas leen sus textos en la página de consentimiento.",
        api: "API",
        scopes: "Scopes",
        count: |count| match count {
            1 => "1 scope".to_owned(),
            count => format!("{count} scopes"),
        },
        tokens: "Tokens de acceso",
        deleted: "La API se ha eliminado.",
        created: "La API está registrada. Permita a las aplicaciones, en sus ajustes, pedir tokens para ella.",
        saved: "La API se ha guardado.",
        identifier: "Identificador",
        identifier_hint: "Una URI, normalmente la dirección de la API: el recurso de una petición (RFC 8707) y la audiencia de los tokens. No se puede cambiar después.",
        name: "Nombre",
        name_hint: "Se muestra a las personas en la página de consentimiento.",
        scopes_hint: "Un scope es un nombre sin espacios y una frase que dice lo que permiten las personas. Para quitar uno, vacíe su fila. Un scope delicado figura primero en la página de consentimiento, marcado.",
        scope: "Scope",
        text: "Lo que permiten las personas",
        sensitive: "Delicado",
        no_scopes: "No declara ningún scope.",
        more_rows: "Añadir filas",
        too_many: "Esta API tiene más scopes de los que caben en este formulario. Figuran abajo; cámbielos con gatewright resource update.",
        format: "Formato de los tokens de acceso",
        format_hint: "La API verifica por sí misma un jwt (RFC 9068) y consulta aquí uno opaque (RFC 7662), lo que muestra al instante una revocación.",
        default_format: "Predeterminado: jwt",
        lifetime: "Validez de los tokens de acceso",
        lifetime_hint: "En segundos, de 10 a 86400. Vacío: la del servidor.",
        default_lifetime: "La del servidor",
        register: "Registrar",
        save: "Guardar",
        stale: "Alguien cambió esta API después de que usted abriera el formulario. Sus valores siguen abajo y no se han guardado.",
        reload: "Cargar los valores actuales",
        delete: "Eliminar esta API",
        delete_detail: "No se emiten más tokens para ella.",
        delete_title: |name| format!("¿Eliminar la API {name}?"),
        delete_consequences: [
            "No se emiten más tokens para ella. Se rechazan las peticiones que la nombren.",
            "Los tokens ya emitidos siguen siendo válidos hasta que caduquen.",
            "Se eliminan sus scopes y sus textos. No se puede deshacer.",
        ],
        delete_for_good: "Eliminar para siempre",
    },
};
