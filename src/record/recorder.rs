//! Events that nobody waits for: tokens issued without a row of their own, and refusals.
//!
//! A batch is written every 200 ms or every 500 events. A full buffer slows issuing down; a crash may
//! lose the last 200 ms of these events and of nothing else.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::Supervisor;
use super::event::{Event, Kind, Trace};
use crate::store::Store;
use crate::store::audit_events::{self, AuditRow};
use crate::types::{Failure, Refusal, Subscriber, Thumbprint, Timestamp};

/// As many tokens as one row holds.
const BATCH: usize = 500;

/// As many events as wait to be written before issuing slows down.
const WAITING: usize = 4_000;

/// How long an event waits at most.
const DELAY: Duration = Duration::from_millis(200);

/// How often it is looked meanwhile whether there is a batch.
const PAUSES: u32 = 20;

/// Refusals of one subscriber that become events, in one minute; all of them are logged.
const REFUSALS: u32 = 30;

/// What the writer is called where its panics are counted.
const TASK: &str = "audit";

/// Subscribers that are counted at once (THREATS DO-12).
const SUBSCRIBERS: usize = 10_000;

/// A token that was issued without a row of its own.
#[derive(Clone, Debug, Serialize)]
pub struct Issued {
    /// `jti`
    pub jti: String,
    /// `client_id`
    pub client: String,
    /// The grant that it descends from, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The `grant_type` that it was issued for.
    pub by: &'static str,
    /// The certificate that it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Thumbprint>,
    /// `exp` of a JWT that is bound to a certificate, which stands nowhere else: so it can be told how
    /// many live ones there are. What is told of an opaque token stands in its row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// In which request.
    pub request: String,
    /// Unix milliseconds.
    pub at: i64,
}

#[derive(Debug)]
enum Waiting {
    Token(Issued),
    Event(Box<AuditRow>),
    Flush(oneshot::Sender<()>),
}

/// A place in the buffer: what takes it is noted without waiting and without fail.
#[derive(Debug)]
pub struct Reserved<'a>(mpsc::Permit<'a, Waiting>);

impl Reserved<'_> {
    /// Notes that a token was issued.
    pub fn issued(self, token: Issued) {
        self.0.send(Waiting::Token(token));
    }
}

/// The way in.
#[derive(Debug)]
pub struct Recorder {
    waiting: mpsc::Sender<Waiting>,
    refusals: Mutex<Refusals>,
}

#[derive(Debug, Default)]
struct Refusals {
    minute: i64,
    by_subscriber: HashMap<Subscriber, u32>,
    dropped: i64,
}

