//! The queue before password hashing, fair between subscribers.
//!
//! Subscribers take turns, so that a single attempt does not wait behind all attempts from another address. When the
//! queue is full, the subscriber with the most places loses its newest one to a subscriber with fewer: a flood from
//! one address only evicts itself (THREATS EX-12, DO-06).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::types::{Failure, Subscriber};

/// The attempts of one subscriber that run at once: fewer than the limit of an account, so that attempts in progress
/// do not use it up.
const RUNNING: usize = 4;

/// The queue.
#[derive(Debug)]
pub(super) struct Turns(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The number of free turns.
    free: usize,
    /// The maximum of `waiting`.
    capacity: usize,
    /// The number of waiting attempts.
    waiting: usize,
    /// The number of the newest waiting attempt.
    last_number: u64,
    /// The subscribers that wait and may run, in the order of their turns.
    order: VecDeque<Subscriber>,
    lines: HashMap<Subscriber, Line>,
}

/// The attempts of one subscriber.
#[derive(Debug, Default)]
struct Line {
    running: usize,
    waiting: VecDeque<(u64, oneshot::Sender<Turn>)>,
}

impl Line {
    /// Whether the subscriber is in the order.
    fn is_ready(&self) -> bool {
        self.running < RUNNING && !self.waiting.is_empty()
    }
}

impl Turns {
    /// A queue with `at_once` turns and `capacity` waiting places.
    pub(super) fn new(at_once: usize, capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: at_once,
            capacity,
            waiting: 0,
            last_number: 0,
            order: VecDeque::new(),
            lines: HashMap::new(),
        })))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the queue is full, and when the place is taken by a subscriber with fewer.
    pub(super) async fn take(&self, subscriber: Subscriber) -> Result<Turn, Failure> {
        const FULL: Failure = Failure::Busy("too many passwords wait to be hashed");
        let (sender, receiver) = oneshot::channel();
        let number = {
            let mut state = lock(&self.0);
            if state.waiting >= state.capacity && !state.make_room(subscriber) {
                return Err(FULL);
            }
            state.enqueue(subscriber, sender)
        };
        let mut place = Waiting { turns: Arc::clone(&self.0), subscriber, number, receiver };
        serve(&self.0);
        (&mut place.receiver).await.map_err(|_| FULL)
    }
}

/// Assigns the free turns.
fn serve(turns: &Arc<Mutex<State>>) {
    loop {
        let next = lock(turns).next();
        let Some((subscriber, sender)) = next else {
            return;
        };
        let turn = Turn(Some((Arc::clone(turns), subscriber)));
        if let Err(mut unwanted) = sender.send(turn) {
            // The receiver is gone. The turn is disarmed, because dropping it would call `serve` recursively.
            unwanted.0 = None;
            lock(turns).done(subscriber);
        }
    }
}

fn lock(turns: &Mutex<State>) -> MutexGuard<'_, State> {
    turns.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn enqueue(&mut self, subscriber: Subscriber, sender: oneshot::Sender<Turn>) -> u64 {
        self.last_number += 1;
        self.waiting += 1;
        let line = self.lines.entry(subscriber).or_default();
        line.waiting.push_back((self.last_number, sender));
        if line.waiting.len() == 1 && line.is_ready() {
            self.order.push_back(subscriber);
        }
        self.last_number
    }

    /// The next waiting attempt, with a turn taken for it.
    fn next(&mut self) -> Option<(Subscriber, oneshot::Sender<Turn>)> {
        while self.free > 0 {
            let subscriber = self.order.pop_front()?;
            let Some(line) = self.lines.get_mut(&subscriber) else {
                continue;
            };
            if !line.is_ready() {
                continue;
            }
            if let Some((_, sender)) = line.waiting.pop_front() {
                self.free -= 1;
                self.waiting -= 1;
                line.running += 1;
                if line.is_ready() {
                    self.order.push_back(subscriber);
                }
                return Some((subscriber, sender));
            }
        }
        None
    }

    /// Frees a turn of this subscriber.
    fn done(&mut self, subscriber: Subscriber) {
        self.free += 1;
        if let Some(line) = self.lines.get_mut(&subscriber) {
            let was_ready = line.is_ready();
            line.running -= 1;
            if !was_ready && line.is_ready() {
                self.order.push_back(subscriber);
            }
        }
        self.tidy(subscriber);
    }

    /// Takes a place from the subscriber with the most, if it has at least two more than the newcomer.
    fn make_room(&mut self, newcomer: Subscriber) -> bool {
        let own = self.lines.get(&newcomer).map_or(0, |line| line.waiting.len());
        let longest = self
            .lines
            .iter_mut()
            .max_by_key(|(_, line)| line.waiting.len())
            .filter(|(_, line)| line.waiting.len() > own + 1);
        let Some((_, line)) = longest else {
            return false;
        };
        // Dropping the sender ends the wait.
        self.waiting -= usize::from(line.waiting.pop_back().is_some());
        true
    }

    /// Removes a waiting attempt that was cancelled.
    fn leave(&mut self, subscriber: Subscriber, number: u64) {
        if let Some(line) = self.lines.get_mut(&subscriber) {
            let before = line.waiting.len();
            line.waiting.retain(|(other, _)| *other != number);
            self.waiting -= before - line.waiting.len();
        }
        self.tidy(subscriber);
    }

    /// Removes a subscriber without waiting attempts from the order, and one without running attempts altogether.
    fn tidy(&mut self, subscriber: Subscriber) {
        let Some(line) = self.lines.get(&subscriber) else {
            return;
        };
        if line.waiting.is_empty() {
            let is_idle = line.running == 0;
            self.order.retain(|other| *other != subscriber);
            if is_idle {
                self.lines.remove(&subscriber);
            }
        }
    }
}

