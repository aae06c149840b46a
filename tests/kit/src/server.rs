//! A server in this process: a real listener, a real database, and a clock that the test winds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gatewright::app::{App, Clock};
use gatewright::config::{Alias, Config, DatabaseUrl, EncryptionKeys, Issuer, LogFormat};
use gatewright::flow::clients::registration::Registrar;
use gatewright::people::account::{self, NewAccount};
use gatewright::pki::Certificate;
use gatewright::record::Trace;
use gatewright::server::{Addresses, Running, Sockets, routes};
use gatewright::store::signing_keys::{self, SigningKeyRow};
use gatewright::store::{Limits, Purpose, Store, certificates, versions};
use gatewright::types::{Algorithm, Client as Registered, ClientId, Secret, Thumbprint, User};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;

use crate::authority::Identity;
use crate::browser::{Browser, VERIFIER};
use crate::caller::{Caller, House, MTLS, NAME};
use crate::http::{Answer, Ask};

/// When every test begins.
pub const BEGINNING: i64 = 1_795_000_000;

/// The password of every person.
pub const PASSWORD: &str = "correct horse battery staple";

pub const ISSUER: &str = "https://id.example.org";

/// A server, and the database that goes with it.
pub struct Server {
    pub address: SocketAddr,
    /// Where the operators' listener is, if the configuration has one.
    pub operations: Option<SocketAddr>,
    running: Running,
    clock: Arc<AtomicI64>,
    config: Config,
    database: Arc<Database>,
    /// The certificate that it shows, if it speaks TLS.
    house: Option<Arc<House>>,
}

/// A client as it was registered.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: String,
    pub secret: String,
}

