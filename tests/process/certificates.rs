//! `gatewright cert`, as operators use it, compared with `openssl` for the same certificates.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gatewright::cli::Exit;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};

use crate::installation::Installation;

/// A self-signed certificate as PEM, and the JWK that a client registers it with.
fn certificate(name: &str, days: i64) -> (String, Value) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![format!("{name}.example")]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Müller, \"Söhne\" + Co; <#1>");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now().min(now() + time::Duration::days(days - 1));
    params.not_after = now() + time::Duration::days(days);
    let signed = params.self_signed(&key).unwrap();
    let point = key.public_key_raw();
    let jwk = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
        "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        "x5c": [STANDARD.encode(signed.der())],
    });
    (signed.pem(), jwk)
}

#[expect(clippy::disallowed_methods, reason = "commands use the real time")]
fn now() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc()
}

/// Registers a client that has these keys.
async fn register_with_keys(installation: &Installation, keys: &[&Value]) -> String {
    let metadata = json!({
        "client_name": "Billing",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": keys },
    });
    let create = ["client", "create", "--metadata", "-"];
    let created = installation.json_with(&create, &metadata.to_string()).await;
    created["client_id"].as_str().unwrap().to_owned()
}

/// The output of `openssl x509` for a certificate.
async fn openssl(installation: &Installation, file: &str, options: &[&str]) -> String {
    let mut command = tokio::process::Command::new("openssl");
    command
        .args(["x509", "-noout", "-in", file])
        .args(options)
        .current_dir(&installation.directory);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim_end().split_once('=').unwrap().1.to_owned()
}

/// Issue 3: `cert list --expiring 30d`, `cert show`, `--json`. A certificate is found by the names that
/// `openssl` prints, and displayed in the same notation.
#[tokio::test]
async fn certificates_are_listed_and_shown_in_the_notation_of_openssl() {
    let installation = Installation::migrated().await;
    let (soon, late) = (certificate("soon", 20), certificate("late", 300));
    installation.write("soon.pem", &soon.0);
    let id = register_with_keys(&installation, &[&soon.1, &late.1]).await;

    let all = installation.json(&["cert", "list", "--client", &id]).await;
    let expiring = installation.json(&["cert", "list", "--expiring", "30d", "--client", &id]).await;

    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(expiring.as_array().unwrap().len(), 1);
    assert_eq!(expiring[0]["thumbprint"], all[0]["thumbprint"], "sorted by expiry");
    assert_eq!(expiring[0]["clients"][0]["client_id"], id.as_str());
    assert_eq!(expiring[0]["tokens"], json!({ "jwt": 0, "opaque": 0, "grants": 0 }));
    let fingerprint = openssl(&installation, "soon.pem", &["-fingerprint", "-sha256"]).await;
    let serial = openssl(&installation, "soon.pem", &["-serial"]).await;
    let thumbprint = expiring[0]["thumbprint"].as_str().unwrap();
    for name in [&fingerprint, &serial, &serial.to_lowercase(), thumbprint] {
        let details = installation.json(&["cert", "show", name]).await;
        assert_eq!(details["thumbprint"], thumbprint, "{name}");
        assert_eq!(details["pem"], soon.0.replace("\r\n", "\n"));
    }
    // The RFC permits letters beyond ASCII to be escaped or not; an option prevents it.
    let words = ["-subject", "-nameopt", "RFC2253,-esc_msb,utf8"];
    let details = installation.run(&["cert", "show", &serial]).await.stdout;
    assert!(details.contains(&openssl(&installation, "soon.pem", &words).await), "{details}");
    let table = installation.run(&["cert", "list"]).await.stdout;
    assert!(table.starts_with("THUMBPRINT") && table.contains("late") && table.contains("valid"));
    installation
        .run(&["cert", "show", "00aa"])
        .await
        .assert_failed(Exit::Absent, "no certificate 00aa");
}

