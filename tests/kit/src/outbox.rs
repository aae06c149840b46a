//! Mail and webhooks of the server under test.

use crate::receivers::{MailServer, Program};
use crate::server::Server;
use crate::until::until;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::config::{Config, MailTls, Raw, Value as _, Webhook};
use gatewright::record::notice::Mail;
use gatewright::store::outbox::{self, Way};
use gatewright::types::Seconds;

pub const KEY: [u8; 32] = [7; 32];

/// Lets this mail server send for us.
pub fn sends_by(config: &mut Config, server: &MailServer) {
    config.mail.host = Some("127.0.0.1".to_owned());
    config.mail.port = server.port;
    config.mail.tls = MailTls::None;
    config.mail.from = gatewright::config::Mailbox::read(&Raw::Text("Us <us@id.example.org>")).ok();
}

/// Lets this program be told of everything.
pub fn tells(config: &mut Config, program: &Program) {
    calls(config, &format!("http://{}/hook", program.address));
}

/// Lets whoever is behind this URL be told of everything, too.
pub fn calls(config: &mut Config, url: &str) {
    let secret = format!("whsec_{}", STANDARD.encode(KEY));
    let table = Raw::Table(vec![("url", Raw::Text(url)), ("secret", Raw::Text(&secret))]);
    config.outbound.allow_private_networks = true;
    config.webhooks.endpoints.push(Webhook::read(&table).unwrap());
}

impl Server {
    /// Has a mail sent.
    pub async fn send_mail(&self, to: &str, subject: &str) {
        let app = self.app();
        let mail = Mail { subject: subject.to_owned(), text: "Ünd nun?\n.\nEnde\n".to_owned() };
        let mut tx = app.store.write().await.unwrap();
        mail.post(&mut tx, &app.config, to, self.trace().now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// How many wait, and how many were given up.
    pub async fn waiting(&self) -> (i64, i64) {
        outbox::counts(self.app().store.db()).await.unwrap()
    }

    /// Until nothing waits any more.
    pub async fn sent(&self) {
        until("nothing waits", async || self.waiting().await.0 == 0).await;
    }

    /// Puts something in that was tried this often before, by servers that died of it.
    pub async fn tried_before(&self, url: &str, attempts: i64) {
        let on = self.app().store.db();
        // In the future, so that the server itself does not take it meanwhile.
        let mut now = self.trace().now() + Seconds(1000);
        outbox::insert(on, Way::Webhook, url, "{}", now).await.unwrap();
        for _ in 0..attempts {
            assert_eq!(outbox::take(on, "the dead", Seconds(90), 10, now).await.unwrap().len(), 1);
            now = now + Seconds(90);
        }
        self.wait(now.0 - self.trace().now().0);
    }

    /// Has something given up: the configuration names no such webhook.
    pub async fn give_up(&self) {
        self.tried_before("https://nobody.example", 13).await;
        self.given_up().await;
    }

    /// Until something is given up.
    pub async fn given_up(&self) {
        until("it is given up", async || self.waiting().await == (0, 1)).await;
    }

    /// Until something failed this often and waits.
    pub async fn tried(&self, attempts: i64) {
        let counted = format!("outcome=\"retried\"}} {attempts}\n");
        until(&counted, async || self.app().metrics.render(0, 0).contains(&counted)).await;
    }
}
