//! A database that stalls for a while and continues: no grant is lost.
//!
//! | variable | meaning |
//! |---|---|
//! | `GATEWRIGHT_TEST_STALLS` | for how many seconds stalls of random length follow each other; four
//! fixed stalls if it is not set |

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::task::{JoinSet, LocalSet};

use crate::application::{Application, RequestError, User};
use crate::browser::Browser;
use crate::installation::{Installation, is_postgres};
use crate::load::{Rng, retry_while_unavailable};
use crate::postgres_restart::{Cluster, Frozen};
use crate::server::Server;

/// Concurrent clients, each with a grant.
const CLIENTS: usize = 12;

/// THREATS EX-04, RT-06: PostgreSQL is frozen, or another process holds the lock of SQLite, with the
/// default grace period. A client that retries an unanswered refresh continues.
#[tokio::test]
async fn no_stall_of_the_database_loses_a_grant() {
    LocalSet::new().run_until(stall_again_and_again()).await;
}

async fn stall_again_and_again() {
    let seconds = std::env::var("GATEWRIGHT_TEST_STALLS").ok().map(|text| text.parse().unwrap());
    let started_at = Instant::now();
    let cluster = if is_postgres() { Some(Cluster::start().await) } else { None };
    let mut installation = match &cluster {
        Some(cluster) => Installation::on_postgres(&cluster.url).await,
        None => Installation::new().await,
    };
    installation.set("DATABASE__ACQUIRE_TIMEOUT", "1");
    installation.set("DATABASE__STATEMENT_TIMEOUT", "2");
    let mut server = Server::start_in(installation).await;
    let photos = server.application("Photos").await;
    let state = Rc::new(State::default());
    let mut refreshing = JoinSet::new();
    for number in 0..CLIENTS {
        let user = server.create_user(&format!("person{number}")).await;
        refreshing.spawn_local(refresh(photos.clone(), user, state.clone()));
    }
    state.wait_for_all_clients().await;

    let mut rng = Rng::new(u64::from(std::process::id()));
    let mut planned = [2, 8, 12, 25].into_iter();
    let mut stalls = 0;
    loop {
        let length = match seconds {
            None => planned.next(),
            Some(most) if stalls == 0 || started_at.elapsed() < Duration::from_secs(most) => {
                Some(1 + rng.next() % 15)
            }
            Some(_) => None,
        };
        let Some(length) = length else { break };
        let stall = Stall::begin(cluster.as_ref(), &server.installation).await;
        tokio::time::sleep(Duration::from_secs(length)).await;
        stall.end().await;
        stalls += 1;
        state.wait_for_all_clients().await;
    }

    state.is_over.set(true);
    refreshing.join_all().await;
    let (lost, busy) = (state.lost.get(), state.busy.get());
    eprintln!("{} refreshes, {busy} answered with busy, {lost} grants lost", state.done.get());
    eprintln!(
        "chaos: stalls of the database | {stalls} | {lost} | {}",
        started_at.elapsed().as_secs()
    );
    assert!(busy > 0, "the stalls were noticed");
    assert_eq!(lost, 0, "grants lost in {stalls} stalls");
    server.stop().await;
}

/// The results of all clients.
#[derive(Default)]
struct State {
    is_over: Cell<bool>,
    done: Cell<u64>,
    busy: Cell<u64>,
    lost: Cell<u64>,
    /// Refreshes of each client, so that none falls behind.
    each: [Cell<u64>; CLIENTS],
    started: Cell<usize>,
}

impl State {
    async fn wait_for_all_clients(&self) {
        let before = self.each.each_ref().map(Cell::get);
        crate::wait_until("every client gets responses", async || {
            self.each.iter().zip(before).all(|(now, before)| now.get() > before + 2)
        })
        .await;
    }
}

fn count(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

/// Refreshes continuously; starts over if the grant is lost.
async fn refresh(photos: Application, user: User, state: Rc<State>) {
    let number = state.started.replace(state.started.get() + 1);
    let (mut browser, http) = (Browser::new(&user), crate::http());
    let mut refresh_token: Option<String> = None;
    while !state.is_over.get() {
        let Some(token) = &refresh_token else {
            // A code whose response was lost is used (RFC 6749 §4.1.2), so another one is requested.
            let code = retry_while_unavailable(async || photos.authorize(&mut browser).await)
                .await
                .unwrap();
            match photos.redeem(&http, &code).await {
                Ok(response) if response.status == 200 => {
                    refresh_token = Some(response.tokens().refresh)
                }
                Ok(_) | Err(RequestError::Unavailable) => {}
                Err(RequestError::ConnectionLost(error)) => panic!("{error:?}"),
            }
            continue;
        };
        match photos.refresh(&http, token).await {
            Ok(response) if response.status == 200 => {
                refresh_token = Some(response.tokens().refresh);
                count(&state.done);
                count(&state.each[number]);
            }
            Ok(response) => {
                eprintln!("a grant is lost: {response:?}");
                count(&state.lost);
                refresh_token = None;
            }
            Err(RequestError::Unavailable) => {
                count(&state.busy);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(RequestError::ConnectionLost(error)) => panic!("{error:?}"),
        }
    }
}

/// A stalled database.
enum Stall {
    Frozen(Frozen),
    Locked(Connection),
}

impl Stall {
    async fn begin(cluster: Option<&Cluster>, installation: &Installation) -> Self {
        let Some(cluster) = cluster else {
            let path = installation.database.strip_prefix("sqlite:").unwrap();
            let connection = Connection::open(path).unwrap();
            connection.execute_batch("PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE").unwrap();
            return Self::Locked(connection);
        };
        Self::Frozen(cluster.freeze())
    }

    async fn end(self) {
        match self {
            Self::Frozen(frozen) => drop(frozen),
            Self::Locked(connection) => connection.execute_batch("ROLLBACK").unwrap(),
        }
    }
}
