//! The pages of administrators, as their templates see them.

use askama::Template;

use super::words::{self, RoleWords, Words};
use crate::console::desk::Problem;
use crate::console::layout::Navigation;
use crate::types::administration::{Area, Level};
use crate::types::{Role, Timestamp};

/// `templates/console/administrators.html`.
#[derive(Debug, Template)]
#[template(path = "console/administrators.html")]
pub(in crate::console) struct Administrators<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// Everybody with a role.
    pub(in crate::console) holders: Vec<HolderLine>,
    /// Whether roles can be given.
    pub(in crate::console) may_grant: bool,
    /// Whether roles can be taken away.
    pub(in crate::console) may_revoke: bool,
    /// The result of the last form.
    pub(in crate::console) notice: Option<Notice>,
}

/// A user or a client with its roles.
#[derive(Clone, Debug)]
pub(in crate::console) struct HolderLine {
    /// `user` or `client`.
    pub(in crate::console) kind: String,
    /// The identifier.
    pub(in crate::console) id: String,
    /// The name.
    pub(in crate::console) name: String,
    /// The e-mail address or the username.
    pub(in crate::console) handle: Option<String>,
    /// The roles.
    pub(in crate::console) roles: Vec<Role>,
    /// Since when it has the first of them.
    pub(in crate::console) since: Timestamp,
    /// Whether it is disabled.
    pub(in crate::console) is_disabled: bool,
}

impl HolderLine {
    fn is_user(&self) -> bool {
        self.kind == "user"
    }
}

/// The result of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Notice {
    /// A role was given.
    Granted,
    /// A role was taken away.
    Revoked,
}

impl Notice {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "granted" => Some(Self::Granted),
            "revoked" => Some(Self::Revoked),
            _ => None,
        }
    }
}

impl Administrators<'_> {
    /// The areas of the matrix.
    const AREAS: &'static [Area] = Area::ALL;

    /// The roles of the matrix.
    const ROLES: &'static [Role] = Role::ALL;

    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn role(&self, role: &Role) -> &'static RoleWords {
        self.words().of_role(*role)
    }

    fn area(&self, area: &Area) -> &'static str {
        self.words().of_area(*area)
    }

    fn level(&self, role: &Role, area: &Area) -> &'static str {
        self.words().of_level(role.level(*area))
    }

    /// The class of a cell of the matrix.
    const fn class(&self, role: &Role, area: &Area) -> &'static str {
        match role.level(*area) {
            None => "level-none",
            Some(Level::Read) => "level-read",
            Some(Level::Write) => "level-write",
            Some(Level::Sensitive) => "level-all",
        }
    }

    fn notice_text(&self) -> Option<&'static str> {
        self.notice.map(|notice| match notice {
            Notice::Granted => self.words().granted,
            Notice::Revoked => self.words().revoked,
        })
    }
}

/// `templates/console/administrators_grant.html`.
#[derive(Debug, Template)]
#[template(path = "console/administrators_grant.html")]
pub(in crate::console) struct Grant<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The form token.
    pub(in crate::console) csrf: &'a str,
    /// The username, the e-mail address or the `client_id` that was typed.
    pub(in crate::console) who: &'a str,
    /// The selected role.
    pub(in crate::console) role: Role,
    /// Why it was refused.
    pub(in crate::console) problem: Option<&'a Problem>,
}

impl Grant<'_> {
    /// The roles, from the one that may do least.
    const ROLES: [Role; 5] =
        [Role::Auditor, Role::Support, Role::Operator, Role::Administrator, Role::Owner];

    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn is_selected(&self, role: &Role) -> bool {
        self.role == *role
    }

    fn role_words(&self, role: &Role) -> &'static RoleWords {
        self.words().of_role(*role)
    }
}
