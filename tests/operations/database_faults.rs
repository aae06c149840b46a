//! THREATS §1.V: every table may fail in every flow, and every flow may be cancelled at every point.
//! The response is then 503, never a refusal; no change is partial; and a retry succeeds.
//!
//! A table fails by being renamed for a moment: every statement that needs it, for reading or writing,
//! inside a transaction or not, gets an error.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::config::{GatewayRoute, Network, OriginalRequest};
use gatewright::flow::grants::{code, refresh};
use gatewright::pki::ca::BuiltInCa;
use gatewright::pki::expiry;
use gatewright::pki::issue::Right;
use gatewright::pki::request::CertificationRequest;
use gatewright::types::{ClientId, Params, Scope, Seconds};
use rcgen::KeyPair;
use serde_json::json;

use kit::browser::{Browser, VERIFIER, authorize_target};
use kit::built_in_ca;
use kit::http::Response;
use kit::inventory::SelfSignedCertificate;
use kit::jwt::JwtSigner;
use kit::outbox::{add_webhook, use_mail_server};
use kit::receivers::{MailServer, MailServerOptions, WebhookServer};
use kit::server::{Client, ISSUER, PASSWORD, Server};
use kit::tables::rename_table;

/// All tables, from the migrations, so that a new one is tested too.
fn tables() -> Vec<String> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let mut tables = BTreeSet::new();
    for file in files.collect::<BTreeSet<_>>() {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let words: Vec<_> = line.trim_end_matches([';', '(']).split_whitespace().collect();
            match words.as_slice() {
                ["CREATE", "TABLE", name, ..] => drop(tables.insert((*name).to_owned())),
                ["DROP", "TABLE", name] => drop(tables.remove(*name)),
                ["ALTER", "TABLE", from, "RENAME", "TO", to] => {
                    tables.remove(*from);
                    tables.insert((*to).to_owned());
                }
                _ => {}
            }
        }
    }
    let tables: Vec<_> = tables.into_iter().collect();
    assert!(tables.len() > 15, "{tables:?}");
    tables
}

