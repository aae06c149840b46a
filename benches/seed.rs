//! A database with hundreds of thousands of users, sessions, consents and grants, and the tokens and cookies of their
//! clients and browsers.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use gatewright::app::{App, Clock};
use gatewright::flow::clients::registration::Registrar;
use gatewright::flow::tokens::mint;
use gatewright::people::password::Password;
use gatewright::record::Trace;
use gatewright::store::{Db, Store, opaque_tokens, sql};
use gatewright::types::token::{OpaqueAccessToken, SessionSecret};
use gatewright::types::{
    Algorithm, ClientId, GrantId, Scope, Seconds, Secret, Subscriber, Timestamp,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::CONNECTIONS;
use crate::certificates::{Authority, HOST};
use crate::first_use::TokenIssuer;
use crate::load::TlsTarget;
use crate::proofs::Key;
use crate::server;
use crate::workers::session_cookie;

/// The number of different tokens, grants and sessions that are used in turn.
const ROTATION: usize = 10_000;

/// The number of clients that are used in turn.
const SERVICES: usize = 500;

/// The redirect URI of the web client.
pub(crate) const REDIRECT_URI: &str = "https://client.example/callback";

/// Its granted scope.
pub(crate) const SCOPE: &str = "email openid profile";

/// The password of every user.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The contents of the database from the outside: credentials, tokens and cookies.
#[derive(Debug)]
pub(crate) struct Seeded {
    /// The configuration of its server.
    pub(crate) config: PathBuf,
    /// Signs more access tokens with the key of the server.
    pub(crate) issuer: Rc<TokenIssuer>,
    /// An application that users sign in to.
    pub(crate) web: Application,
    /// The keys of DPoP proofs.
    pub(crate) proof_keys: Vec<Key>,
    /// Services that request tokens for themselves.
    pub(crate) services: Vec<Credentials>,
    /// Services that authenticate with certificates, and their TLS connections.
    pub(crate) certified: Vec<(String, TlsTarget)>,
    /// JWT access tokens, each of another grant.
    pub(crate) access: Vec<String>,
    /// Opaque access tokens, each of another grant.
    pub(crate) opaque: Vec<String>,
}

/// An application that users sign in to, and their sessions.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) credentials: Credentials,
    /// The name of the session cookie.
    pub(crate) session_cookie: String,
    /// The session cookies of signed-in users.
    pub(crate) cookies: Vec<String>,
    /// Valid refresh tokens, one per grant.
    pub(crate) refresh: Rc<RefCell<Vec<String>>>,
}

/// The credentials of a client.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// The directory and the database of a server.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// Its directory.
    pub(crate) dir: PathBuf,
    /// The URL of its database; SQLite in the directory if there is none.
    pub(crate) database: Option<String>,
    /// The signature algorithm of access tokens.
    pub(crate) algorithm: Algorithm,
}

impl Environment {
    /// Writes the configuration: the defaults, except lifetimes that are shorter than a run.
    fn configure(&self, authority: &Authority) -> Result<(PathBuf, SocketAddr)> {
        std::fs::create_dir_all(&self.dir)?;
        authority.write(&authority.server()?, &self.dir)?;
        let free = || std::net::TcpListener::bind("127.0.0.1:0")?.local_addr();
        let (port, mtls, operations) = (free()?.port(), free()?, free()?);
        let dir = self.dir.display();
        let sqlite = || format!("sqlite:{dir}/gatewright.db");
        let url = self.database.clone().unwrap_or_else(sqlite);
        let algorithm = self.algorithm;
        let path = self.dir.join("gatewright.toml");
        std::fs::write(
            &path,
            format!(
                "issuer = \"http://127.0.0.1:{port}\"\n\
                 [http]\nlisten = \"127.0.0.1:{port}\"\n\
                 [operations]\nlisten = \"{operations}\"\n\
                 [database]\nurl = \"{url}\"\n\
                 [mtls]\nurl = \"https://{HOST}:{}\"\nlisten = \"{mtls}\"\n\
                 certificate_file = \"{dir}/server.pem\"\nkey_file = \"{dir}/server.key\"\n\
                 [[client_certificates.anchors]]\nname = \"bench\"\nfile = \"{dir}/ca.pem\"\n\
                 revocation = \"off\"\n\
                 [keys]\ndir = \"{dir}/keys\"\n\
                 [tokens]\naccess_token_lifetime = \"2h\"\naccess_token_alg = \"{algorithm}\"\n",
                mtls.port(),
            ),
        )?;
        Ok((path, mtls))
    }
}

