//! The context of a command: the configuration, the database, and the time at which it began.

use std::time::Duration;

use anyhow::Context as _;

use crate::admin::{Administrator, Authority, Call, Dependencies, OnDemand};
use crate::app::Clock;
use crate::config::{Config, Pooler};
use crate::record::Trace;
use crate::store::{ConnectionLimits, OpenMode, Store};
use crate::types::Timestamp;

/// The minimum timeout for the database: longer than for a request, because nothing queues behind a command.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The context of a command that needs the database. Commands work beside a running server: they take no lock, and
/// each change is one short transaction.
#[derive(Debug)]
pub(super) struct Context {
    /// The configuration.
    pub(super) config: Config,
    /// The database.
    pub(super) store: Store,
    /// Whether results are printed as JSON.
    pub(super) is_json: bool,
    administrator: Administrator,
    dependencies: OnDemand,
}

impl Context {
    /// Opens the database in this mode. For [`OpenMode::Command`], its schema must be up to date.
    pub(super) async fn open(
        config: Config,
        mode: OpenMode,
        is_json: bool,
    ) -> anyhow::Result<Self> {
        let limits = ConnectionLimits {
            connections: 2,
            acquire: seconds(config.database.acquire_timeout.0).max(TIMEOUT),
            statement: seconds(config.database.statement_timeout.0).max(TIMEOUT),
            has_pooler: config.database.pooler == Pooler::Transaction,
        };
        let store = Store::open(&config.database.url.0, &limits, mode)
            .await
            .context("cannot open the database of database.url")?;
        let trace = Trace::of_command(Clock::system().now_ms());
        let administrator = Administrator::new(Authority::Operator, trace);
        Ok(Self { config, store, is_json, administrator, dependencies: OnDemand::default() })
    }

    /// A call of an administrative action, by the operator.
    pub(super) const fn call(&self) -> Call<'_> {
        let dependencies = Dependencies::OnDemand(&self.dependencies);
        Call::new(&self.administrator, &self.store, &self.config, dependencies)
    }

    /// When the command began.
    pub(super) const fn now(&self) -> Timestamp {
        self.administrator.trace().now()
    }
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(0))
}
