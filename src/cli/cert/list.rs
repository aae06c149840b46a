//! `gatewright cert list`.

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{clients, parse_duration};
use crate::admin::cert::{self, Query, States, document, key_document};
use crate::admin::{Call, client};
use crate::cli::context::Context;
use crate::cli::print::Output;
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
        let listing = cert::list(&call, &Query { expiring: self.expiring, client, states }).await?;
        let headings = ["THUMBPRINT", "ORIGIN", "CLIENT", "SUBJECT", "EXPIRES", "STATE", "TOKENS"];
        let rows = listing.certificates.iter().map(cells);
        let rows: Vec<_> =
            rows.chain(listing.keys.iter().map(|key| key_cells(&call, key))).collect();
        let json = listing.certificates.iter().map(document);
        let json = json.chain(listing.keys.iter().map(|key| key_document(&call, key))).collect();
        Ok(Output::table(&headings, &rows, "no certificates match", json))
    }
}

fn cells(entry: &Entry) -> Vec<String> {
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

fn key_cells(call: &Call<'_>, key: &SigningKeyRow) -> Vec<String> {
    vec![
        key.id.clone(),
        "signing key".to_owned(),
        String::new(),
        key.alg.to_string(),
        cert::ends_at(call, key).map(|at| at.to_string()).unwrap_or_default(),
        cert::key_state(key).as_str().to_owned(),
        String::new(),
    ]
}