/// Creates a database with this many grants, each of another user with a session of their own.
///
/// # Errors
/// When it cannot be created.
pub(crate) async fn seed(environment: &Environment, grants: usize) -> Result<Seeded> {
    let authority = Authority::new()?;
    let (config, mtls) = environment.configure(&authority)?;
    let app = App::open(server::load(&config)?, Clock::system(), false).await?;
    let web = register(&app, application()).await?;
    let mut services = Vec::with_capacity(SERVICES);
    for _ in 0..SERVICES {
        services.push(register(&app, service()).await?);
    }
    let mut certified = Vec::with_capacity(CONNECTIONS);
    for number in 0..CONNECTIONS {
        let uri = format!("urn:bench:{number}");
        let tls = TlsTarget {
            address: mtls,
            connector: authority.connecting(&authority.client(&uri)?)?.into(),
            name: HOST.try_into()?,
            per_request: false,
        };
        certified.push((register(&app, certified_by(&uri)).await?.id, tls));
    }
    insert_users(&app, &web.id, grants).await?;

    let issuer = TokenIssuer {
        keys: app.keyring.keys(),
        issuer: app.config.issuer.as_str().to_owned(),
        client_id: web.id.clone(),
        grants: spread(grants),
        now: app.clock.now(),
    };
    let (mut cookies, mut refresh) = (Vec::new(), Vec::new());
    let (mut access, mut opaque) = (Vec::new(), Vec::new());
    let mut tx = app.store.write().await?;
    for number in &issuer.grants {
        let id = GrantId::from_text(uuid(*number));
        refresh.push(mint::refresh(&issuer.keys, &id, 1)?.expose().to_owned());

        let cookie = SessionSecret::generate();
        sql("UPDATE sessions SET digest = $1 WHERE id = $2")
            .bind(cookie.digest())
            .bind(uuid(*number))
            .execute(&mut tx)
            .await?;
        cookies.push(cookie.0.expose().to_owned());
    }
    // The number of different tokens does not depend on the number of grants, so that only the cost of grants is compared.
    for (turn, number) in issuer.grants.iter().cycle().take(ROTATION).enumerate() {
        access.push(issuer.token(turn)?);

        let token = OpaqueAccessToken::generate();
        let row = opaque_tokens::OpaqueToken {
            id: uuid(turn),
            client_id: ClientId::from_text(web.id.as_str()),
            grant_id: Some(GrantId::from_text(uuid(*number))),
            audience: vec![issuer.issuer.clone()],
            scope: Scope::from_tokens(SCOPE.split(' ')),
            claims: String::new(),
            created_at: issuer.now,
            expires_at: issuer.now + Seconds::hours(2),
            confirmation: gatewright::types::Confirmation::default(),
        };
        opaque_tokens::insert(&mut tx, &token.digest(), &row).await?;
        opaque.push(token.0.expose().to_owned());
    }
    tx.commit().await?;
    app.close().await;
    let web = Application {
        session_cookie: session_cookie(&issuer.issuer),
        credentials: web,
        cookies,
        refresh: Rc::new(RefCell::new(refresh)),
    };
    let proof_keys = (0..CONNECTIONS).map(|_| Key::generate()).collect::<Result<_>>()?;
    let issuer = Rc::new(issuer);
    Ok(Seeded { config, issuer, web, proof_keys, services, certified, access, opaque })
}

/// An application that users sign in to.
fn application() -> Value {
    json!({
        "client_name": "Photos", "redirect_uris": [REDIRECT_URI], "scope": SCOPE,
        "grant_types": ["authorization_code", "refresh_token"],
        "id_token_signed_response_alg": "ES256",
    })
}

