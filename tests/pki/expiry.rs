//! Certificates that expire: the notifications, their recipients and frequency, and the day on which each
//! client stops working.

use gatewright::pki::census::Census;
use gatewright::pki::expiry;
use gatewright::pki::inventory::State;
use gatewright::store::certificates::{self, Origin};
use gatewright::types::{Thumbprint, Timestamp};
use rcgen::KeyPair;
use serde_json::{Value, json};

use kit::ca::{Ca, certificate_params};
use kit::client_certificates::ClientCa;
use kit::expiry::{DAY, notify_operators, validity_in_days};
use kit::inventory::SelfSignedCertificate;
use kit::outbox::{add_webhook, use_mail_server};
use kit::receivers::{MailServer, MailServerOptions, WebhookServer};
use kit::server::{Client, START_TIME, Server};

const HOUR: i64 = 60 * 60;

/// Issue 3: states by configurable thresholds (60, 30, 14, 7, 1 days); each crossing is an audit event, a
/// webhook and a mail to the client's contacts, exactly once each.
#[tokio::test]
async fn each_threshold_is_reported_once_by_event_mail_and_webhook() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let mut program = WebhookServer::start(Vec::new()).await;
    let server = Server::with(|config| {
        use_mail_server(config, &mails);
        add_webhook(config, &program);
    })
    .await;
    let certificate = SelfSignedCertificate::new("billing", 365);
    let client = server.register_with_certificates(&[&certificate]).await;

    server.run_expiry_job_at(304 * DAY).await;
    assert_eq!(
        server.reported_thresholds().await,
        [0; 0],
        "no threshold is crossed with 61 days left"
    );
    for days in [60, 60, 59, 31, 30, 14, 8, 7, 7, 2, 1] {
        server.run_expiry_job_at((365 - days) * DAY).await;
        server.run_expiry_job().await;
    }
    server.run_expiry_job_at(365 * DAY - 1).await;
    server.run_expiry_job_at(365 * DAY).await;
    server.run_expiry_job_at(366 * DAY).await;

    assert_eq!(server.reported_thresholds().await, [60, 30, 14, 7, 1, 0]);
    let mut subjects = Vec::new();
    for _ in 0..6 {
        let mail = mails.next().await;
        assert_eq!(mail.to, "billing@example.org");
        assert!(mail.text.contains("CN=billing") && mail.text.contains(&client.id), "{mail:?}");
        assert!(
            mail.text_on_one_line().contains("get a new certificate and register it instead of")
        );
        assert!(
            mail.text_on_one_line()
                .contains("Nothing stops working at https://id.example.org: Billing")
        );
        subjects.push(mail.header("Subject").to_owned());
    }
    subjects.sort();
    assert_eq!(subjects[0], "The certificate of Billing expires on 2027-11-18, in 14 days");
    assert_eq!(subjects[5], "The certificate of Billing has expired");
    let mut thresholds = Vec::new();
    for _ in 0..6 {
        let body: Value = serde_json::from_str(&program.next().await.body).unwrap();
        assert_eq!(body["data"]["clients"][0]["client_id"], client.id.as_str());
        assert_eq!(body["data"]["clients"][0]["contacts"][0], "billing@example.org");
        let thumbprint = certificate.certificate.thumbprint.to_string();
        assert_eq!(body["data"]["certificate"]["thumbprint"], thumbprint);
        thresholds.push((body["data"]["threshold"].as_i64().unwrap() / DAY, body["type"].clone()));
    }
    thresholds.sort_by_key(|(days, _)| *days);
    assert_eq!(thresholds[0], (0, json!("certificate.expired")));
    assert_eq!(thresholds[5], (60, json!("certificate.expiring")));
    assert!(mails.is_empty() && program.is_empty());
}

