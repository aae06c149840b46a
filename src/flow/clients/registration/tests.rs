//! Registering on a real database, with a sector document and a logo of a real server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use serde_json::{Value, json};

use super::*;
use crate::config::{Config, Issuer};
use crate::record::Trace;
use crate::store::Store;
use crate::store::audit_events::{self, Filter};
use crate::store::test_database::TestDatabase;
use crate::types::Timestamp;

/// The shortest file that is recognized as PNG.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

struct Office {
    store: Store,
    outbound: Outbound,
    kek: Kek,
    config: Config,
    trace: Trace,
    _database: TestDatabase,
}

impl Office {
    async fn open() -> Self {
        // An error means that another test was quicker.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let database = TestDatabase::make().await;
        let mut config = Config::with_defaults(Issuer::parse("https://id.example.org").unwrap());
        config.outbound.allow_private_networks = true;
        Self {
            store: database.store.clone(),
            outbound: Outbound::new(&config.outbound).unwrap(),
            kek: Kek::of([&[7; 32]]).unwrap(),
            config,
            trace: Trace::of_command(1_000_000_000),
            _database: database,
        }
    }

    fn registrar(&self) -> Registrar<'_> {
        Registrar {
            context: Context::new(&self.store, &self.config, &self.trace),
            outbound: &self.outbound,
            kek: Some(&self.kek),
        }
    }

    async fn create(&self, changes: Value) -> Registered {
        self.registrar().create(metadata(changes)).await.unwrap()
    }

    async fn find(&self, id: &ClientId) -> Option<Client> {
        clients::find(self.store.db(), id).await.unwrap()
    }

    async fn live(&self, id: &ClientId) -> Vec<StoredSecret> {
        let now = self.trace.now();
        let mut secrets = self.find(id).await.unwrap().secrets;
        secrets.retain(|secret| secret.expires_at.is_none_or(|at| at > now));
        secrets
    }

    async fn events(&self, kind: Kind) -> usize {
        let filter = Filter { kind: kind.as_str().to_owned(), most: 100, ..Filter::default() };
        audit_events::list(self.store.db(), &filter).await.unwrap().len()
    }
}

fn metadata(changes: Value) -> Metadata {
    let mut document = json!({ "redirect_uris": ["https://rp.example/cb"] });
    if let (Some(document), Value::Object(changes)) = (document.as_object_mut(), changes) {
        document.extend(changes);
    }
    serde_json::from_value(document).unwrap()
}

fn code(refused: Result<impl std::fmt::Debug>) -> Code {
    match refused.unwrap_err() {
        crate::types::Error::Refused(refusal) => refusal.code,
        failed @ crate::types::Error::Failed(_) => panic!("{failed}"),
    }
}

