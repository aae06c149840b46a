//! `/readyz` beyond an unreachable database. A database without writes is reported where the request or
//! the configuration requires it; a process that cannot load changes of other replicas is never ready.

use gatewright::config::ReadyCheck;
use gatewright::store::signing_keys::{self, State};
use gatewright::store::{sql, versions};

use kit::http::RequestBuilder;
use kit::server::Server;
use kit::tables::rename_table;
use kit::wait::wait_until;

async fn readiness(server: &Server) -> (u16, u16) {
    (server.get("/readyz").await.status, server.get("/readyz?writes").await.status)
}

/// The probe fails as it would on a standby: its table is missing, the tables that are read are not.
#[tokio::test]
async fn a_read_only_database_is_not_ready_where_writes_are_required() {
    let server = Server::with(|config| config.operations.listen = "127.0.0.1:0".parse().ok()).await;
    let strict = server.replica_with(|config| config.operations.ready = ReadyCheck::Writes).await;
    let service = server.service().await;
    let probe = async || {
        let outcomes = (server.app().probe_writes().await, strict.app().probe_writes().await);
        (outcomes.0.is_ok(), outcomes.1.is_ok())
    };
    let metrics = async || {
        RequestBuilder::new(server.operations.unwrap(), "GET", "/metrics").send().await.ok().text
    };

    assert_eq!(probe().await, (true, true));
    assert_eq!((readiness(&server).await, readiness(&strict).await), ((200, 200), (200, 200)));
    assert!(metrics().await.contains("gatewright_database_writable 1"));

    rename_table(&server, "jobs", "jobs_away").await;
    assert_eq!(probe().await, (false, false));
    assert_eq!((readiness(&server).await, readiness(&strict).await), ((200, 503), (503, 503)));
    assert!(metrics().await.contains("gatewright_database_writable 0"));
    server.get("/readyz?writes").await.refused(503, "temporarily_unavailable");
    server.post_as(&service, "/token", "grant_type=client_credentials").await.ok();

    rename_table(&server, "jobs_away", "jobs").await;
    assert_eq!(probe().await, (true, true));
    assert_eq!((readiness(&server).await, readiness(&strict).await), ((200, 200), (200, 200)));
}

/// A key that this process cannot decrypt, as one under a key-encryption key that it does not have.
#[tokio::test]
async fn a_process_that_cannot_load_changes_is_not_ready() {
    let server = Server::start().await;
    let store = &server.app().store;
    let keys = signing_keys::all(store.db()).await.unwrap();
    let key = keys.iter().find(|key| key.state() == State::Active).unwrap();
    let put = async |sealed: &[u8]| {
        let mut tx = store.write().await.unwrap();
        versions::bump(&mut tx, versions::Kind::Keys).await.unwrap();
        let update = sql("UPDATE signing_keys SET sealed = $1 WHERE id = $2").bind(sealed);
        assert_eq!(update.bind(key.id.as_str()).execute(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
    };

    assert_eq!(server.get("/readyz").await.status, 200);
    put(&[0; 64]).await;
    wait_until("it is not ready", async || server.get("/readyz").await.status == 503).await;
    assert_eq!(server.get("/healthz").await.status, 200);

    put(&key.sealed).await;
    wait_until("it is ready again", async || server.get("/readyz").await.status == 200).await;
}
