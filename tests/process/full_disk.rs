//! The file system of an SQLite database is full: acknowledged changes are there, and none is lost.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::application::{Application, RequestError};
use crate::browser::Browser;
use crate::installation::{Installation, is_postgres};
use crate::server::Server;

/// The number of clients that refresh on the full disk.
const CLIENTS: usize = 20;

/// The way in which files are kept from growing.
enum Disk {
    /// A small file system, filled by this file.
    Small(PathBuf),
    /// The limit of the process for the size of a file (`RLIMIT_FSIZE`).
    Limit,
}

impl Disk {
    fn fill(&self, server: &Server) {
        match self {
            Self::Small(filler) => {
                use std::io::Write as _;
                let mut file = std::fs::File::create(filler).unwrap();
                while file.write_all(&[0; 4096]).is_ok() {}
            }
            Self::Limit => limit(server, "1:unlimited"),
        }
    }

    fn empty(&self, server: &Server) {
        match self {
            Self::Small(filler) => std::fs::remove_file(filler).unwrap(),
            Self::Limit => limit(server, "unlimited:unlimited"),
        }
    }
}

fn limit(server: &Server, size: &str) {
    let (process, size) = (server.pid().to_string(), format!("--fsize={size}"));
    assert!(Command::new("prlimit").args(["--pid", &process, &size]).status().unwrap().success());
}

/// THREATS EX-01, DB-08: a client that got a new refresh token continues with it, and a client that got
/// 503 with the old one.
async fn nothing_acknowledged_is_lost(installation: Installation, disk: Disk) {
    let mut server = Server::new(installation);
    // Without this the signal would end the process at the limit.
    let command = server.installation.command_after_script("trap '' XFSZ", &["serve"]);
    let command = server.with_log(command);
    server.launch_with(command).await;
    let photos = server.application("Photos").await;
    let mut browser = Browser::new(&server.create_user("ada").await);
    let http = crate::http();
    let mut tokens = Vec::new();
    for _ in 0..CLIENTS {
        let code = photos.authorize(&mut browser).await.unwrap();
        tokens.push(photos.redeem(&http, &code).await.unwrap().tokens().refresh);
    }

    disk.fill(&server);
    let mut refused = 0;
    for token in &mut tokens {
        match photos.refresh(&http, token).await {
            Ok(response) => *token = response.tokens().refresh,
            Err(RequestError::Unavailable) => refused += 1,
            Err(RequestError::ConnectionLost(error)) => panic!("{error:?}"),
        }
    }
    disk.empty(&server);

    assert!(refused > CLIENTS / 2, "the disk was not full: {refused}");
    for token in &mut tokens {
        // Twice, so that the successor is used too.
        for _ in 0..2 {
            *token = refresh(&photos, token).await;
        }
    }
    server.stop().await;
}

async fn refresh(application: &Application, token: &str) -> String {
    let http = crate::http();
    let refresh = async || application.refresh(&http, token).await;
    crate::load::retry_while_unavailable(refresh).await.unwrap().tokens().refresh
}

#[tokio::test]
async fn under_a_file_size_limit_nothing_acknowledged_is_lost() {
    if is_postgres() {
        return;
    }
    nothing_acknowledged_is_lost(Installation::new().await, Disk::Limit).await;
}

#[tokio::test]
async fn on_a_full_file_system_nothing_acknowledged_is_lost() {
    if is_postgres() {
        return;
    }
    let mut installation = Installation::new().await;
    let small = installation.directory.join("small");
    std::fs::create_dir(&small).unwrap();
    let Some(mounted) = Mounted::mount_at(&small) else {
        // Mounting needs privileges; the limit of the process has the same effect on SQLite.
        return;
    };
    let database = format!("sqlite:{}", small.join("gatewright.db").display());
    installation.set("DATABASE__URL", &database);
    nothing_acknowledged_is_lost(installation, Disk::Small(small.join("filler"))).await;
    drop(mounted);
}

/// A file system in memory.
struct Mounted(PathBuf);

impl Mounted {
    fn mount_at(directory: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(directory);
        let is_mounted = mount.output().is_ok_and(|output| output.status.success());
        is_mounted.then(|| Self(directory.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
