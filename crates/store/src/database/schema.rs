//! The schema: its migration, and whether this release supports it.
//!
//! All missing migrations are applied in one transaction under a lock: all of them, or none. The table is that of
//! sqlx; sqlx's own migrator is not used, because it takes a session lock, which poolers do not support, and does
//! not record which releases support a migrated schema.

use std::time::Instant;

use sqlx::migrate::{Migration, Migrator};
use sqlx_macros::FromRow;

use crate::database::open::{OpenMode, OpenStoreError};
use crate::{Db, Tx, sql};

/// This release.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

static MIGRATIONS: Migrator = sqlx_macros::migrate!("../../migrations");

/// The migrations after which older releases no longer support the schema, each with the oldest release that does.
/// A migration that only adds (a table, an index, a column that may be null or has a default) is not listed: older
/// releases ignore what it adds. A test compares this list with the migrations.
const BREAKS: &[(i64, &str)] =
    &[(13, "0.1.0"), (16, "0.1.0"), (20, "0.1.0"), (24, "0.1.0"), (38, "0.1.0"), (39, "0.1.0")];

/// The key of PostgreSQL's advisory lock.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7164776887)";

/// An applied migration.
#[derive(Debug, FromRow)]
struct Applied {
    version: i64,
    checksum: Vec<u8>,
}

/// The release that applied a migration, and the oldest one that supports the result.
#[derive(Debug, FromRow)]
struct Release {
    migration: i64,
    applied_by: String,
    oldest: String,
}

#[derive(Debug, FromRow)]
struct Table {
    #[expect(dead_code, reason = "that there is one is all")]
    name: String,
}

/// Ensures that this release supports the schema: migrates it, if the database is opened for that. `name` is the
/// name of the database, for errors.
pub(crate) async fn ready(db: &Db, name: &str, mode: OpenMode) -> Result<(), OpenStoreError> {
    let opened = |error| OpenStoreError::Database(name.to_owned(), error);
    let applied = applied(db).await.map_err(opened)?;
    admitted(db, &applied).await.map_err(opened)??;
    let Some(missing) = missing(&applied)?.first().copied() else {
        return Ok(());
    };
    if mode == OpenMode::Command {
        return Err(OpenStoreError::Outdated(missing.version));
    }
    migrate(db, name).await
}

/// The applied migrations.
async fn applied(db: &Db) -> sqlx::Result<Vec<Applied>> {
    if !has_table(db, "_sqlx_migrations").await? {
        return Ok(Vec::new());
    }
    sql("SELECT version, checksum FROM _sqlx_migrations ORDER BY version").fetch_all(db).await
}

async fn has_table(db: &Db, name: &str) -> sqlx::Result<bool> {
    let tables = match db {
        Db::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1",
        Db::Postgres(_) => {
            "SELECT tablename::TEXT AS name FROM pg_catalog.pg_tables
              WHERE tablename = $1 AND schemaname = ANY (current_schemas(false))"
        }
    };
    Ok(sql(tables).bind(name).fetch_optional::<Table>(db).await?.is_some())
}

/// Whether a schema that later releases have migrated still supports this one.
async fn admitted(db: &Db, applied: &[Applied]) -> sqlx::Result<Result<(), OpenStoreError>> {
    let unknown: Vec<_> =
        applied.iter().filter(|one| !MIGRATIONS.version_exists(one.version)).collect();
    if unknown.is_empty() {
        return Ok(Ok(()));
    }
    let releases: Vec<Release> = if has_table(db, "schema_releases").await? {
        sql("SELECT migration, applied_by, oldest FROM schema_releases").fetch_all(db).await?
    } else {
        Vec::new()
    };
    Ok(admits(unknown.iter().map(|one| one.version), &releases))
}

fn admits(
    unknown: impl IntoIterator<Item = i64>,
    releases: &[Release],
) -> Result<(), OpenStoreError> {
    for migration in unknown {
        let release = releases.iter().find(|release| release.migration == migration);
        let oldest = release.and_then(|release| parsed(&release.oldest));
        if oldest.is_none_or(|oldest| parsed(VERSION) < Some(oldest)) {
            let (by, oldest) = release.map_or(("a later release", "a later release"), |release| {
                (release.applied_by.as_str(), release.oldest.as_str())
            });
            let (by, oldest) = (by.to_owned(), oldest.to_owned());
            return Err(OpenStoreError::TooNew { migration, by, oldest });
        }
    }
    Ok(())
}

fn parsed(version: &str) -> Option<[u64; 3]> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    let read = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(read)
}

/// The missing migrations, in their order.
fn missing(applied: &[Applied]) -> Result<Vec<&'static Migration>, OpenStoreError> {
    let mut missing = Vec::new();
    for migration in MIGRATIONS.iter() {
        match applied.iter().find(|one| one.version == migration.version) {
            None => missing.push(migration),
            Some(one) if *one.checksum == *migration.checksum => {}
            Some(one) => return Err(OpenStoreError::Changed(one.version)),
        }
    }
    Ok(missing)
}

/// The oldest release that supports the schema after this migration.
fn oldest(migration: i64) -> &'static str {
    let broken = BREAKS.iter().rev().find(|(version, _)| *version <= migration);
    broken.map_or("0.1.0", |(_, oldest)| oldest)
}

