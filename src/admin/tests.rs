//! Actions on a real database.

use serde_json::{Map, Value, json};

use super::*;
use crate::config::{Config, Issuer, Keys};
use crate::pki::inventory::State;
use crate::pki::{Certificate, Reason};
use crate::record::Trace;
use crate::store::test_database::TestDatabase;
use crate::store::{audit_events, certificates, enrolments};
use crate::types::{
    Client, ClientId, Code, Digest, Holder, ResourceId, Role, Seconds, Secret, Thumbprint,
};

/// What calls work with; the files of the keys are removed with it.
struct Fixture {
    database: TestDatabase,
    config: Config,
    dependencies: OnDemand,
}

impl Fixture {
    async fn new() -> Self {
        let database = TestDatabase::make().await;
        let dir = std::env::temp_dir().join(format!("gatewright_{}", uuid::Uuid::now_v7()));
        let config = Config {
            keys: Keys { dir, ..Keys::default() },
            ..Config::with_defaults(Issuer::default())
        };
        Self { database, config, dependencies: OnDemand::default() }
    }

    fn call<'a>(&'a self, administrator: &'a Administrator) -> Call<'a> {
        let dependencies = Dependencies::OnDemand(&self.dependencies);
        Call::new(administrator, &self.database.store, &self.config, dependencies)
    }

    /// The kinds of the events under a trace.
    async fn events(&self, trace: &Trace) -> Vec<String> {
        let request_id = trace.request_id.clone();
        let filter = audit_events::Filter { request_id, most: 10, ..Default::default() };
        let events = audit_events::list(self.database.store.db(), &filter).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // It exists only if a key was needed.
        let _ = std::fs::remove_dir_all(&self.config.keys.dir);
    }
}

/// Performs an action and checks that it has written the event that it returns.
macro_rules! done {
    ($fixture:ident, |$call:ident| $action:expr) => {{
        let operator = operator();
        let $call = &$fixture.call(&operator);
        let done = $action.await.unwrap();
        let events = $fixture.events(operator.trace()).await;
        assert!(events.contains(&done.event.as_str().to_owned()), "{:?}: {events:?}", done.event);
        done.result
    }};
}

/// The operator, in a new command.
fn operator() -> Administrator {
    Administrator::new(Authority::Operator, Trace::of_command(1_000_000_000))
}

fn account(username: &str) -> user::NewAccount<'_> {
    user::NewAccount {
        username,
        email: None,
        email_verified: false,
        claims: Map::new(),
        password: None,
    }
}

fn description(name: &str) -> client::Description {
    let Value::Object(members) = json!({
        "client_name": name,
        "grant_types": ["client_credentials"],
    }) else {
        unreachable!()
    };
    client::Description { members, ..Default::default() }
}

#[tokio::test]
async fn every_action_writes_the_event_that_it_returns() {
    let fixture = Fixture::new().await;

    let user = done!(fixture, |call| user::create(call, account("alice")));
    let changes = user::Changes { username: Some("liddell"), ..Default::default() };
    done!(fixture, |call| user::update(call, &user.id, &changes));
    let password = Secret::new("correct horse battery staple");
    done!(fixture, |call| user::set_password(call, &user.id, &password));
    done!(fixture, |call| user::unlock(call, &user.id));
    done!(fixture, |call| user::start_recovery(call, &user.id));
    let holder = Holder::User(user.id.clone());
    done!(fixture, |call| role::invite(call));
    assert!(done!(fixture, |call| role::grant(call, &holder, Role::Auditor)));
    assert!(done!(fixture, |call| role::revoke(call, &holder, Role::Auditor)));
    assert!(done!(fixture, |call| user::disable(call, &user.id)).disabled_at.is_some());
    assert!(done!(fixture, |call| user::enable(call, &user.id)).disabled_at.is_none());
    done!(fixture, |call| user::delete(call, &user.id));

    let registered = done!(fixture, |call| client::create(call, &description("Nightly")));
    let id = registered.client.id.clone();
    let renamed = description("Hourly");
    let updated = done!(fixture, |call| client::update(call, &registered.client, &renamed));
    let overlap = Seconds(0);
    done!(fixture, |call| client::rotate_secret(call, &updated.client, overlap));
    assert!(done!(fixture, |call| client::disable(call, &id)).disabled_at.is_some());
    assert!(done!(fixture, |call| client::enable(call, &id)).disabled_at.is_none());

    let api = ResourceId::from_text("https://api.example.org/invoices");
    let changes = resource::Changes { name: Some("Invoices".to_owned()), ..Default::default() };
    done!(fixture, |call| resource::create(call, api.clone(), &changes));
    done!(fixture, |call| resource::update(call, &api, &changes));
    done!(fixture, |call| resource::delete(call, &api));

    done!(fixture, |call| ca::init(call, None));
    done!(fixture, |call| ca::enrol(call, &id, Seconds(60)));
    done!(fixture, |call| ca::renew(call, &ca::Renewal::Root));
    done!(fixture, |call| ca::export_root_key(call));
    done!(fixture, |call| ca::remove_root_key(call));
    let key = rcgen::KeyPair::generate().unwrap();
    let request = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
    let request = crate::pki::request::CertificationRequest::parse(request.der()).unwrap();
    let issued = done!(fixture, |call| cert::issue(call, &id, &request));
    let operator = operator();
    let entry = cert::find(&fixture.call(&operator), &issued.thumbprint.to_string()).await.unwrap();
    let reason = crate::pki::Reason::default();
    done!(fixture, |call| cert::revoke(call, &entry.certificate, reason));

    let algorithm = fixture.config.keys.algorithms[0];
    done!(fixture, |call| key::rotate(call, algorithm, true));
    let keys = key::list(&fixture.call(&operator)).await.unwrap();
    let retiring = keys.iter().find(|key| key::state(key) == "retiring").unwrap();
    done!(fixture, |call| key::retire(call, &retiring.id, true));
    done!(fixture, |call| key::rotate_secrets(call, false));

    let (at, lag) = (crate::types::Timestamp(999_000), Seconds(60));
    done!(fixture, |call| database::failed_over(call, at, lag));
    done!(fixture, |call| database::repeat_revocations(call, &[]));
    done!(fixture, |call| client::delete(call, &id));
}

