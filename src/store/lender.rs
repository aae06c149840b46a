//! Connections, handed from one statement to the next.
//!
//! sqlx's pool asks each connection that comes back whether it still lives: a second round trip for each
//! statement, on SQLite a second change of threads. What has just answered need not be asked. It is kept
//! at hand here, and goes back to the pool, to be looked at, when it has rested for a second or when
//! anything went wrong.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, Executor as _, Pool, Postgres, Sqlite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// As long as a connection that has answered is believed to live.
const BELIEVED: Duration = Duration::from_secs(1);

/// A pool, and those of its connections that were in use a moment ago.
pub struct Lender<DB: Database> {
    pool: Pool<DB>,
    /// One for each connection that the pool may open, and held as long as one is in use: so whoever has
    /// a place and finds nothing at hand finds something in the pool.
    places: Arc<Semaphore>,
    at_hand: Mutex<Vec<(PoolConnection<DB>, Instant)>>,
}

/// A connection for one statement or one transaction. Dropped without [`Lent::back`] it goes to the pool,
/// which looks at it first.
pub struct Lent<DB: Database> {
    lender: Arc<Lender<DB>>,
    connection: PoolConnection<DB>,
    _place: OwnedSemaphorePermit,
}

/// A transaction. Dropped without [`Begun::commit`], it is rolled back.
///
/// Not sqlx's own: that one gives its connection back to the pool, and, dropped while it begins, leaves
/// it inside a transaction in which the next borrower's writes are lost without an error (sqlx 0.9 on
/// PostgreSQL).
pub struct Begun<DB: Transacts> {
    /// `None`: it is committed.
    lent: Option<Lent<DB>>,
}

/// What differs between transactions here and there.
pub trait Transacts: Database {
    /// Begins one that will write.
    const BEGIN: &'static str;

    /// Runs a statement that has no values and no rows.
    fn say(
        on: &mut Self::Connection,
        statement: &'static str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
}

impl Transacts for Sqlite {
    // With the lock from the first statement on: a read that wants to become a write later is refused.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";

    async fn say(on: &mut Self::Connection, statement: &'static str) -> sqlx::Result<()> {
        Box::pin(on.execute(statement)).await.map(drop)
    }
}

impl Transacts for Postgres {
    // READ COMMITTED.
    const BEGIN: &'static str = "BEGIN";

    async fn say(on: &mut Self::Connection, statement: &'static str) -> sqlx::Result<()> {
        Box::pin(on.execute(statement)).await.map(drop)
    }
}

impl<DB: Database> Lender<DB> {
    /// Lends what this pool has.
    pub fn of(pool: Pool<DB>) -> Arc<Self> {
        let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
        let places = Semaphore::new(most.min(Semaphore::MAX_PERMITS));
        Arc::new(Self { pool, places: Arc::new(places), at_hand: Mutex::default() })
    }

    /// Lends a connection.
    ///
    /// # Errors
    /// When none is free in time, and what the database says to a new one.
    pub async fn lend(self: &Arc<Self>) -> sqlx::Result<Lent<DB>> {
        let place = self.place().await?;
        let connection = match self.take() {
            Some(connection) => connection,
            None => Box::pin(self.pool.acquire()).await?,
        };
        Ok(Lent { lender: self.clone(), connection, _place: place })
    }

