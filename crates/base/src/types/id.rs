//! Identifiers: made by the program (UUIDv7), never by a sequence, and each a type of its own.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "sql", derive(sqlx_macros::Type), sqlx(transparent))]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new identifier (UUIDv7).
            #[expect(clippy::new_without_default, reason = "each call gives another identifier")]
            pub fn new() -> Self {
                Self(Uuid::now_v7().to_string())
            }

            /// An identifier that somebody presents or that the store holds.
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&$name> for String {
            fn from(id: &$name) -> Self {
                id.0.clone()
            }
        }
    )*};
}

ids! {
    /// `client_id` (RFC 6749 §2.2).
    ClientId;
    /// A person's account; for `subject_type=public` also the `sub` claim.
    UserId;
    /// One authorization: everything issued from it dies with it.
    GrantId;
    /// A browser's sign-in; published as `sid` (OIDC Front-Channel Logout 1.0 §3).
    SessionId;
    /// The identifier of an API: the `resource` of RFC 8707.
    ResourceId;
}

impl GrantId {
    /// The 16 bytes that a refresh token carries; `None` for an identifier we did not make.
    pub fn bytes(&self) -> Option<[u8; 16]> {
        Uuid::try_parse(&self.0).ok().map(Uuid::into_bytes)
    }

    /// The inverse of [`GrantId::bytes`].
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes).to_string())
    }
}