/// A service with a secret.
fn service() -> Value {
    json!({ "client_name": "Service", "grant_types": ["client_credentials"],
            "response_types": [], "scope": "read write" })
}

/// A service with a certificate of this name, to which its tokens are bound.
fn certified_by(uri: &str) -> Value {
    json!({ "client_name": "Service", "grant_types": ["client_credentials"],
            "response_types": [], "scope": "read write",
            "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_uri": uri,
            "tls_client_certificate_bound_access_tokens": true })
}

async fn register(app: &App, metadata: Value) -> Result<Credentials> {
    let trace = Trace::of_command(app.clock.now_ms());
    let registrar = Registrar { context: app.context(&trace), outbound: &app.outbound, kek: None };
    let registered = registrar.create(serde_json::from_value(metadata)?).await?;
    let secret = registered.secret.map(|secret| secret.0.expose().to_owned());
    Ok(Credentials { id: registered.client.id.to_string(), secret: secret.unwrap_or_default() })
}

/// The identifier of the row of this number, in every table.
pub(crate) fn uuid(number: usize) -> String {
    format!("01970000-0000-7000-8000-{number:012x}")
}

/// Numbers of rows that are spread over the whole database, unordered.
fn spread(of: usize) -> Vec<usize> {
    // Coprime with all numbers of grants, which are powers of ten.
    const STRIDE: usize = 7_919;
    let count = of.min(ROTATION);
    (0..count).map(|turn| (turn * STRIDE % count) * (of / count)).collect()
}

/// The same as an SQL expression.
fn identifier(store: &Store, number: &str) -> String {
    match store.db() {
        Db::Sqlite(_) => format!("printf('01970000-0000-7000-8000-%012x', {number})"),
        Db::Postgres(_) => format!("'01970000-0000-7000-8000-' || lpad(to_hex({number}), 12, '0')"),
    }
}

/// A digest of 32 bytes without a known secret, as an SQL expression.
fn digest(store: &Store, number: &str) -> String {
    match store.db() {
        Db::Sqlite(_) => format!("CAST(printf('%032d', {number}) AS BLOB)"),
        Db::Postgres(_) => format!("convert_to(lpad(({number})::text, 32, '0'), 'UTF8')"),
    }
}

/// A table `n` of this many numbers `i`, as an SQL expression.
fn numbers(store: &Store, count: usize) -> String {
    match store.db() {
        Db::Sqlite(_) => format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"
        ),
        Db::Postgres(_) => format!("WITH n(i) AS (SELECT generate_series(0, {count} - 1))"),
    }
}

/// Inserts the rows of all users by SQL alone: a million in less than a minute.
async fn insert_users(app: &App, client: &str, count: usize) -> Result<()> {
    let url = &app.config.database.url.0;
    let (id, digest) = (identifier(&app.store, "i"), digest(&app.store, "i"));
    let numbers = numbers(&app.store, count);
    let password = Password::parse(&Secret::new(PASSWORD), 1024)?;
    let hash = app.hasher.place(Subscriber::from_address(None)).await?.hash(&password).await?;
    let cost = hash.rsplitn(3, '$').nth(2).unwrap_or_default();
    let Timestamp(now) = app.clock.now();
    let end = now + 86_400;
    let claims = json!({
        "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
        "preferred_username": "ada", "locale": "en", "zoneinfo": "Europe/London",
    });
    let rows = [
        ("users", "(id, username, email, email_verified, claims, created_at, updated_at)", format!(
            "{id}, 'user' || i, 'user' || i || '@example.org', TRUE, '{claims}', {now}, {now}"
        )),
        ("user_names", "(name, user_id)", format!("'user' || i, {id}")),
        ("credentials", "(user_id, kind, secret, cost, created_at)", format!("{id}, 'password', '{hash}', '{cost}', {now}")),
        ("sessions", "(id, digest, user_id, auth_time, amr, acr, remembered, created_at, seen_at, idle_at,
            expires_at, sweep_at, address, user_agent)", format!(
            "{id}, {digest}, {id}, {now}, 'pwd', 'pwd', FALSE, {now}, {now}, {end}, {end}, {end}, '192.0.2.1', \
             'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'"
        )),
        ("consents", "(user_id, client_id, scope, resources, claims, created_at, updated_at)", format!(
            "{id}, '{client}', '{SCOPE}', '[]', '[]', {now}, {now}"
        )),
        ("grants", "(id, client_id, user_id, session_id, offline, scope, resources, claims, nonce, auth_time,
            amr, acr, generation, rotated_at, created_at, idle_at, expires_at, sweep_at)", format!(
            "{id}, '{client}', {id}, {id}, FALSE, '{SCOPE}', '[]', '', 'n-0S6_WzA2Mj', {now}, 'pwd', 'pwd', \
             1, {now}, {now}, {end}, {end}, {end}"
        )),
    ];
    for (table, columns, values) in rows {
        // SQLite requires the common table expression within the statement, and PostgreSQL accepts it there.
        let text = format!("INSERT INTO {table} {columns} {numbers} SELECT {values} FROM n");
        execute(url, text).await.with_context(|| format!("seeding {table}"))?;
    }
    execute(url, "CREATE TABLE bench (id TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)".to_owned())
        .await?;
    execute(url, format!("INSERT INTO bench (id, n) {numbers} SELECT {id}, 0 FROM n")).await?;
    settle(&app.store, url).await
}