/// Exactly once, however many replicas check at the same time.
#[tokio::test]
async fn of_replicas_that_check_at_once_one_reports() {
    let program = WebhookServer::start(vec![503; 1000]).await;
    let server = Server::with(|config| add_webhook(config, &program)).await;
    let certificate: Vec<_> =
        (0..5).map(|n| SelfSignedCertificate::new(&format!("n{n}"), 365)).collect();
    server.register_with_certificates(&certificate.iter().collect::<Vec<_>>()).await;
    server.advance_clock(340 * DAY);

    let mut tasks = tokio::task::JoinSet::new();
    let now = server.trace();
    for _ in 0..8 {
        let (app, trace) = (server.app().clone(), now.clone());
        tasks.spawn(async move {
            let census = app.inventory(&trace).census().await.unwrap();
            expiry::send_warnings(&census).await.unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }

    assert_eq!(server.reported_thresholds().await, [30; 5]);
    let (waiting, _) = gatewright::store::outbox::counts(server.app().store.db()).await.unwrap();
    assert_eq!(waiting, 5);
}

/// Thresholds that were crossed between two checks are reported as one, the nearest.
#[tokio::test]
async fn missed_thresholds_are_reported_as_one() {
    let server = Server::start().await;
    server.register_with_certificates(&[&SelfSignedCertificate::new("late", 365)]).await;

    server.run_expiry_job_at(360 * DAY).await;
    server.run_expiry_job_at(361 * DAY).await;

    assert_eq!(server.reported_thresholds().await, [7]);
}

/// A threshold longer than a third of the lifetime does not apply, so that certificates of 24 hours, as
/// the built-in CA issues them, are not reported from the beginning.
#[tokio::test]
async fn a_short_lived_certificate_is_not_reported_from_its_beginning() {
    let server = Server::start().await;
    server.register_with_certificates(&[&SelfSignedCertificate::new("daily", 1)]).await;
    server.register_with_certificates(&[&SelfSignedCertificate::new("weekly", 7)]).await;

    for hours in 0..(8 * 24) {
        server.run_expiry_job_at(hours * HOUR).await;
    }

    let daily = server.audit_events("certificate.expiring").await.pop().unwrap();
    let facts: Value = serde_json::from_str(&daily.facts).unwrap();
    assert_eq!(facts["threshold"], 6 * HOUR, "a quarter is left without a renewal");
    assert_eq!(
        server.reported_thresholds().await,
        [0, 1, 0, 0],
        "one day before the weekly one expires, and both when they expired"
    );
}

/// A client that has renewed in time gets no mail; the event records the renewal.
#[tokio::test]
async fn a_client_that_has_renewed_gets_no_mail() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let server = Server::with(|config| use_mail_server(config, &mails)).await;
    let (old, new) =
        (SelfSignedCertificate::new("old", 90), SelfSignedCertificate::new("new", 400));
    server.register_with_certificates(&[&old, &new]).await;
    server.register_with_certificates(&[&SelfSignedCertificate::new("other", 90)]).await;

    server.run_expiry_job_at(60 * DAY).await;

    assert_eq!(server.reported_thresholds().await, [30, 30]);
    assert!(mails.next().await.text.contains("CN=other"));
    assert!(mails.is_empty());
    let events = server.audit_events("certificate.expiring").await;
    let renewed: Vec<_> =
        events.iter().filter(|one| one.facts.contains(r#""renewed":true"#)).collect();
    assert_eq!(renewed.len(), 1);
    assert!(renewed[0].facts.contains("CN=old"));
}

/// Certificates without effect are not reported: revoked, of a disabled client, or not presented for a
/// month.
#[tokio::test]
async fn revoked_disabled_and_unused_certificates_are_not_reported() {
    let server = Server::start().await;
    let (revoked, disabled, unused, used) = (
        SelfSignedCertificate::new("revoked", 90),
        SelfSignedCertificate::new("disabled", 90),
        SelfSignedCertificate::new("unused", 90),
        SelfSignedCertificate::new("used", 90),
    );
    server.register_with_certificates(&[&revoked]).await;
    server.revoke_by_file(&revoked).await.unwrap();
    let deleted_client = server.register_with_certificates(&[&disabled]).await;
    server.disable_client(&deleted_client).await;
    let client = server.service().await;
    server.record_sighting(&unused, &client);
    server.flush_sightings().await;
    server.advance_clock(50 * DAY);
    server.record_sighting(&used, &client);
    server.flush_sightings().await;

    server.run_expiry_job_at(60 * DAY).await;

    assert_eq!(server.reported_thresholds().await, [30]);
    assert!(server.audit_events("certificate.expiring").await[0].facts.contains("CN=used"));
}

/// Operators are notified of the server's own certificates, and of those of clients without contacts.
#[tokio::test]
async fn operators_are_notified_where_no_client_contact_is() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let server = Server::with(|config| notify_operators(config, &mails)).await;
    let (own, other) =
        (SelfSignedCertificate::new("id", 90), SelfSignedCertificate::new("service", 90));
    let client = server.service().await;
    server.advance_clock(60 * DAY - 60);
    let now = server.trace().now();
    let mut row = gatewright::pki::inventory::row(&own.certificate, Origin::Own, None, now);
    row.last_used_at = Some(now);
    certificates::record(server.app().store.db(), &row).await.unwrap();
    server.record_sighting(&other, &client);
    server.flush_sightings().await;

    server.run_expiry_job_at(60 * DAY).await;

    let mut messages = [mails.next().await, mails.next().await];
    messages.sort_by_key(|mail| mail.header("Subject").to_owned());
    assert!(messages.iter().all(|mail| mail.to == "ops@id.example.org"));
    assert!(
        messages[0].header("Subject").starts_with("A certificate of the sign-in server expires on")
    );
    assert!(messages[1].header("Subject").starts_with("The certificate of Backup expires on"));
    assert!(messages[0].text.contains("CN=id"));
}

/// The certificate of the server's own listeners is in the inventory while it is presented.
#[tokio::test]
async fn the_certificate_of_the_server_is_monitored() {
    let server = Server::with_tls(|_| {}).await;

    server.inventory(&server.trace()).note_own(&server.certificates()).await.unwrap();

    let own = server
        .census(|census| census.monitored().map(|life| life.subject.clone()).collect::<Vec<_>>());
    assert_eq!(own.await, ["CN=id.example.org"]);
    server.advance_clock(2 * HOUR);
    assert_eq!(
        server.census(|census| census.monitored().count()).await,
        0,
        "it is no longer presented"
    );
}

/// The certificates of the built-in CA are monitored while they are valid, whether they issue or not.
#[tokio::test]
async fn the_certificates_of_the_built_in_ca_are_monitored() {
    let server = Server::with_built_in_ca().await;
    let client = server.service().await;
    server.issue_certificate(&client, &rcgen::KeyPair::generate().unwrap()).await.unwrap();

    server.advance_clock(2 * HOUR);

    let ours = |census: &Census<'_>| {
        census.monitored().filter(|life| census.ca_role(life).is_some()).count()
    };
    assert_eq!(server.census(ours).await, 2, "root and issuing certificate");
}

/// Issue 3: `cert forecast` lists which clients stop working on which day, except those that have
/// renewed.
#[tokio::test]
async fn the_forecast_lists_which_client_stops_on_which_day() {
    let server = Server::start().await;
    let (soon, renewed, unknown) = (
        server.certificate_bound_client("Soon").await,
        server.certificate_bound_client("Renewed").await,
        server.certificate_bound_client("Unknown").await,
    );
    server.record_sighting(&SelfSignedCertificate::new("soon", 20), &soon);
    server.record_sighting(&SelfSignedCertificate::new("old", 10), &renewed);
    server.record_sighting(&SelfSignedCertificate::new("new", 300), &renewed);
    let revoked = SelfSignedCertificate::new("revoked", 500);
    server.record_sighting(&revoked, &soon);
    // A client that needs no certificate does not stop working.
    server.register_with_certificates(&[&SelfSignedCertificate::new("key", 5)]).await;
    server.flush_sightings().await;
    server.revoke_by_file(&revoked).await.unwrap();

    let stops = server.forecasts().await;

    let expected = [("Unknown", None), ("Soon", Some(20)), ("Renewed", Some(300))];
    let expected = expected.map(|(name, day)| (name.to_owned(), day, false));
    assert_eq!(stops, expected);
    server.advance_clock(25 * DAY);
    assert_eq!(server.forecasts().await[1], ("Soon".to_owned(), Some(20), false), "it has stopped");
    server.disable_client(&soon).await;
    assert_eq!(server.forecasts().await.len(), 2);
    drop(unknown);
}

/// A client whose machine renews its short-lived certificates is marked as renewing automatically while
/// its next renewal is not overdue.
#[tokio::test]
async fn a_client_that_renews_automatically_is_marked() {
    let server = Server::start().await;
    let client = server.certificate_bound_client("Daily").await;
    let day = |n: i64, length: i64| {
        let from = START_TIME + n * 16 * HOUR;
        SelfSignedCertificate::between(&format!("d{n}"), from, from + length * HOUR)
    };
    server.record_sighting(&day(0, 24), &client);
    server.flush_sightings().await;
    assert!(!server.forecasts().await[0].2, "one alone has not been renewed");

    server.advance_clock(16 * HOUR);
    server.record_sighting(&day(1, 24), &client);
    server.flush_sightings().await;

    assert!(server.forecasts().await[0].2);
    server.advance_clock(17 * HOUR);
    assert!(server.forecasts().await[0].2, "a third is left: many renew now");
    server.advance_clock(2 * HOUR);
    assert!(!server.forecasts().await[0].2, "the next one is late");
}

/// Issue 3: the number of valid tokens bound to a certificate. A revoked certificate no longer
/// authenticates, and tokens bound to it are invalid. Over real TLS.
#[tokio::test]
async fn bound_tokens_are_counted_and_invalid_once_it_is_revoked() {
    let server = Server::with_tls(|_| {}).await;
    let (jwt, opaque) = (
        server.certificate_bound_client("Jwt").await,
        server.certificate_bound_client("Opaque").await,
    );
    server
        .update_client(&opaque, |metadata| {
            metadata.gw_access_token_format =
                gatewright::types::client::TokenFormat::parse("opaque");
        })
        .await;
    let identity = Ca::new("Clients").issue(long_lived_params());
    let request = async |client: &Client| {
        let request = server.mtls_request(Some(&identity), "POST", "/token");
        let request = request.basic(&client.id, &client.secret);
        request.form("grant_type=client_credentials").send().await
    };

    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push((&jwt, request(&jwt).await.ok().token("access_token")));
    }
    tokens.push((&opaque, request(&opaque).await.ok().token("access_token")));
    let (client, first) = &tokens[0];
    server.post_as(client, "/revoke", &format!("token={first}")).await.ok();
    tokens.remove(0);
    server.app().recorder.flush().await;
    server.flush_sightings().await;

    let found = server.inventory(&server.trace()).find(&identity.thumbprint()).await.unwrap();
    let [entry] = &found[..] else { panic!("{found:?}") };
    assert_eq!((entry.tokens.jwt, entry.tokens.opaque, entry.tokens.grants), (2, 1, 0));
    assert_eq!(entry.certificate.origin, Origin::Seen);
    assert_eq!(entry.certificate.last_used_at, Some(Timestamp(START_TIME)));
    assert_eq!(entry.holders.len(), 2);
    for (client, token) in &tokens {
        assert!(server.is_active(client, token).await);
    }

    let trace = server.trace();
    let reason = gatewright::pki::Reason::KeyCompromise;
    server.inventory(&trace).revoke(&entry.certificate, reason).await.unwrap();

    for (client, token) in &tokens {
        assert!(!server.is_active(client, token).await);
    }
    server.advance_clock(301);
    let found = server.inventory(&server.trace()).find(&identity.thumbprint()).await.unwrap();
    assert_eq!(found[0].tokens.total(), 0, "the tokens have expired");
}

