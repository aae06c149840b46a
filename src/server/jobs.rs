//! Background jobs: cache invalidation, clean-up, key rotation and the like.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, timeout};
use uuid::Uuid;

use super::listener::until_shutdown;
use super::outbox;
use super::tls::Tls;
use crate::app::App;
use crate::people::search;
use crate::pki::census::{Census, STALE};
use crate::pki::expiry;
use crate::record::Trace;
use crate::record::metrics::Expiring;
use crate::store::certificates::Origin;
use crate::store::{self, jobs, sweep};
use crate::types::{Failure, Result, Seconds, Timestamp};

/// How often caches are checked against the database: DESIGN §2 promises a second.
const CONFIRM: Duration = Duration::from_millis(500);

/// How often a probe checks whether the database accepts writes: each probe is a commit.
const PROBE: Duration = Duration::from_secs(15);

/// How often sightings of certificates are written to the inventory, and due notices are sent.
const NOTE: Duration = Duration::from_secs(2);

/// How often the files of trust anchors are reloaded.
const TRUST: Duration = Duration::from_secs(10);

/// How often the revocation status of certificates in use is refreshed.
const REVOCATION: Duration = Duration::from_secs(15);

/// How often expiry is measured and reported.
const MEASURE: Duration = Duration::from_secs(60);

/// How often the server's own certificates and their OCSP responses are checked.
const LOOK: Duration = Duration::from_secs(5);

/// How often a replica tries to take the lease of a job.
const ASK: Duration = Duration::from_secs(20);

/// How often a leased job runs.
const EVERY: Seconds = Seconds(60);

/// The maximum duration of one clean-up.
const SWEEP: Duration = Duration::from_secs(50);

/// How much longer than a batch of the clean-up the pause after it is: so much of the database is left to requests.
const PAUSE: u32 = 4;

/// How long a lease is valid if its holder does not end it.
const LEASE: Seconds = Seconds::minutes(5);

/// Starts all jobs; each ends at shutdown.
pub(super) fn start(
    tasks: &mut JoinSet<()>,
    app: &App,
    tls: &Arc<Tls>,
    stopped: &watch::Receiver<bool>,
) {
    let served = tls.clone();
    let certificates = async move |app: &App| certificates(app, &served).await;
    // A job of its own: an OCSP responder may be slow.
    let stapled = tls.clone();
    let staple = async move |_: &App| {
        stapled.staple().await;
        Ok(Done::Here)
    };
    tasks.spawn(repeat("staple", LOOK, app.clone(), stopped.clone(), staple));
    let tls = tls.clone();
    let look = async move |_: &App| {
        tls.reload(false).await;
        Ok(Done::Here)
    };
    tasks.spawn(repeat("tls", LOOK, app.clone(), stopped.clone(), look));
    tasks.spawn(repeat("acme", ASK, app.clone(), stopped.clone(), acme));
    tasks.spawn(repeat("confirm", CONFIRM, app.clone(), stopped.clone(), confirm));
    tasks.spawn(repeat("writes", PROBE, app.clone(), stopped.clone(), writes));
    tasks.spawn(repeat("sightings", NOTE, app.clone(), stopped.clone(), sightings));
    tasks.spawn(repeat("trust", TRUST, app.clone(), stopped.clone(), trust));
    tasks.spawn(repeat("outbox", NOTE, app.clone(), stopped.clone(), outbox));
    tasks.spawn(repeat("revocation", REVOCATION, app.clone(), stopped.clone(), revocation));
    tasks.spawn(repeat("certificates", MEASURE, app.clone(), stopped.clone(), certificates));
    let stopping = stopped.clone();
    let sweep = async move |app: &App| sweep(app, &stopping).await;
    tasks.spawn(repeat("sweep", ASK, app.clone(), stopped.clone(), sweep));
    tasks.spawn(repeat("keys", ASK, app.clone(), stopped.clone(), keys));
    let stopping = stopped.clone();
    let words = async move |app: &App| words(app, &stopping).await;
    tasks.spawn(repeat("words", ASK, app.clone(), stopped.clone(), words));
}

/// Runs a job periodically, never twice at once, whatever its result.
async fn repeat<F>(
    name: &'static str,
    every: Duration,
    app: App,
    stopped: watch::Receiver<bool>,
    job: F,
) where
    F: AsyncFn(&App) -> Result<Done>,
{
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = until_shutdown(stopped.clone()) => return,
        }
        match app.metrics.supervisor().watch(name, job(&app)).await {
            None => app.metrics.job(name, false),
            Some(Ok(Done::ByOthers)) => {}
            Some(Ok(Done::Here)) => app.metrics.job(name, true),
            Some(Err(error)) => {
                app.metrics.job(name, false);
                tracing::warn!(job = name, %error, "a job failed and will be retried");
            }
        }
    }
}

/// Where a job ran.
pub(super) enum Done {
    Here,
    ByOthers,
}

async fn confirm(app: &App) -> Result<Done> {
    app.confirm().await.map(|()| Done::Here)
}

async fn writes(app: &App) -> Result<Done> {
    app.probe_writes().await.map(|()| Done::Here)
}

async fn sightings(app: &App) -> Result<Done> {
    app.sightings.flush(&app.store, &app.trust).await.map(|()| Done::Here)
}

