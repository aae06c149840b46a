//! The command line, as administrators and their scripts use it.

use std::process::Stdio;

use gatewright::cli::Exit;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::installation::{Installation, is_postgres};

const PASSWORD: &str = "correct horse battery staple\n";
const WEB: [&str; 4] = ["client", "create", "--redirect-uri", "https://rp.example/cb"];

#[tokio::test]
async fn an_account_is_created_listed_disabled_and_enabled() {
    let installation = Installation::migrated().await;

    let create = [
        "user",
        "create",
        "--username",
        "Alice",
        "--email",
        "alice@example.org",
        "--email-verified",
        "--password-stdin",
        "--claim",
        "name=Alice Liddell",
        "--claim",
        "address.locality=Paris",
    ];
    let created = installation.json_with(&create, PASSWORD).await;
    assert_eq!(created["username"], "Alice");
    assert_eq!(created["claims"]["address"]["locality"], "Paris");
    for name in ["Alice", "alice", "ALICE@example.org", created["id"].as_str().unwrap()] {
        assert_eq!(installation.json(&["user", "show", name]).await["id"], created["id"], "{name}");
    }
    installation.json(&["user", "create", "--username", "bob"]).await;
    assert_eq!(installation.json(&["user", "list"]).await.as_array().unwrap().len(), 2);

    let closed = installation.json(&["user", "disable", "alice"]).await;
    assert!(closed["disabled_at"].is_i64());
    let open = installation.json(&["user", "enable", "alice"]).await;
    assert!(open["disabled_at"].is_null());
    installation.json_with(&["user", "set-password", "bob", "--password-stdin"], PASSWORD).await;

    let table = installation.run(&["user", "list"]).await.stdout;
    assert!(table.starts_with("ID") && table.contains("alice@example.org"), "{table}");
    let events = installation.json(&["audit", "list"]).await;
    let kinds: Vec<_> =
        events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    let expected =
        ["password.changed", "user.enabled", "user.disabled", "user.created", "user.created"];
    assert_eq!(kinds, expected);
}

/// RFC 7591 §3.2.1. THREATS DC-10, AD-06: a secret is seen once and never again.
#[tokio::test]
async fn a_client_is_registered_and_its_secret_is_printed_once() {
    let installation = Installation::migrated().await;

    let created = installation.run(&[&WEB[..], &["--name", "Photos"]].concat()).await;
    let created: Value = serde_json::from_str(&created.stdout).unwrap();
    let (id, secret) =
        (created["client_id"].as_str().unwrap(), created["client_secret"].as_str().unwrap());
    assert!(secret.starts_with("gw_cs_"));
    assert!(created["client_id_issued_at"].is_i64());
    assert_eq!(created["client_secret_expires_at"], 0);
    assert_eq!(created["client_name"], "Photos");

    let rotated = installation.json(&["client", "rotate-secret", id, "--overlap", "60"]).await;
    let second = rotated["client_secret"].as_str().unwrap();
    assert_ne!(secret, second);
    assert_eq!(rotated["gw_secrets"].as_array().unwrap().len(), 2);

    for command in [&["client", "show", id][..], &["client", "list"], &["audit", "list"]] {
        for json in [&["--json"][..], &[]] {
            let output = installation.run(&[json, command].concat()).await;
            assert_eq!(output.code, 0, "{output:?}");
            assert!(output.stdout.contains(id), "{output:?}");
            let all = output.stdout + output.stderr.as_str();
            assert!(!all.contains(secret) && !all.contains(second), "{command:?}");
        }
    }
}

