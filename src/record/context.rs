//! The dependencies that the rules of all layers share.

use super::Trace;
use crate::config::Config;
use crate::store::Store;
use crate::types::Timestamp;

/// The database, the settings and the origin of one request or one command.
///
/// The dependencies of each layer (`Call`, `People`, `Registrar`, `Inventory`, `BuiltInCa`, `Acme`, `RevocationChecker`)
/// embed it and dereference to it, so that what every rule needs is added in one place.
///
/// The rules find the user and the client of a request themselves; the actor of an administrative action is in
/// [`Trace`], because every event is written with the trace.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The database.
    pub store: &'a Store,
    /// The settings.
    pub config: &'a Config,
    /// The id and the origin of the request.
    pub trace: &'a Trace,
    /// The time of the request, read from the clock once.
    pub now: Timestamp,
}

impl<'a> Context<'a> {
    /// The context of a request or a command.
    pub const fn new(store: &'a Store, config: &'a Config, trace: &'a Trace) -> Self {
        Self { store, config, trace, now: trace.now() }
    }
}