/// Applies the missing migrations.
async fn migrate(db: &Db, name: &str) -> Result<(), OpenStoreError> {
    let failed = |error| OpenStoreError::Migration(name.to_owned(), error);
    let begun = Instant::now();
    // Concurrent migrations wait here; on SQLite, for the beginning of the transaction.
    let mut tx = db.begin().await.map_err(failed)?;
    if tx.is_postgres() {
        // The role may have a time limit for requests, which does not apply to migrations.
        tx.execute("SET LOCAL statement_timeout = 0").await.map_err(failed)?;
        tx.execute(LOCK).await.map_err(failed)?;
    }
    tx.execute(
        "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
            version        BIGINT    NOT NULL PRIMARY KEY,
            description    TEXT      NOT NULL,
            installed_on   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
            success        BOOLEAN   NOT NULL,
            checksum       BYTEA     NOT NULL,
            execution_time BIGINT    NOT NULL
         )",
    )
    .await
    .map_err(failed)?;
    let applied: Vec<Applied> =
        sql("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut tx)
            .await
            .map_err(failed)?;
    for migration in missing(&applied)? {
        tracing::info!(version = migration.version, "changing the schema");
        let applied = apply(&mut tx, migration, begun).await;
        applied.map_err(|error| {
            OpenStoreError::Migration(format!("{name} (migration {})", migration.version), error)
        })?;
    }
    sign(&mut tx).await.map_err(failed)?;
    tx.commit().await.map_err(failed)
}

async fn apply(tx: &mut Tx, migration: &'static Migration, begun: Instant) -> sqlx::Result<()> {
    tx.execute(migration.sql.as_str()).await?;
    sql("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES ($1, $2, $3, $4, $5)")
    .bind(migration.version)
    .bind(&*migration.description)
    .bind(true)
    .bind(&*migration.checksum)
    .bind(i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX))
    .execute(tx)
    .await
    .map(drop)
}

/// Records, for releases that do not know a migration, the oldest release that supports the schema after it.
async fn sign(tx: &mut Tx) -> sqlx::Result<()> {
    for migration in MIGRATIONS.iter() {
        sql("INSERT INTO schema_releases (migration, applied_by, oldest) VALUES ($1, $2, $3)
             ON CONFLICT (migration) DO NOTHING")
        .bind(migration.version)
        .bind(VERSION)
        .bind(oldest(migration.version))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_database::TestDatabase;
    use crate::{OpenMode, Store};

    /// Whether a statement of a migration does more than add.
    fn is_breaking(statement: &str) -> bool {
        match statement.split_whitespace().next() {
            None | Some("CREATE" | "INSERT" | "UPDATE") => false,
            Some("ALTER") => {
                let is_mandatory = statement.contains("NOT NULL") && !statement.contains("DEFAULT");
                is_mandatory || !statement.contains(" ADD COLUMN ")
            }
            Some(_) => true,
        }
    }

    #[test]
    fn every_migration_that_does_more_than_add_names_the_oldest_supported_release() {
        let known: Vec<_> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert!(BREAKS.is_sorted() && BREAKS.iter().all(|(version, _)| known.contains(version)));
        let mut before = parsed("0.1.0");
        for migration in MIGRATIONS.iter() {
            let text: String = migration
                .sql
                .as_str()
                .lines()
                .map(|line| line.split("--").next().unwrap_or_default().to_owned() + "\n")
                .collect();
            let is_breaking = text.split(';').any(is_breaking);
            let named = BREAKS.iter().any(|(version, _)| *version == migration.version);
            assert!(
                named || !is_breaking,
                "migration {} does more than add: name it in BREAKS, with the oldest release that \
                 works on what it leaves",
                migration.version
            );
            let oldest = parsed(oldest(migration.version));
            assert!(before <= oldest && oldest <= parsed(VERSION), "{}", migration.version);
            before = oldest;
        }
    }

    #[tokio::test]
    async fn a_schema_of_a_later_release_admits_the_releases_that_it_names() {
        let database = TestDatabase::make().await;
        let on = database.store.db();
        let open =
            async || Store::open(&database.url, &TestDatabase::LIMITS, OpenMode::Command).await;
        let applied =
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                       VALUES (9999, 'later', TRUE, $1, 0)";
        sql(applied).bind(&[0_u8; 48][..]).execute(on).await.unwrap();

        // No row says which releases are supported.
        assert!(matches!(open().await, Err(OpenStoreError::TooNew { migration: 9999, .. })));

        let says = "INSERT INTO schema_releases (migration, applied_by, oldest) VALUES (9999, '9.1.0', $1)";
        sql(says).bind("9.0.0").execute(on).await.unwrap();
        let refused = open().await.unwrap_err().to_string();
        assert!(
            ["9.1.0", "9.0.0", VERSION].iter().all(|named| refused.contains(named)),
            "{refused}"
        );

        sql("UPDATE schema_releases SET oldest = $1 WHERE migration = 9999")
            .bind(VERSION)
            .execute(on)
            .await
            .unwrap();
        open().await.unwrap().close().await;
    }

    #[tokio::test]
    async fn a_command_beside_a_server_does_not_change_the_schema() {
        let database = TestDatabase::make().await;
        let last = MIGRATIONS.iter().next_back().unwrap();
        let on = database.store.db();
        let forget = "DELETE FROM _sqlx_migrations WHERE version = $1";
        sql(forget).bind(last.version).execute(on).await.unwrap();

        let refused = Store::open(&database.url, &TestDatabase::LIMITS, OpenMode::Command).await;

        let refused = refused.unwrap_err();
        assert!(matches!(refused, OpenStoreError::Outdated(version) if version == last.version));
        assert!(refused.to_string().contains("gatewright migrate"), "{refused}");
    }
}
