//! `gatewright ca` and `gatewright cert issue`, as administrators and their scripts use them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use gatewright::cli::Exit;

use crate::installation::Installation;

fn openssl(installation: &Installation, arguments: &str) -> String {
    let mut command = Command::new("openssl");
    let output =
        command.args(arguments.split(' ')).current_dir(&installation.directory).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "openssl {arguments}: {text}");
    text
}

async fn create_client(installation: &Installation) -> String {
    let create = ["client", "create", "--grant-type", "client_credentials"];
    installation.json(&create).await["client_id"].as_str().unwrap().to_owned()
}

/// The steps of the documentation, from the first command to a certificate that `openssl` verifies.
#[tokio::test]
async fn the_built_in_ca_is_initialized_and_issues() {
    let installation = Installation::migrated().await;
    let none = installation.run(&["ca", "list"]).await;
    assert!(none.stdout.contains("ca init"), "{none:?}");
    installation.run(&["ca", "show"]).await.assert_failed(Exit::Absent, "ca init");

    let created = installation.json(&["ca", "init"]).await;
    assert_eq!(created.as_array().unwrap().len(), 2);
    installation.run(&["ca", "init"]).await.assert_failed(Exit::Refused, "already");

    let client = create_client(&installation).await;
    openssl(
        &installation,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -subj / -out client.csr",
    );
    let issue = ["cert", "issue", "--client", &client, "--csr", "client.csr"];
    let printed = installation.run(&issue).await;
    assert_eq!(printed.code, 0, "{printed:?}");
    installation.write("client.pem", &printed.stdout);
    let details = installation.run(&["ca", "show"]).await.stdout;
    installation.write("ca.pem", &details);
    openssl(&installation, "verify -purpose sslclient -CAfile ca.pem client.pem");
    let text = openssl(&installation, "x509 -in client.pem -noout -subject -ext subjectAltName");
    assert!(text.contains(&format!("URI:urn:gatewright:client:{client}")), "{text}");
    openssl(&installation, "req -in client.csr -outform DER -out client.der");
    let issue = ["cert", "issue", "--client", &client, "--csr", "client.der"];
    let issued = installation.json(&issue).await;
    assert_eq!(issued["client_id"], client.as_str());

    let issue = ["cert", "issue", "--client", "nobody", "--csr", "client.csr"];
    installation.run(&issue).await.assert_failed(Exit::Absent, "no client");
    let issue = ["cert", "issue", "--client", &client, "--csr", "client.key"];
    installation.run(&issue).await.assert_failed(Exit::Refused, "CERTIFICATE REQUEST");
    let issue = ["cert", "issue", "--client", &client, "--csr", "nowhere.csr"];
    installation.run(&issue).await.assert_failed(Exit::Absent, "nowhere.csr");
}

/// The root key is exported to a file that only its owner can read, and removed from the database.
#[tokio::test]
async fn the_root_key_is_exported_to_a_private_file() {
    let installation = Installation::migrated().await;
    installation.json(&["ca", "init"]).await;
    installation.write("there.key", "something");

    let export = ["ca", "export-root-key", "--out", "there.key", "--remove"];
    installation.run(&export).await.assert_failed(Exit::Refused, "there.key");
    let export = ["ca", "export-root-key", "--out", "root.key", "--remove"];
    let done = installation.json(&export).await;

    assert_eq!(done["removed"], true);
    let file = installation.directory.join("root.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    openssl(&installation, "pkey -in root.key -noout -check");
    let export = ["ca", "export-root-key", "--out", "again.key"];
    installation.run(&export).await.assert_failed(Exit::Absent, "its key was removed");
    assert!(!installation.directory.join("again.key").exists(), "no partial file is left");
    installation.run(&["ca", "renew"]).await.assert_failed(Exit::Refused, "--root-key");
    let renewed = installation.json(&["ca", "renew", "--root-key", "root.key"]).await;
    assert_eq!(renewed.as_array().unwrap().len(), 3);
}

/// An enrolment token is printed once, for an existing client.
#[tokio::test]
async fn ca_enrol_prints_an_enrolment_token() {
    let installation = Installation::migrated().await;
    let client = create_client(&installation).await;

    let enrol = ["ca", "enrol", "--client", &client, "--valid", "15m"];
    let issued = installation.json(&enrol).await;

    assert!(issued["token"].as_str().unwrap().starts_with("gw_en_"));
    installation
        .run(&["ca", "enrol", "--client", "nobody"])
        .await
        .assert_failed(Exit::Absent, "no client");
    let long = ["ca", "enrol", "--client", &client, "--valid", "31d"];
    installation.run(&long).await.assert_failed(Exit::Refused, "30 days");
}

/// The runbook of docs/certificates.md for a leaked issuing key, step by step.
#[tokio::test]
async fn the_runbook_for_a_leaked_issuing_key_works() {
    let installation = Installation::migrated().await;
    installation.json(&["ca", "init"]).await;
    let client = create_client(&installation).await;
    openssl(
        &installation,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -subj / -out client.csr",
    );
    let issue = ["cert", "issue", "--client", &client, "--csr", "client.csr"];
    installation.json(&issue).await;

    let leaked = installation.run(&["ca", "show"]).await.stdout;
    installation.write("leaked.pem", &leaked);
    let revoke = ["cert", "revoke", "--file", "leaked.pem", "--reason", "keyCompromise"];
    let done = installation.json(&revoke).await;

    assert_eq!(done["revoked_with_it"], 1);
    let late = installation.run(&issue).await;
    assert!(late.code != 0 && late.stderr.contains("ca renew"), "{late:?}");
    installation.json(&["ca", "renew"]).await;
    let states: Vec<_> = installation.json(&["ca", "list"]).await.as_array().unwrap().clone();
    let states: Vec<_> = states.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["present", "revoked", "present"], "the root stays");
    let ended = installation.json(&["cert", "list", "--state", "revoked"]).await;
    let of_client = |one: &&serde_json::Value| one["reason"] == "cACompromise";
    let ended: Vec<_> = ended.as_array().unwrap().iter().filter(of_client).collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["issued_to"], client.as_str());
    installation.json(&issue).await;
}
