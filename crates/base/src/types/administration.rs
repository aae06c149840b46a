//! Roles of administrators, and what each may do.

use super::{ClientId, Scope, UserId};

crate::wire_enum! {
    /// The role of an administrator. A person or a client may have several.
    pub enum Role {
        /// Everything.
        Owner = "owner",
        /// Applications, APIs, users and settings.
        Administrator = "administrator",
        /// Sessions, keys and certificates.
        Operator = "operator",
        /// Reads users, ends sessions, starts recoveries.
        Support = "support",
        /// Reads everything, changes nothing.
        Auditor = "auditor",
    }

    /// A subject of administration, as in the scopes of the administration API: `clients:read`.
    pub enum Area {
        /// Applications and services.
        Clients = "clients",
        /// APIs and their scopes.
        Resources = "resources",
        /// User accounts.
        Users = "users",
        /// Links by which a locked-out user sets a new password.
        Recoveries = "recoveries",
        /// Sessions and grants.
        Sessions = "sessions",
        /// Signing keys and server secrets.
        Keys = "keys",
        /// Certificates and the built-in CA.
        Certificates = "certificates",
        /// The audit trail and refused requests.
        Audit = "audit",
        /// Roles of administrators.
        Administrators = "administrators",
    }

    /// How much an administrator may do in an area. Each level includes those before it.
    pub enum Level {
        /// Read.
        Read = "read",
        /// Change.
        Write = "write",
        /// Change what gives access or cannot be undone: roles, secrets, keys, deletions. Needs a recent
        /// authentication.
        Sensitive = "sensitive",
    }
}

impl Role {
    /// The level of the role in an area; `None`: the role does not even read it.
    pub const fn level(self, area: Area) -> Option<Level> {
        match self {
            Self::Owner => Some(Level::Sensitive),
            Self::Administrator => Some(match area {
                Area::Clients | Area::Resources | Area::Users => Level::Sensitive,
                Area::Recoveries | Area::Sessions => Level::Write,
                Area::Keys | Area::Certificates | Area::Audit | Area::Administrators => Level::Read,
            }),
            Self::Operator => match area {
                Area::Sessions | Area::Keys | Area::Certificates => Some(Level::Sensitive),
                Area::Clients | Area::Resources | Area::Users | Area::Audit => Some(Level::Read),
                Area::Recoveries | Area::Administrators => None,
            },
            Self::Support => match area {
                Area::Recoveries | Area::Sessions => Some(Level::Write),
                Area::Clients | Area::Resources | Area::Users | Area::Audit => Some(Level::Read),
                Area::Keys | Area::Certificates | Area::Administrators => None,
            },
            Self::Auditor => Some(Level::Read),
        }
    }
}

/// What an action requires: a level in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The area.
    pub area: Area,
    /// The level.
    pub level: Level,
}

impl Permission {
    /// Whether these roles include the permission.
    pub fn is_in(self, roles: &[Role]) -> bool {
        level(roles, self.area) >= Some(self.level)
    }

    /// Whether a scope of the administration API includes the permission: `users:write` includes `users:read`.
    pub fn is_in_scope(self, scope: &Scope) -> bool {
        scope.iter().any(|token| {
            let (area, level) = token.split_once(':').unwrap_or_default();
            Area::parse(area) == Some(self.area) && Level::parse(level) >= Some(self.level)
        })
    }

    /// The scope token of the permission.
    pub fn scope(self) -> String {
        format!("{}:{}", self.area, self.level)
    }
}

/// The highest level of these roles in an area.
fn level(roles: &[Role], area: Area) -> Option<Level> {
    roles.iter().filter_map(|role| role.level(area)).max()
}

/// Whether the first roles may do everything that the others may. An administrator acts only on users and clients
/// whose roles are covered by theirs (THREATS AD-05).
pub fn covers(roles: &[Role], others: &[Role]) -> bool {
    Area::ALL.iter().all(|area| level(roles, *area) >= level(others, *area))
}

/// A user or a client, as the holder of roles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A user.
    User(UserId),
    /// A client, for its own tokens.
    Client(ClientId),
}

impl Holder {
    /// The kind of the holder, as stored.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Client(_) => "client",
        }
    }

    /// The identifier of the user or the client.
    pub fn id(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Client(id) => id.as_str(),
        }
    }

    /// The holder with this kind and identifier.
    pub fn parse(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "user" => Some(Self::User(UserId::from_text(id))),
            "client" => Some(Self::Client(ClientId::from_text(id))),
            _ => None,
        }
    }
}

/// The performer of an administrative action, as recorded in its audit event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The operator at the command line, who has access to the database and the keys.
    Operator,
    /// A user or a client with a role.
    Holder(Holder),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Holder(holder) => write!(f, "{}:{}", holder.kind(), holder.id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The matrix of roles and areas: what the documentation says.
    #[test]
    fn a_role_may_do_what_its_documentation_says() {
        let cell = |role: Role, area: Area| match role.level(area) {
            None => '-',
            Some(Level::Read) => 'r',
            Some(Level::Write) => 'w',
            Some(Level::Sensitive) => 's',
        };
        let row = |role: Role| Area::ALL.iter().map(|area| cell(role, *area)).collect::<String>();
        // clients, resources, users, recoveries, sessions, keys, certificates, audit, administrators
        assert_eq!(row(Role::Owner), "sssssssss");
        assert_eq!(row(Role::Administrator), "ssswwrrrr");
        assert_eq!(row(Role::Operator), "rrr-sssr-");
        assert_eq!(row(Role::Support), "rrrww--r-");
        assert_eq!(row(Role::Auditor), "rrrrrrrrr");
    }

    #[test]
    fn only_roles_that_may_do_as_much_cover_others() {
        use Role::{Administrator, Auditor, Operator, Owner, Support};
        for role in Role::ALL {
            assert!(covers(&[Owner], &[*role]) && covers(&[*role], &[*role]), "{role}");
            assert!(covers(&[*role], &[]), "{role}");
            assert_eq!(covers(&[*role], &[Owner]), *role == Owner, "{role}");
            assert!(!covers(&[], &[*role]), "{role}");
        }
        assert!(covers(&[Administrator], &[Support]) && covers(&[Administrator], &[Auditor]));
        assert!(!covers(&[Administrator], &[Operator]) && !covers(&[Operator], &[Administrator]));
        assert!(!covers(&[Support], &[Auditor]));
        assert!(covers(&[Administrator, Operator], &[Operator, Support]));
    }

    #[test]
    fn a_scope_includes_the_lower_levels_of_its_own_area_alone() {
        let of = |text: &str| Scope::parse(text).unwrap();
        let permission = |area, level| Permission { area, level };
        let write = permission(Area::Users, Level::Write);
        assert!(
            write.is_in_scope(&of("openid users:sensitive"))
                && write.is_in_scope(&of("users:write"))
        );
        assert!(!write.is_in_scope(&of("users:read clients:sensitive users users:")));
        assert_eq!(write.scope(), "users:write");
        assert!(permission(Area::Users, Level::Read).is_in_scope(&of("users:write")));
    }
}
