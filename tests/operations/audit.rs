//! THREATS §1.X: what the log and the audit trail contain, and what they must never contain.

use std::collections::BTreeSet;

use gatewright::config::AcmeDirectory;
use gatewright::flow::clients::{registration, resources};
use gatewright::flow::grants::failover;
use gatewright::people;
use gatewright::pki::ca::BuiltInCa;
use gatewright::record::{Issued, Kind};
use gatewright::store::signing_keys::{self, State};
use gatewright::store::sql;
use gatewright::types::client::GrantType;
use gatewright::types::{Algorithm, ClientId, Holder, ResourceId, Role, Seconds};
use serde_json::{Value, json};
use url::Url;

use kit::browser::{Browser, authorize_target};
use kit::http::Response;
use kit::inventory::SelfSignedCertificate;
use kit::jwt::JwtSigner;
use kit::keys::replace_secrets;
use kit::log::CapturedLog;
use kit::server::{Client, ISSUER, PASSWORD, Server};
use kit::tls_client::{HOST, MTLS_HOST};

/// Every secret that was issued or sent.
#[derive(Default)]
struct Secrets(BTreeSet<String>);

impl Secrets {
    fn add(&mut self, secret: &str) {
        assert!(secret.len() >= 8, "{secret:?} would be found everywhere");
        self.0.insert(secret.to_owned());
        // The signature is what makes a JWT usable.
        if let [_, _, signature] = secret.split('.').collect::<Vec<_>>()[..] {
            self.0.insert(signature.to_owned());
        }
    }

    fn add_of_response(&mut self, response: &Response) {
        for name in ["access_token", "refresh_token", "id_token"] {
            if let Some(token) = response.body[name].as_str() {
                self.add(token);
            }
        }
    }

    fn add_of_browser(&mut self, browser: &Browser<'_>) {
        for value in browser.cookies.values() {
            self.add(value);
        }
    }

    #[track_caller]
    fn assert_not_in(&self, what: &str, text: &str) {
        for secret in &self.0 {
            if let Some(at) = text.find(secret.as_str()) {
                let start = text[..at].rfind('\n').map_or(0, |start| start + 1);
                panic!("{what} tells {secret}: {:.600}", &text[start..]);
            }
        }
    }
}

/// The content of the database, as an attacker would read it.
async fn dump_database(server: &Server) -> String {
    let url = server.app().config.database.url.0.expose().to_owned();
    if let Some(file) = url.strip_prefix("sqlite:") {
        let mut all = Vec::new();
        for name in [file.to_owned(), format!("{file}-wal")] {
            all.extend(std::fs::read(name).unwrap());
        }
        return String::from_utf8_lossy(&all).into_owned();
    }
    use sqlx::{AssertSqlSafe, Connection as _, Row as _};
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    let tables =
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
    let mut all = String::new();
    for table in sqlx::query(tables).fetch_all(&mut connection).await.unwrap() {
        let table: String = table.get(0);
        let rows = AssertSqlSafe(format!("SELECT CAST(t AS TEXT) FROM {table} t"));
        for row in sqlx::query(rows).fetch_all(&mut connection).await.unwrap() {
            all.push_str(&row.get::<String, _>(0));
            all.push('\n');
        }
    }
    all
}

