//! `gatewright ca` and `gatewright cert issue`, as administrators and their scripts use them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use gatewright::cli::Exit;

use crate::place::Place;

fn openssl(place: &Place, arguments: &str) -> String {
    let mut command = Command::new("openssl");
    let output = command.args(arguments.split(' ')).current_dir(&place.directory).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "openssl {arguments}: {said}");
    said
}

async fn client(place: &Place) -> String {
    let create = ["client", "create", "--grant-type", "client_credentials"];
    place.json(&create).await["client_id"].as_str().unwrap().to_owned()
}

/// The steps of the documentation, from the first command to a certificate that `openssl` verifies.
#[tokio::test]
async fn the_built_in_ca_is_initialized_and_issues() {
    let place = Place::migrated().await;
    let none = place.run(&["ca", "list"]).await;
    assert!(none.out.contains("ca init"), "{none:?}");
    place.run(&["ca", "show"]).await.refused(Exit::Absent, "ca init");

    let made = place.json(&["ca", "init"]).await;
    assert_eq!(made.as_array().unwrap().len(), 2);
    place.run(&["ca", "init"]).await.refused(Exit::Refused, "already");

    let client = client(&place).await;
    openssl(
        &place,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -subj / -out client.csr",
    );
    let issue = ["cert", "issue", "--client", &client, "--csr", "client.csr"];
    let printed = place.run(&issue).await;
    assert_eq!(printed.code, 0, "{printed:?}");
    place.write("client.pem", &printed.out);
    let shown = place.run(&["ca", "show"]).await.out;
    place.write("ca.pem", &shown);
    openssl(&place, "verify -purpose sslclient -CAfile ca.pem client.pem");
    let about = openssl(&place, "x509 -in client.pem -noout -subject -ext subjectAltName");
    assert!(about.contains(&format!("URI:urn:gatewright:client:{client}")), "{about}");
    openssl(&place, "req -in client.csr -outform DER -out client.der");
    let issue = ["cert", "issue", "--client", &client, "--csr", "client.der"];
    let told = place.json(&issue).await;
    assert_eq!(told["client_id"], client.as_str());

    let issue = ["cert", "issue", "--client", "nobody", "--csr", "client.csr"];
    place.run(&issue).await.refused(Exit::Absent, "no client");
    let issue = ["cert", "issue", "--client", &client, "--csr", "client.key"];
    place.run(&issue).await.refused(Exit::Refused, "CERTIFICATE REQUEST");
    let issue = ["cert", "issue", "--client", &client, "--csr", "nowhere.csr"];
    place.run(&issue).await.refused(Exit::Absent, "nowhere.csr");
}

/// The root key is exported to a file that only its owner can read, and removed from the database.
#[tokio::test]
async fn the_root_key_is_exported_to_a_private_file() {
    let place = Place::migrated().await;
    place.json(&["ca", "init"]).await;
    place.write("there.key", "something");

    let export = ["ca", "export-root-key", "--out", "there.key", "--remove"];
    place.run(&export).await.refused(Exit::Refused, "there.key");
    let export = ["ca", "export-root-key", "--out", "root.key", "--remove"];
    let done = place.json(&export).await;

    assert_eq!(done["removed"], true);
    let file = place.directory.join("root.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    openssl(&place, "pkey -in root.key -noout -check");
    let export = ["ca", "export-root-key", "--out", "again.key"];
    place.run(&export).await.refused(Exit::Absent, "its key was removed");
    assert!(!place.directory.join("again.key").exists(), "no partial file is left");
    place.run(&["ca", "renew"]).await.refused(Exit::Refused, "--root-key");
    let renewed = place.json(&["ca", "renew", "--root-key", "root.key"]).await;
    assert_eq!(renewed.as_array().unwrap().len(), 3);
}

/// An enrolment token is printed once, for an existing client.
#[tokio::test]
async fn ca_enrol_prints_an_enrolment_token() {
    let place = Place::migrated().await;
    let client = client(&place).await;

    let enrol = ["ca", "enrol", "--client", &client, "--valid", "15m"];
    let told = place.json(&enrol).await;

    assert!(told["token"].as_str().unwrap().starts_with("gw_en_"));
    place.run(&["ca", "enrol", "--client", "nobody"]).await.refused(Exit::Absent, "no client");
    let long = ["ca", "enrol", "--client", &client, "--valid", "31d"];
    place.run(&long).await.refused(Exit::Refused, "30 days");
}

/// The runbook of docs/certificates.md for a leaked issuing key, step by step.
#[tokio::test]
async fn the_runbook_for_a_leaked_issuing_key_works() {
    let place = Place::migrated().await;
    place.json(&["ca", "init"]).await;
    let client = client(&place).await;
    openssl(
        &place,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -subj / -out client.csr",
    );
    let issue = ["cert", "issue", "--client", &client, "--csr", "client.csr"];
    place.json(&issue).await;

    let leaked = place.run(&["ca", "show"]).await.out;
    place.write("leaked.pem", &leaked);
    let revoke = ["cert", "revoke", "--file", "leaked.pem", "--reason", "keyCompromise"];
    let done = place.json(&revoke).await;

    assert_eq!(done["revoked_with_it"], 1);
    let late = place.run(&issue).await;
    assert!(late.code != 0 && late.err.contains("ca renew"), "{late:?}");
    place.json(&["ca", "renew"]).await;
    let states: Vec<_> = place.json(&["ca", "list"]).await.as_array().unwrap().clone();
    let states: Vec<_> = states.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["present", "revoked", "present"], "the root stays");
    let ended = place.json(&["cert", "list", "--state", "revoked"]).await;
    let of_client = |one: &&serde_json::Value| one["reason"] == "cACompromise";
    let ended: Vec<_> = ended.as_array().unwrap().iter().filter(of_client).collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["issued_to"], client.as_str());
    place.json(&issue).await;
}