/// A page reads its own rows and no others, however many rows there are.
#[tokio::test]
async fn a_listing_returns_each_row_once_and_no_page_more_than_its_size() {
    let fixture = Fixture::new().await;
    let operator = operator();
    let call = fixture.call(&operator);
    for name in ["a1", "b2", "c3", "d4", "e5"] {
        user::create(&call, account(name)).await.unwrap();
        client::create(&call, &description(name)).await.unwrap();
    }

    let (mut users, mut sizes, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = user::page(&call, after.as_ref(), 2).await.unwrap();
        sizes.push(page.items.len());
        after = page.items.last().map(|user| user.id.clone());
        users.extend(page.items.into_iter().map(|user| user.username));
        if page.is_last {
            break;
        }
    }
    assert_eq!((users.join(" "), sizes), ("a1 b2 c3 d4 e5".to_owned(), vec![2, 2, 1]));

    let (mut clients, mut sizes, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = client::page(&call, after.as_ref(), 5).await.unwrap();
        sizes.push(page.items.len());
        after = page.items.last().map(|client| client.id.clone()).or(after);
        assert!(page.items.iter().all(|client| client.secrets.len() == 1), "with its own secret");
        clients.extend(page.items.into_iter().map(|client| client.metadata.client_name));
        if page.is_last {
            break;
        }
    }
    assert_eq!((clients.join(" "), sizes), ("a1 b2 c3 d4 e5".to_owned(), vec![5, 0]));

    let mut cursor = audit::query(&call, audit::Query::default()).await.unwrap();
    let (mut events, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = audit::page(&call, &mut cursor, 4).await.unwrap();
        sizes.push(page.items.len());
        events.extend(page.items.into_iter().map(|event| event.id));
        if page.is_last {
            break;
        }
    }
    assert_eq!(sizes, [4, 4, 2]);
    assert!(events.is_sorted_by(|newer, older| newer > older), "each once, newest first");
}