/// Brings the database into the state of one that has grown over days.
///
/// Collects statistics; on SQLite, the server does this at every shutdown. On PostgreSQL, a million rows at once leave
/// work that single rows do not: autovacuum reads their tables, and a checkpoint writes them for a minute, during which
/// each commit waits for the same disk.
async fn settle(store: &Store, url: &Secret) -> Result<()> {
    match store.db() {
        Db::Sqlite(_) => execute(url, "ANALYZE".to_owned()).await,
        Db::Postgres(_) => {
            execute(url, "VACUUM (ANALYZE)".to_owned()).await?;
            execute(url, "CHECKPOINT".to_owned()).await
        }
    }
}

/// Inserts an expired session, grant and code for each of this many users; they are due for deletion.
///
/// # Errors
/// When the database fails.
pub(crate) async fn insert_expired(config: &Path, client: &str, count: usize) -> Result<()> {
    let store = crate::limits::open(config).await?;
    let url = &server::load(config)?.database.url.0;
    let (user, numbers) = (identifier(&store, "i"), numbers(&store, count));
    let other = format!("i + {count}");
    let (id, digest) = (identifier(&store, &other), digest(&store, &other));
    let Timestamp(now) = Clock::system().now();
    let (begun, over) = (now - 86_400, now - 2 * 60 * 60);
    let rows = [
        ("sessions", "(id, digest, user_id, auth_time, amr, acr, remembered, created_at, seen_at, idle_at,
            expires_at, sweep_at, address, user_agent)", format!(
            "{id}, {digest}, {user}, {begun}, 'pwd', 'pwd', FALSE, {begun}, {begun}, {over}, {over}, {over}, \
             '192.0.2.1', ''"
        )),
        ("grants", "(id, client_id, user_id, session_id, offline, scope, resources, claims, nonce, auth_time,
            amr, acr, generation, rotated_at, created_at, idle_at, expires_at, sweep_at)", format!(
            "{id}, '{client}', {user}, {id}, FALSE, '{SCOPE}', '[]', '', 'n-0S6_WzA2Mj', {begun}, 'pwd', \
             'pwd', 1, {begun}, {begun}, {over}, {over}, {over}"
        )),
        ("codes", "(digest, grant_id, client_id, user_id, session_id, redirect_uri, scope, resources, claims,
            created_at, expires_at)", format!(
            "{digest}, {id}, '{client}', {user}, {user}, '{REDIRECT_URI}', '{SCOPE}', '[]', '', {begun}, {over}"
        )),
    ];
    for (table, columns, values) in rows {
        let text = format!("INSERT INTO {table} {columns} {numbers} SELECT {values} FROM n");
        execute(url, text).await.with_context(|| format!("expired rows of {table}"))?;
    }
    settle(&store, url).await?;
    store.close().await;
    Ok(())
}

