//! Tests: the error of every commit is reported, for every function of the store that writes.

use super::sources::sources;
use super::test_database::TestDatabase;
use super::{Db, Statement, Store, sql, sweep};
use crate::types::Timestamp;

/// `SQLITE_CONSTRAINT_COMMITHOOK`
const REFUSED: &str = "531";

/// A statement that writes, and the function that runs it.
struct Write {
    function: String,
    text: &'static str,
    /// Whether this is only its beginning, because it is a `concat!` of several texts.
    is_part: bool,
}

/// Every statement of the store that writes, read from the source, so that none is forgotten.
fn writes() -> Vec<Write> {
    let mut writes = Vec::new();
    for (path, source) in sources() {
        let name = path.trim_end_matches(".rs").trim_end_matches("/mod");
        if ["commits", "decoding", "plans", "sources", "database/schema", "test_database"]
            .contains(&name)
        {
            continue;
        }
        let source = source.split("#[cfg(test)]\nmod ").next().unwrap();
        let code: Vec<_> =
            source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        let mut function = "a constant".to_owned();
        let mut before = "";
        // Every second part is a text; the code before it names the function.
        for (n, part) in code.split('"').enumerate() {
            if n % 2 == 0 {
                before = part;
                if let Some((_, rest)) = part.rsplit_once(" fn ") {
                    function = rest.split(['(', '<']).next().unwrap().to_owned();
                }
            } else if ["INSERT ", "UPDATE ", "DELETE ", "WITH ", "REPLACE "]
                .iter()
                .any(|word| part.starts_with(word))
            {
                let text = part.replace("\\\n", " ").leak();
                let is_part = before.trim_end().ends_with("concat!(");
                writes.push(Write { function: format!("{name}::{function}"), text, is_part });
            }
        }
    }
    writes
}

impl Write {
    /// The statement, with an arbitrary value for each placeholder.
    fn bound(&self) -> Statement {
        let numbers = self.text.split('$').skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest[..end].parse::<usize>().unwrap()
        });
        let most = numbers.max().unwrap_or(0);
        (1..=most).fold(sql(self.text), |sql, n| sql.bind(i64::try_from(n).unwrap()))
    }
}

/// Makes every commit on the writing connection fail.
async fn refuse_commits(store: &Store) {
    sql("PRAGMA foreign_keys = OFF").execute(store.db()).await.unwrap();
    let Db::Sqlite(threads) = store.db() else { panic!("it is SQLite's") };
    threads.write.with(|connection| connection.commit_hook(Some(|| true))).await.unwrap();
}

fn code(done: sqlx::Result<()>) -> Option<String> {
    Some(done.err()?.as_database_error()?.code()?.into_owned())
}

/// THREATS EX-01: a statement outside of a transaction reports the error of its commit, also when its row is read.
#[tokio::test]
async fn a_commit_that_fails_fails_every_statement_that_writes() {
    let database = TestDatabase::sqlite().await;
    let on = database.store.db();
    refuse_commits(&database.store).await;
    let writes = writes();
    let whole = writes.iter().filter(|write| !write.is_part).count();
    assert!(whole > 70, "they were not found: {whole}");

    for write in &writes {
        // It is run to its end.
        assert!(!sql(write.text).is_read(), "{}: {}", write.function, write.text);
        if write.is_part {
            continue;
        }
        let by_execute = code(write.bound().execute(on).await.map(drop));
        let by_optional = code(write.bound().fetch_optional::<()>(on).await.map(drop));
        let by_one = code(write.bound().fetch_one::<()>(on).await.map(drop));
        let by_all = code(write.bound().fetch_all::<()>(on).await.map(drop));

        for done in [by_execute, by_optional, by_one, by_all] {
            assert_eq!(done.as_deref(), Some(REFUSED), "{}: {}", write.function, write.text);
        }
    }
    let swept = sweep::once(&database.store, Timestamp(0)).await;
    assert_eq!(code(swept.map(drop)).as_deref(), Some(REFUSED));
}

/// THREATS EX-01: the same for transactions; and the connection stays usable.
#[tokio::test]
async fn a_commit_that_fails_fails_its_transaction() {
    let database = TestDatabase::sqlite().await;
    refuse_commits(&database.store).await;

    for write in writes().iter().filter(|write| !write.is_part) {
        let mut tx = database.store.write().await.unwrap();
        write.bound().execute(&mut tx).await.unwrap();
        assert_eq!(code(tx.commit().await).as_deref(), Some(REFUSED), "{}", write.function);
    }
}

/// PostgreSQL rolls back a transaction in which a statement has failed, and reports the commit as a success; the
/// store reports an error, on both databases.
#[tokio::test]
async fn a_transaction_in_which_a_statement_has_failed_is_not_committed() {
    let database = TestDatabase::make().await;
    let mut tx = database.store.write().await.unwrap();
    let insert = "INSERT INTO versions (name, version) VALUES ($1, 1)";
    sql(insert).bind("new").execute(&mut tx).await.unwrap();
    sql(insert).bind("new").execute(&mut tx).await.unwrap_err();

    tx.commit().await.unwrap_err();

    let rows: Vec<(String,)> = sql("SELECT name FROM versions WHERE name = 'new'")
        .fetch_all(database.store.db())
        .await
        .unwrap();
    assert!(rows.is_empty(), "{rows:?}");
}