/// THREATS LG-01, LG-05, TE-25, CO-10: after valid and invalid requests of all kinds, with all log
/// levels enabled, no secret that was issued or sent is in the log, the audit trail or the database.
#[tokio::test]
async fn no_secret_is_logged_or_stored() {
    let (log, _guard) = CapturedLog::start();
    let mut secrets = Secrets::default();
    let server = Server::start().await;
    server.user("ada").await;
    let (client, service) = (server.web_app().await, server.service().await);
    let signer = JwtSigner::new();
    let private_key_client = server.register(json!({
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [signer.jwk()] },
    }));
    let private_key_client = private_key_client.await;
    let (new, typo) = ("another battery staple", "corect horse batery staple");
    for secret in [PASSWORD, new, typo, &client.secret, &service.secret] {
        secrets.add(secret);
    }

    // A user who mistypes the password, signs in and consents.
    let mut browser = Browser::new(&server);
    let page = browser.open(&authorize_target(&client, "openid offline_access")).await;
    secrets.add(page.url.split_once("request=").unwrap().1);
    let credentials = [("identifier", "ada"), ("password", typo), ("answer", "sign-in")];
    browser.submit(&page, &credentials).await;
    secrets.add_of_browser(&browser);
    let page = browser.authorize("ada", &client, "openid offline_access", "&nonce=n").await;
    secrets.add_of_browser(&browser);
    let code = page.parameter("code");
    secrets.add(&code);

    // Tokens: used, replayed, revoked, introspected; by their client and by others.
    let wrong = Client { secret: format!("{}x", client.secret), ..client.clone() };
    secrets.add(&wrong.secret);
    server.redeem(&wrong, &code).await.refused(401, "invalid_client");
    let first = server.redeem(&client, &code).await.ok();
    let second = server.refresh(&client, &first.token("refresh_token"), "").await.ok();
    for response in [&first, &second] {
        secrets.add_of_response(response);
    }
    let (access, refresh) = (second.token("access_token"), second.token("refresh_token"));
    server.userinfo(&access).await.ok();
    for token in [&access, &refresh, &code] {
        server.is_active(&client, token).await;
        server.post_as(&service, "/revoke", &format!("token={token}")).await;
        server.userinfo(token).await;
        server.get(&format!("/userinfo?access_token={token}")).await;
    }
    server.redeem(&client, &code).await.refused(400, "invalid_grant");
    server.refresh(&client, &refresh, "").await.refused(400, "invalid_grant");

    // Secrets in the wrong parameters.
    for secret in [&client.secret, &code, &refresh, &access] {
        let swapped = Client { id: secret.clone(), secret: client.id.clone() };
        server.post_as(&swapped, "/token", "grant_type=client_credentials").await;
        for target in [
            format!("/authorize?client_id={secret}"),
            authorize_target(&client, "openid") + "&prompt=" + secret.as_str(),
            authorize_target(&client, secret),
            authorize_target(&client, "openid").replace("code&", &format!("{secret}&")),
            format!("/token?code={secret}"),
            format!("/logout?id_token_hint={secret}&client_id={}", client.id),
            format!("/{secret}"),
        ] {
            server.get(&target).await;
        }
        for form in [
            format!("grant_type={secret}"),
            format!("grant_type=client_credentials&scope={secret}"),
            format!("grant_type=client_credentials&resource=https%3A%2F%2F{secret}"),
            format!("grant_type=refresh_token&refresh_token={secret}&{secret}=x"),
            format!("grant_type=authorization_code&code={code}&redirect_uri={secret}"),
        ] {
            server.post_as(&client, "/token", &form).await;
        }
    }

    // Valid and invalid assertions.
    let now = server.trace().now().0;
    for exp in [now + 60, now - 60] {
        let claims = json!({
            "iss": private_key_client.id, "sub": private_key_client.id,
            "aud": ISSUER, "jti": exp.to_string(), "exp": exp,
        });
        let jwt = signer.sign("JWT", &claims);
        secrets.add(&jwt);
        let form = format!(
            "grant_type=client_credentials&client_assertion={jwt}&client_assertion_type=\
             urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        );
        secrets.add_of_response(&server.post("/token", &form).await);
    }

    // The account.
    let fields = [("current", PASSWORD), ("new", new), ("again", new)];
    browser.submit_on_account_page("/account/password", &fields).await;
    secrets.add_of_browser(&browser);
    browser.open(&format!("/logout?id_token_hint={}", second.token("id_token"))).await;

    let (log, events) = (log.text(), server.audit_events("").await);
    assert!(log.contains("refused") && log.contains("TRACE"), "everything is captured");
    secrets.assert_not_in("the log", &log);
    secrets.assert_not_in("the audit trail", &serde_json::to_string(&events).unwrap());
    secrets.assert_not_in("the database", &dump_database(&server).await);
}

/// THREATS DB-07: revocations are in the log too, because a database that loses its latest commits
/// loses them.
#[tokio::test]
async fn revocations_are_logged() {
    let (log, _guard) = CapturedLog::json();
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let tokens = server.obtain_tokens("ada", &client, "openid offline_access").await;

    let form = format!("token={}", tokens.token("access_token"));
    server.post_as(&client, "/revoke", &form).await.ok();
    let form = format!("token={}", tokens.token("refresh_token"));
    server.post_as(&client, "/revoke", &form).await.ok();

    let lines: Vec<Value> =
        log.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let revocations: Vec<_> = lines.iter().filter(|line| line["message"] == "taken away").collect();
    let [access, grant] = revocations[..] else { panic!("{revocations:?}") };
    for (line, kind) in [(access, "token.revoked"), (grant, "grant.revoked")] {
        assert_eq!(line["kind"], kind);
        assert_eq!(line["outcome"], "success");
        assert_eq!(line["client_id"], client.id);
        assert_eq!(line["at_ms"], server.trace().at_ms);
    }
    assert!(access["facts"].as_str().unwrap().contains("jti"));
    let created = server.audit_events("grant.created").await;
    assert_eq!(grant["grant_id"].as_str(), created[0].grant_id.as_deref());
}

