//! The clean-up of expired rows, in small batches: the size of the database depends only on live rows.
//!
//! Every statement finds its rows by an index, and reads no more of them than one batch: its cost depends neither
//! on the number of live rows nor on the number of waiting ones (THREATS EX-25).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::types::{Seconds, Timestamp};
use crate::{Store, sql};

/// Batch size: keeps the write transaction short (THREATS DO-16). The number is in the text of the statements,
/// because a planner that does not know it assumes the worst and reads whole tables.
const BATCH: u64 = 200;

/// How long a used or expired code is kept, so that a replay is detected and revokes the grant.
const CODES_KEPT: Seconds = Seconds::hours(1);

/// How long expired rows are kept, because the clocks of replicas differ (THREATS CL-01).
const MARGIN: Seconds = Seconds::minutes(2);

/// Deletes a batch of the rows of a table whose time is over.
///
/// The condition is repeated for the row that is deleted, because another transaction may have prolonged it; `+`
/// keeps planners from using the index for it, which would find all waiting rows each time.
macro_rules! batch {
    ($table:literal, $key:literal, $time:literal) => {
        batch!($table, $key, $time, "")
    };
    ($table:literal, $key:literal, $time:literal, $and:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $time,
            " <= $1 ",
            $and,
            " ORDER BY ",
            $time,
            " LIMIT 200) AND +",
            $time,
            " <= $1"
        )
    };
}

/// A batch of the rows of a table that are due for a check.
macro_rules! due {
    ($columns:literal, $table:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM ",
            $table,
            " WHERE sweep_at <= $1 ORDER BY sweep_at LIMIT 200"
        )
    };
}

/// Live sessions are checked again when they may have expired.
const SESSIONS_ALIVE: &str = concat!(
    "UPDATE sessions
        SET sweep_at = CASE WHEN ended_at IS NOT NULL THEN ended_at
                            WHEN idle_at < expires_at THEN idle_at ELSE expires_at END
      WHERE id IN (",
    due!("id", "sessions"),
    ") AND expires_at > $1 AND idle_at > $1 AND (ended_at IS NULL OR ended_at > $1)"
);

/// The grants of sessions that are over.
macro_rules! grants_of_sessions {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM (",
            due!("id, expires_at, idle_at, ended_at", "sessions"),
            ") AS over
                     JOIN grants AS theirs ON theirs.session_id = over.id AND NOT theirs.offline
                    WHERE over.expires_at <= $1 OR over.idle_at <= $1 OR over.ended_at <= $1
                    LIMIT 200"
        )
    };
}

/// Stores the last use of these grants with their consents, because the next statement deletes the only record of
/// it. Users see it on the account page; it does no harm if a date is missing because the next statement finds
/// other rows.
macro_rules! keep_last_use {
    ($grants:expr) => {
        concat!(
            "UPDATE consents
        SET used_at = (SELECT MAX(rotated_at) FROM grants
                        WHERE grants.user_id = consents.user_id AND grants.client_id = consents.client_id)
      WHERE (user_id, client_id) IN (",
            $grants,
            ") AND COALESCE(used_at, 0) < (SELECT MAX(rotated_at) FROM grants
                                       WHERE grants.user_id = consents.user_id
                                         AND grants.client_id = consents.client_id)"
        )
    };
}

const LAST_USE_IN_SESSIONS: &str =
    keep_last_use!(grants_of_sessions!("theirs.user_id, theirs.client_id"));

/// The grants are deleted before the session.
const GRANTS_OF_SESSIONS: &str =
    concat!("DELETE FROM grants WHERE id IN (", grants_of_sessions!("theirs.id"), ")");

const SESSIONS: &str = concat!(
    "DELETE FROM sessions
      WHERE id IN (",
    due!("id", "sessions"),
    ") AND (expires_at <= $1 OR idle_at <= $1 OR ended_at <= $1)
        AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.session_id = sessions.id AND NOT grants.offline)"
);

