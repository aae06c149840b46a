//! The texts of the pages of refused requests.

use crate::render::words::Translations;

/// The texts of the pages of refused requests.
#[derive(Debug)]
pub(super) struct Words {
    /// What the list shows.
    pub(super) detail: &'static str,
    /// Label: the reference of an error page.
    pub(super) reference: &'static str,
    /// The button that looks it up.
    pub(super) explain: &'static str,
    /// No refusal has the reference.
    pub(super) unknown: &'static str,
    /// There are no refusals.
    pub(super) none: &'static str,
    /// What that means.
    pub(super) none_detail: &'static str,
    /// Column: error.
    pub(super) error: &'static str,
    /// Column: application.
    pub(super) application: &'static str,
    /// Column: address.
    pub(super) address: &'static str,
    /// Column: time.
    pub(super) time: &'static str,
    /// The heading of an explanation.
    pub(super) title: &'static str,
    /// Label: the reason as the client was told.
    pub(super) reason: &'static str,
    /// Label: the rule.
    pub(super) rule: &'static str,
    /// Heading: the compared values.
    pub(super) compared: &'static str,
    /// Label: what the request had.
    pub(super) presented: &'static str,
    /// Label: what it was compared with.
    pub(super) expected: &'static str,
    /// Heading: the remedy.
    pub(super) remedy: &'static str,
    /// The texts of the remedies.
    pub(super) remedies: Remedies,
    /// The link to the application.
    pub(super) open_client: &'static str,
    /// The link to all applications.
    pub(super) open_clients: &'static str,
    /// The link to the administrators.
    pub(super) open_roles: &'static str,
    /// Heading: what else is known.
    pub(super) facts: &'static str,
    /// Label: user.
    pub(super) user: &'static str,
}