/// A certificate in a request without successful authentication is counted and not stored.
#[tokio::test]
async fn a_certificate_of_an_unauthenticated_request_is_counted_not_stored() {
    let server = Server::with_tls(|_| {}).await;
    let client = server.certificate_bound_client("Known").await;
    let identity = Ca::new("Strangers").issue(long_lived_params());

    let request = server.mtls_request(Some(&identity), "POST", "/token").basic(&client.id, "wrong");
    request.form("grant_type=client_credentials").send().await.refused(401, "invalid_client");
    server.flush_sightings().await;

    assert!(
        server.inventory(&server.trace()).find(&identity.thumbprint()).await.unwrap().is_empty()
    );
    let metrics = server.app().metrics.render(0, 0);
    assert!(metrics.contains("gatewright_strange_certificates_total 1"), "{metrics}");
}

fn long_lived_params() -> rcgen::CertificateParams {
    let mut params = certificate_params("client", &[]);
    params.not_before = time::OffsetDateTime::from_unix_timestamp(START_TIME).unwrap();
    params.not_after = time::OffsetDateTime::from_unix_timestamp(START_TIME + 365 * DAY).unwrap();
    params
}

/// Issue 3: a Prometheus metric, for each client the certificate that expires last.
#[tokio::test]
async fn a_metric_has_the_last_expiry_of_each_client() {
    let server = Server::start().await;
    let client = server.certificate_bound_client("Billing").await;
    server.record_sighting(&SelfSignedCertificate::new("old", 10), &client);
    server.record_sighting(&SelfSignedCertificate::new("new", 100), &client);
    server.flush_sightings().await;
    // The job measures when a server starts.
    let other = server.replica().await;

    let line = format!(
        "gatewright_certificate_expiry_seconds{{origin=\"client\",client=\"{}\",subject=\"CN=new,O=Acme\\\\, \
         Inc.\"}} {}",
        client.id,
        100 * DAY
    );
    let metrics = other.metrics_with("gatewright_certificates{state=\"valid\"} 2").await;
    assert!(metrics.contains(&line), "{line}\n{metrics}");
    assert!(!metrics.contains("CN=old"));
}

