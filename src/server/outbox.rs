//! Sending what waits in the outbox: mails and webhooks, each until it is taken or given up.
//!
//! A row is taken for a while by one statement, sent, and noted as sent. Whoever dies between has sent it
//! once too often: it goes again, under the same id, by which its receiver can tell.

use tokio::task::JoinSet;
use uuid::Uuid;

use crate::app::App;
use crate::outbound::mail::{Letter, Unsent};
use crate::outbound::webhook::{self, Message};
use crate::record::notice::Mail;
use crate::record::{Event, Kind, Trace};
use crate::store::outbox::{self, LeasedMessage, Transport};
use crate::store::retrying;
use crate::types::time::AHEAD;
use crate::types::{Result, Seconds, secret};

/// As many as are sent at once.
const AT_ONCE: i64 = 16;

/// After this, whoever took a row is thought dead: longer than any try takes (a minute, `outbound.timeout`),
/// and than the clocks of two replicas differ besides (THREATS CL-01: two minutes).
const LEASE: Seconds = Seconds::minutes(5);

/// As often as one is tried: for about a day.
const TRIES: i64 = 14;

/// How long after the first try the second one comes; each pause is twice the one before.
const FIRST_PAUSE: Seconds = Seconds(15);

/// No pause is longer.
const LONGEST_PAUSE: Seconds = Seconds::hours(6);

/// Sees to it that nothing is put off until a time that only a clock that was wrong can have told.
pub(super) async fn bring_back(app: &App) -> Result<()> {
    let now = app.clock.now();
    // A pause is up to a quarter longer.
    let furthest = now + LONGEST_PAUSE + Seconds(LONGEST_PAUSE.0 / 4) + AHEAD;
    outbox::bring_back(app.store.db(), furthest, now).await?;
    Ok(())
}

/// Sends what is due. `false`: there was nothing.
pub(super) async fn send(app: &App) -> Result<bool> {
    let holder = Uuid::now_v7().to_string();
    let on = app.store.db();
    let taken = outbox::lease(on, &holder, LEASE, AT_ONCE, app.clock.now()).await?;
    let is_any = !taken.is_empty();
    let mut tries = JoinSet::new();
    for one in taken {
        let (app, holder) = (app.clone(), holder.clone());
        tries.spawn(async move {
            let attempt = attempt(&app, &holder, &one);
            app.metrics.supervisor().contain("notice", attempt).await
        });
    }
    let mut outcome = Ok(is_any);
    while let Some(done) = tries.join_next().await {
        // The others are on their way, whatever became of this one: who is stopped now has sent, perhaps, and
        // sends again. A try that panics is one whose sender died.
        if let Ok(Some(Err(error))) = done {
            outcome = Err(error);
        }
    }
    outcome
}

async fn attempt(app: &App, holder: &str, taken: &LeasedMessage) -> Result<()> {
    let sent = match taken.way {
        Transport::Mail => mail(app, taken).await,
        Transport::Webhook => webhook(app, taken).await,
    };
    let (id, now, way) = (taken.id.as_str(), app.clock.now(), taken.way.as_str());
    let Err(Unsent { why, is_final }) = sent else {
        retrying(|| async { Ok(outbox::mark_sent(app.store.db(), id, holder, now).await?) })
            .await?;
        app.metrics.notice(way, "sent");
        return Ok(());
    };
    let to = told(taken);
    if !is_final && taken.attempts < TRIES {
        let again_at = now + pause(taken.attempts);
        tracing::warn!(id, way, to, why, %again_at, "a notice waits");
        let due = Some(again_at);
        retrying(|| async {
            Ok(outbox::mark_failed(app.store.db(), id, holder, due, &why, now).await?)
        })
        .await?;
        app.metrics.notice(way, "retried");
        return Ok(());
    }
    let is_ours = retrying(|| async {
        let mut tx = app.store.write().await?;
        let is_ours = outbox::mark_failed(&mut tx, id, holder, None, &why, now).await?;
        if is_ours {
            let event = Event::of(Kind::NoticeUndelivered, "failure")
                .fact("id", id)
                .fact("way", way)
                .fact("to", to.as_str())
                .fact("why", why.as_str());
            event.write(&mut tx, &Trace::of_command(app.clock.now_ms())).await?;
            tx.commit().await?;
        }
        Ok(is_ours)
    })
    .await?;
    if is_ours {
        tracing::error!(id, way, to, why, "a notice is given up");
        app.metrics.notice(way, "failed");
    }
    Ok(())
}

/// Whom it goes to, for the log: of a webhook the host alone, for the rest of its URL may be a secret.
fn told(taken: &LeasedMessage) -> String {
    match taken.way {
        Transport::Mail => taken.target.clone(),
        Transport::Webhook => webhook::host(&taken.target),
    }
}

/// A pause grows, and no two that began together end together.
fn pause(attempts: i64) -> Seconds {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(20);
    let pause = FIRST_PAUSE.0.saturating_mul(1 << doublings).min(LONGEST_PAUSE.0);
    let mut byte = [0];
    secret::entropy(&mut byte);
    Seconds(pause + pause * i64::from(byte[0]) / 1024)
}

async fn mail(app: &App, taken: &LeasedMessage) -> Result<(), Unsent> {
    let Mail { subject, text } = Mail::read(&taken.payload)?;
    let letter = Letter { id: &taken.id, to: &taken.target, subject: &subject, text: &text };
    app.mailer.send(letter).await
}

async fn webhook(app: &App, taken: &LeasedMessage) -> Result<(), Unsent> {
    let mut endpoints = app.config.webhooks.endpoints.iter();
    let Some(webhook) = endpoints.find(|webhook| webhook.url.as_str() == taken.target) else {
        return Err(Unsent::for_now("the configuration does not name this webhook any more"));
    };
    let key = webhook.secret.key().map_err(|wrong| Unsent::for_now(wrong.reason))?;
    let message = Message { id: &taken.id, at: app.clock.now(), body: &taken.payload };
    let called = app.outbound.call(&taken.target, message, &key).await;
    called.map_err(|error| Unsent::for_now(error.why()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_last_a_day_in_all() {
        let mut all = 0;
        for attempts in 1..TRIES {
            let Seconds(pause) = pause(attempts);
            assert!((15..=LONGEST_PAUSE.0 * 5 / 4).contains(&pause), "{attempts}: {pause}");
            all += pause;
        }
        assert!((20 * 3600..40 * 3600).contains(&all), "{all}");
    }
}
