//! Rows whose time of issue is implausibly far in the future: they were written by a clock that was wrong, or this
//! clock is. They are invalid (decision 0039).

use crate::types::Timestamp;
use crate::{Store, sql};

/// That the time in this column is not in the future of `$1`, which is now, in the deciding statement. In memory it
/// is [`Timestamp::is_ahead_of`].
macro_rules! not_ahead {
    ($column:literal) => {
        concat!($column, " <= $1 + 300")
    };
}
pub(crate) use not_ahead;

/// The number of the newest rows of a table in the future of `$1`. Identifiers are in the order of time.
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

/// The kinds that are counted, and their statements: each reads at most a thousand rows.
const KINDS: &[(&str, &str)] = &[
    ("sign-ins", newest!("auth_time", "sessions")),
    ("grants", newest!("created_at", "grants")),
    ("opaque tokens", newest!("created_at", "opaque_tokens")),
];

/// The number of the newest rows of each kind in the future; a kind without any is left out.
///
/// # Errors
/// When the database fails.
pub async fn count(store: &Store, now: Timestamp) -> sqlx::Result<Vec<(&'static str, i64)>> {
    let mut found = Vec::new();
    for (kind, statement) in KINDS {
        let (ahead,): (i64,) = sql(statement).bind(now).fetch_one(store.db()).await?;
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
    fn the_statements_and_the_program_allow_the_same_skew() {
        assert_eq!(not_ahead!("x"), format!("x <= $1 + {}", AHEAD.0));
    }
}