    async fn place(&self) -> sqlx::Result<OwnedSemaphorePermit> {
        let patience = self.pool.options().get_acquire_timeout();
        let free = self.places.clone().acquire_owned();
        match tokio::time::timeout(patience, free).await {
            Ok(place) => place.map_err(|_| sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// The connection that was used last; those that have rested go back to the pool.
    fn take(&self) -> Option<PoolConnection<DB>> {
        let mut at_hand = self.at_hand();
        let (connection, since) = at_hand.pop()?;
        if since.elapsed() < BELIEVED {
            return Some(connection);
        }
        // The others have rested longer.
        at_hand.clear();
        None
    }

    fn at_hand(&self) -> MutexGuard<'_, Vec<(PoolConnection<DB>, Instant)>> {
        self.at_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections there are, and how many of them are idle.
    pub fn connections(&self) -> (u32, usize) {
        (self.pool.size(), self.pool.num_idle() + self.at_hand().len())
    }

    /// Lets every connection finish and closes it.
    pub async fn close(&self) {
        // From here on nothing is kept at hand any more.
        let closed = self.pool.close();
        self.at_hand().clear();
        closed.await;
    }
}

impl<DB: Database> Lent<DB> {
    /// Keeps it at hand, if it did what it was lent for. If not, it and all that rests goes to the pool
    /// to be looked at: a server that went away broke every one.
    pub fn back<T>(self, done: &sqlx::Result<T>) {
        let Self { lender, connection, _place } = self;
        let mut at_hand = lender.at_hand();
        if done.is_ok() && !lender.pool.is_closed() {
            at_hand.push((connection, Instant::now()));
        } else {
            at_hand.clear();
        }
    }
}

impl<DB: Database> Deref for Lent<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Lent<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

impl<DB: Transacts> Begun<DB> {
    /// Opens one.
    ///
    /// # Errors
    /// As [`Lender::lend`].
    pub async fn begin(lender: &Arc<Lender<DB>>) -> sqlx::Result<Self> {
        let mut begun = Self { lent: Some(lender.lend().await?) };
        DB::say(begun.connection()?, DB::BEGIN).await?;
        Ok(begun)
    }

    /// What its statements run on.
    ///
    /// # Errors
    /// None, as long as it is not committed.
    pub fn connection(&mut self) -> sqlx::Result<&mut DB::Connection> {
        self.lent.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Makes it so.
    ///
    /// # Errors
    /// What the database says; whether it happened is then unknown.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        let done = DB::say(self.connection()?, "COMMIT").await;
        if done.is_ok()
            && let Some(lent) = self.lent.take()
        {
            lent.back(&done);
        }
        done
    }
}

impl<DB: Transacts> Drop for Begun<DB> {
    fn drop(&mut self) {
        let Some(mut lent) = self.lent.take() else {
            return;
        };
        tokio::spawn(async move {
            let done = DB::say(&mut lent, "ROLLBACK").await;
            if done.is_err() {
                // Nobody knows what state it is in: closing it undoes whatever there is.
                lent.connection.close_on_drop();
            }
            lent.back(&done);
        });
    }
}

impl<DB: Transacts> fmt::Debug for Begun<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun")
    }
}

impl<DB: Database> fmt::Debug for Lender<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lender").field(&self.pool).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Poll;

    use super::super::test_database::TestDatabase;
    use super::super::{Db, Limits, Store, sql, versions};
    use super::*;

    const MORE: &str = "UPDATE versions SET version = version + 1 WHERE name = 'clients'";

    async fn version(store: &Store) -> i64 {
        versions::all(store).await.unwrap().clients
    }

    async fn written(store: &Store) -> sqlx::Result<()> {
        let mut tx = store.write().await?;
        sql(MORE).run(&mut tx).await?;
        tx.commit().await
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_is_undone_and_its_connection_lent_again() {
        let database = TestDatabase::make().await;
        let store = &database.store;
        let before = version(store).await;

        // More often than there are connections.
        for _ in 0..10 {
            let mut tx = store.write().await.unwrap();
            sql(MORE).run(&mut tx).await.unwrap();
        }
        assert_eq!(version(store).await, before);
        written(store).await.unwrap();

        assert_eq!(version(store).await, before + 1);
    }

    /// Runs `work` until it has waited so many times; `None`: it was cancelled then.
    async fn cancelled<T>(work: impl Future<Output = T>, mut waits: usize) -> Option<T> {
        let mut work = pin!(work);
        std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if waits == 0 => Poll::Ready(None),
            Poll::Pending => {
                waits -= 1;
                Poll::Pending
            }
        })
        .await
    }

    /// With sqlx 0.9 the connection would be lent again inside a transaction that nobody commits.
    #[tokio::test]
    async fn one_that_is_cancelled_at_any_moment_swallows_nothing_of_the_next() {
        let limits = Limits { connections: 1, ..TestDatabase::LIMITS };
        let database = TestDatabase::with(&limits).await;
        let other = Store::open(&database.url, &limits, false).await.unwrap();
        let mut moments = 0;
        while cancelled(written(&database.store), moments).await.is_none() {
            let before = version(&other).await;
            written(&database.store).await.unwrap();
            // It may have been cancelled when it was as good as done.
            let since = version(&other).await - before;
            assert!(since == 1 || since == 2, "{since} after {moments} waits");
            moments += 1;
        }
        // To begin, to write and to commit, unless an answer is there before it is waited for.
        assert!(moments > 0, "it never waited");
        other.close().await;
    }

    /// THREATS DO-14.
    #[tokio::test]
    async fn who_waits_too_long_for_a_connection_is_told_so_and_the_next_is_served() {
        let acquire = Duration::from_millis(50);
        let limits = Limits { connections: 1, acquire, ..TestDatabase::LIMITS };
        let database = TestDatabase::with(&limits).await;
        let store = &database.store;
        let asked = || versions::all(store);

        let mut held = (None, None);
        match store.db() {
            Db::Sqlite { read, .. } => held.0 = Some(read.lend().await.unwrap()),
            Db::Postgres(lender) => held.1 = Some(lender.lend().await.unwrap()),
        }
        assert!(matches!(asked().await, Err(sqlx::Error::PoolTimedOut)));
        drop(held);

        asked().await.unwrap();
    }
}