const GRANTS_ALIVE: &str = concat!(
    "UPDATE grants
        SET sweep_at = CASE WHEN revoked_at IS NOT NULL THEN revoked_at
                            WHEN idle_at < expires_at THEN idle_at ELSE expires_at END
      WHERE id IN (",
    due!("id", "grants"),
    ") AND expires_at > $1 AND idle_at > $1 AND (revoked_at IS NULL OR revoked_at > $1)
        AND (offline OR EXISTS (SELECT 1 FROM sessions WHERE sessions.id = grants.session_id))"
);

const LAST_USE: &str = keep_last_use!(due!("user_id, client_id", "grants"));

const GRANTS: &str = concat!(
    "DELETE FROM grants
      WHERE id IN (",
    due!("id", "grants"),
    ") AND (expires_at <= $1 OR idle_at <= $1 OR revoked_at <= $1
             OR (NOT offline AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = grants.session_id)))"
);

/// The clean-up of one table.
#[derive(Clone, Copy, Debug)]
struct Task {
    table: &'static str,
    /// Run one after the other. `$1` is the time before which rows are over.
    statements: &'static [&'static str],
    /// How long expired rows are kept.
    kept: Seconds,
}

const fn task(table: &'static str, kept: Seconds, statements: &'static [&'static str]) -> Task {
    Task { table, statements, kept }
}

const TASKS: &[Task] = &[
    task("codes", CODES_KEPT, &[batch!("codes", "digest", "expires_at")]),
    task("decisions", MARGIN, &[batch!("decisions", "digest", "expires_at")]),
    task("opaque_tokens", MARGIN, &[batch!("opaque_tokens", "digest", "expires_at")]),
    task(
        "idempotency_keys",
        MARGIN,
        &[batch!("idempotency_keys", "actor, key_digest", "expires_at")],
    ),
    task("links", MARGIN, &[batch!("links", "digest", "expires_at")]),
    task("revoked_tokens", MARGIN, &[batch!("revoked_tokens", "jti", "expires_at")]),
    task("replays", MARGIN, &[batch!("replays", "kind, issuer, jti", "expires_at")]),
    task(
        "revocation_answers",
        Seconds::hours(1),
        &[batch!("revocation_answers", "id", "expires_at")],
    ),
    task(
        "sessions",
        Seconds::hours(1),
        &[SESSIONS_ALIVE, LAST_USE_IN_SESSIONS, GRANTS_OF_SESSIONS, SESSIONS],
    ),
    // The longest window is that of consecutive failures: seven days.
    task("sign_in_tries", Seconds::days(7), &[batch!("sign_in_tries", "bucket", "started_at")]),
    task("device_cookies", MARGIN, &[batch!("device_cookies", "digest", "expires_at")]),
    task("grants", Seconds::hours(1), &[GRANTS_ALIVE, LAST_USE, GRANTS]),
    // The last certificate that the built-in CA issued to a client is kept: it shows when the client stopped
    // renewing.
    task(
        "certificates",
        Seconds::days(7),
        &[batch!(
            "certificates",
            "thumbprint",
            "not_after",
            "AND origin = 'issued' AND revoked_at IS NULL
        AND EXISTS (SELECT 1 FROM certificates AS later
                     WHERE later.client_id = certificates.client_id AND later.origin = 'issued'
                       AND later.not_after > certificates.not_after
                       AND (certificates.last_used_at IS NULL OR later.last_used_at IS NOT NULL))"
        )],
    ),
    // A compromised key may come back in another certificate at any time.
    task(
        "certificates",
        Seconds::days(90),
        &[batch!(
            "certificates",
            "thumbprint",
            "not_after",
            "AND (reason IS NULL OR reason <> 'keyCompromise')"
        )],
    ),
    task("shown_chains", Seconds::hours(1), &[batch!("shown_chains", "thumbprint", "not_after")]),
    // A declaration is repeated until the lost revocations are dealt with, so it must be recognised.
    task("failovers", Seconds::days(30), &[batch!("failovers", "failed_over_at", "ends_at")]),
    task("enrolments", MARGIN, &[batch!("enrolments", "digest", "expires_at")]),
    task(
        "certificate_warnings",
        Seconds::days(500),
        &[batch!("certificate_warnings", "thumbprint, threshold", "crossed_at")],
    ),
    task(
        "outbox",
        Seconds::days(30),
        &[batch!("outbox", "id", "done_at"), batch!("outbox", "id", "failed_at")],
    ),
    task("acme_challenges", MARGIN, &[batch!("acme_challenges", "token", "expires_at")]),
    task("client_secrets", MARGIN, &[batch!("client_secrets", "id", "expires_at")]),
];

/// One run over all tables, in batches.
#[derive(Debug)]
pub struct Run {
    /// The tables that may have more expired rows.
    due: VecDeque<Task>,
}

/// The result of one batch.
#[derive(Debug)]
pub struct Batch {
    /// The table.
    pub table: &'static str,
    /// The number of rows deleted or put off; a table that failed is left out of this run.
    pub rows: sqlx::Result<u64>,
    /// The duration.
    pub took: Duration,
}

impl Default for Run {
    fn default() -> Self {
        Self { due: TASKS.iter().copied().collect() }
    }
}

impl Run {
    /// Cleans up a batch of the next table; a table with a full batch is queued again. `None`: the run is complete.
    pub async fn next(&mut self, store: &Store, now: Timestamp) -> Option<Batch> {
        let task = self.due.pop_front()?;
        let begun = Instant::now();
        let rows = task.sweep(store, now).await;
        if rows.as_ref().is_ok_and(|rows| *rows >= BATCH) {
            self.due.push_back(task);
        }
        Some(Batch { table: task.table, rows, took: begun.elapsed() })
    }
}

impl Task {
    async fn sweep(&self, store: &Store, now: Timestamp) -> sqlx::Result<u64> {
        let mut rows = 0;
        for statement in self.statements {
            rows += sql(statement).bind(now - self.kept).execute(store.db()).await?;
        }
        Ok(rows)
    }
}

/// A whole run without a pause; returns the number of deleted rows by table.
///
/// # Errors
/// When the database fails.
pub async fn once(store: &Store, now: Timestamp) -> sqlx::Result<Vec<(&'static str, u64)>> {
    let (mut run, mut swept) = (Run::default(), Vec::new());
    while let Some(batch) = run.next(store, now).await {
        swept.push((batch.table, batch.rows?));
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_database::TestDatabase;

    /// THREATS DO-16: batches are small, and a table with many of them does not delay the others.
    #[tokio::test]
    async fn a_table_with_many_expired_rows_takes_turns_with_the_others() {
        const NOON: Timestamp = Timestamp(1_795_000_000);
        let database = TestDatabase::make().await;
        let tokens = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 450)
             INSERT INTO revoked_tokens (jti, revoked_at, expires_at) SELECT 'token ' || n, $1, $1 FROM numbers";
        sql(tokens).bind(NOON).execute(database.store.db()).await.unwrap();

        let (mut run, mut batches) = (Run::default(), Vec::new());
        while let Some(batch) = run.next(&database.store, NOON + Seconds::days(1)).await {
            batches.push((batch.table, batch.rows.unwrap()));
        }

        let of_tokens = |batch: &&(&str, u64)| batch.0 == "revoked_tokens";
        let rows: Vec<u64> = batches.iter().filter(of_tokens).map(|batch| batch.1).collect();
        assert_eq!(rows, [200, 200, 50]);
        let first_round = &batches[..batches.len() - 2];
        assert_eq!(
            first_round.iter().filter(of_tokens).count(),
            1,
            "after all others: {batches:?}"
        );
    }
}
