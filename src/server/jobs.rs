//! What is done without being asked: seeing what others have changed, sweeping, rotating keys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::listener::told;
use super::outbox;
use super::tls::Tls;
use crate::app::App;
use crate::pki::census::{Census, STALE};
use crate::pki::expiry;
use crate::pki::inventory::Inventory;
use crate::record::Trace;
use crate::record::metrics::Expiring;
use crate::store::certificates::Origin;
use crate::store::{self, jobs, sweep};
use crate::types::{Failure, Result, Seconds, Timestamp};

/// How often a server sees what others have changed: DESIGN §2 promises a second.
const CONFIRM: Duration = Duration::from_millis(500);

/// How often it is tried whether the database takes writes: each try is a commit.
const PROBE: Duration = Duration::from_secs(15);

/// How often the certificates that were shown are written into the inventory, and what is due is sent.
const NOTE: Duration = Duration::from_secs(2);

/// How often the files of those whom we believe are read again.
const TRUST: Duration = Duration::from_secs(10);

/// How often it is seen to that what is known of certificates in use is not too old.
const REVOCATION: Duration = Duration::from_secs(15);

/// How often it is measured what expires, and told.
const MEASURE: Duration = Duration::from_secs(60);

/// How often our own certificates are looked at, and whether it is time to ask about them.
const LOOK: Duration = Duration::from_secs(5);

/// How often work that one replica does is asked for.
const ASK: Duration = Duration::from_secs(20);

/// How often it is done.
const EVERY: Seconds = Seconds(60);

/// How long one sweep takes at most.
const SWEEP: Duration = Duration::from_secs(20);

/// After this long, whoever took a job is thought dead.
const LEASE: Seconds = Seconds::minutes(5);

/// Starts them all; each ends when told to stop.
pub(super) fn start(
    tasks: &mut JoinSet<()>,
    app: &App,
    tls: &Arc<Tls>,
    stopped: &watch::Receiver<bool>,
) {
    let shown = tls.clone();
    let certificates = async move |app: &App| certificates(app, &shown).await;
    // Apart from looking: a responder may take its time.
    let stapled = tls.clone();
    let staple = async move |_: &App| {
        stapled.staple().await;
        Ok(Done::Here)
    };
    tasks.spawn(repeat("staple", LOOK, app.clone(), stopped.clone(), staple));
    let tls = tls.clone();
    let look = async move |_: &App| {
        tls.look(false).await;
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
}

/// Does a job again and again, never two of it at once, whatever comes of it.
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
            () = told(stopped.clone()) => return,
        }
        match app.metrics.supervisor().watch(name, job(&app)).await {
            None => app.metrics.job(name, false),
            Some(Ok(Done::ByOthers)) => {}
            Some(Ok(Done::Here)) => app.metrics.job(name, true),
            Some(Err(error)) => {
                app.metrics.job(name, false);
                tracing::warn!(job = name, %error, "a job failed; it is tried again");
            }
        }
    }
}

/// Who did it.
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

/// A broken file changes nothing but the log: whoever was believed goes on being believed.
async fn trust(app: &App) -> Result<Done> {
    let read = app.clone();
    let reloaded = tokio::task::spawn_blocking(move || read.trust.reload()).await;
    if reloaded.map_err(Failure::internal)?.map_err(Failure::internal)? {
        tracing::info!("the authorities of client certificates were read anew");
    }
    Ok(Done::Here)
}

async fn outbox(app: &App) -> Result<Done> {
    outbox::bring_back(app).await?;
    while outbox::send(app).await? {}
    Ok(Done::Here)
}

/// Every replica measures; one of them tells.
async fn certificates(app: &App, tls: &Tls) -> Result<Done> {
    let inventory = Inventory { store: &app.store, config: &app.config, now: app.clock.now() };
    inventory.note_own(&tls.certificates()).await?;
    inventory.note_anchors(&app.trust.anchors()).await?;
    let census = inventory.census().await?;
    measure(app, &census).await?;
    leased(app, "certificates", async |trace| {
        expiry::send_warnings(&census, &app.store, trace).await
    })
    .await
}

async fn measure(app: &App, census: &Census<'_>) -> Result<()> {
    let left = |ends_at: Timestamp| ends_at - census.now();
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
        // Of what a machine renews day by day less than a week is always left, and what stopped long ago
        // is nobody's concern any more: neither is to be alerted on.
        if census.has_time_to_renew(last) || last.ends_at() < census.now() - STALE {
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
    app.ask_anew().await.map(|()| Done::Here)
}

/// Sweeps all that has expired, for a while, or until told to stop: what is left then waits for the next time.
/// After each batch the database is left to others for as long as it was kept busy.
async fn sweep(app: &App, stopped: &watch::Receiver<bool>) -> Result<Done> {
    let mut failed = None;
    let done = leased(app, "sweep", async |_| {
        let (begun, mut run) = (Instant::now(), sweep::Run::default());
        // What a clock that jumps ahead would have expired is alive when it comes back, and of what was revoked or
        // used somebody still has to know: the later of two clocks does not decide.
        let now = || app.clock.now().min(app.steady.now());
        while begun.elapsed() < SWEEP
            && !*stopped.borrow()
            && let Some(batch) = run.next(&app.store, now()).await
        {
            if let Err(error) = batch.rows {
                // The other tables are swept all the same.
                tracing::warn!(table = batch.table, %error, "a table could not be swept");
                failed = Some(error);
            }
            tokio::time::sleep(batch.took).await;
        }
        Ok(())
    })
    .await?;
    failed.map_or(Ok(done), |error| Err(error.into()))
}

pub(super) async fn acme(app: &App) -> Result<Done> {
    if app.config.acme.directory.is_none() {
        return Ok(Done::ByOthers);
    }
    leased(app, "acme", async |trace| app.acme().order_if_due(trace).await).await
}

async fn keys(app: &App) -> Result<Done> {
    leased(app, "keys", async |trace| app.keyring.tick(&app.store, trace).await).await
}

/// Does what one replica does at a time.
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
    // What it panics at would meet every other replica too: this one is as good as they are.
    let done = app.metrics.supervisor().contain(name, work(&trace)).await;
    done.ok_or_else(|| Failure::internal("it panicked"))??;
    jobs::mark_done(on, name, &holder, app.clock.now()).await?;
    Ok(Done::Here)
}
