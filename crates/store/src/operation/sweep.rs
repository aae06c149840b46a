//! Sweeping what has expired, in small batches: the database grows only with what is alive.
//!
//! Every statement finds its rows by an index, and looks at no more of them than a batch has: what a batch
//! costs does not depend on how much lives, nor on how much waits (THREATS EX-25).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::types::{Seconds, Timestamp};
use crate::{Store, sql};

/// As many rows as one statement of `batch!` deletes or looks at, so that nobody waits for it (THREATS
/// DO-16). It stands in the text: planners that do not know it expect the worst and read whole tables.
const BATCH: u64 = 200;

/// How long a spent or expired code is kept, so that a second use is noticed and takes the grant with
/// it.
const CODES_KEPT: Seconds = Seconds::hours(1);

/// How long what is dead is kept besides, so that clocks of replicas may differ (THREATS CL-01).
const MARGIN: Seconds = Seconds::minutes(2);

/// Deletes a batch of the rows of a table for which this holds.
///
/// It is asked of the row that goes as well, because another transaction may have prolonged it meanwhile;
/// `+` keeps planners from looking for it there by the index, which would find all that waits, each time.
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

/// A batch of the rows of this table that have to be looked at.
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

/// Those that live have to be looked at again, but not before this.
const SESSIONS_ALIVE: &str = concat!(
    "UPDATE sessions
        SET sweep_at = CASE WHEN ended_at IS NOT NULL THEN ended_at
                            WHEN idle_at < expires_at THEN idle_at ELSE expires_at END
      WHERE id IN (",
    due!("id", "sessions"),
    ") AND expires_at > $1 AND idle_at > $1 AND (ended_at IS NULL OR ended_at > $1)"
);

/// What lived with a sign-in that is over.
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

/// Keeps, beside the consents that these grants came of, when they were last used: what goes next is the only
/// trace of it. People see it on the account page, and a date that is missed because the next statement meets
/// other rows harms nobody.
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

/// It goes before the sign-in.
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

/// What is swept of one table.
#[derive(Clone, Copy, Debug)]
struct Task {
    table: &'static str,
    /// One after the other. `$1` is a time before which everything is dead.
    statements: &'static [&'static str],
    /// How long what is dead is kept.
    kept: Seconds,
}

const fn task(table: &'static str, kept: Seconds, statements: &'static [&'static str]) -> Task {
    Task { table, statements, kept }
}

const TASKS: &[Task] = &[
    task("codes", CODES_KEPT, &[batch!("codes", "digest", "expires_at")]),
    task("decisions", MARGIN, &[batch!("decisions", "digest", "expires_at")]),
    task("opaque_tokens", MARGIN, &[batch!("opaque_tokens", "digest", "expires_at")]),
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
    // The longest window is that of failures in a row: seven days.
    task("sign_in_tries", Seconds::days(7), &[batch!("sign_in_tries", "bucket", "started_at")]),
    task("device_cookies", MARGIN, &[batch!("device_cookies", "digest", "expires_at")]),
    task("grants", Seconds::hours(1), &[GRANTS_ALIVE, LAST_USE, GRANTS]),
    // Of what our authority issued day by day the last one stays: when a client stopped is known by it.
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
    // A key that somebody else has may come back in another certificate, however late.
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
    // A declaration is repeated until the lost revocations are dealt with: it must be known that it was made.
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

/// One run over all tables, batch by batch.
#[derive(Debug)]
pub struct Run {
    /// Where more may wait.
    due: VecDeque<Task>,
}

/// What came of one batch.
#[derive(Debug)]
pub struct Batch {
    /// Of which table.
    pub table: &'static str,
    /// How many rows were deleted or put off; the table is out of this run where that failed.
    pub rows: sqlx::Result<u64>,
    /// How long the database was at it.
    pub took: Duration,
}

impl Default for Run {
    fn default() -> Self {
        Self { due: TASKS.iter().copied().collect() }
    }
}

impl Run {
    /// Sweeps a batch of the next table; one that was full comes again, after all others. `None`: nothing
    /// is left.
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
            rows += sql(statement).bind(now - self.kept).run(store.db()).await?;
        }
        Ok(rows)
    }
}

/// A whole run without a pause; says how many rows went, per table.
///
/// # Errors
/// What the database says.
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

    /// THREATS DO-16: batches are small, as many as it takes, and those of one table do not keep the others waiting.
    #[tokio::test]
    async fn a_table_with_much_to_sweep_takes_turns_with_the_others() {
        const NOON: Timestamp = Timestamp(1_795_000_000);
        let database = TestDatabase::make().await;
        let tokens = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 450)
             INSERT INTO revoked_tokens (jti, revoked_at, expires_at) SELECT 'token ' || n, $1, $1 FROM numbers";
        sql(tokens).bind(NOON).run(database.store.db()).await.unwrap();

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