macro_rules! flows {
    ($($(#[$meta:meta])* $name:ident $test:ident;)*) => {
        /// A flow of a user or a client.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Flow { $($(#[$meta])* $name,)* }

        $(
            /// THREATS DB-01, DB-02, DB-03, DB-04, JO-19, X-02, X-03.
            #[tokio::test]
            async fn $test() {
                survives_a_failure_of_every_table(Flow::$name).await;
            }
        )*
    };
}

flows! {
    Redeem a_redemption_survives_a_failure_of_every_table;
    Refresh a_refresh_survives_a_failure_of_every_table;
    /// A row for the access token, and activity of the session.
    RefreshBound a_session_bound_refresh_survives_a_failure_of_every_table;
    ClientCredentials client_credentials_survive_a_failure_of_every_table;
    /// Every opaque access token is stored in a row.
    Opaque an_opaque_token_survives_a_failure_of_every_table;
    Assertion an_assertion_survives_a_failure_of_every_table;
    Introspect introspection_survives_a_failure_of_every_table;
    UserInfo userinfo_survives_a_failure_of_every_table;
    Verify forward_authentication_survives_a_failure_of_every_table;
    Revoke a_revocation_survives_a_failure_of_every_table;
    Silent a_silent_sign_in_survives_a_failure_of_every_table;
    SignIn a_sign_in_survives_a_failure_of_every_table;
    Consent a_consent_survives_a_failure_of_every_table;
    Withdraw a_withdrawal_survives_a_failure_of_every_table;
    /// RFC 7030 §4.2.1, with a one-time enrolment token.
    Enrol an_enrolment_survives_a_failure_of_every_table;
}

/// The state before the flow.
struct Prepared {
    text: String,
    page: Option<kit::browser::Page>,
    cookies: std::collections::BTreeMap<String, String>,
}

struct Fixture {
    web: Client,
    service: Client,
    opaque: Client,
    /// A client for users with opaque access tokens.
    opaque_web: Client,
    private_key_client: Client,
    signer: JwtSigner,
    key: KeyPair,
}

/// Causes one more database access at the end of a redemption.
const CLAIMS: &str = "&claims=%7B%22id_token%22%3A%7B%22preferred_username%22%3Anull%7D%7D";

impl Fixture {
    async fn new(server: &Server) -> Self {
        server.user("ada").await;
        let opaque = server.register(json!({
            "grant_types": ["client_credentials"],
            "gw_access_token_format": "opaque",
        }));
        let opaque = opaque.await;
        let opaque_web = server.register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile",
            "gw_access_token_format": "opaque",
        }));
        let opaque_web = opaque_web.await;
        let signer = JwtSigner::new();
        let private_key_client = server.register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [signer.jwk()] },
        }));
        let (web, service) = (server.web_app().await, server.service().await);
        server.administer_ca(async |ca| ca.init().await).await.unwrap();
        let key = KeyPair::generate().unwrap();
        Self {
            web,
            service,
            opaque,
            opaque_web,
            private_key_client: private_key_client.await,
            signer,
            key,
        }
    }

    async fn prepare(&self, server: &Server, flow: Flow) -> Prepared {
        let mut browser = Browser::new(server);
        let (web, scope) = (&self.web, "openid profile offline_access");
        let mut page = None;
        let mut text = String::new();
        match flow {
            Flow::ClientCredentials | Flow::Opaque => {}
            Flow::Assertion => {
                let now = server.trace().now().0;
                let jti = uuid::Uuid::now_v7().to_string();
                let claims = json!({
                    "iss": self.private_key_client.id, "sub": self.private_key_client.id,
                    "aud": ISSUER, "jti": jti,
                    "exp": now + 60,
                });
                text = self.signer.sign("JWT", &claims);
            }
            Flow::Redeem | Flow::Silent | Flow::Withdraw => {
                text = browser.authorize("ada", web, scope, CLAIMS).await.parameter("code");
            }
            Flow::Refresh | Flow::Revoke => {
                let code = browser.authorize("ada", web, scope, CLAIMS).await.parameter("code");
                text = server.redeem(web, &code).await.ok().token("refresh_token");
            }
            Flow::RefreshBound => {
                let code =
                    browser.authorize("ada", &self.opaque_web, "openid profile", CLAIMS).await;
                let tokens = server.redeem(&self.opaque_web, &code.parameter("code")).await.ok();
                text = tokens.token("refresh_token");
                server.advance_clock(61);
            }
            Flow::Introspect | Flow::UserInfo | Flow::Verify => {
                let code = browser.authorize("ada", web, scope, "").await.parameter("code");
                text = server.redeem(web, &code).await.ok().token("access_token");
            }
            Flow::Enrol => {
                let id = ClientId::from_text(&self.service.id);
                let create_token = async |ca: BuiltInCa<'_>| {
                    ca.create_enrolment_token(&id, Seconds::hours(1)).await
                };
                text = server.administer_ca(create_token).await.unwrap().0.expose().to_owned();
            }
            Flow::SignIn => page = Some(browser.open(&authorize_target(web, scope)).await),
            Flow::Consent => {
                browser.authorize("ada", web, scope, "").await;
                let target = authorize_target(web, scope) + "&prompt=consent";
                page = Some(browser.open(&target).await);
            }
        }
        Prepared { text, page, cookies: browser.cookies }
    }

    /// Performs the flow; a response with status 200 is a success.
    async fn perform(&self, server: &Server, flow: Flow, prepared: &Prepared) -> Response {
        let mut browser = Browser::new(server);
        browser.cookies = prepared.cookies.clone();
        let text = &prepared.text;
        let grant_type = "grant_type=client_credentials";
        let page = match flow {
            Flow::Redeem => return server.redeem(&self.web, text).await,
            Flow::Refresh => return server.refresh(&self.web, text, "").await,
            Flow::RefreshBound => return server.refresh(&self.opaque_web, text, "").await,
            Flow::ClientCredentials => {
                return server.post_as(&self.service, "/token", grant_type).await;
            }
            Flow::Opaque => return server.post_as(&self.opaque, "/token", grant_type).await,
            Flow::Assertion => {
                let form = format!(
                    "{grant_type}&client_assertion={text}&client_assertion_type=\
                     urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                );
                return server.post("/token", &form).await;
            }
            Flow::Introspect => {
                let form = format!("token={text}");
                let response = server.post_as(&self.web, "/introspect", &form).await;
                assert_ne!(response.body["active"], false, "THREATS DB-03: {response:?}");
                return response;
            }
            Flow::UserInfo => return server.userinfo(text).await,
            Flow::Verify => return server.request("GET", "/verify/own").bearer(text).send().await,
            Flow::Revoke => {
                return server.post_as(&self.web, "/revoke", &format!("token={text}")).await;
            }
            Flow::Enrol => {
                let request = server.request("POST", "/.well-known/est/simpleenroll");
                let request = request.basic(&self.service.id, text);
                let body = STANDARD.encode(built_in_ca::csr(&self.key));
                return request
                    .header("content-type", "application/pkcs10")
                    .body(body)
                    .send()
                    .await;
            }
            Flow::Silent => {
                let target =
                    authorize_target(&self.web, "openid profile offline_access") + "&prompt=none";
                browser.open(&target).await
            }
            Flow::SignIn => {
                let credentials =
                    [("identifier", "ada"), ("password", PASSWORD), ("answer", "sign-in")];
                browser.submit(prepared.page.as_ref().unwrap(), &credentials).await
            }
            Flow::Consent => {
                browser.submit(prepared.page.as_ref().unwrap(), &[("answer", "allow")]).await
            }
            Flow::Withdraw => {
                let page = browser.open("/account").await;
                if page.response.status == 200 {
                    let fields = [("client_id", self.web.id.as_str())];
                    browser.submit_on_account_page("/account/applications/withdraw", &fields).await
                } else {
                    page
                }
            }
        };
        let mut response = page.response;
        if page.url.contains("code=") || (flow == Flow::SignIn && page.url.starts_with("/consent"))
        {
            response.status = 200;
        }
        assert!(!page.url.contains("error="), "THREATS DB-03: {}", page.url);
        response
    }
}

