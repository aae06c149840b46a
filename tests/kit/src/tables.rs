//! The tables of the database under test.

use gatewright::store::test_database::execute;

use crate::server::Server;

/// Renames a table.
pub async fn rename_table(server: &Server, from: &str, to: &str) {
    let statement = format!("ALTER TABLE {from} RENAME TO {to}");
    execute(&server.app().store, &statement).await.unwrap();
}