/// All clients of an anchor stop working when it expires, whatever the dates of their certificates:
/// operators are notified of the anchor, and the forecast contains the clients.
#[tokio::test]
async fn an_expiring_anchor_is_reported_and_limits_its_clients() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let company = ClientCa::with_params("Company", validity_in_days(-300, 20));
    let server = Server::with_trust_anchor(&company, &mails).await;
    let client = server.certificate_bound_client("App").await;

    server.use_certificate(&client, &company.issue("app", validity_in_days(0, 300))).await;
    server.run_expiry_job().await;
    server.run_expiry_job().await;

    assert_eq!(server.reported_thresholds().await, [30]);
    let mail = mails.next().await;
    assert_eq!(mail.to, "ops@id.example.org");
    let subject = "A trust anchor for client certificates expires on 2026-12-08, in 20 days";
    assert!(mail.text_on_one_line().contains(&format!("Subject: {subject}")), "{mail:?}");
    assert!(mail.text.contains("CN=Company,O=Example"), "{mail:?}");
    assert!(mail.text_on_one_line().contains("gatewright cert forecast says which clients stop"));
    assert!(mails.is_empty());
    assert_eq!(server.forecasts().await, [("App".to_owned(), Some(20), false)]);
}

/// The same for an intermediate certificate between a client's certificate and its anchor.
#[tokio::test]
async fn an_expiring_intermediate_is_reported_and_limits_its_clients() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let root = ClientCa::with_params("Root", validity_in_days(-300, 3000));
    let issuing = root.intermediate("Issuing", validity_in_days(-300, 20));
    let server = Server::with_trust_anchor(&root, &mails).await;
    let client = server.certificate_bound_client("App").await;

    server.use_certificate(&client, &issuing.issue("app", validity_in_days(0, 300))).await;
    server.run_expiry_job().await;

    assert_eq!(server.reported_thresholds().await, [30]);
    let mail = mails.next().await;
    let subject = "An intermediate certificate of clients expires on 2026-12-08, in 20 days";
    assert!(mail.text_on_one_line().contains(&format!("Subject: {subject}")), "{mail:?}");
    assert!(mail.text.contains("CN=Issuing,O=Example"), "{mail:?}");
    assert!(mails.is_empty());
    assert_eq!(server.forecasts().await, [("App".to_owned(), Some(20), false)]);
}

