//! Tests: rows decode into the types that are used, with and without the rows of a LEFT JOIN.

use serde_json::{Map, json};

use super::certificates::{self, CertificateRow, Origin, Range};
use super::codes::{self, Authorization, Ground, NewCode, Spent};
use super::consents::{self, Consent};
use super::grants::{self, GrantLifetime};
use super::opaque_tokens::{self, OpaqueToken};
use super::test_database::TestDatabase;
use super::users::{self, sessions};
use super::{certificate_warnings, clients, outbox};
use crate::types::client::StoredSecret;
use crate::types::session::Session;
use crate::types::{
    Bonds, ClientId, Confirmation, Digest, GrantId, ResourceId, Scope, Seconds, SessionId,
    Thumbprint, Timestamp, User, UserId,
};

const NOW: Timestamp = Timestamp(1_795_000_000);

fn thumbprint(text: &str) -> Thumbprint {
    Thumbprint::of(text.as_bytes())
}

async fn user(database: &TestDatabase) -> User {
    let mut claims = Map::new();
    claims.insert("name".to_owned(), json!("Ada"));
    let user = User {
        id: UserId::new(),
        username: "ada".to_owned(),
        email: None,
        email_verified: false,
        claims,
        created_at: NOW,
        updated_at: NOW,
        disabled_at: None,
    };
    let mut tx = database.store.write().await.unwrap();
    let names = users::Names { sign_in: vec!["ada".to_owned()], words: vec!["ada".to_owned()] };
    users::insert(&mut tx, &user, &names).await.unwrap();
    tx.commit().await.unwrap();
    user
}

async fn session(database: &TestDatabase, user: &User) -> Session {
    let session = Session {
        id: SessionId::new(),
        user_id: user.id.clone(),
        auth_time: NOW,
        amr: "pwd".to_owned(),
        acr: "1".to_owned(),
        remembered: true,
        created_at: NOW,
        seen_at: NOW,
        idle_at: NOW + Seconds(60),
        expires_at: NOW + Seconds(60),
        address: "192.0.2.1".to_owned(),
        user_agent: "test".to_owned(),
    };
    let mut tx = database.store.write().await.unwrap();
    sessions::insert(&mut tx, &Digest::of(b"cookie"), &session).await.unwrap();
    tx.commit().await.unwrap();
    session
}

