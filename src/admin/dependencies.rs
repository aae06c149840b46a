//! What only some actions need. The server has it; a command opens it when the first action needs it.

use tokio::sync::OnceCell;

use super::{Allowed, Error, Result};
use crate::flow::clients::registration::Registrar;
use crate::flow::keys::{Keyring, Schedule, kek};
use crate::jose::Kek;
use crate::outbound::Outbound;
use crate::people::{Hasher, People};
use crate::record::Supervisor;

/// The password hashing pool, the HTTP client and the keyring.
#[derive(Clone, Copy, Debug)]
pub enum Dependencies<'a> {
    /// Those of a command.
    OnDemand(&'a OnDemand),
    /// Those of the server.
    Server {
        /// The password hashing pool.
        hasher: &'a Hasher,
        /// The HTTP client.
        outbound: &'a Outbound,
        /// The signing keys and server secrets.
        keyring: &'a Keyring,
    },
}

/// Opened when the first action needs it.
#[derive(Debug, Default)]
pub struct OnDemand {
    hasher: OnceCell<Hasher>,
    outbound: OnceCell<Outbound>,
    keyring: OnceCell<Keyring>,
}

impl<'a> Allowed<'a> {
    /// What the rules about users need.
    pub(super) async fn people(&self) -> Result<People<'a>> {
        let Self { context, dependencies } = *self;
        let hasher = match dependencies {
            Dependencies::Server { hasher, .. } => hasher,
            Dependencies::OnDemand(parts) => {
                let start =
                    || async { Hasher::start(&context.config.passwords, &Supervisor::default()) };
                parts.hasher.get_or_try_init(start).await?
            }
        };
        Ok(People { context, hasher })
    }

    /// What the rules about clients need. `kek`: for a client whose secret is sealed.
    pub(super) async fn registrar<'b>(&self, kek: Option<&'b Kek>) -> Result<Registrar<'b>>
    where
        'a: 'b,
    {
        let Self { context, dependencies } = *self;
        let outbound = match dependencies {
            Dependencies::Server { outbound, .. } => outbound,
            Dependencies::OnDemand(parts) => {
                let open = || async { Outbound::new(&context.config.outbound) };
                parts.outbound.get_or_try_init(open).await?
            }
        };
        Ok(Registrar { context, outbound, kek })
    }

    /// The signing keys and server secrets.
    pub(super) async fn keyring(&self) -> Result<&'a Keyring> {
        match self.dependencies {
            Dependencies::Server { keyring, .. } => Ok(keyring),
            Dependencies::OnDemand(parts) => {
                let open = || async {
                    let schedule = Schedule::of(self.config);
                    let kek = self.kek().await?;
                    Ok::<_, Error>(Keyring::open(self.store, kek, schedule, self.trace).await?)
                };
                parts.keyring.get_or_try_init(open).await
            }
        }
    }

    /// Opens the key-encryption key.
    pub(super) async fn kek(&self) -> Result<Kek> {
        Ok(kek::open(&self.config.keys, self.store).await?)
    }
}
