//! The file of an SQLite database: deleted, replaced, owned by another user.

use std::os::unix::fs::MetadataExt as _;

use gatewright::cli::Exit;

use crate::installation::{Installation, is_postgres};
use crate::server::Server;

async fn is_not_ready(server: &Server) {
    crate::wait_until("it is not ready", async || server.status("/readyz").await == 503).await;
}

/// Changes to a file that is not at its path any more would be lost, so the server logs an error and is
/// not ready.
#[tokio::test]
async fn a_deleted_or_replaced_database_file_is_detected() {
    if is_postgres() {
        return;
    }
    let mut server = Server::start().await;
    let backup = server.service("Backup").await;
    let http = crate::http();
    let file = server.installation.directory.join("gatewright.db");
    let aside = server.installation.directory.join("aside.db");

    std::fs::rename(&file, &aside).unwrap();
    is_not_ready(&server).await;
    assert!(server.has_logged("was deleted or replaced underneath the server"));
    std::fs::copy(&aside, &file).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(server.status("/readyz").await, 503, "a copy is another file");

    std::fs::rename(&aside, &file).unwrap();
    crate::wait_until("it is ready", async || server.status("/readyz").await == 200).await;
    backup.client_credentials(&http).await.unwrap().tokens();
    server.stop().await;
}

/// A command that ran as root has created the database: the error names the owner and the remedy.
#[tokio::test]
async fn a_database_of_another_user_is_reported_with_owner_and_remedy() {
    // Only root can run a process as another user.
    if is_postgres() || std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let installation = Installation::migrated().await;

    let mut command = installation.command(&["user", "list"]);
    let output = command.uid(65534).gid(65534).output().await.unwrap();

    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(Exit::Misconfigured as i32), "{stderr}");
    for named in ["gatewright.db", "root", "user 65534", "chown 65534 "] {
        assert!(stderr.contains(named), "{named}: {stderr}");
    }
}

/// Only `serve` and `migrate` create a schema.
#[tokio::test]
async fn a_command_creates_no_database() {
    let installation = Installation::new().await;

    installation
        .run(&["user", "list"])
        .await
        .assert_failed(Exit::Misconfigured, "gatewright migrate");

    if !is_postgres() {
        assert!(!installation.directory.join("gatewright.db").exists());
    }
    installation.json(&["migrate"]).await;
    installation.json(&["user", "list"]).await;
}
