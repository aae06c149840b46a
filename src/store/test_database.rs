//! A database of its own for each unit test, on the server that tests/README.md tells of.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{Limits, Store};
use crate::types::Secret;

/// A database that goes with its test.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    pub(crate) store: Store,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Directory(PathBuf),
    Postgres { server: String, name: String },
}

impl TestDatabase {
    /// An empty one: in SQLite, or with `TEST_DATABASE=postgres` on the server of `TEST_POSTGRES`.
    pub(crate) async fn make() -> Self {
        let name = format!("gatewright_{}", uuid::Uuid::now_v7().simple());
        let (url, place) = if std::env::var("TEST_DATABASE").is_ok_and(|kind| kind == "postgres") {
            let server = std::env::var("TEST_POSTGRES").unwrap();
            ask(&server, format!("CREATE DATABASE {name}")).await;
            let mut url = url::Url::parse(&server).unwrap();
            url.set_path(&name);
            (url.to_string(), Place::Postgres { server, name })
        } else {
            let directory = std::env::temp_dir().join(name);
            std::fs::create_dir(&directory).unwrap();
            let file = directory.join("test.db");
            (format!("sqlite:{}", file.display()), Place::Directory(directory))
        };
        let patient = Duration::from_secs(10);
        let limits = Limits { connections: 4, acquire: patient, statement: patient };
        let store = Store::open(&Secret::new(url), &limits, false).await.unwrap();
        Self { store, place }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        match &self.place {
            Place::Directory(directory) => {
                let _ = std::fs::remove_dir_all(directory);
            }
            Place::Postgres { server, name } => {
                let (server, drop) = (server.clone(), format!("DROP DATABASE {name} WITH (FORCE)"));
                // In a thread and a runtime of its own: this one may be over.
                let dropped = std::thread::spawn(move || {
                    let mut runtime = tokio::runtime::Builder::new_current_thread();
                    runtime.enable_all().build().unwrap().block_on(ask(&server, drop));
                });
                let _ = dropped.join();
            }
        }
    }
}

async fn ask(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
