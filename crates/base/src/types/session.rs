//! A browser's sign-in.

use super::{SessionId, Timestamp, UserId};

/// Who is signed in, since when, by which factors.
#[derive(Clone, Debug)]
pub struct Session {
    /// Published as `sid`.
    pub id: SessionId,
    /// Who.
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
