//! How a user authenticates, as shown on the account page.

use crate::store::{Store, device_cookies, users};
use crate::types::{Result, Timestamp, UserId};

/// The authentication methods of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    /// The time of the last change of the password; `None` without a password.
    pub password_set_at: Option<Timestamp>,
    /// The number of browsers with a valid device cookie.
    pub browsers: i64,
}

/// The authentication methods of this account.
///
/// # Errors
/// When the store fails.
pub async fn of_user(store: &Store, user: &UserId, now: Timestamp) -> Result<Security> {
    Ok(Security {
        password_set_at: users::password_set_at(store.db(), user).await?,
        browsers: device_cookies::count(store.db(), user, now).await?,
    })
}
