//! Users.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{Action, Allowed, Call, Done, Error, Page, Result, Subject};
pub use crate::people::account::NewAccount;
use crate::people::activity::{self, Activity};
pub use crate::people::links::Link;
use crate::people::security::{self, Security};
use crate::people::update::{self as rules};
use crate::people::{account, links, name, search as words};
pub use crate::people::{
    claims,
    update::{Changes, version},
};
use crate::record::Kind;
use crate::store::users;
pub use crate::store::users::words::{FoundUser, Position};
use crate::types::{Secret, User, UserId};

/// Creates a user.
///
/// # Errors
/// See [`account::create`].
pub async fn create(call: &Call<'_>, new: NewAccount<'_>) -> Result<Done<User>> {
    let call = &call.allow(Action::CreateUser)?;
    let user = account::create(&call.people().await?, new).await?;
    Ok(Done::new(user, Kind::UserCreated))
}

/// Creates a user with this identifier, which was generated for one form. If the form was sent before, returns the user
/// that it created, and no event is written.
///
/// # Errors
/// See [`account::create`].
pub async fn create_once(call: &Call<'_>, id: &UserId, new: NewAccount<'_>) -> Result<Done<User>> {
    let call = &call.allow(Action::CreateUser)?;
    let user = account::create_once(&call.people().await?, id, new).await?;
    Ok(Done::new(user, Kind::UserCreated))
}

/// A page of all users, newest first, before this one.
///
/// # Errors
/// The database fails.
pub async fn newest(call: &Call<'_>, before: Option<&UserId>, limit: i64) -> Result<Page<User>> {
    let call = &call.allow(Action::ReadUsers)?;
    Ok(Page::new(users::newest(call.store.db(), before, limit).await?, limit))
}

/// A page of the users who have, for each typed word, a word of their names or their e-mail address that begins with
/// it, after this position.
///
/// # Errors
/// The database fails.
pub async fn search(
    call: &Call<'_>,
    typed: &str,
    after: Option<&Position>,
    limit: i64,
) -> Result<Page<FoundUser>> {
    let call = &call.allow(Action::ReadUsers)?;
    Ok(Page::new(words::search(call.store, typed, after, limit).await?, limit))
}

/// How a user authenticates.
///
/// # Errors
/// The database fails.
pub async fn security(call: &Call<'_>, user: &UserId) -> Result<Security> {
    let call = &call.allow(Action::ReadUsers)?;
    Ok(security::of_user(call.store, user, call.now).await?)
}

/// The recent events of a user's account, as the user sees them.
///
/// # Errors
/// The database fails.
pub async fn activity(call: &Call<'_>, user: &UserId) -> Result<Vec<Activity>> {
    let call = &call.allow(Action::ReadAudit)?;
    Ok(activity::recent(call.store, user).await?)
}

/// A page of all users, oldest first, after this one.
///
/// # Errors
/// The database fails.
pub async fn page(call: &Call<'_>, after: Option<&UserId>, limit: i64) -> Result<Page<User>> {
    let call = &call.allow(Action::ReadUsers)?;
    Ok(Page::new(users::page(call.store.db(), after, limit).await?, limit))
}

/// Finds a user by identifier, username or e-mail address. The identifier takes precedence, so a user cannot
/// impersonate another one by choosing that user's identifier as a username.
///
/// # Errors
/// There is no such user, or the database fails.
pub async fn find(call: &Call<'_>, who: &str) -> Result<User> {
    existing(&call.allow(Action::ReadUsers)?, who).await
}

/// The user with this identifier.
///
/// # Errors
/// There is no such user, or the database fails.
pub async fn read(call: &Call<'_>, id: &UserId) -> Result<User> {
    let call = &call.allow(Action::ReadUsers)?;
    let found = users::with_password(call.store.db(), id).await?;
    found.map(|found| found.user).ok_or_else(|| unknown(id.as_str()))
}

/// A user whom the administrator has created: what [`create`] returned.
///
/// # Errors
/// There is no such user any more, or the database fails.
pub async fn created(call: &Call<'_>, id: &UserId) -> Result<User> {
    let call = &call.allow(Action::CreateUser)?;
    let found = users::with_password(call.store.db(), id).await?;
    found.map(|found| found.user).ok_or_else(|| unknown(id.as_str()))
}

/// The names of a user to find.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// The username.
    pub username: Option<&'a str>,
    /// The e-mail address.
    pub email: Option<&'a str>,
}

/// The user with these names, compared as at sign-in.
///
/// # Errors
/// The database fails.
pub async fn named(call: &Call<'_>, names: &Names<'_>) -> Result<Option<User>> {
    let call = &call.allow(Action::ReadUsers)?;
    let Some(any) = names.username.or(names.email) else {
        return Ok(None);
    };
    let found = users::by_name(call.store.db(), &name::canonical(any)).await?;
    let is_same = |wanted: Option<&str>, own: Option<&str>| {
        wanted.is_none_or(|wanted| {
            own.is_some_and(|own| name::canonical(own) == name::canonical(wanted))
        })
    };
    let found = found.map(|found| found.user).filter(|user| {
        is_same(names.username, Some(&user.username)) && is_same(names.email, user.email.as_deref())
    });
    Ok(found)
}

/// Checks that there is a user.
pub(super) async fn must_be_known(call: &Allowed<'_>, id: &UserId) -> Result<()> {
    let found = users::with_password(call.store.db(), id).await?;
    found.map(drop).ok_or_else(|| unknown(id.as_str()))
}

