//! What only some actions need, opened when the first of them needs it.

use tokio::sync::OnceCell;

use super::{Call, Error, Result};
use crate::flow::clients::registration::Registrar;
use crate::flow::keys::{Keyring, Schedule};
use crate::jose::Kek;
use crate::outbound::Outbound;
use crate::people::{Hasher, People};
use crate::record::{Context, Supervisor};

/// The password hashing pool, the HTTP client and the keyring.
#[derive(Debug, Default)]
pub struct Dependencies {
    hasher: OnceCell<Hasher>,
    outbound: OnceCell<Outbound>,
    keyring: OnceCell<Keyring>,
}

impl<'a> Call<'a> {
    /// What the rules about users need.
    pub(super) async fn people(&self) -> Result<People<'a>> {
        let Self { context, dependencies, .. } = *self;
        let start = || async { Hasher::start(&context.config.passwords, &Supervisor::default()) };
        let hasher = dependencies.hasher.get_or_try_init(start).await?;
        Ok(People { context, hasher })
    }

    /// What the rules about clients need. `kek`: for a client whose secret is sealed.
    pub(super) async fn registrar<'b>(&self, kek: Option<&'b Kek>) -> Result<Registrar<'b>>
    where
        'a: 'b,
    {
        let Self { context, dependencies, .. } = *self;
        let open = || async { Outbound::new(&context.config.outbound) };
        let outbound = dependencies.outbound.get_or_try_init(open).await?;
        Ok(Registrar { context, outbound, kek })
    }

    /// The signing keys and server secrets.
    pub(super) async fn keyring(&self) -> Result<&'a Keyring> {
        let Self { context: Context { config, store, trace, .. }, dependencies, .. } = *self;
        let open = || async {
            let kek = self.kek().await?;
            Ok::<_, Error>(Keyring::open(store, kek, Schedule::of(config), trace).await?)
        };
        dependencies.keyring.get_or_try_init(open).await
    }
}
