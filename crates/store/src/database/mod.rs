//! Connections, transactions and statements, on SQLite and on PostgreSQL.

pub(crate) mod db;
pub(crate) mod fault;
pub(crate) mod file;
pub(crate) mod open;
pub(crate) mod outages;
pub(crate) mod pool;
pub mod probe;
pub(crate) mod schema;
pub(crate) mod sqlite;
pub(crate) mod waits;
