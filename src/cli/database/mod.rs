//! `gatewright database`: declared failovers (decision 0029).

mod lost;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::audit;
use super::context::Context;
use super::print::{self, Output};
use crate::admin::database;
use crate::types::{Seconds, Timestamp};
use lost::Lost;

/// `gatewright database …`
#[derive(Debug, Subcommand)]
pub(super) enum DatabaseCommand {
    /// Declare a failover that may have lost commits: an asynchronous standby was promoted, or a backup was
    /// restored.
    #[command(after_help = "\
Examples:
  gatewright database failed-over --at 2026-01-31T12:00:00Z
  gatewright database failed-over --at 5m --lag 30s
  journalctl -u gatewright -o cat | gatewright database failed-over --at 5m --log -
  gatewright database failed-over --at 2026-01-31T12:00:00Z --log gatewright.log --revoke

For one hour, a refresh token that is up to three generations newer than the database is accepted, once for each
grant that was not refreshed since the failover. Without a declared failover such a token revokes its grant,
because it looks forged or replayed. Declaring the same failover again changes nothing.

Revocations that were lost are undone by the failover, and the database cannot know which they were. Servers log
each revocation (\"message\":\"taken away\"). --log lists those of the lost period; --revoke repeats those of
grants, sessions, consents and tokens. The remaining ones are listed with the command that repeats them.
Commands write no log: repeat by hand what was revoked by a command in the lost period.")]
    FailedOver(FailedOver),
}

/// `gatewright database failed-over`
#[derive(Debug, Args)]
pub(super) struct FailedOver {
    /// When the failover happened: a time such as 2026-01-31T12:00:00Z, or 90s, 5m, 1h ago.
    #[arg(long, value_name = "TIME")]
    at: String,
    /// The maximum replication lag at that time, generously estimated, or the age of the backup.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = super::cert::parse_duration)]
    lag: Seconds,
    /// The JSON log of the servers, which contains the revocations, or - for standard input.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Repeat the revocations found in the log.
    #[arg(long, requires = "log")]
    revoke: bool,
}

impl DatabaseCommand {
    /// Runs the command.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        match self {
            Self::FailedOver(options) => failed_over(context, options).await,
        }
    }
}

async fn failed_over(context: &Context, options: FailedOver) -> Result<Output> {
    let at = audit::parse_time(&options.at, context.now())?;
    let failover = database::failed_over(&context.call(), at, options.lag).await?.result;
    let (from, until) = (at - failover.lag, failover.ends_at);
    let mut text = vec![format!(
        "until {until}, refresh tokens up to three generations newer than the database are accepted, once for each grant that was not refreshed since {at}"
    )];
    let mut json = json!({
        "failed_over_at": at,
        "lag": failover.lag,
        "declared_at": failover.declared_at,
        "until": until,
        "lost_since": from,
    });
    let Some(log) = &options.log else {
        text.push(format!(
            "revocations from {from} to {at} may be lost; find them in the log of the servers (\"message\":\"taken away\"): gatewright database failed-over --at {at} --log FILE"
        ));
        return Ok(Output::line(text.join("\n"), json));
    };
    let lost = lost::read(log, from, at)?;
    text.push(if lost.is_empty() {
        format!("the log contains no revocations from {from} to {at}")
    } else {
        format!("revocations from {from} to {at} that may be lost:\n{}", table(&lost))
    });
    put(&mut json, "lost", lost.iter().map(Lost::json).collect());
    if options.revoke {
        let all: Vec<_> = lost.iter().filter_map(Lost::revoked).collect();
        let effective = database::repeat_revocations(&context.call(), &all).await?.result;
        text.push(format!(
            "repeated {} revocations, of which up to {effective} had effect",
            all.len()
        ));
        put(&mut json, "revoked_again", all.len().into());
    }
    if lost.iter().any(|lost| lost.revoked().is_none()) {
        text.push("repeat by hand those that are listed with a command".to_owned());
    }
    Ok(Output::line(text.join("\n"), json))
}

fn put(json: &mut Value, name: &str, value: Value) {
    if let Some(object) = json.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

fn table(lost: &[Lost]) -> String {
    let rows: Vec<_> = lost.iter().map(row).collect();
    print::table(&["TIME", "KIND", "CLIENT", "USER", "SESSION", "GRANT", "REPEAT WITH"], &rows)
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
        lost.repeated_by(),
    ]
}
