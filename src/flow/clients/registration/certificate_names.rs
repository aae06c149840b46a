//! Certificate names are unique: the certificate of one client must not authenticate another one ([RFC 8705 §2.1]).
//!
//! A certificate of a trusted CA authenticates every client that is registered with a name in it. So a name belongs to
//! one enabled client, unless all clients with it are registered as sharing it (decision 33). Every transaction that
//! registers, changes or enables a client locks the version of the clients first: of two concurrent ones with the
//! same name, the second sees the first.
//!
//! [RFC 8705 §2.1]: https://www.rfc-editor.org/rfc/rfc8705#section-2.1

use crate::flow::clients::metadata::compared_name;
use crate::record::{Event, Kind, Trace};
use crate::store::{Store, Tx, clients, retrying, versions};
use crate::types::client::Metadata;
use crate::types::{ClientId, Code, Result};

/// Stores the certificate name of a client.
pub(super) async fn insert(tx: &mut Tx, id: &ClientId, metadata: &Metadata) -> Result<()> {
    let name = compared_name(metadata)?;
    let is_shared = metadata.gw_shared_certificate_name;
    clients::set_certificate_name(tx, id, name.as_deref(), is_shared).await?;
    Ok(())
}

/// Checks that no other enabled client has the certificate name of this one, unless both share it. A disabled client
/// is checked when it is enabled.
///
/// # Errors
/// `invalid_client_metadata`.
pub(super) async fn must_be_its_own(tx: &mut Tx, id: &ClientId, trace: &Trace) -> Result<()> {
    versions::bump(tx, versions::Kind::Clients).await?;
    settle_all(tx, trace).await?;
    let is_disabled =
        clients::find(&mut *tx, id).await?.is_none_or(|client| client.disabled_at.is_some());
    if is_disabled {
        return Ok(());
    }
    match clients::namesakes(tx, id).await?.first() {
        None => Ok(()),
        Some(other) => Err(Code::InvalidClientMetadata
            .because(
                "a certificate with this name authenticates another client already: give each client its own name, or register all clients with this name with gw_shared_certificate_name",
            )
            .with("other_client", other)
            .into()),
    }
}

/// Computes the certificate names of clients that were registered before names were unique. Clients with the same name
/// keep working: they are registered as sharing it, which is logged and audited.
///
/// # Errors
/// If the database does not respond.
pub async fn settle(store: &Store, trace: &Trace) -> Result<()> {
    if clients::without_certificate_name(store.db()).await?.is_empty() {
        return Ok(());
    }
    retrying(|| async {
        let mut tx = store.write().await?;
        versions::bump(&mut tx, versions::Kind::Clients).await?;
        settle_all(&mut tx, trace).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

async fn settle_all(tx: &mut Tx, trace: &Trace) -> Result<()> {
    let unsettled = clients::without_certificate_name(&mut *tx).await?;
    for client in &unsettled {
        insert(tx, &client.id, &client.metadata).await?;
    }
    for client in unsettled.iter().filter(|client| client.disabled_at.is_none()) {
        let namesakes = clients::namesakes(tx, &client.id).await?;
        if namesakes.is_empty() {
            continue;
        }
        for id in namesakes.iter().chain([&client.id]) {
            share(tx, id, trace).await?;
        }
    }
    Ok(())
}

/// Registers a client as sharing its certificate name.
async fn share(tx: &mut Tx, id: &ClientId, trace: &Trace) -> Result<()> {
    let client = clients::find(&mut *tx, id).await?;
    let Some(client) = client.filter(|client| !client.metadata.gw_shared_certificate_name) else {
        return Ok(());
    };
    let metadata = Metadata { gw_shared_certificate_name: true, ..client.metadata };
    clients::update(tx, id, client.version, &metadata, trace.now()).await?;
    insert(tx, id, &metadata).await?;
    tracing::warn!(
        client_id = %id,
        "several clients are registered with one certificate name: a certificate with it authenticates each of them. \
         They are now registered as sharing it (gw_shared_certificate_name); otherwise give each client its own name"
    );
    Event::success(Kind::ClientUpdated)
        .client(id)
        .fact("shared_certificate_name", true)
        .fact("by", "migration")
        .write(tx, trace)
        .await?;
    Ok(())
}
