//! A server in the same process: a real listener, a real database, and a clock that the test controls.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gatewright::app::{App, Clock};
use gatewright::config::{Config, DatabaseUrl, EncryptionKeys, Issuer, LogFormat, MtlsUrl};
use gatewright::flow::clients::registration::Registrar;
use gatewright::people::account::{self, NewAccount};
use gatewright::pki::Certificate;
use gatewright::record::Trace;
use gatewright::server::{Addresses, Running, Sockets, routes};
use gatewright::store::signing_keys::{self, SigningKeyRow};
use gatewright::store::{ConnectionLimits, OpenMode, Store, certificates, versions};
use gatewright::types::{Algorithm, Client as Registered, ClientId, Secret, Thumbprint, User};
pub use gatewright_store::test_database::Database;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::browser::{Browser, VERIFIER};
use crate::ca::Identity;
use crate::http::{RequestBuilder, Response};
use crate::tls_client::{CertificateFiles, HOST, MTLS_HOST, TlsClient};

/// The time at which every test begins.
pub const START_TIME: i64 = 1_795_000_000;

/// The password of every user.
pub const PASSWORD: &str = "correct horse battery staple";

pub const ISSUER: &str = "https://id.example.org";

/// A server with its database.
pub struct Server {
    pub address: SocketAddr,
    /// The address of the operations listener, if the configuration has one.
    pub operations: Option<SocketAddr>,
    running: Running,
    clock: Arc<AtomicI64>,
    config: Config,
    database: Arc<Database>,
    /// The TLS certificate and its CA, if the server has a TLS listener.
    files: Option<Arc<CertificateFiles>>,
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: String,
    pub secret: String,
}

