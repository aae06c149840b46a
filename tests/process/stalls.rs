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

use crate::application::{Application, Person, Trouble};
use crate::browser::Browser;
use crate::load::{Rng, patiently};
use crate::place::{Place, is_postgres};
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
    let begun = Instant::now();
    let cluster = if is_postgres() { Some(Cluster::start().await) } else { None };
    let mut place = match &cluster {
        Some(cluster) => Place::on(&cluster.url).await,
        None => Place::make().await,
    };
    place.set("DATABASE__ACQUIRE_TIMEOUT", "1");
    place.set("DATABASE__STATEMENT_TIMEOUT", "2");
    let mut server = Server::at(place).await;
    let photos = server.application("Photos").await;
    let state = Rc::new(State::default());
    let mut refreshing = JoinSet::new();
    for number in 0..CLIENTS {
        let person = server.person(&format!("person{number}")).await;
        refreshing.spawn_local(refresh(photos.clone(), person, state.clone()));
    }
    state.wait_for_everybody().await;

    let mut rng = Rng::of(u64::from(std::process::id()));
    let mut planned = [2, 8, 12, 25].into_iter();
    let mut stalls = 0;
    loop {
        let length = match seconds {
            None => planned.next(),
            Some(most) if stalls == 0 || begun.elapsed() < Duration::from_secs(most) => {
                Some(1 + rng.throw() % 15)
            }
            Some(_) => None,
        };
        let Some(length) = length else { break };
        let stall = Stall::begin(cluster.as_ref(), &server.place).await;
        tokio::time::sleep(Duration::from_secs(length)).await;
        stall.end().await;
        stalls += 1;
        state.wait_for_everybody().await;
    }

    state.is_over.set(true);
    refreshing.join_all().await;
    let (lost, busy) = (state.lost.get(), state.busy.get());
    eprintln!("{} refreshes, {busy} answered with busy, {lost} grants lost", state.done.get());
    eprintln!("chaos: stalls of the database | {stalls} | {lost} | {}", begun.elapsed().as_secs());
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
    begun: Cell<usize>,
}

impl State {
    async fn wait_for_everybody(&self) {
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
async fn refresh(photos: Application, person: Person, state: Rc<State>) {
    let number = state.begun.replace(state.begun.get() + 1);
    let (mut browser, http) = (Browser::of(&person), crate::http());
    let mut held: Option<String> = None;
    while !state.is_over.get() {
        let Some(token) = &held else {
            // A code whose response was lost is used (RFC 6749 §4.1.2), so another one is requested.
            let code = patiently(async || photos.authorize(&mut browser).await).await.unwrap();
            match photos.redeem(&http, &code).await {
                Ok(response) if response.status == 200 => held = Some(response.tokens().refresh),
                Ok(_) | Err(Trouble::Busy) => {}
                Err(Trouble::Broken(error)) => panic!("{error:?}"),
            }
            continue;
        };
        match photos.refresh(&http, token).await {
            Ok(response) if response.status == 200 => {
                held = Some(response.tokens().refresh);
                count(&state.done);
                count(&state.each[number]);
            }
            Ok(response) => {
                eprintln!("a grant is lost: {response:?}");
                count(&state.lost);
                held = None;
            }
            Err(Trouble::Busy) => {
                count(&state.busy);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(Trouble::Broken(error)) => panic!("{error:?}"),
        }
    }
}

/// A stalled database.
enum Stall {
    Frozen(Frozen),
    Locked(Connection),
}

impl Stall {
    async fn begin(cluster: Option<&Cluster>, place: &Place) -> Self {
        let Some(cluster) = cluster else {
            let path = place.database.strip_prefix("sqlite:").unwrap();
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