/// What would mend a refusal.
#[derive(Debug)]
pub(super) struct Remedies {
    /// The redirect URI.
    pub(super) redirect_uri: &'static str,
    /// The scope or the API.
    pub(super) scope: &'static str,
    /// The authentication of the client.
    pub(super) authentication: &'static str,
    /// The client is disabled.
    pub(super) enable_client: &'static str,
    /// The client is unknown.
    pub(super) register_client: &'static str,
    /// The code or token is over.
    pub(super) begin_again: &'static str,
    /// The decision or the sign-in of the user.
    pub(super) user: &'static str,
    /// The request itself.
    pub(super) request: &'static str,
    /// The role of an administrator.
    pub(super) role: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        detail: "Paste the reference that somebody saw on an error page, or pick a refusal below.",
        reference: "Reference",
        explain: "Explain",
        unknown: "No refused request has this reference. Refusals are kept as long as the audit trail; when one address causes very many, only some are recorded.",
        none: "No request was refused",
        none_detail: "When an application sends a wrong request, or somebody cannot sign in to one, the reason appears here.",
        error: "Error",
        application: "Application",
        address: "Address",
        time: "Time",
        title: "Why was it refused?",
        reason: "Reason",
        rule: "Rule",
        compared: "Compared values",
        presented: "In the request",
        expected: "Registered or expected",
        remedy: "What would mend it",
        remedies: Remedies {
            redirect_uri: "The application sent a redirect URI that is not registered for it. The two must be equal to the last character. Correct it in the application, or, if it belongs to the application, register it.",
            scope: "The application asked for more than it is allowed. Let it ask for less, or allow it the scope or the API.",
            authentication: "The application did not authenticate as it is registered: check its secret, key or certificate, and the method that it uses.",
            enable_client: "The application is disabled. Enable it, if it is to be used again.",
            register_client: "No application has this client_id. Check the client_id in the configuration of the application, or register it.",
            begin_again: "What the application presented was used before, has expired, or was revoked. A new sign-in mends it. If it happens often, the application may be using a code or a token twice.",
            user: "The person declined, or has to sign in first. There is nothing to mend in the configuration.",
            request: "The request of the application is wrong: the reason says how. Its developers mend it.",
            role: "The roles of the administrator do not include this. An owner can give another role.",
        },
        open_client: "Open the application",
        open_clients: "Open the applications",
        open_roles: "Open the administrators",
        facts: "Details",
        user: "Person",
    },
    de: Words {
        detail: "Fügen Sie die Referenz ein, die jemand auf einer Fehlerseite gesehen hat, oder wählen Sie unten eine Ablehnung aus.",
        reference: "Referenz",
        explain: "Erklären",
        unknown: "Keine abgelehnte Anfrage hat diese Referenz. Ablehnungen bleiben so lange wie das Protokoll; verursacht eine Adresse sehr viele, werden nur einige aufgezeichnet.",
        none: "Keine Anfrage wurde abgelehnt",
        none_detail: "Wenn eine Anwendung eine falsche Anfrage schickt oder sich jemand nicht anmelden kann, erscheint der Grund hier.",
        error: "Fehler",
        application: "Anwendung",
        address: "Adresse",
        time: "Zeit",
        title: "Warum wurde abgelehnt?",
        reason: "Grund",
        rule: "Regel",
        compared: "Verglichene Werte",
        presented: "In der Anfrage",
        expected: "Registriert oder erwartet",
        remedy: "Was hilft",
        remedies: Remedies {
            redirect_uri: "Die Anwendung hat einen Redirect-URI geschickt, der für sie nicht registriert ist. Beide müssen bis aufs letzte Zeichen gleich sein. Berichtigen Sie ihn in der Anwendung, oder registrieren Sie ihn, falls er zu ihr gehört.",
            scope: "Die Anwendung hat mehr verlangt, als ihr erlaubt ist. Lassen Sie sie weniger verlangen, oder erlauben Sie ihr den Scope oder die API.",
            authentication: "Die Anwendung hat sich nicht so authentifiziert, wie sie registriert ist: Prüfen Sie Geheimnis, Schlüssel oder Zertifikat und das verwendete Verfahren.",
            enable_client: "Die Anwendung ist gesperrt. Aktivieren Sie sie, wenn sie wieder benutzt werden soll.",
            register_client: "Keine Anwendung hat diese client_id. Prüfen Sie die client_id in der Konfiguration der Anwendung, oder registrieren Sie sie.",
            begin_again: "Was die Anwendung vorgelegt hat, war schon benutzt, ist abgelaufen oder wurde widerrufen. Eine neue Anmeldung hilft. Geschieht es oft, benutzt die Anwendung vielleicht einen Code oder ein Token zweimal.",
            user: "Die Person hat abgelehnt oder muss sich zuerst anmelden. An der Konfiguration ist nichts zu ändern.",
            request: "Die Anfrage der Anwendung ist falsch: Der Grund sagt, wie. Ihre Entwickler beheben es.",
            role: "Die Rollen der Administratorin oder des Administrators umfassen dies nicht. Ein Inhaber kann eine andere Rolle geben.",
        },
        open_client: "Anwendung öffnen",
        open_clients: "Anwendungen öffnen",
        open_roles: "Administratoren öffnen",
        facts: "Einzelheiten",
        user: "Person",
    },
    fr: Words {
        detail: "Collez la référence que quelqu’un a vue sur une page d’erreur, ou choisissez un refus ci-dessous.",
        reference: "Référence",
        explain: "Expliquer",
        unknown: "Aucune requête refusée n’a cette référence. Les refus sont conservés aussi longtemps que le journal d’audit ; quand une adresse en cause énormément, seuls certains sont enregistrés.",
        none: "Aucune requête n’a été refusée",
        none_detail: "Quand une application envoie une requête incorrecte, ou que quelqu’un ne peut pas s’y connecter, la raison apparaît ici.",
        error: "Erreur",
        application: "Application",
        address: "Adresse",
        time: "Heure",
        title: "Pourquoi ce refus ?",
        reason: "Raison",
        rule: "Règle",
        compared: "Valeurs comparées",
        presented: "Dans la requête",
        expected: "Enregistré ou attendu",
        remedy: "Comment y remédier",
        remedies: Remedies {
            redirect_uri: "L’application a envoyé une URI de redirection qui n’est pas enregistrée pour elle. Les deux doivent être identiques au caractère près. Corrigez-la dans l’application ou, si elle lui appartient, enregistrez-la.",
            scope: "L’application a demandé plus que ce qui lui est permis. Faites-lui demander moins, ou accordez-lui le scope ou l’API.",
            authentication: "L’application ne s’est pas authentifiée comme elle est enregistrée : vérifiez son secret, sa clé ou son certificat, et la méthode utilisée.",
            enable_client: "L’application est désactivée. Activez-la si elle doit resservir.",
            register_client: "Aucune application n’a ce client_id. Vérifiez le client_id dans la configuration de l’application, ou enregistrez-la.",
            begin_again: "Ce que l’application a présenté avait déjà servi, a expiré ou a été révoqué. Une nouvelle connexion y remédie. Si cela arrive souvent, l’application utilise peut-être deux fois un code ou un jeton.",
            user: "La personne a refusé, ou doit d’abord se connecter. Il n’y a rien à changer dans la configuration.",
            request: "La requête de l’application est incorrecte : la raison dit comment. Ses développeurs la corrigent.",
            role: "Les rôles de l’administrateur n’incluent pas cela. Un propriétaire peut donner un autre rôle.",
        },
        open_client: "Ouvrir l’application",
        open_clients: "Ouvrir les applications",
        open_roles: "Ouvrir les administrateurs",
        facts: "Détails",
        user: "Personne",
    },
    es: Words {
        detail: "Pegue la referencia que alguien vio en una página de error, o elija un rechazo de la lista.",
        reference: "Referencia",
        explain: "Explicar",
        unknown: "Ninguna petición rechazada tiene esta referencia. Los rechazos se guardan tanto como el registro de auditoría; si una dirección causa muchísimos, solo se registran algunos.",
        none: "No se ha rechazado ninguna petición",
        none_detail: "Cuando una aplicación envía una petición incorrecta, o alguien no puede entrar en ella, la razón aparece aquí.",
        error: "Error",
        application: "Aplicación",
        address: "Dirección",
        time: "Hora",
        title: "¿Por qué se rechazó?",
        reason: "Razón",
        rule: "Regla",
        compared: "Valores comparados",
        presented: "En la petición",
        expected: "Registrado o esperado",
        remedy: "Cómo se arregla",
        remedies: Remedies {
            redirect_uri: "La aplicación envió una URI de redirección que no está registrada para ella. Ambas deben ser iguales hasta el último carácter. Corríjala en la aplicación o, si le pertenece, regístrela.",
            scope: "La aplicación pidió más de lo que tiene permitido. Haga que pida menos, o concédale el scope o la API.",
            authentication: "La aplicación no se autenticó como está registrada: compruebe su secreto, clave o certificado, y el método que usa.",
            enable_client: "La aplicación está desactivada. Actívela si debe volver a usarse.",
            register_client: "Ninguna aplicación tiene este client_id. Compruebe el client_id en la configuración de la aplicación, o regístrela.",
            begin_again: "Lo que presentó la aplicación ya se había usado, ha caducado o fue revocado. Un nuevo inicio de sesión lo arregla. Si ocurre a menudo, quizá la aplicación use dos veces un código o un token.",
            user: "La persona lo rechazó, o antes debe iniciar sesión. No hay nada que cambiar en la configuración.",
            request: "La petición de la aplicación es incorrecta: la razón dice cómo. Sus desarrolladores la corrigen.",
            role: "Los roles del administrador no incluyen esto. Un propietario puede dar otro rol.",
        },
        open_client: "Abrir la aplicación",
        open_clients: "Abrir las aplicaciones",
        open_roles: "Abrir los administradores",
        facts: "Detalles",
        user: "Persona",
    },
};
