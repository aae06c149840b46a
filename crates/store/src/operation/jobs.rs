//! `jobs`: work that one replica does at a time.

use crate::types::{Seconds, Timestamp};
use crate::{On, sql};

/// By so much the clocks of replicas may differ.
const SKEW: Seconds = Seconds::minutes(1);

/// Takes a job, if it is due and nobody else is at it. A lease or a last run that lies further ahead than any
/// can was written by a clock that was wrong, and is over.
///
/// # Errors
/// What the database says.
pub async fn lease(
    on: impl Into<On<'_>>,
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
    .run(on)
    .await?;
    Ok(leased == 1)
}

/// Notes that a job was done, by the one who held it.
///
/// # Errors
/// What the database says.
pub async fn done(
    on: impl Into<On<'_>>,
    name: &str,
    holder: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE jobs SET leased_until = $1, ran_at = $1 WHERE name = $2 AND holder = $3")
        .bind(now)
        .bind(name)
        .bind(holder)
        .run(on)
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

    /// THREATS CL-02: a clock jumps a day ahead while a job is taken, or was done, and comes back.
    #[tokio::test]
    async fn what_a_clock_that_was_wrong_has_taken_is_free_again() {
        let database = TestDatabase::make().await;
        let tomorrow = NOON + Seconds::days(1);
        assert!(leased(&database, "taken", tomorrow).await);
        assert!(leased(&database, "done", tomorrow).await);
        done(database.store.db(), "done", "one", tomorrow).await.unwrap();

        for name in ["taken", "done"] {
            assert!(leased(&database, name, NOON).await, "{name}");
            assert!(!leased(&database, name, NOON).await, "{name}: once");
        }
    }

    /// THREATS CL-01: what a replica has taken whose clock goes a little ahead is taken.
    #[tokio::test]
    async fn what_a_clock_a_little_ahead_has_taken_is_taken() {
        let database = TestDatabase::make().await;
        let ahead = NOON + Seconds(60);
        assert!(leased(&database, "taken", ahead).await);
        assert!(leased(&database, "done", ahead).await);
        done(database.store.db(), "done", "one", ahead).await.unwrap();

        for name in ["taken", "done"] {
            assert!(!leased(&database, name, NOON).await, "{name}");
        }
        assert!(leased(&database, "taken", ahead + LEASE).await);
        assert!(leased(&database, "done", ahead + EVERY).await);
    }
}
