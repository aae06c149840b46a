//! The outbox: stored notices that are sent by mail and by webhook.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::config::MailTls;
use gatewright::store::outbox::{self, Transport};
use gatewright::store::test_database::execute;
use gatewright::types::Seconds;
use serde_json::Value;

use kit::ca::{Ca, Identity};
use kit::inventory::SelfSignedCertificate;
use kit::outbox::{WEBHOOK_KEY, add_webhook, add_webhook_url, use_mail_server};
use kit::receivers::{MailServer, MailServerOptions, WebhookRequest, WebhookServer};
use kit::server::Server;
use kit::wait::wait_until;

/// Issue 3: through the outbox, by real SMTP. RFC 5322 §3.6.4: the identifier is that of the row, so a
/// retry has the same one.
#[tokio::test]
async fn a_mail_reaches_the_mail_server() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let server = Server::with(|config| use_mail_server(config, &mails)).await;

    server.send_mail("it@rp.example", "Wichtig: Größe").await;

    let mail = mails.next().await;
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("us@id.example.org", "it@rp.example"));
    assert!(mail.header("Message-ID").ends_with("@id.example.org>"));
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("From"), "Us <us@id.example.org>");
    assert!(mail.header("Subject").starts_with("Wichtig: =?utf-8?"), "{}", mail.text);
    server.wait_until_sent().await;
    assert!(mails.is_empty(), "the mail is sent once");
}

/// RFC 3207, RFC 8314: with either kind of TLS, verified with the trust anchors for outbound
/// connections.
#[tokio::test]
async fn a_mail_is_sent_over_tls_only_to_a_trusted_server() {
    let (ours, theirs) = (Ca::new("Ours"), Ca::new("Theirs"));
    let directory = std::env::temp_dir().join(uuid::Uuid::new_v4().to_string());
    std::fs::create_dir(&directory).unwrap();
    let file = directory.join("ca.pem");
    std::fs::write(&file, kit::ca::pem(ours.certificate())).unwrap();
    let named = |ca: &Ca| ca.issue_server(&["localhost"]);

    for (identity, tls, is_sent) in [
        (named(&ours), MailTls::Required, true),
        (named(&ours), MailTls::StartTls, true),
        (named(&theirs), MailTls::Required, false),
        (named(&theirs), MailTls::StartTls, false),
        (ours.issue_server(&["elsewhere.example"]), MailTls::StartTls, false),
        (Identity::self_signed("localhost"), MailTls::Required, false),
    ] {
        let options = MailServerOptions::with_tls(&identity, tls == MailTls::Required);
        let mut mails = MailServer::start(options).await;
        let server = Server::with(|config| {
            use_mail_server(config, &mails);
            config.mail.host = Some("localhost".to_owned());
            config.mail.tls = tls;
            config.outbound.ca_files = vec![file.clone()];
        })
        .await;
        server.send_mail("it@rp.example", "Through TLS").await;
        if is_sent {
            assert_eq!(mails.next().await.header("Subject"), "Through TLS");
        } else {
            server.wait_for_retries(1).await;
            assert!(mails.is_empty());
        }
    }
    // A mail server without STARTTLS gets nothing.
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let server = Server::with(|config| {
        use_mail_server(config, &mails);
        config.mail.tls = MailTls::StartTls;
    })
    .await;
    server.send_mail("it@rp.example", "In clear").await;
    server.wait_for_retries(1).await;
    assert!(mails.is_empty());
    std::fs::remove_dir_all(&directory).unwrap();
}

/// THREATS DO-17: an unavailable mail server blocks nothing, and no mail is lost.
#[tokio::test]
async fn a_temporarily_rejected_mail_is_retried() {
    let mut mails = MailServer::start(MailServerOptions {
        temporary_failures: 2,
        ..MailServerOptions::default()
    })
    .await;
    let server = Server::with(|config| use_mail_server(config, &mails)).await;

    server.send_mail("it@rp.example", "Later").await;
    server.wait_for_retries(1).await;
    server.advance_clock(30);
    server.wait_for_retries(2).await;
    assert!(mails.is_empty());
    server.advance_clock(60);

    assert_eq!(mails.next().await.header("Subject"), "Later");
    server.wait_until_sent().await;
    assert_eq!(server.outbox_counts().await, (0, 0));
}