/// A registration with weaker settings than the defaults succeeds with a warning on standard error; any
/// other one has no warning.
#[tokio::test]
async fn a_client_with_neither_pkce_nor_a_nonce_causes_a_warning() {
    let installation = Installation::migrated().await;
    let careless = [&WEB[..], &["--require-pkce=false", "--require-nonce", "false"]].concat();

    let output = installation.run(&careless).await;
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stderr.starts_with("warning: gw_require_nonce is false"), "{output:?}");
    let created: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(created["gw_require_nonce"], false);
    let output = installation.run(&[&["--json"], &careless[..]].concat()).await;
    let warning: Value = serde_json::from_str(&output.stderr).unwrap();
    assert!(warning["warning"].as_str().unwrap().contains("gw_require_nonce"), "{output:?}");

    let claims = ["--id-token-claims", "email", "--id-token-claims", "name"];
    let audience =
        ["--default-audience", "https://api.example", "--default-audience", "https://b.example"];
    let output = installation.run(&[&WEB[..], &claims, &audience].concat()).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
    let created: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(created["gw_id_token_claims"], json!(["email", "name"]));
    assert_eq!(created["gw_default_audience"], json!(["https://api.example", "https://b.example"]));
    let id = created["client_id"].as_str().unwrap();
    let scopes = installation.json(&["client", "update", id, "--id-token-claims", "scopes"]).await;
    assert_eq!(scopes["gw_id_token_claims"], "scopes");
}

#[tokio::test]
async fn the_printed_metadata_of_a_client_can_be_edited_and_read_again() {
    let installation = Installation::migrated().await;
    let created = installation.json(&[&WEB[..], &["--name", "Photos"]].concat()).await;
    let id = created["client_id"].as_str().unwrap();

    let mut document = installation.json(&["client", "show", id]).await;
    document["gw_skip_consent"] = true.into();
    let update = ["client", "update", id, "--metadata", "-"];
    let updated = installation.json_with(&update, &document.to_string()).await;
    assert_eq!(updated["gw_skip_consent"], true);
    assert!(updated.get("client_secret").is_none(), "the client keeps its secret");

    let renamed = installation.json(&["client", "update", id, "--name", "Pictures"]).await;
    assert_eq!(renamed["client_name"], "Pictures");
    assert_eq!(renamed["gw_skip_consent"], true, "other members stay unchanged");
    let rename = |name: &'static str| ["client", "update", id, "--name-in", name];
    let translated = installation.json(&rename("DE=Bilder")).await;
    assert_eq!(
        (&translated["client_name"], &translated["client_name#de"]),
        (&"Pictures".into(), &"Bilder".into())
    );
    assert_eq!(installation.json(&["client", "show", id]).await["client_name#de"], "Bilder");
    assert_eq!(installation.json(&rename("de=")).await.get("client_name#de"), None);
    installation.run(&rename("d=Bilder")).await.assert_failed(Exit::Refused, "not a language tag");
    let changed = ["client", "update", id, "--skip-consent=false", "--dpop-bound-access-tokens"];
    let changed = installation.json(&changed).await;
    assert_eq!(
        (&changed["gw_skip_consent"], &changed["dpop_bound_access_tokens"]),
        (&false.into(), &true.into())
    );

    document["client_id"] = "another".into();
    let of_another = installation.run_with(&update, &document.to_string()).await;
    of_another.assert_failed(Exit::Refused, "another client");
    let brought = json!({ "client_secret": "hunter2", "redirect_uris": ["https://rp.example/cb"] });
    let create = ["client", "create", "--metadata", "-"];
    let own_secret = installation.run_with(&create, &brought.to_string()).await;
    own_secret.assert_failed(Exit::Refused, "client_secret");
    assert!(!own_secret.stderr.contains("hunter2"));

    installation.json(&["client", "disable", id]).await;
    assert!(installation.json(&["client", "show", id]).await["gw_disabled_at"].is_i64());
    installation.json(&["client", "enable", id]).await;
    installation.json(&["client", "delete", id]).await;
    installation
        .run(&["client", "show", id])
        .await
        .assert_failed(Exit::Absent, "there is no client");
}

