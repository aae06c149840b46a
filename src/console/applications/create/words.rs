//! The texts of the pages that register a client.

use crate::render::words::{Translations, With};

/// The texts of the pages that register a client.
#[derive(Debug)]
pub(super) struct Words {
    /// The heading.
    pub(super) title: &'static str,
    /// The question for the kind.
    pub(super) choose: &'static str,
    /// The link back to the kinds.
    pub(super) other_kind: &'static str,
    /// What is set for an application on a server.
    pub(super) web_server_defaults: &'static str,
    /// What is set for an application in the browser.
    pub(super) single_page_defaults: &'static str,
    /// What is set for an application on a device.
    pub(super) native_defaults: &'static str,
    /// What is set for a service.
    pub(super) service_defaults: &'static str,
    /// The button.
    pub(super) submit: &'static str,
    /// The heading of the result; the argument is the name.
    pub(super) registered: With,
    /// What to do with the values.
    pub(super) registered_detail: &'static str,
    /// The label of the address of the server's metadata.
    pub(super) discovery: &'static str,
    /// The link to the snippets.
    pub(super) integrate: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        title: "Register an application",
        choose: "What kind of application is it? Each kind has the safe settings that fit it; you can change them later.",
        other_kind: "Another kind",
        web_server_defaults: "it signs people in with PKCE and a secret, and may continue their sessions with refresh tokens.",
        single_page_defaults: "it signs people in with PKCE and no secret, and may continue their sessions with refresh tokens, each of which works once.",
        native_defaults: "it signs people in with PKCE and no secret. Redirect URIs with a scheme of its own, such as org.example.photos:/callback, and http on loopback are allowed.",
        service_defaults: "it gets tokens for itself with a secret. It needs no redirect URI and sees no people.",
        submit: "Register",
        registered: |name| format!("{name} is registered"),
        registered_detail: "Configure the application with these values.",
        discovery: "Discovery URL",
        integrate: "Show how to integrate it",
    },
    de: Words {
        title: "Anwendung registrieren",
        choose: "Was für eine Anwendung ist es? Jede Art hat die sicheren Einstellungen, die zu ihr passen; Sie können sie später ändern.",
        other_kind: "Andere Art",
        web_server_defaults: "Sie meldet Menschen mit PKCE und einem Geheimnis an und darf ihre Sitzungen mit Refresh Tokens fortsetzen.",
        single_page_defaults: "Sie meldet Menschen mit PKCE und ohne Geheimnis an und darf ihre Sitzungen mit Refresh Tokens fortsetzen, von denen jedes einmal gilt.",
        native_defaults: "Sie meldet Menschen mit PKCE und ohne Geheimnis an. Redirect-URIs mit eigenem Schema, wie org.example.photos:/callback, und http auf Loopback sind erlaubt.",
        service_defaults: "Er holt mit einem Geheimnis Token für sich selbst. Er braucht keine Redirect-URI und sieht keine Menschen.",
        submit: "Registrieren",
        registered: |name| format!("{name} ist registriert"),
        registered_detail: "Richten Sie die Anwendung mit diesen Werten ein.",
        discovery: "Discovery-URL",
        integrate: "Zeigen, wie man sie einbindet",
    },
    fr: Words {
        title: "Enregistrer une application",
        choose: "De quel type d’application s’agit-il ? Chaque type a les réglages sûrs qui lui conviennent ; vous pourrez les modifier plus tard.",
        other_kind: "Autre type",
        web_server_defaults: "elle connecte les personnes avec PKCE et un secret, et peut prolonger leurs sessions avec des jetons d’actualisation.",
        single_page_defaults: "elle connecte les personnes avec PKCE et sans secret, et peut prolonger leurs sessions avec des jetons d’actualisation, chacun à usage unique.",
        native_defaults: "elle connecte les personnes avec PKCE et sans secret. Les URI de redirection avec leur propre schéma, comme org.example.photos:/callback, et http en boucle locale sont autorisées.",
        service_defaults: "il obtient des jetons pour lui-même avec un secret. Il n’a besoin d’aucune URI de redirection et ne voit personne.",
        submit: "Enregistrer",
        registered: |name| format!("{name} est enregistrée"),
        registered_detail: "Configurez l’application avec ces valeurs.",
        discovery: "URL de découverte",
        integrate: "Voir comment l’intégrer",
    },
    es: Words {
        title: "Registrar una aplicación",
        choose: "¿Qué tipo de aplicación es? Cada tipo tiene los ajustes seguros que le corresponden; podrá cambiarlos más tarde.",
        other_kind: "Otro tipo",
        web_server_defaults: "inicia la sesión de las personas con PKCE y un secreto, y puede prolongarla con tokens de actualización.",
        single_page_defaults: "inicia la sesión de las personas con PKCE y sin secreto, y puede prolongarla con tokens de actualización, cada uno de un solo uso.",
        native_defaults: "inicia la sesión de las personas con PKCE y sin secreto. Se permiten URI de redirección con un esquema propio, como org.example.photos:/callback, y http en el bucle local.",
        service_defaults: "obtiene tokens para sí mismo con un secreto. No necesita URI de redirección y no ve a ninguna persona.",
        submit: "Registrar",
        registered: |name| format!("{name} está registrada"),
        registered_detail: "Configure la aplicación con estos valores.",
        discovery: "URL de descubrimiento",
        integrate: "Ver cómo integrarla",
    },
};