/// A waiting place, given up when dropped.
struct Waiting {
    turns: Arc<Mutex<State>>,
    subscriber: Subscriber,
    number: u64,
    receiver: oneshot::Receiver<Turn>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&self.turns).leave(self.subscriber, self.number);
    }
}

/// A turn, passed on to the next attempt when dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<(Arc<Mutex<State>>, Subscriber)>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((turns, subscriber)) = self.0.take() {
            lock(&turns).done(subscriber);
            serve(&turns);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    fn from(address: &str) -> Subscriber {
        Subscriber::from_address(address.parse().ok())
    }

    /// The served attempts in their order, and the refused ones.
    #[derive(Debug, Default)]
    struct Log {
        served: Vec<String>,
        refused: Vec<String>,
    }

    /// Enqueues all addresses while the only turn is taken, then frees it.
    async fn rush(capacity: usize, addresses: impl IntoIterator<Item = &str>) -> Log {
        let turns = Arc::new(Turns::new(1, capacity));
        let log = Arc::new(Mutex::new(Log::default()));
        let first = turns.take(from("192.0.2.99")).await.unwrap();
        let mut coming = JoinSet::new();
        for address in addresses {
            let (turns, log, address) = (Arc::clone(&turns), Arc::clone(&log), address.to_owned());
            coming.spawn(async move {
                let turn = turns.take(from(&address)).await;
                let mut log = log.lock().unwrap();
                let list = if turn.is_ok() { &mut log.served } else { &mut log.refused };
                list.push(address);
            });
        }
        tokio::task::yield_now().await;
        drop(first);
        coming.join_all().await;
        assert_eq!(lock(&turns.0).free, 1);
        Arc::into_inner(log).unwrap().into_inner().unwrap()
    }

    /// Whether the attempt waits, polled once.
    async fn waits(turn: &mut (impl Future<Output = Result<Turn, Failure>> + Unpin)) -> bool {
        tokio::select! {
            biased;
            _ = turn => false,
            () = std::future::ready(()) => true,
        }
    }

    /// THREATS EX-12: a single attempt is second, however many come from another address.
    #[tokio::test]
    async fn subscribers_take_turns() {
        let log = rush(100, ["192.0.2.1"; 20].into_iter().chain(["192.0.2.2"])).await;

        assert_eq!(log.served.len(), 21);
        assert_eq!(log.served.iter().position(|address| address == "192.0.2.2"), Some(1));
    }

    /// THREATS EX-12: a flood only evicts its own attempts.
    #[tokio::test]
    async fn a_flood_gives_way_to_subscribers_with_fewer_places() {
        let others = ["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"];

        let log = rush(4, ["192.0.2.1"; 20].into_iter().chain(others)).await;

        assert_eq!(log.served, ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]);
        assert_eq!(log.refused.len(), 20);
        assert!(
            log.refused.iter().any(|address| address == "192.0.2.5"),
            "there are no more places"
        );
    }

    #[tokio::test]
    async fn a_cancelled_attempt_frees_its_place() {
        let turns = Turns::new(1, 2);
        let first = turns.take(from("192.0.2.9")).await.unwrap();
        for _ in 0..10 {
            assert!(waits(&mut Box::pin(turns.take(from("192.0.2.1")))).await);
        }
        drop(first);

        let taken = turns.take(from("192.0.2.1")).await.unwrap();

        let state = lock(&turns.0);
        assert_eq!((state.free, state.waiting, state.lines.len()), (0, 0, 1));
        drop(state);
        drop(taken);
        let state = lock(&turns.0);
        assert_eq!((state.free, state.lines.len(), state.order.len()), (1, 0, 0));
    }

    #[tokio::test]
    async fn one_subscriber_does_not_have_all_the_turns() {
        let turns = Turns::new(RUNNING + 1, 10);
        let mut first = Vec::new();
        for _ in 0..RUNNING {
            first.push(turns.take(from("192.0.2.1")).await.unwrap());
        }
        let mut more = Box::pin(turns.take(from("192.0.2.1")));
        assert!(waits(&mut more).await);

        assert!(turns.take(from("192.0.2.2")).await.is_ok());
        first.pop();
        assert!(more.await.is_ok());
    }
}
