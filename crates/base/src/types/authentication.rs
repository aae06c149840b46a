//! How a user authenticated: `acr` and `amr` of [OIDC Core §2], with the values of [RFC 8176 §2].
//!
//! [OIDC Core §2]: https://openid.net/specs/openid-connect-core-1_0.html#IDToken
//! [RFC 8176 §2]: https://www.rfc-editor.org/rfc/rfc8176#section-2

crate::wire_enum! {
    /// An authentication method reference.
    pub enum Amr {
        /// Password-based authentication.
        Password = "pwd",
    }

    /// An authentication context class that the server supports.
    pub enum Acr {
        /// A password.
        Password = "pwd",
    }
}

/// An authentication factor that a user can be verified with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// A password.
    Password,
}

impl Factor {
    /// The method reference of the factor.
    pub const fn amr(self) -> Amr {
        match self {
            Self::Password => Amr::Password,
        }
    }

    /// The context class that the factor reaches by itself.
    pub const fn acr(self) -> Acr {
        match self {
            Self::Password => Acr::Password,
        }
    }
}
