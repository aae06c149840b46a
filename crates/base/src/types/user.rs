//! Users.

use serde_json::{Map, Value};

#[cfg(feature = "sql")]
use super::sql::sqlx;
use super::{Timestamp, UserId};

/// A user's account.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "sql", derive(sqlx_macros::FromRow))]
pub struct User {
    /// Never reused for another user.
    #[cfg_attr(feature = "sql", sqlx(rename = "user_id"))]
    pub id: UserId,
    /// The `preferred_username`.
    pub username: String,
    /// The `email`, if there is one.
    pub email: Option<String>,
    /// `email_verified`
    pub email_verified: bool,
    /// The other standard claims of OIDC Core §5.1, by their names.
    #[cfg_attr(feature = "sql", sqlx(rename = "user_claims", try_from = "super::sql::Json"))]
    pub claims: Map<String, Value>,
    /// When the account was created.
    #[cfg_attr(feature = "sql", sqlx(rename = "user_created_at"))]
    pub created_at: Timestamp,
    /// When the account was last changed: `updated_at`.
    #[cfg_attr(feature = "sql", sqlx(rename = "user_updated_at"))]
    pub updated_at: Timestamp,
    /// If set, the account is disabled.
    pub disabled_at: Option<Timestamp>,
}

impl User {
    /// The name to display.
    pub fn display_name(&self) -> &str {
        self.claims.get("name").and_then(Value::as_str).unwrap_or(&self.username)
    }
}
