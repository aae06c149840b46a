//! `gatewright cert list`.

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::Value;

use super::{clients, parse_duration};
use crate::admin::cert::{self, Item, Query, States, document, key_document};
use crate::admin::{PAGE_SIZE, client};
use crate::cli::context::Context;
use crate::cli::print::{Listing, Output};
use crate::config::Config;
use crate::pki::inventory::{Entry, State};
use crate::store::signing_keys::SigningKeyRow;
use crate::types::Seconds;

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
    /// Lists the certificates, then the signing keys.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        let call = context.call();
        let client = match &self.client {
            Some(which) => Some(client::find(&call, which).await?.id),
            None => None,
        };
        let states = match self.state.as_deref() {
            None => States::Usual,
            Some(name) => {
                let only = State::ALL.iter().copied().find(|state| state.as_str() == name);
                only.map_or(States::All, States::Only)
            }
        };
        let query = Query { expiring: self.expiring, client, states };
        let mut cursor = cert::query(&call, query).await?;
        let headings = ["THUMBPRINT", "ORIGIN", "CLIENT", "SUBJECT", "EXPIRES", "STATE", "TOKENS"];
        let mut listing = Listing::new(headings, context.is_json);
        loop {
            let page = cert::page(&call, &mut cursor, PAGE_SIZE).await?;
            listing.page(
                &page.items,
                |item| cells(&context.config, item),
                |item| json(&context.config, item),
            )?;
            if page.is_last {
                return Ok(listing.end("no certificates match")?);
            }
        }
    }
}

fn json(config: &Config, item: &Item) -> Value {
    match item {
        Item::Certificate(entry) => document(entry),
        Item::Key(key) => key_document(config, key),
    }
}

fn cells(config: &Config, item: &Item) -> [String; 7] {
    match item {
        Item::Certificate(entry) => certificate_cells(entry),
        Item::Key(key) => key_cells(config, key),
    }
}

fn certificate_cells(entry: &Entry) -> [String; 7] {
    let row = &entry.certificate;
    [
        row.thumbprint.to_string(),
        row.origin.as_str().to_owned(),
        clients(entry),
        row.subject.clone(),
        row.not_after.to_string(),
        entry.state.as_str().to_owned(),
        entry.tokens.total().to_string(),
    ]
}

fn key_cells(config: &Config, key: &SigningKeyRow) -> [String; 7] {
    [
        key.id.clone(),
        "signing key".to_owned(),
        String::new(),
        key.alg.to_string(),
        cert::ends_at(config, key).map(|at| at.to_string()).unwrap_or_default(),
        cert::key_state(key).as_str().to_owned(),
        String::new(),
    ]
}