/// RFC 5321 §4.2.1:
///
/// > The command was not accepted and the requested action did not occur. The SMTP client SHOULD NOT repeat
/// > the exact request
#[tokio::test]
async fn a_permanently_rejected_mail_is_abandoned_and_recorded() {
    let rejection = Some("550 5.1.1 nobody of that name\r\n");
    let mails =
        MailServer::start(MailServerOptions { rejection, ..MailServerOptions::default() }).await;
    let server = Server::with(|config| use_mail_server(config, &mails)).await;

    server.send_mail("gone@rp.example", "To nobody").await;
    server.wait_until_abandoned().await;

    let events = server.audit_events("notice.undelivered").await;
    assert_eq!(events.len(), 1);
    let facts: Value = serde_json::from_str(&events[0].facts).unwrap();
    assert_eq!((&facts["way"], &facts["to"]), (&"mail".into(), &"gone@rp.example".into()));
    assert!(facts["why"].as_str().unwrap().contains("nobody of that name"), "{facts}");
}

/// RFC 4954 §6: an operator corrects faults of the server's own configuration, and the mail is sent
/// then.
#[tokio::test]
async fn a_mail_rejected_for_authentication_is_retried() {
    let rejection = Some("530 5.7.0 authentication required\r\n");
    let mails =
        MailServer::start(MailServerOptions { rejection, ..MailServerOptions::default() }).await;
    let server = Server::with(|config| use_mail_server(config, &mails)).await;

    server.send_mail("it@rp.example", "Later").await;
    server.wait_for_retries(1).await;

    assert_eq!(server.outbox_counts().await, (1, 0));
}

/// Makes the database reject the update that marks the notice with this body as sent.
async fn reject_sent_mark(server: &Server, body: &str) {
    let url = server.app().config.database.url.0.expose();
    let texts = if url.starts_with("sqlite:") {
        format!(
            "CREATE TRIGGER forgets BEFORE UPDATE OF done_at ON outbox WHEN NEW.payload = '{body}'
             BEGIN SELECT RAISE(ABORT, 'forgotten'); END"
        )
    } else {
        format!(
            "CREATE FUNCTION forgets() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RAISE EXCEPTION 'forgotten'; END $$;
             CREATE TRIGGER forgets BEFORE UPDATE OF done_at ON outbox
             FOR EACH ROW WHEN (NEW.payload = '{body}') EXECUTE FUNCTION forgets()"
        )
    };
    execute(&server.app().store, &texts).await.unwrap();
}

