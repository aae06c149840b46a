//! The texts of the page of a user.

use crate::render::words::{Translations, With};

/// The texts of the page of a user.
#[derive(Debug)]
pub(super) struct Words {
    /// Section: names and claims.
    pub(super) profile: &'static str,
    /// The link to the form.
    pub(super) edit: &'static str,
    /// The link to a recovery.
    pub(super) recover: &'static str,
    /// Label: username.
    pub(super) username: &'static str,
    /// Label: e-mail address.
    pub(super) email: &'static str,
    /// That the address is verified.
    pub(super) verified: &'static str,
    /// That the address is not verified.
    pub(super) unverified: &'static str,
    /// That there is no value.
    pub(super) nothing: &'static str,
    /// Label: full name.
    pub(super) name: &'static str,
    /// Label: given name.
    pub(super) given_name: &'static str,
    /// Label: family name.
    pub(super) family_name: &'static str,
    /// Label: password.
    pub(super) password: &'static str,
    /// When the password was set; the argument is a time.
    pub(super) password_set: With,
    /// That there is no password.
    pub(super) no_password: &'static str,
    /// Label: the account was created.
    pub(super) created: &'static str,
    /// Label: the account was disabled.
    pub(super) disabled: &'static str,
    /// Label: the identifier.
    pub(super) identifier: &'static str,
    /// Section: roles.
    pub(super) roles: &'static str,
    /// That the user has no role.
    pub(super) no_roles: &'static str,
    /// The link that gives a role.
    pub(super) give_role: &'static str,
    /// Section: sessions.
    pub(super) sessions: &'static str,
    /// That there is no session.
    pub(super) no_sessions: &'static str,
    /// Column: device.
    pub(super) device: &'static str,
    /// Column: address.
    pub(super) address: &'static str,
    /// Column: since.
    pub(super) since: &'static str,
    /// Column: last use.
    pub(super) used: &'static str,
    /// The link that ends a session.
    pub(super) end: &'static str,
    /// The link that ends all sessions.
    pub(super) end_all: &'static str,
    /// Section: applications.
    pub(super) applications: &'static str,
    /// That no application has access.
    pub(super) no_applications: &'static str,
    /// Column: application.
    pub(super) application: &'static str,
    /// Column: access.
    pub(super) access: &'static str,
    /// The link that revokes an access.
    pub(super) revoke: &'static str,
    /// Section: administrative changes.
    pub(super) changes: &'static str,
    /// That there are none.
    pub(super) no_changes: &'static str,
    /// Section: other actions.
    pub(super) more: &'static str,
    /// What a reset of the throttling is for.
    pub(super) unlock_detail: &'static str,
    /// What disabling is for.
    pub(super) disable_detail: &'static str,
    /// What enabling does.
    pub(super) enable_detail: &'static str,
    /// What a deletion does.
    pub(super) delete_detail: &'static str,
    /// The button of the form.
    pub(super) save: &'static str,
    /// The heading of the form; the argument is the user.
    pub(super) edit_title: With,
    /// The checkbox.
    pub(super) email_verified: &'static str,
    /// What it means.
    pub(super) email_verified_detail: &'static str,
    /// What was changed by somebody else; the argument is the present value.
    pub(super) now: With,
    /// What to do about a concurrent change.
    pub(super) changed_meanwhile: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        profile: "Profile",
        edit: "Edit",
        recover: "Start a recovery",
        username: "Username",
        email: "E-mail",
        verified: "verified",
        unverified: "not verified",
        nothing: "None",
        name: "Name",
        given_name: "Given name",
        family_name: "Family name",
        password: "Password",
        password_set: |when| format!("Set {when}"),
        no_password: "None yet: a recovery link lets the person set one",
        created: "Created",
        disabled: "Disabled",
        identifier: "Identifier",
        roles: "Roles",
        no_roles: "This person does not administer the server.",
        give_role: "Give a role",
        sessions: "Sessions",
        no_sessions: "Not signed in anywhere.",
        device: "Device",
        address: "Address",
        since: "Since",
        used: "Last used",
        end: "End",
        end_all: "End all sessions",
        applications: "Applications with access",
        no_applications: "No application may use this account.",
        application: "Application",
        access: "Access",
        revoke: "Revoke",
        changes: "Recent changes",
        no_changes: "No administrator has changed this account.",
        more: "More actions",
        unlock_detail: "Permits sign-ins again after too many wrong passwords.",
        disable_detail: "Nobody can sign in with the account until it is enabled again.",
        enable_detail: "The person can sign in again. Sessions and access that ended stay ended.",
        delete_detail: "Removes the account for good. Its audit events stay.",
        save: "Save",
        edit_title: |name| format!("Edit {name}"),
        email_verified: "The address is verified",
        email_verified_detail: "Applications may treat it as proof of who the person is.",
        now: |value| format!("Now: {value}"),
        changed_meanwhile: "Somebody else changed this person after you opened the form. What you typed is below, with the present value where it differs. Save again to replace it.",
    },
    de: Words {
        profile: "Profil",
        edit: "Bearbeiten",
        recover: "Wiederherstellung beginnen",
        username: "Benutzername",
        email: "E-Mail",
        verified: "bestätigt",
        unverified: "nicht bestätigt",
        nothing: "Keine Angabe",
        name: "Name",
        given_name: "Vorname",
        family_name: "Nachname",
        password: "Passwort",
        password_set: |when| format!("Gesetzt {when}"),
        no_password: "Noch keines: Über einen Wiederherstellungslink setzt die Person eines",
        created: "Angelegt",
        disabled: "Gesperrt",
        identifier: "Kennung",
        roles: "Rollen",
        no_roles: "Diese Person verwaltet den Server nicht.",
        give_role: "Rolle geben",
        sessions: "Sitzungen",
        no_sessions: "Nirgends angemeldet.",
        device: "Gerät",
        address: "Adresse",
        since: "Seit",
        used: "Zuletzt benutzt",
        end: "Beenden",
        end_all: "Alle Sitzungen beenden",
        applications: "Anwendungen mit Zugriff",
        no_applications: "Keine Anwendung darf dieses Konto benutzen.",
        application: "Anwendung",
        access: "Zugriff",
        revoke: "Entziehen",
        changes: "Letzte Änderungen",
        no_changes: "Dieses Konto wurde noch nicht durch die Verwaltung geändert.",
        more: "Weitere Aktionen",
        unlock_detail: "Erlaubt Anmeldungen wieder, nachdem zu oft ein falsches Passwort eingegeben wurde.",
        disable_detail: "Mit dem Konto kann sich niemand anmelden, bis es wieder freigegeben wird.",
        enable_detail: "Die Person kann sich wieder anmelden. Beendete Sitzungen und Zugriffe bleiben beendet.",
        delete_detail: "Entfernt das Konto endgültig. Seine Einträge im Protokoll bleiben.",
        save: "Speichern",
        edit_title: |name| format!("{name} bearbeiten"),
        email_verified: "Die Adresse ist bestätigt",
        email_verified_detail: "Anwendungen dürfen sie als Nachweis ansehen, wer die Person ist.",
        now: |value| format!("Jetzt: {value}"),
        changed_meanwhile: "Jemand anderes hat diese Person geändert, nachdem Sie das Formular geöffnet haben. Ihre Eingaben stehen unten, mit dem jetzigen Wert, wo er abweicht. Speichern Sie erneut, um ihn zu ersetzen.",
    },
    fr: Words {
        profile: "Profil",
        edit: "Modifier",
        recover: "Lancer une récupération",
        username: "Identifiant",
        email: "E-mail",
        verified: "vérifiée",
        unverified: "non vérifiée",
        nothing: "Non renseigné",
        name: "Nom complet",
        given_name: "Prénom",
        family_name: "Nom de famille",
        password: "Mot de passe",
        password_set: |when| format!("Défini {when}"),
        no_password: "Aucun : un lien de récupération permet à la personne d’en définir un",
        created: "Créé",
        disabled: "Désactivé",
        identifier: "Identifiant interne",
        roles: "Rôles",
        no_roles: "Cette personne n’administre pas le serveur.",
        give_role: "Donner un rôle",
        sessions: "Sessions",
        no_sessions: "Connectée nulle part.",
        device: "Appareil",
        address: "Adresse",
        since: "Depuis",
        used: "Dernière utilisation",
        end: "Fermer",
        end_all: "Fermer toutes les sessions",
        applications: "Applications ayant accès",
        no_applications: "Aucune application ne peut utiliser ce compte.",
        application: "Application",
        access: "Accès",
        revoke: "Révoquer",
        changes: "Modifications récentes",
        no_changes: "Aucun administrateur n’a modifié ce compte.",
        more: "Autres actions",
        unlock_detail: "Autorise de nouveau les connexions après trop de mots de passe erronés.",
        disable_detail: "Personne ne peut se connecter avec le compte tant qu’il n’est pas réactivé.",
        enable_detail: "La personne peut de nouveau se connecter. Les sessions et les accès fermés le restent.",
        delete_detail: "Supprime définitivement le compte. Ses événements restent dans le journal.",
        save: "Enregistrer",
        edit_title: |name| format!("Modifier {name}"),
        email_verified: "L’adresse est vérifiée",
        email_verified_detail: "Les applications peuvent y voir la preuve de l’identité de la personne.",
        now: |value| format!("Actuellement : {value}"),
        changed_meanwhile: "Quelqu’un d’autre a modifié cette personne après l’ouverture du formulaire. Votre saisie est ci-dessous, avec la valeur actuelle là où elle diffère. Enregistrez de nouveau pour la remplacer.",
    },
    es: Words {
        profile: "Perfil",
        edit: "Editar",
        recover: "Iniciar una recuperación",
        username: "Nombre de usuario",
        email: "Correo electrónico",
        verified: "verificado",
        unverified: "sin verificar",
        nothing: "Sin datos",
        name: "Nombre completo",
        given_name: "Nombre de pila",
        family_name: "Apellidos",
        password: "Contraseña",
        password_set: |when| format!("Definida {when}"),
        no_password: "Todavía ninguna: con un enlace de recuperación la persona define una",
        created: "Creada",
        disabled: "Desactivada",
        identifier: "Identificador",
        roles: "Roles",
        no_roles: "Esta persona no administra el servidor.",
        give_role: "Dar un rol",
        sessions: "Sesiones",
        no_sessions: "Sin sesiones abiertas.",
        device: "Dispositivo",
        address: "Dirección",
        since: "Desde",
        used: "Último uso",
        end: "Cerrar",
        end_all: "Cerrar todas las sesiones",
        applications: "Aplicaciones con acceso",
        no_applications: "Ninguna aplicación puede usar esta cuenta.",
        application: "Aplicación",
        access: "Acceso",
        revoke: "Revocar",
        changes: "Cambios recientes",
        no_changes: "Ningún administrador ha cambiado esta cuenta.",
        more: "Más acciones",
        unlock_detail: "Vuelve a permitir inicios de sesión tras demasiadas contraseñas incorrectas.",
        disable_detail: "Nadie puede iniciar sesión con la cuenta hasta que se vuelva a activar.",
        enable_detail: "La persona puede volver a iniciar sesión. Las sesiones y los accesos cerrados siguen cerrados.",
        delete_detail: "Elimina la cuenta definitivamente. Sus eventos permanecen en el registro.",
        save: "Guardar",
        edit_title: |name| format!("Editar {name}"),
        email_verified: "La dirección está verificada",
        email_verified_detail: "Las aplicaciones pueden tomarla como prueba de quién es la persona.",
        now: |value| format!("Ahora: {value}"),
        changed_meanwhile: "Otra persona cambió estos datos después de que usted abriera el formulario. Lo que escribió está abajo, con el valor actual donde difiere. Guarde de nuevo para reemplazarlo.",
    },
};
