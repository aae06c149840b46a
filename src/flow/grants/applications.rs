//! What people see and do about the applications that may act for them.

use crate::flow::Call;
use crate::record::{Event, Kind};
use crate::store::clients::{self, Logo};
use crate::store::consents::{self, Authorised};
use crate::store::{codes, grants, retrying};
use crate::types::{ClientId, Result, UserId};

/// The applications that may act for a user: those that the user has let in, the oldest first, then
/// the trusted ones, which ask nobody.
///
/// # Errors
/// When the store fails.
pub async fn applications(call: &Call<'_>, user: &UserId) -> Result<Vec<Authorised>> {
    let mut all = consents::of_user(call.store.db(), user).await?;
    for used in grants::in_use(call.store.db(), user, call.now).await? {
        if let Some(one) = all.iter_mut().find(|one| one.client_id == used.client_id) {
            one.used_at = one.used_at.max(Some(used.used_at));
            one.is_offline = used.offline > 0;
        }
    }
    all.extend(grants::without_consent(call.store.db(), user, call.now).await?);
    Ok(all)
}

/// Takes back what a user has allowed a client: every grant of the two is revoked in the same
/// transaction, so that no answer that begins after this one is a success (THREATS X-05).
/// `false`: there was nothing to take back.
///
/// # Errors
/// When it could not be written.
pub async fn withdraw(call: &Call<'_>, user: &UserId, client: &ClientId) -> Result<bool> {
    retrying(|| async {
        let mut tx = call.store.write().await?;
        let withdrawn = consents::withdraw(&mut tx, user, client).await?;
        // The codes before the grants: a redemption that is under way holds its code, so that this waits
        // for it and then sees its grant.
        codes::spend_all(&mut tx, user, client, call.now).await?;
        let revoked = grants::revoke_all(&mut tx, user, client, call.now).await?;
        let withdrawn = withdrawn || revoked > 0;
        if withdrawn {
            Event::success(Kind::ConsentWithdrawn)
                .client(client)
                .user(user)
                .fact("grants_revoked", revoked)
                .write(&mut tx, &call.trace)
                .await?;
        }
        tx.commit().await?;
        Ok(withdrawn)
    })
    .await
}

/// The logo of a client, as it was fetched at registration.
///
/// # Errors
/// When the store fails.
pub async fn logo(call: &Call<'_>, client: &ClientId) -> Result<Option<Logo>> {
    Ok(clients::logo(call.store.db(), client).await?)
}
