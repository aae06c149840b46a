//! `versions`: the counters that invalidate caches.

use crate::{Executor, Tx, sql};

/// The versions of everything cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Clients and their secrets.
    pub clients: i64,
    /// Resources and their scopes.
    pub resources: i64,
    /// Signing keys.
    pub keys: i64,
    /// The certificates of the built-in CA.
    pub authorities: i64,
    /// The revoked certificates.
    pub revocations: i64,
}

/// The kinds of cached objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Clients and their secrets.
    Clients,
    /// Resources and their scopes.
    Resources,
    /// Signing keys.
    Keys,
    /// The certificates of the built-in CA.
    Authorities,
    /// The revoked certificates.
    Revocations,
    /// The roles of administrators; nothing is cached.
    Administrators,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Resources => "resources",
            Self::Keys => "keys",
            Self::Authorities => "authorities",
            Self::Revocations => "revocations",
            Self::Administrators => "administrators",
        }
    }
}

/// Reads all versions.
///
/// # Errors
/// When the database fails.
pub async fn all(on: impl Into<Executor<'_>>) -> sqlx::Result<Versions> {
    let rows: Vec<(String, i64)> = sql("SELECT name, version FROM versions").fetch_all(on).await?;
    let of = |kind: Kind| {
        rows.iter().find(|(name, _)| name == kind.name()).map_or(0, |(_, version)| *version)
    };
    Ok(Versions {
        clients: of(Kind::Clients),
        resources: of(Kind::Resources),
        keys: of(Kind::Keys),
        authorities: of(Kind::Authorities),
        revocations: of(Kind::Revocations),
    })
}

/// Invalidates the caches of every replica when this transaction commits.
///
/// # Errors
/// When the database fails.
pub async fn bump(tx: &mut Tx, kind: Kind) -> sqlx::Result<()> {
    sql("UPDATE versions SET version = version + 1 WHERE name = $1")
        .bind(kind.name())
        .execute(tx)
        .await
        .map(drop)
}
