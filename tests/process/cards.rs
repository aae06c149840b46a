//! Output for a person at a terminal, and for a program.

use serde_json::Value;

use crate::place::Place;
use crate::server::Server;
use crate::terminal::Terminal;

#[tokio::test]
async fn client_create_prints_a_summary_at_a_terminal() {
    let place = Place::migrated().await;
    let create =
        ["client", "create", "--name", "Photos", "--redirect-uri", "https://rp.example/cb"];

    let card = Terminal::start(&place, &create).end().await;

    assert_eq!(card.code, 0, "{card:?}");
    for told in [
        "https://id.example.org/.well-known/openid-configuration",
        "client_id ",
        "gw_cs_",
        "shown once",
        "https://rp.example/cb",
        "Next: ",
        "gatewright client show ",
    ] {
        assert!(card.out.contains(told), "{told}: {}", card.out);
    }
    assert!(!card.out.contains('{'), "{}", card.out);

    let service = ["client", "create", "--name", "Nightly", "--grant-type", "client_credentials"];
    let card = Terminal::start(&place, &service).end().await.out;
    assert!(
        card.contains("https://id.example.org/token --data grant_type=client_credentials"),
        "{card}"
    );
    let json = Terminal::start(&place, &[&["--json"], &service[..]].concat()).end().await.out;
    assert!(serde_json::from_str::<Value>(&json).unwrap()["client_secret"].is_string(), "{json}");
    let piped = place.run(&service).await.out;
    let piped = serde_json::from_str::<Value>(&piped).unwrap();
    assert!(piped["client_secret"].is_string(), "{piped}");

    let rotate = ["client", "rotate-secret", piped["client_id"].as_str().unwrap()];
    let card = Terminal::start(&place, &rotate).end().await.out;
    assert!(card.contains("Nightly has a new secret."), "{card}");
    assert!(!card.contains("is registered"), "{card}");
}

#[tokio::test]
async fn serve_prints_a_summary_at_a_terminal() {
    let mut place = Place::migrated().await;
    let port = crate::free_port();
    let issuer = format!("http://localhost:{port}");
    place.set("ISSUER", &issuer);
    place.set("HTTP__LISTEN", &format!("127.0.0.1:{port}"));

    let mut terminal = Terminal::start(&place, &["serve"]);
    terminal.until("no users yet: gatewright user create").await;
    terminal.interrupt().await;
    let said = terminal.end().await;

    assert_eq!(said.code, 0, "{said:?}");
    let version = format!("Gatewright {}", env!("CARGO_PKG_VERSION"));
    for told in
        [&version, &issuer, "http, for this machine only", &format!("http 127.0.0.1:{port}")]
    {
        assert!(said.out.contains(told), "{told}: {}", said.out);
    }
    assert!(!said.out.contains("\"started\""), "the block replaces the log line: {}", said.out);
    place.json(&["user", "create", "--username", "alice"]).await;
    let mut server = Server::at(place).await;
    server.stop().await;
    let log = std::fs::read_to_string(server.place.directory.join("log")).unwrap();
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let started = lines.find(|line| line["message"] == "started").unwrap();
    assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(started["issuer"], server.issuer);
    assert_eq!((&started["tls"], &started["has_people"]), (&"none".into(), &true.into()));
    assert!(!log.contains("users yet"), "{log}");
}
