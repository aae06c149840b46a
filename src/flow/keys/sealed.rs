//! Everything that is sealed under the key-encryption key: one column of the database each.
//!
//! When the key-encryption key is replaced, every value of these columns is sealed again, and the previous
//! key is not needed any more. A test compares [`Column::ALL`] with the migrations.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::jose::seal::{Kek, Kind, OpenError, Owner};
use crate::store::clients::SealedSecret;
use crate::store::server_secrets::ServerSecret;
use crate::store::signing_keys::SigningKeyRow;
use crate::store::{Store, acme, authorities, clients, server_secrets, signing_keys};
use crate::types::{Error, Failure, Result};

/// A column that holds sealed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    SigningKeys,
    ServerSecrets,
    ClientSecrets,
    Authorities,
    AcmeAccounts,
    AcmeCertificates,
}

/// A value of such a column, with the row that it belongs to.
#[derive(Debug)]
pub(super) enum Sealed {
    SigningKey(SigningKeyRow),
    ServerSecret(ServerSecret),
    ClientSecret(SealedSecret),
    Authority { id: String, sealed: Vec<u8> },
    Acme(acme::Sealed),
}

impl Sealed {
    /// The sealed bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::SigningKey(row) => &row.sealed,
            Self::ServerSecret(row) => &row.sealed,
            Self::ClientSecret(row) => &row.sealed,
            Self::Authority { sealed, .. } => sealed,
            Self::Acme(row) => &row.sealed,
        }
    }

    /// The kind and the identifier that the value is bound to.
    fn owner(&self) -> (Kind, Cow<'_, str>) {
        match self {
            Self::SigningKey(row) => (Kind::SigningKey, row.id.as_str().into()),
            Self::ServerSecret(row) => (Kind::ServerSecret, row.owner().into()),
            Self::ClientSecret(row) => (Kind::ClientSecret, row.client_id.as_str().into()),
            Self::Authority { id, .. } => (Kind::Authority, id.into()),
            Self::Acme(row) if row.is_account => (Kind::AcmeAccount, row.owner.as_str().into()),
            Self::Acme(row) => (Kind::AcmeCertificate, row.owner.as_str().into()),
        }
    }

    /// Replaces the value, unless another process has replaced it meanwhile.
    async fn replace(&self, store: &Store, new: &[u8]) -> sqlx::Result<bool> {
        let db = store.db();
        match self {
            Self::SigningKey(row) => signing_keys::reseal(db, &row.id, &row.sealed, new).await,
            Self::ServerSecret(row) => server_secrets::reseal(db, row, new).await,
            Self::ClientSecret(row) => clients::reseal(db, &row.id, &row.sealed, new).await,
            Self::Authority { id, sealed } => authorities::reseal(db, id, sealed, new).await,
            Self::Acme(row) => acme::reseal(db, row, new).await,
        }
    }
}

impl Column {
    /// All of them.
    pub(super) const ALL: [Self; 6] = [
        Self::SigningKeys,
        Self::ServerSecrets,
        Self::ClientSecrets,
        Self::Authorities,
        Self::AcmeAccounts,
        Self::AcmeCertificates,
    ];

    /// Table and column.
    #[cfg(test)]
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SigningKeys => "signing_keys.sealed",
            Self::ServerSecrets => "server_secrets.sealed",
            Self::ClientSecrets => "client_secrets.sealed",
            Self::Authorities => "authorities.sealed",
            Self::AcmeAccounts => "acme_accounts.sealed",
            Self::AcmeCertificates => "acme_certificates.sealed",
        }
    }

    /// The values of this column that are not NULL.
    pub(super) async fn values(self, store: &Store) -> sqlx::Result<Vec<Sealed>> {
        let db = store.db();
        let of_acme = |rows: Vec<acme::Sealed>, accounts| {
            let rows = rows.into_iter().filter(move |row| row.is_account == accounts);
            rows.map(Sealed::Acme).collect()
        };
        Ok(match self {
            Self::SigningKeys => {
                signing_keys::all(db).await?.into_iter().map(Sealed::SigningKey).collect()
            }
            Self::ServerSecrets => {
                server_secrets::all(db).await?.into_iter().map(Sealed::ServerSecret).collect()
            }
            Self::ClientSecrets => {
                clients::sealed_secrets(db).await?.into_iter().map(Sealed::ClientSecret).collect()
            }
            Self::Authorities => {
                let rows = authorities::all(db).await?.into_iter();
                rows.filter_map(|row| Some(Sealed::Authority { id: row.id, sealed: row.sealed? }))
                    .collect()
            }
            Self::AcmeAccounts => of_acme(acme::sealed(db).await?, true),
            Self::AcmeCertificates => of_acme(acme::sealed(db).await?, false),
        })
    }
}

/// Whether the database holds any sealed value.
///
/// # Errors
/// Database errors.
pub(super) async fn is_anything_sealed(store: &Store) -> sqlx::Result<bool> {
    for column in Column::ALL {
        if !column.values(store).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Seals every value again that is not sealed under the current key-encryption key, or not yet bound to
/// its kind. All values are opened before any is changed.
pub(super) async fn reseal(store: &Store, kek: &Kek) -> Result<()> {
    let mut resealed = Vec::new();
    for column in Column::ALL {
        for old in column.values(store).await? {
            let (kind, id) = old.owner();
            if let Some(new) = sealed_again(kek, Owner(kind, &id), old.bytes())? {
                resealed.push((old, new));
            }
        }
    }
    for (old, new) in resealed {
        old.replace(store, &new).await?;
    }
    Ok(())
}

/// The value sealed again; `None` if it need not be.
fn sealed_again(kek: &Kek, owner: Owner<'_>, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
    let clear = match kek.open(owner, sealed) {
        Ok(_) if kek.is_current(sealed) => return Ok(None),
        Ok(clear) => clear,
        Err(unopened) => {
            kek.open_unbound(owner, sealed).map_err(|_| cannot_open(owner, unopened))?
        }
    };
    Ok(Some(kek.seal(owner, &clear)))
}

/// Opens a sealed value.
///
/// # Errors
/// If it was sealed under another key, or changed.
pub(super) fn unseal(kek: &Kek, owner: Owner<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    kek.open(owner, sealed).map_err(|unopened| cannot_open(owner, unopened))
}

fn cannot_open(owner: Owner<'_>, unopened: OpenError) -> Error {
    let what = match unopened {
        OpenError::OtherKey(_) => format!(
            "the key {owner} in the database cannot be opened: {unopened}. Restore the key-encryption key with which this database was created; replicas share one key"
        ),
        OpenError::Tampered => {
            format!("the key {owner} in the database cannot be opened: {unopened}")
        }
    };
    Error::Failed(Failure::Internal(what))
}
