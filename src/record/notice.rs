//! What others are told of: mails to people, webhooks to programs. Both are rows of the outbox, written in
//! the transaction of what they tell of, and sent by a job.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::{Config, NoticeKind};
use crate::store::Tx;
use crate::store::outbox::{self, Transport};
use crate::types::{Failure, Timestamp};

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// What it is about.
    pub subject: String,
    /// What it says: plain text.
    pub text: String,
}

impl Mail {
    /// Has it sent to this address, if there is a mail server that sends for us.
    ///
    /// # Errors
    /// What the database says.
    pub async fn post(
        &self,
        tx: &mut Tx,
        config: &Config,
        to: &str,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        if config.mail.host.is_none() {
            return Ok(());
        }
        let payload = json!(self).to_string();
        outbox::insert(tx, Transport::Mail, to, &payload, now).await
    }

    /// Reads it as it stands in the outbox.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(payload: &str) -> Result<Self, Failure> {
        serde_json::from_str(payload).map_err(Failure::internal)
    }
}

/// Has every webhook called that wants to know of this. The body is that of Standard Webhooks: `type`,
/// `timestamp`, `data`.
///
/// # Errors
/// What the database says.
pub async fn call(
    tx: &mut Tx,
    config: &Config,
    kind: NoticeKind,
    data: &Value,
    now: Timestamp,
) -> sqlx::Result<()> {
    let body = json!({
        "type": kind.as_str(),
        "timestamp": now.to_string(),
        "issuer": config.issuer.as_str(),
        "data": data,
    });
    let body = body.to_string();
    for webhook in config.webhooks.endpoints.iter().filter(|webhook| webhook.receives(kind)) {
        outbox::insert(&mut *tx, Transport::Webhook, webhook.url.as_str(), &body, now).await?;
    }
    Ok(())
}
