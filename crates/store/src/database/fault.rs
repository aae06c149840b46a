//! Errors of the database, and what they mean for the connection.

use std::borrow::{Borrow, Cow};
use std::error::Error as StdError;
use std::time::Duration;
use std::{fmt, io};

use sqlx::Error;
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// The error of a response that did not arrive in time.
pub(crate) fn no_response(wait: Duration) -> Error {
    let why = format!("the database has not answered within {:.1} s", wait.as_secs_f32());
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, why))
}

/// Whether the connection must be closed after this error: it broke, does not respond, or violates the protocol. A
/// statement that is refused leaves the connection usable.
pub(crate) fn breaks(error: &Error) -> bool {
    if let Error::Database(error) = error {
        let postgres = error.try_downcast_ref::<PgDatabaseError>();
        // PostgreSQL ends the session.
        let is_end = |severity| matches!(severity, PgSeverity::Fatal | PgSeverity::Panic);
        return postgres.is_some_and(|error| is_end(error.severity()));
    }
    !matches!(
        error,
        Error::RowNotFound
            | Error::TypeNotFound { .. }
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::ColumnNotFound(_)
            | Error::ColumnDecode { .. }
            | Error::Encode(_)
            | Error::Decode(_)
    )
}

/// Whether a server is starting or stopping, or accepts no more connections at the moment.
pub(crate) fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused)
        || error.as_database_error().is_some_and(is_passing)
}

/// Whether a retry may succeed: the database is unreachable, does not respond, or is not ready.
pub fn is_away(error: &Error) -> bool {
    matches!(error, Error::Io(_) | Error::PoolTimedOut)
        || error.as_database_error().is_some_and(is_passing)
}

/// `too_many_connections`; `admin_shutdown`, `crash_shutdown`, `cannot_connect_now`.
fn is_passing(error: &dyn DatabaseError) -> bool {
    matches!(error.code().as_deref(), Some("53300" | "57P01" | "57P02" | "57P03"))
}

/// The error of a commit after a statement has failed.
pub(crate) fn not_committed() -> Error {
    Error::Protocol("nothing is committed: a statement of the transaction has failed".to_owned())
}

/// The error of the embedded database.
pub(crate) fn of_sqlite(error: impl Borrow<rusqlite::Error>) -> Error {
    let error = error.borrow();
    let (code, message) = match (error.sqlite_error(), error) {
        // Its own text contains the statement.
        (_, rusqlite::Error::SqlInputError { error, msg, .. }) => (error, msg.clone()),
        (Some(code), _) => (code, error.to_string()),
        (None, _) => return Error::Protocol(error.to_string()),
    };
    let code = code.extended_code.to_string();
    let text = format!("(code: {code}) {message}");
    Error::Database(Box::new(Rejected { code, message, text }))
}

/// The same error, with a message for operators: that of the driver contains lines of PostgreSQL's source, but
/// neither the code nor the hint.
pub(crate) fn readable(error: Error) -> Error {
    let Error::Database(error) = error else { return error };
    let Some(postgres) = error.try_downcast_ref::<PgDatabaseError>() else {
        return Error::Database(error);
    };
    let (code, message) = (postgres.code().to_owned(), postgres.message().to_owned());
    let mut text = format!("{message} (SQLSTATE {code})");
    if let Some(hint) = postgres.hint() {
        text = format!("{text}. {hint}");
    }
    Error::Database(Box::new(Rejected { code, message, text }))
}

/// An error that the database has reported.
#[derive(Debug)]
struct Rejected {
    /// The SQLSTATE, or the extended result code of SQLite.
    code: String,
    message: String,
    /// The message for operators.
    text: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Rejected {}

impl DatabaseError for Rejected {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.code))
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    /// By the code: `integrity_constraint_violation` of PostgreSQL, `SQLITE_CONSTRAINT` of SQLite.
    fn kind(&self) -> ErrorKind {
        match self.code.as_str() {
            "23505" | "1555" | "2067" => ErrorKind::UniqueViolation,
            "23503" | "787" => ErrorKind::ForeignKeyViolation,
            "23502" | "1299" => ErrorKind::NotNullViolation,
            "23514" | "275" => ErrorKind::CheckViolation,
            _ => ErrorKind::Other,
        }
    }
}