/// Three certificates expire in one second, three in the next one, and one in the last.
#[tokio::test]
async fn certificates_are_listed_in_the_order_of_expiry_whatever_the_size_of_a_page() {
    let fixture = Fixture::new().await;
    let operator = operator();
    let call = fixture.call(&operator);
    let client = client::create(&call, &description("Nightly")).await.unwrap().result.client.id;
    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let made = Certificate::parse(made.der(), &[]).unwrap();
    for number in 0..7_u8 {
        let mut row = cert::row_of(&call, &made);
        row.thumbprint = Thumbprint::of(&[number]);
        row.not_after = call.now() + Seconds(100 + i64::from(number / 3));
        row.client_id = (number % 2 == 0).then(|| client.clone());
        row.revoked_at = (number == 1 || number == 6).then_some(call.now());
        certificates::record(fixture.database.store.db(), &row).await.unwrap();
    }
    let listed = async |limit: i64, client: Option<&ClientId>, states: cert::States| {
        let query = cert::Query { client: client.cloned(), states, ..Default::default() };
        let mut cursor = cert::query(&call, query).await.unwrap();
        let mut found = Vec::new();
        loop {
            let page = cert::page(&call, &mut cursor, limit).await.unwrap();
            assert!(i64::try_from(page.items.len()).unwrap() <= limit);
            for item in page.items {
                let cert::Item::Certificate(entry) = item else { panic!("{item:?}") };
                let holders = entry.holders.into_iter().map(|holder| holder.client_id);
                found.push((entry.certificate.position(), holders.collect::<Vec<_>>()));
            }
            if page.is_last {
                return found;
            }
        }
    };
    let (all, revoked) = (cert::States::All, cert::States::Only(State::Revoked));

    let whole = listed(100, None, all).await;
    assert_eq!(whole.len(), 7);
    assert!(whole.is_sorted_by_key(|(position, _)| position.not_after));
    assert_eq!(whole.iter().filter(|(_, holders)| *holders == [client.clone()]).count(), 4);
    let of_client: Vec<_> =
        whole.iter().filter(|(_, holders)| !holders.is_empty()).cloned().collect();
    for limit in 1..=8 {
        assert_eq!(listed(limit, None, all).await, whole, "{limit}");
        assert_eq!(listed(limit, Some(&client), all).await, of_client, "{limit}");
        assert_eq!(listed(limit, None, revoked).await.len(), 2, "{limit}");
    }
}

/// THREATS AD-05: what a client authenticates with is as sensitive as its secret.
#[tokio::test]
async fn a_change_of_what_a_client_authenticates_with_needs_a_recent_authentication() {
    let fixture = Fixture::new().await;
    let by_operator = operator();
    let call = fixture.call(&by_operator);
    let made = client::create(&call, &description("Nightly")).await.unwrap().result.client;
    let user = user::create(&call, account("ada")).await.unwrap().result;
    let authority = Authority::User {
        id: user.id,
        roles: vec![Role::Administrator],
        auth_time: call.now() - administrator::RECENT - Seconds(1),
        scope: None,
    };
    let ada = Administrator::new(authority, Trace::of_command(1_000_000_000));
    let call = fixture.call(&ada);

    for (member, value) in [
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("jwks_uri", json!("https://eve.example/jwks")),
    ] {
        let mut changed = description("Nightly");
        changed.members.insert(member.to_owned(), value);
        let refused = client::update(&call, &made, &changed).await;
        assert_eq!(code(refused), Some(Code::InsufficientUserAuthentication), "{member}");
    }
    assert_eq!(code(client::update(&call, &made, &description("Hourly")).await), None);
}

/// A user with these roles who authenticated this long ago.
async fn user_with(fixture: &Fixture, name: &str, roles: &[Role], ago: Seconds) -> Administrator {
    let by_operator = operator();
    let call = fixture.call(&by_operator);
    let user = user::create(&call, account(name)).await.unwrap().result;
    for role in roles {
        role::grant(&call, &Holder::User(user.id.clone()), *role).await.unwrap();
    }
    let (roles, auth_time) = (roles.to_vec(), call.now() - ago);
    let authority = Authority::User { id: user.id, roles, auth_time, scope: None };
    Administrator::new(authority, Trace::of_command(1_000_000_000))
}

/// An authentication that is too old for sensitive actions.
const LATE: Seconds = Seconds(administrator::RECENT.0 + 60);

fn code<T: std::fmt::Debug>(done: Result<T>) -> Option<Code> {
    match done {
        Err(Error::Rule(crate::types::Error::Refused(refusal))) => Some(refusal.code),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    }
}

/// THREATS AD-05: the reader of a recovery link has the roles of the user.
#[tokio::test]
async fn recovering_an_administrator_is_as_sensitive_as_giving_the_role() {
    let fixture = Fixture::new().await;
    let owner = user_with(&fixture, "owner", &[Role::Owner], LATE).await;
    let support = user_with(&fixture, "support", &[Role::Support], LATE).await;
    let by_operator = operator();
    let call = fixture.call(&by_operator);
    let plain = user::create(&call, account("plain")).await.unwrap().result;
    let auditor = user::create(&call, account("auditor")).await.unwrap().result;
    role::grant(&call, &Holder::User(auditor.id.clone()), Role::Support).await.unwrap();

    for (who, denied) in
        [(&owner, Code::InsufficientUserAuthentication), (&support, Code::Forbidden)]
    {
        let call = fixture.call(who);
        assert_eq!(code(user::start_recovery(&call, &auditor.id).await), Some(denied));
        assert_eq!(code(user::start_recovery(&call, &plain.id).await), None);
    }
}

