//! Errors of the environment: missing files, misspelt settings and missing permissions are reported
//! with the file, its owner, the cause and the remedy.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use gatewright::cli::Exit;

use crate::place::{Place, is_postgres};
use crate::terminal::Terminal;

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Whether this process may run others as another user.
fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[tokio::test]
async fn a_misspelt_log_level_is_refused() {
    let mut place = Place::make().await;
    place.set("LOG", "verbose");

    let said = place.run(&["serve"]).await;

    said.refused(Exit::Misconfigured, "GATEWRIGHT_LOG: log.level: has the word `verbose`");
    assert!(said.err.contains("\"debug\""), "{said:?}");
}

#[tokio::test]
async fn a_missing_configuration_file_is_reported_with_its_path() {
    let place = Place::make().await;
    let file = place.directory.join("gatewright.toml");
    fs::remove_file(&file).unwrap();

    for command in [&["serve"][..], &["user", "list"]] {
        let said = place.run(command).await;
        said.refused(Exit::Misconfigured, &format!("{}: there is no such file", file.display()));
        assert!(said.err.contains("gatewright init"), "{said:?}");
    }
}

#[tokio::test]
async fn a_new_password_is_prompted_for_twice_without_echo() {
    let place = Place::migrated().await;
    let create = ["user", "create", "--username", "alice", "--password-stdin"];
    let secret = "correct horse battery staple";

    let mut terminal = Terminal::start(&place, &create);
    terminal.answer_hidden("Password for alice: ", secret).await;
    terminal.answer_hidden("Repeat the password: ", "correct horse battery stable").await;
    terminal.answer_hidden("The passwords differ. Password for alice: ", secret).await;
    terminal.answer_hidden("Repeat the password: ", secret).await;
    let said = terminal.end().await;

    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("created user alice"), "{said:?}");
    assert!(!said.out.contains("horse"), "{said:?}");
    let mut terminal =
        Terminal::start(&place, &["user", "set-password", "alice", "--password-stdin"]);
    terminal.answer_hidden("Password for alice: ", "").await;
    assert_eq!(terminal.end().await.code, Exit::Refused as i32);
}

/// The setup of deploy/README.md for the URL of the database: a file of root, readable by the group of
/// the server. Commands that run as that user read the same settings as the service.
#[tokio::test]
async fn a_secret_file_readable_by_the_servers_group_works_for_commands() {
    // Only root can change owners and run a process as another user.
    if is_postgres() || !is_root() {
        return;
    }
    let place = Place::make().await;
    let url = place.directory.join("database_url");
    place.write("database_url", "sqlite:data/gatewright.db\n");
    let file = fs::read_to_string(place.directory.join("gatewright.toml")).unwrap();
    let file =
        file.replace(&format!("url = \"{}\"", place.database), "url_file = \"database_url\"");
    let behind = "[http]\ntrusted_proxies = \"127.0.0.1\"\n";
    place.write("gatewright.toml", &format!("{file}{behind}"));
    for data in ["data", "keys"] {
        let data = place.directory.join(data);
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::chown(&data, Some(65534), Some(65534)).unwrap();
    }
    std::os::unix::fs::chown(&url, Some(0), Some(65534)).unwrap();
    let run = async |arguments: &[&str]| {
        let mut command = place.command(arguments);
        let output = command.uid(65534).gid(65534).output().await.unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code().unwrap(), text.concat())
    };

    allow(&url, 0o640);
    for command in [&["config", "check"][..], &["migrate"], &["user", "list"]] {
        let (code, told) = run(command).await;
        assert_eq!(code, 0, "{command:?} {told}");
    }

    allow(&url, 0o600);
    let (code, told) = run(&["user", "list"]).await;
    assert_eq!(code, Exit::Misconfigured as i32, "{told}");
    for named in [
        "names database_url",
        "belongs to root",
        "(mode 0600)",
        "runs as",
        "65534",
        "run it as the owner",
    ] {
        assert!(told.contains(named), "{named}: {told}");
    }
}

/// `config check` and the server apply the same rule.
#[tokio::test]
async fn config_check_and_the_server_agree_on_private_keys() {
    let mut place = Place::migrated().await;
    place.set("HTTP__TRUSTED_PROXIES", "127.0.0.1");
    place.run(&["key", "rotate", "ES256"]).await;
    let keys = place.directory.join("keys");

    allow(&keys.join("encryption.key"), 0o444);
    for (directory, code) in [(0o700, 0), (0o755, Exit::Misconfigured as i32)] {
        allow(&keys, directory);
        let check = place.run(&["config", "check"]).await;
        let used = place.run(&["key", "rotate", "ES256", "--force"]).await;
        assert_eq!((check.code, used.code), (code, code), "{directory:o} {check:?} {used:?}");
    }
}
