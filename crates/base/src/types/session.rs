//! Sessions.

use super::{SessionId, Timestamp, UserId};

/// An authenticated user at a browser.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "sql", derive(sqlx_macros::FromRow))]
pub struct Session {
    /// Its identifier, published as `sid`.
    #[cfg_attr(feature = "sql", sqlx(rename = "session_id"))]
    pub id: SessionId,
    /// The user.
    #[cfg_attr(feature = "sql", sqlx(rename = "session_user_id"))]
    pub user_id: UserId,
    /// When the user last authenticated: `auth_time`.
    pub auth_time: Timestamp,
    /// `amr`: the methods of RFC 8176, space-delimited.
    pub amr: String,
    /// `acr`: the authentication context class.
    pub acr: String,
    /// Whether "keep me signed in" was chosen.
    pub remembered: bool,
    /// When the session began.
    #[cfg_attr(feature = "sql", sqlx(rename = "session_created_at"))]
    pub created_at: Timestamp,
    /// When the session was last used; written at most once a minute.
    pub seen_at: Timestamp,
    /// When it expires if it is not used.
    pub idle_at: Timestamp,
    /// When it expires in any case.
    pub expires_at: Timestamp,
    /// The address at sign-in.
    pub address: String,
    /// The `User-Agent` at sign-in.
    pub user_agent: String,
}
