//! The texts of the page with what to configure in an application.

use crate::render::words::Translations;

/// The texts of the page with what to configure in an application.
#[derive(Debug)]
pub(super) struct Words {
    /// The heading of the values.
    pub(super) values: &'static str,
    /// What to do with them.
    pub(super) values_detail: &'static str,
    /// The address of the server's metadata.
    pub(super) discovery: &'static str,
    /// The issuer.
    pub(super) issuer: &'static str,
    /// The authentication method.
    pub(super) authentication: &'static str,
    /// What a secret needs.
    pub(super) with_secret: &'static str,
    /// What a private key needs.
    pub(super) with_key: &'static str,
    /// What a certificate needs.
    pub(super) with_certificate: &'static str,
    /// What a public client needs.
    pub(super) public: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        values: "Any OpenID Connect library",
        values_detail: "Most libraries need the discovery URL or the issuer, and the client_id.",
        discovery: "Discovery URL",
        issuer: "Issuer",
        authentication: "Authentication",
        with_secret: "The client_secret was shown once, when it was issued. If it is lost, issue a new one under Secrets.",
        with_key: "The application signs assertions with its private key; their audience is the issuer.",
        with_certificate: "The application presents its certificate at the endpoints of mtls_endpoint_aliases.",
        public: "A public client: it has no secret and uses PKCE.",
    },
    de: Words {
        values: "Beliebige OpenID-Connect-Bibliothek",
        values_detail: "Die meisten Bibliotheken brauchen die Discovery-URL oder den Aussteller (Issuer) und die client_id.",
        discovery: "Discovery-URL",
        issuer: "Aussteller (Issuer)",
        authentication: "Authentifizierung",
        with_secret: "Das client_secret wurde einmal angezeigt, als es ausgestellt wurde. Ist es verloren, stellen Sie unter „Geheimnisse“ ein neues aus.",
        with_key: "Die Anwendung signiert Assertions mit ihrem privaten Schlüssel; deren Empfänger (aud) ist der Aussteller.",
        with_certificate: "Die Anwendung zeigt ihr Zertifikat an den Endpunkten aus mtls_endpoint_aliases vor.",
        public: "Ein öffentlicher Client: Er hat kein Geheimnis und nutzt PKCE.",
    },
    fr: Words {
        values: "N’importe quelle bibliothèque OpenID Connect",
        values_detail: "La plupart des bibliothèques demandent l’URL de découverte ou l’émetteur, et le client_id.",
        discovery: "URL de découverte",
        issuer: "Émetteur",
        authentication: "Authentification",
        with_secret: "Le client_secret a été affiché une fois, à sa création. S’il est perdu, créez-en un nouveau sous « Secrets ».",
        with_key: "L’application signe des assertions avec sa clé privée ; leur audience est l’émetteur.",
        with_certificate: "L’application présente son certificat aux points de terminaison de mtls_endpoint_aliases.",
        public: "Un client public : il n’a pas de secret et utilise PKCE.",
    },
    es: Words {
        values: "Cualquier biblioteca de OpenID Connect",
        values_detail: "La mayoría de las bibliotecas necesitan la URL de descubrimiento o el emisor, y el client_id.",
        discovery: "URL de descubrimiento",
        issuer: "Emisor",
        authentication: "Autenticación",
        with_secret: "El client_secret se mostró una vez, al emitirse. Si se ha perdido, emita uno nuevo en «Secretos».",
        with_key: "La aplicación firma aserciones con su clave privada; su audiencia es el emisor.",
        with_certificate: "La aplicación presenta su certificado en los puntos de acceso de mtls_endpoint_aliases.",
        public: "Un cliente público: no tiene secreto y usa PKCE.",
    },
};
