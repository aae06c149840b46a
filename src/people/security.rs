//! What proves who a person is, as its owner is told.

use crate::store::{Store, device_cookies, users};
use crate::types::{Result, Timestamp, UserId};

/// What an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    /// When the password was last set; `None` without one.
    pub password_set_at: Option<Timestamp>,
    /// How many browsers have signed in before and are let in although others guess.
    pub browsers: i64,
}

/// What this account has.
///
/// # Errors
/// When the store fails.
pub async fn of_user(store: &Store, user: &UserId, now: Timestamp) -> Result<Security> {
    Ok(Security {
        password_set_at: users::password_set_at(store.db(), user).await?,
        browsers: device_cookies::count(store.db(), user, now).await?,
    })
}