/// The outcome of a notice does not affect others that are being sent at the same time: each is sent to
/// completion, once.
#[tokio::test]
async fn notices_sent_at_once_do_not_affect_each_other() {
    let mut quick = WebhookServer::start(Vec::new()).await;
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow_url = format!("http://{}/", slow.local_addr().unwrap());
    let server = Server::with(|config| {
        add_webhook(config, &quick);
        add_webhook_url(config, &slow_url);
    })
    .await;
    reject_sent_mark(&server, "1").await;
    let (on, now) = (server.app().store.db(), server.trace().now());
    let quick_url = server.app().config.webhooks.endpoints[0].url.to_string();
    let mut tx = server.app().store.write().await.unwrap();
    outbox::insert(&mut tx, Transport::Webhook, &quick_url, "1", now).await.unwrap();
    outbox::insert(&mut tx, Transport::Webhook, &slow_url, "2", now).await.unwrap();
    tx.commit().await.unwrap();

    let (mut stream, _) = slow.accept().await.unwrap();
    quick.next().await;
    // If one could stop the other, that would have happened after two more rounds of a job.
    let rounds = || {
        let metrics = server.app().metrics.render(0, 0);
        let line = "gatewright_jobs_total{job=\"confirm\",outcome=\"success\"} ";
        let count = metrics.lines().find_map(|text| text.strip_prefix(line));
        count.map_or(0, |count| count.parse::<u64>().unwrap())
    };
    let enough = rounds() + 2;
    wait_until("two more rounds are over", async || rounds() >= enough).await;
    tokio::io::AsyncWriteExt::write_all(
        &mut stream,
        b"HTTP/1.1 204 So\r\ncontent-length: 0\r\n\r\n",
    )
    .await
    .unwrap();

    wait_until("the other one waits alone", async || server.outbox_counts().await == (1, 0)).await;
    server.advance_clock(299);
    let early = outbox::lease(on, "another", Seconds(1), 10, server.trace().now()).await.unwrap();
    assert!(early.is_empty(), "by a clock that is behind, its sender may still be active");
}

/// Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`; a message that is sent again
/// has the same identifier and a time of its own.
#[tokio::test]
async fn a_webhook_is_signed_and_retried_with_the_same_id() {
    let mut webhook = WebhookServer::start(vec![500, 302]).await;
    let server = Server::with(|config| add_webhook(config, &webhook)).await;
    let certificate = SelfSignedCertificate::new("leaked", 90);

    server.revoke_by_file(&certificate).await.unwrap();

    let mut calls = Vec::new();
    for attempts in 1..=3 {
        calls.push(webhook.next().await);
        if attempts < 3 {
            server.wait_for_retries(attempts).await;
            server.advance_clock(60);
        }
    }
    server.wait_until_sent().await;
    let ids: BTreeSet<_> = calls.iter().map(|call| call.header("webhook-id")).collect();
    let times: BTreeSet<_> = calls.iter().map(|call| call.header("webhook-timestamp")).collect();
    assert_eq!((ids.len(), times.len()), (1, 3));
    for call in &calls {
        assert_eq!(call.header("webhook-signature"), signature(call));
        assert_eq!(call.header("content-type"), "application/json");
    }
    let body: Value = serde_json::from_str(&calls[0].body).unwrap();
    assert_eq!(body["type"], "certificate.revoked");
    assert_eq!(body["data"]["reason"], "keyCompromise");
    assert_eq!(
        body["data"]["certificate"]["thumbprint"],
        certificate.certificate.thumbprint.to_string()
    );
}

