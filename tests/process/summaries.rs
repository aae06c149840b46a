//! Output for a person at a terminal, and for a program.

use serde_json::Value;

use crate::installation::Installation;
use crate::server::Server;
use crate::terminal::Terminal;

#[tokio::test]
async fn client_create_prints_a_summary_at_a_terminal() {
    let installation = Installation::migrated().await;
    let create =
        ["client", "create", "--name", "Photos", "--redirect-uri", "https://rp.example/cb"];

    let summary = Terminal::start(&installation, &create).wait_for_exit().await;

    assert_eq!(summary.code, 0, "{summary:?}");
    for expected in [
        "https://id.example.org/.well-known/openid-configuration",
        "client_id ",
        "gw_cs_",
        "shown once",
        "https://rp.example/cb",
        "Next: ",
        "gatewright client show ",
    ] {
        assert!(summary.stdout.contains(expected), "{expected}: {}", summary.stdout);
    }
    assert!(!summary.stdout.contains('{'), "{}", summary.stdout);

    let service = ["client", "create", "--name", "Nightly", "--grant-type", "client_credentials"];
    let summary = Terminal::start(&installation, &service).wait_for_exit().await.stdout;
    assert!(
        summary.contains("https://id.example.org/token --data grant_type=client_credentials"),
        "{summary}"
    );
    let json = Terminal::start(&installation, &[&["--json"], &service[..]].concat())
        .wait_for_exit()
        .await
        .stdout;
    assert!(serde_json::from_str::<Value>(&json).unwrap()["client_secret"].is_string(), "{json}");
    let piped = installation.run(&service).await.stdout;
    let piped = serde_json::from_str::<Value>(&piped).unwrap();
    assert!(piped["client_secret"].is_string(), "{piped}");

    let rotate = ["client", "rotate-secret", piped["client_id"].as_str().unwrap()];
    let summary = Terminal::start(&installation, &rotate).wait_for_exit().await.stdout;
    assert!(summary.contains("Nightly has a new secret."), "{summary}");
    assert!(!summary.contains("is registered"), "{summary}");
}

#[tokio::test]
async fn serve_prints_a_summary_at_a_terminal() {
    let mut installation = Installation::migrated().await;
    let port = crate::free_port();
    let issuer = format!("http://localhost:{port}");
    installation.set("ISSUER", &issuer);
    installation.set("HTTP__LISTEN", &format!("127.0.0.1:{port}"));

    let mut terminal = Terminal::start(&installation, &["serve"]);
    terminal.wait_for("/invitation?link=gw_ln_").await;
    terminal.interrupt().await;
    let output = terminal.wait_for_exit().await;

    assert_eq!(output.code, 0, "{output:?}");
    let version = format!("Gatewright {}", env!("CARGO_PKG_VERSION"));
    for expected in
        [&version, &issuer, "http, for this machine only", &format!("http 127.0.0.1:{port}")]
    {
        assert!(output.stdout.contains(expected), "{expected}: {}", output.stdout);
    }
    assert!(
        !output.stdout.contains("\"started\""),
        "the block replaces the log line: {}",
        output.stdout
    );
    installation.json(&["user", "create", "--username", "alice"]).await;
    let mut server = Server::start_in(installation).await;
    server.stop().await;
    let log = std::fs::read_to_string(server.installation.directory.join("log")).unwrap();
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let started = lines.find(|line| line["message"] == "started").unwrap();
    assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(started["issuer"], server.issuer);
    assert_eq!((&started["tls"], &started["has_people"]), (&"none".into(), &true.into()));
    assert_eq!(started["has_owner"], false);
    assert!(!log.contains("gw_ln_"), "the link is not in the log: {log}");
    assert!(log.contains("gatewright admin invite"), "{log}");
}
