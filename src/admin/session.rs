//! Sessions of users, and the applications with access to their accounts.

use serde_json::{Value, json};

use super::{Action, Call, Done, Result};
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
pub async fn list(call: &Call<'_>, user: &UserId) -> Result<Vec<Session>> {
    let call = &call.allow(Action::ReadSessions)?;
    Ok(session::of_user(call.store, user, call.now).await?)
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
pub async fn end_all(call: &Call<'_>, user: &UserId) -> Result<Done<u64>> {
    let call = &call.allow(Action::EndSessions)?;
    let ended = session::end_others(&call.people().await?, user, None).await?;
    Ok(Done::new(ended, Kind::SessionEnded))
}

/// The applications with access to a user's account.
///
/// # Errors
/// The database fails.
pub async fn applications(call: &Call<'_>, user: &UserId) -> Result<Vec<Authorised>> {
    let call = &call.allow(Action::ReadSessions)?;
    Ok(applications::list(call, user).await?)
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
    json!({
        "id": session.id,
        "user_id": session.user_id,
        "auth_time": session.auth_time,
        "amr": session.amr,
        "acr": session.acr,
        "address": session.address,
        "user_agent": session.user_agent,
        "created_at": session.created_at,
        "seen_at": session.seen_at,
        "idle_at": session.idle_at,
        "expires_at": session.expires_at,
    })
}
