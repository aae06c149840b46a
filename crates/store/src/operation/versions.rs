//! `versions`: what the caches are held against.

use crate::{On, Tx, sql};

/// The versions of everything that is cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Clients and their secrets.
    pub clients: i64,
    /// Resources and their scopes.
    pub resources: i64,
    /// Signing keys.
    pub keys: i64,
    /// The certificates of our authority.
    pub authorities: i64,
    /// Which certificates are revoked.
    pub revocations: i64,
}

/// A thing that is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Clients and their secrets.
    Clients,
    /// Resources and their scopes.
    Resources,
    /// Signing keys.
    Keys,
    /// The certificates of our authority.
    Authorities,
    /// Which certificates are revoked.
    Revocations,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Resources => "resources",
            Self::Keys => "keys",
            Self::Authorities => "authorities",
            Self::Revocations => "revocations",
        }
    }
}

/// Reads them all.
///
/// # Errors
/// What the database says.
pub async fn all(on: impl Into<On<'_>>) -> sqlx::Result<Versions> {
    let rows: Vec<(String, i64)> = sql("SELECT name, version FROM versions").all(on).await?;
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

/// Tells every replica, by the commit of this transaction, that its cache is out of date.
///
/// # Errors
/// What the database says.
pub async fn bump(tx: &mut Tx, kind: Kind) -> sqlx::Result<()> {
    sql("UPDATE versions SET version = version + 1 WHERE name = $1")
        .bind(kind.name())
        .run(tx)
        .await
        .map(drop)
}
