//! The labels of the fields of client metadata, and what each means.

use super::Member;
use crate::render::words::Translations;

/// The label of a field, and what it means.
#[derive(Debug)]
pub(in crate::console) struct FieldText {
    /// The label.
    pub(in crate::console) label: &'static str,
    /// What the RFC says, in a sentence.
    pub(in crate::console) hint: &'static str,
}

/// The texts of the fields.
#[derive(Debug)]
pub(super) struct Words {
    /// The format if none is chosen.
    pub(super) default_format: &'static str,
    /// There is no API to choose.
    pub(super) no_apis: &'static str,
    /// A box that is ticked.
    pub(super) yes: &'static str,
    /// A box that is not.
    pub(super) no: &'static str,
    /// `client_name`
    client_name: FieldText,
    /// `client_uri`
    client_uri: FieldText,
    /// `logo_uri`
    logo_uri: FieldText,
    /// `policy_uri`
    policy_uri: FieldText,
    /// `tos_uri`
    tos_uri: FieldText,
    /// `contacts`
    contacts: FieldText,
    /// `redirect_uris`
    redirect_uris: FieldText,
    /// `post_logout_redirect_uris`
    post_logout_redirect_uris: FieldText,
    /// `gw_allowed_origins`
    gw_allowed_origins: FieldText,
    /// `grant_types`
    grant_types: FieldText,
    /// `scope`
    scope: FieldText,
    /// `gw_allowed_resources`
    gw_allowed_resources: FieldText,
    /// `gw_default_audience`
    gw_default_audience: FieldText,
    /// `gw_skip_consent`
    gw_skip_consent: FieldText,
    /// `token_endpoint_auth_method`
    token_endpoint_auth_method: FieldText,
    /// `gw_require_pkce`
    gw_require_pkce: FieldText,
    /// `gw_id_token_claims`
    gw_id_token_claims: FieldText,
    /// `gw_access_token_format`
    gw_access_token_format: FieldText,
    /// `gw_access_token_lifetime`
    gw_access_token_lifetime: FieldText,
}