/// An issued certificate may be in a file that the program has not loaded yet, so it is a renewal once
/// the client presents it. An overdue renewal is reported once, and its completion once.
#[tokio::test]
async fn an_issued_certificate_is_a_renewal_once_it_is_presented() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let server = Server::with(|config| use_mail_server(config, &mails)).await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();
    let client = server.certificate_bound_client("Daily").await;
    let last =
        async || server.census(|census| census.forecasts()[0].last.unwrap().thumbprint).await;
    let issue =
        async || server.issue_certificate(&client, &KeyPair::generate().unwrap()).await.unwrap();
    let first = issue().await;
    assert_eq!(last().await, first.thumbprint, "a client that presents none uses it elsewhere");
    server.record_use(&client, &first).await;

    server.advance_clock(8 * HOUR);
    let second = issue().await;
    server.run_expiry_job_at(17 * HOUR).await;
    assert_eq!(server.audit_events("certificate.expiring").await.len(), 0);
    server.run_expiry_job_at(18 * HOUR).await;
    server.run_expiry_job_at(18 * HOUR + 60).await;

    assert_eq!(server.audit_events("certificate.expiring").await.len(), 1);
    let mail = mails.next().await;
    assert_eq!((mail.to.as_str(), mails.is_empty()), ("daily@rp.example", true));
    assert!(mail.text.contains(&first.thumbprint.to_string()), "{mail:?}");
    assert_eq!(last().await, first.thumbprint);

    server.record_use(&client, &second).await;
    server.run_expiry_job().await;
    server.run_expiry_job().await;

    assert_eq!(last().await, second.thumbprint);
    let mail = mails.next().await;
    assert_eq!(mail.to, "daily@rp.example");
    assert_eq!(mail.header("Subject"), "The certificate of Daily has been renewed");
    assert!(mail.text.contains(&second.thumbprint.to_string()), "{mail:?}");
    server.run_expiry_job_at(24 * HOUR + 60).await;
    assert!(mails.is_empty(), "the first one expires without a mail");
}