async fn client(database: &TestDatabase) -> ClientId {
    let id = ClientId::new();
    let metadata = serde_json::from_value(json!({ "client_name": "Billing" })).unwrap();
    let secret = StoredSecret { digest: Digest::of(b"secret"), sealed: None, expires_at: None };
    let mut tx = database.store.write().await.unwrap();
    clients::insert(&mut tx, &id, &metadata, NOW).await.unwrap();
    clients::add_secret(&mut tx, &id, &secret, NOW).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn a_client_is_read_with_its_metadata_and_its_secrets() {
    let database = TestDatabase::make().await;
    let id = client(&database).await;

    let read = clients::find(database.store.db(), &id).await.unwrap().unwrap();
    let page = clients::page(database.store.db(), None, 9).await.unwrap();

    assert_eq!(read.metadata.client_name, "Billing");
    assert!(read.secrets[0].digest.matches(&Digest::of(b"secret")));
    assert_eq!((page.len(), page[0].secrets.len()), (1, 1));
}

#[tokio::test]
async fn a_session_is_read_with_its_user_and_the_consent_if_there_is_one() {
    let database = TestDatabase::make().await;
    let store = database.store.db();
    let user = user(&database).await;
    let session = session(&database, &user).await;
    let client = client(&database).await;
    let live = async || {
        let digest = Digest::of(b"cookie");
        sessions::live(store, &digest, Some(&client), NOW).await.unwrap().unwrap()
    };
    let consent = Consent {
        scope: Scope::from_tokens(["openid", "invoices"]),
        resources: vec![ResourceId::from_text("https://api.example.org")],
        claims: vec!["email".to_owned()],
    };

    let before = live().await;
    let mut tx = database.store.write().await.unwrap();
    assert!(consents::widen(&mut tx, &user.id, &client, None, &consent, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let after = live().await;

    assert_eq!((before.session.id, before.consent), (session.id, None));
    assert_eq!(after.user.display_name(), "Ada");
    assert_eq!(after.consent.as_ref(), Some(&consent));
    assert_eq!(consents::find(store, &user.id, &client).await.unwrap(), Some(consent.clone()));
    let of_user = consents::of_user(store, &user.id).await.unwrap();
    let [authorised] = of_user.as_slice() else { panic!("{of_user:?}") };
    assert_eq!(authorised.consent, consent);
    assert!(authorised.asked && !authorised.is_offline && authorised.used_at.is_none());
    assert_eq!(users::page(store, None, 9).await.unwrap().len(), 1);
    let named = users::by_name(store, "ada").await.unwrap().unwrap();
    assert_eq!((named.user.id, named.password), (user.id, None));
}

#[tokio::test]
async fn a_code_and_its_grant_are_read_as_they_were_written() {
    let database = TestDatabase::make().await;
    let store = database.store.db();
    let user = user(&database).await;
    let session = session(&database, &user).await;
    let authorization = Authorization {
        grant_id: GrantId::new(),
        client_id: client(&database).await,
        user_id: user.id.clone(),
        session_id: session.id.clone(),
        redirect_uri: "https://client.example/cb".to_owned(),
        code_challenge: None,
        nonce: Some("n".to_owned()),
        scope: Scope::from_tokens(["openid"]),
        resources: vec![ResourceId::from_text("https://api.example.org")],
        claims: String::new(),
        dpop_jkt: Some(thumbprint("key")),
    };
    let expires_at = NOW + Seconds(60);
    let code = Digest::of(b"code");
    let mut tx = database.store.write().await.unwrap();
    let (digest, ground) = (code, Ground::Trusted);
    let new = NewCode { digest, authorization: &authorization, ground, expires_at };
    assert!(codes::issue(&mut tx, &new, NOW).await.unwrap());
    let spent = codes::spend(&mut tx, &code, true, NOW).await.unwrap();
    let life = GrantLifetime { offline: false, idle_at: expires_at, expires_at };
    let grant = grants::insert(&mut tx, &authorization, life, Bonds::default(), NOW).await.unwrap();
    let again = codes::spend(&mut tx, &code, true, NOW).await.unwrap();
    tx.commit().await.unwrap();

    let Spent::Now { authorization: read, alive: true, .. } = spent else { panic!("{spent:?}") };
    assert_eq!((read.scope, read.dpop_jkt), (authorization.scope, authorization.dpop_jkt));
    assert_eq!(grant.resources, authorization.resources);
    assert!(matches!(again, Spent::Before { grant_id, .. } if grant_id == grant.id));
    let behind = grants::behind_token(store, &grant.id, &grant.client_id, "jti", NOW);
    let live = behind.await.unwrap().unwrap();
    assert_eq!((live.acr.as_str(), live.user.username.as_str()), ("1", "ada"));
    let later = NOW + Seconds(61);
    let behind = grants::behind_token(store, &grant.id, &grant.client_id, "jti", later);
    assert!(behind.await.unwrap().is_none());
}

#[tokio::test]
async fn an_opaque_token_is_read_with_its_grant_if_there_is_one() {
    let database = TestDatabase::make().await;
    let client_id = client(&database).await;
    for (name, confirmation) in [
        ("bearer", Confirmation::default()),
        ("bound", Confirmation { certificate: None, key: Some(thumbprint("key")) }),
    ] {
        let digest = Digest::of(name.as_bytes());
        let token = OpaqueToken {
            id: name.to_owned(),
            client_id: client_id.clone(),
            grant_id: None,
            audience: vec!["https://api.example.org".to_owned()],
            scope: Scope::from_tokens(["invoices"]),
            claims: String::new(),
            created_at: NOW,
            expires_at: NOW + Seconds(60),
            confirmation,
        };
        assert!(opaque_tokens::insert(database.store.db(), &digest, &token).await.unwrap());

        let read = grants::behind_opaque_token(database.store.db(), &digest, NOW).await.unwrap();

        let (read, live) = read.unwrap();
        assert_eq!((read.audience, read.scope), (token.audience, token.scope));
        assert_eq!(read.confirmation, confirmation);
        assert!(live.is_none());
    }
}

#[tokio::test]
async fn a_certificate_is_read_with_its_clients_and_its_warnings() {
    let database = TestDatabase::make().await;
    let store = database.store.db();
    let row = |name: &str, client_id: Option<ClientId>| CertificateRow {
        thumbprint: thumbprint(name),
        public_key: thumbprint("key"),
        origin: Origin::Registered,
        client_id,
        subject: "CN=billing".to_owned(),
        names: vec!["DNS:billing.example.org".to_owned()],
        issuer: "CN=CA".to_owned(),
        serial: "01".to_owned(),
        key_type: "EC P-256".to_owned(),
        key_bits: 256,
        not_before: NOW,
        not_after: NOW + Seconds::days(30),
        der: vec![1],
        first_seen_at: NOW,
        last_used_at: Some(NOW + Seconds(1)),
        revoked_at: None,
        reason: None,
        chain_ends_at: None,
    };
    let id = client(&database).await;
    let (owned, unowned) = (row("owned", Some(id.clone())), row("unowned", None));
    certificates::record(store, &owned).await.unwrap();
    certificates::record(store, &unowned).await.unwrap();
    let step = Seconds::days(7);
    assert!(
        certificate_warnings::record_crossing(store, owned.thumbprint, step, NOW).await.unwrap()
    );
    let mut tx = database.store.write().await.unwrap();
    certificate_warnings::record_recipients(
        &mut tx,
        owned.thumbprint,
        step,
        std::slice::from_ref(&id),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();

    let lives = certificates::lifetimes(store, NOW, None, 9).await.unwrap();

    assert_eq!(lives.len(), 2);
    let of =
        |of: &CertificateRow| lives.iter().find(|one| one.thumbprint == of.thumbprint).unwrap();
    let (first, second) = (of(&owned), of(&unowned));
    assert_eq!((first.reported, first.warned.as_slice()), (Some(step), &[id.clone()][..]));
    assert_eq!(first.last_used_at, owned.last_used_at);
    assert_eq!((first.holders.len(), &first.holders[0].client_id), (1, &id));
    assert_eq!(first.holders[0].registered_at, Some(NOW));
    assert_eq!((second.reported, second.warned.len(), second.holders.len()), (None, 0, 0));
    let found = certificates::find(store, owned.thumbprint).await.unwrap().unwrap();
    let range = Range { first: found.position(), last: found.position() };
    assert_eq!((found.origin, found.names), (Origin::Registered, owned.names));
    assert_eq!(certificates::holders(store, &range).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_of_the_outbox_is_read_with_its_transport() {
    let database = TestDatabase::make().await;
    let store = database.store.db();
    outbox::insert(store, outbox::Transport::Webhook, "https://ops.example.org", "{}", NOW)
        .await
        .unwrap();

    let taken = outbox::lease(store, "one", Seconds(60), 9, NOW).await.unwrap();

    let [taken] = taken.as_slice() else { panic!("{taken:?}") };
    assert_eq!((taken.way, taken.attempts), (outbox::Transport::Webhook, 1));
    assert_eq!(outbox::counts(store).await.unwrap(), (1, 0));
}
