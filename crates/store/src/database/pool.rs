//! A pool of connections to PostgreSQL whose every wait is bounded.
//!
//! It replaces sqlx's pool, which pings each returned connection (a second round trip for each statement) and waits
//! for the response without a limit: on a network that drops packets, all connections hang one after the other.
//! Here every wait is bounded: connecting, pinging, beginning, a statement, committing, rolling back, closing. A
//! connection that did not respond in time is closed, never lent again, and its place is free (THREATS EX-02).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::database::fault;
use crate::database::waits::{Waits, bounded};

/// A connection that responded this recently is not pinged.
const FRESH: Duration = Duration::from_secs(1);

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(10 * 60);

/// The longest lifetime of a connection.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(2);

/// The pause before connecting is retried after a temporary refusal.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections to one database, and their limit.
pub struct Pool {
    options: PgConnectOptions,
    waits: Waits,
    /// A permit for each connection, held while it is in use.
    places: Arc<Semaphore>,
    most: u32,
    idle: Mutex<Vec<IdleConnection>>,
    is_closed: AtomicBool,
    /// Whether a pooler in transaction mode is in front: no statement is prepared by name, and each statement is a
    /// transaction, or its parts would go to different connections.
    has_pooler: bool,
}

struct IdleConnection {
    connection: PgConnection,
    opened: Instant,
    since: Instant,
}

/// A connection for one statement or one transaction. Dropped without [`Lease::finish`] or [`Lease::commit`], its
/// transaction is rolled back, and it is lent again once it has responded.
///
/// A transaction of sqlx that is dropped while it begins leaves its connection inside a transaction, in which the
/// writes of the next borrower are lost without an error (sqlx 0.9 on PostgreSQL).
pub struct Lease {
    /// `None`: it was returned, or did not respond and was closed.
    leased: Option<Leased>,
    /// Whether it is inside a transaction.
    is_begun: bool,
    /// Whether a statement of its transaction has failed: PostgreSQL then rolls back at the commit, without an
    /// error.
    has_failed: bool,
}

struct Leased {
    connection: PgConnection,
    opened: Instant,
    pool: Arc<Pool>,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    /// Lends at most `most` connections, each opened with these options when it is needed.
    pub(crate) fn of(options: PgConnectOptions, most: u32, waits: Waits) -> Self {
        let places = Semaphore::new(most.try_into().unwrap_or(Semaphore::MAX_PERMITS));
        Self {
            options,
            waits,
            places: Arc::new(places),
            most,
            idle: Mutex::default(),
            is_closed: AtomicBool::new(false),
            has_pooler: false,
        }
    }

    /// Sets whether a pooler in transaction mode is in front.
    #[must_use]
    pub fn behind_pooler(self, has_pooler: bool) -> Self {
        Self { has_pooler, ..self }
    }

