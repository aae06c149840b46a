//! `gatewright audit`: the audit trail.

use anyhow::Result;
use clap::{Args, Subcommand};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::context::Context;
use super::exit::Wrong;
use super::print::{Listing, Output};
use crate::admin::PAGE_SIZE;
use crate::admin::audit::{self, Query, document};
use crate::store::audit_events::AuditRow;
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
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        match self {
            Self::List(options) => list(context, options).await,
        }
    }
}

async fn list(context: &Context, options: List) -> Result<Output> {
    let since = options.since.as_deref().map(|text| parse_time(text, context.now())).transpose()?;
    let query = Query {
        kind: options.kind,
        client: options.client,
        user: options.user,
        request: options.request,
        since,
        before: options.before,
    };
    let mut cursor = audit::query(&context.call(), query).await?;
    let headings =
        ["TIME", "KIND", "OUTCOME", "COUNT", "CLIENT", "USER", "ADDRESS", "REQUEST", "FACTS"];
    let mut listing = Listing::new(headings, context.is_json);
    let mut left = options.limit;
    loop {
        let limit = left.min(PAGE_SIZE);
        let page = audit::page(&context.call(), &mut cursor, limit).await?;
        listing.page(&page.items, cells, document)?;
        left -= limit;
        if page.is_last || left == 0 {
            return Ok(listing.end("no events match")?);
        }
    }
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

fn cells(event: &AuditRow) -> [String; 9] {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    [
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_absolute_or_an_age() {
        let now = Timestamp(1_000_000);
        for (text, seconds) in [
            ("1970-01-01T00:00:10Z", 10),
            ("1970-01-01T02:00:10+02:00", 10),
            ("90s", 999_910),
            ("2m", 999_880),
            ("1h", 996_400),
            ("1d", 913_600),
        ] {
            assert_eq!(parse_time(text, now).unwrap().0, seconds, "{text}");
        }
        for text in ["", "h", "-1h", "1", "1w", "yesterday", "1970-01-01"] {
            assert!(parse_time(text, now).is_err(), "{text}");
        }
    }
}