/// With timely renewals, only the expiry of each certificate is reported.
#[tokio::test]
async fn a_timely_renewal_is_not_reported_as_late() {
    let server = Server::start().await;
    let client = server.certificate_bound_client("Daily").await;
    for n in 0..3 {
        let from = START_TIME + n * 8 * HOUR;
        server.record_sighting(
            &SelfSignedCertificate::between(&format!("d{n}"), from, from + DAY),
            &client,
        );
        server.flush_sightings().await;
        server.run_expiry_job_at((n + 1) * 8 * HOUR - 60).await;
    }

    assert!(server.audit_events("certificate.expiring").await.is_empty());
}

/// A client that was warned and has renewed gets one mail about that, and no further ones.
#[tokio::test]
async fn a_client_that_renews_after_a_warning_gets_one_confirmation() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let server = Server::with(|config| use_mail_server(config, &mails)).await;
    let (old, new) =
        (SelfSignedCertificate::new("old", 90), SelfSignedCertificate::new("new", 400));
    let client = server.register_with_certificates(&[&old]).await;
    server.run_expiry_job_at(60 * DAY).await;
    assert!(mails.next().await.header("Subject").ends_with("in 30 days"));

    let jwks = json!({ "keys": [old.jwk(), new.jwk()] });
    server.update_client(&client, |metadata| metadata.jwks = Some(jwks)).await;
    server.run_expiry_job().await;
    server.run_expiry_job().await;

    let mail = mails.next().await;
    assert_eq!(mail.to, "billing@example.org");
    assert_eq!(mail.header("Subject"), "The certificate of Billing has been renewed");
    assert!(mail.text.contains("CN=new"), "{mail:?}");
    server.run_expiry_job_at(76 * DAY).await;
    assert_eq!(server.reported_thresholds().await, [30, 14]);
    server.run_expiry_job().await;
    assert!(mails.is_empty());
}

