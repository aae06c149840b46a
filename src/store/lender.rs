//! Connections, handed from one statement to the next.
//!
//! sqlx's pool asks each connection that comes back whether it still lives: a second round trip for each
//! statement, on SQLite a second change of threads. What has just answered need not be asked. It is kept
//! at hand here, and goes back to the pool, to be looked at, when it has rested for a second or when
//! anything went wrong.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool, Transaction};
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

/// A connection for one statement. Dropped without [`Lent::give_back`], it is looked at first.
pub struct Lent<'a, DB: Database> {
    lender: &'a Lender<DB>,
    connection: PoolConnection<DB>,
    _place: OwnedSemaphorePermit,
}

/// A transaction, and the place that it takes.
pub struct Begun<DB: Database> {
    /// What statements run on.
    pub transaction: Transaction<'static, DB>,
    _place: OwnedSemaphorePermit,
}

impl<DB: Database> Lender<DB> {
    /// Lends what this pool has.
    pub fn of(pool: Pool<DB>) -> Self {
        let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
        let places = Semaphore::new(most.min(Semaphore::MAX_PERMITS));
        Self { pool, places: Arc::new(places), at_hand: Mutex::default() }
    }

    /// The pool.
    pub fn pool(&self) -> &Pool<DB> {
        &self.pool
    }

    /// Lends a connection.
    ///
    /// # Errors
    /// When none is free in time, and what the database says to a new one.
    pub async fn lend(&self) -> sqlx::Result<Lent<'_, DB>> {
        let place = self.place().await?;
        let connection = match self.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        Ok(Lent { lender: self, connection, _place: place })
    }

    /// Opens a transaction, by this statement if one is given.
    ///
    /// # Errors
    /// As [`Lender::lend`].
    #[expect(clippy::disallowed_methods, reason = "called from the one place that may")]
    pub(super) async fn begin(&self, statement: Option<&'static str>) -> sqlx::Result<Begun<DB>> {
        let place = self.place().await?;
        // Through the pool, which sees to it that a transaction that is dropped is rolled back.
        drop(self.take());
        let transaction = match statement {
            Some(statement) => self.pool.begin_with(statement).await?,
            None => self.pool.begin().await?,
        };
        Ok(Begun { transaction, _place: place })
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
        let mut at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, since) = at_hand.pop()?;
        if since.elapsed() < BELIEVED {
            return Some(connection);
        }
        // The others have rested longer.
        at_hand.clear();
        None
    }

    /// How many connections there are, and how many of them are idle.
    pub fn connections(&self) -> (u32, usize) {
        let at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner).len();
        (self.pool.size(), self.pool.num_idle() + at_hand)
    }

    /// Lets every connection finish and closes it.
    pub async fn close(&self) {
        // From here on nothing is kept at hand any more.
        let closed = self.pool.close();
        self.at_hand.lock().unwrap_or_else(PoisonError::into_inner).clear();
        closed.await;
    }
}

impl<DB: Database> Lent<'_, DB> {
    /// Keeps it at hand: it has done what it was lent for.
    pub fn give_back(self) {
        let Self { lender, connection, _place } = self;
        let mut at_hand = lender.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        if !lender.pool.is_closed() {
            at_hand.push((connection, Instant::now()));
        }
    }
}

impl<DB: Database> Deref for Lent<'_, DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Lent<'_, DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

impl<DB: Database> fmt::Debug for Begun<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun")
    }
}

impl<DB: Database> fmt::Debug for Lender<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lender").field(&self.pool).finish()
    }
}