/// Issue 3: local revocation with immediate effect, of known and unknown certificates.
#[tokio::test]
async fn a_certificate_is_revoked_by_name_or_by_file() {
    let installation = Installation::migrated().await;
    let (known, unknown) = (certificate("known", 20), certificate("unknown", 20));
    installation.write("known.pem", &known.0);
    installation.write("unknown.pem", &unknown.0);
    register_with_keys(&installation, &[&known.1]).await;
    let fingerprint = openssl(&installation, "known.pem", &["-fingerprint", "-sha256"]).await;
    let revoke = ["cert", "revoke", &fingerprint, "--reason", "keyCompromise"];

    installation.json(&revoke).await;
    installation.json(&["cert", "revoke", "--file", "unknown.pem"]).await;

    installation.run(&revoke).await.assert_failed(Exit::Refused, "already revoked");
    let revoked = installation.json(&["cert", "list", "--state", "revoked"]).await;
    let reasons: Vec<_> = revoked.as_array().unwrap().iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons.contains(&&json!("keyCompromise")));
    let events = installation.json(&["audit", "list", "--kind", "certificate.revoked"]).await;
    assert_eq!(events.as_array().unwrap().len(), 2);
    installation.write("nothing.pem", "nothing");
    let nothing = installation.run(&["cert", "revoke", "--file", "nothing.pem"]).await;
    nothing.assert_failed(Exit::Refused, "holds no certificate");
}

/// Expired certificates are listed only on request, and so are expired revoked ones.
#[tokio::test]
async fn a_revoked_certificate_leaves_the_list_once_expired() {
    let installation = Installation::migrated().await;
    installation.write("over.pem", &certificate("over", -1).0);
    installation.write("lasting.pem", &certificate("lasting", 20).0);
    let expired = installation.json(&["cert", "revoke", "--file", "over.pem"]).await;
    let long_lived = installation.json(&["cert", "revoke", "--file", "lasting.pem"]).await;
    let listed = async |arguments: &[&str]| {
        let list = installation.json(&[&["cert", "list"], arguments].concat()).await;
        let list = list.as_array().unwrap().clone().into_iter();
        let certificates = list.filter(|one| one["kind"] == "certificate");
        certificates.map(|one| one["thumbprint"].clone()).collect::<Vec<_>>()
    };

    assert_eq!(listed(&[]).await, [long_lived["thumbprint"].clone()]);

    let all = [expired["thumbprint"].clone(), long_lived["thumbprint"].clone()];
    assert_eq!(listed(&["--state", "revoked"]).await, all);
    assert_eq!(listed(&["--state", "all"]).await, all);
    assert_eq!(listed(&["--state", "expired"]).await, [json!(null); 0]);
}

/// Every entry of the list can be shown, signing keys included.
#[tokio::test]
async fn a_signing_key_is_shown_by_its_kid() {
    let installation = Installation::migrated().await;
    installation.json(&["key", "rotate", "ES256", "--force"]).await;
    let list = installation.json(&["cert", "list"]).await;
    let key = list.as_array().unwrap().iter().find(|one| one["kind"] == "signing_key").unwrap();
    let kid = key["kid"].as_str().unwrap();

    assert_eq!(installation.json(&["cert", "show", kid]).await, *key);

    let words = installation.run(&["cert", "show", kid]).await.stdout;
    assert!(words.starts_with(&format!("kid         {kid}\n")), "{words}");
}

/// Issue 3: `cert forecast` lists which clients stop working on which day.
#[tokio::test]
async fn the_forecast_has_the_day_and_the_contacts() {
    let installation = Installation::migrated().await;
    let soon = certificate("soon", 20);
    let metadata = json!({
        "client_name": "Billing",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "tls_client_certificate_bound_access_tokens": true,
        "contacts": ["it@rp.example"],
        "jwks": { "keys": [soon.1] },
    });
    let create = ["client", "create", "--metadata", "-"];
    let created = installation.json_with(&create, &metadata.to_string()).await;

    let forecast = installation.json(&["cert", "forecast"]).await;

    let day = (now() + time::Duration::days(20)).date().to_string();
    assert_eq!(forecast[0]["day"], day.as_str());
    assert_eq!(forecast[0]["client_id"], created["client_id"]);
    assert_eq!(forecast[0]["contacts"], json!(["it@rp.example"]));
    assert_eq!(installation.json(&["cert", "forecast", "--days", "19"]).await, json!([]));
    let table = installation.run(&["cert", "forecast"]).await.stdout;
    assert!(table.contains(&day) && table.contains("Billing"), "{table}");
}
