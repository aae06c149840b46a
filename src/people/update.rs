//! Changes the names and claims of an account, and deletes accounts.

use serde_json::{Map, Value, json};

use super::account::{end_everything, sign_in_names};
use super::{People, claims, name, search};
use crate::record::{Event, Kind};
use crate::roles;
use crate::store::users::{Names, WithPassword};
use crate::store::{codes, is_duplicate, retrying, users};
use crate::types::{Code, Digest, Error, Holder, Result, User, UserId};

/// The fields to change; all others stay.
#[derive(Debug, Default)]
pub struct Changes<'a> {
    /// The `preferred_username`.
    pub username: Option<&'a str>,
    /// The `email`; `Some(None)` removes it. A new address is unverified unless `email_verified` is set as well.
    pub email: Option<Option<&'a str>>,
    /// Whether the address is verified.
    pub email_verified: Option<bool>,
    /// Other standard claims, as parsed by [`super::claims::parse`]; members of `address` are changed one by one.
    pub claims: Map<String, Value>,
    /// Claims to remove: `locale`, `address.region`.
    pub removed: &'a [String],
    /// The [`version`] of the account that the change is based on. If it has another one, nothing is changed.
    pub base: Option<Digest>,
}

/// Identifies the names and claims of an account, for the detection of concurrent changes (THREATS AD-10). Unlike
/// `updated_at`, it differs for two changes within a second.
pub fn version(user: &User) -> Digest {
    let User { username, email, email_verified, claims, .. } = user;
    Digest::of(json!([username, email, email_verified, claims]).to_string().as_bytes())
}

/// Changes an account. Sessions and grants stay valid: applications see the change at their next request.
///
/// # Errors
/// Refuses names that are invalid or in use, `email_verified` without an address, and unknown accounts; `precondition_failed` if
/// the account was changed since the base of the change.
pub async fn update(people: &People<'_>, user: &UserId, changes: &Changes<'_>) -> Result<User> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        // Locks the row between the read and the write.
        if !users::lock(&mut tx, user, people.now).await? {
            return Err(Code::NotFound.because("there is no such account").into());
        }
        roles::must_cover(&mut tx, people.trace, &Holder::User(user.clone())).await?;
        let found = users::with_password(&mut tx, user).await?;
        let WithPassword { user: before, .. } =
            found.ok_or_else(|| Code::NotFound.because("there is no such account"))?;
        if changes.base.is_some_and(|base| !base.matches(&version(&before))) {
            return Err(Code::PreconditionFailed
                .because("the account was changed meanwhile: read it again")
                .into());
        }
        let after = apply(&before, changes)?;
        let sign_in = sign_in_names(&after.username, after.email.as_deref())?;
        let names = Names { sign_in, words: search::words_of(&after) };
        match users::update(&mut tx, &after, &names, people.now).await {
            Err(error) if is_duplicate(&error) => {
                return Err(Code::InvalidRequest
                    .because("another account has the username or the e-mail address")
                    .into());
            }
            updated => updated?,
        }
        let event = Event::success(Kind::UserUpdated).user(user);
        let event = event.fact("changed", differences(&before, &after));
        event.write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(after)
    })
    .await
}

fn apply(before: &User, changes: &Changes<'_>) -> Result<User> {
    let mut after = before.clone();
    if let Some(username) = changes.username {
        after.username = name::username(username)?;
    }
    if let Some(email) = changes.email {
        after.email = email.map(name::email).transpose()?;
        after.email_verified &= after.email == before.email;
    }
    if let Some(is_verified) = changes.email_verified {
        if is_verified && after.email.is_none() {
            return Err(Code::InvalidRequest
                .because("there is no e-mail address that could be verified")
                .into());
        }
        after.email_verified = is_verified;
    }
    for name in changes.removed {
        claims::remove(&mut after.claims, name)?;
    }
    claims::merge(&mut after.claims, changes.claims.clone());
    Ok(after)
}

/// The names of the changed fields. The audit event does not contain their values.
fn differences(before: &User, after: &User) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for (name, differs) in [
        ("username", before.username != after.username),
        ("email", before.email != after.email),
        ("email_verified", before.email_verified != after.email_verified),
    ] {
        if differs {
            names.push(name);
        }
    }
    let claims = before.claims.keys().chain(after.claims.keys());
    names.extend(
        claims
            .filter(|name| before.claims.get(*name) != after.claims.get(*name))
            .map(String::as_str),
    );
    names.sort_unstable();
    names.dedup();
    names.join(" ").into()
}

/// Deletes an account permanently. One transaction ends its sessions, revokes its grants, and deletes its names, its
/// password and its consents. Audit events stay and refer to its identifier, which is never used again. `false`: there
/// is no such account.
///
/// # Errors
/// When the store fails.
pub async fn delete(people: &People<'_>, user: &UserId) -> Result<bool> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        // Codes first, as in `revoke_everything`: a redemption locks its code before it reads the account.
        codes::spend_of_user(&mut tx, user, people.now).await?;
        roles::must_cover(&mut tx, people.trace, &Holder::User(user.clone())).await?;
        roles::must_leave_an_owner(&mut tx, user).await?;
        let event = Event::success(Kind::UserDeleted).user(user);
        let event = end_everything(&mut tx, people, user, event).await?;
        if !users::delete(&mut tx, user).await? {
            return Ok(false);
        }
        event.write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok(true)
    })
    .await
}
