//! Why an action is refused or fails.

use crate::flow::keys::kek;
use crate::types::{Failure, Refusal};

/// Why an action is refused or fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule refuses the action, or the server has a fault.
    #[error(transparent)]
    Rule(#[from] crate::types::Error),
    /// The key-encryption key cannot be opened.
    #[error(transparent)]
    Kek(#[from] kek::Missing),
    /// The input is invalid; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// The subject of the action does not exist.
    #[error("{1}")]
    NotFound(Subject, String),
}

/// What an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User,
    /// A user, or a deleted one that audit events refer to.
    UserOfEvents,
    /// A client.
    Client,
    /// A client, or a deleted one that audit events refer to.
    ClientOfEvents,
    /// An API.
    Resource,
    /// A certificate of the inventory.
    Certificate,
    /// A refused request.
    Refusal,
    /// The built-in CA.
    Ca,
    /// A certificate of the built-in CA.
    CaCertificate,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Rule(error.into())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Rule(failure.into())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Rule(refusal.into())
    }
}
