//! The texts of the pages of administrators.

use crate::render::words::{Language, Translations, With};
use crate::types::Role;
use crate::types::administration::{Area, Level};

/// The texts of a role.
#[derive(Debug)]
pub(super) struct RoleWords {
    /// Its name.
    pub(super) name: &'static str,
    /// What it may do.
    pub(super) detail: &'static str,
}

/// The texts of the pages of administrators.
#[derive(Debug)]
pub(super) struct Words {
    /// What the page is for.
    pub(super) detail: &'static str,
    /// The button that leads to the form.
    pub(super) grant: &'static str,
    /// Column: who.
    pub(super) who: &'static str,
    /// Column: roles.
    pub(super) roles: &'static str,
    /// Column: since.
    pub(super) since: &'static str,
    /// That a holder is an application.
    pub(super) is_client: &'static str,
    /// The link that takes a role away; read before the name of the role.
    pub(super) revoke: &'static str,
    /// The heading of the matrix.
    pub(super) matrix: &'static str,
    /// How to read it.
    pub(super) matrix_detail: &'static str,
    /// Column: area.
    pub(super) area: &'static str,
    /// The level: reads.
    pub(super) read: &'static str,
    /// The level: changes.
    pub(super) write: &'static str,
    /// The level: everything.
    pub(super) sensitive: &'static str,
    /// No access.
    pub(super) none: &'static str,
    /// What the form does.
    pub(super) grant_detail: &'static str,
    /// Field: the user or the application.
    pub(super) holder: &'static str,
    /// What to type there.
    pub(super) holder_hint: &'static str,
    /// Field: the role.
    pub(super) role: &'static str,
    /// The button.
    pub(super) submit: &'static str,
    /// The question before a role is taken away; the arguments are the role and the holder.
    pub(super) revoke_title: fn(&str, &str) -> String,
    /// What happens then.
    pub(super) revoke_lines: [&'static str; 2],
    /// The button.
    pub(super) revoke_submit: &'static str,
    /// The notice after a role was given.
    pub(super) granted: &'static str,
    /// The notice after a role was taken away.
    pub(super) revoked: &'static str,
    /// Nobody has the name that was typed; the argument is the name.
    pub(super) unknown: With,
    /// The texts of the roles, in the order of [`Role::ALL`].
    roles_by_kind: [RoleWords; 5],
    /// The names of the areas, in the order of [`Area::ALL`].
    areas: [&'static str; 9],
}

impl Words {
    /// The texts of a role.
    pub(super) const fn of_role(&self, role: Role) -> &RoleWords {
        let [owner, administrator, operator, support, auditor] = &self.roles_by_kind;
        match role {
            Role::Owner => owner,
            Role::Administrator => administrator,
            Role::Operator => operator,
            Role::Support => support,
            Role::Auditor => auditor,
        }
    }

    /// The name of an area.
    pub(super) const fn of_area(&self, area: Area) -> &'static str {
        let [clients, resources, users, recoveries, sessions, keys, certificates, audit, roles] =
            self.areas;
        match area {
            Area::Clients => clients,
            Area::Resources => resources,
            Area::Users => users,
            Area::Recoveries => recoveries,
            Area::Sessions => sessions,
            Area::Keys => keys,
            Area::Certificates => certificates,
            Area::Audit => audit,
            Area::Administrators => roles,
        }
    }

    /// The name of a level.
    pub(super) const fn of_level(&self, level: Option<Level>) -> &'static str {
        match level {
            None => self.none,
            Some(Level::Read) => self.read,
            Some(Level::Write) => self.write,
            Some(Level::Sensitive) => self.sensitive,
        }
    }
}

