//! Notifications: mails and webhooks. Both are rows of the outbox, written in the transaction of
//! their cause and sent by a job.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::{Config, NoticeKind};
use crate::store::Tx;
use crate::store::outbox::{self, Transport};
use crate::types::{Failure, Timestamp};

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The subject.
    pub subject: String,
    /// The body: plain text.
    pub text: String,
}

impl Mail {
    /// Queues the mail for this address, if a mail server is configured.
    ///
    /// # Errors
    /// When the database fails.
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

    /// Parses a mail of the outbox.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn read(payload: &str) -> Result<Self, Failure> {
        serde_json::from_str(payload).map_err(Failure::internal)
    }
}

/// Queues a call of every webhook that subscribes to this kind. The body has the form of Standard
/// Webhooks: `type`, `timestamp`, `data`.
///
/// # Errors
/// When the database fails.
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
