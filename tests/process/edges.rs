//! Errors of the environment: missing files, misspelt settings and missing permissions are reported
//! with the file, its owner, the cause and the remedy.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use gatewright::cli::Exit;

use crate::installation::{Installation, is_postgres};
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
    let mut installation = Installation::new().await;
    installation.set("LOG", "verbose");

    let output = installation.run(&["serve"]).await;

    output.assert_failed(Exit::Misconfigured, "GATEWRIGHT_LOG: log.level: has the word `verbose`");
    assert!(output.stderr.contains("\"debug\""), "{output:?}");
}

#[tokio::test]
async fn a_missing_configuration_file_is_reported_with_its_path() {
    let installation = Installation::new().await;
    let file = installation.directory.join("gatewright.toml");
    fs::remove_file(&file).unwrap();

    for command in [&["serve"][..], &["user", "list"]] {
        let output = installation.run(command).await;
        output.assert_failed(
            Exit::Misconfigured,
            &format!("{}: there is no such file", file.display()),
        );
        assert!(output.stderr.contains("gatewright init"), "{output:?}");
    }
}

#[tokio::test]
async fn a_new_password_is_prompted_for_twice_without_echo() {
    let installation = Installation::migrated().await;
    let create = ["user", "create", "--username", "alice", "--password-stdin"];
    let secret = "correct horse battery staple";

    let mut terminal = Terminal::start(&installation, &create);
    terminal.respond_without_echo("Password for alice: ", secret).await;
    terminal.respond_without_echo("Repeat the password: ", "correct horse battery stable").await;
    terminal.respond_without_echo("The passwords differ. Password for alice: ", secret).await;
    terminal.respond_without_echo("Repeat the password: ", secret).await;
    let output = terminal.wait_for_exit().await;

    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.contains("created user alice"), "{output:?}");
    assert!(!output.stdout.contains("horse"), "{output:?}");
    let mut terminal =
        Terminal::start(&installation, &["user", "set-password", "alice", "--password-stdin"]);
    terminal.respond_without_echo("Password for alice: ", "").await;
    assert_eq!(terminal.wait_for_exit().await.code, Exit::Refused as i32);
}

/// The setup of deploy/README.md for the URL of the database: a file of root, readable by the group of
/// the server. Commands that run as that user read the same settings as the service.
#[tokio::test]
async fn a_secret_file_readable_by_the_servers_group_works_for_commands() {
    // Only root can change owners and run a process as another user.
    if is_postgres() || !is_root() {
        return;
    }
    let installation = Installation::new().await;
    let url = installation.directory.join("database_url");
    installation.write("database_url", "sqlite:data/gatewright.db\n");
    let file = fs::read_to_string(installation.directory.join("gatewright.toml")).unwrap();
    let file = file
        .replace(&format!("url = \"{}\"", installation.database), "url_file = \"database_url\"");
    let behind = "[http]\ntrusted_proxies = \"127.0.0.1\"\n";
    installation.write("gatewright.toml", &format!("{file}{behind}"));
    for data in ["data", "keys"] {
        let data = installation.directory.join(data);
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::chown(&data, Some(65534), Some(65534)).unwrap();
    }
    std::os::unix::fs::chown(&url, Some(0), Some(65534)).unwrap();
    let run = async |arguments: &[&str]| {
        let mut command = installation.command(arguments);
        let output = command.uid(65534).gid(65534).output().await.unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code().unwrap(), text.concat())
    };

    allow(&url, 0o640);
    for command in [&["config", "check"][..], &["migrate"], &["user", "list"]] {
        let (code, stderr) = run(command).await;
        assert_eq!(code, 0, "{command:?} {stderr}");
    }

    allow(&url, 0o600);
    let (code, stderr) = run(&["user", "list"]).await;
    assert_eq!(code, Exit::Misconfigured as i32, "{stderr}");
    for named in [
        "names database_url",
        "belongs to root",
        "(mode 0600)",
        "runs as",
        "65534",
        "run it as the owner",
    ] {
        assert!(stderr.contains(named), "{named}: {stderr}");
    }
}

/// `config check` and the server apply the same rule.
#[tokio::test]
async fn config_check_and_the_server_agree_on_private_keys() {
    let mut installation = Installation::migrated().await;
    installation.set("HTTP__TRUSTED_PROXIES", "127.0.0.1");
    installation.run(&["key", "rotate", "ES256"]).await;
    let keys = installation.directory.join("keys");

    allow(&keys.join("encryption.key"), 0o444);
    for (directory, code) in [(0o700, 0), (0o755, Exit::Misconfigured as i32)] {
        allow(&keys, directory);
        let check = installation.run(&["config", "check"]).await;
        let used = installation.run(&["key", "rotate", "ES256", "--force"]).await;
        assert_eq!((check.code, used.code), (code, code), "{directory:o} {check:?} {used:?}");
    }
}
