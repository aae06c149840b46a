//! What was issued at a time that lies implausibly ahead of now: by a clock that was wrong and has been set
//! right, or before this clock went wrong. It counts for nothing (decision 0039).

use crate::types::Timestamp;
use crate::{Store, sql};

/// That what was issued at the time in this column was not issued ahead of `$1`, which is now: in the
/// statement that decides. In memory it is [`Timestamp::is_ahead_of`].
macro_rules! not_ahead {
    ($column:literal) => {
        concat!($column, " <= $1 + 300")
    };
}
pub(crate) use not_ahead;

/// How many of the newest rows of a table lie ahead of `$1`. Identifiers are in the order of time.
macro_rules! newest {
    ($time:literal, $table:literal) => {
        concat!(
            "SELECT count(*) AS ahead FROM (SELECT ",
            $time,
            " FROM ",
            $table,
            " ORDER BY id DESC LIMIT 1000) AS newest WHERE ",
            $time,
            " > $1 + 300"
        )
    };
}

/// What is counted, and how: it reads a thousand rows of each at most.
const KINDS: &[(&str, &str)] = &[
    ("sign-ins", newest!("auth_time", "sessions")),
    ("grants", newest!("created_at", "grants")),
    ("opaque tokens", newest!("created_at", "opaque_tokens")),
];

/// How many of the newest rows of each kind lie ahead of now; a kind that has none is left out.
///
/// # Errors
/// What the database says.
pub async fn count(store: &Store, now: Timestamp) -> sqlx::Result<Vec<(&'static str, i64)>> {
    let mut found = Vec::new();
    for (kind, statement) in KINDS {
        let (ahead,): (i64,) = sql(statement).bind(now).one(store.db()).await?;
        if ahead > 0 {
            found.push((*kind, ahead));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use crate::types::time::AHEAD;

    #[test]
    fn the_statements_allow_what_the_program_allows() {
        assert_eq!(not_ahead!("x"), format!("x <= $1 + {}", AHEAD.0));
    }
}
