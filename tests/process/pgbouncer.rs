//! Behind PgBouncer in transaction mode, where each transaction may use another server connection.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokio::task::{JoinSet, LocalSet};
use url::Url;

use crate::browser::Browser;
use crate::directory;
use crate::installation::{Installation, is_postgres};
use crate::load::retry_while_unavailable;
use crate::server::Server;

/// A PgBouncer in front of the PostgreSQL of the tests; it ends with its test.
struct Pooler {
    directory: PathBuf,
    child: Child,
    port: u16,
}

impl Pooler {
    async fn start(database: &Url) -> Self {
        let (directory, port) = (directory("pgbouncer"), crate::free_port());
        std::fs::create_dir(&directory).unwrap();
        let (host, to) = (database.host_str().unwrap(), database.port().unwrap());
        // Fewer connections than clients, so that connections are always shared.
        let configuration = format!(
            "[databases]\n* = host={host} port={to}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {users}\npool_mode = transaction\ndefault_pool_size = 3\n\
             max_client_conn = 200\n",
            users = directory.join("users").display(),
        );
        std::fs::write(directory.join("pgbouncer.ini"), configuration).unwrap();
        let user = if database.username().is_empty() { "postgres" } else { database.username() };
        std::fs::write(directory.join("users"), format!("\"{user}\" \"\"\n")).unwrap();
        for name in ["", "pgbouncer.ini", "users"] {
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(directory.join(name), mode).unwrap();
        }
        let mut command = Command::new("/usr/sbin/pgbouncer");
        command.arg("--quiet").arg(directory.join("pgbouncer.ini"));
        if is_root() {
            use std::os::unix::process::CommandExt as _;
            // PgBouncer does not run as root.
            command.uid(65534).gid(65534);
        }
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        crate::wait_until("PgBouncer listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Self { directory, child, port }
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// From the migration to concurrent refreshes over few connections: no statement is prepared by name,
/// and none reaches another connection than its parameters.
#[tokio::test]
async fn everything_works_behind_pgbouncer_in_transaction_mode() {
    if is_postgres() {
        LocalSet::new().run_until(work_behind_pgbouncer()).await;
    }
}

async fn work_behind_pgbouncer() {
    let mut installation = Installation::new().await;
    let mut url = Url::parse(&installation.database).unwrap();
    let pooler = Pooler::start(&url).await;
    url.set_port(Some(pooler.port)).unwrap();
    installation.set("DATABASE__URL", url.as_str());
    installation.set("DATABASE__POOLER", "transaction");
    let mut server = Server::start_in(installation).await;
    let photos = server.application("Photos").await;
    let backup = server.service("Backup").await;
    let user = server.create_user("ada").await;

    let mut clients = JoinSet::new();
    for _ in 0..6 {
        let (photos, user) = (photos.clone(), user.clone());
        clients.spawn_local(async move {
            let (http, mut browser) = (crate::http(), Browser::new(&user));
            let code = retry_while_unavailable(async || photos.authorize(&mut browser).await)
                .await
                .unwrap();
            let mut tokens = photos.redeem(&http, &code).await.unwrap().tokens();
            for _ in 0..10 {
                let refresh = async || photos.refresh(&http, &tokens.refresh).await;
                tokens = retry_while_unavailable(refresh).await.unwrap().tokens();
                let access = tokens.access.clone();
                assert!(photos.is_active(&http, &access).await.unwrap());
            }
        });
    }
    for _ in 0..4 {
        let backup = backup.clone();
        clients.spawn_local(async move {
            let http = crate::http();
            for _ in 0..10 {
                let access = backup.client_credentials(&http).await.unwrap().tokens().access;
                assert!(backup.is_active(&http, &access).await.unwrap());
            }
        });
    }
    clients.join_all().await;
    server.installation.json(&["user", "list"]).await;
    server.stop().await;
    drop(pooler);
}
