//! `gatewright init`: the first steps of an administrator.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use gatewright::cli::Exit;

use crate::hide;
use crate::own::Own;
use crate::place::{Place, is_postgres};
use crate::terminal::Terminal;

/// A directory without a configuration.
async fn empty() -> Place {
    let place = Place::make().await;
    fs::remove_file(place.directory.join("gatewright.toml")).unwrap();
    place
}

fn written(place: &Place) -> String {
    fs::read_to_string(place.directory.join("gatewright.toml")).unwrap()
}

#[tokio::test]
async fn init_writes_a_valid_configuration_for_every_tls_mode() {
    let own = Own::new("id.example.org");
    let https = ["--issuer", "https://id.example.org"];
    let files = ["--tls", "files", "--certificate-file", "chain.pem", "--key-file", "key.pem"];
    let acme = ["--tls", "acme", "--acme-contact", "admin@example.org", "--agree-to-terms"];
    let proxy = ["--tls", "proxy", "--proxy", "10.0.0.10", "--proxy", "10.1.0.0/16"];
    for (issuer, tls, told) in [
        (&["--issuer", "http://localhost:8765"], &["--tls", "loopback"][..], "127.0.0.1:8765"),
        (&https, &files, "chain.pem"),
        (&https, &acme, "mailto:admin@example.org"),
        (&https, &proxy, "\"10.0.0.10/32\", \"10.1.0.0/16\""),
    ] {
        let place = empty().await;
        place.write("chain.pem", &own.certificate.pem());
        place.write("key.pem", &own.key.serialize_pem());
        place.write("url", &place.database);
        hide(&place.directory.join("key.pem"));
        hide(&place.directory.join("url"));
        let init = [&["init", "--database-file", "url"], &issuer[..], tls].concat();

        let said = place.run(&init).await;

        assert_eq!(said.code, 0, "{init:?} {said:?}");
        assert!(written(&place).contains(told), "{}", written(&place));
        let check = place.run(&["config", "check"]).await;
        assert_eq!(check.code, 0, "{init:?} {check:?}\n{}", written(&place));
        let before = written(&place);
        place.run(&init).await.refused(Exit::Refused, "is not changed");
        assert_eq!(written(&place), before);
        place.json(&["migrate"]).await;
        assert_eq!(place.json(&["user", "list"]).await, serde_json::json!([]));
    }
}

#[tokio::test]
async fn without_a_terminal_init_lists_what_it_needs_and_writes_nothing() {
    let place = empty().await;
    let all = ["--issuer", "https://id.example.org", "--database", "sqlite:gatewright.db", "--tls"];

    let said = place.run(&["init"]).await;
    said.refused(Exit::Refused, "--issuer URL");
    for option in ["--database URL", "--tls files|acme|proxy|loopback"] {
        assert!(said.err.contains(option), "{said:?}");
    }
    for (tls, lacks) in [
        (&["files"][..], "--certificate-file"),
        (&["acme", "--acme-contact", "a@example.org"], "--agree-to-terms"),
        (&["proxy"], "--proxy ADDRESS"),
        (&["loopback"], "this one is https"),
        (&["proxy", "--proxy", "everybody"], "--proxy is not"),
        (&["proxy", "--proxy", "0.0.0.0/0"], "trusts every address"),
    ] {
        let said = place.run(&[&["init"], &all[..], tls].concat()).await;
        assert_ne!(said.code, 0, "{tls:?}");
        assert!(said.err.contains(lacks), "{tls:?} {said:?}");
        assert!(!place.directory.join("gatewright.toml").exists(), "{tls:?}");
    }
    let secret =
        ["--database", "postgres://gw:hunter2@db/gw", "--tls", "proxy", "--proxy", "10.0.0.1"];
    let said =
        place.run(&[&["init", "--issuer", "https://id.example.org"], &secret[..]].concat()).await;
    said.refused(Exit::Refused, "--database-file");
    assert!(!said.err.contains("hunter2"), "{said:?}");
}

#[tokio::test]
async fn init_creates_the_first_user_without_a_terminal_too() {
    let place = empty().await;
    place.write("url", &place.database);
    hide(&place.directory.join("url"));
    let options =
        ["--issuer", "http://localhost:8765", "--tls", "loopback", "--database-file", "url"];
    let person = ["--username", "alice", "--email", "alice@example.org", "--password-stdin"];
    let init = [&["init"], &options[..], &person].concat();

    let made = place.json_with(&init, "correct horse battery staple\n").await;

    assert_eq!(made["user"]["username"], "alice");
    assert_eq!(place.json(&["user", "show", "alice"]).await["email"], "alice@example.org");
}

#[tokio::test]
async fn init_prompts_at_a_terminal_until_each_value_is_valid() {
    let place = empty().await;

    let mut terminal = Terminal::start(&place, &["init"]);
    terminal.answer("[http://localhost:8080]: ", "http://id.example.org").await;
    terminal.answer("use https", "https://id.example.org").await;
    terminal.answer("[sqlite:gatewright.db]: ", &place.database).await;
    if is_postgres() {
        terminal.answer_hidden("Database password (optional): ", "hunter2").await;
    }
    terminal.answer("files, acme or proxy [proxy]: ", "nobody").await;
    terminal.answer("The value is none of these", "").await;
    terminal.answer("Addresses of the proxies", "").await;
    terminal.until("gatewright.toml is written and valid.").await;
    terminal.answer("Username: ", "alice").await;
    terminal.answer("E-mail address (optional): ", "").await;
    for password in ["short", "correct horse battery staple"] {
        terminal.answer_hidden("Password for alice: ", password).await;
        terminal.answer_hidden("Repeat the password: ", password).await;
        if password == "short" {
            terminal.until("Refused: ").await;
            terminal.answer("Username: ", "alice").await;
            terminal.answer("E-mail address (optional): ", "").await;
        }
    }
    let said = terminal.end().await;

    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("gatewright serve"), "{said:?}");
    assert!(!said.out.contains("horse"), "{said:?}");
    assert!(
        written(&place).contains("trusted_proxies = [\"127.0.0.1/32\"]"),
        "{}",
        written(&place)
    );
    assert_eq!(place.run(&["config", "check"]).await.code, 0);
    assert_eq!(place.json(&["user", "list"]).await[0]["username"], "alice");
    let url = place.directory.join("database_url");
    if is_postgres() {
        assert_eq!(fs::metadata(&url).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&url).unwrap().contains(":hunter2@"));
        assert!(!written(&place).contains("hunter2") && !said.out.contains("hunter2"), "{said:?}");
    } else {
        assert!(!url.exists());
    }
}