#[tokio::test]
async fn a_metadata_file_is_read_and_flags_override_it() {
    let installation = Installation::migrated().await;
    installation.write(
        "photos.json",
        r#"{"client_name":"File","redirect_uris":["https://rp.example/cb"]}"#,
    );

    let create = ["client", "create", "--metadata", "photos.json", "--name", "Flag", "--public"];
    let created = installation.json(&create).await;

    assert_eq!(created["client_name"], "Flag");
    assert_eq!(created["redirect_uris"], json!(["https://rp.example/cb"]));
    assert_eq!(created["token_endpoint_auth_method"], "none");
    assert!(created.get("client_secret").is_none());
}

#[tokio::test]
async fn an_api_is_registered_changed_and_deleted() {
    let installation = Installation::migrated().await;
    let api = "https://api.example.org/invoices";

    let create = [
        "resource",
        "create",
        api,
        "--name",
        "Invoices",
        "--scope",
        "invoices.read=Read your invoices",
    ];
    assert_eq!(installation.json(&create).await["scopes"][0]["text"], "Read your invoices");
    installation.run(&create).await.assert_failed(Exit::Refused, "already");
    let update = ["resource", "update", api, "--token-format", "opaque", "--token-lifetime", "60"];
    let updated = installation.json(&update).await;
    assert_eq!(updated["access_token_format"], "opaque");
    assert_eq!(updated["name"], "Invoices");
    let texts =
        ["resource", "update", api, "--name-in", "DE=Rechnungen", "--sensitive", "invoices.read"];
    let german = ["--scope-in", "invoices.read#de=Ihre Rechnungen lesen"];
    let updated = installation.json(&[&texts[..], &german].concat()).await;
    assert_eq!(updated["name#de"], "Rechnungen");
    assert_eq!(updated["scopes"][0]["text#de"], "Ihre Rechnungen lesen");
    assert_eq!(updated["scopes"][0]["sensitive"], true);
    assert_eq!(
        installation.json(&["resource", "list"]).await,
        json!([updated]),
        "the change is stored"
    );
    let other =
        ["resource", "update", api, "--scope", "invoices.read=See them", "--name-in", "de="];
    let scope = json!([{ "name": "invoices.read", "text": "See them", "sensitive": true }]);
    let updated = installation.json(&other).await;
    assert_eq!((&updated["scopes"], updated.get("name#de")), (&scope, None));
    let not = ["resource", "update", api, "--sensitive", "invoices.read=false"];
    assert_eq!(installation.json(&not).await["scopes"][0].get("sensitive"), None);
    for (wrong, message) in [
        (["--scope-in", "invoices.read#deutsch-=Lesen"], "not a language tag"),
        (["--scope-in", "invoices.read=Lesen"], "--scope-in"),
        (["--scope-in", "invoices.pay#de=Bezahlen"], "no scope invoices.pay"),
        (["--sensitive", "invoices.pay"], "no scope invoices.pay"),
        (["--sensitive", "invoices.read=yes"], "true or false"),
        (["--name-in", "Rechnungen"], "--name-in"),
    ] {
        let update = [&["resource", "update", api][..], &wrong].concat();
        installation.run(&update).await.assert_failed(Exit::Refused, message);
    }
    installation.json(&["resource", "delete", api]).await;

    assert_eq!(installation.json(&["resource", "list"]).await, json!([]));
    installation.run(&["resource", "delete", api]).await.assert_failed(Exit::Absent, "no resource");
}

