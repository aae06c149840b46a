//! `jobs`: work that one replica at a time does, by leases.

use crate::types::{Seconds, Timestamp};
use crate::{Executor, sql};

/// How much the clocks of replicas may differ.
const SKEW: Seconds = Seconds::minutes(1);

/// Leases a job, if it is due and not leased. A lease or a last run that is too far in the future was written by a
/// clock that was wrong, and is ignored.
///
/// # Errors
/// When the database fails.
pub async fn lease(
    on: impl Into<Executor<'_>>,
    name: &str,
    holder: &str,
    every: Seconds,
    lease: Seconds,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let leased = sql("INSERT INTO jobs (name, holder, leased_until, ran_at) VALUES ($2, $3, $4, NULL)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until
          WHERE (jobs.leased_until <= $1 OR jobs.leased_until > $6)
            AND (jobs.ran_at IS NULL OR jobs.ran_at <= $5 OR jobs.ran_at > $7)")
    .bind(now)
    .bind(name)
    .bind(holder)
    .bind(now + lease)
    .bind(now - every)
    .bind(now + lease + SKEW)
    .bind(now + SKEW)
    .execute(on)
    .await?;
    Ok(leased == 1)
}

/// Records that the holder has done a job.
///
/// # Errors
/// When the database fails.
pub async fn mark_done(
    on: impl Into<Executor<'_>>,
    name: &str,
    holder: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE jobs SET leased_until = $1, ran_at = $1 WHERE name = $2 AND holder = $3")
        .bind(now)
        .bind(name)
        .bind(holder)
        .execute(on)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_database::TestDatabase;

    const NOON: Timestamp = Timestamp(1_795_000_000);
    const EVERY: Seconds = Seconds(60);
    const LEASE: Seconds = Seconds::minutes(5);

    async fn leased(database: &TestDatabase, name: &str, now: Timestamp) -> bool {
        lease(database.store.db(), name, "one", EVERY, LEASE, now).await.unwrap()
    }

    /// THREATS CL-02: a clock jumps a day ahead while a job is leased, or was done, and comes back.
    #[tokio::test]
    async fn a_lease_of_a_clock_that_was_wrong_is_free_again() {
        let database = TestDatabase::make().await;
        let tomorrow = NOON + Seconds::days(1);
        assert!(leased(&database, "taken", tomorrow).await);
        assert!(leased(&database, "done", tomorrow).await);
        mark_done(database.store.db(), "done", "one", tomorrow).await.unwrap();

        for name in ["taken", "done"] {
            assert!(leased(&database, name, NOON).await, "{name}");
            assert!(!leased(&database, name, NOON).await, "{name}: once");
        }
    }

    /// THREATS CL-01: the lease of a replica whose clock is a little ahead is respected.
    #[tokio::test]
    async fn a_lease_of_a_clock_slightly_ahead_is_respected() {
        let database = TestDatabase::make().await;
        let ahead = NOON + Seconds(60);
        assert!(leased(&database, "taken", ahead).await);
        assert!(leased(&database, "done", ahead).await);
        mark_done(database.store.db(), "done", "one", ahead).await.unwrap();

        for name in ["taken", "done"] {
            assert!(!leased(&database, name, NOON).await, "{name}");
        }
        assert!(leased(&database, "taken", ahead + LEASE).await);
        assert!(leased(&database, "done", ahead + EVERY).await);
    }
}
