//! Asynchronous audit events: tokens without a row of their own, and refusals.
//!
//! A batch is written every 200 ms or every 500 events. A full buffer delays issuing; a crash may
//! lose the last 200 ms of these events only.

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

/// The most tokens in one row.
const BATCH: usize = 500;

/// The capacity of the buffer; when it is full, issuing waits.
const WAITING: usize = 4_000;

/// The longest time that an event waits.
const DELAY: Duration = Duration::from_millis(200);

/// How often the buffer is checked for a full batch.
const PAUSES: u32 = 20;

/// The most refusals per subscriber and minute that become events; all of them are logged.
const REFUSALS: u32 = 30;

/// The name of the writer in the panic metrics.
const TASK: &str = "audit";

/// The most subscribers that are counted (THREATS DO-12).
const SUBSCRIBERS: usize = 10_000;

/// An issued token without a row of its own.
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
    /// `exp` of a certificate-bound JWT, which is stored nowhere else, to count the valid ones.
    /// Opaque tokens have it in their row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The request.
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

/// A reserved place in the buffer: recording an event in it neither waits nor fails.
#[derive(Debug)]
pub struct Reserved<'a>(mpsc::Permit<'a, Waiting>);

impl Reserved<'_> {
    /// Records that a token was issued.
    pub fn issued(self, token: Issued) {
        self.0.send(Waiting::Token(token));
    }
}

/// The sending side.
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
    /// A recorder and its writer task, which ends when the recorder is dropped.
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

    /// Reserves a place for a token that is about to be issued; waits while the buffer is full.
    /// Call it before anything is consumed for the token, and never in a transaction: the writer
    /// may be waiting for that transaction.
    ///
    /// # Errors
    /// When the writer has ended.
    pub async fn reserve(&self) -> Result<Reserved<'_>, Failure> {
        let place = self.waiting.reserve().await.map(Reserved);
        place.map_err(|_| Failure::Busy("the audit trail is closed"))
    }

    /// Logs a refusal and, within the subscriber's limit per minute, records an event.
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
        // A full buffer drops the event rather than delay the response; the log has it.
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

    /// Waits until all recorded events are written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.waiting.send(Waiting::Flush(done)).await.is_ok() {
            // An error means that the writer has ended after writing everything.
            let _ = written.await;
        }
    }
}

/// Events taken from the buffer and not written yet. They survive a panic of the writer, which
/// loses only the row being written.
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

/// Writes batches until all senders are dropped.
async fn write(
    store: &Store,
    supervisor: &Supervisor,
    receiver: &mut mpsc::Receiver<Waiting>,
    taken: &mut Taken,
) {
    while !taken.is_empty() || receiver.recv_many(&mut taken.waiting, BATCH).await > 0 {
        // New events do not wake this task, so issuing a token costs only a place in the buffer.
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
            insert(store, &event).await;
        }
        if let Some(batch) = batch(&std::mem::take(&mut taken.tokens)) {
            insert(store, &batch).await;
        }
        for done in taken.flushed.drain(..) {
            // The caller may be gone.
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

/// Writes a row, retrying while the database does not respond. Meanwhile the buffer fills and
/// issuing waits, as intended.
async fn insert(store: &Store, row: &AuditRow) {
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
    tracing::error!(kind = %row.kind, count = row.count, "an audit event is lost: the database does not respond");
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::store::test_database::TestDatabase;

    /// An event kind that cannot be written.
    pub(super) const DEFECT: &str = "defect";

    /// THREATS EX-26: events before and after a failing one are written, and waiting callers
    /// continue.
    #[tokio::test]
    async fn a_panic_of_the_writer_loses_one_row_and_the_writer_continues() {
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
    fn the_number_of_counted_subscribers_is_bounded() {
        let (waiting, _writer) = mpsc::channel(1);
        let recorder = Recorder { waiting, refusals: Mutex::default() };

        for address in (0..).map(Ipv4Addr::from_bits).take(3 * SUBSCRIBERS) {
            let trace = Trace { address: Some(address.into()), ..Trace::of_command(0) };
            recorder.admit(&trace);
            assert!(recorder.refusals.lock().unwrap().by_subscriber.len() <= SUBSCRIBERS);
        }
    }
}
