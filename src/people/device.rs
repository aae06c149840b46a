//! Device cookies: by which an account knows the browsers that have signed in to it before.
//!
//! The cookie is no proof of anybody: it gives the browser a few failures of its own, which nobody else
//! can use up (OWASP, *Slow Down Online Guessing Attacks with Device Cookies*). It is bound to account and
//! browser, ends with the password, and is stored as a digest.

use super::People;
use crate::store::{Tx, device_cookies};
use crate::types::token::DeviceSecret;
use crate::types::{Result, Seconds, UserId};

/// How long a browser is known after its last sign-in.
pub const KNOWN: Seconds = Seconds::days(180);

/// The secret that the browser goes on with: the one that it has, if it is ours, so that several people
/// share a browser; otherwise a new one, which nobody else can have chosen.
pub(super) async fn secret(
    people: &People<'_>,
    current: Option<&DeviceSecret>,
) -> Result<DeviceSecret> {
    if let Some(current) = current
        && device_cookies::is_ours(people.store.db(), &current.digest(), people.now).await?
    {
        return Ok(current.clone());
    }
    Ok(DeviceSecret::generate())
}

/// The browser has signed in to the account.
pub(super) async fn keep(
    tx: &mut Tx,
    people: &People<'_>,
    secret: &DeviceSecret,
    user: &UserId,
) -> sqlx::Result<()> {
    device_cookies::keep(tx, &secret.digest(), user, people.now + KNOWN, people.now).await
}
