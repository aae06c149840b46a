//! Roles of administrators, and invitations to become owner.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Action, Call, Done, Error, Result, Subject, client, user};
use crate::people::links;
pub use crate::people::links::Link;
use crate::record::Kind;
use crate::roles as rules;
use crate::store::roles::{self, RoleRow};
use crate::store::{clients, users};
use crate::types::{ClientId, Holder, Role, UserId};

/// Every role of every administrator: there are few.
///
/// # Errors
/// The database fails.
pub async fn list(call: &Call<'_>) -> Result<Vec<RoleRow>> {
    let call = &call.allow(Action::ReadAdministrators)?;
    Ok(roles::all(call.store.db()).await?)
}

/// The roles of a user or a client.
///
/// # Errors
/// The database fails.
pub async fn of(call: &Call<'_>, holder: &Holder) -> Result<Vec<Role>> {
    let call = &call.allow(Action::ReadAdministrators)?;
    Ok(roles::of(call.store.db(), holder).await?)
}

/// Finds a user or a client by what `user list` or `client list` shows of it; an identifier takes precedence.
///
/// # Errors
/// There is none, several have the name, or the database fails.
pub async fn holder(call: &Call<'_>, name: &str) -> Result<Holder> {
    let call = &call.allow(Action::ReadAdministrators)?;
    let on = call.store.db();
    if let Some(found) = users::with_password(on, &UserId::from_text(name)).await? {
        return Ok(Holder::User(found.user.id));
    }
    // An identifier precedes a name, because a user may be called like one.
    if let Some(client) = clients::find(on, &ClientId::from_text(name)).await? {
        return Ok(Holder::Client(client.id));
    }
    match (user::known(call, name).await?, client::known(call, name).await?) {
        (Some(user), None) => Ok(Holder::User(user.id)),
        (None, Some(client)) => Ok(Holder::Client(client.id)),
        (Some(user), Some(client)) => Err(Error::Invalid(format!(
            "a user and a client have the name {name}; name one of {}, {}",
            user.id, client.id
        ))),
        (None, None) => {
            Err(Error::NotFound(Subject::User, format!("there is no user and no client {name}")))
        }
    }
}

/// Gives a role. If the user or the client has it already, nothing changes and no event is written.
///
/// # Errors
/// There is no such user or client, the role may do more than the administrator may, or the database fails.
pub async fn grant(call: &Call<'_>, holder: &Holder, role: Role) -> Result<Done<bool>> {
    let call = &call.allow(Action::GrantRole)?;
    Ok(Done::new(rules::grant(call, holder, role).await?, Kind::RoleGranted))
}

/// Takes a role away. If the user or the client does not have it, nothing changes and no event is written.
///
/// # Errors
/// The last owner stays, the role may do more than the administrator may, or the database fails.
pub async fn revoke(call: &Call<'_>, holder: &Holder, role: Role) -> Result<Done<bool>> {
    let call = &call.allow(Action::RevokeRole)?;
    Ok(Done::new(rules::revoke(call, holder, role).await?, Kind::RoleRevoked))
}

/// Creates an invitation: a link to become owner.
///
/// # Errors
/// The database fails.
pub async fn invite(call: &Call<'_>) -> Result<Done<Link>> {
    let call = &call.allow(Action::InviteOwner)?;
    Ok(Done::new(links::invite(call).await?, Kind::OwnerInvited))
}

/// A role of an administrator as JSON.
pub fn document(row: &RoleRow) -> Value {
    json!(Document::from(row))
}

/// A role of an administrator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdministratorRole)]
pub struct Document {
    /// `user` or `client`.
    kind: String,
    /// The identifier of the user or the client.
    id: String,
    /// The username; empty for a client.
    name: String,
    /// The role.
    role: String,
    /// When it was given, in Unix seconds.
    granted_at: i64,
    /// Since when the user or the client is disabled, in Unix seconds.
    #[schema(required)]
    disabled_at: Option<i64>,
}

impl From<&RoleRow> for Document {
    fn from(row: &RoleRow) -> Self {
        Self {
            kind: row.kind.clone(),
            id: row.id.clone(),
            name: row.name.clone(),
            role: row.role.clone(),
            granted_at: row.granted_at.0,
            disabled_at: row.disabled_at.map(|at| at.0),
        }
    }
}
