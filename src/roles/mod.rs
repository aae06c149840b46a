//! Roles of administrators: giving them, taking them away, and on whom an administrator may act.

use crate::record::{Context, Event, Kind, Trace};
use crate::store::links::{self, Purpose};
use crate::store::{Tx, enrolments, retrying, roles, users};
use crate::types::administration::covers;
use crate::types::{Actor, Code, Error, Holder, Refusal, Result, Role, Timestamp, UserId};

/// Checks that the actor may do everything that `target` may: an administrator acts only on users and clients whose
/// roles include no more than their own (THREATS AD-05). The operator at the command line may act on all; without an
/// actor, users and clients act for themselves.
///
/// # Errors
/// `access_denied`.
pub async fn must_cover(tx: &mut Tx, trace: &Trace, target: &Holder) -> Result<()> {
    let Some(Actor::Holder(actor)) = &trace.actor else {
        return Ok(());
    };
    if actor == target || roles::of(&mut *tx, target).await?.is_empty() {
        return Ok(());
    }
    // Read again under the lock: the roles of both may just have changed.
    roles::lock(tx).await?;
    let (own, theirs) = (roles::of(&mut *tx, actor).await?, roles::of(&mut *tx, target).await?);
    if covers(&own, &theirs) {
        return Ok(());
    }
    Err(Code::Forbidden
        .because("this administrator may do more than you may")
        .with("target", format_args!("{}:{}", target.kind(), target.id()))
        .into())
}

/// Checks that an enabled owner remains without this user (THREATS AD-12).
///
/// # Errors
/// `conflict`.
pub async fn must_leave_an_owner(tx: &mut Tx, user: &UserId) -> Result<()> {
    let holder = Holder::User(user.clone());
    if !roles::of(&mut *tx, &holder).await?.contains(&Role::Owner) {
        return Ok(());
    }
    // Of two owners who are removed at once, the second waits here and finds no other.
    roles::lock(tx).await?;
    if roles::has_owner(tx, user.as_str()).await? {
        return Ok(());
    }
    Err(last_owner().into())
}

const fn last_owner() -> Refusal {
    Code::Conflict.because("the last owner stays: make another user an owner first")
}

/// Gives a role to a user or a client. `false`: it has the role already.
///
/// # Errors
/// `not_found`; `access_denied` for a role that may do more than the actor may.
pub async fn grant(context: &Context<'_>, holder: &Holder, role: Role) -> Result<bool> {
    retrying(|| async {
        let mut tx = context.store.write().await?;
        void_links(&mut tx, holder, context.now).await?;
        roles::lock(&mut tx).await?;
        must_have(&mut tx, context.trace, role).await?;
        if roles::of(&mut tx, holder).await?.contains(&role) {
            return Ok(false);
        }
        if !roles::grant(&mut tx, holder, role, context.now).await? {
            return Err(Code::NotFound.because("there is no such user or client").into());
        }
        record(Kind::RoleGranted, holder, role).write(&mut tx, context.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(true)
    })
    .await
}

/// Invalidates what others could use to become this user or client, before it gets a role: recovery links and enrolment
/// tokens. Locks the user, so that a change of the account that has not seen the role comes first.
pub async fn void_links(tx: &mut Tx, holder: &Holder, now: Timestamp) -> Result<()> {
    match holder {
        Holder::User(id) => {
            users::lock(tx, id, now).await?;
            links::void(tx, Purpose::Recovery, Some(id)).await?;
        }
        Holder::Client(id) => enrolments::delete_of_client(tx, id).await?,
    }
    Ok(())
}

/// Takes a role away. `false`: the user or the client does not have it.
///
/// # Errors
/// `conflict` for the last owner; `access_denied` for a role that may do more than the actor may.
pub async fn revoke(context: &Context<'_>, holder: &Holder, role: Role) -> Result<bool> {
    retrying(|| async {
        let mut tx = context.store.write().await?;
        roles::lock(&mut tx).await?;
        must_have(&mut tx, context.trace, role).await?;
        if !roles::revoke(&mut tx, holder, role).await? {
            return Ok(false);
        }
        if role == Role::Owner && !roles::has_owner(&mut tx, "").await? {
            return Err(last_owner().into());
        }
        record(Kind::RoleRevoked, holder, role).write(&mut tx, context.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(true)
    })
    .await
}

/// Checks that the actor may do everything that the role may.
async fn must_have(tx: &mut Tx, trace: &Trace, role: Role) -> Result<()> {
    let Some(Actor::Holder(actor)) = &trace.actor else {
        return Ok(());
    };
    if covers(&roles::of(tx, actor).await?, &[role]) {
        return Ok(());
    }
    Err(Code::Forbidden.because("this role may do more than you may").with("role", role).into())
}

/// The event of a change of roles.
pub fn record(kind: Kind, holder: &Holder, role: Role) -> Event {
    let event = Event::success(kind).fact("role", role.as_str());
    match holder {
        Holder::User(id) => event.user(id),
        Holder::Client(id) => event.client(id),
    }
}
