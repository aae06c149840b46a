//! A browser's sign-in.

use super::{SessionId, Timestamp, UserId};

/// Who is signed in, since when, by which factors.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "sql", derive(sqlx_macros::FromRow))]
pub struct Session {
    /// Published as `sid`.
    #[cfg_attr(feature = "sql", sqlx(rename = "session_id"))]
    pub id: SessionId,
    /// Who.
    #[cfg_attr(feature = "sql", sqlx(rename = "session_user_id"))]
    pub user_id: UserId,
    /// When they last proved it: `auth_time`.
    pub auth_time: Timestamp,
    /// `amr`: how, in the words of RFC 8176, space-delimited.
    pub amr: String,
    /// `acr`: how strong that was.
    pub acr: String,
    /// Whether "keep me signed in" was chosen.
    pub remembered: bool,
    /// When it began.
    #[cfg_attr(feature = "sql", sqlx(rename = "session_created_at"))]
    pub created_at: Timestamp,
    /// When it was last used; written at most once a minute.
    pub seen_at: Timestamp,
    /// When it ends if it is not used.
    pub idle_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// From where it began.
    pub address: String,
    /// What the browser called itself then.
    pub user_agent: String,
}