/// An invalid file only causes an error: the previous trust anchors stay in use.
async fn trust(app: &App) -> Result<Done> {
    let read = app.clone();
    let reloaded = tokio::task::spawn_blocking(move || read.trust.reload()).await;
    if reloaded.map_err(Failure::internal)?.map_err(Failure::internal)? {
        tracing::info!("the trust anchors of client certificates were reloaded");
    }
    Ok(Done::Here)
}

async fn outbox(app: &App) -> Result<Done> {
    outbox::bring_back(app).await?;
    while outbox::send(app).await? {}
    Ok(Done::Here)
}

/// Every replica measures; one of them reports.
async fn certificates(app: &App, tls: &Tls) -> Result<Done> {
    let trace = Trace::of_command(app.clock.now_ms());
    let inventory = app.inventory(&trace);
    inventory.note_own(&tls.certificates()).await?;
    inventory.note_anchors(&app.trust.anchors()).await?;
    let census = inventory.census().await?;
    measure(app, &census).await?;
    leased(app, "certificates", async |_| expiry::send_warnings(&census).await).await
}

async fn measure(app: &App, census: &Census<'_>) -> Result<()> {
    let left = |ends_at: Timestamp| ends_at - census.now;
    let watched = census.monitored().map(|life| {
        let labels = Expiring {
            origin: life.origin.as_str(),
            client: String::new(),
            subject: life.subject.clone(),
        };
        (labels, left(life.not_after))
    });
    let (own, above): (Vec<_>, Vec<_>) =
        watched.partition(|(labels, _)| labels.origin == Origin::Own.as_str());
    let clients = census.forecasts().into_iter().filter_map(|forecast| {
        let last = forecast.last?;
        // Certificates that are renewed automatically always have little time left, and clients that stopped
        // long ago are abandoned: neither should cause an alert.
        if census.has_time_to_renew(last) || last.ends_at() < census.now - STALE {
            return None;
        }
        let client = forecast.client.id.to_string();
        let labels = Expiring { origin: "client", client, subject: last.subject.clone() };
        Some((labels, left(last.ends_at())))
    });
    let counts = census.counts().map(|(state, count)| (state.as_str(), count));
    app.metrics.certificates(counts, [own, above, clients.collect()]);
    let (waiting, failed) = store::outbox::counts(app.store.db()).await?;
    app.metrics.outbox(waiting, failed);
    Ok(())
}

async fn revocation(app: &App) -> Result<Done> {
    app.refresh_revocation().await.map(|()| Done::Here)
}

/// Deletes expired rows, for a limited time or until shutdown; the next run continues. It pauses after each batch, so
/// that other statements proceed.
async fn sweep(app: &App, stopped: &watch::Receiver<bool>) -> Result<Done> {
    let mut failed = None;
    let done = leased(app, "sweep", async |_| {
        let (begun, mut run) = (Instant::now(), sweep::Run::default());
        // The earlier of two clocks decides: rows that only a clock running ahead considers expired are still valid
        // when it is corrected, and revoked or used ones are still needed to detect replays.
        let now = || app.clock.now().min(app.steady.now());
        while begun.elapsed() < SWEEP
            && !*stopped.borrow()
            && let Some(batch) = run.next(&app.store, now()).await
        {
            if let Err(error) = batch.rows {
                // The other tables are cleaned up all the same.
                tracing::warn!(table = batch.table, %error, "a table could not be cleaned up");
                failed = Some(error);
            }
            // Ends early at shutdown.
            let _ = timeout(batch.took * PAUSE, until_shutdown(stopped.clone())).await;
        }
        Ok(())
    })
    .await?;
    failed.map_or(Ok(done), |error| Err(error.into()))
}

/// Stores the words of users that an earlier release created, for a limited time or until shutdown; the next run
/// continues. It pauses as `sweep` does.
async fn words(app: &App, stopped: &watch::Receiver<bool>) -> Result<Done> {
    leased(app, "words", async |_| {
        let begun = Instant::now();
        while begun.elapsed() < SWEEP && !*stopped.borrow() {
            let batch = Instant::now();
            if !search::fill(&app.store, app.clock.now()).await? {
                return Ok(());
            }
            let _ = timeout(batch.elapsed() * PAUSE, until_shutdown(stopped.clone())).await;
        }
        Ok(())
    })
    .await
}

pub(super) async fn acme(app: &App) -> Result<Done> {
    if app.config.acme.directory.is_none() {
        return Ok(Done::ByOthers);
    }
    leased(app, "acme", async |trace| app.acme(trace).order_if_due().await).await
}

async fn keys(app: &App) -> Result<Done> {
    leased(app, "keys", async |trace| app.keyring.tick(&app.store, trace).await).await
}

/// Runs a job that only one replica runs at a time.
async fn leased(
    app: &App,
    name: &'static str,
    work: impl AsyncFnOnce(&Trace) -> Result<()>,
) -> Result<Done> {
    let on = app.store.db();
    let holder = Uuid::now_v7().to_string();
    if !jobs::lease(on, name, &holder, EVERY, LEASE, app.clock.now()).await? {
        return Ok(Done::ByOthers);
    }
    let trace = Trace::of_command(app.clock.now_ms());
    // The lease stays taken after a panic: another replica would panic at the same data.
    let done = app.metrics.supervisor().contain(name, work(&trace)).await;
    done.ok_or_else(|| Failure::internal("the job panicked"))??;
    jobs::mark_done(on, name, &holder, app.clock.now()).await?;
    Ok(Done::Here)
}
