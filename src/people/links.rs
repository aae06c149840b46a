//! One-time links: an invitation to become owner, and a recovery, by which a locked-out user sets a new password.
//!
//! The link of either is shown once, to its creator. It is valid for a day and for one use, and the next one
//! makes it invalid.

use super::People;
use super::account::{self, NewAccount};
use crate::record::{Context, Event, Kind};
use crate::roles;
use crate::store::links::{self, Purpose};
use crate::store::{Store, retrying, roles as stored, users};
use crate::types::token::LinkSecret;
use crate::types::{
    Actor, Code, Error, Holder, Refusal, Result, Role, Seconds, Secret, Timestamp, User, UserId,
};

/// How long a link is valid.
pub const LIFETIME: Seconds = Seconds::hours(24);

/// A new link. No other value has the secret.
#[derive(Debug)]
pub struct Link {
    /// The secret.
    pub secret: LinkSecret,
    /// The end of its validity.
    pub expires_at: Timestamp,
}

impl Link {
    fn new(now: Timestamp) -> Self {
        Self { secret: LinkSecret::generate(), expires_at: now + LIFETIME }
    }
}

/// Creates an invitation to become owner.
///
/// # Errors
/// When the store fails.
pub async fn invite(context: &Context<'_>) -> Result<Link> {
    let (now, link) = (context.now, Link::new(context.now));
    let digest = link.secret.digest();
    retrying(|| async {
        let mut tx = context.store.write().await?;
        links::replace(&mut tx, &digest, Purpose::Owner, None, now, link.expires_at).await?;
        Event::success(Kind::OwnerInvited).write(&mut tx, context.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(link)
}

/// Whether an invitation is valid. Only [`accept`] decides.
///
/// # Errors
/// When the store fails.
pub async fn is_invited(store: &Store, secret: &LinkSecret, now: Timestamp) -> Result<bool> {
    let found = links::live(store.db(), &secret.digest(), Purpose::Owner, now).await?;
    Ok(found.is_some())
}

/// Who becomes owner.
#[derive(Debug)]
pub enum NewOwner<'a> {
    /// A user who is signed in.
    Existing(&'a UserId),
    /// A new user.
    New(NewAccount<'a>),
}

/// Accepts an invitation: the user becomes owner.
///
/// # Errors
/// Refuses a link that is invalid, and a new account as [`account::create`] does.
pub async fn accept(
    people: &People<'_>,
    secret: &LinkSecret,
    owner: NewOwner<'_>,
) -> Result<UserId> {
    // A link that is invalid must not cost a hash; only the transaction decides.
    if !is_invited(people.store, secret, people.now).await? {
        return Err(invalid().into());
    }
    // Everything else that can be refused comes before the link is used.
    let prepared = match owner {
        NewOwner::Existing(id) => Ok(id.clone()),
        NewOwner::New(account) => Err(account::prepare(people, account).await?),
    };
    let digest = secret.digest();
    retrying(|| async {
        let mut tx = people.store.write().await?;
        if links::spend(&mut tx, &digest, Purpose::Owner, people.now).await?.is_none() {
            return Err(invalid().into());
        }
        let id = match &prepared {
            Ok(id) => id.clone(),
            Err(prepared) => {
                prepared.insert(&mut tx, people).await?;
                prepared.user.id.clone()
            }
        };
        let holder = Holder::User(id.clone());
        roles::void_links(&mut tx, &holder, people.now).await?;
        stored::lock(&mut tx).await?;
        if stored::grant(&mut tx, &holder, Role::Owner, people.now).await? {
            let event = roles::record(Kind::RoleGranted, &holder, Role::Owner);
            event.fact("by", "an invitation").write(&mut tx, people.trace).await?;
        }
        tx.commit().await?;
        Ok::<_, Error>(id)
    })
    .await
}

/// Creates a link by which a user sets a new password. The current one stays valid until then. For a user with a role,
/// `of_administrator` decides: the reader of the link has the role.
///
/// # Errors
/// Refuses unknown and disabled accounts, administrators who may do more than the actor may, and the actor: a new
/// password would make an old session a recent authentication.
pub async fn start_recovery(
    people: &People<'_>,
    user: &UserId,
    of_administrator: impl Fn() -> Result<(), Refusal> + Sync,
) -> Result<Link> {
    let (now, link) = (people.now, Link::new(people.now));
    let digest = link.secret.digest();
    retrying(|| async {
        let mut tx = people.store.write().await?;
        if !users::lock(&mut tx, user, now).await? {
            return Err(Code::NotFound.because("there is no such account").into());
        }
        let holder = Holder::User(user.clone());
        roles::must_cover(&mut tx, people.trace, &holder).await?;
        if people.trace.actor == Some(Actor::Holder(holder.clone())) {
            let why = "change your own password on the account page";
            return Err(Code::Forbidden.because(why).into());
        }
        if !stored::of(&mut tx, &holder).await?.is_empty() {
            of_administrator()?;
        }
        let found = users::with_password(&mut tx, user).await?;
        if found.is_none_or(|found| found.user.disabled_at.is_some()) {
            return Err(Code::Conflict.because("the account is disabled: enable it first").into());
        }
        let expires_at = link.expires_at;
        links::replace(&mut tx, &digest, Purpose::Recovery, Some(user), now, expires_at).await?;
        Event::success(Kind::RecoveryStarted).user(user).write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(link)
}

/// The user of a valid recovery link. Only [`recover`] decides.
///
/// # Errors
/// When the store fails.
pub async fn recovering(people: &People<'_>, secret: &LinkSecret) -> Result<Option<User>> {
    let on = people.store.db();
    let found = links::live(on, &secret.digest(), Purpose::Recovery, people.now).await?;
    let Some(id) = found.flatten() else {
        return Ok(None);
    };
    let found = users::with_password(people.store.db(), &id).await?;
    Ok(found.map(|found| found.user).filter(|user| user.disabled_at.is_none()))
}

/// Sets a new password by a recovery link. All sessions end and all grants are revoked.
///
/// # Errors
/// Refuses a link that is invalid, and weak passwords.
pub async fn recover(people: &People<'_>, secret: &LinkSecret, typed: &Secret) -> Result<User> {
    let user = recovering(people, secret).await?.ok_or_else(invalid)?;
    let hash = account::hash_for(people, &user, typed).await?;
    let digest = secret.digest();
    retrying(|| async {
        let mut tx = people.store.write().await?;
        let spent = links::spend(&mut tx, &digest, Purpose::Recovery, people.now).await?;
        if spent.flatten().as_ref() != Some(&user.id) {
            return Err(invalid().into());
        }
        let now = users::with_password(&mut tx, &user.id).await?;
        if now.is_none_or(|found| found.user.disabled_at.is_some()) {
            return Err(invalid().into());
        }
        account::replace_password(&mut tx, people, &user.id, &hash, "a recovery link").await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(user)
}

fn invalid() -> Refusal {
    Code::NotFound.because("this link has expired, was used, or was replaced by a later one")
}
