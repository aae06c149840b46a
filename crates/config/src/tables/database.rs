//! `[database]`.

use crate::secrets::DatabaseUrl;
use crate::table::{optional, table};
use crate::text::Pooler;
use crate::types::Seconds;

table! {
    /// The database.
    database: Database {
        /// `sqlite:` and a path, or the URL of a PostgreSQL 14 or newer. It may contain a password,
        /// so it is never printed.
        url: DatabaseUrl = DatabaseUrl::default(), required "it names the database",
            or url_file;
        /// The largest number of open connections.
        max_connections: u32 = 16, within 1, 1000;
        /// A connection pooler in front of PostgreSQL: `none`, also for a pooler in session mode;
        /// or `transaction`, a pooler in transaction mode such as PgBouncer. Behind the latter no
        /// statement is prepared by name and no session parameter is set, so the time limit of a
        /// statement must be set for the role: `ALTER ROLE gatewright SET statement_timeout =
        /// '2s'`.
        pooler: Pooler = Pooler::None;
        /// How long a request waits for a connection, or for the lock of an SQLite file, before the
        /// response is 503.
        acquire_timeout: Seconds = Seconds(1), within Seconds(1), Seconds::minutes(1);
        /// How long one statement may take on PostgreSQL. A connection that has not responded half
        /// a second later is closed.
        statement_timeout: Seconds = Seconds(2), within Seconds(1), Seconds::minutes(1);
    }
}
