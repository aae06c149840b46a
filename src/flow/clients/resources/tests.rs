//! APIs on a real database.

use serde_json::{Value, json};

use super::*;
use crate::store::test_database::TestDatabase;
use crate::types::Error;

const API: &str = "https://api.example.org/invoices";

fn resource(changes: Value) -> Resource {
    let mut document = json!({
        "id": API,
        "name": "Invoices",
        "scopes": [{ "name": "invoices.read", "text": "Read your invoices" }],
    });
    if let (Some(document), Value::Object(changes)) = (document.as_object_mut(), changes) {
        document.extend(changes);
    }
    serde_json::from_value(document).unwrap()
}

fn code(refused: Result<()>) -> Code {
    match refused.unwrap_err() {
        Error::Refused(refusal) => refusal.code,
        failed @ Error::Failed(_) => panic!("{failed}"),
    }
}

#[tokio::test]
async fn each_change_of_a_resource_increments_the_version() {
    let database = TestDatabase::make().await;
    let (store, issuer) = (&database.store, Issuer::default());
    let trace = Trace::of_command(1_000_000_000);
    let version = async || versions::all(store).await.unwrap().resources;

    let first = version().await;
    create(store, &issuer, &resource(json!({})), &trace).await.unwrap();
    let second = version().await;
    let again = create(store, &issuer, &resource(json!({})), &trace).await;
    assert_eq!(code(again), Code::InvalidRequest);
    assert_eq!(version().await, second, "a refusal changes nothing");
    let changed = resource(json!({ "name": "Bills", "access_token_format": "opaque" }));
    update(store, &issuer, &changed, &trace).await.unwrap();
    assert_eq!(resources::all(store.db()).await.unwrap(), [changed]);
    delete(store, &issuer, &ResourceId::from_text(API), &trace).await.unwrap();

    assert!(resources::all(store.db()).await.unwrap().is_empty());
    assert!(first < second && second + 2 == version().await);
    let gone = resource(json!({}));
    assert_eq!(code(update(store, &issuer, &gone, &trace).await), Code::NotFound);
    assert_eq!(code(delete(store, &issuer, &gone.id, &trace).await), Code::NotFound);
}

#[tokio::test]
async fn resources_are_stored_with_their_languages_in_the_order_of_registration() {
    let database = TestDatabase::make().await;
    let (store, issuer) = (&database.store, Issuer::default());
    let trace = Trace::of_command(1_000_000_000);
    let registered = ["https://c.example", "https://a.example", "https://b.example"].map(|id| {
        resource(json!({
            "id": id,
            "name#de-AT": "Rechnungen",
            "scopes": [
                { "name": "name", "text": "Read", "text#de": "Lesen", "text#fr": "Lire" },
                { "name": "pay", "text": "Pay", "sensitive": true },
            ],
        }))
    });

    for one in &registered {
        create(store, &issuer, one, &trace).await.unwrap();
    }

    assert_eq!(resources::all(store.db()).await.unwrap(), registered);
    delete(store, &issuer, &registered[0].id, &trace).await.unwrap();
    create(store, &issuer, &registered[0], &trace).await.unwrap();
    let last = resources::all(store.db()).await.unwrap().pop().unwrap();
    assert_eq!(last, registered[0], "it was registered last");
}

#[test]
fn an_invalid_resource_is_refused() {
    let issuer = Issuer::parse("https://id.example.org").unwrap();
    let scope = |name: &str, text: &str| json!({ "scopes": [{ "name": name, "text": text }] });
    let twice = json!({ "name": "a", "text": "A" });
    assert!(validate(&resource(json!({})), &issuer).is_ok());
    for changes in [
        json!({ "id": "invoices" }),
        json!({ "id": "https://api.example.org/#a" }),
        json!({ "id": "https://API.example.org" }),
        json!({ "id": "https://id.example.org" }),
        json!({ "id": "https://id.example.org/" }),
        json!({ "name": "" }),
        json!({ "name": "a\u{202e}b" }),
        json!({ "access_token_lifetime": 9 }),
        json!({ "access_token_lifetime": 86_401 }),
        json!({ "scopes": [twice, twice] }),
        scope("openid", "Everything"),
        scope("offline_access", "Everything"),
        scope("a b", "Two"),
        scope("", "None"),
        scope("a\"b", "A quote"),
        scope("a", ""),
        scope("a", "line\nbreak"),
        json!({ "name#de": "" }),
        json!({ "name#de": "a\u{202e}b" }),
        json!({ "scopes": [{ "name": "a", "text": "A", "text#de": "" }] }),
        json!({ "scopes": [{ "name": "a", "text": "A", "text#de": "x".repeat(201) }] }),
    ] {
        assert!(validate(&resource(changes.clone()), &issuer).is_err(), "{changes}");
    }
}