/// THREATS LG-02: request values cannot forge a line of the log.
#[tokio::test]
async fn request_values_cannot_forge_log_lines() {
    let (log, _guard) = CapturedLog::start();
    let server = Server::start().await;
    let client = server.service().await;
    let line = "%0A2026-01-01T00%3A00%3A00Z%20%20INFO%20forged";
    for more in ["", "%1B%5B31m", "%00", "%E2%80%A8", "%0D", "%22%7D"] {
        let forged = format!("{line}{more}");
        for target in [
            format!("/authorize?client_id={forged}"),
            format!("/authorize?client_id={}&redirect_uri={forged}", client.id),
            format!("/logout?post_logout_redirect_uri={forged}&client_id={}", client.id),
        ] {
            server.get(&target).await;
        }
        for form in [
            format!("grant_type={forged}"),
            format!("grant_type=client_credentials&scope={forged}"),
            format!("grant_type=client_credentials&resource={forged}"),
        ] {
            server.post_as(&client, "/token", &form).await;
        }
    }
    let agent = server.request("GET", "/login").header("user-agent", "x\u{1b}[31m").send().await;
    assert_ne!(agent.status, 500);

    let log = log.text();
    assert!(log.contains("forged"), "the value is logged, escaped");
    assert!(!log.contains('\u{1b}') && !log.contains('\0') && !log.contains("\n2026-01-01"));
    for event in server.audit_events("request.refused").await {
        assert!(!event.facts.contains('\u{1b}') && !event.facts.contains('\n'));
    }
}