/// THREATS AD-05: every change of a client that can have tokens for the administration API.
#[tokio::test]
async fn a_client_for_the_api_is_decided_on_by_owners_who_have_just_signed_in() {
    let fixture = Fixture::new().await;
    let by_operator = operator();
    let call = fixture.call(&by_operator);
    let api = crate::flow::clients::resources::administration::id(&fixture.config.issuer);
    let mut reaching = description("Pipeline");
    reaching.members.insert("gw_default_audience".to_owned(), json!([api]));
    let made = client::create(&call, &reaching).await.unwrap().result.client;

    for (name, role, ago, denied) in [
        ("owner", Role::Owner, LATE, Code::InsufficientUserAuthentication),
        ("administrator", Role::Administrator, Seconds(0), Code::Forbidden),
    ] {
        let who = user_with(&fixture, name, &[role], ago).await;
        let call = fixture.call(&who);
        assert_eq!(code(client::create(&call, &reaching).await), Some(denied), "{name}");
        let update = client::update(&call, &made, &description("Other")).await;
        assert_eq!(code(update), Some(denied), "{name}");
        assert_eq!(code(client::disable(&call, &made.id).await), Some(denied), "{name}");
        assert_eq!(code(client::enable(&call, &made.id).await), Some(denied), "{name}");
        let deletion = client::delete(&call, &made.id).await;
        assert_eq!(code(deletion), Some(denied), "{name}");
    }
}

/// A user may be called like the identifier of a client, and a client like a user.
#[tokio::test]
async fn a_role_goes_to_whom_the_identifier_names() {
    let fixture = Fixture::new().await;
    let by_operator = operator();
    let call = fixture.call(&by_operator);
    let made = client::create(&call, &description("ada")).await.unwrap().result.client;
    user::create(&call, account(made.id.as_str())).await.unwrap();

    let found = role::holder(&call, made.id.as_str()).await.unwrap();
    assert_eq!(found, Holder::Client(made.id.clone()));

    let ada = user::create(&call, account("ada")).await.unwrap().result;
    let ambiguous = role::holder(&call, "ada").await.unwrap_err().to_string();
    assert!(ambiguous.contains(ada.id.as_str()) && ambiguous.contains(made.id.as_str()));
}

/// THREATS AD-05: without its certificate, a client that authenticates with it is as good as disabled.
#[tokio::test]
async fn an_operator_does_not_revoke_the_certificate_of_a_client_that_may_do_more() {
    let fixture = Fixture::new().await;
    let by_operator = operator();
    let call = fixture.call(&by_operator);
    let made = client::create(&call, &description("Nightly")).await.unwrap().result.client;
    let key = rcgen::KeyPair::generate().unwrap();
    let row = |client: &Client| {
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let certificate = Certificate::parse(certificate.der(), &[]).unwrap();
        certificates::CertificateRow {
            client_id: Some(client.id.clone()),
            ..cert::row_of(&call, &certificate)
        }
    };
    let other = client::create(&call, &description("Hourly")).await.unwrap().result.client;
    let (own, of_other) = (row(&made), row(&other));
    for row in [&own, &of_other] {
        certificates::record(fixture.database.store.db(), row).await.unwrap();
    }
    let who = user_with(&fixture, "operator", &[Role::Operator], Seconds(0)).await;
    let by_operator_role = fixture.call(&who);

    role::grant(&call, &Holder::Client(made.id.clone()), Role::Owner).await.unwrap();
    let refused = cert::revoke(&by_operator_role, &own, Reason::default()).await;
    assert_eq!(code(refused), Some(Code::Forbidden));
    // It is for the same key, so a compromise revokes the certificate of the owner as well.
    let refused = cert::revoke(&by_operator_role, &of_other, Reason::KeyCompromise).await;
    assert_eq!(code(refused), Some(Code::Forbidden));

    let revoked = cert::revoke(&by_operator_role, &of_other, Reason::default()).await;
    assert_eq!(code(revoked), None);
}

/// The holder of an enrolment token gets a certificate, and with it the roles.
#[tokio::test]
async fn a_role_invalidates_the_enrolment_tokens_of_a_client() {
    let fixture = Fixture::new().await;
    let by_operator = operator();
    let call = fixture.call(&by_operator);
    let made = client::create(&call, &description("Nightly")).await.unwrap().result.client;
    let (db, now) = (fixture.database.store.db(), call.now());
    let digest = Digest::of(b"token");
    assert!(enrolments::insert(db, &digest, &made.id, now, now + Seconds(60)).await.unwrap());

    role::grant(&call, &Holder::Client(made.id.clone()), Role::Auditor).await.unwrap();

    assert!(!enrolments::is_live(db, &digest, &made.id, now).await.unwrap());
}