async fn survives_a_failure_of_every_table(flow: Flow) {
    let server = Server::with(|config| {
        // For forward authentication.
        config.http.trusted_proxies = vec![Network::new([127, 0, 0, 1].into(), 32).unwrap()];
        config.verify.routes = vec![GatewayRoute {
            name: "own".to_owned(),
            audience: ISSUER.to_owned(),
            scope: Scope::default(),
            origin: None,
            original: OriginalRequest::XOriginal,
        }];
    })
    .await;
    let fixture = Fixture::new(&server).await;
    fixture.perform(&server, flow, &fixture.prepare(&server, flow).await).await.ok();
    let mut faults = 0;
    for table in tables() {
        let prepared = fixture.prepare(&server, flow).await;
        let away = format!("{table}_away");

        rename_table(&server, &table, &away).await;
        let response = fixture.perform(&server, flow, &prepared).await;
        rename_table(&server, &away, &table).await;
        server.app().confirm().await.unwrap();

        if response.status == 200 {
            continue;
        }
        faults += 1;
        assert_eq!(response.status, 503, "{flow:?} without {table}: {response:?}");
        assert_eq!(response.header("retry-after"), "1", "{flow:?} without {table}");
        if response.body.is_object() {
            response.refused(503, "temporarily_unavailable");
        } else {
            assert!(!response.text.contains("_away") && !response.text.contains("SELECT"), "LG-03");
        }
        // Longer than any response is repeated: the failure has consumed nothing (THREATS EX-04).
        server.advance_clock(11);
        let again = fixture.perform(&server, flow, &prepared).await;
        assert_eq!(again.status, 200, "{flow:?} again, after it failed for {table}: {again:?}");
    }
    assert!(faults > 0 || flow == Flow::ClientCredentials, "{flow:?} needs no table at all");
}