#[tokio::test]
async fn signing_keys_rotate_and_retire() {
    let installation = Installation::migrated().await;
    let state = |keys: &Value, kid: &Value| {
        let found = keys.as_array().unwrap().iter().find(|key| key["kid"] == *kid).unwrap();
        found["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(installation.json(&["key", "list"]).await, json!([]));

    installation
        .run(&["key", "rotate", "ES256"])
        .await
        .assert_failed(Exit::Refused, "published so recently");
    let keys = installation.json(&["key", "list"]).await;
    let of = |wanted: &str| {
        let mut all = keys.as_array().unwrap().iter();
        all.find(|key| key["alg"] == "ES256" && key["state"] == wanted).unwrap()["kid"].clone()
    };
    let (active, pending) = (of("active"), of("pending"));
    let rotated = installation.json(&["key", "rotate", "ES256", "--force"]).await;
    assert_eq!(state(&rotated, &active), "retiring");
    assert_eq!(state(&rotated, &pending), "active");
    let retire = ["key", "retire", pending.as_str().unwrap(), "--compromised"];
    assert_eq!(state(&installation.json(&retire).await, &pending), "compromised");

    installation.run(&["key", "retire", "nobody"]).await.assert_failed(Exit::Absent, "no key");
    std::fs::remove_dir_all(installation.directory.join("keys")).unwrap();
    let lost = installation.run(&["key", "rotate"]).await;
    lost.assert_failed(Exit::Absent, "restore it");
    assert!(!installation.directory.join("keys").exists(), "a new key would hide the loss");
}

#[tokio::test]
async fn the_exit_code_identifies_the_kind_of_error() {
    let installation = Installation::migrated().await;
    installation.write("typo.json", r#"{"redirect_uri":["https://rp.example/cb"]}"#);
    installation.write("twice.json", r#"{"client_name":"a","client_name":"b"}"#);
    for (arguments, exit, message) in [
        (&["bogus"][..], Exit::Usage, "unrecognized subcommand"),
        (&["client", "create", "--grant-type", "password"], Exit::Usage, "possible values"),
        (&["user", "set-password", "alice"], Exit::Usage, "--password-stdin"),
        (&["user", "show", "nobody"], Exit::Absent, "gatewright user list"),
        (&["client", "create", "--metadata", "nothing.json"], Exit::Absent, "nothing.json"),
        (&["client", "create", "--metadata", "typo.json"], Exit::Refused, "redirect_uri"),
        (&["client", "create", "--metadata", "twice.json"], Exit::Refused, "duplicate member"),
        (&["client", "create"], Exit::Refused, "redirect_uris"),
        (
            &["client", "create", "--redirect-uri", "http://rp.example/cb"],
            Exit::Refused,
            "http://rp.example/cb",
        ),
        (&["user", "create", "--username", "a b"], Exit::Refused, "username"),
        (&["user", "create", "--username", "al", "--claim", "role=x"], Exit::Refused, "role"),
        (
            &["resource", "create", "https://a.example", "--name", "A", "--scope", "x"],
            Exit::Refused,
            "no text",
        ),
        (&["audit", "list", "--kind", "nonsense"], Exit::Refused, "sign_in"),
        (&["audit", "list", "--since", "yesterday"], Exit::Refused, "12h"),
        (&["--config", "nothing.toml", "user", "list"], Exit::Misconfigured, "nothing.toml"),
    ] {
        installation.run(arguments).await.assert_failed(exit, message);
    }
    let short = installation
        .run_with(&["user", "create", "--username", "al", "--password-stdin"], "short\n");
    short.await.assert_failed(Exit::Refused, "too short");
    let empty =
        installation.run_with(&["user", "create", "--username", "al", "--password-stdin"], "\n");
    empty.await.assert_failed(Exit::Refused, "empty");
    assert_eq!(installation.json(&["user", "list"]).await, json!([]), "nothing was changed");
}

#[tokio::test]
async fn with_json_output_errors_are_json_too() {
    let installation = Installation::migrated().await;

    let output =
        installation.run(&["--json", "client", "create", "--redirect-uri", "http://rp.example/cb"]);
    let output = output.await;

    output.assert_failed(Exit::Refused, "");
    let error: Value = serde_json::from_str(&output.stderr).unwrap();
    assert_eq!(error["error"], "invalid_redirect_uri");
    assert_eq!(error["facts"]["redirect_uri"], "http://rp.example/cb");
    assert_eq!(error["exit_code"], 65);

    let output = installation.run(&["--json", "user", "lsit"]).await;

    output.assert_failed(Exit::Usage, "");
    let error: Value = serde_json::from_str(&output.stderr).unwrap();
    assert!(error["message"].as_str().unwrap().starts_with("unrecognized subcommand 'lsit'"));
    assert_eq!(error["exit_code"], 2);
}

/// THREATS SU-06: errors have the line, the key, the reason and the remedy, and never contain a secret.
#[tokio::test]
async fn all_configuration_errors_are_reported_and_insecure_ones_prevent_serving() {
    let installation = Installation::migrated().await;
    installation.write(
        "bad.toml",
        "issuer = \"http://id.example.org\"\n[database]\nurl = \"mysql://gw:hunter2@db/gw\"\nulr = 1\n",
    );
    let output = installation.run(&["--config", "bad.toml", "user", "list"]).await;
    output.assert_failed(Exit::Misconfigured, "3 problems");
    for message in ["bad.toml:1", "bad.toml:3", "bad.toml:4", "use https", "url"] {
        assert!(output.stderr.contains(message), "{message}: {}", output.stderr);
    }
    assert!(!output.stderr.contains("hunter2"));

    let exposed = ["--config", "exposed.toml"];
    installation.write(
        "exposed.toml",
        "issuer = \"https://id.example.org\"\n[database]\nurl = \"sqlite:x.db\"\n[http]\nlisten = \"0.0.0.0:28080\"\n",
    );
    let check = installation.run(&[&exposed[..], &["config", "check"]].concat()).await;
    assert_eq!(check.code, Exit::Misconfigured as i32);
    assert!(check.stdout.contains("http.listen"));
    let serve = installation.run(&[&exposed[..], &["serve"]].concat()).await;
    serve.assert_failed(Exit::Misconfigured, "http.listen");
}

#[tokio::test]
async fn an_unreachable_database_is_reported_without_its_password() {
    let installation = Installation::migrated().await;

    let mut command = installation.command(&["user", "list"]);
    // Nothing listens on port 1.
    command.env("GATEWRIGHT_DATABASE__URL", "postgres://gw:hunter2@127.0.0.1:1/gw");
    let output = command.output().await.unwrap();

    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(Exit::Unavailable as i32), "{err}");
    assert!(err.contains("database.url") && !err.contains("hunter2"), "{err}");
}

#[tokio::test]
async fn many_commands_at_once_all_succeed() {
    let installation = std::sync::Arc::new(Installation::migrated().await);
    installation.json(&["migrate"]).await;

    let mut running = tokio::task::JoinSet::new();
    for number in 0..16 {
        let installation = installation.clone();
        running.spawn(async move {
            installation.json(&["user", "create", "--username", &format!("user{number}")]).await
        });
    }
    running.join_all().await;

    assert_eq!(installation.json(&["user", "list"]).await.as_array().unwrap().len(), 16);
}

#[tokio::test]
async fn help_and_version_succeed() {
    let installation = Installation::migrated().await;
    for arguments in
        [&["--help"][..], &["client", "create", "--help"], &["help", "user"], &["--version"]]
    {
        let output = installation.run(arguments).await;
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{arguments:?}");
    }
    assert_eq!(installation.json(&["version"]).await["name"], "gatewright");
}

/// A server on a port that the system chooses.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    async fn start(installation: &Installation) -> Self {
        let mut command = installation.command(&["serve"]);
        command
            .env("GATEWRIGHT_ISSUER", "http://127.0.0.1:8080")
            .env("GATEWRIGHT_HTTP__LISTEN", "127.0.0.1:0")
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut message = String::new();
        let address = loop {
            let Some(line) = log.next_line().await.unwrap() else { panic!("{message}") };
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                break event["address"].as_str().unwrap().to_owned();
            }
            message.push_str(&line);
        };
        // The log must be read on, or the server could not write it.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self { child, address }
    }

    /// Requests a token for this client; returns the status.
    async fn token(&self, client: &Value) -> u16 {
        let request = crate::http()
            .post(format!("http://{}/token", self.address))
            .basic_auth(client["client_id"].as_str().unwrap(), client["client_secret"].as_str())
            .form(&[("grant_type", "client_credentials")]);
        request.send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn a_running_server_sees_the_changes_of_commands() {
    let installation = Installation::migrated().await;
    let mut server = Server::start(&installation).await;

    let create = ["client", "create", "--name", "Nightly", "--grant-type", "client_credentials"];
    let client = installation.json(&create).await;
    assert_eq!(server.token(&client).await, 200, "the new client works at once");
    installation.json(&["client", "disable", client["client_id"].as_str().unwrap()]).await;
    while server.token(&client).await == 200 {}
    let again = Server::start(&installation);
    if is_postgres() {
        assert_eq!(again.await.token(&client).await, 401, "another replica");
    } else {
        let mut second = installation.command(&["serve"]);
        second.env("GATEWRIGHT_ISSUER", "http://localhost:9");
        let second = second.env("GATEWRIGHT_HTTP__LISTEN", "127.0.0.1:0").output().await.unwrap();
        let message = String::from_utf8(second.stderr).unwrap();
        assert_eq!(second.status.code(), Some(Exit::Unavailable as i32), "{message}");
        assert!(message.contains("another server is running"), "{message}");
    }

    let id = server.child.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").arg(&id).status().await.unwrap().success());
    assert!(server.child.wait().await.unwrap().success());
}

/// The byte order mark that PowerShell and some editors write.
const BYTE_ORDER_MARK: char = '\u{feff}';

#[tokio::test]
async fn an_account_is_updated_and_deleted() {
    let installation = Installation::migrated().await;
    let create = ["user", "create", "--username", "alice", "--email", "alice@example.org"];
    let create = [&create[..], &["--email-verified", "--claim", "locale=en"]].concat();
    let created = installation.json(&create).await;
    installation.json(&["user", "create", "--username", "bob"]).await;
    let id = created["id"].as_str().unwrap();

    let change = ["user", "update", "Alice@Example.org", "--username", "liddell"];
    let changed = [&change[..], &["--claim", "name=Alice Liddell", "--remove-claim", "locale"]];
    let changed = installation.json(&changed.concat()).await;
    assert_eq!(changed["id"], created["id"]);
    assert_eq!(changed["claims"], json!({ "name": "Alice Liddell" }));
    assert_eq!(changed["email_verified"], true, "the address has not changed");
    let moved = ["user", "update", "liddell", "--email", "alice@example.com"];
    assert_eq!(
        installation.json(&moved).await["email_verified"],
        false,
        "a new address is not verified"
    );
    let verified = installation.json(&["user", "update", id, "--email-verified"]).await;
    assert_eq!(verified["email_verified"], true);
    let doubted = installation.json(&["user", "update", id, "--email-verified=false"]).await;
    assert_eq!(doubted["email_verified"], false);

    for (refused, code) in [
        (&["user", "update", "alice", "--username", "x"][..], Exit::Absent),
        (&["user", "update", "liddell"], Exit::Refused),
        (&["user", "update", "liddell", "--username", "BOB"], Exit::Refused),
        (&["user", "update", "liddell", "--claim", "role=admin"], Exit::Refused),
        (&["user", "update", "liddell", "--remove-claim", "locale"], Exit::Refused),
        (&["user", "update", "bob", "--email-verified"], Exit::Refused),
        (&["user", "update", "bob", "--username", "someone@example.org"], Exit::Refused),
        (&["user", "delete", "alice"], Exit::Absent),
    ] {
        let output = installation.run(refused).await;
        assert_eq!(output.code, code as i32, "{refused:?} {output:?}");
    }
    let removed = installation.json(&["user", "update", "liddell", "--remove-email"]).await;
    assert!(removed["email"].is_null());

    assert_eq!(installation.json(&["user", "delete", "liddell"]).await["id"], created["id"]);
    assert_eq!(installation.run(&["user", "show", id]).await.code, Exit::Absent as i32);
    let events = installation.json(&["audit", "list", "--user", id]).await;
    assert_eq!(events[0]["kind"], "user.deleted");
    assert!(
        !events.to_string().contains("liddell"),
        "the audit trail contains identifiers only: {events}"
    );
    let again = installation.json(&create).await;
    assert_ne!(again["id"], created["id"]);
}

/// THREATS EX-24: names are resolved, and an unknown name is an error, not an empty list.
#[tokio::test]
async fn a_name_is_accepted_wherever_an_identifier_is() {
    let installation = Installation::migrated().await;
    let user = installation.json(&["user", "create", "--username", "alice"]).await;
    let photos = installation.json(&[&WEB[..], &["--name", "Photos"]].concat()).await;
    for _ in 0..2 {
        installation.json(&[&WEB[..], &["--name", "Twin"]].concat()).await;
    }
    let id = photos["client_id"].as_str().unwrap();

    for name in ["Photos", "photos", id] {
        for command in ["show", "disable", "enable", "rotate-secret"] {
            assert_eq!(
                installation.json(&["client", command, name]).await["client_id"],
                id,
                "{name}"
            );
        }
        let events = installation.json(&["audit", "list", "--client", name]).await;
        assert_eq!(events.as_array().unwrap().last().unwrap()["client_id"], id);
        assert_eq!(installation.run(&["cert", "list", "--client", name]).await.code, 0);
    }
    for name in ["alice", "ALICE", user["id"].as_str().unwrap()] {
        let events = installation.json(&["audit", "list", "--user", name]).await;
        assert_eq!(events[0]["user_id"], user["id"], "{name}");
    }

    for unknown in [
        &["audit", "list", "--user", "nosuch"][..],
        &["audit", "list", "--client", "nosuch"],
        &["cert", "list", "--client", "nosuch"],
        &["client", "show", "nosuch"],
        &["client", "disable", "nosuch"],
        &["client", "delete", "nosuch"],
        &["ca", "enrol", "--client", "nosuch"],
    ] {
        let output = installation.run(unknown).await;
        assert_eq!(output.code, Exit::Absent as i32, "{unknown:?} {output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    let twins = installation.run(&["client", "show", "Twin"]).await;
    assert_eq!(twins.code, Exit::Refused as i32);
    assert!(twins.stderr.contains("several clients"), "{twins:?}");

    installation.json(&["client", "delete", "Photos"]).await;
    let events = installation.json(&["audit", "list", "--client", id]).await;
    assert_eq!(events[0]["kind"], "client.deleted", "a deleted client is found by its identifier");
    let deleted = installation.run(&["audit", "list", "--client", "Photos"]).await;
    assert_eq!(deleted.code, Exit::Absent as i32);
}

/// THREATS PW-07: invisible characters that a user would not type are not part of a password.
#[tokio::test]
async fn a_password_excludes_the_byte_order_mark_and_nul() {
    let installation = Installation::migrated().await;
    let create = ["user", "create", "--username", "alice", "--password-stdin"];
    let short = format!("{BYTE_ORDER_MARK}fourteen chars\n");
    let set = ["user", "set-password", "alice", "--password-stdin"];

    // With the mark it would have fifteen characters.
    assert_eq!(installation.run_with(&create, &short).await.code, Exit::Refused as i32);
    installation.json_with(&create, &format!("{BYTE_ORDER_MARK}{PASSWORD}")).await;

    let nul = installation.run_with(&set, "correct horse\0battery staple\n").await;
    assert_eq!(nul.code, Exit::Refused as i32);
    assert!(nul.stderr.contains("NUL"), "{nul:?}");
}