/// The signature as a receiver computes it.
fn signature(call: &WebhookRequest) -> String {
    let (id, time) = (call.header("webhook-id"), call.header("webhook-timestamp"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &WEBHOOK_KEY);
    let tag = hmac::sign(&key, format!("{id}.{time}.{}", call.body).as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// Attempts are limited to about a day; then the failure is in the log, the metrics and the audit
/// trail.
#[tokio::test]
async fn an_undeliverable_webhook_is_abandoned_after_a_day_and_recorded() {
    let mut webhook = WebhookServer::start(vec![503; 100]).await;
    let server = Server::with(|config| add_webhook(config, &webhook)).await;

    let url = server.app().config.webhooks.endpoints[0].url.to_string();
    server.queue_after_attempts(&url, 12).await;
    webhook.next().await;
    server.wait_for_retries(1).await;
    assert!(
        server.audit_events("notice.undelivered").await.is_empty(),
        "the 13th attempt is not the last"
    );
    server.advance_clock(8 * 3600);
    webhook.next().await;
    server.wait_until_abandoned().await;
    server.advance_clock(8 * 3600);

    let events = server.audit_events("notice.undelivered").await;
    assert_eq!(events.len(), 1);
    let facts: Value = serde_json::from_str(&events[0].facts).unwrap();
    assert_eq!(facts["way"], "webhook");
    assert_eq!(facts["to"], "127.0.0.1", "the rest of a URL may be a secret");
    assert!(webhook.is_empty());
}

/// A row of a process that was killed is leased again when its lease has expired, and not before.
#[tokio::test]
async fn a_notice_of_a_dead_process_is_taken_over_after_its_lease() {
    let webhook = WebhookServer::start(Vec::new()).await;
    let other_process = Server::with(|config| add_webhook(config, &webhook)).await;
    let now = other_process.trace().now();
    let on = other_process.app().store.db();
    // Due later, so that the server itself does not lease it first.
    outbox::insert(on, Transport::Webhook, "http://127.0.0.1/", "{}", now + Seconds(10))
        .await
        .unwrap();

    let later = now + Seconds(10);
    let leased = outbox::lease(on, "the dead", Seconds(90), 10, later).await.unwrap();
    let early = outbox::lease(on, "another", Seconds(90), 10, later + Seconds(89)).await.unwrap();
    let again = outbox::lease(on, "another", Seconds(90), 10, later + Seconds(90)).await.unwrap();

    assert_eq!((leased.len(), early.len(), again.len()), (1, 0, 1));
    assert_eq!(leased[0].id, again[0].id);
    assert_eq!(again[0].attempts, 2);
    assert!(
        !outbox::mark_sent(on, &leased[0].id, "the dead", later).await.unwrap(),
        "the lease has been taken over"
    );
    assert!(outbox::mark_sent(on, &leased[0].id, "another", later).await.unwrap());
}

/// With several replicas, each notice is sent by one of them.
#[tokio::test]
async fn of_several_replicas_one_sends_each_notice() {
    let mut webhook = WebhookServer::start(Vec::new()).await;
    let server = Server::with(|config| add_webhook(config, &webhook)).await;
    let others = [server.replica().await, server.replica().await];
    let all = 60;

    let now = server.trace().now();
    let url = server.app().config.webhooks.endpoints[0].url.to_string();
    for n in 0..all {
        let on = server.app().store.db();
        outbox::insert(on, Transport::Webhook, &url, &n.to_string(), now).await.unwrap();
    }

    let mut seen = BTreeSet::new();
    for _ in 0..all {
        assert!(seen.insert(webhook.next().await.body), "sent twice");
    }
    server.wait_until_sent().await;
    assert!(webhook.is_empty());
    drop(others);
}

/// Of concurrent takers, each row goes to one.
#[tokio::test]
async fn no_row_is_taken_twice_in_a_race() {
    let server = Server::start().await;
    let now = server.trace().now();
    let on = server.app().store.db();
    for n in 0..40 {
        outbox::insert(
            on,
            Transport::Webhook,
            "http://127.0.0.1/",
            &n.to_string(),
            now + Seconds(60),
        )
        .await
        .unwrap();
    }

    let mut tasks = tokio::task::JoinSet::new();
    for key in 0..16 {
        let app = server.app().clone();
        tasks.spawn(async move {
            let on = app.store.db();
            let key = key.to_string();
            outbox::lease(on, &key, Seconds(90), 7, now + Seconds(60)).await.unwrap()
        });
    }

    let mut ids = Vec::new();
    while let Some(leased) = tasks.join_next().await {
        ids.extend(leased.unwrap().into_iter().map(|one| one.id));
    }
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "taken twice");
}

/// Sent and abandoned notices are deleted after 30 days.
#[tokio::test]
async fn sent_notices_are_deleted_after_30_days() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let server = Server::with(|config| use_mail_server(config, &mails)).await;
    server.send_mail("it@rp.example", "Soon forgotten").await;
    mails.next().await;
    server.wait_until_sent().await;
    server.advance_clock(31 * 24 * 3600);

    let swept = gatewright::store::sweep::once(&server.app().store, server.trace().now()).await;

    let swept = swept.unwrap();
    assert!(swept.contains(&("outbox", 1)), "{swept:?}");
}
