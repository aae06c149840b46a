//! Mail and webhooks of the server under test.

use crate::receivers::{MailServer, WebhookServer};
use crate::server::Server;
use crate::wait::wait_until;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::config::{Config, MailTls, RawValue, Value as _, Webhook};
use gatewright::record::notice::Mail;
use gatewright::store::outbox::{self, Transport};
use gatewright::types::Seconds;

pub const WEBHOOK_KEY: [u8; 32] = [7; 32];

/// Configures this mail server for outgoing mail.
pub fn use_mail_server(config: &mut Config, server: &MailServer) {
    config.mail.host = Some("127.0.0.1".to_owned());
    config.mail.port = server.port;
    config.mail.tls = MailTls::None;
    config.mail.from =
        gatewright::config::Mailbox::read(&RawValue::Text("Us <us@id.example.org>")).ok();
}

/// Configures this program as a webhook for all events.
pub fn add_webhook(config: &mut Config, webhook: &WebhookServer) {
    add_webhook_url(config, &format!("http://{}/hook", webhook.address));
}

/// Adds this URL as a webhook for all events.
pub fn add_webhook_url(config: &mut Config, url: &str) {
    let secret = format!("whsec_{}", STANDARD.encode(WEBHOOK_KEY));
    let table =
        RawValue::Table(vec![("url", RawValue::Text(url)), ("secret", RawValue::Text(&secret))]);
    config.outbound.allow_private_networks = true;
    config.webhooks.endpoints.push(Webhook::read(&table).unwrap());
}

impl Server {
    /// Queues a mail.
    pub async fn send_mail(&self, to: &str, subject: &str) {
        let app = self.app();
        let mail = Mail { subject: subject.to_owned(), text: "Ünd nun?\n.\nEnde\n".to_owned() };
        let mut tx = app.store.write().await.unwrap();
        mail.post(&mut tx, &app.config, to, self.trace().now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The numbers of pending and of abandoned messages.
    pub async fn outbox_counts(&self) -> (i64, i64) {
        outbox::counts(self.app().store.db()).await.unwrap()
    }

    /// Waits until no message is pending.
    pub async fn wait_until_sent(&self) {
        wait_until("no message is waiting", async || self.outbox_counts().await.0 == 0).await;
    }

    /// Queues a webhook message after this many attempts of servers that crashed during them.
    pub async fn queue_after_attempts(&self, url: &str, attempts: i64) {
        let on = self.app().store.db();
        // In the future, so that the server itself does not lease the message.
        let mut now = self.trace().now() + Seconds(1000);
        outbox::insert(on, Transport::Webhook, url, "{}", now).await.unwrap();
        for _ in 0..attempts {
            assert_eq!(outbox::lease(on, "the dead", Seconds(90), 10, now).await.unwrap().len(), 1);
            now = now + Seconds(90);
        }
        self.advance_clock(now.0 - self.trace().now().0);
    }

    /// Has a message abandoned: the configuration has no webhook with its URL.
    pub async fn abandon_message(&self) {
        self.queue_after_attempts("https://nobody.example", 13).await;
        self.wait_until_abandoned().await;
    }

    /// Waits until a message is abandoned.
    pub async fn wait_until_abandoned(&self) {
        wait_until("the message is given up", async || self.outbox_counts().await == (0, 1)).await;
    }

    /// Waits until this many attempts have failed and were scheduled again.
    pub async fn wait_for_retries(&self, attempts: i64) {
        let counted = format!("outcome=\"retried\"}} {attempts}\n");
        wait_until(&counted, async || self.app().metrics.render(0, 0).contains(&counted)).await;
    }
}
