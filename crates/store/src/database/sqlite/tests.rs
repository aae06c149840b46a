//! Tests of the writer's groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use crate::database::db::Batch;
use crate::test_database::TestDatabase;
use crate::{Db, Statement, Store, sql};

const EVENT: &str = "INSERT INTO audit_events (id, at_ms, kind, outcome, facts, count)
                     VALUES ($1, $2, 'test', 'success', $3, 1)";

/// A second event of the same transaction.
const ANOTHER: &str = "INSERT INTO audit_events (id, at_ms, kind, outcome, facts, count)
                       VALUES ('another ' || $1, $2, 'test', 'success', $3, 1)";

fn event(id: &str, length: usize) -> Statement {
    sql(EVENT).bind(id).bind(1).bind("x".repeat(length))
}

/// A transaction of two statements.
fn two(id: &str) -> Batch {
    event(id, 1).then(&[ANOTHER], "")
}

async fn ids(store: &Store) -> Vec<String> {
    let rows: Vec<(String,)> =
        sql("SELECT id FROM audit_events ORDER BY id").fetch_all(store.db()).await.unwrap();
    rows.into_iter().map(|(id,)| id).collect()
}

/// Lets every commit succeed or fail, and counts them.
async fn watch_commits(store: &Store, is_refused: bool) -> Arc<AtomicUsize> {
    let Db::Sqlite(threads) = store.db() else { panic!("it is SQLite's") };
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = commits.clone();
    let hook = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        is_refused
    };
    threads.write.with(|connection| connection.commit_hook(Some(hook))).await.unwrap();
    commits
}

/// Runs each of these at the same time: they wait until all of them do.
async fn at_once<T: Send + 'static>(
    store: &Store,
    all: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let before = store.write().await.unwrap();
    let mut tasks = JoinSet::new();
    for one in all {
        tasks.spawn(one);
        tokio::task::yield_now().await;
    }
    drop(before);
    tasks.join_all().await
}

fn written(store: &Store, id: String) -> impl Future<Output = sqlx::Result<bool>> + use<> {
    let store = store.clone();
    async move { two(&id).execute(store.db()).await }
}

#[tokio::test]
async fn transactions_that_wait_at_the_same_time_share_a_commit() {
    let database = TestDatabase::sqlite().await;
    let store = &database.store;
    let commits = watch_commits(store, false).await;

    let done = at_once(store, (0..40).map(|n| written(store, n.to_string()))).await;

    assert!(done.into_iter().all(Result::unwrap));
    assert_eq!(ids(store).await.len(), 80);
    // A group ends after 2 ms, so a slow machine needs several.
    let commits = commits.load(Ordering::Relaxed);
    assert!(commits < 20, "{commits} commits of 40 transactions");
}

#[tokio::test]
async fn a_transaction_that_fails_in_a_group_fails_alone_and_leaves_nothing() {
    let database = TestDatabase::sqlite().await;
    let store = &database.store;
    event("another 3", 1).execute(store.db()).await.unwrap();

    let done = at_once(store, (0..6).map(|n| written(store, n.to_string()))).await;

    // Their second statement violates the primary key.
    assert_eq!(done.iter().filter(|done| done.is_err()).count(), 1, "{done:?}");
    let ids = ids(store).await;
    assert_eq!(ids.len(), 11, "{ids:?}");
    assert!(!ids.contains(&"3".to_owned()), "{ids:?}");
}

#[tokio::test]
async fn a_commit_that_fails_fails_every_transaction_of_its_group() {
    let database = TestDatabase::sqlite().await;
    let store = &database.store;
    watch_commits(store, true).await;

    let done = at_once(store, (0..6).map(|n| written(store, n.to_string()))).await;

    for done in done {
        let code = done.unwrap_err().as_database_error().unwrap().code().unwrap().into_owned();
        assert_eq!(code, "531");
    }
    assert!(ids(store).await.is_empty());
    watch_commits(store, false).await;
    assert!(two("later").execute(store.db()).await.unwrap(), "the connection is usable");
}

/// THREATS DB-08, EX-01: a full disk ends whole groups; what was acknowledged is there, and nothing else.
#[tokio::test]
async fn on_a_full_disk_exactly_what_was_acknowledged_is_stored() {
    let database = TestDatabase::sqlite().await;
    let store = &database.store;
    // Room for some of what follows.
    let Db::Sqlite(threads) = store.db() else { panic!("it is SQLite's") };
    threads
        .write
        .with(|connection| {
            let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            connection.execute_batch(&format!("PRAGMA max_page_count = {}", pages + 40))
        })
        .await
        .unwrap();

    let done = at_once(
        store,
        (0..40).map(|n| {
            let store = store.clone();
            async move { (n, event(&format!("{n:02}"), 6000).execute(store.db()).await.is_ok()) }
        }),
    )
    .await;

    let mut acknowledged: Vec<_> =
        done.into_iter().filter(|(_, is_ok)| *is_ok).map(|(n, _)| format!("{n:02}")).collect();
    acknowledged.sort();
    assert_eq!(ids(store).await, acknowledged);
    assert!(acknowledged.len() < 40, "the disk was not full");
}

#[tokio::test]
async fn a_transaction_whose_caller_is_gone_before_its_turn_is_not_begun() {
    let database = TestDatabase::sqlite().await;
    let store = &database.store;
    let before = store.write().await.unwrap();
    let mut gone = Box::pin(written(store, "gone".to_owned()));
    let waits = std::future::poll_fn(|cx| std::task::Poll::Ready(gone.as_mut().poll(cx)));
    assert!(waits.await.is_pending());
    drop(gone);
    drop(before);

    assert!(written(store, "next".to_owned()).await.unwrap());

    assert_eq!(ids(store).await, ["another next", "next"]);
}

/// A statement that changes no row is the last: what preceded it is committed.
#[tokio::test]
async fn a_statement_that_changes_no_row_is_the_last_of_its_transaction() {
    const NOTHING: &str = "UPDATE audit_events SET count = 2 WHERE id = 'unknown ' || $1";
    let database = TestDatabase::sqlite().await;
    let store = &database.store;

    let first = sql(NOTHING).bind("a").then(&[EVENT], "").execute(store.db()).await.unwrap();
    let second = event("b", 1).then(&[NOTHING, ANOTHER], "").execute(store.db()).await.unwrap();

    assert_eq!((first, second), (false, true));
    assert_eq!(ids(store).await, ["b"]);
}
