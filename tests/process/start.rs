//! Starting: not with an insecure configuration, and not with the wrong key.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use gatewright::cli::Exit;
use gatewright::store::{ConnectionLimits, OpenMode, Store, server_secrets, signing_keys};
use gatewright::types::Secret;

use crate::installation::Installation;
use crate::server::Server;

/// THREATS SU-06: each is refused before anything listens, with a remedy.
#[tokio::test]
async fn an_insecure_server_does_not_start() {
    for (name, value, remedy) in [
        ("ISSUER", "http://id.example.org", "use https"),
        ("HTTP__LISTEN", "0.0.0.0:0", "http.trusted_proxies"),
        ("HTTP__TRUSTED_PROXIES", "0.0.0.0/0", "name only the addresses of the proxies"),
    ] {
        let mut installation = Installation::new().await;
        installation.set(name, value);

        installation.run(&["serve"]).await.assert_failed(Exit::Misconfigured, remedy);

        assert!(!installation.directory.join("keys").exists(), "no key was created");
    }
}

/// THREATS SU-06.
#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused() {
    let mut server = Server::start().await;
    server.stop().await;
    let keys = server.installation.directory.join("keys");
    let key = keys.join("encryption.key");
    let allow = |mode| std::fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();

    // The mode of the file matters only if others can enter its directory.
    std::fs::set_permissions(&keys, Permissions::from_mode(0o755)).unwrap();
    allow(0o644);
    server.installation.run(&["serve"]).await.assert_failed(Exit::Misconfigured, "chmod 600");

    allow(0o600);
    server.launch().await;
    server.stop().await;
}

/// THREATS KE-04: the server does not start, and changes nothing.
#[tokio::test]
async fn the_server_does_not_start_with_a_missing_or_wrong_key() {
    let mut server = Server::start().await;
    server.stop().await;
    let (before, keys) =
        (sealed_values(&server.installation).await, server.installation.directory.join("keys"));
    let key = keys.join("encryption.key");
    let right = std::fs::read(&key).unwrap();

    std::fs::remove_dir_all(&keys).unwrap();
    server.installation.run(&["serve"]).await.assert_failed(Exit::Absent, "restore it");
    assert!(!keys.exists(), "a new key would hide the loss");

    // A key of another server.
    let mut other = Server::start().await;
    other.stop().await;
    let wrong = std::fs::read(other.installation.directory.join("keys/encryption.key")).unwrap();
    std::fs::create_dir(&keys).unwrap();
    let write = |bytes: &[u8]| {
        std::fs::write(&key, bytes).unwrap();
        std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    };
    write(&wrong);
    server.installation.run(&["serve"]).await.assert_failed(Exit::WrongKey, "cannot be opened");
    write(b"not a key at all");
    server.installation.run(&["serve"]).await.assert_failed(Exit::Misconfigured, "encryption.key");
    assert!(sealed_values(&server.installation).await == before, "nothing was changed");

    write(&right);
    server.launch().await;
    server.stop().await;
    assert!(sealed_values(&server.installation).await == before, "nothing was lost");
}

/// Every sealed value in the database.
async fn sealed_values(installation: &Installation) -> Vec<(String, Vec<u8>)> {
    let timeout = std::time::Duration::from_secs(30);
    let limits = ConnectionLimits {
        connections: 1,
        acquire: timeout,
        statement: timeout,
        has_pooler: false,
    };
    let url = Secret::new(installation.database.clone());
    let store = Store::open(&url, &limits, OpenMode::Migrate).await.unwrap();
    let keys = signing_keys::all(store.db()).await.unwrap();
    let secrets = server_secrets::all(store.db()).await.unwrap();
    store.close().await;
    let keys = keys.into_iter().map(|row| (row.id, row.sealed));
    let mut all: Vec<_> =
        keys.chain(secrets.into_iter().map(|row| (row.owner(), row.sealed))).collect();
    all.sort();
    all
}
