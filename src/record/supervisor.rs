//! Supervised tasks: a panic is logged and counted, and the task continues.
//!
//! Decision 0031 explains which work is supervised, and which may end.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::types::Failure;

/// This many panics in a row without success mean that a task keeps failing.
const IN_A_ROW: u32 = 3;

/// A task without panics for this long is not failing; it may have had nothing to do.
const RESET_AFTER: Duration = Duration::from_secs(300);

/// The label of `gatewright_panics_total`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Task {
    task: &'static str,
}

/// Supervises tasks. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Supervisor(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    panics: Family<Task, Counter>,
    in_a_row: Mutex<BTreeMap<&'static str, Panics>>,
}

/// The panics of a task since its last success.
#[derive(Debug)]
struct Panics {
    count: u32,
    last: Instant,
}

impl Supervisor {
    pub(super) fn panics(&self) -> &Family<Task, Counter> {
        &self.0.panics
    }

    /// Runs a task that this process needs. `None`: it panicked.
    pub fn run<T>(&self, task: &'static str, work: impl FnOnce() -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(work)).ok();
        self.note(task, done.is_some());
        done
    }

    /// The same for async tasks.
    pub async fn watch<F: Future>(&self, task: &'static str, work: F) -> Option<F::Output> {
        let done = caught(work).await;
        self.note(task, done.is_some());
        done
    }

    /// Runs a task whose panic does not affect this process, such as a request, or a job that
    /// fails alike on every replica. `None`: it panicked.
    pub async fn contain<F: Future>(&self, task: &'static str, work: F) -> Option<F::Output> {
        let done = caught(work).await;
        if done.is_none() {
            self.count(task);
        }
        done
    }

    /// Records a success of a task that never returns.
    pub fn succeeded(&self, task: &'static str) {
        self.in_a_row().remove(task);
    }

    /// Checks that no required task keeps panicking.
    ///
    /// # Errors
    /// `Busy`, when one does.
    pub fn must_keep_working(&self) -> Result<(), Failure> {
        let keeps_failing =
            |one: &Panics| one.count >= IN_A_ROW && one.last.elapsed() < RESET_AFTER;
        if self.in_a_row().values().any(keeps_failing) {
            return Err(Failure::Busy("a background task keeps failing"));
        }
        Ok(())
    }

    fn note(&self, task: &'static str, is_done: bool) {
        if is_done {
            return self.succeeded(task);
        }
        self.count(task);
        let mut in_a_row = self.in_a_row();
        let now = Instant::now();
        let panics = in_a_row.entry(task).or_insert(Panics { count: 0, last: now });
        *panics = Panics { count: panics.count.saturating_add(1), last: now };
    }

    /// The panic hook logs the message.
    fn count(&self, task: &'static str) {
        self.0.panics.get_or_create(&Task { task }).inc();
        tracing::error!(
            task,
            "a task panicked; its current work is aborted, and the task continues"
        );
    }

    /// The number of panics so far.
    #[cfg(test)]
    pub(crate) fn count_of(&self, task: &'static str) -> u64 {
        self.0.panics.get_or_create(&Task { task }).get()
    }

    fn in_a_row(&self) -> MutexGuard<'_, BTreeMap<&'static str, Panics>> {
        self.0.in_a_row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The result, or `None` after a panic.
async fn caught<F: Future>(work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    std::future::poll_fn(move |cx| {
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defect() {
        panic!("a defect");
    }

    /// THREATS EX-26.
    #[tokio::test]
    async fn three_panics_in_a_row_are_too_many_until_there_is_a_success() {
        let supervisor = Supervisor::default();

        for _ in 1..IN_A_ROW {
            assert!(supervisor.run("a", defect).is_none());
            assert!(supervisor.watch("b", async { defect() }).await.is_none());
            supervisor.must_keep_working().unwrap();
        }
        assert!(supervisor.watch("b", async {}).await.is_some());
        supervisor.watch("b", async { defect() }).await;
        supervisor.must_keep_working().unwrap();
        supervisor.run("a", defect);
        assert!(supervisor.must_keep_working().is_err());
        supervisor.succeeded("a");

        supervisor.must_keep_working().unwrap();
        assert_eq!(supervisor.count_of("a"), 3);
    }

    #[tokio::test]
    async fn contained_panics_are_only_counted() {
        let supervisor = Supervisor::default();

        for _ in 0..10 {
            assert!(supervisor.contain("request", async { defect() }).await.is_none());
        }

        supervisor.must_keep_working().unwrap();
        assert_eq!(supervisor.count_of("request"), 10);
    }
}
