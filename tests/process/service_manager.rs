//! Under systemd: the notifications of the process, and the published unit.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use gatewright::cli::Exit;
use tokio::net::UnixDatagram;
use tokio::process::Command;

use crate::installation::Installation;
use crate::server::Server;

async fn next_notification(socket: &UnixDatagram) -> String {
    let mut text = [0; 256];
    let received = tokio::time::timeout(crate::TIMEOUT, socket.recv(&mut text)).await;
    String::from_utf8(text[..received.expect("it is told").unwrap()].to_vec()).unwrap()
}

/// sd_notify(3): READY once it serves requests, WATCHDOG while it does, STOPPING at shutdown.
#[tokio::test]
async fn the_process_notifies_ready_watchdog_and_stopping() {
    let installation = Installation::new().await;
    let path = installation.directory.join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut server = Server::new(installation);
    let mut command = server.installation.command(&["serve"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    server.spawn(command);

    // For the time in which the database is unreachable or its schema is migrated.
    assert!(next_notification(&socket).await.starts_with("EXTEND_TIMEOUT_USEC="));
    assert_eq!(next_notification(&socket).await, "READY=1");
    // At the first attempt.
    let response = crate::http().get(format!("{}/healthz", server.issuer)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(next_notification(&socket).await, "WATCHDOG=1");

    server.signal("TERM").await;
    crate::wait_until("it says that it stops", async || {
        next_notification(&socket).await == "STOPPING=1"
    })
    .await;
    assert_eq!(server.wait_for_exit().await.code(), Some(0));
}

fn unit() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/gatewright.service");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// A failure that a restart cannot repair causes no restart.
#[test]
fn the_unit_restarts_only_after_temporary_failures() {
    let (_, unit) = unit();
    let statuses = unit.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus="));
    let statuses: Vec<_> = statuses.unwrap().split(' ').map(|code| code.parse().unwrap()).collect();

    for exit in [Exit::Misconfigured, Exit::Usage, Exit::Absent, Exit::WrongKey] {
        assert!(statuses.contains(&(exit as u8)), "{exit:?}");
    }
    for exit in [Exit::Unavailable, Exit::Failed] {
        assert!(!statuses.contains(&(exit as u8)), "{exit:?}");
    }
    assert!(unit.lines().any(|line| line == "Type=notify"));
}

/// `systemd-analyze verify` reports nothing, where it is installed.
#[tokio::test]
async fn systemd_verifies_the_unit() {
    let (_, unit) = unit();
    let directory = crate::directory("unit");
    std::fs::create_dir(&directory).unwrap();
    let file = directory.join("gatewright.service");
    // It checks that the program exists.
    let here = env!("CARGO_BIN_EXE_gatewright");
    std::fs::write(&file, unit.replace("/usr/local/bin/gatewright", here)).unwrap();

    let verified = Command::new("systemd-analyze").arg("verify").arg(&file).output().await;
    std::fs::remove_dir_all(&directory).unwrap();

    let Ok(verified) = verified else {
        eprintln!("there is no systemd-analyze: the unit is not verified");
        return;
    };
    let output = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !output.contains("gatewright.service"), "{output}");
}