/// A server for a sector document and a logo; counts the requests for the logo.
async fn serve(document: Arc<Mutex<Value>>, logos: Arc<AtomicUsize>) -> String {
    let sector = move || async move {
        ([(CONTENT_TYPE, "application/json")], document.lock().unwrap().to_string())
    };
    let logo = move || async move {
        logos.fetch_add(1, Ordering::SeqCst);
        ([(CONTENT_TYPE, "image/png")], PNG)
    };
    let router = Router::new().route("/sector", get(sector)).route("/logo", get(logo));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_secret_is_stored_as_a_digest_and_returned_once() {
    let office = Office::open().await;
    let before = versions::all(&office.store).await.unwrap().clients;

    let Registered { client, secret } = office.create(json!({})).await;

    let secret = secret.unwrap();
    let [stored] = client.secrets.as_slice() else { panic!("{:?}", client.secrets) };
    assert!(stored.digest.matches(&secret.digest()));
    assert!(stored.sealed.is_none(), "the digest suffices");
    assert!(versions::all(&office.store).await.unwrap().clients > before);
    assert_eq!(office.events(Kind::ClientCreated).await, 1);
}

#[tokio::test]
async fn a_secret_that_an_hmac_needs_is_sealed_for_its_client() {
    let office = Office::open().await;

    let method = json!({ "token_endpoint_auth_method": "client_secret_jwt" });
    let Registered { client, secret } = office.create(method).await;

    let sealed = client.secrets[0].sealed.clone().unwrap();
    let clear =
        office.kek.open(Owner(seal::Kind::ClientSecret, client.id.as_str()), &sealed).unwrap();
    assert_eq!(clear.as_slice(), secret.unwrap().0.expose().as_bytes());
    assert!(office.kek.open(Owner(seal::Kind::ClientSecret, "another"), &sealed).is_err());
}

#[tokio::test]
async fn a_client_without_a_secret_gets_none() {
    let office = Office::open().await;

    let Registered { client, secret } =
        office.create(json!({ "token_endpoint_auth_method": "none" })).await;

    assert!(secret.is_none() && client.secrets.is_empty());
    assert_eq!(
        code(office.registrar().rotate_secret(&client, Seconds(0)).await),
        Code::InvalidRequest
    );
}

/// THREATS X-11, AD-10: of two concurrent updates of the same version, the second is refused.
#[tokio::test]
async fn an_update_of_a_concurrently_changed_client_is_refused() {
    let office = Office::open().await;
    let read = office.create(json!({})).await.client;

    let named = |name: &str| metadata(json!({ "client_name": name }));
    office.registrar().update(&read, named("One")).await.unwrap();
    let second = office.registrar().update(&read, named("Two")).await;

    assert_eq!(code(second), Code::PreconditionFailed);
    assert_eq!(office.find(&read.id).await.unwrap().name(), "One");
}

/// THREATS DC-03: what cannot be created cannot be reached by an update either.
#[tokio::test]
async fn an_update_is_validated_like_a_registration() {
    let office = Office::open().await;
    let client = office.create(json!({})).await.client;

    for (changes, expected) in [
        (json!({ "redirect_uris": ["http://rp.example/cb"] }), Code::InvalidRedirectUri),
        (json!({ "redirect_uris": [] }), Code::InvalidRedirectUri),
        (json!({ "logo_uri": "javascript:alert(1)" }), Code::InvalidClientMetadata),
        (
            json!({ "token_endpoint_auth_method": "none", "gw_require_pkce": false }),
            Code::InvalidClientMetadata,
        ),
    ] {
        let refused = office.registrar().update(&client, metadata(changes.clone())).await;
        assert_eq!(code(refused), expected, "{changes}");
    }
    assert_eq!(office.find(&client.id).await.unwrap().version, client.version);
}

#[tokio::test]
async fn another_authentication_method_issues_another_secret_or_none() {
    let office = Office::open().await;
    let first = office.create(json!({})).await;
    let update = async |client: &Client, method: &str| {
        let metadata = metadata(json!({ "token_endpoint_auth_method": method }));
        office.registrar().update(client, metadata).await.unwrap()
    };

    let post = update(&first.client, "client_secret_post").await;
    assert!(post.secret.is_none(), "the same secret does");
    let jwt = update(&post.client, "client_secret_jwt").await;
    let live = office.live(&jwt.client.id).await;
    assert_eq!(live.len(), 1, "what is not sealed is of no use");
    assert!(live[0].digest.matches(&jwt.secret.unwrap().digest()) && live[0].sealed.is_some());
    let public = update(&jwt.client, "none").await;
    assert!(public.secret.is_none() && office.live(&public.client.id).await.is_empty());
}

#[tokio::test]
async fn at_most_two_secrets_are_valid_and_the_older_one_expires() {
    let office = Office::open().await;
    let first = office.create(json!({})).await.client;

    let second = office.registrar().rotate_secret(&first, Seconds::hours(1)).await.unwrap();
    let expiries: Vec<_> =
        office.live(&first.id).await.iter().map(|stored| stored.expires_at).collect();
    assert_eq!(expiries, [None, Some(Timestamp(1_000_000) + Seconds::hours(1))]);

    let third = office.registrar().rotate_secret(&second.client, Seconds::hours(1)).await.unwrap();
    let live = office.live(&first.id).await;
    assert_eq!(live.len(), 2);
    assert!(live[0].digest.matches(&third.secret.unwrap().digest()));
    assert!(live[1].digest.matches(&second.secret.unwrap().digest()), "the first one is gone");

    let leaked = office.registrar().rotate_secret(&third.client, Seconds(0)).await.unwrap();
    assert_eq!(office.live(&first.id).await.len(), 1, "after a leak the old one stops at once");
    let forever = office.registrar().rotate_secret(&leaked.client, Seconds::days(91)).await;
    assert_eq!(code(forever), Code::InvalidRequest);
}

#[tokio::test]
async fn of_8_concurrent_rotations_one_returns_the_valid_secret() {
    let office = Arc::new(Office::open().await);
    let client = office.create(json!({})).await.client;

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (office, client) = (office.clone(), client.clone());
        racing.spawn(
            async move { office.registrar().rotate_secret(&client, Seconds::hours(1)).await },
        );
    }
    let mut won = Vec::new();
    for rotated in racing.join_all().await {
        match rotated {
            Ok(registered) => won.push(registered.secret.unwrap()),
            refused => assert_eq!(code(refused), Code::PreconditionFailed),
        }
    }

    let [secret] = won.as_slice() else { panic!("{} won", won.len()) };
    assert!(office.live(&client.id).await[0].digest.matches(&secret.digest()));
}

