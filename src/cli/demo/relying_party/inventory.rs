//! The certificate inventory of the server, for the page.

use crate::admin::PAGE_SIZE;
use crate::app::App;
use crate::pki::inventory::{Entry, State};
use crate::record::Trace;
use crate::store::certificates::{Filter, Origin};
use crate::types::{ClientId, Result, Timestamp};

use super::view::moment;

/// A line of the inventory.
#[derive(Debug)]
pub(super) struct Certificate {
    /// Its client, or its subject.
    pub(super) owner: String,
    /// Its source.
    pub(super) origin: &'static str,
    /// Its state.
    pub(super) state: State,
    /// When it expires.
    pub(super) until: String,
    /// How many valid tokens are bound to it, if any can be, and when it was last presented, if ever.
    pub(super) remarks: String,
}

impl Certificate {
    /// Whether it is valid.
    pub(super) fn is_valid(&self) -> bool {
        match self.state {
            State::Valid | State::Expiring => true,
            State::Pending | State::Expired | State::Revoked => false,
        }
    }
}

/// The whole inventory, by expiry.
///
/// # Errors
/// If the database does not respond.
pub(super) async fn certificates(app: &App) -> Result<Vec<Certificate>> {
    // So that tokens issued a moment ago are counted.
    app.recorder.flush().await;
    let trace = Trace::of_command(app.clock.now_ms());
    let all = Filter {
        client_id: None,
        not_after_from: Timestamp(i64::MIN),
        not_after_to: Timestamp(i64::MAX),
    };
    let inventory = app.inventory(&trace);
    let mut listing = inventory.list(all).await?;
    let mut lines = Vec::new();
    while !listing.is_complete() {
        for entry in inventory.next_page(&mut listing, PAGE_SIZE, |_| true).await? {
            lines.push(line(app, entry).await?);
        }
    }
    Ok(lines)
}

async fn line(app: &App, entry: Entry) -> Result<Certificate> {
    let Entry { certificate, state, tokens, .. } = entry;
    let owner = match &certificate.client_id {
        Some(id) => name(app, id).await?,
        None => certificate.subject,
    };
    let bound = match (certificate.origin, tokens.total()) {
        (Origin::Own | Origin::Anchor | Origin::Intermediate, 0) => None,
        (_, 0) => Some("no valid token is bound to it".to_owned()),
        (_, 1) => Some("one valid token is bound to it".to_owned()),
        (_, many) => Some(format!("{many} valid tokens are bound to it")),
    };
    let used = certificate.last_used_at.map(|at| format!("last presented {}", moment(at)));
    Ok(Certificate {
        owner,
        origin: match certificate.origin {
            Origin::Own => "of the server",
            Origin::Anchor => "trust anchor for clients",
            Origin::Issued => "issued by the built-in CA",
            Origin::Registered => "registered",
            Origin::Intermediate => "intermediate certificate",
            Origin::Seen => "presented by a client",
        },
        state,
        until: moment(certificate.not_after),
        remarks: bound.into_iter().chain(used).collect::<Vec<_>>().join(", "),
    })
}

async fn name(app: &App, id: &ClientId) -> Result<String> {
    let client = app.cache.client(id).await?;
    Ok(client.map_or_else(|| id.to_string(), |client| client.name().to_owned()))
}