/// The mail says whether the client stops working; for another authentication method it says that it
/// does not.
#[tokio::test]
async fn the_mail_says_whether_the_client_stops_working() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let server = Server::with(|config| use_mail_server(config, &mails)).await;
    server.register_with_certificates(&[&SelfSignedCertificate::new("key", 90)]).await;
    let bound = server.certificate_bound_client("Bound").await;
    server.advance_clock(50 * DAY);
    server.record_sighting(&SelfSignedCertificate::new("bound", 90), &bound);
    server.flush_sightings().await;

    server.run_expiry_job_at(60 * DAY).await;

    let mut messages = [mails.next().await, mails.next().await];
    messages.sort_by_key(|mail| mail.to.clone());
    let [key, bound] = messages.map(|mail| mail.text_on_one_line());
    assert!(key.contains(
        "Nothing stops working at https://id.example.org: Billing authenticates there with \
         private_key_jwt, which does not depend on the dates of the certificate."
    ));
    assert!(!key.contains("can no longer authenticate"));
    assert!(bound.contains(
        "From then on Bound can no longer authenticate with it at https://id.example.org."
    ));
}

/// `ca renew` is the remedy for the issuing certificate; after that it is not reported.
#[tokio::test]
async fn after_ca_renew_the_superseded_certificate_is_not_reported() {
    let mut mails = MailServer::start(MailServerOptions::default()).await;
    let server = Server::with(|config| notify_operators(config, &mails)).await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();

    server.run_expiry_job_at((731 - 60) * DAY).await;

    let mail = mails.next().await;
    assert_eq!(mail.to, "ops@id.example.org");
    let subject = "The issuing certificate of the sign-in server expires on 2028-11-18, in 60 days";
    assert!(mail.text_on_one_line().contains(&format!("Subject: {subject}")), "{mail:?}");
    assert!(mail.text_on_one_line().contains("What to do: gatewright ca renew,"), "{mail:?}");
    assert!(!mail.text.contains("in its place"), "{mail:?}");
    server.administer_ca(async |ca| ca.renew(None).await).await.unwrap();
    let monitored = server.census(|census| {
        let mut ends: Vec<_> =
            census.monitored().map(|life| (life.not_after.0 - START_TIME) / DAY).collect();
        ends.sort();
        ends
    });
    assert_eq!(monitored.await, [731 - 60 + 731, 3653], "the new issuing certificate and the root");
    server.run_expiry_job_at((731 - 30) * DAY).await;
    assert_eq!(server.reported_thresholds().await, [60, 30]);
    assert!(
        server.audit_events("certificate.expiring").await[0].facts.contains(r#""renewed":true"#)
    );
    assert!(mails.is_empty());
}

/// Most of a large inventory has expired: those certificates are counted in the database, and the rest
/// is read in pages without gaps.
#[tokio::test]
async fn expired_certificates_are_counted_without_reading_them() {
    let server = Server::start().await;
    let alive = SelfSignedCertificate::new("alive", 90);
    let over = SelfSignedCertificate::between("over", START_TIME - 70 * DAY, START_TIME - 60 * DAY);
    let mut tx = server.app().store.write().await.unwrap();
    let mut number = 0_u64;
    for (certificate, many, reason) in
        [(&alive, 5_003, None), (&over, 300, None), (&alive, 2, Some("x")), (&over, 3, Some("x"))]
    {
        for _ in 0..many {
            number += 1;
            let mut row = gatewright::pki::inventory::seen_row(
                &certificate.certificate,
                Timestamp(START_TIME),
            );
            row.thumbprint = Thumbprint::of(&number.to_be_bytes());
            row.revoked_at = reason.map(|_| Timestamp(START_TIME));
            certificates::record(&mut tx, &row).await.unwrap();
        }
    }
    tx.commit().await.unwrap();

    let (counts, read) = server
        .census(|census| {
            let read: std::collections::BTreeSet<_> =
                census.lives().iter().map(|life| life.thumbprint).collect();
            (census.counts(), (census.lives().len(), read.len()))
        })
        .await;

    assert_eq!(read, (5_003, 5_003));
    let expected = [
        (State::Pending, 0),
        (State::Valid, 5_003),
        (State::Expiring, 0),
        (State::Expired, 300),
        (State::Revoked, 5),
    ];
    assert_eq!(counts, expected);
}

/// A value of `gatewright_certificate_expiry_seconds` below a week is worth an alert: automatically
/// renewed certificates are not included, nor are long expired ones; the server's own always are.
#[tokio::test]
async fn the_expiry_metric_below_a_week_is_worth_an_alert() {
    let server = Server::with_tls(|_| {}).await;
    let names = ["Daily", "First", "Late", "Stopped", "Gone", "Yearly"];
    let mut ids = Vec::new();
    for name in names {
        ids.push(server.certificate_bound_client(name).await);
    }
    let [daily, first, late, stopped, deleted_client, yearly] = &ids[..] else { panic!("six") };
    let now = START_TIME + 20 * DAY;
    let certificate =
        |name: &str, from: i64, to: i64| SelfSignedCertificate::between(name, now + from, now + to);
    server.record_sighting(&certificate("before", -20 * HOUR, 4 * HOUR), daily);
    server.record_sighting(&certificate("daily", -8 * HOUR, 16 * HOUR), daily);
    server.record_sighting(&certificate("first", -8 * HOUR, 16 * HOUR), first);
    server.record_sighting(&certificate("late", -19 * HOUR, 5 * HOUR), late);
    server.record_sighting(&certificate("stopped", -90 * DAY, -DAY), stopped);
    server.record_sighting(&certificate("gone", -90 * DAY, -8 * DAY), deleted_client);
    server.record_sighting(&certificate("yearly", -65 * DAY, 300 * DAY), yearly);
    server.flush_sightings().await;
    server.advance_clock(20 * DAY);
    // The job measures when a server starts.
    let other = server.replica().await;

    let metrics = other.metrics_with("gatewright_certificates{state=\"expired\"} 2").await;
    let messages = metrics.lines().filter_map(|line| {
        let line = line.strip_prefix("gatewright_certificate_expiry_seconds{")?;
        let (labels, left) = line.rsplit_once(' ')?;
        let subject = labels.split_once("subject=\"CN=")?.1.split([',', '"']).next()?;
        Some((subject.to_owned(), left.parse::<i64>().unwrap() / HOUR))
    });
    let mut messages: Vec<_> =
        messages.filter(|(subject, _)| subject != "id.example.org").collect();
    messages.sort();
    let expected = [("late", 5), ("stopped", -24), ("yearly", 300 * 24)];
    assert_eq!(messages, expected.map(|(name, hours)| (name.to_owned(), hours)));
    assert!(metrics.contains("{origin=\"own\",client=\"\",subject=\"CN=id.example.org\"}"));
}
