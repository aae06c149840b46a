//! People.

use serde_json::{Map, Value};

use super::{Timestamp, UserId};

/// A person's account.
#[derive(Clone, Debug)]
pub struct User {
    /// Never given to anybody else.
    pub id: UserId,
    /// The `preferred_username`.
    pub username: String,
    /// The `email`, if there is one.
    pub email: Option<String>,
    /// `email_verified`
    pub email_verified: bool,
    /// The other standard claims of OIDC Core §5.1, by their names.
    pub claims: Map<String, Value>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When something about it last changed: `updated_at`.
    pub updated_at: Timestamp,
    /// Set: the person may do nothing.
    pub disabled_at: Option<Timestamp>,
}

impl User {
    /// What to call the person.
    pub fn display_name(&self) -> &str {
        self.claims.get("name").and_then(Value::as_str).unwrap_or(&self.username)
    }
}