/// Causes an event of each kind. The `match` is exhaustive, so a kind without a case does not compile.
async fn cause_event(kind: Kind, server: &Server) {
    let app = server.app();
    let name = format!("user-{}", kind.as_str().replace(['.', '_'], "-"));
    let user = server.user(&name).await;
    let client = server.web_app().await;
    let id = ClientId::from_text(&client.id);
    let mut browser = Browser::new(server);
    let scope = "openid offline_access";
    let page = browser.authorize(&name, &client, scope, "").await;
    let code = page.parameter("code");
    let tokens = server.redeem(&client, &code).await.ok();
    let refresh = tokens.token("refresh_token");
    match kind {
        Kind::SignIn
        | Kind::Consent
        | Kind::CodeIssued
        | Kind::GrantCreated
        | Kind::TokenIssued
        | Kind::UserCreated
        | Kind::ClientCreated => {}
        Kind::SignOut => {
            let hint = tokens.token("id_token");
            browser.open(&format!("/logout?id_token_hint={hint}")).await;
        }
        Kind::SessionEnded => server.end_sessions(&user).await,
        Kind::ConsentWithdrawn => server.withdraw_consent(&user, &client).await,
        Kind::CodeReplayed => {
            server.redeem(&client, &code).await.refused(400, "invalid_grant");
        }
        Kind::GrantRevoked => {
            server.post_as(&client, "/revoke", &format!("token={refresh}")).await.ok();
        }
        Kind::RefreshReplayed => {
            server.refresh(&client, &refresh, "").await.ok();
            server.advance_clock(11);
            server.refresh(&client, &refresh, "").await.refused(400, "invalid_grant");
        }
        Kind::TokenRevoked => {
            let form = format!("token={}", tokens.token("access_token"));
            server.post_as(&client, "/revoke", &form).await.ok();
        }
        Kind::Refused => {
            server.post("/token", "client_id=nobody").await.refused(401, "invalid_client");
        }
        Kind::PasswordChanged => server.set_password(&user, "another battery staple").await,
        Kind::UserDisabled => server.disable_user(&user).await,
        Kind::UserEnabled => {
            server.disable_user(&user).await;
            server.enable_user(&user).await;
        }
        Kind::UserUpdated => server.rename_user(&user, &format!("{name}-renamed")).await,
        Kind::UserDeleted => server.delete_user(&user).await,
        Kind::UserUnlocked => server.unlock_user(&user).await,
        Kind::RecoveryStarted => {
            people::links::start_recovery(&app.people(&server.trace()), &user.id, || Ok(()))
                .await
                .map(drop)
                .unwrap();
        }
        Kind::OwnerInvited => {
            people::links::invite(&app.context(&server.trace())).await.map(drop).unwrap();
        }
        Kind::RoleGranted | Kind::RoleRevoked => {
            let holder = Holder::User(user.id.clone());
            let trace = server.trace();
            let context = app.context(&trace);
            gatewright::roles::grant(&context, &holder, Role::Auditor).await.unwrap();
            gatewright::roles::revoke(&context, &holder, Role::Auditor).await.unwrap();
        }
        Kind::ClientUpdated => {
            server
                .update_client(&client, |metadata| metadata.client_name = "Films".to_owned())
                .await;
        }
        Kind::ClientDisabled => server.disable_client(&client).await,
        Kind::ClientEnabled => {
            server.disable_client(&client).await;
            server.administer_clients(async |registrar| registrar.enable(&id).await.unwrap()).await;
        }
        Kind::ClientDeleted => {
            server.administer_clients(async |registrar| registrar.delete(&id).await.unwrap()).await;
        }
        Kind::ClientSecretRotated => {
            let found = server.find_client(&client).await;
            let rotate = async |registrar: registration::Registrar<'_>| {
                registrar.rotate_secret(&found, Seconds(0)).await.unwrap();
            };
            server.administer_clients(rotate).await;
        }
        Kind::ResourceCreated => server.create_resource("https://created.example").await,
        Kind::ResourceUpdated | Kind::ResourceDeleted => {
            let resource = format!("https://{name}.example");
            server.create_resource(&resource).await;
            let resource = ResourceId::from_text(&resource);
            let found = app.cache.resources().await.unwrap()[&resource].clone();
            let issuer = &app.config.issuer;
            let trace = server.trace();
            resources::update(&app.store, issuer, &found, &trace).await.unwrap();
            resources::delete(&app.store, &app.config.issuer, &resource, &trace).await.unwrap();
        }
        Kind::KeyPublished | Kind::KeyActivated | Kind::KeyRetired => {
            server.advance_clock(60 * 60);
            let (alg, trace) = (Algorithm::Es256, server.trace());
            app.keyring.rotate(&app.store, alg, false, &trace).await.unwrap();
        }
        Kind::KeyCompromised => {
            let keys = signing_keys::all(app.store.db()).await.unwrap();
            let active = keys.iter().find(|key| key.state() == State::Active).unwrap();
            app.keyring.retire(&app.store, &active.id, true, &server.trace()).await.unwrap();
        }
        Kind::TlsCertificateReplaced => {
            let files = server.certificate_files();
            files.replace(&files.ca.issue_server(&[HOST, MTLS_HOST]));
            server.running().reload().await;
        }
        Kind::TlsCertificateOrdered => {
            server.advance_clock(60 * 60);
            app.acme(&server.trace()).order_if_due().await.unwrap_err();
        }
        Kind::CertificateRevoked => {
            server.revoke_by_file(&SelfSignedCertificate::new("leaked", 90)).await.unwrap()
        }
        Kind::AuthorityCreated => {
            server.administer_ca(async |ca| ca.init().await).await.unwrap();
        }
        Kind::RootKeyExported => {
            server.administer_ca(async |ca| ca.export_root_key().await).await.unwrap();
        }
        Kind::RootKeyRemoved => {
            server.administer_ca(async |ca| ca.remove_root_key().await).await.unwrap();
        }
        Kind::CertificateIssued => {
            server.issue_certificate(&client, &rcgen::KeyPair::generate().unwrap()).await.unwrap();
        }
        Kind::EnrolmentCreated => {
            let create_token =
                async |ca: BuiltInCa<'_>| ca.create_enrolment_token(&id, Seconds::hours(1)).await;
            server.administer_ca(create_token).await.unwrap();
        }
        Kind::CertificateExpiring | Kind::CertificateExpired => {
            let (now, day) = (server.trace().now().0, 24 * 60 * 60);
            server
                .register_with_certificates(&[&SelfSignedCertificate::between(
                    "ending",
                    now,
                    now + 4 * day,
                )])
                .await;
            server.advance_clock(if kind == Kind::CertificateExpired { 4 * day } else { 3 * day });
            server.run_expiry_job().await;
        }
        Kind::SecretReplaced => drop(replace_secrets(server, false).await),
        Kind::SecretCompromised | Kind::GrantsRevoked => drop(replace_secrets(server, true).await),
        Kind::NoticeUndelivered => server.abandon_message().await,
        Kind::FailedOver | Kind::RefreshRecovered => {
            let next = server.refresh(&client, &refresh, "").await.ok().token("refresh_token");
            let forget = sql("UPDATE grants SET generation = 1, rotated_at = created_at
                  WHERE client_id = $1");
            forget.bind(&client.id).execute(app.store.db()).await.unwrap();
            server.advance_clock(2);
            let (at, trace) = (server.trace().now() - Seconds(1), server.trace());
            failover::declare(&app.store, at, Seconds(60), &trace).await.unwrap();
            server.refresh(&client, &next, "").await.ok();
        }
        Kind::RevokedAgain => {
            failover::revoke_again(&app.store, &[], &server.trace()).await.unwrap();
        }
    }
}

