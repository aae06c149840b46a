//! A background job that panics is logged, counted and restarted; readiness fails while it keeps
//! panicking.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gatewright::app::{App, Clock};
use gatewright::server::{Running, Sockets, routes};
use gatewright::types::Seconds;
use tokio::net::TcpListener;
use tokio::task::Id;

use kit::http::RequestBuilder;
use kit::server::{START_TIME, Server};
use kit::wait::wait_until;

/// A clock that makes background jobs panic, and no requests.
#[derive(Default)]
struct Fuse {
    /// The tasks that used the clock before any request was sent: the jobs.
    jobs: Mutex<HashSet<Id>>,
    is_learning: AtomicBool,
    is_armed: AtomicBool,
}

impl Fuse {
    fn clock(self: &Arc<Self>) -> Clock {
        let fuse = self.clone();
        Clock::of(move || {
            if let Some(task) = tokio::task::try_id() {
                let mut jobs = fuse.jobs.lock().unwrap_or_else(PoisonError::into_inner);
                if fuse.is_learning.load(Ordering::SeqCst) {
                    jobs.insert(task);
                }
                let is_job = jobs.contains(&task);
                drop(jobs);
                assert!(!(is_job && fuse.is_armed.load(Ordering::SeqCst)), "a defect");
            }
            START_TIME * 1000
        })
    }
}

/// THREATS EX-26: a job that panics is logged, counted and restarted; `/readyz` is 503 while it keeps
/// panicking, and 200 once it has succeeded.
#[tokio::test]
async fn a_job_that_panics_is_counted_and_restarted_and_fails_readiness() {
    let server = Server::with(|config| config.http.request_timeout = Seconds(10)).await;
    let fuse = Arc::new(Fuse::default());
    fuse.is_learning.store(true, Ordering::SeqCst);
    let app = App::open(server.app().config.clone(), fuse.clock(), false).await.unwrap();
    let http = vec![TcpListener::bind("127.0.0.1:0").await.unwrap()];
    let operations = Some(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let sockets = Sockets { http, operations, ..Sockets::default() };
    let running = Running::start(app, routes(), sockets).await.unwrap();
    let (address, operations) = (running.addresses().http[0], running.addresses().operations);
    let panics = async || {
        let metrics = RequestBuilder::new(operations.unwrap(), "GET", "/metrics").send().await.text;
        let line = "gatewright_panics_total{task=\"outbox\"} ";
        let count = metrics.lines().find_map(|other| other.strip_prefix(line));
        count.map_or(0, |count| count.parse::<u32>().unwrap())
    };
    let ready = async || RequestBuilder::new(address, "GET", "/readyz").send().await.status;

    wait_until("the jobs have begun", async || fuse.jobs.lock().unwrap().len() > 1).await;
    fuse.is_learning.store(false, Ordering::SeqCst);
    assert_eq!((ready().await, panics().await), (200, 0));

    fuse.is_armed.store(true, Ordering::SeqCst);
    wait_until("it has panicked three times", async || panics().await >= 3).await;
    assert_eq!(ready().await, 503);
    assert_eq!(RequestBuilder::new(address, "GET", "/healthz").send().await.status, 200);

    fuse.is_armed.store(false, Ordering::SeqCst);
    wait_until("it succeeds again", async || ready().await == 200).await;
    running.stop().await;
}