/// The name of a role.
pub(in crate::console) const fn role_name(role: Role, language: Language) -> &'static str {
    WORDS.in_language(language).of_role(role).name
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        detail: "Who administers this server. A change of roles counts with the next request.",
        grant: "Give a role",
        who: "Who",
        roles: "Roles",
        since: "Since",
        is_client: "Application",
        revoke: "Take away",
        matrix: "What the roles may do",
        matrix_detail: "Everything includes what gives access or cannot be undone: roles, secrets, keys, deletions. It asks for the password again after five minutes.",
        area: "Area",
        read: "Read",
        write: "Change",
        sensitive: "Everything",
        none: "–",
        grant_detail: "Give the smallest role that is enough. Nobody can act on somebody who may do more.",
        holder: "Person or application",
        holder_hint: "A username, an e-mail address, or a client_id",
        role: "Role",
        submit: "Give the role",
        revoke_title: |role, holder| format!("Take the role {role} away from {holder}?"),
        revoke_lines: [
            "It counts with the next request, also in sessions that are open.",
            "The account and its other roles stay.",
        ],
        revoke_submit: "Take the role away",
        granted: "The role was given.",
        revoked: "The role was taken away.",
        unknown: |name| format!("There is no person and no application {name}"),
        roles_by_kind: [
            RoleWords { name: "Owner", detail: "Everything, and who else administers." },
            RoleWords { name: "Administrator", detail: "Applications, APIs, people and settings." },
            RoleWords { name: "Operator", detail: "Sessions, keys and certificates." },
            RoleWords {
                name: "Support",
                detail: "Reads people, ends sessions, starts recoveries.",
            },
            RoleWords { name: "Auditor", detail: "Reads everything, changes nothing." },
        ],
        areas: [
            "Applications",
            "APIs",
            "People",
            "Recoveries",
            "Sessions",
            "Signing keys",
            "Certificates",
            "Audit trail",
            "Roles",
        ],
    },
    de: Words {
        detail: "Wer diesen Server verwaltet. Eine Änderung der Rollen gilt ab der nächsten Anfrage.",
        grant: "Rolle geben",
        who: "Wer",
        roles: "Rollen",
        since: "Seit",
        is_client: "Anwendung",
        revoke: "Entziehen",
        matrix: "Was die Rollen dürfen",
        matrix_detail: "Alles schließt ein, was Zugang gibt oder sich nicht rückgängig machen lässt: Rollen, Geheimnisse, Schlüssel, Löschungen. Dafür wird nach fünf Minuten erneut nach dem Passwort gefragt.",
        area: "Bereich",
        read: "Lesen",
        write: "Ändern",
        sensitive: "Alles",
        none: "–",
        grant_detail: "Geben Sie die kleinste Rolle, die ausreicht. Niemand kann auf jemanden einwirken, der mehr darf.",
        holder: "Person oder Anwendung",
        holder_hint: "Benutzername, E-Mail-Adresse oder client_id",
        role: "Rolle",
        submit: "Rolle geben",
        revoke_title: |role, holder| format!("{holder} die Rolle {role} entziehen?"),
        revoke_lines: [
            "Das gilt ab der nächsten Anfrage, auch in offenen Sitzungen.",
            "Das Konto und seine anderen Rollen bleiben.",
        ],
        revoke_submit: "Rolle entziehen",
        granted: "Die Rolle wurde gegeben.",
        revoked: "Die Rolle wurde entzogen.",
        unknown: |name| format!("Es gibt keine Person und keine Anwendung {name}"),
        roles_by_kind: [
            RoleWords { name: "Inhaber", detail: "Alles, auch wer sonst verwaltet." },
            RoleWords {
                name: "Administrator",
                detail: "Anwendungen, APIs, Personen und Einstellungen.",
            },
            RoleWords { name: "Betrieb", detail: "Sitzungen, Schlüssel und Zertifikate." },
            RoleWords {
                name: "Support",
                detail: "Sieht Personen, beendet Sitzungen, beginnt Wiederherstellungen.",
            },
            RoleWords { name: "Prüfer", detail: "Sieht alles, ändert nichts." },
        ],
        areas: [
            "Anwendungen",
            "APIs",
            "Personen",
            "Wiederherstellungen",
            "Sitzungen",
            "Signaturschlüssel",
            "Zertifikate",
            "Protokoll",
            "Rollen",
        ],
    },
    fr: Words {
        detail: "Qui administre ce serveur. Un changement de rôle vaut dès la requête suivante.",
        grant: "Donner un rôle",
        who: "Qui",
        roles: "Rôles",
        since: "Depuis",
        is_client: "Application",
        revoke: "Retirer",
        matrix: "Ce que permettent les rôles",
        matrix_detail: "« Tout » comprend ce qui donne accès ou ne peut être annulé : rôles, secrets, clés, suppressions. Le mot de passe est redemandé après cinq minutes.",
        area: "Domaine",
        read: "Lire",
        write: "Modifier",
        sensitive: "Tout",
        none: "–",
        grant_detail: "Donnez le plus petit rôle suffisant. Personne ne peut agir sur quelqu’un qui a plus de droits.",
        holder: "Personne ou application",
        holder_hint: "Un identifiant, une adresse e-mail ou un client_id",
        role: "Rôle",
        submit: "Donner le rôle",
        revoke_title: |role, holder| format!("Retirer le rôle {role} à {holder} ?"),
        revoke_lines: [
            "Cela vaut dès la requête suivante, y compris dans les sessions ouvertes.",
            "Le compte et ses autres rôles restent.",
        ],
        revoke_submit: "Retirer le rôle",
        granted: "Le rôle a été donné.",
        revoked: "Le rôle a été retiré.",
        unknown: |name| format!("Il n’existe ni personne ni application {name}"),
        roles_by_kind: [
            RoleWords {
                name: "Propriétaire", detail: "Tout, y compris qui d’autre administre."
            },
            RoleWords {
                name: "Administrateur",
                detail: "Applications, API, personnes et paramètres.",
            },
            RoleWords { name: "Exploitant", detail: "Sessions, clés et certificats." },
            RoleWords {
                name: "Assistance",
                detail: "Consulte les personnes, ferme des sessions, lance des récupérations.",
            },
            RoleWords { name: "Auditeur", detail: "Consulte tout, ne modifie rien." },
        ],
        areas: [
            "Applications",
            "API",
            "Personnes",
            "Récupérations",
            "Sessions",
            "Clés de signature",
            "Certificats",
            "Journal d’audit",
            "Rôles",
        ],
    },
    es: Words {
        detail: "Quién administra este servidor. Un cambio de rol vale desde la siguiente petición.",
        grant: "Dar un rol",
        who: "Quién",
        roles: "Roles",
        since: "Desde",
        is_client: "Aplicación",
        revoke: "Quitar",
        matrix: "Qué permiten los roles",
        matrix_detail: "«Todo» incluye lo que da acceso o no se puede deshacer: roles, secretos, claves, eliminaciones. A los cinco minutos se vuelve a pedir la contraseña.",
        area: "Área",
        read: "Leer",
        write: "Cambiar",
        sensitive: "Todo",
        none: "–",
        grant_detail: "Dé el rol más pequeño que baste. Nadie puede actuar sobre quien puede hacer más.",
        holder: "Persona o aplicación",
        holder_hint: "Un nombre de usuario, un correo o un client_id",
        role: "Rol",
        submit: "Dar el rol",
        revoke_title: |role, holder| format!("¿Quitar el rol {role} a {holder}?"),
        revoke_lines: [
            "Vale desde la siguiente petición, también en las sesiones abiertas.",
            "La cuenta y sus demás roles se mantienen.",
        ],
        revoke_submit: "Quitar el rol",
        granted: "Se ha dado el rol.",
        revoked: "Se ha quitado el rol.",
        unknown: |name| format!("No hay ninguna persona ni aplicación {name}"),
        roles_by_kind: [
            RoleWords { name: "Propietario", detail: "Todo, también quién más administra." },
            RoleWords {
                name: "Administrador",
                detail: "Aplicaciones, API, personas y configuración.",
            },
            RoleWords { name: "Operador", detail: "Sesiones, claves y certificados." },
            RoleWords {
                name: "Soporte",
                detail: "Consulta personas, cierra sesiones, inicia recuperaciones.",
            },
            RoleWords { name: "Auditor", detail: "Consulta todo, no cambia nada." },
        ],
        areas: [
            "Aplicaciones",
            "API",
            "Personas",
            "Recuperaciones",
            "Sesiones",
            "Claves de firma",
            "Certificados",
            "Registro de auditoría",
            "Roles",
        ],
    },
};