impl Client {
    /// The redirect URI of the tests' web applications.
    pub const REDIRECT_URI: &str = "https://app.example/cb";
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server with a changed configuration.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(change, None).await
    }

    /// A server with a changed configuration that also has an HTTPS listener and an mTLS listener, each
    /// at a port of its own.
    pub async fn with_tls(change: impl FnOnce(&mut Config)) -> Self {
        let files = Arc::new(CertificateFiles::new());
        let listen = vec!["127.0.0.1:0".parse().unwrap()];
        let (chain, key) = (files.chain_file(), files.key_file());
        let secure = |config: &mut Config| {
            config.tls.listen = listen.clone();
            config.tls.certificate_file = Some(chain);
            config.tls.key_file = Some(key);
            config.mtls.url = MtlsUrl::parse(&format!("https://{MTLS_HOST}")).ok();
            config.mtls.listen = listen;
            change(config);
        };
        Self::start_with(secure, Some(files)).await
    }

    async fn start_with(
        change: impl FnOnce(&mut Config),
        files: Option<Arc<CertificateFiles>>,
    ) -> Self {
        let mut config = Config::with_defaults(Issuer::parse(ISSUER).ok().unwrap());
        config.keys.algorithms = vec![Algorithm::Es256, Algorithm::Rs256];
        config.keys.encryption_key =
            Some(EncryptionKeys::parse(&format!("{}=", "A".repeat(43))).unwrap());
        // A hashing cost that is bearable in a debug build.
        config.passwords.memory_kib = 64;
        config.passwords.iterations = 1;
        config.database.acquire_timeout = gatewright::types::Seconds(10);
        config.log.format = LogFormat::Text;
        config.http.listen = vec!["127.0.0.1:0".parse().unwrap()];
        change(&mut config);
        let database = Database::make().await;
        config.database.url = DatabaseUrl::new(&database.url);
        insert_signing_keys(&config).await;
        let clock = Arc::new(AtomicI64::new(START_TIME * 1000));
        Self::serve(config, Arc::new(database), clock, files).await
    }

    async fn serve(
        config: Config,
        database: Arc<Database>,
        clock: Arc<AtomicI64>,
        files: Option<Arc<CertificateFiles>>,
    ) -> Self {
        let now_ms = clock.clone();
        let app =
            App::open(config.clone(), Clock::of(move || now_ms.load(Ordering::SeqCst)), false);
        let sockets = Sockets::bind(&config).await.unwrap();
        let running = Running::start(app.await.unwrap(), routes(), sockets).await.unwrap();
        let (address, operations) = (running.addresses().http[0], running.addresses().operations);
        Self { address, operations, running, clock, config, database, files }
    }

    /// Another replica on the same database and with the same clock.
    pub async fn replica(&self) -> Self {
        self.replica_with(|_| {}).await
    }

    /// Another replica with a changed configuration.
    pub async fn replica_with(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        let (database, clock) = (self.database.clone(), self.clock.clone());
        Self::serve(config, database, clock, self.files.clone()).await
    }

    /// Another replica, whose clock is this many seconds ahead.
    pub async fn replica_ahead(&self, seconds: i64) -> Self {
        let clock = AtomicI64::new(self.clock.load(Ordering::SeqCst) + seconds * 1000);
        let (config, database) = (self.config.clone(), self.database.clone());
        Self::serve(config, database, Arc::new(clock), self.files.clone()).await
    }

    /// Stops this server gracefully, and starts another one on the same database.
    pub async fn restart(self) -> Self {
        let (config, database, clock) = (self.config, self.database, self.clock);
        self.running.stop().await;
        Self::serve(config, database, clock, self.files).await
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }

    /// Advances the clock.
    pub fn advance_clock(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// The TLS certificates in use.
    pub fn certificates(&self) -> Vec<Arc<Certificate>> {
        self.running.certificates()
    }

    pub fn app(&self) -> &App {
        self.running.app()
    }

    /// The trace of an administrator's command at the current time.
    pub fn trace(&self) -> Trace {
        Trace::of_command(self.clock.load(Ordering::SeqCst))
    }

    pub fn request(&self, method: &str, target: &str) -> RequestBuilder {
        RequestBuilder::new(self.address, method, target)
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    pub fn addresses(&self) -> &Addresses {
        self.running.addresses()
    }

    /// The TLS certificate and its CA, for a server started by [`Server::with_tls`].
    pub fn certificate_files(&self) -> &CertificateFiles {
        self.files.as_ref().unwrap()
    }

    /// A request over HTTPS to the issuer's host name.
    pub fn tls_request(&self, method: &str, target: &str) -> RequestBuilder {
        let client = TlsClient::new(&self.certificate_files().ca, None);
        self.request(method, target).over_tls(&client, self.addresses().tls[0], HOST)
    }

    /// A request over mTLS to the mTLS host name, with this client certificate if there is one.
    pub fn mtls_request(
        &self,
        identity: Option<&Identity>,
        method: &str,
        target: &str,
    ) -> RequestBuilder {
        let client = TlsClient::new(&self.certificate_files().ca, identity);
        self.request(method, target).over_tls(&client, self.addresses().mtls[0], MTLS_HOST)
    }

    pub async fn get(&self, target: &str) -> Response {
        self.request("GET", target).send().await
    }

    /// The body of the response as bytes.
    pub async fn get_bytes(&self, target: &str) -> Vec<u8> {
        self.request("GET", target).send_for_bytes().await
    }

    pub async fn post(&self, target: &str, form: &str) -> Response {
        self.request("POST", target).form(form).send().await
    }

    /// A form POST that authenticates this client with `client_secret_basic`.
    pub async fn post_as(&self, client: &Client, target: &str, form: &str) -> Response {
        self.request("POST", target).basic(&client.id, &client.secret).form(form).send().await
    }

    /// Registers a client with the metadata of RFC 7591.
    pub async fn register(&self, metadata: Value) -> Client {
        let metadata = serde_json::from_value(metadata).unwrap();
        let registered = self
            .administer_clients(async move |registrar| registrar.create(metadata).await.unwrap())
            .await;
        let secret = registered.secret.map(|secret| secret.0.expose().to_owned());
        Client { id: registered.client.id.to_string(), secret: secret.unwrap_or_default() }
    }

    /// A client for the client credentials grant with the scopes `read` and `write`.
    pub async fn service(&self) -> Client {
        self.register(json!({
            "client_name": "Backup",
            "grant_types": ["client_credentials"],
            "scope": "read write",
        }))
        .await
    }

    /// A web application with the authorization code grant and all scopes about users.
    pub async fn web_app(&self) -> Client {
        self.web_app_with(json!({})).await
    }

    /// The same with these metadata members added or replaced.
    pub async fn web_app_with(&self, members: Value) -> Client {
        let mut metadata = json!({
            "client_name": "Photos",
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email address phone offline_access",
        });
        metadata.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.register(metadata).await
    }

    /// A token request with `grant_type=authorization_code`, not yet sent.
    pub fn redeem_request(&self, client: &Client, code: &str) -> RequestBuilder {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", Client::REDIRECT_URI)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        self.request("POST", "/token").basic(&client.id, &client.secret).form(&form)
    }

    /// Exchanges a code for tokens.
    pub async fn redeem(&self, client: &Client, code: &str) -> Response {
        self.redeem_request(client, code).send().await
    }

    /// The token response after a user has authorized a client in a new browser.
    pub async fn obtain_tokens(&self, username: &str, client: &Client, scope: &str) -> Response {
        let page = Browser::new(self).authorize(username, client, scope, "").await;
        self.redeem(client, &page.parameter("code")).await.ok()
    }

    /// A client's registration, as the server has it.
    pub async fn find_client(&self, client: &Client) -> Registered {
        let id = ClientId::from_text(&client.id);
        self.app().cache.client(&id).await.unwrap().unwrap().as_ref().clone()
    }

    /// Runs an administrator's operation on clients, then has the server reload.
    pub async fn administer_clients<T>(&self, work: impl AsyncFnOnce(Registrar<'_>) -> T) -> T {
        let done = self.administer_clients_without_reload(work).await;
        self.app().confirm().await.unwrap();
        done
    }

    /// The same without the reload, as when a separate process runs the command.
    pub async fn administer_clients_without_reload<T>(
        &self,
        work: impl AsyncFnOnce(Registrar<'_>) -> T,
    ) -> T {
        let app = self.app();
        let trace = self.trace();
        work(Registrar {
            context: app.context(&trace),
            outbound: &app.outbound,
            kek: Some(app.keyring.kek()),
        })
        .await
    }

    /// Revokes a certificate like an administrator's command. `false`: it was revoked already.
    pub async fn revoke_certificate(&self, thumbprint: Thumbprint, reason: &str) -> bool {
        let now = self.trace().now();
        let mut tx = self.app().store.write().await.unwrap();
        let revoked = certificates::revoke(&mut tx, thumbprint, reason, now).await.unwrap();
        versions::bump(&mut tx, versions::Kind::Revocations).await.unwrap();
        tx.commit().await.unwrap();
        revoked
    }

    /// An access token from the client credentials grant.
    pub async fn client_credentials_token(&self, client: &Client) -> String {
        let response = self.post_as(client, "/token", "grant_type=client_credentials").await;
        response.ok().token("access_token")
    }

    /// Creates an account with [`PASSWORD`].
    pub async fn user(&self, username: &str) -> User {
        let app = self.app();
        let (trace, password) = (self.trace(), Secret::new(PASSWORD));
        let new = NewAccount {
            username,
            email: None,
            email_verified: false,
            claims: serde_json::Map::new(),
            password: Some(&password),
        };
        account::create(&app.people(&trace), new).await.unwrap()
    }
}

/// Generating RSA keys is slow, so all tests of a run share the signing keys of the first one.
async fn insert_signing_keys(config: &Config) {
    static KEYS: OnceCell<Vec<SigningKeyRow>> = OnceCell::const_new();
    let timeout = std::time::Duration::from_secs(10);
    let limits = ConnectionLimits {
        connections: 1,
        acquire: timeout,
        statement: timeout,
        has_pooler: false,
    };
    let store = Store::open(&config.database.url.0, &limits, OpenMode::Migrate).await.unwrap();
    let keys = KEYS.get_or_init(|| async {
        let app = App::open(config.clone(), Clock::of(|| START_TIME * 1000), false).await.unwrap();
        let keys = signing_keys::all(app.store.db()).await.unwrap();
        app.close().await;
        keys
    });
    for key in keys.await {
        // The database in which the keys were generated contains them already.
        signing_keys::insert(store.db(), key).await.unwrap();
    }
    store.close().await;
}
