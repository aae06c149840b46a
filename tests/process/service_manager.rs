//! Under systemd: what the process tells it, and the unit that we publish.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use gatewright::cli::Exit;
use tokio::net::UnixDatagram;
use tokio::process::Command;

use crate::place::Place;
use crate::server::Server;

async fn told(socket: &UnixDatagram) -> String {
    let mut text = [0; 256];
    let told = tokio::time::timeout(crate::PATIENCE, socket.recv(&mut text)).await;
    String::from_utf8(text[..told.expect("it is told").unwrap()].to_vec()).unwrap()
}

/// sd_notify(3): ready once it answers, alive while it does, stopping when it was told to.
#[tokio::test]
async fn it_says_that_it_is_ready_and_alive_and_that_it_stops() {
    let place = Place::make().await;
    let path = place.directory.join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut server = Server::planned(place);
    let mut command = server.place.command(&["serve"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    server.spawn(command);

    // While the database is away, or its schema is changed.
    assert!(told(&socket).await.starts_with("EXTEND_TIMEOUT_USEC="));
    assert_eq!(told(&socket).await, "READY=1");
    // At once, and not after another try.
    let answer = crate::http().get(format!("{}/healthz", server.issuer)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(told(&socket).await, "WATCHDOG=1");

    server.signal("TERM").await;
    crate::until("it says that it stops", async || told(&socket).await == "STOPPING=1").await;
    assert_eq!(server.ended().await.code(), Some(0));
}

fn unit() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/gatewright.service");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// What a restart does not mend is not restarted for ever.
#[test]
fn the_unit_does_not_restart_what_a_restart_does_not_mend() {
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

/// `systemd-analyze verify` finds nothing to say, where there is one.
#[tokio::test]
async fn systemd_understands_the_unit() {
    let (_, unit) = unit();
    let directory = crate::directory("unit");
    std::fs::create_dir(&directory).unwrap();
    let file = directory.join("gatewright.service");
    // It looks for the program.
    let here = env!("CARGO_BIN_EXE_gatewright");
    std::fs::write(&file, unit.replace("/usr/local/bin/gatewright", here)).unwrap();

    let verified = Command::new("systemd-analyze").arg("verify").arg(&file).output().await;
    std::fs::remove_dir_all(&directory).unwrap();

    let Ok(verified) = verified else {
        eprintln!("there is no systemd-analyze: the unit is not verified");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !said.contains("gatewright.service"), "{said}");
}
