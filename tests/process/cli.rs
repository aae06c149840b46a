//! The command line, as administrators and their scripts use it.

use std::process::Stdio;

use gatewright::cli::Exit;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::place::{Place, is_postgres};

const PASSWORD: &str = "correct horse battery staple\n";
const WEB: [&str; 4] = ["client", "create", "--redirect-uri", "https://rp.example/cb"];

#[tokio::test]
async fn an_account_is_created_listed_disabled_and_enabled() {
    let place = Place::migrated().await;

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
    let made = place.json_with(&create, PASSWORD).await;
    assert_eq!(made["username"], "Alice");
    assert_eq!(made["claims"]["address"]["locality"], "Paris");
    for name in ["Alice", "alice", "ALICE@example.org", made["id"].as_str().unwrap()] {
        assert_eq!(place.json(&["user", "show", name]).await["id"], made["id"], "{name}");
    }
    place.json(&["user", "create", "--username", "bob"]).await;
    assert_eq!(place.json(&["user", "list"]).await.as_array().unwrap().len(), 2);

    let closed = place.json(&["user", "disable", "alice"]).await;
    assert!(closed["disabled_at"].is_i64());
    let open = place.json(&["user", "enable", "alice"]).await;
    assert!(open["disabled_at"].is_null());
    place.json_with(&["user", "set-password", "bob", "--password-stdin"], PASSWORD).await;

    let table = place.run(&["user", "list"]).await.out;
    assert!(table.starts_with("ID") && table.contains("alice@example.org"), "{table}");
    let events = place.json(&["audit", "list"]).await;
    let kinds: Vec<_> =
        events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    let expected =
        ["password.changed", "user.enabled", "user.disabled", "user.created", "user.created"];
    assert_eq!(kinds, expected);
}

/// RFC 7591 §3.2.1. THREATS DC-10, AD-06: a secret is seen once and never again.
#[tokio::test]
async fn a_client_is_registered_and_its_secret_is_printed_once() {
    let place = Place::migrated().await;

    let made = place.run(&[&WEB[..], &["--name", "Photos"]].concat()).await;
    let made: Value = serde_json::from_str(&made.out).unwrap();
    let (id, secret) =
        (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    assert!(secret.starts_with("gw_cs_"));
    assert!(made["client_id_issued_at"].is_i64());
    assert_eq!(made["client_secret_expires_at"], 0);
    assert_eq!(made["client_name"], "Photos");

    let rotated = place.json(&["client", "rotate-secret", id, "--overlap", "60"]).await;
    let second = rotated["client_secret"].as_str().unwrap();
    assert_ne!(secret, second);
    assert_eq!(rotated["gw_secrets"].as_array().unwrap().len(), 2);

    for command in [&["client", "show", id][..], &["client", "list"], &["audit", "list"]] {
        for json in [&["--json"][..], &[]] {
            let said = place.run(&[json, command].concat()).await;
            assert_eq!(said.code, 0, "{said:?}");
            assert!(said.out.contains(id), "{said:?}");
            let all = said.out + said.err.as_str();
            assert!(!all.contains(secret) && !all.contains(second), "{command:?}");
        }
    }
}

/// A registration with weaker settings than the defaults succeeds with a warning on standard error; any
/// other one has no warning.
#[tokio::test]
async fn a_client_with_neither_pkce_nor_a_nonce_causes_a_warning() {
    let place = Place::migrated().await;
    let careless = [&WEB[..], &["--require-pkce=false", "--require-nonce", "false"]].concat();

    let said = place.run(&careless).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.starts_with("warning: gw_require_nonce is false"), "{said:?}");
    let made: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(made["gw_require_nonce"], false);
    let said = place.run(&[&["--json"], &careless[..]].concat()).await;
    let warning: Value = serde_json::from_str(&said.err).unwrap();
    assert!(warning["warning"].as_str().unwrap().contains("gw_require_nonce"), "{said:?}");

    let claims = ["--id-token-claims", "email", "--id-token-claims", "name"];
    let audience =
        ["--default-audience", "https://api.example", "--default-audience", "https://b.example"];
    let said = place.run(&[&WEB[..], &claims, &audience].concat()).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let made: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(made["gw_id_token_claims"], json!(["email", "name"]));
    assert_eq!(made["gw_default_audience"], json!(["https://api.example", "https://b.example"]));
    let id = made["client_id"].as_str().unwrap();
    let scopes = place.json(&["client", "update", id, "--id-token-claims", "scopes"]).await;
    assert_eq!(scopes["gw_id_token_claims"], "scopes");
}

