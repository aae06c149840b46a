//! What the server knows of certificates, for the page.

use crate::app::App;
use crate::pki::inventory::{Entry, Inventory, State};
use crate::store::certificates::{Filter, Origin};
use crate::types::{ClientId, Result, Timestamp};

use super::view::moment;

/// A line of the inventory.
#[derive(Debug)]
pub(super) struct Certificate {
    /// Whose it is.
    pub(super) of: String,
    /// How the server came to know it.
    pub(super) origin: &'static str,
    /// Where it stands in its life.
    pub(super) state: State,
    /// When it counts no more.
    pub(super) until: String,
    /// How many live tokens are bound to it, if any can be, and when it was last shown, if it ever was.
    pub(super) remarks: String,
}

impl Certificate {
    /// Whether it is good for anything.
    pub(super) fn counts(&self) -> bool {
        match self.state {
            State::Valid | State::Expiring => true,
            State::Pending | State::Expired | State::Revoked => false,
        }
    }
}

/// The whole inventory; what expires first comes first.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn certificates(app: &App) -> Result<Vec<Certificate>> {
    // The token that somebody has just fetched is to be counted.
    app.recorder.flush().await;
    let now = app.clock.now();
    let all = Filter {
        client_id: None,
        not_after_from: Timestamp(i64::MIN),
        not_after_to: Timestamp(i64::MAX),
    };
    let inventory = Inventory { store: &app.store, config: &app.config, now };
    let mut lines = Vec::new();
    for entry in inventory.list(&all).await? {
        lines.push(line(app, entry).await?);
    }
    Ok(lines)
}

async fn line(app: &App, entry: Entry) -> Result<Certificate> {
    let Entry { certificate, state, tokens, .. } = entry;
    let of = match &certificate.client_id {
        Some(id) => name(app, id).await?,
        None => certificate.subject,
    };
    let bound = match (certificate.origin, tokens.total()) {
        (Origin::Own | Origin::Anchor | Origin::Intermediate, 0) => None,
        (_, 0) => Some("no live token is bound to it".to_owned()),
        (_, 1) => Some("one live token is bound to it".to_owned()),
        (_, many) => Some(format!("{many} live tokens are bound to it")),
    };
    let used = certificate.last_used_at.map(|at| format!("last shown {}", moment(at)));
    Ok(Certificate {
        of,
        origin: match certificate.origin {
            Origin::Own => "of the server",
            Origin::Anchor => "believed about clients",
            Origin::Issued => "issued by the server",
            Origin::Registered => "registered",
            Origin::Intermediate => "between a client and its authority",
            Origin::Seen => "seen",
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