/// The state of certificates in the database: the number of certificates, of issued ones, of events of
/// this kind, and of pending mails and webhooks.
async fn state_of_certificates(server: &Server, kind: &str) -> [usize; 4] {
    let on = server.app().store.db();
    let count = async |statement: &'static str| {
        let rows: Vec<(String,)> = gatewright::store::sql(statement).fetch_all(on).await.unwrap();
        rows.len()
    };
    [
        count("SELECT thumbprint FROM certificates WHERE origin <> 'own'").await,
        count("SELECT thumbprint FROM issued").await,
        server.audit_events(kind).await.len(),
        count("SELECT id FROM outbox").await,
    ]
}

/// Performs an operation with each table missing in turn: it succeeds or leaves no trace, and succeeds
/// afterwards. `left` is what it adds.
async fn all_or_nothing(
    server: &Server,
    kind: &str,
    left: [usize; 4],
    operation: impl AsyncFn() -> bool,
) {
    let mut faults = 0;
    for table in tables() {
        let before = state_of_certificates(server, kind).await;
        let away = format!("{table}_away");

        rename_table(server, &table, &away).await;
        let is_done = operation().await;
        rename_table(server, &away, &table).await;

        if is_done {
            continue;
        }
        faults += 1;
        assert_eq!(state_of_certificates(server, kind).await, before, "{kind} without {table}");
        assert!(operation().await, "{kind} again, after it failed for {table}");
        let after = state_of_certificates(server, kind).await;
        let left_behind: Vec<_> = after.iter().zip(before).map(|(now, then)| now - then).collect();
        assert_eq!(left_behind, left, "{kind} again, after it failed for {table}");
    }
    assert!(faults > 2, "{kind} needs tables: {faults}");
}

/// A server that sends mails and webhooks to receivers that are unavailable.
async fn server_with_unavailable_receivers() -> Server {
    let (mails, webhook) = (
        MailServer::start(MailServerOptions {
            temporary_failures: 1_000_000,
            ..MailServerOptions::default()
        })
        .await,
        WebhookServer::start(vec![503; 1000]).await,
    );
    Server::with(|config| {
        use_mail_server(config, &mails);
        add_webhook(config, &webhook);
    })
    .await
}

/// An issued certificate is in the inventory, among the issued ones and in the audit trail; a failure
/// leaves none of them.
#[tokio::test]
async fn issuing_a_certificate_survives_a_failure_of_every_table() {
    let server = server_with_unavailable_receivers().await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();
    let client = server.service().await;
    let key = KeyPair::generate().unwrap();

    let issue = async || {
        let id = ClientId::from_text(&client.id);
        let request = CertificationRequest::parse(&built_in_ca::csr(&key)).unwrap();
        let (app, trace) = (server.app(), server.trace());
        let ca = BuiltInCa { context: app.context(&trace), kek: app.keyring.kek() };
        ca.issue(Some(&id), &request, Right::Proven).await.is_ok()
    };

    all_or_nothing(&server, "certificate.issued", [1, 1, 1, 0], issue).await;
}

/// A revocation is recorded, with its event and its webhook, or not at all.
#[tokio::test]
async fn revoking_a_certificate_survives_a_failure_of_every_table() {
    let server = server_with_unavailable_receivers().await;
    let number = std::sync::atomic::AtomicUsize::new(0);
    let pending = std::sync::Mutex::new(None::<SelfSignedCertificate>);

    // One that was not revoked is tried again.
    let revoke = async || {
        let certificate = pending.lock().unwrap().take().unwrap_or_else(|| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            SelfSignedCertificate::new(&format!("leaked{number}"), 90)
        });
        let is_done = server.revoke_by_file(&certificate).await.is_ok();
        if !is_done {
            *pending.lock().unwrap() = Some(certificate);
        }
        is_done
    };

    all_or_nothing(&server, "certificate.revoked", [1, 0, 1, 1], revoke).await;
}

