//! The keys of the server under test.

use crate::server::Server;
use gatewright::flow::keys::{self as keys_of_server, Replaced, Schedule};

/// Rotates like `gatewright key rotate --secrets`.
pub async fn replace_secrets(server: &Server, compromised: bool) -> Replaced {
    let (app, schedule) = (server.app(), Schedule::of(&server.app().config));
    let trace = server.trace();
    let kek = app.keyring.kek();
    let replaced =
        keys_of_server::replace_secrets(&app.store, kek, &schedule, compromised, &trace).await;
    app.confirm().await.unwrap();
    replaced.unwrap()
}