/// Inserts this many certificates that clients have presented, a tenth of them still valid.
///
/// # Errors
/// When the database fails.
pub(crate) async fn insert_certificates(config: &Path, count: usize) -> Result<()> {
    let store = crate::limits::open(config).await?;
    let numbers = numbers(&store, count);
    let Timestamp(now) = Clock::system().now();
    let (day, month) = (86_400, 30 * 86_400);
    // 32 bytes in base64url, and 1,000 bytes that are never parsed.
    let (thumbprint, der) = match store.db() {
        Db::Sqlite(_) => ("printf('%042d', i) || 'A'", "CAST(printf('%01000d', i) AS BLOB)"),
        Db::Postgres(_) => {
            ("lpad(i::text, 42, '0') || 'A'", "convert_to(lpad(i::text, 1000, '0'), 'UTF8')")
        }
    };
    let not_after = format!("CASE WHEN i % 10 = 0 THEN {} ELSE {} END", now + month, now - 8 * day);
    let text = format!(
        "INSERT INTO certificates (thumbprint, public_key, origin, subject, names, issuer, serial, key_type,
                                   key_bits, not_before, not_after, der, first_seen_at)
         {numbers} SELECT {thumbprint}, {thumbprint}, 'seen', 'CN=device ' || i, '[]', 'CN=Bench CA', '01' || i,
                          'EC P-256', 256, {}, {not_after}, {der}, {} FROM n",
        now - 9 * day,
        now - 9 * day,
    );
    let url = &server::load(config)?.database.url.0;
    execute(url, text).await.context("certificates")?;
    settle(&store, url).await?;
    store.close().await;
    Ok(())
}

/// The number of rows that are due for deletion.
///
/// # Errors
/// When the database fails.
pub(crate) async fn count_expired(config: &Path) -> Result<i64> {
    #[derive(sqlx_macros::FromRow)]
    struct Count {
        count: i64,
    }
    let store = crate::limits::open(config).await?;
    let Timestamp(now) = Clock::system().now();
    let mut expired = 0;
    for text in [
        "SELECT COUNT(*) AS count FROM sessions WHERE expires_at < $1",
        "SELECT COUNT(*) AS count FROM grants WHERE expires_at < $1",
        "SELECT COUNT(*) AS count FROM codes WHERE expires_at < $1",
    ] {
        expired += sql(text).bind(now - 60 * 60).fetch_one::<Count>(store.db()).await?.count;
    }
    store.close().await;
    Ok(expired)
}

/// Runs a statement on a separate connection, without a time limit.
async fn execute(url: &Secret, text: String) -> Result<()> {
    if let Some(path) = url.expose().strip_prefix("sqlite:") {
        let connection = rusqlite::Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        // As the server collects statistics: with samples, SQLite would prepare statements again and again.
        connection.execute_batch("PRAGMA analysis_limit = 400")?;
        return Ok(connection.execute_batch(&text)?);
    }
    let mut connection = PgConnection::connect(url.expose()).await?;
    connection.execute(AssertSqlSafe(text)).await?;
    Ok(connection.close().await?)
}

/// The size of a database.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub(crate) struct Size {
    /// The whole database.
    pub(crate) bytes: i64,
    /// The events of the audit trail.
    pub(crate) audit_bytes: i64,
    /// Rows of `grants`.
    pub(crate) grants: i64,
}

/// The size of the database of a configuration.
///
/// # Errors
/// When the database fails.
pub(crate) async fn size(config: &Path) -> Result<Size> {
    let store = crate::limits::open(config).await?;
    let text = match store.db() {
        Db::Sqlite(_) => {
            "SELECT (SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()) AS bytes,
                    (SELECT COALESCE(SUM(LENGTH(facts)), 0) FROM audit_events) AS audit_bytes,
                    (SELECT COUNT(*) FROM grants) AS grants"
        }
        Db::Postgres(_) => {
            "SELECT pg_database_size(current_database()) AS bytes,
                    (SELECT COALESCE(SUM(LENGTH(facts)), 0)::BIGINT FROM audit_events) AS audit_bytes,
                    (SELECT COUNT(*) FROM grants) AS grants"
        }
    };
    let size = sql(text).fetch_one(store.db()).await?;
    store.close().await;
    Ok(size)
}