impl Words {
    /// The text of a field.
    pub(super) const fn field(&self, member: Member) -> &FieldText {
        match member {
            Member::ClientName => &self.client_name,
            Member::ClientUri => &self.client_uri,
            Member::LogoUri => &self.logo_uri,
            Member::PolicyUri => &self.policy_uri,
            Member::TosUri => &self.tos_uri,
            Member::Contacts => &self.contacts,
            Member::RedirectUris => &self.redirect_uris,
            Member::PostLogoutRedirectUris => &self.post_logout_redirect_uris,
            Member::AllowedOrigins => &self.gw_allowed_origins,
            Member::GrantTypes => &self.grant_types,
            Member::Scope => &self.scope,
            Member::AllowedResources => &self.gw_allowed_resources,
            Member::DefaultAudience => &self.gw_default_audience,
            Member::SkipConsent => &self.gw_skip_consent,
            Member::AuthMethod => &self.token_endpoint_auth_method,
            Member::RequirePkce => &self.gw_require_pkce,
            Member::IdTokenClaims => &self.gw_id_token_claims,
            Member::TokenFormat => &self.gw_access_token_format,
            Member::TokenLifetime => &self.gw_access_token_lifetime,
        }
    }
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        default_format: "As the API says",
        no_apis: "No API is registered yet.",
        yes: "Yes",
        no: "No",
        client_name: FieldText {
            label: "Name",
            hint: "Shown to people at the sign-in and on the consent page.",
        },
        client_uri: FieldText {
            label: "Home page",
            hint: "Where people find the application: the link on pages that mention it.",
        },
        logo_uri: FieldText {
            label: "Logo",
            hint: "A PNG, JPEG or WebP image of at most 256 KiB. It is fetched once, when you save, and served from here.",
        },
        policy_uri: FieldText {
            label: "Privacy policy",
            hint: "Linked on the consent page: how the application uses the data.",
        },
        tos_uri: FieldText { label: "Terms of service", hint: "Linked on the consent page." },
        contacts: FieldText {
            label: "Contacts",
            hint: "Mail addresses of the people responsible, one per line. They receive warnings about certificates.",
        },
        redirect_uris: FieldText {
            label: "Redirect URIs",
            hint: "Where the authorization code is sent, one per line. A request must name one of them, byte by byte the same (RFC 9700 section 4.1.3).",
        },
        post_logout_redirect_uris: FieldText {
            label: "Post-logout redirect URIs",
            hint: "Where people return after they signed out, one per line (OpenID Connect RP-Initiated Logout section 3).",
        },
        gw_allowed_origins: FieldText {
            label: "Allowed origins",
            hint: "The origins whose scripts may read the answers of this server (CORS), one per line, such as https://app.example.com. An app in the browser needs its own.",
        },
        grant_types: FieldText {
            label: "Grant types",
            hint: "How the application gets tokens: people sign in (authorization_code), a session is continued (refresh_token), or it acts for itself (client_credentials).",
        },
        scope: FieldText {
            label: "Scopes",
            hint: "What it may request, separated by spaces: scopes of OpenID Connect and of your APIs (RFC 6749 section 3.3). A request for more is refused.",
        },
        gw_allowed_resources: FieldText {
            label: "APIs",
            hint: "The APIs that it may request tokens for, with the parameter resource (RFC 8707).",
        },
        gw_default_audience: FieldText {
            label: "Default audience",
            hint: "The audience (aud) of access tokens if a request names no resource. Without one, it is this server itself.",
        },
        gw_skip_consent: FieldText {
            label: "Skip the consent page",
            hint: "For an application of your own organisation: people are not asked what it may see. Their account page lists it all the same.",
        },
        token_endpoint_auth_method: FieldText {
            label: "Authentication",
            hint: "How the application proves who it is at the token endpoint (RFC 7591 section 2). With none it is a public client. A change to a method with a secret issues a new one.",
        },
        gw_require_pkce: FieldText {
            label: "Require PKCE",
            hint: "Requests must have a code_challenge, so that a stolen code is of no use (RFC 7636). Switch it off only for a library that does not support it.",
        },
        gw_id_token_claims: FieldText {
            label: "Claims in ID tokens",
            hint: "requested: those that a request names. scopes: also those of the granted scopes. Or names of claims, separated by spaces. Userinfo has all of them in any case.",
        },
        gw_access_token_format: FieldText {
            label: "Format of access tokens",
            hint: "APIs verify a jwt by themselves (RFC 9068) and look an opaque one up here (RFC 7662), which shows a revocation at once.",
        },
        gw_access_token_lifetime: FieldText {
            label: "Lifetime of access tokens",
            hint: "In seconds, from 10 to 86400. Empty: that of the API, or of the server.",
        },
    },
    de: Words {
        default_format: "Wie die API es vorsieht",
        no_apis: "Noch ist keine API registriert.",
        yes: "Ja",
        no: "Nein",
        client_name: FieldText {
            label: "Name",
            hint: "Wird bei der Anmeldung und auf der Einwilligungsseite angezeigt.",
        },
        client_uri: FieldText {
            label: "Startseite",
            hint: "Wo die Anwendung zu finden ist: der Link auf Seiten, die sie nennen.",
        },
        logo_uri: FieldText {
            label: "Logo",
            hint: "Ein Bild in PNG, JPEG oder WebP mit höchstens 256 KiB. Es wird beim Speichern einmal geladen und von hier ausgeliefert.",
        },
        policy_uri: FieldText {
            label: "Datenschutzerklärung",
            hint: "Auf der Einwilligungsseite verlinkt: wie die Anwendung die Daten verwendet.",
        },
        tos_uri: FieldText {
            label: "Nutzungsbedingungen",
            hint: "Auf der Einwilligungsseite verlinkt.",
        },
        contacts: FieldText {
            label: "Ansprechpartner",
            hint: "E-Mail-Adressen der Verantwortlichen, eine pro Zeile. Sie erhalten Warnungen zu Zertifikaten.",
        },
        redirect_uris: FieldText {
            label: "Redirect-URIs",
            hint: "Wohin der Authorization Code geht, eine pro Zeile. Eine Anfrage muss eine davon nennen, Byte für Byte gleich (RFC 9700, Abschnitt 4.1.3).",
        },
        post_logout_redirect_uris: FieldText {
            label: "Redirect-URIs nach der Abmeldung",
            hint: "Wohin Menschen nach der Abmeldung zurückkehren, eine pro Zeile (OpenID Connect RP-Initiated Logout, Abschnitt 3).",
        },
        gw_allowed_origins: FieldText {
            label: "Erlaubte Ursprünge",
            hint: "Die Ursprünge (Origins), deren Skripte die Antworten dieses Servers lesen dürfen (CORS), einer pro Zeile, wie https://app.example.com. Eine App im Browser braucht ihren eigenen.",
        },
        grant_types: FieldText {
            label: "Grant-Typen",
            hint: "Wie die Anwendung Token erhält: Menschen melden sich an (authorization_code), eine Sitzung wird fortgesetzt (refresh_token), oder sie handelt für sich selbst (client_credentials).",
        },
        scope: FieldText {
            label: "Scopes",
            hint: "Was sie anfordern darf, durch Leerzeichen getrennt: Scopes von OpenID Connect und von Ihren APIs (RFC 6749, Abschnitt 3.3). Eine Anfrage nach mehr wird abgelehnt.",
        },
        gw_allowed_resources: FieldText {
            label: "APIs",
            hint: "Die APIs, für die sie mit dem Parameter resource Token anfordern darf (RFC 8707).",
        },
        gw_default_audience: FieldText {
            label: "Standard-Empfänger",
            hint: "Der Empfänger (aud) von Access Tokens, wenn eine Anfrage keine Ressource nennt. Ohne einen ist es dieser Server selbst.",
        },
        gw_skip_consent: FieldText {
            label: "Einwilligungsseite überspringen",
            hint: "Für eine Anwendung Ihrer eigenen Organisation: Menschen werden nicht gefragt, was sie sehen darf. Ihre Kontoseite führt sie trotzdem auf.",
        },
        token_endpoint_auth_method: FieldText {
            label: "Authentifizierung",
            hint: "Womit sich die Anwendung am Token-Endpunkt ausweist (RFC 7591, Abschnitt 2). Mit none ist sie ein öffentlicher Client. Der Wechsel zu einem Verfahren mit Geheimnis stellt ein neues aus.",
        },
        gw_require_pkce: FieldText {
            label: "PKCE verlangen",
            hint: "Anfragen müssen eine code_challenge haben, damit ein gestohlener Code wertlos ist (RFC 7636). Schalten Sie dies nur für eine Bibliothek ab, die es nicht beherrscht.",
        },
        gw_id_token_claims: FieldText {
            label: "Claims in ID-Tokens",
            hint: "requested: die, die eine Anfrage nennt. scopes: auch die der gewährten Scopes. Oder Namen von Claims, durch Leerzeichen getrennt. Userinfo hat sie in jedem Fall alle.",
        },
        gw_access_token_format: FieldText {
            label: "Format der Access Tokens",
            hint: "Ein jwt prüfen APIs selbst (RFC 9068), ein opaque-Token schlagen sie hier nach (RFC 7662), was einen Widerruf sofort zeigt.",
        },
        gw_access_token_lifetime: FieldText {
            label: "Gültigkeit der Access Tokens",
            hint: "In Sekunden, von 10 bis 86400. Leer: die der API oder des Servers.",
        },
    },
    fr: Words {
        default_format: "Selon l’API",
        no_apis: "Aucune API n’est encore enregistrée.",
        yes: "Oui",
        no: "Non",
        client_name: FieldText {
            label: "Nom",
            hint: "Affiché aux personnes à la connexion et sur la page de consentement.",
        },
        client_uri: FieldText {
            label: "Page d’accueil",
            hint: "L’adresse de l’application : le lien des pages qui la mentionnent.",
        },
        logo_uri: FieldText {
            label: "Logo",
            hint: "Une image PNG, JPEG ou WebP de 256 Kio au plus. Elle est chargée une fois, à l’enregistrement, puis servie d’ici.",
        },
        policy_uri: FieldText {
            label: "Politique de confidentialité",
            hint: "Liée sur la page de consentement : l’usage que l’application fait des données.",
        },
        tos_uri: FieldText {
            label: "Conditions d’utilisation",
            hint: "Liées sur la page de consentement.",
        },
        contacts: FieldText {
            label: "Contacts",
            hint: "Adresses e-mail des responsables, une par ligne. Ils reçoivent les alertes sur les certificats.",
        },
        redirect_uris: FieldText {
            label: "URI de redirection",
            hint: "Où le code d’autorisation est envoyé, une par ligne. Une requête doit nommer l’une d’elles, identique octet par octet (RFC 9700, section 4.1.3).",
        },
        post_logout_redirect_uris: FieldText {
            label: "URI de retour après déconnexion",
            hint: "Où les personnes reviennent après s’être déconnectées, une par ligne (OpenID Connect RP-Initiated Logout, section 3).",
        },
        gw_allowed_origins: FieldText {
            label: "Origines autorisées",
            hint: "Les origines dont les scripts peuvent lire les réponses de ce serveur (CORS), une par ligne, comme https://app.example.com. Une application dans le navigateur a besoin de la sienne.",
        },
        grant_types: FieldText {
            label: "Types d’octroi",
            hint: "Comment l’application obtient des jetons : les personnes se connectent (authorization_code), une session se poursuit (refresh_token), ou elle agit pour elle-même (client_credentials).",
        },
        scope: FieldText {
            label: "Scopes",
            hint: "Ce qu’elle peut demander, séparé par des espaces : les scopes d’OpenID Connect et de vos API (RFC 6749, section 3.3). Une demande plus large est refusée.",
        },
        gw_allowed_resources: FieldText {
            label: "API",
            hint: "Les API pour lesquelles elle peut demander des jetons, avec le paramètre resource (RFC 8707).",
        },
        gw_default_audience: FieldText {
            label: "Audience par défaut",
            hint: "L’audience (aud) des jetons d’accès si une requête ne nomme aucune ressource. Sans elle, c’est ce serveur lui-même.",
        },
        gw_skip_consent: FieldText {
            label: "Ignorer la page de consentement",
            hint: "Pour une application de votre propre organisation : on ne demande pas aux personnes ce qu’elle peut voir. Leur page de compte la mentionne tout de même.",
        },
        token_endpoint_auth_method: FieldText {
            label: "Authentification",
            hint: "Comment l’application prouve son identité au point de terminaison des jetons (RFC 7591, section 2). Avec none, c’est un client public. Le passage à une méthode avec secret en crée un nouveau.",
        },
        gw_require_pkce: FieldText {
            label: "Exiger PKCE",
            hint: "Les requêtes doivent porter un code_challenge, pour qu’un code volé soit inutile (RFC 7636). Ne le désactivez que pour une bibliothèque qui ne le prend pas en charge.",
        },
        gw_id_token_claims: FieldText {
            label: "Claims des ID tokens",
            hint: "requested : ceux que nomme une requête. scopes : aussi ceux des scopes accordés. Ou des noms de claims, séparés par des espaces. Userinfo les contient tous dans tous les cas.",
        },
        gw_access_token_format: FieldText {
            label: "Format des jetons d’accès",
            hint: "Les API vérifient elles-mêmes un jwt (RFC 9068) et consultent ici un jeton opaque (RFC 7662), ce qui montre aussitôt une révocation.",
        },
        gw_access_token_lifetime: FieldText {
            label: "Durée de validité des jetons d’accès",
            hint: "En secondes, de 10 à 86400. Vide : celle de l’API, ou du serveur.",
        },
    },
    es: Words {
        default_format: "Según la API",
        no_apis: "Todavía no hay ninguna API registrada.",
        yes: "Sí",
        no: "No",
        client_name: FieldText {
            label: "Nombre",
            hint: "Se muestra a las personas al iniciar sesión y en la página de consentimiento.",
        },
        client_uri: FieldText {
            label: "Página de inicio",
            hint: "Dónde se encuentra la aplicación: el enlace de las páginas que la mencionan.",
        },
        logo_uri: FieldText {
            label: "Logotipo",
            hint: "Una imagen PNG, JPEG o WebP de 256 KiB como máximo. Se descarga una vez, al guardar, y se sirve desde aquí.",
        },
        policy_uri: FieldText {
            label: "Política de privacidad",
            hint: "Enlazada en la página de consentimiento: cómo usa la aplicación los datos.",
        },
        tos_uri: FieldText {
            label: "Condiciones del servicio",
            hint: "Enlazadas en la página de consentimiento.",
        },
        contacts: FieldText {
            label: "Contactos",
            hint: "Direcciones de correo de los responsables, una por línea. Reciben los avisos sobre certificados.",
        },
        redirect_uris: FieldText {
            label: "URI de redirección",
            hint: "Adónde se envía el código de autorización, una por línea. Una petición debe nombrar una de ellas, idéntica byte a byte (RFC 9700, sección 4.1.3).",
        },
        post_logout_redirect_uris: FieldText {
            label: "URI de retorno tras cerrar sesión",
            hint: "Adónde vuelven las personas después de cerrar la sesión, una por línea (OpenID Connect RP-Initiated Logout, sección 3).",
        },
        gw_allowed_origins: FieldText {
            label: "Orígenes permitidos",
            hint: "Los orígenes cuyos scripts pueden leer las respuestas de este servidor (CORS), uno por línea, como https://app.example.com. Una aplicación en el navegador necesita el suyo.",
        },
        grant_types: FieldText {
            label: "Tipos de concesión",
            hint: "Cómo obtiene tokens la aplicación: las personas inician sesión (authorization_code), una sesión continúa (refresh_token) o actúa por sí misma (client_credentials).",
        },
        scope: FieldText {
            label: "Scopes",
            hint: "Lo que puede pedir, separado por espacios: scopes de OpenID Connect y de sus API (RFC 6749, sección 3.3). Se rechaza una petición de más.",
        },
        gw_allowed_resources: FieldText {
            label: "API",
            hint: "Las API para las que puede pedir tokens, con el parámetro resource (RFC 8707).",
        },
        gw_default_audience: FieldText {
            label: "Audiencia predeterminada",
            hint: "La audiencia (aud) de los tokens de acceso si una petición no nombra ningún recurso. Sin ella, es este propio servidor.",
        },
        gw_skip_consent: FieldText {
            label: "Omitir la página de consentimiento",
            hint: "Para una aplicación de su propia organización: no se pregunta a las personas qué puede ver. Su página de cuenta la muestra igualmente.",
        },
        token_endpoint_auth_method: FieldText {
            label: "Autenticación",
            hint: "Cómo demuestra la aplicación quién es en el punto de acceso de tokens (RFC 7591, sección 2). Con none es un cliente público. El cambio a un método con secreto emite uno nuevo.",
        },
        gw_require_pkce: FieldText {
            label: "Exigir PKCE",
            hint: "Las peticiones deben llevar un code_challenge, para que un código robado no sirva (RFC 7636). Desactívelo solo para una biblioteca que no lo admita.",
        },
        gw_id_token_claims: FieldText {
            label: "Claims de los ID tokens",
            hint: "requested: los que nombra una petición. scopes: también los de los scopes concedidos. O nombres de claims, separados por espacios. Userinfo los contiene todos en cualquier caso.",
        },
        gw_access_token_format: FieldText {
            label: "Formato de los tokens de acceso",
            hint: "Las API verifican por sí mismas un jwt (RFC 9068) y consultan aquí uno opaque (RFC 7662), lo que muestra al instante una revocación.",
        },
        gw_access_token_lifetime: FieldText {
            label: "Validez de los tokens de acceso",
            hint: "En segundos, de 10 a 86400. Vacío: la de la API o la del servidor.",
        },
    },
};
