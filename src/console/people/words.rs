//! The texts of the list of users, and of the form for a new one.

use crate::render::words::{Translations, With};

/// The texts of the list of users, and of the form for a new one.
#[derive(Debug)]
pub(super) struct Words {
    /// What the page is for.
    pub(super) detail: &'static str,
    /// The button that leads to the form for a new user.
    pub(super) add: &'static str,
    /// Label: the search field.
    pub(super) find: &'static str,
    /// The hint in the search field.
    pub(super) find_hint: &'static str,
    /// Column: name.
    pub(super) name: &'static str,
    /// Column: e-mail address.
    pub(super) email: &'static str,
    /// Column: created.
    pub(super) created: &'static str,
    /// Column: state.
    pub(super) state: &'static str,
    /// That an address is not verified.
    pub(super) unverified: &'static str,
    /// The heading if nobody was found.
    pub(super) none: &'static str,
    /// What to do then.
    pub(super) none_detail: &'static str,
    /// The link to the whole list.
    pub(super) all: &'static str,
    /// The heading if there is one user.
    pub(super) alone: &'static str,
    /// What to do then.
    pub(super) alone_detail: &'static str,
    /// The heading of the form.
    pub(super) new: &'static str,
    /// What the form does.
    pub(super) new_detail: &'static str,
    /// Field: full name.
    pub(super) full_name: &'static str,
    /// Field: username.
    pub(super) username: &'static str,
    /// The rule for usernames.
    pub(super) username_hint: &'static str,
    /// That a field may be empty.
    pub(super) optional: &'static str,
    /// The button of the form.
    pub(super) create: &'static str,
    /// The notice after a creation without a link.
    pub(super) created_without_link: &'static str,
    /// The notice after a deletion.
    pub(super) deleted: &'static str,
}

/// The texts of a one-time link.
#[derive(Debug)]
pub(super) struct LinkWords {
    /// The heading; the argument is the user.
    pub(super) title: With,
    /// What the link does.
    pub(super) detail: &'static str,
    /// The label of the link.
    pub(super) label: &'static str,
    /// The link to the user.
    pub(super) next: &'static str,
}