#[tokio::test]
async fn the_printed_metadata_of_a_client_can_be_edited_and_read_again() {
    let place = Place::migrated().await;
    let made = place.json(&[&WEB[..], &["--name", "Photos"]].concat()).await;
    let id = made["client_id"].as_str().unwrap();

    let mut document = place.json(&["client", "show", id]).await;
    document["gw_skip_consent"] = true.into();
    let update = ["client", "update", id, "--metadata", "-"];
    let updated = place.json_with(&update, &document.to_string()).await;
    assert_eq!(updated["gw_skip_consent"], true);
    assert!(updated.get("client_secret").is_none(), "the client keeps its secret");

    let renamed = place.json(&["client", "update", id, "--name", "Pictures"]).await;
    assert_eq!(renamed["client_name"], "Pictures");
    assert_eq!(renamed["gw_skip_consent"], true, "other members stay unchanged");
    let rename = |name: &'static str| ["client", "update", id, "--name-in", name];
    let translated = place.json(&rename("DE=Bilder")).await;
    assert_eq!(
        (&translated["client_name"], &translated["client_name#de"]),
        (&"Pictures".into(), &"Bilder".into())
    );
    assert_eq!(place.json(&["client", "show", id]).await["client_name#de"], "Bilder");
    assert_eq!(place.json(&rename("de=")).await.get("client_name#de"), None);
    place.run(&rename("d=Bilder")).await.refused(Exit::Refused, "not a language tag");
    let asked = ["client", "update", id, "--skip-consent=false", "--dpop-bound-access-tokens"];
    let asked = place.json(&asked).await;
    assert_eq!(
        (&asked["gw_skip_consent"], &asked["dpop_bound_access_tokens"]),
        (&false.into(), &true.into())
    );

    document["client_id"] = "another".into();
    let of_another = place.run_with(&update, &document.to_string()).await;
    of_another.refused(Exit::Refused, "another client");
    let brought = json!({ "client_secret": "hunter2", "redirect_uris": ["https://rp.example/cb"] });
    let create = ["client", "create", "--metadata", "-"];
    let own_secret = place.run_with(&create, &brought.to_string()).await;
    own_secret.refused(Exit::Refused, "client_secret");
    assert!(!own_secret.err.contains("hunter2"));

    place.json(&["client", "disable", id]).await;
    assert!(place.json(&["client", "show", id]).await["gw_disabled_at"].is_i64());
    place.json(&["client", "enable", id]).await;
    place.json(&["client", "delete", id]).await;
    place.run(&["client", "show", id]).await.refused(Exit::Absent, "there is no client");
}

#[tokio::test]
async fn a_metadata_file_is_read_and_flags_override_it() {
    let place = Place::migrated().await;
    place.write(
        "photos.json",
        r#"{"client_name":"File","redirect_uris":["https://rp.example/cb"]}"#,
    );

    let create = ["client", "create", "--metadata", "photos.json", "--name", "Flag", "--public"];
    let made = place.json(&create).await;

    assert_eq!(made["client_name"], "Flag");
    assert_eq!(made["redirect_uris"], json!(["https://rp.example/cb"]));
    assert_eq!(made["token_endpoint_auth_method"], "none");
    assert!(made.get("client_secret").is_none());
}