impl Client {
    /// Where the web applications of tests are answered.
    pub const REDIRECT_URI: &str = "https://app.example/cb";
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server whose configuration is another in some point.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::make(change, None).await
    }

    /// A server that listens for https too, and for https that asks for client certificates, each at a
    /// port of its own; its configuration is another in some point.
    pub async fn with_tls(change: impl FnOnce(&mut Config)) -> Self {
        let house = Arc::new(House::new());
        let listen = vec!["127.0.0.1:0".parse().unwrap()];
        let (chain, key) = (house.chain(), house.key());
        let secure = |config: &mut Config| {
            config.tls.listen = listen.clone();
            config.tls.certificate_file = Some(chain);
            config.tls.key_file = Some(key);
            config.mtls.url = Alias::parse(&format!("https://{MTLS}")).ok();
            config.mtls.listen = listen;
            change(config);
        };
        Self::make(secure, Some(house)).await
    }

    async fn make(change: impl FnOnce(&mut Config), house: Option<Arc<House>>) -> Self {
        let mut config = Config::of(Issuer::parse(ISSUER).ok().unwrap());
        config.keys.algorithms = vec![Algorithm::Es256, Algorithm::Rs256];
        config.keys.encryption_key =
            Some(EncryptionKeys::parse(&format!("{}=", "A".repeat(43))).unwrap());
        // A cost of hashing that a debug build bears.
        config.passwords.memory_kib = 64;
        config.passwords.iterations = 1;
        config.database.acquire_timeout = gatewright::types::Seconds(10);
        config.log.format = LogFormat::Text;
        config.http.listen = vec!["127.0.0.1:0".parse().unwrap()];
        change(&mut config);
        let database = Database::make().await;
        config.database.url = DatabaseUrl::new(&database.url);
        with_keys(&config).await;
        let clock = Arc::new(AtomicI64::new(BEGINNING * 1000));
        Self::serve(config, Arc::new(database), clock, house).await
    }

    async fn serve(
        config: Config,
        database: Arc<Database>,
        clock: Arc<AtomicI64>,
        house: Option<Arc<House>>,
    ) -> Self {
        let hand = clock.clone();
        let app = App::open(config.clone(), Clock::of(move || hand.load(Ordering::SeqCst)), false);
        let sockets = Sockets::bind(&config).await.unwrap();
        let running = Running::start(app.await.unwrap(), routes(), sockets).await.unwrap();
        let (address, operations) = (running.addresses().http[0], running.addresses().operations);
        Self { address, operations, running, clock, config, database, house }
    }

    /// Another replica, at the same database and the same time.
    pub async fn replica(&self) -> Self {
        self.replica_with(|_| {}).await
    }

    /// Another replica whose configuration is another in some point.
    pub async fn replica_with(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        let (database, clock) = (self.database.clone(), self.clock.clone());
        Self::serve(config, database, clock, self.house.clone()).await
    }

    /// Another replica, whose clock goes this much ahead.
    pub async fn replica_ahead(&self, seconds: i64) -> Self {
        let clock = AtomicI64::new(self.clock.load(Ordering::SeqCst) + seconds * 1000);
        let (config, database) = (self.config.clone(), self.database.clone());
        Self::serve(config, database, Arc::new(clock), self.house.clone()).await
    }

    /// Stops this server in order; another one may take its place.
    pub async fn restarted(self) -> Self {
        let (config, database, clock) = (self.config, self.database, self.clock);
        self.running.stop().await;
        Self::serve(config, database, clock, self.house).await
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }

    /// Lets time pass.
    pub fn wait(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// The certificates that it shows.
    pub fn certificates(&self) -> Vec<Arc<Certificate>> {
        self.running.certificates()
    }

    pub fn app(&self) -> &App {
        self.running.app()
    }

    /// As of a command of an administrator.
    pub fn trace(&self) -> Trace {
        Trace::of_command(self.clock.load(Ordering::SeqCst))
    }

    pub fn ask(&self, method: &str, target: &str) -> Ask {
        Ask::new(self.address, method, target)
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    pub fn addresses(&self) -> &Addresses {
        self.running.addresses()
    }

    /// What its certificate is made by, of a server [`Server::with_tls`].
    pub fn house(&self) -> &House {
        self.house.as_ref().unwrap()
    }

    /// Over https, under the issuer's name.
    pub fn ask_tls(&self, method: &str, target: &str) -> Ask {
        let caller = Caller::new(&self.house().authority, None);
        self.ask(method, target).over(&caller, self.addresses().tls[0], NAME)
    }

    /// Over https, under the name that asks for client certificates; shows this one.
    pub fn ask_mtls(&self, shows: Option<&Identity>, method: &str, target: &str) -> Ask {
        let caller = Caller::new(&self.house().authority, shows);
        self.ask(method, target).over(&caller, self.addresses().mtls[0], MTLS)
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target).send().await
    }

    /// What is answered, byte by byte.
    pub async fn get_bytes(&self, target: &str) -> Vec<u8> {
        self.ask("GET", target).send_for_bytes().await
    }

    pub async fn post(&self, target: &str, form: &str) -> Answer {
        self.ask("POST", target).form(form).send().await
    }

    /// A form of this client, which proves itself by `client_secret_basic`.
    pub async fn post_as(&self, client: &Client, target: &str, form: &str) -> Answer {
        self.ask("POST", target).basic(&client.id, &client.secret).form(form).send().await
    }

    /// Registers a client, by the names of RFC 7591.
    pub async fn register(&self, metadata: Value) -> Client {
        let metadata = serde_json::from_value(metadata).unwrap();
        let registered =
            self.administer(async move |registrar| registrar.create(metadata).await.unwrap()).await;
        let secret = registered.secret.map(|secret| secret.0.expose().to_owned());
        Client { id: registered.client.id.to_string(), secret: secret.unwrap_or_default() }
    }

    /// A client that acts for itself, with the scopes `read` and `write`.
    pub async fn service(&self) -> Client {
        self.register(json!({
            "client_name": "Backup",
            "grant_types": ["client_credentials"],
            "scope": "read write",
        }))
        .await
    }

    /// A web application that people sign in to, with all the scopes that speak of them.
    pub async fn web_app(&self) -> Client {
        self.web_app_with(json!({})).await
    }

    /// The same with these members besides, or in the place of its own.
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

    /// `grant_type=authorization_code`, as it is sent.
    pub fn redeeming(&self, client: &Client, code: &str) -> Ask {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", Client::REDIRECT_URI)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        self.ask("POST", "/token").basic(&client.id, &client.secret).form(&form)
    }

    /// What comes of a code.
    pub async fn redeem(&self, client: &Client, code: &str) -> Answer {
        self.redeeming(client, code).send().await
    }

    /// The tokens that a person has granted to a client, in a browser of their own.
    pub async fn granted(&self, username: &str, client: &Client, scope: &str) -> Answer {
        let place = Browser::of(self).authorize(username, client, scope, "").await;
        self.redeem(client, &place.parameter("code")).await.ok()
    }

    /// A registered client, as an administrator sees it.
    pub async fn find(&self, client: &Client) -> Registered {
        let id = ClientId::from_text(&client.id);
        self.app().cache.client(&id).await.unwrap().unwrap().as_ref().clone()
    }

    /// Does something that an administrator may do to clients, and lets the server see it.
    pub async fn administer<T>(&self, work: impl AsyncFnOnce(Registrar<'_>) -> T) -> T {
        let done = self.administer_unseen(work).await;
        self.app().confirm().await.unwrap();
        done
    }

    /// The same as a command beside the server does it: the server does not know yet.
    pub async fn administer_unseen<T>(&self, work: impl AsyncFnOnce(Registrar<'_>) -> T) -> T {
        let app = self.app();
        let trace = self.trace();
        work(Registrar {
            store: &app.store,
            outbound: &app.outbound,
            kek: Some(app.keyring.kek()),
            config: &app.config,
            trace: &trace,
        })
        .await
    }

    /// Revokes a certificate, as a command of an administrator does. `false`: it was revoked before.
    pub async fn revoke_certificate(&self, thumbprint: Thumbprint, reason: &str) -> bool {
        let now = self.trace().now();
        let mut tx = self.app().store.write().await.unwrap();
        let revoked = certificates::revoke(&mut tx, thumbprint, reason, now).await.unwrap();
        versions::bump(&mut tx, versions::Kind::Revocations).await.unwrap();
        tx.commit().await.unwrap();
        revoked
    }

    /// An access token of a client's own.
    pub async fn token_of(&self, client: &Client) -> String {
        let answer = self.post_as(client, "/token", "grant_type=client_credentials").await;
        answer.ok().token("access_token")
    }

    /// Makes an account with [`PASSWORD`].
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

/// Making RSA keys takes long, so all tests of a run share the signing keys that the first one made.
async fn with_keys(config: &Config) {
    static KEYS: OnceCell<Vec<SigningKeyRow>> = OnceCell::const_new();
    let patient = std::time::Duration::from_secs(10);
    let limits = Limits { connections: 1, acquire: patient, statement: patient, is_pooled: false };
    let store = Store::open(&config.database.url.0, &limits, Purpose::Migrate).await.unwrap();
    let keys = KEYS.get_or_init(|| async {
        let app = App::open(config.clone(), Clock::of(|| BEGINNING * 1000), false).await.unwrap();
        let keys = signing_keys::all(app.store.db()).await.unwrap();
        app.close().await;
        keys
    });
    for key in keys.await {
        // The database that they were made in has them already.
        signing_keys::insert(store.db(), key).await.unwrap();
    }
    store.close().await;
}

/// A database that goes with its server: see tests/README.md.
pub struct Database {
    pub url: String,
    place: Place,
}

enum Place {
    Directory(PathBuf),
    Postgres { server: String, name: String },
}

impl Database {
    pub async fn make() -> Self {
        let name = format!("gatewright_{}", uuid::Uuid::now_v7().simple());
        if std::env::var("TEST_DATABASE").is_ok_and(|kind| kind == "postgres") {
            let server = std::env::var("TEST_POSTGRES").expect("TEST_POSTGRES names a server");
            tell(&server, format!("CREATE DATABASE {name}")).await;
            let mut url = url::Url::parse(&server).unwrap();
            url.set_path(&name);
            Self { url: url.to_string(), place: Place::Postgres { server, name } }
        } else {
            let directory = std::env::temp_dir().join(name);
            std::fs::create_dir(&directory).unwrap();
            let url = format!("sqlite:{}", directory.join("test.db").display());
            Self { url, place: Place::Directory(directory) }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match &self.place {
            Place::Directory(directory) => {
                let _ = std::fs::remove_dir_all(directory);
            }
            Place::Postgres { server, name } => {
                let (server, drop) = (server.clone(), format!("DROP DATABASE {name} WITH (FORCE)"));
                // In a thread and a runtime of its own: this one may be over.
                let dropped = std::thread::spawn(move || {
                    let mut runtime = tokio::runtime::Builder::new_current_thread();
                    runtime.enable_all().build().unwrap().block_on(tell(&server, drop));
                });
                let _ = dropped.join();
            }
        }
    }
}

async fn tell(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
