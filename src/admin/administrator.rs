//! Who administers, and with which authority.

use super::Action;
use crate::record::Trace;
use crate::types::administration::{Area, Level, Permission, covers};
use crate::types::{
    Actor, ClientId, Code, Holder, Refusal, Role, Scope, Seconds, Timestamp, UserId,
};

/// How recently a user must have authenticated for a sensitive action.
pub const RECENT: Seconds = Seconds::minutes(5);

/// The authority of an administrator.
#[derive(Clone, Debug)]
pub enum Authority {
    /// The operator at the command line: everything.
    Operator,
    /// A user, by their roles.
    User {
        /// The user.
        id: UserId,
        /// Their roles.
        roles: Vec<Role>,
        /// When they authenticated.
        auth_time: Timestamp,
        /// The scope of the access token; `None` in the console.
        scope: Option<Scope>,
    },
    /// A client, by its roles.
    Client {
        /// The client.
        id: ClientId,
        /// Its roles.
        roles: Vec<Role>,
        /// The scope of the access token.
        scope: Scope,
        /// Whether the access token is sender-constrained.
        is_bound: bool,
    },
}

impl Authority {
    /// Who it is, as in audit events.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Operator => Actor::Operator,
            Self::User { id, .. } => Actor::Holder(Holder::User(id.clone())),
            Self::Client { id, .. } => Actor::Holder(Holder::Client(id.clone())),
        }
    }

    /// The roles; those of the operator include every other one.
    pub fn roles(&self) -> &[Role] {
        match self {
            Self::Operator => &[Role::Owner],
            Self::User { roles, .. } | Self::Client { roles, .. } => roles,
        }
    }

    /// The permissions that the roles and the scope include.
    pub fn permissions(&self) -> Vec<Permission> {
        let scope = match self {
            Self::Operator => None,
            Self::User { scope, .. } => scope.as_ref(),
            Self::Client { scope, .. } => Some(scope),
        };
        let all = Area::ALL.iter().flat_map(|area| {
            Level::ALL.iter().map(|level| Permission { area: *area, level: *level })
        });
        all.filter(|one| {
            one.is_in(self.roles()) && scope.is_none_or(|scope| one.is_in_scope(scope))
        })
        .collect()
    }

    /// Checks that the roles include everything that an owner may do.
    ///
    /// # Errors
    /// `access_denied`
    pub(super) fn must_be_owner(&self, why: &'static str) -> Result<(), Refusal> {
        if covers(self.roles(), &[Role::Owner]) {
            return Ok(());
        }
        Err(Code::Forbidden.because(why).with("roles", names(self.roles())))
    }

    /// Whether the roles and the scope include an action, regardless of the age of the authentication: what an
    /// interface offers.
    pub fn includes(&self, action: Action) -> bool {
        self.covers(action).is_ok()
    }

    fn covers(&self, action: Action) -> Result<(), Refusal> {
        let (roles, scope) = match self {
            Self::Operator => return Ok(()),
            Self::User { roles, scope, .. } => (roles, scope.as_ref()),
            Self::Client { roles, scope, .. } => (roles, Some(scope)),
        };
        let Some(permission) = action.permission() else {
            return Err(Code::Forbidden
                .because("only the operator at the command line can do this")
                .with("action", action));
        };
        if !permission.is_in(roles) {
            return Err(Code::Forbidden
                .because("your roles do not include this action")
                .with("action", action)
                .with("required", permission.scope())
                .with("roles", names(roles)));
        }
        if let Some(scope) = scope
            && !permission.is_in_scope(scope)
        {
            return Err(Code::InsufficientScope
                .because("the access token lacks a required scope")
                .with("scope", scope)
                .with("expected", permission.scope()));
        }
        Ok(())
    }

    /// Checks that an action is permitted now.
    ///
    /// # Errors
    /// `access_denied` without the role, `insufficient_scope` without the scope; for sensitive actions,
    /// `insufficient_user_authentication` (RFC 9470 §3) if the user authenticated too long ago, and
    /// `invalid_token` if a client's token is not sender-constrained.
    pub(super) fn check(&self, action: Action, now: Timestamp) -> Result<(), Refusal> {
        self.covers(action)?;
        let is_sensitive =
            matches!(action.permission(), Some(Permission { level: Level::Sensitive, .. }));
        match self {
            Self::User { auth_time, .. } if is_sensitive && now - *auth_time > RECENT => {
                Err(Code::InsufficientUserAuthentication
                    .because("this action needs an authentication within the last five minutes")
                    .with("action", action)
                    .with("auth_time", auth_time))
            }
            Self::Client { is_bound: false, .. } if is_sensitive => Err(Code::InvalidToken
                .because("this action needs a sender-constrained access token (RFC 8705, RFC 9449)")
                .with("action", action)),
            Self::Operator | Self::User { .. } | Self::Client { .. } => Ok(()),
        }
    }
}

