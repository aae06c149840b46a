//! Events of the audit trail, as lists show them.

use serde_json::{Map, Value};

use crate::store::audit_events::AuditRow;
use crate::types::Timestamp;

/// An event.
#[derive(Debug)]
pub(super) struct EventLine<'a> {
    /// When it happened.
    pub(super) at: Timestamp,
    /// `client.created`, `request.refused`, …
    pub(super) kind: &'a str,
    /// `success`, or the code of the refusal.
    pub(super) outcome: &'a str,
    /// `operator`, `user:ID`, `client:ID`, or nothing.
    pub(super) actor: Option<&'a str>,
    /// The client.
    pub(super) client: Option<&'a str>,
    /// The user.
    pub(super) user: Option<&'a str>,
    /// The address.
    pub(super) address: Option<&'a str>,
    /// The request id.
    pub(super) request: Option<&'a str>,
    /// Why a request was refused.
    pub(super) why: Option<String>,
    /// What was compared, or changed.
    pub(super) facts: Vec<(String, String)>,
    /// The number of events that the row represents.
    pub(super) count: i64,
}

impl<'a> EventLine<'a> {
    pub(super) fn of(row: &'a AuditRow) -> Self {
        let mut facts: Map<String, Value> = serde_json::from_str(&row.facts).unwrap_or_default();
        let why = facts.remove("why").and_then(|why| why.as_str().map(str::to_owned));
        Self {
            at: Timestamp(row.at_ms.div_euclid(1000)),
            kind: &row.kind,
            outcome: &row.outcome,
            actor: row.actor.as_deref(),
            client: row.client_id.as_deref(),
            user: row.user_id.as_deref(),
            address: row.address.as_deref(),
            request: row.request_id.as_deref(),
            why,
            facts: facts.into_iter().map(|(name, value)| (name, text(value))).collect(),
            count: row.count,
        }
    }

    /// Whether it succeeded.
    pub(super) fn is_success(&self) -> bool {
        self.outcome == "success"
    }

    /// The class of the outcome.
    pub(super) fn class(&self) -> &'static str {
        if self.is_success() { "state state-good" } else { "state state-bad" }
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}
