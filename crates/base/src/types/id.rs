//! Identifiers, each a type of its own. The program generates them (UUIDv7), not a database
//! sequence.

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

            /// An identifier from a request or the database.
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text of the identifier.
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
    /// A user's account; with `subject_type=public` also the `sub` claim.
    UserId;
    /// A grant; every token issued from it is invalid once it is revoked.
    GrantId;
    /// A session; published as `sid` (OIDC Front-Channel Logout 1.0 §3).
    SessionId;
    /// The identifier of an API: the `resource` of RFC 8707.
    ResourceId;
}

impl GrantId {
    /// The 16 bytes in a refresh token; `None` for an identifier that is not a UUID.
    pub fn bytes(&self) -> Option<[u8; 16]> {
        Uuid::try_parse(&self.0).ok().map(Uuid::into_bytes)
    }

    /// The inverse of [`GrantId::bytes`].
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes).to_string())
    }
}