    /// Lends a connection for a single statement, or to [`Lease::begin`] a transaction.
    ///
    /// # Errors
    /// When none is free in time, or a new one cannot be opened.
    pub async fn lease(self: &Arc<Self>) -> sqlx::Result<Lease> {
        let begun = Instant::now();
        let place = match self.places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(TryAcquireError::Closed) => return Err(sqlx::Error::PoolClosed),
            Err(TryAcquireError::NoPermits) => self.place().await?,
        };
        if self.is_closed.load(Ordering::Acquire) {
            return Err(sqlx::Error::PoolClosed);
        }
        let (connection, opened) = match self.take() {
            Some(unused) if begun.duration_since(unused.since) < FRESH => {
                (unused.connection, unused.opened)
            }
            Some(unused) => self.pinged(unused, begun).await?,
            None => self.connect(begun).await?,
        };
        let leased = Leased { connection, opened, pool: self.clone(), _place: place };
        Ok(Lease { leased: Some(leased), is_begun: false, has_failed: false })
    }

    async fn place(&self) -> sqlx::Result<OwnedSemaphorePermit> {
        let free = self.places.clone().acquire_owned();
        match tokio::time::timeout(self.waits.lend, free).await {
            Ok(place) => place.map_err(|_| sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// The most recently used idle connection. Old and long unused ones are closed.
    fn take(&self) -> Option<IdleConnection> {
        let mut idle = self.idle();
        let now = Instant::now();
        idle.retain(|unused| {
            now.duration_since(unused.opened) < LIFETIME && now.duration_since(unused.since) < IDLE
        });
        idle.pop()
    }

    /// This connection, if it responds to a ping; otherwise a new one, because the others have been idle for longer.
    async fn pinged(
        &self,
        mut unused: IdleConnection,
        begun: Instant,
    ) -> sqlx::Result<(PgConnection, Instant)> {
        // Half of the time is left for a new one.
        let wait = FRESH.min(self.waits.lend / 2);
        if bounded(wait, unused.connection.ping()).await.is_ok() {
            return Ok((unused.connection, unused.opened));
        }
        drop(unused);
        self.close_idle();
        self.connect(begun).await
    }

    /// A new connection; retries while the server is starting or stopping.
    async fn connect(&self, begun: Instant) -> sqlx::Result<(PgConnection, Instant)> {
        loop {
            let left = self.waits.lend.saturating_sub(begun.elapsed());
            match bounded(left, Box::pin(self.options.connect())).await {
                Ok(connection) => return Ok((connection, Instant::now())),
                Err(error) if fault::is_refusal(&error) && left > PAUSE => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(fault::readable(error)),
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes every idle connection: what broke one has broken all.
    fn close_idle(&self) {
        let unused = std::mem::take(&mut *self.idle());
        drop(unused);
    }

    /// The number of connections, and of idle ones.
    pub fn connections(&self) -> (u32, usize) {
        let idle = self.idle().len();
        let free = self.places.available_permits();
        let used = usize::try_from(self.most).unwrap_or(usize::MAX).saturating_sub(free);
        (u32::try_from(used + idle).unwrap_or(u32::MAX), idle)
    }

    /// Closes every connection once it is idle, waiting no longer than the limit of a statement.
    pub async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let all_places = self.places.acquire_many(self.most);
        let finished = tokio::time::timeout(self.waits.statement, all_places).await;
        self.places.close();
        drop(finished);
        let unused = std::mem::take(&mut *self.idle());
        let closed = bounded(CLOSE, async {
            for one in unused {
                one.connection.close().await?;
            }
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::debug!(%error, "a connection to the database was not closed in order");
        }
    }
}

async fn execute(on: &mut PgConnection, statements: &'static str) -> sqlx::Result<()> {
    Box::pin(on.execute(statements)).await.map(drop)
}

impl Lease {
    /// The connection, the limit of a statement, and whether statements are prepared by name.
    ///
    /// # Errors
    /// When the connection was closed because it did not respond.
    pub fn connection(&mut self) -> sqlx::Result<(&mut PgConnection, Duration, bool)> {
        let leased = self.leased.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        let Leased { connection, pool, .. } = leased;
        Ok((connection, pool.waits.statement, !pool.has_pooler))
    }

    /// Checks the result of a statement: a connection that broke, or did not respond in time, is closed, and its
    /// place is free.
    ///
    /// # Errors
    /// The error of the statement.
    pub fn check<T>(&mut self, done: sqlx::Result<T>) -> sqlx::Result<T> {
        done.map_err(|error| {
            self.has_failed = true;
            if fault::breaks(&error)
                && let Some(leased) = self.leased.take()
            {
                leased.pool.close_idle();
            }
            fault::readable(error)
        })
    }

    /// Opens a transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&mut self) -> sqlx::Result<()> {
        // If it is cancelled from here on, the transaction may have begun.
        self.is_begun = true;
        // READ COMMITTED.
        self.execute("BEGIN").await
    }

    /// The same, only behind a pooler, where a single statement must be a transaction.
    ///
    /// # Errors
    /// As [`Lease::begin`].
    pub async fn begin_behind_pooler(&mut self) -> sqlx::Result<()> {
        let has_pooler = self.leased.as_ref().is_some_and(|leased| leased.pool.has_pooler);
        if has_pooler { self.begin().await } else { Ok(()) }
    }

    /// Runs statements without values and rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn execute(&mut self, statements: &'static str) -> sqlx::Result<()> {
        let (connection, wait, _) = self.connection()?;
        let done = bounded(wait, execute(connection, statements)).await;
        self.check(done)
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// When the database fails; whether the transaction was committed is then unknown. If a statement has failed
    /// before, it was rolled back.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        if self.has_failed {
            return Err(fault::not_committed());
        }
        self.execute("COMMIT").await?;
        self.is_begun = false;
        self.give_back();
        Ok(())
    }

    /// Returns it after a single statement, whose transaction is committed where it needed one.
    ///
    /// # Errors
    /// The error of the statement, or of its commit.
    pub async fn finish<T>(mut self, done: sqlx::Result<T>) -> sqlx::Result<T> {
        let done = self.check(done)?;
        if self.is_begun {
            self.commit().await?;
        } else {
            self.give_back();
        }
        Ok(done)
    }

    fn give_back(&mut self) {
        if let Some(leased) = self.leased.take() {
            leased.release();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(leased) = self.leased.take() else {
            return;
        };
        // A statement failed, and the connection is usable.
        if self.has_failed && !self.is_begun {
            return leased.release();
        }
        // Without a runtime, no connection is lent any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(leased.settle(self.is_begun));
        }
    }
}

impl Leased {
    /// Returns it to the pool, if it can be rolled back or responds to a ping.
    async fn settle(mut self, is_begun: bool) {
        let (connection, wait) = (&mut self.connection, self.pool.waits.statement);
        let done = if is_begun {
            bounded(wait, execute(connection, "ROLLBACK")).await
        } else {
            bounded(wait, connection.ping()).await
        };
        match done {
            Ok(()) => self.release(),
            Err(_) => self.pool.close_idle(),
        }
    }

    fn release(self) {
        let Self { connection, opened, pool, _place } = self;
        let mut idle = pool.idle();
        if !pool.places.is_closed() {
            idle.push(IdleConnection { connection, opened, since: Instant::now() });
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("is_begun", &self.is_begun).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Poll;

    use super::*;
    use crate::test_database::TestDatabase;
    use crate::{ConnectionLimits, OpenMode, Store, sql, versions};

    const MORE: &str = "UPDATE versions SET version = version + 1 WHERE name = 'clients'";

    async fn version(store: &Store) -> i64 {
        versions::all(store).await.unwrap().clients
    }

    async fn written(store: &Store) -> sqlx::Result<()> {
        let mut tx = store.write().await?;
        sql(MORE).execute(&mut tx).await?;
        tx.commit().await
    }

    #[tokio::test]
    async fn a_dropped_transaction_is_rolled_back_and_its_connection_reused() {
        let database = TestDatabase::make().await;
        let store = &database.store;
        let before = version(store).await;

        // More often than the number of connections.
        for _ in 0..10 {
            let mut tx = store.write().await.unwrap();
            sql(MORE).execute(&mut tx).await.unwrap();
        }
        assert_eq!(version(store).await, before);
        written(store).await.unwrap();

        assert_eq!(version(store).await, before + 1);
    }

    /// Runs `work` until it has waited this many times; `None`: it was cancelled then.
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

    /// With sqlx 0.9 the connection would be lent again inside a transaction that is never committed.
    #[tokio::test]
    async fn a_transaction_cancelled_at_any_moment_loses_no_write_of_the_next() {
        let limits = ConnectionLimits { connections: 1, ..TestDatabase::LIMITS };
        let database = TestDatabase::with(&limits).await;
        let other = Store::open(&database.url, &limits, OpenMode::Migrate).await.unwrap();
        let mut moments = 0;
        while cancelled(written(&database.store), moments).await.is_none() {
            let before = version(&other).await;
            written(&database.store).await.unwrap();
            // It may have been cancelled when it had already committed.
            let since = version(&other).await - before;
            assert!(since == 1 || since == 2, "{since} after {moments} waits");
            moments += 1;
        }
        // For beginning, writing and committing, unless a response arrives before the wait.
        assert!(moments > 0, "it never waited");
        other.close().await;
    }

    /// THREATS DO-14.
    #[tokio::test]
    async fn waiting_too_long_for_a_connection_fails_and_the_next_request_is_served() {
        let acquire = Duration::from_millis(50);
        let limits = ConnectionLimits { connections: 1, acquire, ..TestDatabase::LIMITS };
        let database = TestDatabase::with(&limits).await;
        let store = &database.store;

        let only = store.write().await.unwrap();
        assert!(matches!(written(store).await, Err(sqlx::Error::PoolTimedOut)));
        drop(only);

        written(store).await.unwrap();
    }

    /// THREATS DO-14: waiting for the one writer of SQLite and for the lock of its file, which another process
    /// holds, together take no longer than the limit.
    #[tokio::test]
    async fn waiting_for_the_lock_of_a_file_is_bounded_like_waiting_for_a_connection() {
        let database = TestDatabase::sqlite().await;
        let limits =
            ConnectionLimits { acquire: Duration::from_millis(400), ..TestDatabase::LIMITS };
        let store = Store::open(&database.url, &limits, OpenMode::Serve).await.unwrap();
        let mut tx = database.store.write().await.unwrap();
        sql(MORE).execute(&mut tx).await.unwrap();

        let begun = Instant::now();
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { (written(&store).await, begun.elapsed()) })
            })
            .collect();
        for one in waiting {
            let (refused, waited) = one.await.unwrap();
            refused.unwrap_err();
            // With SQLite's own timeout of five seconds for each of them it would be forty.
            assert!(waited < Duration::from_secs(3), "{waited:?}");
        }

        tx.commit().await.unwrap();
        written(&store).await.unwrap();
        store.close().await;
    }
}
