//! Errors of commands: as text, as JSON, and as an exit code.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::admin::{self, Subject};
use crate::app::OpenAppError;
use crate::config::Problems;
use crate::flow::keys::kek;
use crate::store::OpenStoreError;
use crate::types::{Code, Error, Failure, Refusal};

/// The exit code of a command. Above 2, the codes are those of `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Success.
    Done = 0,
    /// Any other failure.
    Failed = 1,
    /// Invalid command line; also the code of clap.
    Usage = 2,
    /// `EX_DATAERR`: invalid input; nothing was changed.
    Refused = 65,
    /// `EX_NOINPUT`: no such user, client, key, API or file, or the key-encryption key of the database is
    /// missing.
    Absent = 66,
    /// `EX_UNAVAILABLE`: the database does not respond; a retry may succeed.
    Unavailable = 69,
    /// `EX_NOPERM`: the database is encrypted under a different key-encryption key.
    WrongKey = 77,
    /// `EX_CONFIG`: invalid configuration.
    Misconfigured = 78,
}

/// Invalid input, with the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Wrong(pub(super) String);

/// Something that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Absent(pub(super) String);

impl Exit {
    /// The code of an error.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(refusal) = refusal(error) {
            return if refusal.code == Code::NotFound { Self::Absent } else { Self::Refused };
        }
        error.chain().find_map(Self::of_cause).unwrap_or(Self::Failed)
    }

    fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if cause.is::<Wrong>() {
            return Some(Self::Refused);
        }
        if cause.is::<sqlx::Error>() {
            return Some(Self::Unavailable);
        }
        if cause.is::<Absent>() {
            return Some(Self::Absent);
        }
        if let Some(error) = cause.downcast_ref::<admin::Error>() {
            return Some(match error {
                admin::Error::Rule(error) => Self::of_error(error),
                admin::Error::Kek(error) => Self::of_kek(error),
                admin::Error::Invalid(_) => Self::Refused,
                admin::Error::NotFound(..) => Self::Absent,
            });
        }
        if cause.is::<Problems>() {
            return Some(Self::Misconfigured);
        }
        if let Some(error) = cause.downcast_ref::<OpenAppError>() {
            return Some(match error {
                OpenAppError::Store(error) => Self::of_open(error),
                OpenAppError::Kek(error) => Self::of_kek(error),
                OpenAppError::Trust(_) => Self::Misconfigured,
                OpenAppError::Server(error) => Self::of_error(error),
            });
        }
        cause
            .downcast_ref()
            .map(Self::of_open)
            .or_else(|| cause.downcast_ref().map(Self::of_kek))
            .or_else(|| cause.downcast_ref().map(Self::of_error))
    }

    const fn of_open(error: &OpenStoreError) -> Self {
        match error {
            OpenStoreError::Scheme
            | OpenStoreError::Url(_)
            | OpenStoreError::File(..)
            | OpenStoreError::Unopened(..)
            | OpenStoreError::Absent(_)
            | OpenStoreError::Outdated(_)
            | OpenStoreError::TooNew { .. }
            | OpenStoreError::Changed(_) => Self::Misconfigured,
            OpenStoreError::InUse(_) | OpenStoreError::Database(..) => Self::Unavailable,
            OpenStoreError::Migration(..) => Self::Failed,
        }
    }

    const fn of_kek(error: &kek::Missing) -> Self {
        match error {
            kek::Missing::Store(_) => Self::Unavailable,
            kek::Missing::Lost(_) => Self::Absent,
            kek::Missing::Wrong { .. } => Self::WrongKey,
            kek::Missing::Directory(..) | kek::Missing::Unusable(_) => Self::Misconfigured,
        }
    }

    const fn of_error(error: &Error) -> Self {
        match error {
            Error::Failed(Failure::Store(_) | Failure::Busy(_) | Failure::Changed(_)) => {
                Self::Unavailable
            }
            Error::Failed(Failure::Internal(_)) | Error::Refused(_) => Self::Failed,
        }
    }
}

/// Whether a rule refuses the input, so that other input may be accepted.
pub(super) fn is_refusal(error: &anyhow::Error) -> bool {
    refusal(error).is_some()
}

fn refusal(error: &anyhow::Error) -> Option<&Refusal> {
    error.chain().find_map(|cause| {
        if let Some(admin::Error::Rule(Error::Refused(refusal))) = cause.downcast_ref() {
            return Some(refusal);
        }
        match cause.downcast_ref::<Error>() {
            Some(Error::Refused(refusal)) => Some(refusal),
            Some(Error::Failed(_)) | None => cause.downcast_ref::<Refusal>(),
        }
    })
}

/// The command that lists what can be named, or creates what is missing.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    let subject = error.chain().find_map(|cause| match cause.downcast_ref::<admin::Error>()? {
        admin::Error::NotFound(subject, _) => Some(*subject),
        admin::Error::Rule(_) | admin::Error::Kek(_) | admin::Error::Invalid(_) => None,
    });
    Some(match subject? {
        Subject::User => "gatewright user list",
        Subject::UserOfEvents => "gatewright user list; name a deleted user by its identifier",
        Subject::Client => "gatewright client list",
        Subject::ClientOfEvents => "gatewright client list; name a deleted client by its client_id",
        Subject::Resource => "gatewright resource list",
        Subject::Refusal => "gatewright audit list --kind request.refused",
        Subject::Certificate => "gatewright cert list",
        Subject::Ca => "create it with gatewright ca init",
        Subject::CaCertificate => "gatewright ca list",
    })
}

/// The error as text: what failed, why, and the facts of a refusal.
pub(super) fn as_text(error: &anyhow::Error) -> String {
    let mut text = message(error);
    for (name, value) in refusal(error).map_or(&[][..], |refusal| &refusal.facts) {
        // Writing to a String does not fail.
        let _ = write!(text, "\n  {name}: {}", super::print::plain(value));
    }
    text
}

/// The error as JSON.
pub(super) fn as_json(error: &anyhow::Error) -> Value {
    let mut object = Map::new();
    if let Some(problems) = error.chain().find_map(|cause| cause.downcast_ref::<Problems>()) {
        object.insert("problems".to_owned(), json!(problems.problems));
    }
    if let Some(refusal) = refusal(error) {
        object.insert("error".to_owned(), refusal.code.as_str().into());
        object.insert("error_description".to_owned(), refusal.why.into());
        let facts = refusal
            .facts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
        object.insert("facts".to_owned(), Value::Object(facts.collect()));
    }
    object.insert("message".to_owned(), message(error).into());
    object.insert("exit_code".to_owned(), (Exit::of(error) as u8).into());
    Value::Object(object)
}

/// The chain of causes, without repetitions: some errors already contain their cause. The reason of a refusal
/// precedes its code.
fn message(error: &anyhow::Error) -> String {
    let refusal = refusal(error);
    let mut text = String::new();
    for cause in error.chain() {
        let is_rule = matches!(cause.downcast_ref(), Some(admin::Error::Rule(_)));
        let is_refusal = is_rule || cause.is::<Error>() || cause.is::<Refusal>();
        let cause = match refusal {
            Some(refusal) if is_refusal => format!("{} ({})", refusal.why, refusal.code),
            Some(_) | None => cause.to_string(),
        };
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    if let Some(hint) = hint(error) {
        text.push_str(": ");
        text.push_str(hint);
    }
    text
}
