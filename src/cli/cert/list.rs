//! `gatewright cert list`.

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::super::desk::Desk;
use super::super::named;
use super::super::print::Output;
use super::{clients, in_json, inventory, parse_duration};
use crate::pki::inventory::{Entry, State};
use crate::store::certificates::Filter;
use crate::store::signing_keys::{self, SigningKeyRow};
use crate::types::{Seconds, Timestamp};

/// `gatewright cert list`
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// Only valid certificates that expire within this time: 30d, 12h.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, conflicts_with = "state")]
    expiring: Option<Seconds>,
    /// Only certificates of this client: its client_id or name.
    #[arg(long, value_name = "CLIENT")]
    client: Option<String>,
    /// Only certificates in this state; all includes expired ones.
    #[arg(long, value_parser = states())]
    state: Option<String>,
}

fn states() -> PossibleValuesParser {
    let states = State::ALL.iter().map(|state| state.as_str());
    states.chain(["all"]).collect::<Vec<_>>().into()
}

impl List {
    fn includes(&self, state: State) -> bool {
        match (&self.state, self.expiring) {
            (Some(asked), _) => asked == "all" || asked == state.as_str(),
            (None, Some(_)) => matches!(state, State::Valid | State::Expiring),
            (None, None) => state != State::Expired,
        }
    }
}

/// Lists the certificates, then the signing keys.
pub(super) async fn list(desk: &Desk, asked: &List) -> anyhow::Result<Output> {
    let inventory = inventory(desk);
    let now = inventory.now;
    let client = match &asked.client {
        Some(which) => Some(named::client(desk, which).await?.id),
        None => None,
    };
    // A revoked certificate whose validity has ended is in state expired.
    let with_expired =
        asked.includes(State::Expired) || asked.state.is_some() && asked.includes(State::Revoked);
    let filter = Filter {
        client_id: client.as_ref(),
        not_after_from: if with_expired { Timestamp(i64::MIN) } else { now },
        not_after_to: asked.expiring.map_or(Timestamp(i64::MAX), |time| now + time),
    };
    let found = inventory.list(&filter).await?;
    let found: Vec<_> = found.iter().filter(|entry| asked.includes(entry.state)).collect();
    let keys = if client.is_none() { inventory.keys().await? } else { Vec::new() };
    let rotation = desk.config.keys.rotation;
    let keys = keys.iter().filter(|key| {
        let ends_in_time = asked
            .expiring
            .is_none_or(|time| ends_at(key, rotation).is_some_and(|at| at <= now + time));
        asked.includes(state(key)) && ends_in_time
    });
    let keys: Vec<_> = keys.collect();

    let headings = ["THUMBPRINT", "ORIGIN", "CLIENT", "SUBJECT", "EXPIRES", "STATE", "TOKENS"];
    let rows = found.iter().map(|entry| row(entry));
    let rows: Vec<_> = rows.chain(keys.iter().map(|key| row_of_key(key, rotation))).collect();
    let json = found.iter().map(|entry| in_json(entry));
    let json = json.chain(keys.iter().map(|key| key_in_json(key, rotation))).collect();
    Ok(Output::table(&headings, &rows, "no certificates match", json))
}

fn row(entry: &Entry) -> Vec<String> {
    let row = &entry.certificate;
    vec![
        row.thumbprint.to_string(),
        row.origin.as_str().to_owned(),
        clients(entry),
        row.subject.clone(),
        row.not_after.to_string(),
        entry.state.as_str().to_owned(),
        entry.tokens.total().to_string(),
    ]
}

/// The state of a signing key, in the terms of certificates.
pub(super) const fn state(key: &SigningKeyRow) -> State {
    match key.state() {
        signing_keys::State::Pending => State::Pending,
        signing_keys::State::Active => State::Valid,
        signing_keys::State::Retiring => State::Expiring,
        signing_keys::State::Retired => State::Expired,
        signing_keys::State::Compromised => State::Revoked,
    }
}

/// When a key stops signing: the actual time, or the scheduled one.
pub(super) fn ends_at(key: &SigningKeyRow, rotation: Seconds) -> Option<Timestamp> {
    key.retiring_at.or_else(|| Some(key.activated_at? + rotation))
}

fn row_of_key(key: &SigningKeyRow, rotation: Seconds) -> Vec<String> {
    vec![
        key.id.clone(),
        "signing key".to_owned(),
        String::new(),
        key.alg.to_string(),
        ends_at(key, rotation).map(|at| at.to_string()).unwrap_or_default(),
        state(key).as_str().to_owned(),
        String::new(),
    ]
}

pub(super) fn key_in_json(key: &SigningKeyRow, rotation: Seconds) -> Value {
    json!({
        "kind": "signing_key",
        "kid": key.id,
        "origin": "own",
        "alg": key.alg,
        "state": state(key),
        "not_before": key.activated_at,
        "not_after": ends_at(key, rotation),
    })
}
