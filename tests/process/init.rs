//! `gatewright init`: the first steps of an administrator.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use gatewright::cli::Exit;

use crate::application::User;
use crate::browser::Browser;
use crate::hide;
use crate::installation::{Installation, is_postgres};
use crate::self_signed::SelfSigned;
use crate::server::{PASSWORD, Server};
use crate::terminal::Terminal;

/// A directory without a configuration.
async fn empty_installation() -> Installation {
    let installation = Installation::new().await;
    fs::remove_file(installation.directory.join("gatewright.toml")).unwrap();
    installation
}

fn written_config(installation: &Installation) -> String {
    fs::read_to_string(installation.directory.join("gatewright.toml")).unwrap()
}

#[tokio::test]
async fn init_writes_a_valid_configuration_for_every_tls_mode() {
    let certificate = SelfSigned::new("id.example.org");
    let https = ["--issuer", "https://id.example.org"];
    let files = ["--tls", "files", "--certificate-file", "chain.pem", "--key-file", "key.pem"];
    let acme = ["--tls", "acme", "--acme-contact", "admin@example.org", "--agree-to-terms"];
    let proxy = ["--tls", "proxy", "--proxy", "10.0.0.10", "--proxy", "10.1.0.0/16"];
    for (issuer, tls, listen, expected_text) in [
        (&["--issuer", "http://localhost:8765"], &["--tls", "loopback"][..], "127.0.0.1:8765", ""),
        (&https, &files, "[::]:443", "chain.pem"),
        (&https, &acme, "[::]:443", "mailto:admin@example.org"),
        (&https, &proxy, "0.0.0.0:8080", "\"10.0.0.10/32\", \"10.1.0.0/16\""),
    ] {
        let installation = empty_installation().await;
        installation.write("chain.pem", &certificate.certificate.pem());
        installation.write("key.pem", &certificate.key.serialize_pem());
        installation.write("url", &installation.database);
        hide(&installation.directory.join("key.pem"));
        hide(&installation.directory.join("url"));
        let init = [&["init", "--database-file", "url"], &issuer[..], tls].concat();

        let output = installation.run(&init).await;

        assert_eq!(output.code, 0, "{init:?} {output:?}");
        let address = format!("listen = \"{listen}\"\n");
        for expected in [&address, expected_text] {
            assert!(
                written_config(&installation).contains(expected),
                "{expected}: {}",
                written_config(&installation)
            );
        }
        let check = installation.run(&["config", "check"]).await;
        assert_eq!(check.code, 0, "{init:?} {check:?}\n{}", written_config(&installation));
        let before = written_config(&installation);
        installation.run(&init).await.assert_failed(Exit::Refused, "is not changed");
        assert_eq!(written_config(&installation), before);
        installation.json(&["migrate"]).await;
        assert_eq!(installation.json(&["user", "list"]).await, serde_json::json!([]));
    }
}

#[tokio::test]
async fn without_a_terminal_init_lists_what_it_needs_and_writes_nothing() {
    let installation = empty_installation().await;
    let all = ["--issuer", "https://id.example.org", "--database", "sqlite:gatewright.db", "--tls"];

    let output = installation.run(&["init"]).await;
    output.assert_failed(Exit::Refused, "--issuer URL");
    for option in ["--database URL", "--tls files|acme|proxy|loopback"] {
        assert!(output.stderr.contains(option), "{output:?}");
    }
    for (tls, lacks) in [
        (&["files"][..], "--certificate-file"),
        (&["acme", "--acme-contact", "a@example.org"], "--agree-to-terms"),
        (&["proxy"], "--proxy ADDRESS"),
        (&["loopback"], "this one is https"),
        (&["proxy", "--proxy", "everybody"], "--proxy is not"),
        (&["proxy", "--proxy", "0.0.0.0/0"], "trusts every address"),
    ] {
        let output = installation.run(&[&["init"], &all[..], tls].concat()).await;
        assert_ne!(output.code, 0, "{tls:?}");
        assert!(output.stderr.contains(lacks), "{tls:?} {output:?}");
        assert!(!installation.directory.join("gatewright.toml").exists(), "{tls:?}");
    }
    let secret =
        ["--database", "postgres://gw:hunter2@db/gw", "--tls", "proxy", "--proxy", "10.0.0.1"];
    let output = installation
        .run(&[&["init", "--issuer", "https://id.example.org"], &secret[..]].concat())
        .await;
    output.assert_failed(Exit::Refused, "--database-file");
    assert!(!output.stderr.contains("hunter2"), "{output:?}");
}

#[tokio::test]
async fn init_creates_the_first_user_without_a_terminal_too() {
    let installation = empty_installation().await;
    installation.write("url", &installation.database);
    hide(&installation.directory.join("url"));
    let options =
        ["--issuer", "http://localhost:8765", "--tls", "loopback", "--database-file", "url"];
    let user = ["--username", "alice", "--email", "alice@example.org", "--password-stdin"];
    let init = [&["init"], &options[..], &user].concat();

    let created = installation.json_with(&init, &format!("{PASSWORD}\n")).await;

    assert_eq!(created["user"]["username"], "alice");
    assert_eq!(installation.json(&["user", "show", "alice"]).await["email"], "alice@example.org");
    let mut server = Server::start_in(installation).await;
    let alice = User { username: "alice".to_owned() };
    let photos = server.application("Photos").await;
    assert!(photos.authorize(&mut Browser::new(&alice)).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn init_prompts_at_a_terminal_until_each_value_is_valid() {
    let installation = empty_installation().await;

    let mut terminal = Terminal::start(&installation, &["init"]);
    terminal.respond("[http://localhost:8080]: ", "http://id.example.org").await;
    terminal.respond("use https", "https://id.example.org").await;
    terminal.respond("[sqlite:gatewright.db]: ", &installation.database).await;
    if is_postgres() {
        terminal.respond_without_echo("Database password (optional): ", "hunter2").await;
    }
    terminal.respond("files, acme or proxy [proxy]: ", "nobody").await;
    terminal.respond("The value is none of these", "").await;
    terminal.respond("Addresses of the proxies", "").await;
    terminal.wait_for("gatewright.toml is written and valid.").await;
    terminal.respond("Username: ", "alice").await;
    terminal.respond("E-mail address (optional): ", "").await;
    for password in ["short", "correct horse battery staple"] {
        terminal.respond_without_echo("Password for alice: ", password).await;
        terminal.respond_without_echo("Repeat the password: ", password).await;
        if password == "short" {
            terminal.wait_for("Refused: ").await;
            terminal.respond("Username: ", "alice").await;
            terminal.respond("E-mail address (optional): ", "").await;
        }
    }
    let output = terminal.wait_for_exit().await;

    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.contains("gatewright serve"), "{output:?}");
    assert!(!output.stdout.contains("horse"), "{output:?}");
    assert!(
        written_config(&installation).contains("trusted_proxies = [\"127.0.0.1/32\"]"),
        "{}",
        written_config(&installation)
    );
    assert_eq!(installation.run(&["config", "check"]).await.code, 0);
    assert_eq!(installation.json(&["user", "list"]).await[0]["username"], "alice");
    let url = installation.directory.join("database_url");
    if is_postgres() {
        assert_eq!(fs::metadata(&url).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&url).unwrap().contains(":hunter2@"));
        assert!(
            !written_config(&installation).contains("hunter2")
                && !output.stdout.contains("hunter2"),
            "{output:?}"
        );
    } else {
        assert!(!url.exists());
    }
}
