//! The applications that may act for a user: the list, and the withdrawal of consent.

use crate::flow::Call;
use crate::record::{Context, Event, Kind};
use crate::roles;
use crate::store::clients::{self, Logo};
use crate::store::consents::{self, Authorised};
use crate::store::{codes, grants, retrying};
use crate::types::{ClientId, Holder, Result, UserId};

/// The applications that may act for a user: those with a consent, the oldest first, then those that need none.
///
/// # Errors
/// If the store fails.
pub async fn list(call: &Context<'_>, user: &UserId) -> Result<Vec<Authorised>> {
    let mut all = consents::of_user(call.store.db(), user).await?;
    for used in grants::live_of_user(call.store.db(), user, call.now).await? {
        if let Some(one) = all.iter_mut().find(|one| one.client_id == used.client_id) {
            one.used_at = one.used_at.max(Some(used.used_at));
            one.is_offline = used.offline > 0;
        }
    }
    all.extend(grants::live_without_consent(call.store.db(), user, call.now).await?);
    Ok(all)
}

/// Withdraws a user's consent for a client and revokes all grants of the two in the same transaction: no request that
/// begins after the response succeeds (THREATS X-05). `false` if there was nothing to withdraw.
///
/// # Errors
/// If it could not be written.
pub async fn withdraw(call: &Context<'_>, user: &UserId, client: &ClientId) -> Result<bool> {
    retrying(|| async {
        let mut tx = call.store.write().await?;
        let withdrawn = consents::withdraw(&mut tx, user, client).await?;
        roles::must_cover(&mut tx, call.trace, &Holder::User(user.clone())).await?;
        // Codes before grants: a concurrent redemption has locked its code, so this statement waits for it, and the
        // next one sees the new grant.
        codes::spend_of_user_and_client(&mut tx, user, client, call.now).await?;
        let revoked = grants::revoke_of_user_and_client(&mut tx, user, client, call.now).await?;
        let withdrawn = withdrawn || revoked > 0;
        if withdrawn {
            Event::success(Kind::ConsentWithdrawn)
                .client(client)
                .user(user)
                .fact("grants_revoked", revoked)
                .write(&mut tx, call.trace)
                .await?;
        }
        tx.commit().await?;
        Ok(withdrawn)
    })
    .await
}

/// The logo of a client, as fetched at registration.
///
/// # Errors
/// If the store fails.
pub async fn logo(call: &Call<'_>, client: &ClientId) -> Result<Option<Logo>> {
    Ok(clients::logo(call.store.db(), client).await?)
}