#[tokio::test]
async fn an_api_is_registered_changed_and_deleted() {
    let place = Place::migrated().await;
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
    assert_eq!(place.json(&create).await["scopes"][0]["text"], "Read your invoices");
    place.run(&create).await.refused(Exit::Refused, "already");
    let update = ["resource", "update", api, "--token-format", "opaque", "--token-lifetime", "60"];
    let updated = place.json(&update).await;
    assert_eq!(updated["access_token_format"], "opaque");
    assert_eq!(updated["name"], "Invoices");
    let texts =
        ["resource", "update", api, "--name-in", "DE=Rechnungen", "--sensitive", "invoices.read"];
    let german = ["--scope-in", "invoices.read#de=Ihre Rechnungen lesen"];
    let updated = place.json(&[&texts[..], &german].concat()).await;
    assert_eq!(updated["name#de"], "Rechnungen");
    assert_eq!(updated["scopes"][0]["text#de"], "Ihre Rechnungen lesen");
    assert_eq!(updated["scopes"][0]["sensitive"], true);
    assert_eq!(place.json(&["resource", "list"]).await, json!([updated]), "the change is stored");
    let other =
        ["resource", "update", api, "--scope", "invoices.read=See them", "--name-in", "de="];
    let scope = json!([{ "name": "invoices.read", "text": "See them", "sensitive": true }]);
    let updated = place.json(&other).await;
    assert_eq!((&updated["scopes"], updated.get("name#de")), (&scope, None));
    let not = ["resource", "update", api, "--sensitive", "invoices.read=false"];
    assert_eq!(place.json(&not).await["scopes"][0].get("sensitive"), None);
    for (wrong, told) in [
        (["--scope-in", "invoices.read#deutsch-=Lesen"], "not a language tag"),
        (["--scope-in", "invoices.read=Lesen"], "--scope-in"),
        (["--scope-in", "invoices.pay#de=Bezahlen"], "no scope invoices.pay"),
        (["--sensitive", "invoices.pay"], "no scope invoices.pay"),
        (["--sensitive", "invoices.read=yes"], "true or false"),
        (["--name-in", "Rechnungen"], "--name-in"),
    ] {
        let update = [&["resource", "update", api][..], &wrong].concat();
        place.run(&update).await.refused(Exit::Refused, told);
    }
    place.json(&["resource", "delete", api]).await;

    assert_eq!(place.json(&["resource", "list"]).await, json!([]));
    place.run(&["resource", "delete", api]).await.refused(Exit::Absent, "no resource");
}