#[tokio::test]
async fn disabling_and_deleting_a_client_applies_to_everything_it_has() {
    let office = Office::open().await;
    let base = serve(Arc::default(), Arc::default()).await;
    let id = office.create(json!({ "logo_uri": format!("{base}/logo") })).await.client.id;
    let registrar = office.registrar();

    registrar.disable(&id).await.unwrap();
    assert_eq!(office.find(&id).await.unwrap().disabled_at, Some(Timestamp(1_000_000)));
    registrar.enable(&id).await.unwrap();
    assert_eq!(office.find(&id).await.unwrap().disabled_at, None);
    assert!(clients::logo(office.store.db(), &id).await.unwrap().is_some());
    registrar.delete(&id).await.unwrap();
    assert!(office.find(&id).await.is_none());
    assert!(clients::logo(office.store.db(), &id).await.unwrap().is_none());

    assert_eq!(code(registrar.disable(&id).await), Code::NotFound);
    assert_eq!(code(registrar.enable(&id).await), Code::NotFound);
    assert_eq!(code(registrar.delete(&id).await), Code::NotFound);
}

/// OIDC Core §8.1; THREATS JO-23: the sector document is fetched again whenever the client changes.
#[tokio::test]
async fn a_sector_must_name_every_redirect_uri_now_and_later() {
    let office = Office::open().await;
    let document = Arc::new(Mutex::new(json!(["https://a.example/cb", "https://b.example/cb"])));
    let base = serve(document.clone(), Arc::default()).await;
    let pairwise = json!({
        "subject_type": "pairwise",
        "sector_identifier_uri": format!("{base}/sector"),
        "redirect_uris": ["https://a.example/cb", "https://b.example/cb"],
    });

    let client = office.create(pairwise.clone()).await.client;
    *document.lock().unwrap() = json!(["https://a.example/cb"]);

    let changed = office.registrar().update(&client, metadata(pairwise.clone())).await;
    assert_eq!(code(changed), Code::InvalidClientMetadata);
    let mut unreachable = pairwise;
    unreachable["sector_identifier_uri"] = format!("{base}/nothing").into();
    let refused = office.registrar().create(metadata(unreachable)).await;
    assert_eq!(code(refused), Code::InvalidClientMetadata);
}

#[tokio::test]
async fn a_logo_is_fetched_once_and_stored() {
    let office = Office::open().await;
    let fetched = Arc::new(AtomicUsize::new(0));
    let base = serve(Arc::default(), fetched.clone()).await;
    let with_logo =
        |name: &str| metadata(json!({ "logo_uri": format!("{base}/logo"), "client_name": name }));

    let created = office.registrar().create(with_logo("One")).await.unwrap();
    let updated = office.registrar().update(&created.client, with_logo("Two")).await.unwrap();

    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    let logo = clients::logo(office.store.db(), &created.client.id).await.unwrap().unwrap();
    assert_eq!((logo.media_type.as_str(), logo.bytes.as_slice()), ("image/png", PNG));

    office.registrar().update(&updated.client, metadata(json!({}))).await.unwrap();
    assert!(clients::logo(office.store.db(), &created.client.id).await.unwrap().is_none());
    let no_picture = metadata(json!({ "logo_uri": format!("{base}/sector") }));
    assert_eq!(code(office.registrar().create(no_picture).await), Code::InvalidClientMetadata);
}

/// THREATS SS-08, DC-06: a jwks_uri that the server would not fetch is not registered.
#[tokio::test]
async fn keys_on_a_private_address_are_not_registered() {
    let mut office = Office::open().await;
    office.config.outbound.allow_private_networks = false;
    office.outbound = Outbound::new(&office.config.outbound).unwrap();

    for uri in ["https://127.0.0.1/jwks", "https://10.0.0.1/jwks", "https://169.254.169.254/jwks"] {
        let changes = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri });
        let refused = office.registrar().create(metadata(changes)).await;
        assert_eq!(code(refused), Code::InvalidClientMetadata, "{uri}");
    }
}