/// THREATS LG-04: every kind in the catalogue of events occurs, and no other does.
#[tokio::test]
async fn every_kind_of_event_occurs() {
    let nowhere = Url::parse("https://localhost:1/directory").ok().map(AcmeDirectory);
    let server = Server::with_tls(|config| config.acme.directory = nowhere).await;
    for kind in Kind::ALL {
        let before = server.audit_events(kind.as_str()).await.len();

        cause_event(*kind, &server).await;

        assert!(server.audit_events(kind.as_str()).await.len() > before, "{kind:?}");
    }
    let kinds: BTreeSet<_> =
        server.audit_events("").await.into_iter().map(|row| row.kind).collect();
    assert_eq!(kinds, Kind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect());
}

/// THREATS LG-04: actor, action, object, address, request and outcome.
#[tokio::test]
async fn an_event_has_actor_object_address_request_and_outcome() {
    let server = Server::start().await;
    let user = server.user("ada").await;
    let client = server.web_app().await;
    let tokens = server.obtain_tokens("ada", &client, "openid").await;
    let refresh = tokens.token("refresh_token");
    server.refresh(&client, &refresh, "").await.ok();
    server.advance_clock(11);

    let response = server.refresh(&client, &refresh, "").await;

    let created = server.audit_events("grant.created").await.remove(0);
    let replayed = server.audit_events("refresh_token.replayed").await.remove(0);
    assert_eq!(created.user_id.as_deref(), Some(user.id.as_str()));
    for event in [&created, &replayed] {
        assert_eq!(event.client_id.as_deref(), Some(client.id.as_str()));
        assert_eq!(event.address.as_deref(), Some("127.0.0.1"));
        assert_eq!(event.grant_id, created.grant_id);
    }
    assert_eq!(replayed.outcome, "invalid_grant");
    assert_eq!(replayed.request_id.as_deref(), Some(response.header("x-request-id")));
    assert_eq!(replayed.at_ms, server.trace().at_ms);
}

/// DESIGN §9: the issue of stateless tokens is recorded in batches of up to 500 per row, and every
/// token is recorded.
#[tokio::test]
async fn issued_tokens_are_recorded_in_batches_of_at_most_500() {
    let server = Server::start().await;
    let client = server.service().await;
    let by_hand = 1_100;
    for n in 0..by_hand {
        let issued = Issued {
            jti: n.to_string(),
            client: client.id.clone(),
            grant: None,
            by: GrantType::ClientCredentials.as_str(),
            certificate: None,
            expires: None,
            request: "by hand".to_owned(),
            at: server.trace().at_ms,
        };
        server.app().recorder.reserve().await.unwrap().issued(issued);
    }
    let token = server.client_credentials_token(&client).await;

    let events = server.audit_events("token.issued").await;

    assert!(events.iter().all(|event| event.count <= 500));
    assert_eq!(events.iter().map(|event| event.count).sum::<i64>(), by_hand + 1);
    let recorded: Vec<Value> = events
        .iter()
        .flat_map(|event| serde_json::from_str::<Vec<Value>>(&event.facts).unwrap())
        .collect();
    let jti = kit::jwt::unverified_claims(&token)["jti"].clone();
    assert!(recorded.iter().any(|one| one["jti"] == jti && one["client"] == json!(client.id)));
}

/// DESIGN §9: refusals before authentication are always logged; the number of their events is limited
/// per address.
#[tokio::test]
async fn a_flood_of_refusals_is_logged_completely_and_recorded_partly() {
    let (log, _guard) = CapturedLog::start();
    let server = Server::start().await;
    for _ in 0..50 {
        server.post("/token", "client_id=nobody").await.refused(401, "invalid_client");
    }
    server.advance_clock(60);
    server.post("/token", "client_id=nobody").await.refused(401, "invalid_client");

    let events = server.audit_events("request.refused").await;

    assert_eq!(events.len(), 31);
    let facts: Value = serde_json::from_str(&events[0].facts).unwrap();
    assert_eq!(facts["refusals_not_recorded_before"], 20);
    // At this level the database driver logs slow statements too.
    let log = log.text();
    let refusals =
        log.lines().filter(|line| line.contains(": refused ") && line.contains("nobody"));
    assert_eq!(refusals.count(), 51);
}
