//! Changing what an account is called and what is known of its person; deleting it.

use serde_json::{Map, Value};

use super::account::{end_everything, sign_in_names};
use super::{People, claims, name};
use crate::record::{Event, Kind};
use crate::store::users::WithPassword;
use crate::store::{codes, is_duplicate, retrying, users};
use crate::types::{Code, Error, Result, User, UserId};

/// What is to be changed; the rest stays.
#[derive(Debug, Default)]
pub struct Changes<'a> {
    /// The `preferred_username`.
    pub username: Option<&'a str>,
    /// The `email`; `Some(None)` takes it away. A new one is not verified unless that is said as well.
    pub email: Option<Option<&'a str>>,
    /// Whether somebody has made sure that the address is theirs.
    pub email_verified: Option<bool>,
    /// Other standard claims, as [`super::claims::read`] gives them; members of an address are changed
    /// one by one.
    pub claims: Map<String, Value>,
    /// Claims to be taken away: `locale`, `address.region`.
    pub removed: &'a [String],
}

/// Changes an account. Sessions and grants go on: applications see the change when they ask again.
///
/// # Errors
/// Refuses names that are not names or are somebody else's, a verified address where there is none, and
/// accounts that are not there.
pub async fn update(people: &People<'_>, user: &UserId, changes: &Changes<'_>) -> Result<User> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        // Nobody else changes it between what is read here and what is written.
        if !users::hold(&mut tx, user, people.now).await? {
            return Err(Code::NotFound.because("there is no such account").into());
        }
        let found = users::with_password(&mut tx, user).await?;
        let WithPassword { user: before, .. } =
            found.ok_or_else(|| Code::NotFound.because("there is no such account"))?;
        let after = changed(&before, changes)?;
        let names = sign_in_names(&after.username, after.email.as_deref())?;
        match users::update(&mut tx, &after, &names).await {
            Err(error) if is_duplicate(&error) => {
                return Err(Code::InvalidRequest
                    .because("the username or the e-mail address is somebody's already")
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

fn changed(before: &User, changes: &Changes<'_>) -> Result<User> {
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

/// What differs, by name: the audit trail need not know what somebody is called.
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

/// Deletes an account, for good. In one transaction its sessions end and its grants are revoked, and
/// with the account go its names, its password, its consents and everything that was granted. The audit
/// trail stays, by its identifier, which no other account will ever have. `false`: there is none.
///
/// # Errors
/// When the store fails.
pub async fn delete(people: &People<'_>, user: &UserId) -> Result<bool> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        // The codes first, as in `end_everything`: a redemption holds its code before it needs the account.
        codes::spend_of_user(&mut tx, user, people.now).await?;
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