#[tokio::test]
async fn signing_keys_rotate_and_retire() {
    let place = Place::migrated().await;
    let state = |keys: &Value, kid: &Value| {
        let found = keys.as_array().unwrap().iter().find(|key| key["kid"] == *kid).unwrap();
        found["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(place.json(&["key", "list"]).await, json!([]));

    place.run(&["key", "rotate", "ES256"]).await.refused(Exit::Refused, "published so lately");
    let keys = place.json(&["key", "list"]).await;
    let of = |wanted: &str| {
        let mut all = keys.as_array().unwrap().iter();
        all.find(|key| key["alg"] == "ES256" && key["state"] == wanted).unwrap()["kid"].clone()
    };
    let (active, pending) = (of("active"), of("pending"));
    let rotated = place.json(&["key", "rotate", "ES256", "--force"]).await;
    assert_eq!(state(&rotated, &active), "retiring");
    assert_eq!(state(&rotated, &pending), "active");
    let retire = ["key", "retire", pending.as_str().unwrap(), "--compromised"];
    assert_eq!(state(&place.json(&retire).await, &pending), "compromised");

    place.run(&["key", "retire", "nobody"]).await.refused(Exit::Absent, "no key");
    std::fs::remove_dir_all(place.directory.join("keys")).unwrap();
    let lost = place.run(&["key", "rotate"]).await;
    lost.refused(Exit::Absent, "bring it back");
    assert!(!place.directory.join("keys").exists(), "a new key would hide the loss");
}

#[tokio::test]
async fn the_exit_code_identifies_the_kind_of_error() {
    let place = Place::migrated().await;
    place.write("typo.json", r#"{"redirect_uri":["https://rp.example/cb"]}"#);
    place.write("twice.json", r#"{"client_name":"a","client_name":"b"}"#);
    for (arguments, exit, told) in [
        (&["bogus"][..], Exit::Usage, "unrecognized subcommand"),
        (&["client", "create", "--grant-type", "password"], Exit::Usage, "possible values"),
        (&["user", "set-password", "alice"], Exit::Usage, "--password-stdin"),
        (&["user", "show", "nobody"], Exit::Absent, "gatewright user list"),
        (&["client", "create", "--metadata", "nothing.json"], Exit::Absent, "nothing.json"),
        (&["client", "create", "--metadata", "typo.json"], Exit::Refused, "redirect_uri"),
        (&["client", "create", "--metadata", "twice.json"], Exit::Refused, "stands twice"),
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
        place.run(arguments).await.refused(exit, told);
    }
    let short =
        place.run_with(&["user", "create", "--username", "al", "--password-stdin"], "short\n");
    short.await.refused(Exit::Refused, "too short");
    let empty = place.run_with(&["user", "create", "--username", "al", "--password-stdin"], "\n");
    empty.await.refused(Exit::Refused, "empty");
    assert_eq!(place.json(&["user", "list"]).await, json!([]), "nothing was changed");
}

#[tokio::test]
async fn with_json_output_errors_are_json_too() {
    let place = Place::migrated().await;

    let said = place.run(&["--json", "client", "create", "--redirect-uri", "http://rp.example/cb"]);
    let said = said.await;

    said.refused(Exit::Refused, "");
    let error: Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(error["error"], "invalid_redirect_uri");
    assert_eq!(error["facts"]["redirect_uri"], "http://rp.example/cb");
    assert_eq!(error["exit_code"], 65);

    let said = place.run(&["--json", "user", "lsit"]).await;

    said.refused(Exit::Usage, "");
    let error: Value = serde_json::from_str(&said.err).unwrap();
    assert!(error["message"].as_str().unwrap().starts_with("unrecognized subcommand 'lsit'"));
    assert_eq!(error["exit_code"], 2);
}

/// THREATS SU-06: errors have the line, the key, the reason and the remedy, and never contain a secret.
#[tokio::test]
async fn all_configuration_errors_are_reported_and_insecure_ones_prevent_serving() {
    let place = Place::migrated().await;
    place.write(
        "bad.toml",
        "issuer = \"http://id.example.org\"\n[database]\nurl = \"mysql://gw:hunter2@db/gw\"\nulr = 1\n",
    );
    let said = place.run(&["--config", "bad.toml", "user", "list"]).await;
    said.refused(Exit::Misconfigured, "3 problems");
    for told in ["bad.toml:1", "bad.toml:3", "bad.toml:4", "use https", "url"] {
        assert!(said.err.contains(told), "{told}: {}", said.err);
    }
    assert!(!said.err.contains("hunter2"));

    let exposed = ["--config", "exposed.toml"];
    place.write(
        "exposed.toml",
        "issuer = \"https://id.example.org\"\n[database]\nurl = \"sqlite:x.db\"\n[http]\nlisten = \"0.0.0.0:28080\"\n",
    );
    let check = place.run(&[&exposed[..], &["config", "check"]].concat()).await;
    assert_eq!(check.code, Exit::Misconfigured as i32);
    assert!(check.out.contains("http.listen"));
    let serve = place.run(&[&exposed[..], &["serve"]].concat()).await;
    serve.refused(Exit::Misconfigured, "http.listen");
}

#[tokio::test]
async fn an_unreachable_database_is_reported_without_its_password() {
    let place = Place::migrated().await;

    let mut command = place.command(&["user", "list"]);
    // Nothing listens on port 1.
    command.env("GATEWRIGHT_DATABASE__URL", "postgres://gw:hunter2@127.0.0.1:1/gw");
    let output = command.output().await.unwrap();

    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(Exit::Unavailable as i32), "{err}");
    assert!(err.contains("database.url") && !err.contains("hunter2"), "{err}");
}

#[tokio::test]
async fn many_commands_at_once_all_succeed() {
    let place = std::sync::Arc::new(Place::migrated().await);
    place.json(&["migrate"]).await;

    let mut running = tokio::task::JoinSet::new();
    for number in 0..16 {
        let place = place.clone();
        running.spawn(async move {
            place.json(&["user", "create", "--username", &format!("user{number}")]).await
        });
    }
    running.join_all().await;

    assert_eq!(place.json(&["user", "list"]).await.as_array().unwrap().len(), 16);
}

#[tokio::test]
async fn help_and_version_succeed() {
    let place = Place::migrated().await;
    for arguments in
        [&["--help"][..], &["client", "create", "--help"], &["help", "user"], &["--version"]]
    {
        let said = place.run(arguments).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{arguments:?}");
    }
    assert_eq!(place.json(&["version"]).await["name"], "gatewright");
}

/// A server on a port that the system chooses.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    async fn start(place: &Place) -> Self {
        let mut command = place.command(&["serve"]);
        command
            .env("GATEWRIGHT_ISSUER", "http://127.0.0.1:8080")
            .env("GATEWRIGHT_HTTP__LISTEN", "127.0.0.1:0")
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = String::new();
        let address = loop {
            let Some(line) = log.next_line().await.unwrap() else { panic!("{told}") };
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                break event["address"].as_str().unwrap().to_owned();
            }
            told.push_str(&line);
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
    let place = Place::migrated().await;
    let mut server = Server::start(&place).await;

    let create = ["client", "create", "--name", "Nightly", "--grant-type", "client_credentials"];
    let client = place.json(&create).await;
    assert_eq!(server.token(&client).await, 200, "the new client works at once");
    place.json(&["client", "disable", client["client_id"].as_str().unwrap()]).await;
    while server.token(&client).await == 200 {}
    let again = Server::start(&place);
    if is_postgres() {
        assert_eq!(again.await.token(&client).await, 401, "another replica");
    } else {
        let mut second = place.command(&["serve"]);
        second.env("GATEWRIGHT_ISSUER", "http://localhost:9");
        let second = second.env("GATEWRIGHT_HTTP__LISTEN", "127.0.0.1:0").output().await.unwrap();
        let told = String::from_utf8(second.stderr).unwrap();
        assert_eq!(second.status.code(), Some(Exit::Unavailable as i32), "{told}");
        assert!(told.contains("another server is running"), "{told}");
    }

    let id = server.child.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").arg(&id).status().await.unwrap().success());
    assert!(server.child.wait().await.unwrap().success());
}

/// The byte order mark that PowerShell and some editors write.
const MARK: char = '\u{feff}';

#[tokio::test]
async fn an_account_is_updated_and_deleted() {
    let place = Place::migrated().await;
    let create = ["user", "create", "--username", "alice", "--email", "alice@example.org"];
    let create = [&create[..], &["--email-verified", "--claim", "locale=en"]].concat();
    let made = place.json(&create).await;
    place.json(&["user", "create", "--username", "bob"]).await;
    let id = made["id"].as_str().unwrap();

    let change = ["user", "update", "Alice@Example.org", "--username", "liddell"];
    let changed = [&change[..], &["--claim", "name=Alice Liddell", "--remove-claim", "locale"]];
    let changed = place.json(&changed.concat()).await;
    assert_eq!(changed["id"], made["id"]);
    assert_eq!(changed["claims"], json!({ "name": "Alice Liddell" }));
    assert_eq!(changed["email_verified"], true, "the address has not changed");
    let moved = ["user", "update", "liddell", "--email", "alice@example.com"];
    assert_eq!(place.json(&moved).await["email_verified"], false, "a new address is not verified");
    let verified = place.json(&["user", "update", id, "--email-verified"]).await;
    assert_eq!(verified["email_verified"], true);
    let doubted = place.json(&["user", "update", id, "--email-verified=false"]).await;
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
        let said = place.run(refused).await;
        assert_eq!(said.code, code as i32, "{refused:?} {said:?}");
    }
    let removed = place.json(&["user", "update", "liddell", "--remove-email"]).await;
    assert!(removed["email"].is_null());

    assert_eq!(place.json(&["user", "delete", "liddell"]).await["id"], made["id"]);
    assert_eq!(place.run(&["user", "show", id]).await.code, Exit::Absent as i32);
    let events = place.json(&["audit", "list", "--user", id]).await;
    assert_eq!(events[0]["kind"], "user.deleted");
    assert!(
        !events.to_string().contains("liddell"),
        "the audit trail contains identifiers only: {events}"
    );
    let again = place.json(&create).await;
    assert_ne!(again["id"], made["id"]);
}

/// THREATS EX-24: names are resolved, and an unknown name is an error, not an empty list.
#[tokio::test]
async fn a_name_is_accepted_wherever_an_identifier_is() {
    let place = Place::migrated().await;
    let user = place.json(&["user", "create", "--username", "alice"]).await;
    let photos = place.json(&[&WEB[..], &["--name", "Photos"]].concat()).await;
    for _ in 0..2 {
        place.json(&[&WEB[..], &["--name", "Twin"]].concat()).await;
    }
    let id = photos["client_id"].as_str().unwrap();

    for name in ["Photos", "photos", id] {
        for command in ["show", "disable", "enable", "rotate-secret"] {
            assert_eq!(place.json(&["client", command, name]).await["client_id"], id, "{name}");
        }
        let events = place.json(&["audit", "list", "--client", name]).await;
        assert_eq!(events.as_array().unwrap().last().unwrap()["client_id"], id);
        assert_eq!(place.run(&["cert", "list", "--client", name]).await.code, 0);
    }
    for name in ["alice", "ALICE", user["id"].as_str().unwrap()] {
        let events = place.json(&["audit", "list", "--user", name]).await;
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
        let said = place.run(unknown).await;
        assert_eq!(said.code, Exit::Absent as i32, "{unknown:?} {said:?}");
        assert!(said.out.is_empty(), "{said:?}");
    }
    let twins = place.run(&["client", "show", "Twin"]).await;
    assert_eq!(twins.code, Exit::Refused as i32);
    assert!(twins.err.contains("several clients"), "{twins:?}");

    place.json(&["client", "delete", "Photos"]).await;
    let events = place.json(&["audit", "list", "--client", id]).await;
    assert_eq!(events[0]["kind"], "client.deleted", "a deleted client is found by its identifier");
    let deleted = place.run(&["audit", "list", "--client", "Photos"]).await;
    assert_eq!(deleted.code, Exit::Absent as i32);
}

/// THREATS PW-07: invisible characters that a user would not type are not part of a password.
#[tokio::test]
async fn a_password_excludes_the_byte_order_mark_and_nul() {
    let place = Place::migrated().await;
    let create = ["user", "create", "--username", "alice", "--password-stdin"];
    let short = format!("{MARK}fourteen chars\n");
    let set = ["user", "set-password", "alice", "--password-stdin"];

    // With the mark it would have fifteen characters.
    assert_eq!(place.run_with(&create, &short).await.code, Exit::Refused as i32);
    place.json_with(&create, &format!("{MARK}{PASSWORD}")).await;

    let nul = place.run_with(&set, "correct horse\0battery staple\n").await;
    assert_eq!(nul.code, Exit::Refused as i32);
    assert!(nul.err.contains("NUL"), "{nul:?}");
}
