//! The key-encryption key is replaced, on a real database.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::sealed::Column;
use super::*;
use crate::config::{Config, Issuer};
use crate::flow::clients::registration::Registrar;
use crate::jose::seal;
use crate::outbound::Outbound;
use crate::record::Context;
use crate::store::test_database::TestDatabase;
use crate::store::{clients, signing_keys};
use crate::types::{Algorithm, Seconds};

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

async fn open(store: &Store, keks: &[[u8; 32]]) -> Result<Keyring> {
    let schedule = Schedule {
        algorithms: vec![Algorithm::Es256],
        rotation: Seconds::days(30),
        max_age: Seconds::minutes(15),
        refresh_tokens: Seconds::days(90),
    };
    let trace = Trace::of_command(1_795_000_000_000);
    Keyring::open(store, Kek::of(keks).unwrap(), schedule, &trace).await
}

/// Registers a client whose secret is sealed.
async fn register(store: &Store, kek: &Kek) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = Config::with_defaults(Issuer::parse("https://id.example.org").unwrap());
    let trace = Trace::of_command(1_795_000_000_000);
    let registrar = Registrar {
        context: Context::new(store, &config, &trace),
        outbound: &Outbound::new(&config.outbound).unwrap(),
        kek: Some(kek),
    };
    let metadata = json!({
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_jwt",
    });
    registrar.create(serde_json::from_value(metadata).unwrap()).await.unwrap();
}

/// The value of every sealed column: THREATS KE-04.
async fn sealed(store: &Store) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for column in Column::ALL {
        let values = column.values(store).await.unwrap();
        all.extend(values.iter().map(|value| value.bytes().to_vec()));
    }
    all
}

/// The columns of type BYTEA that hold no sealed value: digests, certificates, what was fetched, and words.
const NOT_SEALED: [&str; 20] = [
    "authorities.certificate",
    "authorities.chain",
    "certificates.der",
    "client_logos.bytes",
    "client_secrets.digest",
    "codes.digest",
    "crls.der",
    "decisions.browser",
    "decisions.digest",
    "device_cookies.digest",
    "enrolments.digest",
    "links.digest",
    "opaque_tokens.digest",
    "replays.jti",
    "revocation_answers.body",
    "sessions.digest",
    "shown_chains.chain",
    "sign_in_tries.bucket",
    "sign_in_tries.subject",
    "user_words.word",
];

/// Every column of type BYTEA, as the migrations leave it.
fn binary_columns() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut columns = BTreeSet::new();
    let mut table = String::new();
    for line in files.iter().flat_map(|file| lines(file)) {
        let words: Vec<&str> =
            line.split([' ', ',', ';', '(']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["CREATE", "TABLE", name, ..] => table = (*name).to_owned(),
            ["DROP", "TABLE", name, ..] => {
                columns.retain(|column: &String| !column.starts_with(&format!("{name}.")));
            }
            ["ALTER", "TABLE", old, "RENAME", "TO", new, ..] => {
                let renamed =
                    columns.iter().map(|column| match column.strip_prefix(&format!("{old}.")) {
                        Some(column) => format!("{new}.{column}"),
                        None => column.clone(),
                    });
                columns = renamed.collect();
            }
            ["ALTER", "TABLE", name, "ADD", "COLUMN", column, "BYTEA", ..] => {
                columns.insert(format!("{name}.{column}"));
            }
            [column, "BYTEA", ..] => {
                columns.insert(format!("{table}.{column}"));
            }
            _ => {}
        }
    }
    columns
}

/// The statements of a migration, without its comments.
fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.starts_with("--")).map(str::to_owned).collect()
}

/// A column that this table forgets would stay sealed under the old key, and be lost with it.
#[test]
fn every_binary_column_of_the_migrations_is_known_as_sealed_or_not_sealed() {
    let known = Column::ALL.into_iter().map(Column::name).chain(NOT_SEALED);
    let known: BTreeSet<String> = known.map(str::to_owned).collect();

    assert_eq!(binary_columns(), known);
}

/// A value that was bound to its identifier alone is bound to its kind too at the next start, under the same key.
#[tokio::test]
async fn a_value_bound_to_its_identifier_alone_is_sealed_again_for_its_kind() {
    let database = TestDatabase::make().await;
    let store = &database.store;
    let kek = Kek::of([&OLD]).unwrap();
    register(store, open(store, &[OLD]).await.unwrap().kek()).await;
    let rows = signing_keys::all(store.db()).await.unwrap();
    for row in &rows {
        let owner = Owner(seal::Kind::SigningKey, &row.id);
        let old = kek.seal_unbound(owner, &kek.open(owner, &row.sealed).unwrap());
        assert!(kek.open(owner, &old).is_err());
        signing_keys::reseal(store.db(), &row.id, &row.sealed, &old).await.unwrap();
    }
    for row in clients::sealed_secrets(store.db()).await.unwrap() {
        let owner = Owner(seal::Kind::ClientSecret, row.client_id.as_str());
        let old = kek.seal_unbound(owner, &kek.open(owner, &row.sealed).unwrap());
        clients::reseal(store.db(), &row.id, &row.sealed, &old).await.unwrap();
    }

    open(store, &[OLD]).await.unwrap();

    for row in signing_keys::all(store.db()).await.unwrap() {
        assert!(kek.open(Owner(seal::Kind::SigningKey, &row.id), &row.sealed).is_ok());
    }
    for row in clients::sealed_secrets(store.db()).await.unwrap() {
        let owner = Owner(seal::Kind::ClientSecret, row.client_id.as_str());
        assert!(kek.open(owner, &row.sealed).is_ok());
    }
}

/// DESIGN §2: "rotation re-seals"; after it, nothing needs the old key.
#[tokio::test]
async fn every_value_is_sealed_again_under_the_new_key() {
    let database = TestDatabase::make().await;
    let store = &database.store;
    register(store, open(store, &[OLD]).await.unwrap().kek()).await;
    assert_eq!(sealed(store).await.len(), 8, "two keys, five secrets of ours, one of a client");

    open(store, &[NEW, OLD]).await.unwrap();

    let new = Kek::of([&NEW]).unwrap();
    assert!(sealed(store).await.iter().all(|sealed| new.is_current(sealed)));
    open(store, &[NEW]).await.unwrap();
}

/// THREATS KE-04: the start reports a lost key and changes nothing.
#[tokio::test]
async fn without_the_old_key_the_server_refuses_to_start_and_changes_nothing() {
    let database = TestDatabase::make().await;
    let store = &database.store;
    let keyring = open(store, &[OLD]).await.unwrap();
    register(store, &Kek::of([&[3; 32]]).unwrap()).await;
    drop(keyring);
    let before = sealed(store).await;

    let refused = open(store, &[NEW, OLD]).await.unwrap_err().to_string();

    assert!(refused.contains("Restore the key-encryption key"), "{refused}");
    assert_eq!(sealed(store).await, before);
}