fn names(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ")
}

/// An administrator in one request or one command. Everything done with it is recorded as theirs.
#[derive(Clone, Debug)]
pub struct Administrator {
    authority: Authority,
    trace: Trace,
}

impl Administrator {
    /// An administrator with this authority.
    pub fn new(authority: Authority, trace: Trace) -> Self {
        let actor = Some(authority.actor());
        Self { authority, trace: Trace { actor, ..trace } }
    }

    /// The authority.
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The trace, with the actor.
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_795_000_000);

    fn user(roles: &[Role], scope: Option<&str>) -> Authority {
        Authority::User {
            id: UserId::from_text("ada"),
            roles: roles.to_vec(),
            auth_time: NOON,
            scope: scope.map(|scope| Scope::parse(scope).unwrap()),
        }
    }

    fn client(roles: &[Role], scope: &str, is_bound: bool) -> Authority {
        let scope = Scope::parse(scope).unwrap();
        Authority::Client { id: ClientId::from_text("ci"), roles: roles.to_vec(), scope, is_bound }
    }

    fn code(done: Result<(), Refusal>) -> Option<Code> {
        done.err().map(|refusal| refusal.code)
    }

    /// THREATS AD-01: every role and every action.
    #[test]
    fn an_action_needs_its_permission_whoever_asks() {
        for action in Action::ALL {
            assert_eq!(code(Authority::Operator.check(*action, NOON)), None, "{action}");
            assert_eq!(code(user(&[], None).check(*action, NOON)), Some(Code::Forbidden));
            for role in Role::ALL {
                let expected = action.permission().is_some_and(|needed| needed.is_in(&[*role]));
                let denied = (!expected).then_some(Code::Forbidden);
                assert_eq!(
                    code(user(&[*role], None).check(*action, NOON)),
                    denied,
                    "{role} {action}"
                );
                let scope = action.permission().map_or("openid".to_owned(), |one| one.scope());
                let bound = client(&[*role], &scope, true);
                assert_eq!(code(bound.check(*action, NOON)), denied, "{role} {action}");
            }
        }
    }

    /// THREATS AD-02: a token does not exceed its scope.
    #[test]
    fn a_token_may_do_what_both_its_scope_and_the_roles_behind_it_include() {
        let read = Action::ReadUsers;
        assert_eq!(code(user(&[Role::Owner], Some("users:read")).check(read, NOON)), None);
        let narrow = user(&[Role::Owner], Some("clients:write openid"));
        assert_eq!(code(narrow.check(read, NOON)), Some(Code::InsufficientScope));
        let wide = user(&[Role::Support], Some("users:sensitive"));
        assert_eq!(code(wide.check(Action::DeleteUser, NOON)), Some(Code::Forbidden));
    }

    #[test]
    fn a_sensitive_action_needs_a_recent_authentication_or_a_bound_token() {
        let owner = user(&[Role::Owner], None);
        let sensitive = Action::DeleteUser;
        assert_eq!(code(owner.check(sensitive, NOON + RECENT)), None);
        let late = NOON + RECENT + Seconds(1);
        assert_eq!(code(owner.check(sensitive, late)), Some(Code::InsufficientUserAuthentication));
        assert_eq!(code(owner.check(Action::DisableUser, late)), None);
        let unbound = client(&[Role::Owner], "users:sensitive", false);
        assert_eq!(code(unbound.check(sensitive, NOON)), Some(Code::InvalidToken));
        assert_eq!(code(unbound.check(Action::DisableUser, NOON)), None);
        assert!(owner.includes(sensitive) && !owner.includes(Action::SetPassword));
    }

    #[test]
    fn what_is_done_is_recorded_as_the_administrators() {
        let actor = |authority| {
            let trace = Trace::of_command(0);
            Administrator::new(authority, trace).trace().actor.as_ref().map(Actor::to_string)
        };
        assert_eq!(actor(Authority::Operator).as_deref(), Some("operator"));
        assert_eq!(actor(user(&[], None)).as_deref(), Some("user:ada"));
        assert_eq!(actor(client(&[], "openid", true)).as_deref(), Some("client:ci"));
    }
}
