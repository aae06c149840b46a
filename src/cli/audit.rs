//! `gatewright audit`: the audit trail.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::desk::Desk;
use super::exit::Wrong;
use super::named;
use super::print::Output;
use crate::record::Kind;
use crate::store::audit_events::{self, AuditRow, Filter};
use crate::types::{Seconds, Timestamp};

/// `gatewright audit …`
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// List audit events, newest first.
    #[command(after_help = "\
Examples:
  gatewright audit list --since 1h
  gatewright audit list --user alice --since 30d
  gatewright audit list --request 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f
  gatewright --json audit list --kind request.refused --client 0198c2f0-… --limit 500

The request id is shown on error pages and written to the log.")]
    List(List),
}

/// The filters of `gatewright audit list`; without filters, all events.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only events of this kind, such as sign_in or grant.revoked.
    #[arg(long)]
    kind: Option<String>,
    /// Only events about this client: its client_id or name; for a deleted client, its client_id.
    #[arg(long, value_name = "CLIENT")]
    client: Option<String>,
    /// Only events about this user: username, e-mail address or identifier; for a deleted user, the identifier.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only events of this request.
    #[arg(long, value_name = "REQUEST_ID")]
    request: Option<String>,
    /// Only events since this time, such as 2026-01-31T12:00:00Z, or since 30m, 12h, 7d ago.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only events older than this event: the id of the last event of the previous page.
    #[arg(long, value_name = "EVENT_ID")]
    before: Option<String>,
    /// The maximum number of events.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

impl AuditCommand {
    /// Runs the command.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Output> {
        match self {
            Self::List(asked) => list(desk, asked).await,
        }
    }
}

async fn list(desk: &Desk, asked: List) -> anyhow::Result<Output> {
    if let Some(kind) = &asked.kind {
        must_be_kind(kind)?;
    }
    // An unknown name is an error: an empty list would be a false all-clear (THREATS EX-24).
    let client_id = match &asked.client {
        Some(which) => named::client_in_audit(desk, which).await?,
        None => String::new(),
    };
    let user_id = match &asked.user {
        Some(who) => named::user_in_audit(desk, who).await?,
        None => String::new(),
    };
    let filter = Filter {
        kind: asked.kind.unwrap_or_default(),
        client_id,
        user_id,
        request_id: asked.request.unwrap_or_default(),
        since_ms: asked.since.map_or(Ok(0), |text| since(&text, desk.now()))?,
        before: asked.before.unwrap_or_default(),
        most: asked.limit,
    };
    let events = audit_events::list(desk.store.db(), &filter).await?;
    let rows: Vec<_> = events.iter().map(row).collect();
    let headings =
        ["TIME", "KIND", "OUTCOME", "COUNT", "CLIENT", "USER", "ADDRESS", "REQUEST", "FACTS"];
    let json = events.iter().map(in_json).collect();
    Ok(Output::table(&headings, &rows, "no events match", json))
}

fn must_be_kind(kind: &str) -> Result<(), Wrong> {
    if Kind::ALL.iter().any(|known| known.as_str() == kind) {
        return Ok(());
    }
    let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    Err(Wrong(format!("unknown event kind {kind}; known kinds: {}", known.join(", "))))
}

/// Parses an RFC 3339 time or an age, as Unix milliseconds.
fn since(text: &str, now: Timestamp) -> Result<i64, Wrong> {
    Ok(parse_time(text, now)?.0.saturating_mul(1000))
}

/// Parses an RFC 3339 time, or an age such as `30m`.
pub(super) fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, Wrong> {
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(Timestamp(at.unix_timestamp()));
    }
    let ago = |unit: char, seconds: i64| {
        let count: i64 = text.strip_suffix(unit)?.parse().ok()?;
        (count >= 0).then_some(count.saturating_mul(seconds))
    };
    let ago = ago('s', 1)
        .or_else(|| ago('m', 60))
        .or_else(|| ago('h', 3600))
        .or_else(|| ago('d', 86_400))
        .ok_or_else(|| {
            Wrong(format!("invalid time {text}: expected 2026-01-31T12:00:00Z, or 30m, 12h, 7d"))
        })?;
    Ok(now - Seconds(ago))
}

fn row(event: &AuditRow) -> Vec<String> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    vec![
        Timestamp(event.at_ms.div_euclid(1000)).to_string(),
        event.kind.clone(),
        event.outcome.clone(),
        event.count.to_string(),
        text(&event.client_id),
        text(&event.user_id),
        text(&event.address),
        text(&event.request_id),
        shortened(&event.facts),
    ]
}

/// A batch of issued tokens would fill pages; `--json` prints all of it.
fn shortened(facts: &str) -> String {
    const MOST: usize = 160;
    match facts.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", facts.get(..end).unwrap_or_default()),
        None => facts.to_owned(),
    }
}

/// The row, with its facts as a JSON object instead of JSON in a string.
fn in_json(event: &AuditRow) -> Value {
    let mut object = json!(event);
    if let Ok(facts) = serde_json::from_str::<Value>(&event.facts)
        && let Some(object) = object.as_object_mut()
    {
        object.insert("facts".to_owned(), facts);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_absolute_or_an_age() {
        let now = Timestamp(1_000_000);
        for (text, ms) in [
            ("1970-01-01T00:00:10Z", 10_000),
            ("1970-01-01T02:00:10+02:00", 10_000),
            ("90s", 999_910_000),
            ("2m", 999_880_000),
            ("1h", 996_400_000),
            ("1d", 913_600_000),
        ] {
            assert_eq!(since(text, now).unwrap(), ms, "{text}");
        }
        for text in ["", "h", "-1h", "1", "1w", "yesterday", "1970-01-01"] {
            assert!(since(text, now).is_err(), "{text}");
        }
    }
}
