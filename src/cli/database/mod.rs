//! `gatewright database`: what is to be done when another database took over (decision 0029).

mod lost;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::audit;
use super::desk::Desk;
use super::print::{self, Answer};
use crate::flow::failover;
use crate::types::{Seconds, Timestamp};
use lost::Lost;

/// What can be said of the database.
#[derive(Debug, Subcommand)]
pub(super) enum DatabaseCommand {
    /// Declare that another database took over and may lack the last commits: an asynchronous standby that
    /// was promoted, or a backup that was put back.
    #[command(after_help = "\
Examples:
  gatewright database failed-over --at 2026-01-31T12:00:00Z
  gatewright database failed-over --at 5m --lag 30s
  journalctl -u gatewright -o cat | gatewright database failed-over --at 5m --log -
  gatewright database failed-over --at 2026-01-31T12:00:00Z --log gatewright.log --revoke

For an hour, an application whose refresh token is up to three generations newer than the database goes on
with its grant, once for each grant that was not refreshed since that time. Without this, such a token ends
its grant: it looks like a forged or a replayed one. Declared again with the same time, nothing changes.

Revocations of the lost time live again, and the database cannot know which they were. The servers log each
of them (\"message\":\"taken away\"): --log lists those of the lost time, --revoke revokes again what has a name
there (grants, sign-ins, consents, tokens), and the rest is listed with the command that does it. Commands write no
log: what they revoked in the lost time has to be done again by hand.")]
    FailedOver(FailedOver),
}

/// When that was, and what is known of it.
#[derive(Debug, Args)]
pub(super) struct FailedOver {
    /// When it took over: a time such as 2026-01-31T12:00:00Z, or how long ago: 90s, 5m, 1h.
    #[arg(long, value_name = "TIME")]
    at: String,
    /// By how much it may have been behind: as old as the backup; of a standby, generously.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = super::cert::length)]
    lag: Seconds,
    /// The log of the servers in JSON, which tells what was revoked; - for standard input.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Revoke again what the log tells of.
    #[arg(long, requires = "log")]
    revoke: bool,
}

impl DatabaseCommand {
    /// Does what was asked.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        match self {
            Self::FailedOver(asked) => failed_over(desk, asked).await,
        }
    }
}

async fn failed_over(desk: &Desk, asked: FailedOver) -> anyhow::Result<Answer> {
    let at = audit::moment(&asked.at, desk.now())?;
    let failover = failover::declare(&desk.store, at, asked.lag, &desk.trace).await?;
    let (from, until) = (at - failover.lag, failover.ends_at);
    let mut text = vec![format!(
        "until {until}: a grant that was not refreshed since {at} goes on, once, with a refresh token up to three generations newer than the database"
    )];
    let mut json = json!({
        "failed_over_at": at,
        "lag": failover.lag,
        "declared_at": failover.declared_at,
        "until": until,
        "lost_since": from,
    });
    let Some(log) = &asked.log else {
        text.push(format!(
            "what was revoked from {from} to {at} may live again; the log of the servers knows (\"message\":\"taken away\"): gatewright database failed-over --at {at} --log FILE"
        ));
        return Ok(Answer::line(text.join("\n"), json));
    };
    let lost = lost::read(log, from, at)?;
    text.push(if lost.is_empty() {
        format!("the log tells of nothing that was revoked from {from} to {at}")
    } else {
        format!("revoked from {from} to {at}, and perhaps lost:\n{}", table(&lost))
    });
    put(&mut json, "lost", lost.iter().map(Lost::json).collect());
    if asked.revoke {
        let all: Vec<_> = lost.iter().filter_map(Lost::revoked).collect();
        let alive = failover::revoke_again(&desk.store, &all, &desk.trace).await?;
        text.push(format!("revoked again: {} ({alive} may have been alive)", all.len()));
        put(&mut json, "revoked_again", all.len().into());
    }
    if lost.iter().any(|lost| lost.revoked().is_none()) {
        text.push("what is listed with a command has to be done again by hand".to_owned());
    }
    Ok(Answer::line(text.join("\n"), json))
}

fn put(json: &mut Value, name: &str, value: Value) {
    if let Some(object) = json.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

fn table(lost: &[Lost]) -> String {
    let rows: Vec<_> = lost.iter().map(row).collect();
    print::table(&["TIME", "KIND", "CLIENT", "USER", "SESSION", "GRANT", "AGAIN BY"], &rows)
}

fn row(lost: &Lost) -> Vec<String> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    vec![
        Timestamp(lost.at_ms.div_euclid(1000)).to_string(),
        lost.kind.clone(),
        text(&lost.client_id),
        text(&lost.user_id),
        text(&lost.session_id),
        text(&lost.grant_id),
        lost.again(),
    ]
}
