//! Repeated kills under load: nothing acknowledged is lost, and nothing happens twice.
//!
//! | variable | meaning |
//! |---|---|
//! | `GATEWRIGHT_TEST_KILLS` | the number of kills; 50 if it is not set |
//! | `GATEWRIGHT_TEST_SEED` | the seed that a failed run has printed |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gatewright::store::{ConnectionLimits, OpenMode, Store, sql};
use gatewright::types::Secret;
use sqlx_macros::FromRow;
use tokio::task::{JoinSet, LocalSet};

use crate::application::RequestError;
use crate::installation::{Installation, is_postgres};
use crate::load::{Client, Rng, Service, retry_while_unavailable};
use crate::server::Server;

/// Concurrent users, each with a client.
const USERS: usize = 6;

/// THREATS, RT-03, RT-04.
#[tokio::test]
async fn no_kill_loses_an_acknowledged_change_or_repeats_one() {
    LocalSet::new().run_until(kill_again_and_again()).await;
}

async fn kill_again_and_again() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let kills = number("GATEWRIGHT_TEST_KILLS").unwrap_or(50);
    let seed = number("GATEWRIGHT_TEST_SEED");
    let seed = seed.unwrap_or_else(|| {
        u64::from_be_bytes(uuid::Uuid::new_v4().as_bytes()[..8].try_into().unwrap())
    });
    eprintln!("GATEWRIGHT_TEST_SEED={seed}");
    let mut rng = Rng::new(seed);
    let started_at = Instant::now();

    let mut installation = Installation::new().await;
    // Independent of the speed of the machine: retries after a crash are within the grace period, and
    // sign-ins that a crash interrupted do not throttle an account.
    for (name, value) in [
        ("TOKENS__REFRESH_GRACE", "60"),
        ("TOKENS__CODE_LIFETIME", "600"),
        ("TOKENS__ACCESS_TOKEN_LIFETIME", "3600"),
        ("THROTTLE__ACCOUNT_ATTEMPTS", "1000"),
        ("THROTTLE__NETWORK_ATTEMPTS", "100000"),
    ] {
        installation.set(name, value);
    }
    let mut server = Server::start_in(installation).await;
    let jwks = jwks(&server).await;
    let (mut clients, mut services) = create_clients(&server, &mut rng).await;

    for kill in 1..=kills {
        let moment = Duration::from_millis(50 + rng.next() % 250);
        (clients, services) = run_until_killed(&mut server, clients, services, moment).await;
        server.launch().await;

        for client in &mut clients {
            retry_while_unavailable(async || client.recover().await).await.unwrap();
        }
        for service in &mut services {
            retry_while_unavailable(async || service.recover().await).await.unwrap();
        }
        assert_eq!(self::jwks(&server).await, jwks, "the keys are the same after kill {kill}");
        check_database(&server, &clients).await;
    }

    let sum = |what: fn(&Client) -> usize| clients.iter().map(what).sum::<usize>();
    let (granted, lost) = (sum(|one| one.history.granted.len()), sum(|one| one.history.lost.len()));
    eprintln!("{kills} kills, {granted} codes redeemed, {lost} lost");
    assert!(granted > 0, "there was a load");
    for client in &mut clients {
        retry_while_unavailable(async || client.check_history().await).await.unwrap();
    }
    server.stop().await;
    eprintln!("chaos: kills under load | {kills} | 0 | {}", started_at.elapsed().as_secs());
}

async fn create_clients(server: &Server, rng: &mut Rng) -> (Vec<Client>, Vec<Service>) {
    let applications = [server.application("Photos").await, server.application("Mail").await];
    let mut clients = Vec::new();
    for number in 0..USERS {
        let user = server.create_user(&format!("person{number}")).await;
        let application = &applications[number % applications.len()];
        clients.push(Client::new(application, &user, Rng::new(rng.next())));
    }
    let service = server.service("Backup").await;
    (clients, vec![Service::new(&service), Service::new(&service)])
}

/// Lets all clients work until the server is killed.
async fn run_until_killed(
    server: &mut Server,
    clients: Vec<Client>,
    services: Vec<Service>,
    moment: Duration,
) -> (Vec<Client>, Vec<Service>) {
    let over = Arc::new(AtomicBool::new(false));
    let (mut people, mut machines) = (JoinSet::new(), JoinSet::new());
    for mut client in clients {
        let over = over.clone();
        people.spawn_local(async move {
            repeat_until_killed(&over, async || client.step().await).await;
            client
        });
    }
    for mut service in services {
        let over = over.clone();
        machines.spawn_local(async move {
            repeat_until_killed(&over, async || service.step().await).await;
            service
        });
    }
    tokio::time::sleep(moment).await;
    over.store(true, Ordering::SeqCst);
    server.kill().await;
    (people.join_all().await, machines.join_all().await)
}

