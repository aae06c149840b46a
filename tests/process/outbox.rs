//! Notices survive the death of the process that sends them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use gatewright::store::{ConnectionLimits, OpenMode, Store, sql};
use gatewright::types::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::installation::Installation;
use crate::server::Server;

/// Reads a request, without a response yet.
async fn read_request(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut text = String::new();
    while !text.ends_with('}') {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
    }
    (stream, text)
}

/// Makes the lease of a notice expire.
async fn expire_lease(installation: &Installation) {
    let timeout = Duration::from_secs(10);
    let limits = ConnectionLimits {
        connections: 1,
        acquire: timeout,
        statement: timeout,
        has_pooler: false,
    };
    let store =
        Store::open(&Secret::new(installation.database.clone()), &limits, OpenMode::Migrate)
            .await
            .unwrap();
    assert_eq!(sql("UPDATE outbox SET due_at = 0").execute(store.db()).await.unwrap(), 1);
    store.close().await;
}

fn id(request: &str) -> &str {
    request.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap()
}

/// THREATS LO-07, X-12 in kind: a server that was killed between sending a notice and recording that
/// sends it again, with the same id.
#[tokio::test]
async fn a_notice_whose_sender_was_killed_is_sent_again_with_the_same_id() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut installation = Installation::new().await;
    installation.set("OUTBOUND__ALLOW_PRIVATE_NETWORKS", "true");
    let file = std::fs::read_to_string(installation.directory.join("gatewright.toml")).unwrap();
    let webhook = format!(
        "\n[[webhooks.endpoints]]\nurl = \"http://{}/\"\nsecret = \"whsec_{}\"\n",
        listener.local_addr().unwrap(),
        "A".repeat(44)
    );
    installation.write("gatewright.toml", &format!("{file}{webhook}"));
    let ours = Permissions::from_mode(0o600);
    std::fs::set_permissions(installation.directory.join("gatewright.toml"), ours).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let leaked = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap();
    installation.write("leaked.pem", &leaked.pem());
    let mut server = Server::start_in(installation).await;

    server.installation.json(&["cert", "revoke", "--file", "leaked.pem"]).await;
    let (stream, first) = read_request(&listener).await;
    server.kill().await;
    drop(stream);
    // Its lease would expire after a minute and a half.
    expire_lease(&server.installation).await;
    server.launch().await;
    let (mut stream, second) = read_request(&listener).await;
    stream.write_all(b"HTTP/1.1 204 So\r\ncontent-length: 0\r\n\r\n").await.unwrap();

    assert_eq!(id(&first), id(&second));
    assert!(second.contains("certificate.revoked"));
    server.stop().await;
}