/// An approaching expiry is reported by event, mail and webhook together, or not yet.
#[tokio::test]
async fn reporting_an_expiry_survives_a_failure_of_every_table() {
    let server = server_with_unavailable_receivers().await;
    let thresholds = [60, 30, 14, 7, 1];
    let (day, all) = (24 * 60 * 60, tables().len());
    // As many certificates as tables, each with a threshold that is crossed in its turn.
    for number in 0..all {
        let days = 365 + i64::try_from(number).unwrap();
        server
            .register_with_certificates(&[&SelfSignedCertificate::new(
                &format!("ending{number}"),
                days,
            )])
            .await;
    }
    server.advance_clock((365 - thresholds[0] - 1) * day);
    let mut faults = 0;
    for table in tables() {
        server.advance_clock(day);
        let before = state_of_certificates(&server, "certificate.expiring").await;
        let away = format!("{table}_away");
        let run_job = async || {
            let trace = server.trace();
            let census = server.inventory(&trace).census().await.map_err(drop)?;
            expiry::send_warnings(&census).await.map_err(drop)
        };

        rename_table(&server, &table, &away).await;
        let done = run_job().await;
        rename_table(&server, &away, &table).await;

        if done.is_err() {
            faults += 1;
            assert_eq!(
                state_of_certificates(&server, "certificate.expiring").await,
                before,
                "without {table}"
            );
            run_job().await.unwrap();
        }
        run_job().await.unwrap();
        let after = state_of_certificates(&server, "certificate.expiring").await;
        let notices = after[2] - before[2];
        assert!(
            notices > 0 && after[3] - before[3] == 2 * notices,
            "without {table}: {before:?} {after:?}"
        );
    }
    assert!(faults > 2, "it needs tables: {faults}");
}

/// A future that is dropped after this number of polls.
struct CancelAfter<F> {
    operation: Pin<Box<F>>,
    left: usize,
}

impl<F: Future> Future for CancelAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.operation.as_mut().poll(context).map(Some)
    }
}

/// THREATS DB-12, X-02: a redemption that its client abandons leaves the code unused, or a grant that
/// the retry revokes; no partial state, and no unusable connection.
#[tokio::test]
async fn a_redemption_may_be_cancelled_at_any_point() {
    let server = Server::start().await;
    server.user("ada").await;
    let web = server.web_app().await;
    let registered = server.find_client(&web).await;
    let mut browser = Browser::new(&server);
    for left in 0.. {
        let code = browser.authorize("ada", &web, "openid", CLAIMS).await.parameter("code");
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("redirect_uri", Client::REDIRECT_URI)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        let (params, trace) = (Params::parse(&form).unwrap(), server.trace());
        let call = server.app().call(&trace);

        let operation = Box::pin(code::redeem(&call, &registered, &params));
        let done = CancelAfter { operation, left }.await;

        let again = server.redeem(&web, &code).await;
        match done {
            Some(done) => {
                assert!(done.is_ok() && left > 0, "{left}");
                again.refused(400, "invalid_grant");
                return;
            }
            None if again.status == 200 => {}
            None => drop(again.refused(400, "invalid_grant")),
        }
    }
}

/// THREATS DB-12, X-03, RT-04: a cancelled refresh can be repeated, whatever it had completed.
#[tokio::test]
async fn a_refresh_may_be_cancelled_at_any_point() {
    let server = Server::start().await;
    server.user("ada").await;
    let web = server.web_app().await;
    let registered = server.find_client(&web).await;
    let page = Browser::new(&server).authorize("ada", &web, "openid", CLAIMS).await;
    let mut token = server.redeem(&web, &page.parameter("code")).await.ok().token("refresh_token");
    let mut cancelled = 0;
    // Repeated, because a fast database on a busy machine often responds before the first wait.
    for round in 0..500 {
        if round >= 8 && cancelled > 0 {
            break;
        }
        for left in 0.. {
            let params = Params::parse(format!("refresh_token={token}")).unwrap();
            let trace = server.trace();
            let call = server.app().call(&trace);

            let operation = Box::pin(refresh::rotate(&call, &registered, &params));
            let done = CancelAfter { operation, left }.await;

            token = server.refresh(&web, &token, "").await.ok().token("refresh_token");
            if let Some(done) = done {
                assert!(done.is_ok());
                break;
            }
            cancelled += left;
        }
    }
    assert!(cancelled > 0, "no refresh was cancelled after a poll");
}
