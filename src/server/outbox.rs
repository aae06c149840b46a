//! Sends the mails and webhooks of the outbox, each until it is accepted or given up.
//!
//! A row is leased by one statement, sent, and marked as sent. If the process dies in between, it is sent again
//! under the same id, by which the receiver detects the duplicate.

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

/// How many are sent concurrently.
const AT_ONCE: i64 = 16;

/// The lease of a row: longer than an attempt takes (a minute, `outbound.timeout`) plus the maximum difference of
/// the clocks of two replicas (THREATS CL-01: two minutes).
const LEASE: Seconds = Seconds::minutes(5);

/// The maximum number of attempts, over about a day.
const ATTEMPTS: i64 = 14;

/// The pause after the first attempt; each pause is twice the one before.
const FIRST_PAUSE: Seconds = Seconds(15);

/// The longest pause.
const LONGEST_PAUSE: Seconds = Seconds::hours(6);

/// Corrects due times that are too far in the future, which only a wrong clock can have caused.
pub(super) async fn bring_back(app: &App) -> Result<()> {
    let now = app.clock.now();
    // A pause is up to a quarter longer.
    let furthest = now + LONGEST_PAUSE + Seconds(LONGEST_PAUSE.0 / 4) + AHEAD;
    outbox::bring_back(app.store.db(), furthest, now).await?;
    Ok(())
}

/// Sends what is due. `false`: nothing was due.
pub(super) async fn send(app: &App) -> Result<bool> {
    let holder = Uuid::now_v7().to_string();
    let on = app.store.db();
    let taken = outbox::lease(on, &holder, LEASE, AT_ONCE, app.clock.now()).await?;
    let is_any = !taken.is_empty();
    let mut attempts = JoinSet::new();
    for one in taken {
        let (app, holder) = (app.clone(), holder.clone());
        attempts.spawn(async move {
            let attempt = attempt(&app, &holder, &one);
            app.metrics.supervisor().contain("notice", attempt).await
        });
    }
    let mut outcome = Ok(is_any);
    while let Some(done) = attempts.join_next().await {
        // The other attempts continue: an aborted one may have been sent already and would be sent again. A panic
        // counts as an attempt whose process died.
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
    let to = recipient(taken);
    if !is_final && taken.attempts < ATTEMPTS {
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

/// The recipient, for the log: of a webhook only the host, because the rest of its URL may be a secret.
fn recipient(taken: &LeasedMessage) -> String {
    match taken.way {
        Transport::Mail => taken.target.clone(),
        Transport::Webhook => webhook::host(&taken.target),
    }
}

/// Exponential backoff with jitter.
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
        return Err(Unsent::for_now("this webhook is no longer configured"));
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
    fn the_pauses_grow_and_last_a_day_in_total() {
        let mut all = 0;
        for attempts in 1..ATTEMPTS {
            let Seconds(pause) = pause(attempts);
            assert!((15..=LONGEST_PAUSE.0 * 5 / 4).contains(&pause), "{attempts}: {pause}");
            all += pause;
        }
        assert!((20 * 3600..40 * 3600).contains(&all), "{all}");
    }
}
