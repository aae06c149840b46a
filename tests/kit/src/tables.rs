//! The tables of the database under test.

use crate::server::Server;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

/// Renames a table.
pub async fn rename(server: &Server, from: &str, to: &str) {
    let url = server.app().config.database.url.0.expose();
    let statement = AssertSqlSafe(format!("ALTER TABLE {from} RENAME TO {to}"));
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        connection.execute(statement).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        connection.execute(statement).await.unwrap();
        connection.close().await.unwrap();
    }
}