/// The texts of a one-time link, in each language.
pub(super) static LINK: Translations<LinkWords> = Translations {
    en: LinkWords {
        title: |name| format!("A link for {name}"),
        detail: "Send it over a channel that you trust. It opens a page to set a password, works once, and expires after 24 hours. A later link makes it invalid.",
        label: "One-time link",
        next: "Continue to the person",
    },
    de: LinkWords {
        title: |name| format!("Ein Link für {name}"),
        detail: "Senden Sie ihn über einen vertrauenswürdigen Weg. Er öffnet eine Seite, auf der ein Passwort gesetzt wird, gilt einmal und läuft nach 24 Stunden ab. Ein späterer Link macht ihn ungültig.",
        label: "Einmaliger Link",
        next: "Weiter zur Person",
    },
    fr: LinkWords {
        title: |name| format!("Un lien pour {name}"),
        detail: "Envoyez-le par un canal de confiance. Il ouvre une page où définir un mot de passe, sert une fois et expire après 24 heures. Un lien ultérieur l’invalide.",
        label: "Lien à usage unique",
        next: "Continuer vers la personne",
    },
    es: LinkWords {
        title: |name| format!("Un enlace para {name}"),
        detail: "Envíelo por un canal de confianza. Abre una página para definir una contraseña, sirve una sola vez y caduca a las 24 horas. Un enlace posterior lo invalida.",
        label: "Enlace de un solo uso",
        next: "Continuar a la persona",
    },
};

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        detail: "Everybody who can sign in here.",
        add: "Add a person",
        find: "Search people",
        find_hint: "Name, username or e-mail",
        name: "Name",
        email: "E-mail",
        created: "Created",
        state: "State",
        unverified: "not verified",
        none: "Nobody matches",
        none_detail: "The search compares the beginnings of words in names, usernames and e-mail addresses. Type fewer letters or fewer words.",
        all: "Show everybody",
        alone: "You are the only one here",
        alone_detail: "Add a person: they get a one-time link by which they set their own password.",
        new: "Add a person",
        new_detail: "The account has no password yet. The next page shows a one-time link by which the person sets one.",
        full_name: "Name",
        username: "Username",
        username_hint: "Letters, digits and . _ - +",
        optional: "optional",
        create: "Add the person",
        created_without_link: "The account was created. Somebody who may start a recovery can give the person a link to set a password.",
        deleted: "The account was deleted.",
    },
    de: Words {
        detail: "Alle, die sich hier anmelden können.",
        add: "Person hinzufügen",
        find: "Personen suchen",
        find_hint: "Name, Benutzername oder E-Mail",
        name: "Name",
        email: "E-Mail",
        created: "Angelegt",
        state: "Zustand",
        unverified: "nicht bestätigt",
        none: "Niemand gefunden",
        none_detail: "Die Suche vergleicht die Anfänge von Wörtern in Namen, Benutzernamen und E-Mail-Adressen. Geben Sie weniger Buchstaben oder weniger Wörter ein.",
        all: "Alle anzeigen",
        alone: "Außer Ihnen ist noch niemand hier",
        alone_detail: "Fügen Sie eine Person hinzu: Sie erhält einen einmaligen Link, über den sie ihr Passwort selbst setzt.",
        new: "Person hinzufügen",
        new_detail: "Das Konto hat noch kein Passwort. Die nächste Seite zeigt einen einmaligen Link, über den die Person eines setzt.",
        full_name: "Name",
        username: "Benutzername",
        username_hint: "Buchstaben, Ziffern und . _ - +",
        optional: "freiwillig",
        create: "Person hinzufügen",
        created_without_link: "Das Konto wurde angelegt. Wer eine Wiederherstellung beginnen darf, kann der Person einen Link zum Setzen eines Passworts geben.",
        deleted: "Das Konto wurde gelöscht.",
    },
    fr: Words {
        detail: "Toutes les personnes qui peuvent se connecter ici.",
        add: "Ajouter une personne",
        find: "Rechercher des personnes",
        find_hint: "Nom, identifiant ou e-mail",
        name: "Nom",
        email: "E-mail",
        created: "Créé",
        state: "État",
        unverified: "non vérifiée",
        none: "Aucun résultat",
        none_detail: "La recherche compare le début des mots des noms, des identifiants et des adresses e-mail. Saisissez moins de lettres ou moins de mots.",
        all: "Afficher tout le monde",
        alone: "Vous êtes seul ici",
        alone_detail: "Ajoutez une personne : elle reçoit un lien à usage unique pour définir elle-même son mot de passe.",
        new: "Ajouter une personne",
        new_detail: "Le compte n’a pas encore de mot de passe. La page suivante affiche un lien à usage unique par lequel la personne en définit un.",
        full_name: "Nom",
        username: "Identifiant",
        username_hint: "Lettres, chiffres et . _ - +",
        optional: "facultatif",
        create: "Ajouter la personne",
        created_without_link: "Le compte a été créé. Une personne autorisée à lancer une récupération peut fournir un lien pour définir le mot de passe.",
        deleted: "Le compte a été supprimé.",
    },
    es: Words {
        detail: "Todas las personas que pueden iniciar sesión aquí.",
        add: "Añadir una persona",
        find: "Buscar personas",
        find_hint: "Nombre, usuario o correo",
        name: "Nombre",
        email: "Correo electrónico",
        created: "Creada",
        state: "Estado",
        unverified: "sin verificar",
        none: "No hay resultados",
        none_detail: "La búsqueda compara el comienzo de las palabras de nombres, usuarios y correos. Escriba menos letras o menos palabras.",
        all: "Mostrar todas",
        alone: "Aquí no hay nadie más",
        alone_detail: "Añada una persona: recibirá un enlace de un solo uso para definir su propia contraseña.",
        new: "Añadir una persona",
        new_detail: "La cuenta aún no tiene contraseña. La página siguiente muestra un enlace de un solo uso con el que la persona la define.",
        full_name: "Nombre",
        username: "Nombre de usuario",
        username_hint: "Letras, cifras y . _ - +",
        optional: "opcional",
        create: "Añadir la persona",
        created_without_link: "Se ha creado la cuenta. Quien pueda iniciar una recuperación puede dar a la persona un enlace para definir la contraseña.",
        deleted: "Se ha eliminado la cuenta.",
    },
};
