//! Sessions of users, and the applications with access to their accounts.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Action, Call, Done, Result, user};
use crate::flow::grants::applications;
use crate::people::session;
use crate::record::Kind;
use crate::store::consents::Authorised;
use crate::types::session::Session;
use crate::types::{ClientId, SessionId, UserId};

/// The valid sessions of a user, the most recently used first.
///
/// # Errors
/// The database fails.
pub async fn list(call: &Call<'_>, id: &UserId) -> Result<Vec<Session>> {
    let call = &call.allow(Action::ReadSessions)?;
    user::must_be_known(call, id).await?;
    Ok(session::of_user(call.store, id, call.now).await?)
}

/// Ends a session of a user. `false`: the user has no such session, and no event is written.
///
/// # Errors
/// The user may do more than the administrator may, or the database fails.
pub async fn end(call: &Call<'_>, user: &UserId, id: &SessionId) -> Result<Done<bool>> {
    let call = &call.allow(Action::EndSessions)?;
    let ended = session::end(&call.people().await?, user, id).await?;
    Ok(Done::new(ended, Kind::SessionEnded))
}

/// Ends all sessions of a user, and returns their number. Without any, no event is written.
///
/// # Errors
/// The user may do more than the administrator may, or the database fails.
pub async fn end_all(call: &Call<'_>, id: &UserId) -> Result<Done<u64>> {
    let call = &call.allow(Action::EndSessions)?;
    user::must_be_known(call, id).await?;
    let ended = session::end_others(&call.people().await?, id, None).await?;
    Ok(Done::new(ended, Kind::SessionEnded))
}

/// The applications with access to a user's account.
///
/// # Errors
/// The database fails.
pub async fn applications(call: &Call<'_>, id: &UserId) -> Result<Vec<Authorised>> {
    let call = &call.allow(Action::ReadSessions)?;
    user::must_be_known(call, id).await?;
    Ok(applications::list(call, id).await?)
}

/// Withdraws the access of an application to a user's account. `false`: it has none, and no event is written.
///
/// # Errors
/// The user may do more than the administrator may, or the database fails.
pub async fn revoke_access(
    call: &Call<'_>,
    user: &UserId,
    client: &ClientId,
) -> Result<Done<bool>> {
    let call = &call.allow(Action::RevokeAccess)?;
    let withdrawn = applications::withdraw(call, user, client).await?;
    Ok(Done::new(withdrawn, Kind::ConsentWithdrawn))
}

/// A session as JSON.
pub fn document(session: &Session) -> Value {
    json!(Document::from(session))
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct Document {
    /// The identifier: `sid` in ID tokens.
    id: String,
    /// The user.
    user_id: String,
    /// When the user last authenticated, in Unix seconds.
    auth_time: i64,
    /// The methods of RFC 8176, space-delimited.
    amr: String,
    /// The authentication context class.
    acr: String,
    /// The address at sign-in.
    address: String,
    /// The `User-Agent` at sign-in.
    user_agent: String,
    /// When the session began, in Unix seconds.
    created_at: i64,
    /// When it was last used, in Unix seconds.
    seen_at: i64,
    /// When it expires if it is not used, in Unix seconds.
    idle_at: i64,
    /// When it expires in any case, in Unix seconds.
    expires_at: i64,
}

impl From<&Session> for Document {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.to_string(),
            user_id: session.user_id.to_string(),
            auth_time: session.auth_time.0,
            amr: session.amr.clone(),
            acr: session.acr.clone(),
            address: session.address.clone(),
            user_agent: session.user_agent.clone(),
            created_at: session.created_at.0,
            seen_at: session.seen_at.0,
            idle_at: session.idle_at.0,
            expires_at: session.expires_at.0,
        }
    }
}

/// An application with access to a user's account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Application)]
pub struct ApplicationDocument {
    /// The client.
    client_id: String,
    /// The scope, space-delimited.
    scope: String,
    /// The APIs.
    resources: Vec<String>,
    /// The individually requested claims (OIDC Core §5.5).
    claims: Vec<String>,
    /// Since when it has access, in Unix seconds.
    since: i64,
    /// Whether the user was asked; trusted clients need no consent.
    asked: bool,
    /// When it was last issued tokens for the user, in Unix seconds.
    #[schema(required)]
    used_at: Option<i64>,
    /// Whether it has offline access (OIDC Core §11).
    offline: bool,
}

impl From<&Authorised> for ApplicationDocument {
    fn from(one: &Authorised) -> Self {
        Self {
            client_id: one.client_id.to_string(),
            scope: one.consent.scope.to_string(),
            resources: one.consent.resources.iter().map(ToString::to_string).collect(),
            claims: one.consent.claims.clone(),
            since: one.since.0,
            asked: one.asked,
            used_at: one.used_at.map(|at| at.0),
            offline: one.is_offline,
        }
    }
}
