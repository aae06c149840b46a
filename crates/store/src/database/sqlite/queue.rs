//! The queue of the threads of a database: first in, first out.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Jobs that no thread has begun.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    filled: Condvar,
}

#[derive(Debug)]
struct State<J> {
    /// Each with its number, in ascending order.
    jobs: VecDeque<(u64, J)>,
    next: u64,
    /// Threads that wait for a job.
    idle: usize,
    is_closed: bool,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        let state = State { jobs: VecDeque::new(), next: 0, idle: 0, is_closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new() }
    }
}

impl<J> Queue<J> {
    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; waits for one. `None`: the queue is closed and empty.
    pub(crate) fn next(&self) -> Option<J> {
        let mut state = self.state();
        loop {
            if let Some((_, job)) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            state.idle += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// The next job, if it fits; waits at most this long for one.
    pub(crate) fn next_if(&self, wait: Duration, fits: impl FnOnce(&J) -> bool) -> Option<J> {
        let mut state = self.state();
        if state.jobs.is_empty() && !wait.is_zero() {
            state.idle += 1;
            let waited = self
                .filled
                .wait_timeout_while(state, wait, |state| state.jobs.is_empty() && !state.is_closed);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
        let (_, job) = state.jobs.front()?;
        fits(job).then(|| state.jobs.pop_front())?.map(|(_, job)| job)
    }

    /// The number of threads that wait for a job.
    pub(crate) fn idle(&self) -> usize {
        self.state().idle
    }

    /// Accepts no more jobs; those that wait are done.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.filled.notify_all();
    }
}

/// A job that was added. Dropped before a thread has begun it, it is withdrawn: its caller is gone.
#[derive(Debug)]
pub(crate) struct Job<'q, J> {
    queue: &'q Arc<Queue<J>>,
    number: u64,
}

impl<'q, J> Job<'q, J> {
    /// Adds a job. `None`: the queue is closed.
    pub(crate) fn add(queue: &'q Arc<Queue<J>>, job: J) -> Option<Self> {
        let mut state = queue.state();
        if state.is_closed {
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.jobs.push_back((number, job));
        let is_waited_for = state.idle > 0;
        drop(state);
        if is_waited_for {
            queue.filled.notify_one();
        }
        Some(Self { queue, number })
    }

    /// Takes it out of the queue. `false`: a thread has begun it.
    pub(crate) fn withdraw(&self) -> bool {
        let mut state = self.queue.state();
        let found = state.jobs.binary_search_by_key(&self.number, |(number, _)| *number);
        found.is_ok_and(|place| state.jobs.remove(place).is_some())
    }
}

impl<J> Drop for Job<'_, J> {
    fn drop(&mut self) {
        self.withdraw();
    }
}