fn unknown(who: &str) -> Error {
    let text = format!("no user has the username, e-mail address or identifier {who}");
    Error::NotFound(Subject::User, text)
}

pub(super) async fn existing(call: &Allowed<'_>, who: &str) -> Result<User> {
    known(call, who).await?.ok_or_else(|| unknown(who))
}

pub(super) async fn known(call: &Allowed<'_>, who: &str) -> Result<Option<User>> {
    if who.trim().is_empty() {
        return Err(Error::Invalid("the name of the user is empty".to_owned()));
    }
    let by_id = users::with_password(call.store.db(), &UserId::from_text(who)).await?;
    let found = match by_id {
        Some(found) => Some(found),
        None => users::by_name(call.store.db(), &name::canonical(who)).await?,
    };
    Ok(found.map(|found| found.user))
}

/// Changes the names and claims of a user.
///
/// # Errors
/// Nothing is to be changed; also those of [`rules::update`].
pub async fn update(call: &Call<'_>, user: &UserId, changes: &Changes<'_>) -> Result<Done<User>> {
    let call = &call.allow(Action::UpdateUser)?;
    let is_empty = changes.username.is_none()
        && changes.email.is_none()
        && changes.email_verified.is_none()
        && changes.claims.is_empty()
        && changes.removed.is_empty();
    if is_empty {
        return Err(Error::Invalid("no change is given".to_owned()));
    }
    let user = rules::update(&call.people().await?, user, changes).await?;
    Ok(Done::new(user, Kind::UserUpdated))
}

/// Deletes a user, with all sessions, grants and consents.
///
/// # Errors
/// There is no such user, or the database fails.
pub async fn delete(call: &Call<'_>, user: &UserId) -> Result<Done<()>> {
    let call = &call.allow(Action::DeleteUser)?;
    let is_deleted = rules::delete(&call.people().await?, user).await?;
    must_exist(is_deleted, user)?;
    Ok(Done::new((), Kind::UserDeleted))
}

/// Disables a user: ends all sessions and revokes all grants.
///
/// # Errors
/// There is no such user, or the database fails.
pub async fn disable(call: &Call<'_>, user: &UserId) -> Result<Done<User>> {
    let call = &call.allow(Action::DisableUser)?;
    let is_disabled = account::disable(&call.people().await?, user).await?;
    must_exist(is_disabled, user)?;
    Ok(Done::new(existing(call, user.as_str()).await?, Kind::UserDisabled))
}

/// Enables a disabled user.
///
/// # Errors
/// There is no such user, or the database fails.
pub async fn enable(call: &Call<'_>, user: &UserId) -> Result<Done<User>> {
    let call = &call.allow(Action::EnableUser)?;
    let is_enabled = account::enable(&call.people().await?, user).await?;
    must_exist(is_enabled, user)?;
    Ok(Done::new(existing(call, user.as_str()).await?, Kind::UserEnabled))
}

/// Resets the sign-in throttling of a user.
///
/// # Errors
/// There is no such user, or the database fails.
pub async fn unlock(call: &Call<'_>, user: &UserId) -> Result<Done<()>> {
    let call = &call.allow(Action::UnlockUser)?;
    account::unlock(&call.people().await?, user).await?;
    Ok(Done::new((), Kind::UserUnlocked))
}

/// Sets the password of a user: ends all sessions and revokes all grants.
///
/// # Errors
/// See [`account::set_password`].
pub async fn set_password(call: &Call<'_>, user: &UserId, password: &Secret) -> Result<Done<()>> {
    let call = &call.allow(Action::SetPassword)?;
    account::set_password(&call.people().await?, user, password).await?;
    Ok(Done::new((), Kind::PasswordChanged))
}

/// Creates a link by which a user sets a new password. It is shown once, to the administrator.
///
/// # Errors
/// There is no such user, the user is disabled or may do more than the administrator may, or the database fails.
pub async fn start_recovery(call: &Call<'_>, user: &UserId) -> Result<Done<Link>> {
    let permitted = &call.allow(Action::StartRecovery)?;
    let people = permitted.people().await?;
    let of_administrator = || call.authority().check(Action::GrantRole, call.now());
    let link = links::start_recovery(&people, user, of_administrator).await?;
    Ok(Done::new(link, Kind::RecoveryStarted))
}

fn must_exist(exists: bool, user: &UserId) -> Result<()> {
    if exists {
        return Ok(());
    }
    Err(Error::NotFound(Subject::User, format!("the user {user} has been deleted meanwhile")))
}

/// A user as JSON.
pub fn document(user: &User) -> Value {
    json!(Document::from(user))
}

/// A user, with the names of OIDC Core §5.1.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct Document {
    /// The identifier, never used again for another user.
    id: String,
    /// The name to sign in with: `preferred_username`.
    username: String,
    /// The e-mail address, with which the user can sign in too.
    #[schema(required)]
    email: Option<String>,
    /// Whether the address is verified.
    email_verified: bool,
    /// The other standard claims (OIDC Core §5.1).
    claims: Map<String, Value>,
    /// When the account was created, in Unix seconds.
    created_at: i64,
    /// When the account was last changed, in Unix seconds.
    updated_at: i64,
    /// Since when the account is disabled, in Unix seconds.
    #[schema(required)]
    disabled_at: Option<i64>,
}

impl From<&User> for Document {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            claims: user.claims.clone(),
            created_at: user.created_at.0,
            updated_at: user.updated_at.0,
            disabled_at: user.disabled_at.map(|at| at.0),
        }
    }
}
