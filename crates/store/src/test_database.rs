//! A database of its own for each test, on the server that tests/README.md describes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::path::PathBuf;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{ConnectionLimits, Db, OpenMode, Store};
use crate::types::Secret;

/// An empty database that is deleted when this is dropped.
#[derive(Debug)]
pub struct Database {
    /// Its URL.
    pub url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Directory(PathBuf),
    Postgres { server: String, name: String },
}

/// A [`Database`] with an open store. The store is dropped first.
#[derive(Debug)]
pub struct TestDatabase {
    /// The open store.
    pub store: Store,
    /// The URL of the store.
    pub url: Secret,
    database: Database,
}

impl TestDatabase {
    /// Generous limits.
    pub const LIMITS: ConnectionLimits = ConnectionLimits {
        connections: 4,
        acquire: Duration::from_secs(10),
        statement: Duration::from_secs(10),
        has_pooler: false,
    };

    /// An empty database: in SQLite, or with `TEST_DATABASE=postgres` on the server of `TEST_POSTGRES`.
    pub async fn make() -> Self {
        Self::with(&Self::LIMITS).await
    }

    /// The same, with these limits.
    pub async fn with(limits: &ConnectionLimits) -> Self {
        Self::open(Database::make().await, limits).await
    }

    /// In SQLite, also when PostgreSQL is tested: for behaviour of SQLite only.
    pub async fn sqlite() -> Self {
        Self::open(Database::create(false).await, &Self::LIMITS).await
    }

    /// The size of the database file with this suffix.
    pub fn size(&self, ending: &str) -> u64 {
        match &self.database.place {
            Place::Directory(directory) => {
                std::fs::metadata(directory.join(format!("test.db{ending}"))).unwrap().len()
            }
            Place::Postgres { .. } => panic!("PostgreSQL keeps its files to itself"),
        }
    }

    async fn open(database: Database, limits: &ConnectionLimits) -> Self {
        let url = Secret::new(database.url.clone());
        let store = Store::open(&url, limits, OpenMode::Migrate).await.unwrap();
        Self { store, url, database }
    }
}

impl Database {
    /// In SQLite, or with `TEST_DATABASE=postgres` on the server of `TEST_POSTGRES`.
    pub async fn make() -> Self {
        Self::create(std::env::var("TEST_DATABASE").is_ok_and(|kind| kind == "postgres")).await
    }

    async fn create(is_postgres: bool) -> Self {
        let name = format!("gatewright_{}", uuid::Uuid::now_v7().simple());
        if is_postgres {
            let server = std::env::var("TEST_POSTGRES").unwrap();
            ask(&server, format!("CREATE DATABASE {name}")).await;
            let mut url = url::Url::parse(&server).unwrap();
            url.set_path(&name);
            Self { url: url.to_string(), place: Place::Postgres { server, name } }
        } else {
            let directory = std::env::temp_dir().join(name);
            std::fs::create_dir(&directory).unwrap();
            let url = format!("sqlite:{}", directory.join("test.db").display());
            Self { url, place: Place::Directory(directory) }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match &self.place {
            Place::Directory(directory) => {
                let _ = std::fs::remove_dir_all(directory);
            }
            Place::Postgres { server, name } => {
                let (server, drop) = (server.clone(), format!("DROP DATABASE {name} WITH (FORCE)"));
                // In a thread and a runtime of its own, because that of the test may have ended.
                let dropped = std::thread::spawn(move || {
                    let mut runtime = tokio::runtime::Builder::new_current_thread();
                    runtime.enable_all().build().unwrap().block_on(ask(&server, drop));
                });
                let _ = dropped.join();
            }
        }
    }
}

/// Runs statements without values, and without a time limit.
///
/// # Errors
/// When the database fails.
pub async fn execute(store: &Store, texts: &str) -> sqlx::Result<()> {
    match store.db() {
        Db::Sqlite(threads) => {
            let texts = texts.to_owned();
            threads.write.with(move |connection| connection.execute_batch(&texts)).await
        }
        Db::Postgres(pool) => {
            let mut lease = pool.lease().await?;
            let (connection, ..) = lease.connection()?;
            let texts = format!("SET statement_timeout = 0; {texts}; RESET ALL");
            let done = connection.execute(AssertSqlSafe(texts)).await.map(drop);
            lease.finish(done).await
        }
    }
}

async fn ask(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