impl Recorder {
    /// A recorder and the task that writes for it; the task ends when the recorder is dropped.
    pub fn start(store: Store, supervisor: Supervisor) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let mut taken = Taken::default();
            loop {
                let write = write(&store, &supervisor, &mut receiver, &mut taken);
                if supervisor.watch(TASK, write).await.is_some() {
                    return;
                }
                tokio::time::sleep(DELAY).await;
            }
        });
        (Self { waiting: sender, refusals: Mutex::default() }, task)
    }

    /// Takes a place for a token that is about to be issued; waits while the buffer is full. Before what
    /// decides that it is issued, so that nothing is spent for a token that could not be noted; never
    /// inside a transaction: whoever writes the buffer may wait for it.
    ///
    /// # Errors
    /// When nobody writes any more.
    pub async fn reserve(&self) -> Result<Reserved<'_>, Failure> {
        let place = self.waiting.reserve().await.map(Reserved);
        place.map_err(|_| Failure::Busy("the audit trail is closed"))
    }

    /// Logs a refusal and, unless its subscriber has caused too many this minute, notes an event.
    pub fn refused(&self, refusal: &Refusal, trace: &Trace) {
        tracing::info!(
            request_id = %trace.request_id,
            address = %trace.address(),
            error = refusal.code.as_str(),
            why = refusal.why,
            facts = ?refusal.facts,
            "refused"
        );
        let Some(dropped) = self.admit(trace) else {
            return;
        };
        let mut event = Event::refused(Kind::Refused, refusal);
        if dropped > 0 {
            event = event.fact("refusals_not_recorded_before", dropped);
        }
        // A full buffer drops a refusal's event rather than hold up its answer; the log has it.
        if self.waiting.try_send(Waiting::Event(Box::new(event.row(trace)))).is_err() {
            self.refusals().dropped += 1;
        }
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Some(n)`: this one is recorded, after `n` that were not.
    fn admit(&self, trace: &Trace) -> Option<i64> {
        let mut refusals = self.refusals();
        let minute = trace.at_ms / 60_000;
        if refusals.minute != minute || refusals.by_subscriber.len() >= SUBSCRIBERS {
            refusals.minute = minute;
            refusals.by_subscriber.clear();
        }
        let count = refusals.by_subscriber.entry(trace.subscriber()).or_default();
        *count += 1;
        if *count > REFUSALS {
            refusals.dropped += 1;
            return None;
        }
        Some(std::mem::take(&mut refusals.dropped))
    }

    /// Waits until all that was noted before is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.waiting.send(Waiting::Flush(done)).await.is_ok() {
            // An error means that the writer has ended, after writing what there was.
            let _ = written.await;
        }
    }
}

/// What was taken from the buffer and is not written yet. It outlives a panic of the writer, which loses
/// the one row that it was at.
#[derive(Debug, Default)]
struct Taken {
    waiting: Vec<Waiting>,
    events: VecDeque<Box<AuditRow>>,
    tokens: Vec<Issued>,
    flushed: Vec<oneshot::Sender<()>>,
}

impl Taken {
    fn is_empty(&self) -> bool {
        let Self { waiting, events, tokens, flushed } = self;
        waiting.is_empty() && events.is_empty() && tokens.is_empty() && flushed.is_empty()
    }
}

/// Writes what waits, in batches, until nobody can note anything any more.
async fn write(
    store: &Store,
    supervisor: &Supervisor,
    receiver: &mut mpsc::Receiver<Waiting>,
    taken: &mut Taken,
) {
    while !taken.is_empty() || receiver.recv_many(&mut taken.waiting, BATCH).await > 0 {
        // What is noted while this sleeps wakes nobody: to whoever issues it, a token costs a place in
        // the buffer.
        for _ in 0..PAUSES {
            let is_flushed = taken.waiting.iter().any(|one| matches!(one, Waiting::Flush(_)));
            if taken.waiting.len() == BATCH || is_flushed || receiver.is_closed() {
                break;
            }
            tokio::time::sleep(DELAY / PAUSES).await;
            while taken.waiting.len() < BATCH
                && let Ok(one) = receiver.try_recv()
            {
                taken.waiting.push(one);
            }
        }
        for one in taken.waiting.drain(..) {
            match one {
                Waiting::Token(token) => taken.tokens.push(token),
                Waiting::Event(event) => taken.events.push_back(event),
                Waiting::Flush(done) => taken.flushed.push(done),
            }
        }
        while let Some(event) = taken.events.pop_front() {
            keep(store, &event).await;
        }
        if let Some(batch) = batch(&std::mem::take(&mut taken.tokens)) {
            keep(store, &batch).await;
        }
        for done in taken.flushed.drain(..) {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
        supervisor.succeeded(TASK);
    }
}

/// One row for many tokens.
fn batch(tokens: &[Issued]) -> Option<AuditRow> {
    let last = tokens.last()?;
    Some(AuditRow {
        id: Uuid::now_v7().to_string(),
        at_ms: last.at,
        kind: Kind::TokenIssued.as_str().to_owned(),
        outcome: "success".to_owned(),
        facts: serde_json::to_string(tokens).unwrap_or_default(),
        count: i64::try_from(tokens.len()).unwrap_or(i64::MAX),
        ..AuditRow::default()
    })
}

/// Writes a row, again and again while the database does not answer: meanwhile the buffer fills and
/// issuing slows down, which is what is wanted.
async fn keep(store: &Store, row: &AuditRow) {
    const TRIES: u32 = 50;
    #[cfg(test)]
    assert_ne!(row.kind, tests::DEFECT, "a defect");
    for _ in 0..TRIES {
        match audit_events::insert(store.db(), row).await {
            Ok(()) => return,
            Err(sqlx::Error::PoolClosed) => break,
            Err(error) => {
                tracing::warn!(%error, "an audit event waits for the database");
                tokio::time::sleep(DELAY).await;
            }
        }
    }
    tracing::error!(kind = %row.kind, count = row.count, "an audit event is lost: the database does not answer");
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::store::test_database::TestDatabase;

    /// The kind of an event that cannot be written.
    pub(super) const DEFECT: &str = "defect";

    /// THREATS EX-26: what was noted beside it and after it is written; who waits for it, goes on.
    #[tokio::test]
    async fn a_panic_of_the_writer_costs_one_row_and_the_writer_goes_on() {
        let database = TestDatabase::make().await;
        let supervisor = Supervisor::default();
        let (recorder, _task) = Recorder::start(database.store.clone(), supervisor.clone());
        let note = async |kind: &str| {
            let event = Event::of(Kind::Refused, "failure").row(&Trace::of_command(0));
            let event = AuditRow { kind: kind.to_owned(), ..event };
            recorder.waiting.send(Waiting::Event(Box::new(event))).await.unwrap();
        };

        for kind in ["first", DEFECT, "second", DEFECT, DEFECT] {
            note(kind).await;
        }
        recorder.flush().await;
        note("third").await;
        recorder.flush().await;

        let all = audit_events::Filter { most: 10, ..audit_events::Filter::default() };
        let rows = audit_events::list(database.store.db(), &all).await.unwrap();
        let mut written: Vec<_> = rows.iter().map(|row| row.kind.as_str()).collect();
        written.reverse();
        assert_eq!(written, ["first", "second", "third"]);
        assert_eq!(supervisor.count_of(TASK), 3);
        supervisor.must_keep_working().unwrap();
    }

    /// THREATS DO-12.
    #[test]
    fn nobody_fills_our_memory_with_addresses() {
        let (waiting, _writer) = mpsc::channel(1);
        let recorder = Recorder { waiting, refusals: Mutex::default() };

        for address in (0..).map(Ipv4Addr::from_bits).take(3 * SUBSCRIBERS) {
            let trace = Trace { address: Some(address.into()), ..Trace::of_command(0) };
            recorder.admit(&trace);
            assert!(recorder.refusals.lock().unwrap().by_subscriber.len() <= SUBSCRIBERS);
        }
    }
}
