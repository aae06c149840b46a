//! The texts of the overview.

use crate::render::words::{Translations, With};

/// The texts of the overview.
#[derive(Debug)]
pub(super) struct Words {
    /// The heading of what needs attention.
    pub(super) attention: &'static str,
    /// Nothing does.
    pub(super) calm: &'static str,
    /// A certificate expires; the argument is the remaining time.
    pub(super) expires: With,
    /// The heading of the latest refusals.
    pub(super) refusals: &'static str,
    /// There are none.
    pub(super) no_refusals: &'static str,
    /// The heading of the latest changes.
    pub(super) changes: &'static str,
    /// There are none.
    pub(super) no_changes: &'static str,
    /// The link to the whole list.
    pub(super) all: &'static str,
    /// The heading if there is no application yet.
    pub(super) first_client: &'static str,
    /// What an application is.
    pub(super) first_client_detail: &'static str,
    /// The link to register one.
    pub(super) create_client: &'static str,
    /// The heading if there is no other user yet.
    pub(super) first_user: &'static str,
    /// How people get an account.
    pub(super) first_user_detail: &'static str,
    /// The link to create one.
    pub(super) create_user: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        attention: "Needs attention",
        calm: "Nothing needs attention.",
        expires: |time| format!("expires in {time}"),
        refusals: "Latest refusals",
        no_refusals: "No request was refused.",
        changes: "Latest changes",
        no_changes: "Nobody has changed anything yet.",
        all: "Show all",
        first_client: "Register the first application",
        first_client_detail: "Applications send people here to sign in, or get tokens for themselves. It takes a name and an address.",
        create_client: "Register an application",
        first_user: "Add people",
        first_user_detail: "Create an account and send its owner a link to set the password.",
        create_user: "Add a person",
    },
    de: Words {
        attention: "Braucht Aufmerksamkeit",
        calm: "Nichts braucht Aufmerksamkeit.",
        expires: |time| format!("läuft ab in {time}"),
        refusals: "Zuletzt abgelehnt",
        no_refusals: "Keine Anfrage wurde abgelehnt.",
        changes: "Letzte Änderungen",
        no_changes: "Noch hat niemand etwas geändert.",
        all: "Alle anzeigen",
        first_client: "Die erste Anwendung registrieren",
        first_client_detail: "Anwendungen schicken Menschen hierher zur Anmeldung oder holen Token für sich selbst. Nötig sind ein Name und eine Adresse.",
        create_client: "Anwendung registrieren",
        first_user: "Personen hinzufügen",
        first_user_detail: "Legen Sie ein Konto an und schicken Sie der Person einen Link, mit dem sie ihr Passwort festlegt.",
        create_user: "Person hinzufügen",
    },
    fr: Words {
        attention: "À surveiller",
        calm: "Rien à surveiller.",
        expires: |time| format!("expire dans {time}"),
        refusals: "Derniers refus",
        no_refusals: "Aucune requête n’a été refusée.",
        changes: "Dernières modifications",
        no_changes: "Personne n’a encore rien modifié.",
        all: "Tout afficher",
        first_client: "Enregistrer la première application",
        first_client_detail: "Les applications envoient ici les personnes qui se connectent, ou obtiennent des jetons pour elles-mêmes. Il faut un nom et une adresse.",
        create_client: "Enregistrer une application",
        first_user: "Ajouter des personnes",
        first_user_detail: "Créez un compte et envoyez à la personne un lien pour choisir son mot de passe.",
        create_user: "Ajouter une personne",
    },
    es: Words {
        attention: "Requiere atención",
        calm: "Nada requiere atención.",
        expires: |time| format!("caduca en {time}"),
        refusals: "Últimos rechazos",
        no_refusals: "No se ha rechazado ninguna petición.",
        changes: "Últimos cambios",
        no_changes: "Nadie ha cambiado nada todavía.",
        all: "Ver todo",
        first_client: "Registrar la primera aplicación",
        first_client_detail: "Las aplicaciones envían aquí a las personas para iniciar sesión, o obtienen tokens para sí mismas. Hacen falta un nombre y una dirección.",
        create_client: "Registrar una aplicación",
        first_user: "Añadir personas",
        first_user_detail: "Cree una cuenta y envíe a la persona un enlace para elegir su contraseña.",
        create_user: "Añadir una persona",
    },
};
