//! Device cookies: they identify browsers that have signed in to an account before.
//!
//! The cookie authenticates nobody. It gives the browser its own limit of failed attempts, which attackers cannot use
//! up (OWASP, *Slow Down Online Guessing Attacks with Device Cookies*). It is bound to account and browser, becomes
//! invalid when the password changes, and is stored as a digest.

use super::People;
use crate::store::{Tx, device_cookies};
use crate::types::token::DeviceSecret;
use crate::types::{Result, Seconds, UserId};

/// The lifetime of a device cookie after the last sign-in.
pub const KNOWN: Seconds = Seconds::days(180);

/// The device secret of the browser: the current one if this server issued it, so that several users can share a
/// browser; otherwise a new one, because the current one may have been chosen by an attacker.
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

/// Stores that the browser has signed in to the account.
pub(super) async fn keep(
    tx: &mut Tx,
    people: &People<'_>,
    secret: &DeviceSecret,
    user: &UserId,
) -> sqlx::Result<()> {
    device_cookies::store(tx, &secret.digest(), user, people.now + KNOWN, people.now).await
}