/// Works until the connection breaks, which may happen only when the server is killed.
async fn repeat_until_killed(
    over: &AtomicBool,
    mut step: impl AsyncFnMut() -> Result<(), RequestError>,
) {
    loop {
        if let Err(error) = retry_while_unavailable(&mut step).await {
            assert!(over.load(Ordering::SeqCst), "the server broke off by itself: {error:?}");
            return;
        }
    }
}

async fn jwks(server: &Server) -> String {
    let url = format!("{}/jwks", server.issuer);
    crate::http().get(url).send().await.unwrap().text().await.unwrap()
}

#[derive(FromRow)]
struct Grant {
    id: String,
    generation: i64,
    revoked_at: Option<i64>,
}

#[derive(FromRow)]
struct Code {
    digest: Vec<u8>,
    grant_id: String,
    used_at: Option<i64>,
}

#[derive(FromRow)]
struct Count {
    count: i64,
}

/// Compares the responses that the clients got with the content of the database.
async fn check_database(server: &Server, clients: &[Client]) {
    let timeout = Duration::from_secs(30);
    let limits = ConnectionLimits {
        connections: 1,
        acquire: timeout,
        statement: timeout,
        has_pooler: false,
    };
    let url = Secret::new(server.installation.database.clone());
    let store = Store::open(&url, &limits, OpenMode::Migrate).await.unwrap();
    let grants: Vec<Grant> =
        sql("SELECT id, generation, revoked_at FROM grants").fetch_all(store.db()).await.unwrap();
    let codes: Vec<Code> =
        sql("SELECT digest, grant_id, used_at FROM codes").fetch_all(store.db()).await.unwrap();
    let events: Count =
        sql("SELECT count(*) AS count FROM audit_events WHERE kind = 'grant.created'")
            .fetch_one(store.db())
            .await
            .unwrap();
    if !is_postgres() {
        #[derive(FromRow)]
        struct Check {
            integrity_check: String,
        }
        let found = sql("SELECT integrity_check FROM pragma_integrity_check");
        let found: Vec<Check> = found.fetch_all(store.db()).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].integrity_check, "ok");
        let broken = sql("SELECT count(*) AS count FROM pragma_foreign_key_check");
        assert_eq!(broken.fetch_one::<Count>(store.db()).await.unwrap().count, 0);
    }
    store.close().await;

    // a used code has a grant, and an unused one has none.
    let used: BTreeSet<_> =
        codes.iter().filter(|code| code.used_at.is_some()).map(|code| &code.grant_id).collect();
    let families: BTreeMap<_, _> = grants.iter().map(|grant| (&grant.id, grant)).collect();
    assert_eq!(used, families.keys().copied().collect(), "X-02: families and used codes");
    let ids: BTreeSet<_> = codes.iter().map(|code| &code.grant_id).collect();
    assert_eq!(ids.len(), codes.len(), "X-02: one family per code");
    assert_eq!(
        usize::try_from(events.count).unwrap(),
        grants.len(),
        "the audit trail contains each"
    );

    // every acknowledged redemption has a grant. Other grants belong to redemptions whose
    // response was lost, and are revoked.
    let acknowledged: Vec<_> = clients.iter().flat_map(|client| &client.history.granted).collect();
    let mut expected: BTreeSet<&String> = acknowledged.iter().copied().collect();
    assert_eq!(expected.len(), acknowledged.len(), "X-02: no grant was issued twice");
    for lost in clients.iter().flat_map(|client| &client.history.lost) {
        let digest = Secret::new(lost.code.clone()).digest().0;
        let code = codes.iter().find(|code| code.digest == digest).expect("a code that was used");
        assert!(families[&code.grant_id].revoked_at.is_some(), "X-02: reuse revokes");
        expected.insert(&code.grant_id);
    }
    assert_eq!(expected, families.keys().copied().collect(), "X-02: what was told is what is");

    // a step of the generation for every acknowledged successor, and no other.
    for family in clients.iter().filter_map(Client::current_grant) {
        let grant = families[&family.grant];
        assert_eq!(grant.generation, family.generation, "X-03: {family:?}");
        assert_eq!(grant.revoked_at, None, "X-03: {family:?}");
    }
}
